//! The HTTP API, thin over `hub-app`: it reads requests, calls one use case and writes the answer. No SQL, no call to a site.
//!
//! `reports` takes reports, `links` follows evidence links, `auth` judges tokens, `spool` streams bodies to disk in bounds, and
//! `problem` is the one form of every failure (RFC 9457).

mod auth;
mod health;
mod links;
mod pages;
mod problem;
mod reports;
mod spool;

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderName, HeaderValue},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use hub_app::{Store, evidence::Home};
use tokio::{net::TcpListener, sync::Semaphore};

/// Reports taken at the same time; others wait with their bodies on disk.
const TAKEN_AT_ONCE: usize = 4;
/// Bodies received at the same time; others are asked to come again.
const RECEIVED_AT_ONCE: usize = 32;
/// How long requests that are on their way may go on after a wish to stop.
const LAST_REQUESTS: Duration = Duration::from_secs(30);
/// The header by which a request is found in the log.
const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// What the API may do and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where evidence is kept that has no store of its own.
    pub home: Home,
    /// Where bodies are spooled.
    pub spool: PathBuf,
    /// The largest body, in bytes.
    pub max_body_bytes: u64,
}

/// What all requests share.
#[derive(Clone)]
pub(crate) struct Api {
    store: Store,
    options: Arc<Options>,
    receiving: Arc<Semaphore>,
    taking: Arc<Semaphore>,
}

/// The correlation id of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Correlation(pub hub_domain::CorrelationId);

/// Serves until `stop` resolves; requests on their way are finished, for 30 seconds at most.
///
/// # Errors
/// The listener's.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let api = Api {
        store,
        options: Arc::new(options),
        receiving: Arc::new(Semaphore::new(RECEIVED_AT_ONCE)),
        taking: Arc::new(Semaphore::new(TAKEN_AT_ONCE)),
    };
    let (asked, mut was_asked) = tokio::sync::watch::channel(false);
    let server = axum::serve(listener, router(api)).with_graceful_shutdown(async move {
        stop.await;
        let _ = asked.send(true);
    });
    tokio::select! {
        ended = server.into_future() => ended,
        () = async {
            let _ = was_asked.wait_for(|asked| *asked).await;
            tokio::time::sleep(LAST_REQUESTS).await;
        } => Ok(()),
    }
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/api/v1/projects/{project}/reports", post(reports::take))
        .route("/e/{token}", get(links::follow))
        .route("/healthz", get(health::ask))
        .fallback(problem::nowhere)
        .method_not_allowed_fallback(problem::not_this_way)
        // Bodies are counted where they are read: a refusal then has a code.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(correlate))
        .with_state(api)
}

/// Gives each request a number, and each answer the number and the headers that hold for all of them.
async fn correlate(mut request: Request, next: Next) -> Response {
    let correlation = Correlation(hub_app::new_correlation());
    request.extensions_mut().insert(correlation);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut answer = next.run(request).await;
    let id = correlation.0.to_string();
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(CORRELATION, value);
    }
    answer.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer.headers_mut().entry("cache-control").or_insert(HeaderValue::from_static("no-store"));
    // The token of a link is not for logs.
    let path = if path.starts_with("/e/") { "/e/.." } else { path.as_str() };
    tracing::info!(correlation = %id, %method, path, status = answer.status().as_u16(), "answered");
    answer
}
