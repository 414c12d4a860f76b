//! `/_sim/humans`: one action now, and the list of all of them. No authentication.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::act::{Asked, Miss, perform};
use super::script::{Action, Victim, check, somebody};
use crate::faults::Draw;
use crate::server::Sim;

/// Keeps these draws apart from those of a script.
const SALT: u64 = 1 << 33;

pub(crate) fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/_sim/humans", get(list).post(act))
}

/// One action, as a script writes it, without a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneShot {
    #[serde(default = "somebody")]
    person: String,
    /// Decides between several objects; the script's seed and the number of the action where not given.
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default, rename = "match")]
    victim: Victim,
    action: Action,
}

async fn list(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(json!(sim.lock().human_actions))
}

/// 200 with what was done, 400 for a body that cannot be used, 404 when the selector leaves nothing, 409 when the site
/// does not allow it.
async fn act(State(sim): State<Arc<Sim>>, body: Bytes) -> Response {
    let refuse = |status: StatusCode, message: String| (status, Json(json!({"error": message}))).into_response();
    let read = serde_json::from_slice::<OneShot>(&body).map_err(|error| error.to_string());
    let read = read.and_then(|asked| check(&asked.victim, &asked.action).map(|()| asked));
    let asked = match read {
        Ok(asked) => asked,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, message),
    };
    let seed = asked.seed.unwrap_or_else(|| sim.faults().scenario().seed);
    let mut world = sim.lock();
    let number = if asked.seed.is_some() { 0 } else { u64::try_from(world.human_actions.len()).unwrap_or_default() };
    let done = perform(
        &mut world,
        Asked {
            name: None,
            person: &asked.person,
            victim: &asked.victim,
            action: &asked.action,
            draw: Draw::new(seed, SALT, number),
        },
    );
    match done {
        Ok(record) => Json(record).into_response(),
        Err(Miss::Nobody) => refuse(StatusCode::NOT_FOUND, "nothing matches".to_owned()),
        Err(Miss::Refused(why)) => refuse(StatusCode::CONFLICT, why),
    }
}
