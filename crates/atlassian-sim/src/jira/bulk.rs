//! `/issue/bulk` and `/issue/bulkfetch`: up to 50 creates and up to 100 reads in a call.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};
use std::sync::Arc;

use super::create::{self, Writer};
use super::issues::created_json;
use super::reply::{Answer, Ctx, Refusal, Sent, answer, ok};
use super::set::scalar;
use super::view::{Selection, View};
use crate::server::Sim;

/// The most issues in one create call.
pub const CREATE_LIMIT: usize = 50;
/// The most issues in one fetch.
pub const FETCH_LIMIT: usize = 100;
/// The most property keys in one fetch or search.
pub const PROPERTY_KEYS_LIMIT: usize = 5;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/issue/bulk", post(create_many)).route("/issue/bulkfetch", post(fetch))
}

async fn create_many(ctx: Ctx, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let body = sent.object()?;
    let Some(Value::Array(elements)) = body.get("issueUpdates") else {
        return Err(Refusal::payload());
    };
    if elements.is_empty() {
        return Err(Refusal::bad("At least one issue must be given in 'issueUpdates'."));
    }
    if elements.len() > CREATE_LIMIT {
        return Ok(too_many(elements.len()));
    }
    let writer = Writer { account, version: ctx.version };
    let mut world = ctx.sim.lock();
    let mut issues = Vec::new();
    let mut errors = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        match create::create(&mut world.jira, writer, element) {
            Ok(created) => issues.push(created_json(ctx.site(), &created)),
            Err(refusal) => errors.push(json!({
                "status": refusal.status.as_u16(),
                "elementErrors": refusal.envelope(),
                "failedElementNumber": index,
            })),
        }
    }
    // One success makes the call a success; only when every element failed is it refused.
    let status = if issues.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::CREATED };
    Ok(answer(status, &json!({"issues": issues, "errors": errors})))
}

/// The refusal of a call with too many elements. The description of the interface types every 400 of this endpoint as a
/// list of errors, so each element is reported as failed and none is created.
fn too_many(count: usize) -> Response {
    let message = format!("The maximum number of issues that can be created in one request is {CREATE_LIMIT}.");
    let envelope = Refusal::bad(message).envelope();
    let errors: Vec<Value> = (0..count)
        .map(|index| json!({"status": 400, "elementErrors": envelope, "failedElementNumber": index}))
        .collect();
    answer(StatusCode::BAD_REQUEST, &json!({"issues": [], "errors": errors}))
}

/// A list of strings in a body; absent and null are an empty one.
pub fn words(body: &serde_json::Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| scalar(item).ok_or_else(Refusal::payload)).collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => Err(Refusal::payload()),
    }
}

/// Refuses more property keys than a list of issues may carry.
pub fn check_property_keys(keys: &[String]) -> Result<(), Refusal> {
    if keys.len() > PROPERTY_KEYS_LIMIT {
        return Err(Refusal::bad(format!(
            "The maximum number of properties that can be requested is {PROPERTY_KEYS_LIMIT}."
        )));
    }
    Ok(())
}

async fn fetch(ctx: Ctx, sent: Sent) -> Answer {
    let body = sent.object()?;
    let wanted = words(&body, "issueIdsOrKeys")?;
    if wanted.is_empty() {
        return Err(Refusal::bad("At least one issue ID or key must be provided."));
    }
    if wanted.len() > FETCH_LIMIT {
        return Err(Refusal::bad(format!("The number of issue IDs or keys must not exceed {FETCH_LIMIT}.")));
    }
    let properties = words(&body, "properties")?;
    check_property_keys(&properties)?;
    let expand = words(&body, "expand")?;
    let selection = Selection::new(words(&body, "fields")?, "*navigable");
    if ctx.anonymous() {
        return Ok(ok(&json!({"issues": [], "issueErrors": []})));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let mut ids: Vec<u64> = wanted.iter().filter_map(|key| world.jira.issue(key)).map(|issue| issue.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let properties = (!properties.is_empty()).then_some(properties);
    let issues: Vec<Value> = ids
        .iter()
        .filter_map(|id| world.jira.issues.get(id))
        .map(|issue| view.issue(issue, &selection, properties.as_deref(), &expand))
        .collect();
    Ok(ok(&json!({"issues": issues, "issueErrors": []})))
}
