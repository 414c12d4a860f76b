//! Every failure in one form: problem details (RFC 9457) with the hub's code and hint. What the caller may read and what the operator
//! needs are apart: the detail of a failure of the hub's own goes to the log.

use axum::{
    Extension,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use hub_app::AppError;
use hub_domain::codes::{self, Code};
use serde_json::{Value, json};

use crate::Correlation;

/// A failure of a request.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static Code,
    detail: String,
    /// What else the caller is told, by name.
    more: Option<Box<(&'static str, Value)>>,
}

impl Problem {
    /// A failure with what the caller may read of it.
    pub fn new(status: StatusCode, code: &'static Code, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: None }
    }

    /// Adds a member.
    pub fn with(self, name: &'static str, value: Value) -> Self {
        Self { more: Some(Box::new((name, value))), ..self }
    }

    /// A bad request.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, &codes::BAD_SETTING, detail)
    }

    /// A failure of a use case. Failures of the hub's own are logged with their causes and answered without.
    pub fn of(error: &AppError, correlation: Correlation) -> Self {
        let code = error.code();
        let status = status(code);
        if status.is_server_error() {
            tracing::error!(code = code.id, correlation = %correlation.0, "failed to {}", chain(error));
            return Self::new(status, code, code.title);
        }
        Self::new(status, code, format!("failed to {}", chain(error)))
    }

    /// The answer.
    pub fn answer(self, correlation: Correlation) -> Response {
        let mut body = json!({
            "type": format!("urn:haida-hub:error:{}", self.code.id),
            "title": self.code.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code.id,
            "hint": self.code.hint,
            "correlation_id": correlation.0.to_string(),
        });
        if let (Some(more), Some(body)) = (self.more, body.as_object_mut()) {
            let (name, value) = *more;
            body.insert(name.to_owned(), value);
        }
        let mut answer = (self.status, body.to_string()).into_response();
        answer.headers_mut().insert("content-type", HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert("retry-after", HeaderValue::from_static("10"));
        }
        answer
    }
}

/// The status of a code: whose the failure is.
fn status(code: &Code) -> StatusCode {
    match code.id {
        "HUB-6010" => StatusCode::UNAUTHORIZED,
        "HUB-4003" | "HUB-6009" => StatusCode::NOT_FOUND,
        "HUB-6007" => StatusCode::PAYLOAD_TOO_LARGE,
        "HUB-3003" | "HUB-3004" | "HUB-6001" | "HUB-6002" | "HUB-6003" | "HUB-4002" => StatusCode::SERVICE_UNAVAILABLE,
        "HUB-4004" => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// An address that leads nowhere.
pub async fn nowhere(Extension(correlation): Extension<Correlation>) -> Response {
    let said = "there is nothing at this address; docs/api.md lists what there is";
    Problem::new(StatusCode::NOT_FOUND, &codes::BAD_SETTING, said).answer(correlation)
}

/// An address that is asked in another way.
pub async fn not_this_way(Extension(correlation): Extension<Correlation>) -> Response {
    let said = "this address is asked with another method; docs/api.md says with which";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, &codes::BAD_SETTING, said).answer(correlation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_failure_is_shows_in_its_status_and_the_hubs_own_tells_nothing() {
        let correlation = Correlation(hub_app::new_correlation());
        let unknown = Problem::of(&AppError::UnknownProject { key: "nope".into() }, correlation);
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        assert!(unknown.detail.contains("nope"));
        let secret = AppError::Stage { stage: "read", source: "a path of the server".into() };
        let own = Problem::of(&secret, correlation);
        assert_eq!(own.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!own.detail.contains("a path"), "{}", own.detail);
        assert_eq!(
            Problem::of(&AppError::Token, correlation).answer(correlation).headers()["www-authenticate"],
            "Bearer"
        );
    }
}
