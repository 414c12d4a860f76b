//! Confluence's answers become outcomes. Pure.
//!
//! Every write of the hub may be repeated: a create meets its own title, an update its own version, labels are a set.
//! So a lost answer is never `Unknown` here; the next attempt finds out.

use hub_destination::{Answer, Cause, Outcome, SendFailure, Throttle, site::DEFAULT_WAIT};
use hub_domain::codes;
use serde_json::Value;

/// What a write was refused for, where the flow has an answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The title is taken in the space: 400 on create, 400 or 409 on update; told by its text, not by its status.
    TitleTaken,
    /// The version is not the next one: somebody else wrote in between, or our own write landed and its answer was lost.
    Conflict,
    /// The page does not exist, is in the trash, or the account may not see it.
    Missing(Cause),
    /// Anything else.
    Other(Outcome),
}

impl Failure {
    /// The outcome where the flow has no answer of its own.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::TitleTaken => {
                Outcome::Refused(Cause::new(&codes::TITLE_TAKEN, Some(400), "a page with this title exists"))
            }
            Self::Conflict => {
                Outcome::Retryable(Cause::new(&codes::REMOTE_FAILED, Some(409), "the page was changed meanwhile"))
            }
            Self::Missing(cause) => Outcome::Refused(cause),
            Self::Other(outcome) => outcome,
        }
    }
}

/// The JSON of a successful answer (null where it has no body), or what its failure means.
///
/// # Errors
/// The [`Failure`].
pub fn answer(result: Result<Answer, SendFailure>) -> Result<Value, Failure> {
    let answer = result.map_err(|failure| {
        Failure::Other(match failure {
            SendFailure::TooLate => Outcome::Throttled { throttle: Throttle::Unnamed, wait: DEFAULT_WAIT },
            SendFailure::Paused { throttle, wait } => Outcome::Throttled { throttle, wait },
            SendFailure::NotSent { .. } | SendFailure::NoAnswer { .. } => {
                Outcome::Retryable(Cause::new(&codes::SITE_UNREACHABLE, None, failure.to_string()))
            }
        })
    })?;
    let status = Some(answer.status);
    if answer.login_failed || answer.status == 401 {
        return Err(Failure::Other(Outcome::Retryable(Cause::new(&codes::AUTHENTICATION, status, message(&answer)))));
    }
    let text = message(&answer);
    let lower = text.to_lowercase();
    Err(match answer.status {
        200..300 if answer.body.is_empty() => return Ok(Value::Null),
        200..300 => {
            let kind = answer.content_type.as_deref().unwrap_or("nothing");
            return answer.json().ok_or_else(|| {
                let text = format!("expected JSON and received {kind}");
                Failure::Other(Outcome::Retryable(Cause::new(&codes::REMOTE_FAILED, status, text)))
            });
        }
        400 | 409 | 500 if lower.contains("title") && lower.contains("already exists") => Failure::TitleTaken,
        409 => Failure::Conflict,
        404 => Failure::Missing(Cause::new(&codes::REMOTE_MISSING, status, text)),
        403 => Failure::Other(Outcome::Refused(Cause::new(&codes::PERMISSION, status, text))),
        429 => Failure::Other(Outcome::Throttled {
            throttle: match answer.rate_limit_reason.as_deref() {
                Some(reason) if reason.contains("quota") => Throttle::Site,
                Some(_) => Throttle::Endpoint,
                None => Throttle::Unnamed,
            },
            wait: answer.retry_after.unwrap_or(DEFAULT_WAIT),
        }),
        400 | 413 | 422 => Failure::Other(Outcome::Refused(Cause::new(&codes::REFUSED, status, text))),
        _ => Failure::Other(Outcome::Retryable(Cause::new(&codes::REMOTE_FAILED, status, text))),
    })
}

/// Confluence's own words: v2's `errors[].title`, v1's `message`.
fn message(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let titles = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let titles: Vec<&str> = titles.filter_map(|e| e.get("title").and_then(Value::as_str)).collect();
    let words = if titles.is_empty() {
        body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
    } else {
        titles.join("; ")
    };
    if words.is_empty() { format!("the site answered {}", answer.status) } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Result<Answer, SendFailure> {
        Ok(Answer { status, body: body.to_owned().into(), ..Answer::default() })
    }

    #[test]
    fn a_taken_title_is_told_by_its_text_in_both_envelopes() {
        let v2 = r#"{"errors":[{"status":400,"code":"BAD_REQUEST","title":"A page with this title already exists: A page already exists with the same TITLE in this space","detail":null}]}"#;
        let v1 = r#"{"statusCode":409,"message":"com.atlassian...BadRequestException: A page with this title already exists: x"}"#;
        assert_eq!(answer(reply(400, v2)).unwrap_err(), Failure::TitleTaken);
        assert_eq!(answer(reply(409, v1)).unwrap_err(), Failure::TitleTaken);
        let conflict = r#"{"errors":[{"status":409,"code":"CONFLICT","title":"Version must be incremented on update. Current version is: 5","detail":null}]}"#;
        assert_eq!(answer(reply(409, conflict)).unwrap_err(), Failure::Conflict);
    }

    #[test]
    fn xhtml_errors_are_refusals_and_outages_are_not() {
        let xhtml = r#"{"errors":[{"status":400,"code":"INVALID_REQUEST_PARAMETER","title":"Error parsing xhtml: Unexpected close tag","detail":null}]}"#;
        assert!(matches!(answer(reply(400, xhtml)).unwrap_err().into_outcome(), Outcome::Refused(_)));
        assert!(matches!(answer(reply(503, "<html>")).unwrap_err().into_outcome(), Outcome::Retryable(_)));
        assert!(matches!(answer(reply(200, "<html>")).unwrap_err().into_outcome(), Outcome::Retryable(_)));
        assert_eq!(answer(reply(204, "")).unwrap(), Value::Null);
    }
}
