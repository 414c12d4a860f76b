//! What the site is and what exists on it: server, account, projects, types, fields, priorities, statuses.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

use super::fields::{Field, known_type};
use super::reply::{Answer, Ctx, Refusal, Sent, Site, Version, answer, ok};
use super::seed;
use super::state::{IssueType, Named, Project};
use super::view::{View, stamp};
use crate::World;
use crate::server::Sim;

/// The expansions of a project, as recorded.
const PROJECT_EXPAND: &str = "description,lead,issueTypes,url,projectKeys,permissions,insight";

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/serverInfo", get(server_info))
        .route("/myself", get(myself))
        .route("/user", get(user))
        .route("/user/search", get(user_search))
        .route("/project", get(projects))
        .route("/project/search", get(project_search))
        .route("/project/{project}", get(project))
        .route("/project/{project}/statuses", get(project_statuses))
        .route("/issuetype", get(issue_types))
        .route("/issuetype/{type}", get(issue_type))
        .route("/field", get(fields).post(add_field))
        .route("/screens/addToDefault/{field}", post(add_to_screens))
        .route("/priority", get(priorities))
        .route("/priority/{priority}", get(priority))
        .route("/status", get(statuses))
        .route("/status/{status}", get(status))
        .route("/resolution", get(resolutions))
        .route("/resolution/{resolution}", get(resolution))
}

/// A version or a component.
pub fn named_json(site: Site<'_>, entry: &Named, component: bool) -> Value {
    let path = if component { "component" } else { "version" };
    let mut out = json!({
        "self": site.api(&format!("{path}/{}", entry.id)),
        "id": entry.id.to_string(),
        "name": entry.name,
        "description": entry.description,
    });
    if !component {
        out["archived"] = json!(false);
        out["released"] = json!(false);
    }
    out
}

async fn server_info(ctx: Ctx) -> Answer {
    let mut out = json!({
        "baseUrl": ctx.site().base,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_294,
        "buildDate": "2026-01-05T08:01:29.000+0000",
        "scmInfo": "07b4f58ec2724461528057c7cbdf73a2f653f223",
        "serverTitle": "Jira",
        "defaultLocale": {"locale": "en_US"},
    });
    if ctx.version == Version::Server {
        out["version"] = json!("10.3.24");
        out["versionNumbers"] = json!([10, 3, 24]);
        out["deploymentType"] = json!("Server");
    }
    // Only those who are logged in learn the server's clock.
    if !ctx.anonymous() {
        out["serverTime"] = json!(stamp(World::now()));
        out["serverTimeZone"] = json!("Etc/UTC");
    }
    Ok(ok(&out))
}

async fn myself(ctx: Ctx) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource."));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let mut out = view.user();
    out["locale"] = json!("en_US");
    out["groups"] = json!({"size": 1, "items": []});
    out["applicationRoles"] = json!({"size": 1, "items": []});
    out["expand"] = json!("groups,applicationRoles");
    Ok(ok(&out))
}

async fn user(ctx: Ctx) -> Answer {
    ctx.account()?;
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let account = ctx.sim.account();
    let known = match ctx.version {
        Version::V2 | Version::V3 => ctx.query("accountId") == Some(account.account_id.as_str()),
        Version::Server => ctx.query("username") == Some(account.display_name.as_str()),
    };
    if !known {
        return Err(Refusal::missing(
            "Specified user does not exist or you do not have required permissions".to_owned(),
        ));
    }
    Ok(ok(&view.user()))
}

async fn user_search(ctx: Ctx) -> Answer {
    if ctx.anonymous() {
        return Ok(ok(&json!([])));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let account = ctx.sim.account();
    let query =
        ["query", "accountId", "username"].iter().find_map(|name| ctx.query(name)).unwrap_or_default().to_lowercase();
    let known = [&account.email, &account.display_name, &account.account_id];
    let found = known.iter().any(|text| text.to_lowercase().starts_with(&query));
    Ok(ok(&if found { json!([view.user()]) } else { json!([]) }))
}

fn project_summary(view: &View<'_>, project: &Project) -> Value {
    let mut out = json!({"expand": PROJECT_EXPAND});
    if let (Value::Object(out), Value::Object(brief)) = (&mut out, view.project_brief(project)) {
        out.extend(brief);
    }
    out["style"] = json!("classic");
    out["isPrivate"] = json!(false);
    out["properties"] = json!({});
    out
}

fn types_of<'a>(view: &View<'a>, project: &'a Project) -> impl Iterator<Item = &'a IssueType> {
    let types = &view.state.types;
    types.iter().filter(|kind| project.type_ids.contains(&kind.id))
}

fn project_full(view: &View<'_>, project: &Project) -> Value {
    let mut out = project_summary(view, project);
    out["description"] = json!("");
    out["lead"] = view.user();
    out["components"] = project.components.iter().map(|entry| named_json(view.site, entry, true)).collect();
    out["issueTypes"] = types_of(view, project).map(|kind| view.issue_type(kind)).collect();
    out["assigneeType"] = json!("UNASSIGNED");
    out["versions"] = project.versions.iter().map(|entry| named_json(view.site, entry, false)).collect();
    out["roles"] = json!({
        "Administrators": view.site.api(&format!("project/{}/role/10002", project.id)),
    });
    out
}

async fn projects(ctx: Ctx) -> Answer {
    if ctx.anonymous() {
        return Ok(ok(&json!([])));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&world.jira.projects.iter().map(|project| project_summary(&view, project)).collect()))
}

async fn project_search(ctx: Ctx) -> Answer {
    let (start, most) = (ctx.number("startAt", 0)?, ctx.number("maxResults", 50)?.clamp(1, 100));
    let keys = ctx.list("keys");
    let query = ctx.query("query").unwrap_or_default().to_lowercase();
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let found: Vec<&Project> = world
        .jira
        .projects
        .iter()
        .filter(|_| !ctx.anonymous())
        .filter(|project| keys.is_empty() || keys.iter().any(|key| key.eq_ignore_ascii_case(&project.key)))
        .filter(|project| project.key.to_lowercase().contains(&query) || project.name.to_lowercase().contains(&query))
        .collect();
    let values: Vec<Value> =
        found.iter().skip(start).take(most).map(|project| project_summary(&view, project)).collect();
    Ok(ok(&json!({
        "self": ctx.site().api(&format!("project/search?maxResults={most}&startAt={start}")),
        "maxResults": most,
        "startAt": start,
        "total": found.len(),
        "isLast": start + values.len() >= found.len(),
        "values": values,
    })))
}

/// 404 for a project that does not exist or that the caller may not see.
pub fn no_project(key: &str) -> Refusal {
    match key.parse::<u64>() {
        Ok(_) => Refusal::missing(format!("No project could be found with id '{key}'.")),
        Err(_) => Refusal::missing(format!("No project could be found with key '{key}'.")),
    }
}

async fn project(ctx: Ctx, Path(key): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(no_project(&key));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let project = world.jira.project(&key).ok_or_else(|| no_project(&key))?;
    Ok(ok(&project_full(&view, project)))
}

async fn project_statuses(ctx: Ctx, Path(key): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(no_project(&key));
    }
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let project = world.jira.project(&key).ok_or_else(|| no_project(&key))?;
    let statuses: Vec<Value> = seed::STATUSES.iter().map(|status| view.status(status.id)).collect();
    let types = types_of(&view, project).map(|kind| {
        json!({
            "self": ctx.site().api(&format!("issuetype/{}", kind.id)),
            "id": kind.id.to_string(),
            "name": kind.name,
            "subtask": kind.subtask(),
            "statuses": statuses,
        })
    });
    Ok(ok(&types.collect()))
}

async fn issue_types(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&world.jira.types.iter().map(|kind| view.issue_type(kind)).collect()))
}

async fn issue_type(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let kind = world.jira.types.iter().find(|kind| kind.id.to_string() == id);
    kind.map(|kind| ok(&view.issue_type(kind)))
        .ok_or_else(|| Refusal::missing("The issue type does not exist or is not visible to the user."))
}

async fn fields(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    // An anonymous caller sees no custom field of a private project.
    let visible = world.jira.fields.iter().filter(|field| !(ctx.anonymous() && field.custom));
    Ok(ok(&visible.map(Field::to_json).collect()))
}

async fn add_field(ctx: Ctx, sent: Sent) -> Answer {
    ctx.account()?;
    let body = sent.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().trim();
    let (name, kind) = (text("name"), text("type"));
    if name.is_empty() {
        return Err(Refusal::field("name", "It must have a value."));
    }
    if !known_type(kind) {
        return Err(Refusal::field("fieldType", "Invalid custom field type."));
    }
    let mut world = ctx.sim.lock();
    // Names are not unique: sending it again makes a second field, as on Cloud.
    let number = world.jira.take_id();
    let mut field = Field::custom(number, name, kind);
    // Without a searcher JQL does not know the field.
    field.searchable = !text("searcherKey").is_empty();
    let shown = field.to_json();
    world.jira.fields.push(field);
    Ok(answer(StatusCode::CREATED, &shown))
}

async fn add_to_screens(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let mut world = ctx.sim.lock();
    if !world.jira.field(&id).is_some_and(|field| field.custom) {
        return Err(Refusal::missing(format!("Field with id '{id}' does not exist.")));
    }
    for screen in world.jira.screens.values_mut() {
        screen.insert(id.clone());
    }
    Ok(ok(&json!({})))
}

fn priority_full(view: &View<'_>, row: &(u64, &str, &str)) -> Value {
    let mut out = view.priority(row.0);
    out["description"] = json!(row.2);
    out["statusColor"] = json!("#ffab00");
    out["isDefault"] = json!(row.0 == seed::DEFAULT_PRIORITY);
    out
}

async fn priorities(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&seed::PRIORITIES.iter().map(|row| priority_full(&view, row)).collect()))
}

async fn priority(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let row = seed::PRIORITIES.iter().find(|row| row.0.to_string() == id);
    row.map(|row| ok(&priority_full(&view, row)))
        .ok_or_else(|| Refusal::missing(format!("The priority with id '{id}' does not exist.")))
}

async fn statuses(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&seed::STATUSES.iter().map(|status| view.status(status.id)).collect()))
}

async fn status(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let found =
        seed::STATUSES.iter().find(|status| status.id.to_string() == id || status.name.eq_ignore_ascii_case(&id));
    found
        .map(|status| ok(&view.status(status.id)))
        .ok_or_else(|| Refusal::missing(format!("The status with id or name '{id}' does not exist.")))
}

async fn resolutions(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&seed::RESOLUTIONS.iter().map(|row| view.resolution(row.0)).collect()))
}

async fn resolution(ctx: Ctx, Path(id): Path<String>) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let row = seed::RESOLUTIONS.iter().find(|row| row.0.to_string() == id);
    row.map(|row| ok(&view.resolution(row.0)))
        .ok_or_else(|| Refusal::missing(format!("The resolution with id '{id}' does not exist.")))
}
