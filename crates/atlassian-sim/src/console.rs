//! The simulator's own endpoints: the ground truth, the call counts and the way back to the start. No authentication.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use crate::server::Sim;
use crate::{faults, humans};

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/_sim/state", get(state))
        .route("/_sim/stats", get(stats))
        .route("/_sim/reset", post(reset))
        .merge(faults::routes())
        .merge(humans::routes())
}

/// Written from a copy, on a thread of its own: with ten thousand issues it takes a while, and nobody waits for it but
/// the one who asked.
async fn state(State(sim): State<Arc<Sim>>) -> Response {
    let (jira, confluence, actions) = {
        let world = sim.lock();
        (world.jira.clone(), world.confluence.clone(), world.human_actions.clone())
    };
    let written = tokio::task::spawn_blocking(move || {
        let mut truth = jira.ground_truth();
        truth["confluence"] = confluence.ground_truth();
        truth["human_actions"] = Value::Array(actions);
        truth.to_string()
    });
    match written.await {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn stats(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let mut stats = sim.stats().to_json();
    if let (Some(stats), Value::Object(faults)) = (stats.as_object_mut(), sim.faults().counts()) {
        stats.extend(faults);
    }
    Json(stats)
}

async fn reset(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.reset();
    StatusCode::NO_CONTENT
}
