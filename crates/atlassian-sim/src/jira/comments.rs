//! `/issue/{key}/comment`: comments, with the properties that a caller can hide its own marks in.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;

use super::create::{add_comment, draft};
use super::limits;
use super::reply::{Answer, Ctx, Refusal, Sent, answer, no_content, ok};
use super::state::{Comment, Issue};
use super::view::View;
use crate::World;
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue/{issue}/comment", get(list).post(add))
        .route("/issue/{issue}/comment/{comment}", get(read).put(edit).delete(remove))
}

fn find(issue: &Issue, id: &str) -> Result<usize, Refusal> {
    issue
        .comments
        .iter()
        .position(|comment| comment.id.to_string() == id)
        .ok_or_else(|| Refusal::missing(format!("Can not find a comment for the id: {id}.")))
}

async fn list(ctx: Ctx, Path(key): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let (start, most) = (ctx.number("startAt", 0)?, ctx.number("maxResults", 100)?.min(5_000));
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let expand = ctx.list("expand");
    let show = |comment: &Arc<Comment>| view.comment(issue.id, comment, &expand);
    let newest_first = ctx.query("orderBy").is_some_and(|order| order.starts_with('-'));
    let comments: Vec<Value> = if newest_first {
        issue.comments.iter().rev().skip(start).take(most).map(show).collect()
    } else {
        issue.comments.iter().skip(start).take(most).map(show).collect()
    };
    Ok(ok(&json!({
        "startAt": start,
        "maxResults": most,
        "total": issue.comments.len(),
        "comments": comments,
    })))
}

async fn add(ctx: Ctx, Path(key): Path<String>, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let body = sent.object()?.into();
    let draft = draft(ctx.version, &body)?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    if ctx.sim.options().per_issue_caps {
        limits::comments(&issue)?;
    }
    add_comment(&mut world.jira, &mut issue, draft, account);
    issue.updated = World::now();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let shown = issue.comments.last().map(|comment| view.comment(issue.id, comment, &ctx.list("expand")));
    world.jira.store(issue);
    Ok(answer(StatusCode::CREATED, &shown.unwrap_or(Value::Null)))
}

async fn read(ctx: Ctx, Path((key, id)): Path<(String, String)>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let comment = &issue.comments[find(issue, &id)?];
    Ok(ok(&view.comment(issue.id, comment, &ctx.list("expand"))))
}

async fn edit(ctx: Ctx, Path((key, id)): Path<(String, String)>, sent: Sent) -> Answer {
    ctx.account()?;
    let body = sent.object()?.into();
    let draft = draft(ctx.version, &body)?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let index = find(&issue, &id)?;
    let comment = Arc::make_mut(&mut issue.comments[index]);
    comment.body = draft.body;
    comment.properties.extend(draft.properties);
    if draft.visibility.is_some() {
        comment.visibility = draft.visibility;
    }
    comment.updated = World::now();
    issue.updated = World::now();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let shown = view.comment(issue.id, &issue.comments[index], &ctx.list("expand"));
    world.jira.store(issue);
    Ok(ok(&shown))
}

async fn remove(ctx: Ctx, Path((key, id)): Path<(String, String)>) -> Answer {
    ctx.account()?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let index = find(&issue, &id)?;
    issue.comments.remove(index);
    issue.updated = World::now();
    world.jira.store(issue);
    Ok(no_content())
}
