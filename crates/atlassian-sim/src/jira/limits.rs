//! What Jira lets one issue carry, and how many calls it lets one endpoint take. Both are off unless asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::reply::Refusal;
use super::state::{Issue, State};
use crate::server::Sim;

const COMMENTS: usize = 5_000;
const LINKS: usize = 2_000;
const REMOTE_LINKS: usize = 2_000;
const ATTACHMENTS: usize = 2_000;

fn cap(held: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if held < most {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The issue has reached the limit of {most} {what}.")))
}

/// Refuses one more comment.
///
/// # Errors
/// 413 when the issue holds as many comments as it may.
pub fn comments(issue: &Issue) -> Result<(), Refusal> {
    cap(issue.comments.len(), COMMENTS, "comments")
}

/// Refuses one more link.
///
/// # Errors
/// 413 when the issue holds as many links as it may.
pub fn links(state: &State, issue: u64) -> Result<(), Refusal> {
    cap(state.links_of.get(&issue).map_or(0, Vec::len), LINKS, "issue links")
}

/// Refuses one more remote link.
///
/// # Errors
/// 413 when the issue holds as many remote links as it may.
pub fn remote_links(issue: &Issue) -> Result<(), Refusal> {
    cap(issue.remote_links.len(), REMOTE_LINKS, "remote issue links")
}

/// Refuses one more attachment.
///
/// # Errors
/// 413 when the issue holds as many attachments as it may.
pub fn attachments(issue: &Issue) -> Result<(), Refusal> {
    cap(issue.attachments.len(), ATTACHMENTS, "attachments")
}

/// Calls of each endpoint in the running second.
#[derive(Debug, Default)]
pub struct Burst {
    windows: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Burst {
    /// Counts a call; false when the second is full.
    fn admit(&self, endpoint: String, most: u32) -> bool {
        let now = Instant::now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, calls) = windows.entry(endpoint).or_insert((now, 0));
        if now.duration_since(*since) >= Duration::from_secs(1) {
            *since = now;
            *calls = 0;
        }
        *calls += 1;
        *calls <= most
    }
}

/// Refuses calls above the burst limit of their endpoint and method with 429 and the headers of a real one.
pub async fn enforce(Shared(sim): Shared<Arc<Sim>>, request: Request, next: Next) -> Response {
    let Some(most) = sim.options().burst_per_second else {
        return next.run(request).await;
    };
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if sim.burst().admit(format!("{} {path}", request.method()), most) {
        return next.run(request).await;
    }
    let mut response = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.").into_response();
    let headers = response.headers_mut();
    headers.insert("retry-after", HeaderValue::from_static("1"));
    headers.insert("ratelimit-reason", HeaderValue::from_static("jira-burst-based"));
    headers.insert("x-ratelimit-limit", HeaderValue::from(most));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    response
}
