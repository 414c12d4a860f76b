//! One remote site over HTTP: the only place in the hub that sends anything out.
//!
//! Raw HTTP: the rate budget and the concurrency limit are the [`crate::Gate`]'s in front of it. Nothing is repeated here, no
//! redirect is followed (a redirect would carry the credentials elsewhere), and no address or secret enters an error.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use hub_domain::codes::{self, Code};
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use url::Url;

use crate::{
    Answer, Call, Method, SendFailure, Transport,
    limits::{self, Limits},
    reaction::FIRST_BACKOFF,
};

/// The longest that one call may take, answer included. The publishing protocol counts on it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer that is read: 16 MiB; 100 issues with properties are below 1 MiB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The wait of what a 429 refused that names none.
pub const DEFAULT_WAIT: Duration = FIRST_BACKOFF;

/// Why a site cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The address is not one the hub may call.
    #[error("use the site address {address:?}: {rule}")]
    Address {
        /// The address.
        address: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The HTTP client could not be built.
    #[error("set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

impl SiteError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        &codes::BAD_SETTING
    }
}

/// Checks a site's address: `https`, or `http` on this machine's loopback for a simulator; no user, query or fragment.
///
/// # Errors
/// [`SiteError::Address`] with the rule that it breaks.
pub fn check_address(address: &str) -> Result<Url, SiteError> {
    let fail = |rule| SiteError::Address { address: address.chars().take(200).collect(), rule };
    let url = Url::parse(address).map_err(|_| fail("it is not a URL"))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(fail("it must begin with https:// (http:// only on loopback)")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("it must not hold a user or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail("it must not hold a query or fragment"));
    }
    Ok(url)
}

/// A site with its account.
pub struct Site {
    base: String,
    authorization: SecretString,
    client: reqwest::Client,
}

impl Site {
    /// Sets up a site for Basic authentication with an account's e-mail address and API token.
    ///
    /// # Errors
    /// [`SiteError`] where the address is not allowed or the client cannot be built.
    pub fn new(address: &str, account_email: &str, token: &SecretString) -> Result<Self, SiteError> {
        let url = check_address(address)?;
        // A second call finds the provider installed, which is what is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("haida-hub/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SiteError::Client)?;
        let pair = STANDARD.encode(format!("{account_email}:{}", token.expose_secret()));
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            authorization: SecretString::from(format!("Basic {pair}")),
            client,
        })
    }

    async fn exchange(&self, call: Call) -> Result<Answer, SendFailure> {
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self
            .client
            .request(method, format!("{}{}", self.base, call.path))
            .header("authorization", self.authorization.expose_secret())
            .header("accept", "application/json");
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| failure(&error))?;
        read(response).await
    }
}

impl Transport for Site {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        Box::pin(self.exchange(call))
    }
}

/// Whether the request can have been received. Only a connection that never stood proves that it was not.
fn failure(error: &reqwest::Error) -> SendFailure {
    if error.is_connect() {
        SendFailure::NotSent { reason: "no connection could be made".to_owned() }
    } else if error.is_builder() {
        SendFailure::NotSent { reason: "the request could not be built".to_owned() }
    } else if error.is_timeout() {
        SendFailure::NoAnswer { reason: format!("no answer within {} s", CALL_TIMEOUT.as_secs()) }
    } else {
        SendFailure::NoAnswer { reason: "the connection broke before the answer was whole".to_owned() }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Answer, SendFailure> {
    let header = |name: &str| {
        let lines: Vec<&str> =
            response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    // The site's own clock where it tells it: only differences to it are used.
    let now = header("date").and_then(|text| limits::date(&text)).unwrap_or_else(OffsetDateTime::now_utc);
    let login_reason = header("x-seraph-loginreason").unwrap_or_default();
    let mut answer = Answer {
        status: response.status().as_u16(),
        retry_after: header("retry-after").and_then(|text| limits::retry_after(&text, now)),
        rate_limit_reason: header("ratelimit-reason"),
        limits: Limits::read(&header, now),
        login_failed: login_reason.contains("FAILED") || login_reason.contains("DENIED"),
        content_type: header("content-type").and_then(|v| v.split(';').next().map(|t| t.trim().to_ascii_lowercase())),
        body: bytes::Bytes::new(),
    };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(SendFailure::NoAnswer { reason: "the answer is larger than 16 MiB".to_owned() });
        }
        body.extend_from_slice(&chunk);
    }
    answer.body = body.into();
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_keep_credentials_safe_are_taken() {
        for good in ["https://example.atlassian.net", "http://127.0.0.1:4000", "https://host/jira/", "http://[::1]:1"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in ["http://example.atlassian.net", "ftp://x", "https://me:secret@host", "https://h/?q", "nonsense"] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
