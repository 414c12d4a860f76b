//! The simulator's own endpoints: the ground truth, the call counts and the way back to the start. No authentication.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

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

async fn state(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let world = sim.lock();
    let mut truth = world.jira.ground_truth();
    truth["confluence"] = world.confluence.ground_truth();
    truth["human_actions"] = json!(world.human_actions);
    Json(json!(truth))
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
