//! Who is calling: Basic authentication with e-mail and API token, as on Cloud.
//!
//! A wrong token is not refused here. Real Cloud treats such a caller as anonymous, answers 200 with little or nothing on
//! endpoints that allow anonymous access, and says so only in `X-Seraph-LoginReason`. Handlers that need an account
//! answer 401 themselves.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;

use crate::server::Sim;

/// An Atlassian account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// 24 hexadecimal digits, as Cloud gives out.
    pub account_id: String,
    /// The address used to log in.
    pub email: String,
    /// The name that people read.
    pub display_name: String,
}

impl Account {
    /// The account of an address. The id depends on nothing but the address, so it is stable between runs.
    #[must_use]
    pub fn of(email: &str) -> Self {
        let digest = |seed: u64| {
            email.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
        };
        let id = format!("{:016x}{:016x}", digest(0xcbf2_9ce4_8422_2325), digest(0x8422_2325_cbf2_9ce4));
        let name = email.split('@').next().unwrap_or(email);
        Self { account_id: id.chars().take(24).collect(), email: email.to_owned(), display_name: name.to_owned() }
    }
}

/// The caller of a request; every API handler finds it in the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Authenticated.
    Account(Account),
    /// Not authenticated.
    Anonymous {
        /// Whether credentials were sent and did not match.
        failed: bool,
    },
}

impl Principal {
    /// The account, if the caller is authenticated.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Anonymous { .. } => None,
        }
    }
}

fn principal(sim: &Sim, headers: &HeaderMap) -> Principal {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Principal::Anonymous { failed: false };
    };
    let sent = value.to_str().ok().and_then(|text| {
        let (scheme, rest) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?).ok()
    });
    match sent.as_deref().and_then(|pair| pair.split_once(':')) {
        Some((email, token)) if email.eq_ignore_ascii_case(&sim.options().email) && token == sim.options().token => {
            Principal::Account(sim.account().clone())
        }
        Some(_) | None => Principal::Anonymous { failed: true },
    }
}

/// Puts the [`Principal`] into the request and marks the answer to an unauthenticated caller.
pub async fn identify(State(sim): State<Arc<Sim>>, mut request: Request, next: Next) -> Response {
    let principal = principal(&sim, request.headers());
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    match principal {
        Principal::Account(account) => {
            // A script can make a known caller a stranger, who is told no account.
            if !response.headers().contains_key("x-seraph-loginreason")
                && let Ok(value) = HeaderValue::from_str(&account.account_id)
            {
                response.headers_mut().insert("x-aaccountid", value);
            }
        }
        Principal::Anonymous { .. } => {
            response.headers_mut().insert("x-seraph-loginreason", HeaderValue::from_static("AUTHENTICATED_FAILED"));
        }
    }
    response
}
