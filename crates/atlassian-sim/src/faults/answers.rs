//! Answers that no handler gives: refusals in the envelope of each product, and pages for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::kinds::Reason;
use super::limiters::user_headers;
use super::limits::UserBucket;
use super::script::Product;
use super::{Call, Injected};
use crate::world::{World, iso_millis};

/// What a login page or a proxy puts in place of an answer.
const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Log in with Atlassian account</title></head>\
    <body><h1>Log in to continue</h1></body></html>\n";

/// A JSON answer.
pub fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body.to_string()).into_response()
}

/// A refusal in the envelope of the product and version that the call spoke to.
pub fn refusal(call: &Call, status: StatusCode, message: &str) -> Response {
    let body = match call.product() {
        Product::Jira => json!({"errorMessages": [message], "errors": {}}),
        Product::Confluence if call.path.starts_with("/wiki/api/v2/") => {
            let code = status.canonical_reason().unwrap_or("UNKNOWN").to_ascii_uppercase().replace(' ', "_");
            json!({"errors": [{"status": status.as_u16(), "code": code, "title": message, "detail": null}]})
        }
        Product::Confluence => json!({
            "statusCode": status.as_u16(),
            "data": {
                "authorized": status != StatusCode::UNAUTHORIZED,
                "valid": true,
                "allowedInReadOnlyMode": true,
                "errors": [],
                "successful": false,
            },
            "message": message,
            "reason": status.canonical_reason().unwrap_or_default(),
        }),
    };
    json_answer(status, &body)
}

/// 5xx, in the words of the proxy in front of a service that does not answer.
pub fn server_error(status: u16, retry_after_seconds: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let words = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
    let mut answer = (status, [(header::CONTENT_TYPE, "text/plain")], words).into_response();
    if let Some(seconds) = retry_after_seconds {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// 200 with a page.
pub fn page() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/html;charset=UTF-8")], PAGE).into_response()
}

/// 401.
pub fn unauthorized(call: &Call) -> Response {
    let words = match call.product() {
        Product::Jira => "You are not authenticated. Authentication required to perform this operation.",
        Product::Confluence if call.path.starts_with("/wiki/api/v2/") => "Unauthorized",
        Product::Confluence => "Client must be authenticated to access this resource.",
    };
    let mut answer = refusal(call, StatusCode::UNAUTHORIZED, words);
    let realm = HeaderValue::from_static("OAuth realm=\"atlassian-sim\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    answer
}

/// What a 429 tells its caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct Throttle {
    /// `RateLimit-Reason`.
    pub reason: Option<Reason>,
    /// `Retry-After`.
    pub retry_after_seconds: Option<u64>,
    /// `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// The name and the seconds of the policy that refuses, for the structured headers.
    pub policy: Option<(&'static str, u64)>,
    /// Data Center's bucket, where that refuses.
    pub user_bucket: Option<UserBucket>,
}

impl Throttle {
    /// What a script asks for, with the numbers that Atlassian documents for the reason.
    pub fn scripted(reason: Option<Reason>, retry_after_seconds: Option<u64>) -> Self {
        let (limit, policy) = match reason {
            None => (None, None),
            Some(Reason::JiraBurstBased) => (Some(100), Some(("jira-burst-based", 1))),
            Some(Reason::JiraPerIssueOnWrite) => (Some(20), Some(("jira-per-issue-on-write", 2))),
            Some(Reason::JiraQuotaGlobalBased | Reason::ConfluenceQuotaGlobalBased) => {
                (Some(65_000), Some(("global-app-quota", 3_600)))
            }
            Some(Reason::JiraQuotaTenantBased | Reason::ConfluenceQuotaTenantBased) => {
                (Some(100_000), Some(("tenant-app-quota", 3_600)))
            }
        };
        Self { reason, retry_after_seconds, limit, policy, user_bucket: None }
    }

    /// The 429. Without a reason it has none of the headers and a body that is not the product's, as a gateway's.
    pub fn answer(self, call: &Call) -> Response {
        let mut answer = if self.reason.is_none() && self.limit.is_none() {
            let words = "Too Many Requests\n";
            (StatusCode::TOO_MANY_REQUESTS, [(header::CONTENT_TYPE, "text/plain")], words).into_response()
        } else {
            refusal(call, StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.")
        };
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(name, value);
            }
        };
        if let Some(seconds) = self.retry_after_seconds {
            set("retry-after", seconds.to_string());
            if self.limit.is_some() && self.user_bucket.is_none() {
                let wait = time::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
                set("x-ratelimit-reset", World::now().checked_add(wait).map(iso_millis).unwrap_or_default());
            }
        }
        if let Some(reason) = self.reason {
            set("ratelimit-reason", reason.text().to_owned());
        }
        for (name, value) in self.user_bucket.into_iter().flat_map(|bucket| user_headers(bucket, 0)) {
            set(name, value);
        }
        if let Some(limit) = self.limit {
            set("x-ratelimit-limit", limit.to_string());
            set("x-ratelimit-remaining", "0".to_owned());
            if let Some((policy, window)) = self.policy {
                set("ratelimit-policy", format!("\"{policy}\";q={limit};w={window}"));
                let left = self.retry_after_seconds.unwrap_or(window);
                set("ratelimit", format!("\"{policy}\";r=0;t={left}"));
            }
        }
        answer
    }
}

/// Names the fault in the answer's extensions, for the log.
pub fn marked(mut answer: Response, kind: &'static str) -> Response {
    answer.extensions_mut().insert(Injected(kind));
    answer
}
