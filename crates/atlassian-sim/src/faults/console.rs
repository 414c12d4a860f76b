//! `/_sim/faults`: the script in force, as TOML or JSON, read and replaced while the site runs. No authentication.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::script::{Scenario, ScriptError};
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/_sim/faults", get(show).put(replace).delete(clear))
}

async fn show(State(sim): State<Arc<Sim>>, headers: HeaderMap) -> Response {
    let scenario = sim.faults().scenario();
    if !names(&headers, header::ACCEPT, "toml") {
        return Json(scenario).into_response();
    }
    match toml::to_string(&scenario) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/toml")], text).into_response(),
        Err(error) => refuse(&error.to_string()),
    }
}

/// JSON where the content type or the first character says so, otherwise TOML.
async fn replace(State(sim): State<Arc<Sim>>, headers: HeaderMap, body: Bytes) -> Response {
    let read = std::str::from_utf8(&body).map_err(|_| ScriptError::Text).and_then(|text| {
        let json = names(&headers, header::CONTENT_TYPE, "json") || text.trim_start().starts_with('{');
        if json { Scenario::from_json(text) } else { Scenario::from_toml(text) }
    });
    match read {
        Ok(scenario) => {
            sim.faults().play(scenario);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refuse(&error.to_string()),
    }
}

async fn clear(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.faults().play(Scenario::default());
    StatusCode::NO_CONTENT
}

fn names(headers: &HeaderMap, header: header::HeaderName, word: &str) -> bool {
    headers.get(header).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(word))
}

fn refuse(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message}))).into_response()
}
