//! What every handler needs: the caller, the query, the sent body, and Jira's error envelope.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::auth::{Account, Principal};
use crate::gateway::{CLOUD_ID, Gateway};
use crate::options::Dialect;
use crate::server::Sim;

/// Sent for a body that is not the JSON which the endpoint takes.
const BAD_PAYLOAD: &str = "Invalid request payload. Refer to the REST API documentation and try again.";

/// Which REST version a path names. It decides how rich text travels, and on Data
/// Center a little more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/rest/api/2` and `/rest/api/latest`: rich text is a string of wiki markup.
    V2,
    /// `/rest/api/3`: rich text is an Atlassian Document.
    V3,
    /// Version 2 as Data Center has it: users by name, and some texts of its own.
    Server,
}

/// The address of the site and the version in use, for `self` links.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Without a trailing slash.
    pub base: &'a str,
    /// The version of the call being answered.
    pub version: Version,
}

impl Site<'_> {
    /// The full address of an API path, e.g. `issue/10001`.
    pub fn api(&self, path: &str) -> String {
        let version = match self.version {
            Version::V2 | Version::Server => 2,
            Version::V3 => 3,
        };
        format!("{}/rest/api/{version}/{path}", self.base)
    }
}

/// A refused call: the status and Jira's error envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong with the call as a whole.
    pub messages: Vec<String>,
    /// What is wrong with a field.
    pub errors: Map<String, Value>,
}

impl Refusal {
    /// A refusal with one message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, messages: vec![message.into()], errors: Map::new() }
    }

    /// 400 with one message.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404 with one message.
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 404 for an issue that does not exist or that the caller may not see.
    pub fn no_issue() -> Self {
        Self::missing("Issue does not exist or you do not have permission to see it.")
    }

    /// 400 for one field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            messages: Vec::new(),
            errors: Map::from_iter([(field.into(), Value::String(message.into()))]),
        }
    }

    /// 400 for a body that cannot be read.
    pub fn payload() -> Self {
        Self::bad(BAD_PAYLOAD)
    }

    /// 401 for a caller without an account.
    pub fn login() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "You are not authenticated. Authentication required to perform this operation.",
        )
    }

    /// The envelope: `{"errorMessages":[],"errors":{}}`.
    pub fn envelope(&self) -> Value {
        json!({"errorMessages": self.messages, "errors": self.errors})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = answer(self.status, &self.envelope());
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("OAuth realm=\"atlassian-sim\""));
        }
        response
    }
}

/// What a handler returns.
pub type Answer = Result<Response, Refusal>;

/// A JSON answer with Jira's content type.
pub fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body.to_string()).into_response()
}

/// 200 with a JSON body.
pub fn ok(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

/// 204.
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The call as a handler sees it.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The simulator.
    pub sim: Arc<Sim>,
    /// The caller.
    pub principal: Principal,
    /// The REST version of the path.
    pub version: Version,
    base: String,
    query: Vec<(String, String)>,
}

impl Ctx {
    /// The site, for `self` links.
    pub fn site(&self) -> Site<'_> {
        Site { base: &self.base, version: self.version }
    }

    /// The caller's account.
    ///
    /// # Errors
    /// 401 for an anonymous caller.
    pub fn account(&self) -> Result<&Account, Refusal> {
        self.principal.account().ok_or_else(Refusal::login)
    }

    /// Whether the caller is anonymous.
    pub fn anonymous(&self) -> bool {
        self.principal.account().is_none()
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a query parameter that takes a list: repeated, comma-separated, or both.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// Whether a query parameter is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A non-negative number in the query.
    ///
    /// # Errors
    /// 404 with the text that Jira's framework gives for a parameter of the wrong type becomes 400 here.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        match self.query(name) {
            None | Some("") => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Refusal::bad(format!("The value '{text}' of '{name}' is not a number.")))
            }
        }
    }
}

impl FromRequestParts<Arc<Sim>> for Ctx {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, sim: &Arc<Sim>) -> Result<Self, Refusal> {
        // Nesting strips the version from the address that handlers see; the original still has it.
        let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |original| original.path());
        let version = match sim.options().dialect {
            Dialect::DataCenter => Version::Server,
            Dialect::Cloud if path.starts_with("/rest/api/3/") => Version::V3,
            Dialect::Cloud => Version::V2,
        };
        let principal = parts.extensions.get::<Principal>().cloned().unwrap_or(Principal::Anonymous { failed: false });
        // Links lead back to where the caller came from, unless the site was given an address of its own.
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let base = match (&sim.options().base_url, host) {
            (None, Some(host)) => format!("http://{host}"),
            (Some(_), _) | (None, None) => sim.base_url().to_owned(),
        };
        let base = match parts.extensions.get::<Gateway>() {
            Some(Gateway) => format!("{base}/ex/jira/{CLOUD_ID}"),
            None => base,
        };
        Ok(Self {
            sim: sim.clone(),
            principal,
            version,
            base,
            query: parse_query(parts.uri.query().unwrap_or_default()),
        })
    }
}

/// Splits a query string and undoes percent-encoding and `+`.
fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key), percent_decode(value))
        })
        .collect()
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = (bytes.next(), bytes.next());
                let decoded = match digits {
                    (Some(high), Some(low)) => {
                        std::str::from_utf8(&[high, low]).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    }
                    (Some(_) | None, None) | (None, Some(_)) => None,
                };
                out.push(decoded.unwrap_or(b'?'));
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The sent body, read but not yet understood: whether the caller may write at all is decided before.
#[derive(Debug)]
pub struct Sent {
    /// The bytes as sent.
    pub bytes: Bytes,
    /// The content type as sent, empty where absent.
    pub content_type: String,
}

impl Sent {
    /// The body as JSON.
    ///
    /// # Errors
    /// 415 for another content type, 400 for anything that is not JSON.
    pub fn json(&self) -> Result<Value, Refusal> {
        if !self.content_type.to_ascii_lowercase().contains("json") {
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"));
        }
        serde_json::from_slice(&self.bytes).map_err(|_| Refusal::payload())
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// As [`Sent::json`], and 400 for JSON that is not an object.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        match self.json()? {
            Value::Object(map) => Ok(map),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Refusal::payload())
            }
        }
    }
}

impl FromRequest<Arc<Sim>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, sim: &Arc<Sim>) -> Result<Self, Response> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let bytes = Bytes::from_request(request, sim).await.map_err(BytesRejection::into_response)?;
        Ok(Self { bytes, content_type })
    }
}
