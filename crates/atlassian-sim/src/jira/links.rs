//! `/issueLink` and `/issueLinkType`: links between issues.
//!
//! A link that exists already is accepted again and not made twice, but a comment sent with it is added every time.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

use super::create::{self, add_comment, add_link};
use super::limits;
use super::reply::{Answer, Ctx, Refusal, Sent, answer, no_content, ok};
use super::set::scalar;
use super::state::{LinkType, State};
use super::view::View;
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issueLink", post(link))
        .route("/issueLink/{link}", get(read).delete(remove))
        .route("/issueLinkType", get(types).post(add_type))
        .route("/issueLinkType/{type}", get(read_type))
}

fn end(state: &State, body: &serde_json::Map<String, Value>, name: &str) -> Result<u64, Refusal> {
    let named = body.get(name).and_then(|issue| issue.get("id").or_else(|| issue.get("key"))).and_then(scalar);
    let text = named.ok_or_else(|| Refusal::bad(format!("'{name}' is required.")))?;
    state.issue(&text).map(|issue| issue.id).ok_or_else(Refusal::no_issue)
}

async fn link(ctx: Ctx, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let body = sent.object()?;
    let mut world = ctx.sim.lock();
    let state = &mut world.jira;
    let sent_type = body.get("type").unwrap_or(&Value::Null);
    let type_id = create::link_type(state, sent_type).ok_or_else(|| {
        let name = sent_type.get("name").or_else(|| sent_type.get("id")).and_then(scalar).unwrap_or_default();
        Refusal::missing(format!("No issue link type with name '{name}' found."))
    })?;
    let source = end(state, &body, "inwardIssue")?;
    let destination = end(state, &body, "outwardIssue")?;
    if source == destination {
        return Err(Refusal::bad("You cannot link an issue to itself."));
    }
    let comment = match body.get("comment") {
        None | Some(Value::Null) => None,
        Some(comment) => Some(create::draft(ctx.version, comment)?),
    };
    if ctx.sim.options().per_issue_caps {
        limits::links(state, source)?;
        limits::links(state, destination)?;
    }
    add_link(state, type_id, source, destination);
    if let Some(draft) = comment {
        let mut issue = state.issues.get(&source).ok_or_else(Refusal::no_issue)?.as_ref().clone();
        add_comment(state, &mut issue, draft, account);
        state.store(issue);
    }
    // The official description declares a JSON body; no id is given back.
    Ok(answer(StatusCode::CREATED, &json!({})))
}

fn no_link(id: &str) -> Refusal {
    Refusal::missing(format!("No issue link with id '{id}' exists."))
}

async fn read(ctx: Ctx, Path(id): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(no_link(&id));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let number = id.parse::<u64>().map_err(|_| Refusal::bad(format!("Invalid issue link id '{id}'.")))?;
    let link = world.jira.links.get(&number).ok_or_else(|| no_link(&id))?;
    Ok(ok(&view.link(link, None)))
}

async fn remove(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let number = id.parse::<u64>().map_err(|_| Refusal::bad(format!("Invalid issue link id '{id}'.")))?;
    let mut world = ctx.sim.lock();
    world.jira.unlink(number).ok_or_else(|| no_link(&id))?;
    Ok(no_content())
}

async fn types(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let types: Vec<Value> = world.jira.link_types.iter().map(|kind| view.link_type(kind)).collect();
    Ok(ok(&json!({"issueLinkTypes": types})))
}

async fn read_type(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let kind = world.jira.link_types.iter().find(|kind| kind.id.to_string() == id);
    let kind = kind.ok_or_else(|| Refusal::missing(format!("No issue link type with id '{id}' exists.")))?;
    Ok(ok(&view.link_type(kind)))
}

async fn add_type(ctx: Ctx, sent: Sent) -> Answer {
    ctx.account()?;
    let body = sent.object()?;
    let text = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        if text.is_empty() { Err(Refusal::field(name, format!("The '{name}' is required."))) } else { Ok(text) }
    };
    let (name, inward, outward) = (text("name")?, text("inward")?, text("outward")?);
    let mut world = ctx.sim.lock();
    // Not 409: Jira answers 404 when the name is in use.
    if world.jira.link_types.iter().any(|kind| kind.name.eq_ignore_ascii_case(&name)) {
        return Err(Refusal::missing(format!("An issue link type with name '{name}' already exists.")));
    }
    let id = world.jira.take_id();
    world.jira.link_types.push(LinkType { id, name, inward, outward });
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let kind = world.jira.link_types.last().ok_or_else(Refusal::payload)?;
    Ok(answer(StatusCode::CREATED, &view.link_type(kind)))
}
