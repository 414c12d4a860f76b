//! `/issue` and `/issue/{key}`: create, read, edit and delete one issue.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

use super::create::{self, Created, Writer};
use super::reply::{Answer, Ctx, Refusal, Sent, Site, answer, no_content, ok};
use super::view::{Selection, View};
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue", post(create))
        .route("/issue/{issue}", get(read).put(edit).delete(remove))
        .route("/issue/{issue}/editmeta", get(super::createmeta::edit_meta_of))
}

/// The answer for one created issue, alone or in a list.
pub fn created_json(site: Site<'_>, created: &Created) -> Value {
    let mut out = json!({
        "id": created.id.to_string(),
        "key": created.key,
        "self": site.api(&format!("issue/{}", created.id)),
    });
    if let Some(transition) = &created.transition {
        out["transition"] = transition.clone();
    }
    out
}

async fn create(ctx: Ctx, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let details = sent.object()?.into();
    let mut world = ctx.sim.lock();
    let writer = Writer { account, version: ctx.version };
    let created = create::create(&mut world.jira, writer, &details)?;
    Ok(answer(StatusCode::CREATED, &created_json(ctx.site(), &created)))
}

async fn read(ctx: Ctx, Path(key): Path<String>) -> Answer {
    // A private project: for an anonymous caller its issues do not exist.
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let properties = ctx.list("properties");
    let properties = (!properties.is_empty()).then_some(properties);
    let selection = Selection::new(ctx.list("fields"), "*all");
    Ok(ok(&view.issue(issue, &selection, properties.as_deref(), &ctx.list("expand"))))
}

async fn edit(ctx: Ctx, Path(key): Path<String>, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let details = sent.object()?.into();
    let mut world = ctx.sim.lock();
    let id = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.id;
    create::edit(&mut world.jira, Writer { account, version: ctx.version }, id, &details)?;
    if !ctx.flag("returnIssue") {
        return Ok(no_content());
    }
    let view = View { state: &world.jira, site: ctx.site(), account };
    let issue = world.jira.issues.get(&id).ok_or_else(Refusal::no_issue)?;
    Ok(ok(&view.issue(issue, &Selection::new(Vec::new(), "*all"), None, &ctx.list("expand"))))
}

async fn remove(ctx: Ctx, Path(key): Path<String>) -> Answer {
    let account = ctx.account()?;
    let mut world = ctx.sim.lock();
    let id = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.id;
    let subtasks = world.jira.subtasks(id);
    if !subtasks.is_empty() && !ctx.flag("deleteSubtasks") {
        return Err(Refusal::bad(format!(
            "The issue '{key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this issue and \
             all its subtasks."
        )));
    }
    for subtask in subtasks {
        world.jira.remove(subtask, account);
    }
    world.jira.remove(id, account);
    Ok(no_content())
}
