//! `/issue/{key}/transitions`: the way from one status to another.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::create::{self, Writer, move_to};
use super::reply::{Answer, Ctx, Refusal, Sent, no_content, ok};
use super::seed;
use super::set::scalar;
use super::view::View;
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new().route("/issue/{issue}/transitions", get(list).post(take))
}

async fn list(ctx: Ctx, Path(key): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    world.jira.issue(&key).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let mut transitions = view.transitions();
    if let (Some(wanted), Value::Array(all)) = (ctx.query("transitionId"), &mut transitions) {
        all.retain(|transition| transition["id"] == wanted);
    }
    Ok(ok(&json!({"expand": "transitions", "transitions": transitions})))
}

async fn take(ctx: Ctx, Path(key): Path<String>, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let body = sent.object()?;
    let mut world = ctx.sim.lock();
    let id = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.id;
    let wanted = body.get("transition").and_then(|transition| transition.get("id")).and_then(scalar);
    let wanted = wanted.ok_or_else(|| Refusal::bad("Missing 'transition' identifier"))?;
    let status = seed::STATUSES.iter().find(|status| status.transition.to_string() == wanted).ok_or_else(|| {
        Refusal::bad(format!(
            "It seems that you have tried to perform a workflow operation ({wanted}) that is not valid for the current \
             state of this issue."
        ))
    })?;
    // The rest of the body is an edit; transitions have no screen, so a field on one is checked as an edit's.
    let edit: Map<String, Value> =
        body.into_iter().filter(|(name, _)| ["fields", "update", "properties"].contains(&name.as_str())).collect();
    if !edit.is_empty() {
        create::edit(&mut world.jira, Writer { account, version: ctx.version }, id, &edit.into())?;
    }
    let mut issue = world.jira.issues.get(&id).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    move_to(&mut issue, status.id);
    world.jira.store(issue);
    Ok(no_content())
}
