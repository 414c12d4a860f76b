//! `/issue/{key}/remotelink`: links to what lies outside Jira. `globalId` makes it the only native upsert: 201 the first
//! time, 200 afterwards, and what a later call leaves out is lost.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::limits;
use super::reply::{Answer, Ctx, Refusal, Sent, answer, no_content, ok};
use super::set::{LINE_LIMIT, units};
use super::state::{Issue, RemoteLink};
use super::view::View;
use crate::World;
use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue/{issue}/remotelink", get(list).post(upsert).delete(remove_by_global_id))
        .route("/issue/{issue}/remotelink/{link}", get(read).put(replace).delete(remove))
}

/// A remote link as sent, without an id.
fn parse(body: &Map<String, Value>) -> Result<RemoteLink, Refusal> {
    let object = body.get("object").and_then(Value::as_object);
    let text = |name: &str| object.and_then(|object| object.get(name)).and_then(Value::as_str).unwrap_or_default();
    let mut errors = Map::new();
    for name in ["title", "url"] {
        if text(name).trim().is_empty() {
            errors.insert(name.to_owned(), json!(format!("'{name}' is required.")));
        }
    }
    let global_id = body.get("globalId").and_then(Value::as_str).map(str::to_owned);
    if global_id.as_deref().is_some_and(|id| units(id) > LINE_LIMIT) {
        errors.insert("globalId".to_owned(), json!("The 'globalId' must not exceed 255 characters."));
    }
    if !errors.is_empty() {
        return Err(Refusal { status: StatusCode::BAD_REQUEST, messages: Vec::new(), errors });
    }
    let mut kept: Map<String, Value> = object.cloned().unwrap_or_default();
    kept.retain(|_, value| !value.is_null());
    // Cloud always shows both, empty where nothing was sent.
    for name in ["icon", "status"] {
        kept.entry(name).or_insert_with(|| json!({}));
    }
    Ok(RemoteLink {
        id: 0,
        global_id,
        application: body.get("application").filter(|value| value.is_object()).cloned(),
        relationship: body.get("relationship").and_then(Value::as_str).map(str::to_owned),
        object: Value::Object(kept),
    })
}

fn no_link(id: &str) -> Refusal {
    Refusal::missing(format!("A remote issue link with ID '{id}' does not exist."))
}

async fn list(ctx: Ctx, Path(issue): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    if let Some(id) = ctx.query("globalId") {
        let link = issue.remote_links.iter().find(|link| link.global_id.as_deref() == Some(id));
        let link =
            link.ok_or_else(|| Refusal::missing(format!("A remote issue link with global ID '{id}' does not exist.")))?;
        return Ok(ok(&view.remote_link(issue, link)));
    }
    Ok(ok(&issue.remote_links.iter().map(|link| view.remote_link(issue, link)).collect()))
}

async fn upsert(ctx: Ctx, Path(issue): Path<String>, sent: Sent) -> Answer {
    ctx.account()?;
    let mut link = parse(&sent.object()?)?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let known =
        issue.remote_links.iter_mut().find(|known| link.global_id.is_some() && known.global_id == link.global_id);
    let status = match known {
        Some(known) => {
            link.id = known.id;
            *known = Arc::new(link.clone());
            StatusCode::OK
        }
        None => {
            if ctx.sim.options().per_issue_caps {
                limits::remote_links(&issue)?;
            }
            link.id = world.jira.take_id();
            issue.remote_links.push(Arc::new(link.clone()));
            StatusCode::CREATED
        }
    };
    let address = ctx.site().api(&format!("issue/{}/remotelink/{}", issue.id, link.id));
    issue.updated = World::now();
    world.jira.store(issue);
    Ok(answer(status, &json!({"id": link.id, "self": address})))
}

fn find(issue: &Issue, id: &str) -> Result<usize, Refusal> {
    issue.remote_links.iter().position(|link| link.id.to_string() == id).ok_or_else(|| no_link(id))
}

async fn read(ctx: Ctx, Path((issue, id)): Path<(String, String)>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let link = issue.remote_links.get(find(issue, &id)?).ok_or_else(|| no_link(&id))?;
    Ok(ok(&view.remote_link(issue, link)))
}

async fn replace(ctx: Ctx, Path((issue, id)): Path<(String, String)>, sent: Sent) -> Answer {
    ctx.account()?;
    let mut link = parse(&sent.object()?)?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let index = find(&issue, &id)?;
    let known = issue.remote_links.get_mut(index).ok_or_else(|| no_link(&id))?;
    link.id = known.id;
    *known = Arc::new(link);
    world.jira.store(issue);
    Ok(no_content())
}

async fn remove(ctx: Ctx, Path((issue, id)): Path<(String, String)>) -> Answer {
    ctx.account()?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let index = find(&issue, &id)?;
    issue.remote_links.remove(index);
    world.jira.store(issue);
    Ok(no_content())
}

async fn remove_by_global_id(ctx: Ctx, Path(issue): Path<String>) -> Answer {
    ctx.account()?;
    let id = ctx.query("globalId").ok_or_else(|| Refusal::bad("'globalId' is required."))?;
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&issue).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let before = issue.remote_links.len();
    issue.remote_links.retain(|link| link.global_id.as_deref() != Some(id));
    if issue.remote_links.len() == before {
        return Err(Refusal::missing(format!("A remote issue link with global ID '{id}' does not exist.")));
    }
    world.jira.store(issue);
    Ok(no_content())
}
