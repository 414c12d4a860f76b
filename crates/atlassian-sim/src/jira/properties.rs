//! `/issue/{key}/properties`: small JSON values beside an issue. The last write wins and nothing guards a value.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;

use super::reply::{Answer, Ctx, Refusal, Sent, answer, no_content, ok};
use super::set::check_property;
use crate::World;
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue/{issue}/properties", get(list))
        .route("/issue/{issue}/properties/{property}", get(read).put(write).delete(remove))
}

fn no_property(key: &str) -> Refusal {
    Refusal::missing(format!("The property '{key}' does not exist."))
}

async fn list(ctx: Ctx, Path(issue): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?;
    let keys: Vec<Value> = issue
        .properties
        .keys()
        .map(|key| json!({"key": key, "self": ctx.site().api(&format!("issue/{}/properties/{key}", issue.id))}))
        .collect();
    Ok(ok(&json!({"keys": keys})))
}

async fn read(ctx: Ctx, Path((issue, key)): Path<(String, String)>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?;
    let value = issue.properties.get(&key).ok_or_else(|| no_property(&key))?;
    Ok(ok(&json!({"key": key, "value": value})))
}

async fn write(ctx: Ctx, Path((issue, key)): Path<(String, String)>, sent: Sent) -> Answer {
    ctx.account()?;
    let value = sent.json()?;
    check_property(&key, &value)?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let replaced = issue.properties.insert(key, value).is_some();
    issue.updated = World::now();
    world.jira.store(issue);
    // The official description declares a JSON body for both.
    Ok(answer(if replaced { StatusCode::OK } else { StatusCode::CREATED }, &json!({})))
}

async fn remove(ctx: Ctx, Path((issue, key)): Path<(String, String)>) -> Answer {
    ctx.account()?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    issue.properties.remove(&key).ok_or_else(|| no_property(&key))?;
    world.jira.store(issue);
    Ok(no_content())
}
