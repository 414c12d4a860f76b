//! What Jira lets one issue carry. Off unless asked for.

use axum::http::StatusCode;

use super::reply::Refusal;
use super::state::{Issue, State};

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
