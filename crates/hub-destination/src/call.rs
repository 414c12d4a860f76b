//! A request to a site and its answer, as plain values: what a destination builds and reads, and what a simulation can
//! carry without a network.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use crate::limits::Limits;

/// The HTTP methods that the hub uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or read with a body.
    Post,
    /// Replace.
    Put,
    /// Remove.
    Delete,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// The method of a name on the wire.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Delete].into_iter().find(|method| method.as_str() == word)
    }
}

/// Whether a call changes something at the site. A read that fails may always be repeated; a write may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads only, whatever its method.
    Read,
    /// It writes.
    Write,
}

/// A request, without the site's address and credentials.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path below the site, beginning with `/`, with its query.
    pub path: String,
    /// The endpoint as the site limits it: the path with `{id}` in the place of ids.
    pub endpoint: &'static str,
    /// The JSON body.
    pub body: Option<Value>,
    /// Whether it writes.
    pub effect: Effect,
    /// The moment after which it must not be sent any more, however long the rate budget made it wait.
    pub send_before: Option<Instant>,
}

impl Call {
    /// A call that reads.
    #[must_use]
    pub fn read(method: Method, endpoint: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), endpoint, body: None, effect: Effect::Read, send_before: None }
    }

    /// A call that writes.
    #[must_use]
    pub fn write(method: Method, endpoint: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), endpoint, body: None, effect: Effect::Write, send_before: None }
    }

    /// The call, not to be sent after a moment.
    #[must_use]
    pub fn before(mut self, moment: Instant) -> Self {
        self.send_before = Some(moment);
        self
    }

    /// The call with a JSON body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// An answer with the headers that the hub reads.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`; absent where the site does not say.
    pub retry_after: Option<Duration>,
    /// `RateLimit-Reason`.
    pub rate_limit_reason: Option<String>,
    /// What the other headers say about limits.
    pub limits: Limits,
    /// Whether `X-Seraph-LoginReason` says that the login failed: the answer is then an anonymous user's, whatever its
    /// status.
    pub login_failed: bool,
    /// `Content-Type` without parameters, in lower case.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; nothing where it is none.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the status is of the 2xx kind.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
