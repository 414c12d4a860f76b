//! Jira's answers become outcomes. Pure, and the only place that decides whether a write may have landed.
//!
//! Definite refusals are 400, 401, 403, 404, 413, 422 and 429: Jira has not executed the request. After a 5xx, a
//! timeout, a reset or an unreadable 2xx it may have. Source of the error envelope: `errorMessages` and `errors` of
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes>.

use hub_destination::{Answer, Cause, Outcome, SendFailure, Throttle, site::DEFAULT_WAIT};
use hub_domain::codes;
use serde_json::Value;

/// What repeating the call would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing: a read, a replacement, a link that Jira absorbs.
    Harmless,
    /// Another object: a create.
    Duplicates,
}

/// The successful answer, or the outcome that its failure means for everything that the call carried.
///
/// # Errors
/// The [`Outcome`] of a call that did not succeed.
pub fn answer(result: Result<Answer, SendFailure>, repeat: Repeat) -> Result<Answer, Outcome> {
    let answer = match result {
        Ok(answer) => answer,
        Err(failure @ SendFailure::NotSent { .. }) => {
            return Err(Outcome::Retryable(Cause::new(&codes::SITE_UNREACHABLE, None, failure.to_string())));
        }
        // The rate budget, or a process that was stopped, held it up: that says nothing against what it carries.
        Err(SendFailure::TooLate) => {
            return Err(Outcome::Throttled { throttle: Throttle::Unnamed, wait: DEFAULT_WAIT });
        }
        Err(SendFailure::Paused { throttle, wait }) => return Err(Outcome::Throttled { throttle, wait }),
        Err(failure @ SendFailure::NoAnswer { .. }) => {
            let code = if repeat == Repeat::Duplicates { &codes::UNCERTAIN } else { &codes::SITE_UNREACHABLE };
            return Err(doubt(repeat, Cause::new(code, None, failure.to_string())));
        }
    };
    let status = Some(answer.status);
    match answer.status {
        401 => Err(Outcome::Retryable(Cause::new(&codes::AUTHENTICATION, status, message(&answer)))),
        _ if answer.login_failed && !answer.is_success() => {
            Err(Outcome::Retryable(Cause::new(&codes::AUTHENTICATION, status, message(&answer))))
        }
        // The answer is an anonymous user's: what it says about our objects is worth nothing.
        _ if answer.login_failed => {
            Err(doubt(repeat, Cause::new(&codes::AUTHENTICATION, status, "the site answered as to an anonymous user")))
        }
        200..300 => Ok(answer),
        429 => Err(Outcome::Throttled {
            throttle: throttle(answer.rate_limit_reason.as_deref()),
            wait: answer.retry_after.unwrap_or(DEFAULT_WAIT),
        }),
        409 if repeat == Repeat::Harmless => {
            Err(Outcome::Retryable(Cause::new(&codes::REMOTE_FAILED, status, message(&answer))))
        }
        403 => Err(Outcome::Refused(Cause::new(&codes::PERMISSION, status, message(&answer)))),
        404 => Err(Outcome::Refused(Cause::new(&codes::REMOTE_MISSING, status, message(&answer)))),
        400 | 413 | 422 => Err(Outcome::Refused(Cause::new(&codes::REFUSED, status, message(&answer)))),
        _ => Err(doubt(repeat, Cause::new(&codes::REMOTE_FAILED, status, message(&answer)))),
    }
}

/// The JSON of a successful answer; a 2xx that is no JSON may still have been executed.
///
/// # Errors
/// The [`Outcome`] of a call whose answer cannot be read.
pub fn json(result: Result<Answer, SendFailure>, repeat: Repeat) -> Result<Value, Outcome> {
    let answer = answer(result, repeat)?;
    answer.json().ok_or_else(|| {
        let kind = answer.content_type.as_deref().unwrap_or("nothing");
        doubt(
            repeat,
            Cause::new(&codes::REMOTE_FAILED, Some(answer.status), format!("expected JSON and received {kind}")),
        )
    })
}

/// The success of a write that is answered without a body. A page in HTML is some proxy's: the write may not have been
/// executed.
///
/// # Errors
/// The [`Outcome`] of a call whose answer proves nothing.
pub fn done(result: Result<Answer, SendFailure>, repeat: Repeat) -> Result<(), Outcome> {
    let answer = answer(result, repeat)?;
    if answer.body.is_empty() || answer.json().is_some() {
        return Ok(());
    }
    let kind = answer.content_type.as_deref().unwrap_or("another body");
    Err(doubt(
        repeat,
        Cause::new(&codes::REMOTE_FAILED, Some(answer.status), format!("expected no body and received {kind}")),
    ))
}

fn doubt(repeat: Repeat, cause: Cause) -> Outcome {
    match repeat {
        Repeat::Harmless => Outcome::Retryable(cause),
        Repeat::Duplicates => Outcome::Unknown(cause),
    }
}

fn throttle(reason: Option<&str>) -> Throttle {
    match reason {
        Some(reason) if reason.contains("quota") => Throttle::Site,
        Some(reason) if reason.contains("per-issue") => Throttle::Object,
        Some(_) => Throttle::Endpoint,
        None => Throttle::Unnamed,
    }
}

/// Jira's own words: every entry of `errorMessages` and of `errors`, joined.
#[must_use]
pub fn words(body: &Value) -> String {
    let messages = body.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
    let messages = messages.filter_map(Value::as_str).map(str::to_owned);
    let fields = body.get("errors").and_then(Value::as_object).into_iter().flatten();
    let fields = fields.map(|(field, text)| format!("{field}: {}", text.as_str().unwrap_or("refused")));
    messages.chain(fields).collect::<Vec<_>>().join("; ")
}

fn message(answer: &Answer) -> String {
    let words = answer.json().map(|body| words(&body)).unwrap_or_default();
    if words.is_empty() { format!("the site answered {}", answer.status) } else { words }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reply(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned().into(), ..Answer::default() }
    }

    #[test]
    fn only_what_jira_certainly_did_not_execute_is_definite() {
        for status in [400, 403, 404, 413, 422] {
            let outcome = answer(Ok(reply(status, "{}")), Repeat::Duplicates).unwrap_err();
            assert!(matches!(outcome, Outcome::Refused(_)), "{status}: {outcome:?}");
        }
        for status in [302, 409, 500, 502, 503, 504] {
            let create = answer(Ok(reply(status, "<html>")), Repeat::Duplicates).unwrap_err();
            assert!(matches!(create, Outcome::Unknown(_)), "{status}: {create:?}");
            let put = answer(Ok(reply(status, "<html>")), Repeat::Harmless).unwrap_err();
            assert!(matches!(put, Outcome::Retryable(_)), "{status}: {put:?}");
        }
        let html = json(Ok(reply(200, "<html>")), Repeat::Duplicates).unwrap_err();
        assert!(matches!(html, Outcome::Unknown(_)), "{html:?}");
        let put = done(Ok(reply(200, "<html>")), Repeat::Harmless).unwrap_err();
        assert!(matches!(put, Outcome::Retryable(_)), "{put:?}");
        assert_eq!(done(Ok(reply(204, "")), Repeat::Harmless), Ok(()));
        let lost = answer(Err(SendFailure::NoAnswer { reason: "reset".into() }), Repeat::Duplicates).unwrap_err();
        assert!(matches!(lost, Outcome::Unknown(_)));
        let unsent = answer(Err(SendFailure::NotSent { reason: "no route".into() }), Repeat::Duplicates).unwrap_err();
        assert!(matches!(unsent, Outcome::Retryable(_)));
    }

    #[test]
    fn an_anonymous_answer_is_never_believed() {
        let mut anonymous = reply(200, r#"{"issues":[]}"#);
        anonymous.login_failed = true;
        let outcome = answer(Ok(anonymous), Repeat::Harmless).unwrap_err();
        assert!(matches!(&outcome, Outcome::Retryable(cause) if cause.code.id == "HUB-2002"), "{outcome:?}");
    }

    #[test]
    fn a_throttle_keeps_its_reason_and_its_wait() {
        let mut burst = reply(429, "");
        burst.rate_limit_reason = Some("jira-burst-based".into());
        burst.retry_after = Some(Duration::from_secs(0));
        assert_eq!(
            answer(Ok(burst), Repeat::Duplicates).unwrap_err(),
            Outcome::Throttled { throttle: Throttle::Endpoint, wait: Duration::ZERO }
        );
        assert_eq!(
            answer(Ok(reply(429, "")), Repeat::Duplicates).unwrap_err(),
            Outcome::Throttled { throttle: Throttle::Unnamed, wait: DEFAULT_WAIT }
        );
    }

    #[test]
    fn the_sites_words_reach_the_operator() {
        let body = r#"{"errorMessages":["INVALID_INPUT"],"errors":{"summary":"Summary can't exceed 255 characters."}}"#;
        let outcome = answer(Ok(reply(400, body)), Repeat::Duplicates).unwrap_err();
        let Outcome::Refused(cause) = outcome else { panic!("{outcome:?}") };
        assert_eq!(cause.message, "INVALID_INPUT; summary: Summary can't exceed 255 characters.");
    }
}
