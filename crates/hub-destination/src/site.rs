//! One remote site over HTTP: the only place in the hub that sends anything out.
//!
//! The order is fixed: rate budget, concurrency limit, timeout, send. Nothing is repeated here, no redirect is followed
//! (a redirect would carry the credentials elsewhere), and no address or secret enters an error.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use hub_domain::codes::{self, Code};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::Url;

use crate::{Answer, Call, Method, SendFailure, Transport, budget::Budget};

/// The longest that one call may take, answer included. The publishing protocol counts on it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Calls in flight to one site at once: at 100 calls a second and 50 ms each, 5 keep the line full.
const CALLS_IN_FLIGHT: usize = 8;

/// The largest answer that is read: 16 MiB; 100 issues with properties are below 1 MiB.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// The wait after a 429 that names none, from Atlassian's advice to start at 2 to 5 seconds.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

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
    budget: Arc<dyn Budget>,
    in_flight: Semaphore,
}

impl Site {
    /// Sets up a site for Basic authentication with an account's e-mail address and API token.
    ///
    /// # Errors
    /// [`SiteError`] where the address is not allowed or the client cannot be built.
    pub fn new(
        address: &str,
        account_email: &str,
        token: &SecretString,
        budget: Arc<dyn Budget>,
    ) -> Result<Self, SiteError> {
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
            budget,
            in_flight: Semaphore::new(CALLS_IN_FLIGHT),
        })
    }

    async fn exchange(&self, call: Call) -> Result<Answer, SendFailure> {
        let turn = async {
            self.budget.permit(call.endpoint, call.method).await;
            self.in_flight.acquire().await
        };
        let _permit = match call.send_before {
            Some(moment) => timeout_at(moment, turn).await.map_err(|_| SendFailure::TooLate)?,
            None => turn.await,
        };
        if call.send_before.is_some_and(|moment| Instant::now() >= moment) {
            return Err(SendFailure::TooLate);
        }
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
        let answer = read(response).await?;
        if answer.status == 429 {
            let wait = answer.retry_after.unwrap_or(DEFAULT_WAIT);
            let reason = answer.rate_limit_reason.as_deref().unwrap_or_default();
            if reason.contains("quota") {
                self.budget.pause(None, wait);
            } else if !reason.contains("per-issue") {
                self.budget.pause(Some((call.endpoint, call.method)), wait);
            }
        }
        Ok(answer)
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
    let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let login_reason = header("x-seraph-loginreason").unwrap_or_default();
    let mut answer = Answer {
        status: response.status().as_u16(),
        retry_after: header("retry-after").and_then(|v| v.trim().parse().ok()).map(Duration::from_secs),
        rate_limit_reason: header("ratelimit-reason"),
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

    #[tokio::test]
    async fn a_call_whose_time_has_passed_is_not_sent_however_it_was_held_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let budget = Arc::new(crate::budget::LocalBudget::default());
        let address = format!("http://{}", listener.local_addr().unwrap());
        let site = Site::new(&address, "qa@example.com", &SecretString::from("t"), budget.clone()).unwrap();
        let call = || Call::write(Method::Post, "/x", "/x");
        let past = Instant::now();
        assert!(matches!(site.send(call().before(past)).await, Err(SendFailure::TooLate)));
        budget.pause(Some(("/x", Method::Post)), Duration::from_secs(3600));
        let started = Instant::now();
        let soon = started + Duration::from_millis(50);
        assert!(matches!(site.send(call().before(soon)).await, Err(SendFailure::TooLate)));
        assert!(started.elapsed() < Duration::from_secs(5), "it does not wait for a pause that ends too late");
        assert!(listener.accept().is_err(), "no connection was made");
    }

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
