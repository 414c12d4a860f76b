//! Every API exchange as one JSON line, and the count of calls per endpoint.
//!
//! The line's form is the one that independent checks of wire traffic read: method, address, headers and bodies of both
//! directions, bodies as JSON values where they are JSON. Credentials are masked before anything is written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::response::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use crate::faults::Injected;
use crate::options::Dialect;
use crate::server::Sim;
use crate::world::{World, iso_millis};

/// The largest request or answer that passes: above Jira's own attachment default would only hide a mistake.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// Calls per `METHOD /templated/path`, by status.
#[derive(Debug, Default)]
pub struct Stats {
    calls: BTreeMap<String, BTreeMap<u16, u64>>,
}

impl Stats {
    fn count(&mut self, endpoint: String, status: StatusCode) {
        *self.calls.entry(endpoint).or_default().entry(status.as_u16()).or_default() += 1;
    }

    /// `{"total":n,"endpoints":{"GET /x":{"total":n,"by_status":{"200":n}}}}`.
    pub fn to_json(&self) -> Value {
        let mut total = 0;
        let endpoints: Map<String, Value> = self
            .calls
            .iter()
            .map(|(endpoint, by_status)| {
                let sum: u64 = by_status.values().sum();
                total += sum;
                (endpoint.clone(), json!({"total": sum, "by_status": by_status}))
            })
            .collect();
        json!({"total": total, "endpoints": endpoints})
    }
}

/// The open log file.
#[derive(Debug)]
pub struct Log {
    file: Mutex<File>,
}

impl Log {
    /// Opens the file for appending.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    fn append(&self, exchange: &Value) {
        let mut line = exchange.to_string();
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.flush()) {
            tracing::error!(%error, "the exchange log cannot be written");
        }
    }
}

/// Whether a path is a call to a product's API: pages for people and the simulator's own endpoints are not.
pub fn is_api(path: &str) -> bool {
    path.starts_with("/rest/")
        || path.starts_with("/wiki/api/")
        || path.starts_with("/wiki/rest/")
        || path == "/oauth/token"
}

fn headers_json(headers: &HeaderMap) -> Value {
    let mut out = Map::new();
    for (name, value) in headers {
        let text = if name == header::AUTHORIZATION {
            let scheme = value.to_str().ok().and_then(|text| text.split(' ').next()).unwrap_or("?");
            format!("{scheme} ***")
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        out.insert(name.as_str().to_owned(), Value::String(text));
    }
    Value::Object(out)
}

fn body_json(bytes: &Bytes) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// Counts and writes an exchange; also adds the latency that the options ask for.
pub async fn record(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    if !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let started = Instant::now();
    let endpoint_path = request.uri().path().to_owned();
    let at = World::now();
    let method = request.method().clone();
    let url = format!("{}{}", sim.base_url(), request.uri());
    let endpoint = match request.extensions().get::<MatchedPath>() {
        Some(matched) => format!("{method} {}", matched.as_str()),
        None => format!("{method} (no such endpoint)"),
    };
    if !sim.options().latency.is_zero() {
        tokio::time::sleep(sim.options().latency).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(sent) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request_headers = headers_json(&parts.headers);
    let answer = next.run(Request::from_parts(parts, Body::from(sent.clone()))).await;
    let (mut head, body) = answer.into_parts();
    let received = match to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%error, "an answer's body cannot be read");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    decorate(&sim, &mut head, started);
    sim.stats().count(endpoint, head.status);
    if let Some(log) = sim.log() {
        let mut exchange = json!({
            "ts": iso_millis(at),
            "ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "method": method.as_str(),
            "url": url,
        });
        // Tokens travel in these bodies.
        let secret = endpoint_path == "/oauth/token";
        let shown = |bytes| if secret { Value::String("***".to_owned()) } else { body_json(bytes) };
        exchange["request_headers"] = request_headers;
        exchange["request_body"] = shown(&sent);
        exchange["status"] = json!(head.status.as_u16());
        exchange["response_headers"] = headers_json(&head.headers);
        exchange["response_body"] = shown(&received);
        // What the caller saw of this answer is up to the fault.
        if let Some(Injected(kind)) = head.extensions.get::<Injected>() {
            exchange["fault"] = json!(kind);
        }
        log.append(&exchange);
    }
    Response::from_parts(head, Body::from(received))
}

/// The headers that Atlassian's edge adds to every API answer.
fn decorate(sim: &Sim, head: &mut Parts, started: Instant) {
    let trace = sim.next_trace();
    if sim.options().dialect == Dialect::DataCenter {
        let fixed =
            [("x-arequestid", format!("{trace:x}")), ("cache-control", "no-cache, no-store, no-transform".to_owned())];
        for (name, value) in fixed {
            if let Ok(value) = value.parse() {
                head.headers.insert(name, value);
            }
        }
        return;
    }
    let fixed = [
        ("server", "AtlassianEdge".to_owned()),
        ("timing-allow-origin", "*".to_owned()),
        ("x-arequestid", format!("{trace:032x}")),
        ("atl-traceid", format!("{trace:016x}")),
        ("cache-control", "no-cache, no-store, no-transform".to_owned()),
        ("vary", "Accept-Encoding".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-xss-protection", "1; mode=block".to_owned()),
        ("x-envoy-upstream-service-time", started.elapsed().as_millis().to_string()),
        ("x-ratelimit-limit", "350".to_owned()),
        ("x-ratelimit-remaining", "349".to_owned()),
    ];
    for (name, value) in fixed {
        // A refusal for the rate has exactly the hints that it was given.
        let hint = name.starts_with("x-ratelimit") && head.status == StatusCode::TOO_MANY_REQUESTS;
        if !hint
            && !head.headers.contains_key(name)
            && let Ok(value) = value.parse()
        {
            head.headers.insert(name, value);
        }
    }
}
