//! `GET /healthz`: whether the hub can work, which is whether its database answers.

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hub_domain::codes;
use serde_json::json;

use crate::{Api, Correlation, problem::Problem};

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks.
pub async fn ask(State(api): State<Api>, Extension(correlation): Extension<Correlation>) -> Response {
    match tokio::time::timeout(PATIENCE, hub_app::intake::alive(&api.store)).await {
        Ok(Ok(())) => Json(json!({ "status": "ok" })).into_response(),
        Ok(Err(_)) | Err(_) => {
            let code = &codes::DATABASE_UNREACHABLE;
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, code.title).answer(correlation)
        }
    }
}
