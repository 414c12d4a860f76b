//! Answers, and the two error envelopes: Confluence v2 and v1 fail in different shapes, and clients read both.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What an operation answers. `Err` carries a refusal, so that `?` ends the operation with it.
pub type Answer = Result<Reply, Reply>;

/// The part after the headers.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing, as with 204.
    Empty,
    /// A JSON document.
    Json(Value),
    /// A page for people.
    Html(String),
}

/// One answer, not yet bound to a connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The `Link` header of a v2 collection.
    pub link: Option<String>,
    /// The body.
    pub content: Content,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: StatusCode, value: Value) -> Self {
        Self { status, link: None, content: Content::Json(value) }
    }

    /// 200 with JSON.
    pub fn ok(value: Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, link: None, content: Content::Empty }
    }

    /// A page for people.
    pub fn html(status: StatusCode, page: String) -> Self {
        Self { status, link: None, content: Content::Html(page) }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.content {
            Content::Empty => self.status.into_response(),
            Content::Json(value) => (
                self.status,
                // Confluence does not name a charset; JSON is UTF-8 by definition.
                [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                value.to_string(),
            )
                .into_response(),
            Content::Html(page) => (
                self.status,
                [
                    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                    // Stored pages are other people's text: even a rendering mistake must not run a script.
                    (
                        header::CONTENT_SECURITY_POLICY,
                        HeaderValue::from_static(
                            "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:",
                        ),
                    ),
                ],
                page,
            )
                .into_response(),
        };
        if let Some(link) = self.link
            && let Ok(value) = HeaderValue::from_str(&link)
        {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }
}

/// A v2 refusal: `{"errors":[{"status","code","title","detail"}]}`.
pub fn v2(status: StatusCode, code: &str, title: &str) -> Reply {
    Reply::json(status, json!({"errors": [{"status": status.as_u16(), "code": code, "title": title, "detail": null}]}))
}

/// v2: a parameter or a body field that cannot be used.
pub fn invalid(title: &str) -> Reply {
    v2(StatusCode::BAD_REQUEST, "INVALID_REQUEST_PARAMETER", title)
}

/// v2: a value of the wrong kind, in the recorded words.
pub fn wrong_type(value: &str, name: &str, expected: &str) -> Reply {
    invalid(&format!("Provided value {{{value}}} for '{name}' is not the correct type. Expected type is {expected}"))
}

/// v2: a rule of the product forbids it.
pub fn bad_request(title: &str) -> Reply {
    v2(StatusCode::BAD_REQUEST, "BAD_REQUEST", title)
}

/// v2: what is named does not exist, or is hidden from the caller.
pub fn not_found(title: &str) -> Reply {
    v2(StatusCode::NOT_FOUND, "NOT_FOUND", title)
}

/// v2: somebody else was faster.
pub fn conflict(title: &str) -> Reply {
    v2(StatusCode::CONFLICT, "CONFLICT", title)
}

/// v2: the body is above the limit.
pub fn too_large() -> Reply {
    v2(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "Request body exceeds the limit of 5242880 bytes")
}

/// A v1 refusal: `{"statusCode","data","message","reason"}`.
pub fn v1(status: StatusCode, message: &str) -> Reply {
    let authorized = status != StatusCode::UNAUTHORIZED && status != StatusCode::FORBIDDEN;
    Reply::json(
        status,
        json!({
            "statusCode": status.as_u16(),
            "data": {
                "authorized": authorized,
                // Only a refusal for what was sent is "invalid"; the other ones leave it true.
                "valid": status != StatusCode::BAD_REQUEST,
                "allowedInReadOnlyMode": true,
                "errors": [],
                "successful": false,
            },
            "message": message,
            "reason": status.canonical_reason().unwrap_or_default(),
        }),
    )
}

/// v1: the exception that Confluence names in its 400s.
pub fn v1_bad_request(message: &str) -> Reply {
    v1(
        StatusCode::BAD_REQUEST,
        &format!("com.atlassian.confluence.api.service.exceptions.api.BadRequestException: {message}"),
    )
}

/// v1: the answer for content that does not exist.
pub fn v1_no_content(id: &str) -> Reply {
    v1(StatusCode::NOT_FOUND, &format!("No content found with id: ContentId{{id={id}}}"))
}

/// Turns a v2 refusal into its v1 form: the rules are one, the envelopes two.
pub fn as_v1(reply: Reply) -> Reply {
    let Content::Json(value) = &reply.content else {
        return reply;
    };
    let title = value.pointer("/errors/0/title").and_then(Value::as_str).unwrap_or_default();
    match reply.status {
        StatusCode::BAD_REQUEST => v1_bad_request(title),
        StatusCode::CONFLICT => v1(
            StatusCode::CONFLICT,
            &format!("com.atlassian.confluence.api.service.exceptions.ConflictException: {title}"),
        ),
        status => v1(status, title),
    }
}
