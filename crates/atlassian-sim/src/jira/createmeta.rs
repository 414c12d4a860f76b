//! `/issue/createmeta`: which types a project has and which fields their create screens show.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::fields::{Field, Kind};
use super::meta::{named_json, no_project};
use super::reply::{Answer, Ctx, Refusal, Version, ok};
use super::seed;
use super::state::{Issue, Project};
use super::view::View;
use crate::server::Sim;

/// The largest page of create metadata.
const PAGE_LIMIT: usize = 200;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue/createmeta", get(all))
        .route("/issue/createmeta/{project}/issuetypes", get(types))
        .route("/issue/createmeta/{project}/issuetypes/{type}", get(fields))
}

fn page(ctx: &Ctx) -> Result<(usize, usize), Refusal> {
    let most = ctx.number("maxResults", 50)?;
    if most > PAGE_LIMIT {
        return Err(Refusal::bad(format!("Parameter 'maxResults' must not exceed the limit '{PAGE_LIMIT}'")));
    }
    Ok((ctx.number("startAt", 0)?, most))
}

async fn types(ctx: Ctx, Path(key): Path<String>) -> Answer {
    let (start, most) = page(&ctx)?;
    let world = ctx.sim.lock();
    let project = world.jira.project(&key).filter(|_| !ctx.anonymous()).ok_or_else(|| unknown(&ctx, &key))?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let offered = world.jira.types.iter().filter(|kind| project.type_ids.contains(&kind.id));
    let shown: Vec<Value> = offered.map(|kind| view.issue_type(kind)).skip(start).take(most).collect();
    Ok(paged(&ctx, start, most, project.type_ids.len(), "issueTypes", shown))
}

/// What is said of a project that does not exist: 404 on Cloud, 400 on Data Center.
fn unknown(ctx: &Ctx, key: &str) -> Refusal {
    let mut refusal = no_project(key);
    if ctx.version == Version::Server {
        refusal.status = StatusCode::BAD_REQUEST;
    }
    refusal
}

/// A page of metadata: Data Center calls the rows `values`, as in its other pages.
fn paged(ctx: &Ctx, start: usize, most: usize, total: usize, rows: &str, shown: Vec<Value>) -> Response {
    let mut out = json!({"startAt": start, "maxResults": most, "total": total});
    if ctx.version == Version::Server {
        out["isLast"] = json!(start + shown.len() >= total);
        out["values"] = Value::Array(shown);
    } else {
        out[rows] = Value::Array(shown);
    }
    ok(&out)
}

/// The fields on a create screen, in the order of the field list.
fn screen<'a>(view: &View<'a>, project: u64, type_id: u64) -> Vec<&'a Field> {
    let custom = view.state.screens.get(&(project, type_id));
    let subtask = view.state.issue_type(type_id).is_some_and(super::state::IssueType::subtask);
    let top = view.state.issue_type(type_id).is_some_and(|kind| kind.hierarchy > 0);
    view.state
        .fields
        .iter()
        .filter(|field| {
            let shown = field.on_every_create_screen() || custom.is_some_and(|screen| screen.contains(&field.id));
            // Nothing stands above an epic.
            shown && !(field.kind == Kind::Parent && top && !subtask)
        })
        .collect()
}

/// The closed list of values of a field, where it has one.
fn allowed(view: &View<'_>, field: &Field, project: Option<&Project>, type_id: u64) -> Option<Value> {
    match field.kind {
        Kind::Priority => Some(seed::PRIORITIES.iter().map(|row| view.priority(row.0)).collect()),
        Kind::Project => Some(project.into_iter().map(|project| view.project_brief(project)).collect()),
        Kind::IssueType => view.state.issue_type(type_id).map(|kind| json!([view.issue_type(kind)])),
        Kind::Versions => Some(project?.versions.iter().map(|entry| named_json(view.site, entry, false)).collect()),
        Kind::Components => Some(project?.components.iter().map(|entry| named_json(view.site, entry, true)).collect()),
        Kind::Choice => Some(json!([])),
        Kind::Summary
        | Kind::Rich
        | Kind::Labels
        | Kind::Text
        | Kind::Url
        | Kind::Number
        | Kind::Date
        | Kind::DateTime
        | Kind::Resolution
        | Kind::User
        | Kind::Parent
        | Kind::IssueLinks
        | Kind::Comment
        | Kind::ReadOnly => None,
    }
}

fn required(view: &View<'_>, field: &Field, type_id: u64) -> bool {
    let subtask = view.state.issue_type(type_id).is_some_and(super::state::IssueType::subtask);
    matches!(field.kind, Kind::Summary | Kind::Project | Kind::IssueType)
        || (field.kind == Kind::Parent && subtask)
        || field.id == "reporter"
}

async fn fields(ctx: Ctx, Path((key, type_id)): Path<(String, String)>) -> Answer {
    let (start, most) = page(&ctx)?;
    let world = ctx.sim.lock();
    let project = world.jira.project(&key).filter(|_| !ctx.anonymous()).ok_or_else(|| unknown(&ctx, &key))?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let type_id = project
        .type_ids
        .iter()
        .copied()
        .find(|id| id.to_string() == type_id)
        .ok_or_else(|| Refusal::missing("The issue type does not exist or is not visible to the user."))?;
    let fields = screen(&view, project.id, type_id);
    let shown: Vec<Value> = fields
        .iter()
        .skip(start)
        .take(most)
        .map(|field| {
            let allowed = allowed(&view, field, Some(project), type_id);
            field.meta(required(&view, field, type_id), allowed)
        })
        .collect();
    Ok(paged(&ctx, start, most, fields.len(), "fields", shown))
}

/// The deprecated call that shows every project at once.
async fn all(ctx: Ctx) -> Answer {
    let world = ctx.sim.lock();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let (keys, ids) = (ctx.list("projectKeys"), ctx.list("projectIds"));
    let (type_names, type_ids) = (ctx.list("issuetypeNames"), ctx.list("issuetypeIds"));
    let expand = ctx.list("expand");
    let with_fields = expand.iter().any(|word| word == "projects.issuetypes.fields");
    let wanted = |project: &&Project| {
        !ctx.anonymous()
            && ((keys.is_empty() && ids.is_empty())
                || keys.iter().any(|key| key.eq_ignore_ascii_case(&project.key))
                || ids.contains(&project.id.to_string()))
    };
    let projects: Vec<Value> = world
        .jira
        .projects
        .iter()
        .filter(wanted)
        .map(|project| {
            let offered = world.jira.types.iter().filter(|kind| project.type_ids.contains(&kind.id)).filter(|kind| {
                (type_names.is_empty() && type_ids.is_empty())
                    || type_names.contains(&kind.name)
                    || type_ids.contains(&kind.id.to_string())
            });
            let types: Vec<Value> = offered
                .map(|kind| {
                    let mut out = view.issue_type(kind);
                    if with_fields {
                        out["expand"] = json!("fields");
                        out["fields"] = screen(&view, project.id, kind.id)
                            .iter()
                            .map(|field| {
                                let allowed = allowed(&view, field, Some(project), kind.id);
                                (field.id.clone(), field.meta(required(&view, field, kind.id), allowed))
                            })
                            .collect::<Map<_, _>>()
                            .into();
                    }
                    out
                })
                .collect();
            let brief = view.project_brief(project);
            json!({
                "self": brief["self"],
                "id": brief["id"],
                "key": brief["key"],
                "name": brief["name"],
                "avatarUrls": brief["avatarUrls"],
                "issuetypes": types,
            })
        })
        .collect();
    Ok(ok(&json!({"expand": "projects", "projects": projects})))
}

/// What an edit of an issue can set, as `editmeta` shows it: every known custom field, because no screen is checked.
pub fn edit_meta(view: &View<'_>, issue: &Issue) -> Value {
    let project = view.state.project_by_id(issue.project);
    let fields: Map<String, Value> = view
        .state
        .fields
        .iter()
        .filter(|field| !field.operations().is_empty() && field.kind != Kind::Project)
        .map(|field| {
            let allowed = allowed(view, field, project, issue.type_id);
            let mut meta = field.meta(field.kind == Kind::Summary, allowed);
            // Only create metadata names the field inside the entry.
            if let Value::Object(meta) = &mut meta {
                meta.remove("fieldId");
            }
            (field.id.clone(), meta)
        })
        .collect();
    json!({"fields": fields})
}

/// `GET /issue/{key}/editmeta`
pub async fn edit_meta_of(ctx: Ctx, Path(key): Path<String>) -> Answer {
    if ctx.anonymous() {
        return Err(Refusal::no_issue());
    }
    let world = ctx.sim.lock();
    let issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    Ok(ok(&edit_meta(&view, issue)))
}
