//! Who is calling: e-mail and API token (Basic), OAuth (Bearer) through the gateway, or a personal access token (Bearer)
//! on Data Center.
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

use crate::faults;
use crate::gateway::Gateway;
use crate::log::is_api;
use crate::options::Dialect;
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

/// Marks a request whose caller used OAuth: points are counted for such callers only.
#[derive(Debug, Clone, Copy)]
pub struct ByOAuth;

/// What the sent credentials are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    Wrong,
    /// Good, and sent to an address where they do not count.
    Misplaced,
    Good {
        oauth: bool,
    },
}

fn sent(sim: &Sim, headers: &HeaderMap, gateway: bool) -> Sent {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Sent::Nothing };
    let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else { return Sent::Wrong };
    let (options, rest) = (sim.options(), rest.trim());
    let cloud = options.dialect == Dialect::Cloud;
    if scheme.eq_ignore_ascii_case("bearer") {
        return match cloud {
            // A personal access token.
            false if rest == options.token => Sent::Good { oauth: false },
            true if sim.grants().good(rest) && gateway => Sent::Good { oauth: true },
            true if sim.grants().good(rest) => Sent::Misplaced,
            true | false => Sent::Wrong,
        };
    }
    let pair =
        base64::engine::general_purpose::STANDARD.decode(rest).ok().and_then(|pair| String::from_utf8(pair).ok());
    let Some((email, token)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else { return Sent::Wrong };
    // A personal access token is no password.
    if !scheme.eq_ignore_ascii_case("basic") || !cloud || !email.eq_ignore_ascii_case(&options.email) {
        return Sent::Wrong;
    }
    if options.scoped_token.as_deref() == Some(token) {
        return if gateway { Sent::Good { oauth: false } } else { Sent::Misplaced };
    }
    if token == options.token { Sent::Good { oauth: false } } else { Sent::Wrong }
}

/// Puts the [`Principal`] into the request and marks the answer to an unauthenticated caller.
pub async fn identify(State(sim): State<Arc<Sim>>, mut request: Request, next: Next) -> Response {
    let gateway = request.extensions().get::<Gateway>().is_some();
    let sent = sent(&sim, request.headers(), gateway);
    let principal = match sent {
        Sent::Nothing => Principal::Anonymous { failed: false },
        Sent::Wrong | Sent::Misplaced => Principal::Anonymous { failed: true },
        Sent::Good { .. } => Principal::Account(sim.account().clone()),
    };
    if sent == (Sent::Good { oauth: true }) {
        request.extensions_mut().insert(ByOAuth);
    }
    request.extensions_mut().insert(principal.clone());
    let path = request.uri().path();
    let api = is_api(path) && path != "/oauth/token";
    // Gateways refuse a stranger themselves; a Data Center site sends one to its login page.
    let turned_away = match sim.options().dialect {
        Dialect::Cloud if api && (sent == Sent::Misplaced || (gateway && principal.account().is_none())) => {
            Some(faults::login_refused(&request))
        }
        Dialect::DataCenter if api && principal.account().is_none() && !path.ends_with("/myself") => {
            Some(faults::login_page())
        }
        Dialect::Cloud | Dialect::DataCenter => None,
    };
    let mut response = match turned_away {
        Some(answer) => answer,
        None => next.run(request).await,
    };
    if sim.options().dialect == Dialect::DataCenter {
        if let (Some(_), Ok(name)) = (principal.account(), HeaderValue::from_str(&sim.account().display_name)) {
            response.headers_mut().insert("x-ausername", name);
        }
        return response;
    }
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
