//! Issues as pages for people: `/browse`, `/browse/CTB-1`, `/jira/projects/CTB`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::Value;

use super::state::{CustomValue, Issue, Link, Project, State};
use super::view::stamp;
use super::{adf_html, seed};
use crate::html::{escape, page, safe_url};
use crate::server::Sim;

/// The most issues on one list page.
const PAGE: usize = 200;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/browse") }))
        .route("/browse", get(projects))
        .route("/browse/{key}", get(issue))
        .route("/jira/projects/{project}", get(project))
}

fn not_found(what: &str) -> Response {
    let body = format!("<h1>Not found</h1><p>There is no {}.</p>", escape(what));
    (StatusCode::NOT_FOUND, Html(page("Not found", &body))).into_response()
}

fn lozenge(status: u64) -> String {
    let status = seed::status(status);
    let class = match status.category.1 {
        "done" => "green",
        "indeterminate" => "blue",
        _ => "",
    };
    format!("<span class=\"lozenge {class}\">{}</span>", escape(status.name))
}

/// Up to a page of a project's issues as table rows, newest first.
fn table(state: &State, project: &Project) -> String {
    let mut rows = String::new();
    let issues = state.issues.values().rev().filter(|issue| issue.project == project.id);
    for issue in issues.take(PAGE) {
        let kind = state.issue_type(issue.type_id).map_or("", |kind| kind.name.as_str());
        let labels: String =
            issue.labels.iter().map(|label| format!("<span class=\"label\">{}</span>", escape(label))).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            rows,
            "<tr><td>{}</td><td><a href=\"/browse/{key}\">{key}</a></td><td>{}</td><td>{}</td><td>{labels}</td></tr>",
            escape(kind),
            escape(&issue.summary),
            lozenge(issue.status),
            key = escape(&issue.key),
        );
    }
    format!(
        "<table><thead><tr><th>Type</th><th>Key</th><th>Summary</th><th>Status</th><th>Labels</th></tr></thead>\
         <tbody>{rows}</tbody></table>"
    )
}

fn section(state: &State, project: &Project) -> String {
    let total = state.issues.values().filter(|issue| issue.project == project.id).count();
    let note = if total > PAGE { format!(", the newest {PAGE} shown") } else { String::new() };
    format!(
        "<h1><a href=\"/jira/projects/{key}\">{name}</a></h1><p class=\"meta\">{key}, {total} issues{note}</p>{table}",
        key = escape(&project.key),
        name = escape(&project.name),
        table = table(state, project),
    )
}

async fn projects(Shared(sim): Shared<Arc<Sim>>) -> Html<String> {
    let world = sim.lock();
    let body: String = world.jira.projects.iter().map(|project| section(&world.jira, project)).collect();
    Html(page("Issues", &body))
}

async fn project(Shared(sim): Shared<Arc<Sim>>, Path(key): Path<String>) -> Response {
    let world = sim.lock();
    match world.jira.project(&key) {
        Some(project) => Html(page(&project.name, &section(&world.jira, project))).into_response(),
        None => not_found(&format!("project {key}")),
    }
}

async fn issue(Shared(sim): Shared<Arc<Sim>>, Path(key): Path<String>) -> Response {
    let world = sim.lock();
    match world.jira.issue(&key) {
        Some(issue) => {
            let title = format!("{} {}", issue.key, issue.summary);
            Html(page(&title, &issue_body(&world.jira, issue))).into_response()
        }
        None => match world.jira.project(&key) {
            Some(project) => Html(page(&project.name, &section(&world.jira, project))).into_response(),
            None => not_found(&format!("issue {key}")),
        },
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn facts(state: &State, issue: &Issue) -> String {
    let mut rows = vec![
        ("Type".to_owned(), escape(state.issue_type(issue.type_id).map_or("", |kind| kind.name.as_str()))),
        ("Status".to_owned(), lozenge(issue.status)),
        (
            "Priority".to_owned(),
            escape(seed::PRIORITIES.iter().find(|row| row.0 == issue.priority).map_or("", |row| row.1)),
        ),
        (
            "Labels".to_owned(),
            issue.labels.iter().map(|label| format!("<span class=\"label\">{}</span>", escape(label))).collect(),
        ),
    ];
    if let Some(parent) = issue.parent.and_then(|id| state.issues.get(&id)) {
        rows.push(("Parent".to_owned(), link_to(parent)));
    }
    if let Some(id) = issue.resolution {
        let name = seed::RESOLUTIONS.iter().find(|row| row.0 == id).map_or("", |row| row.1);
        rows.push(("Resolution".to_owned(), escape(name)));
    }
    if let Some(due) = &issue.due {
        rows.push(("Due date".to_owned(), escape(due)));
    }
    for (id, value) in &issue.custom {
        let name = state.field(id).map_or(id.as_str(), |field| field.name.as_str());
        let shown = match value {
            CustomValue::Plain(value) => escape(&plain(value)),
            CustomValue::Rich(text) => adf_html::render(&text.adf),
        };
        rows.push((name.to_owned(), shown));
    }
    rows.push(("Created".to_owned(), escape(&stamp(issue.created))));
    rows.push(("Updated".to_owned(), escape(&stamp(issue.updated))));
    let rows: String =
        rows.iter().map(|(name, value)| format!("<tr><th>{}</th><td>{value}</td></tr>", escape(name))).collect();
    format!("<table><tbody>{rows}</tbody></table>")
}

fn link_to(issue: &Issue) -> String {
    format!("<a href=\"/browse/{key}\">{key}</a> {}", escape(&issue.summary), key = escape(&issue.key))
}

/// A link as its reader's end puts it: "blocks CTB-2", or "is blocked by CTB-1" at the other end.
fn link_line(state: &State, link: &Link, reader: u64) -> Option<String> {
    let kind = state.link_types.iter().find(|kind| kind.id == link.type_id)?;
    let (words, other) =
        if link.source == reader { (&kind.outward, link.destination) } else { (&kind.inward, link.source) };
    Some(format!("<li>{} {}</li>", escape(words), link_to(state.issues.get(&other)?)))
}

fn remote_lines(issue: &Issue) -> String {
    let text = |object: &Value, name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    issue
        .remote_links
        .iter()
        .map(|link| {
            let group = link.relationship.as_deref().unwrap_or("links to");
            format!(
                "<li>{} <a href=\"{}\">{}</a> <span class=\"meta\">{}</span></li>",
                escape(group),
                safe_url(&text(&link.object, "url")),
                escape(&text(&link.object, "title")),
                escape(&text(&link.object, "summary")),
            )
        })
        .collect()
}

fn issue_body(state: &State, issue: &Issue) -> String {
    let project = state.project_by_id(issue.project).map_or("", |project| project.key.as_str());
    let mut body = format!(
        "<p class=\"crumbs\"><a href=\"/jira/projects/{project}\">{project}</a> / {key}</p><h1>{summary}</h1>{facts}",
        project = escape(project),
        key = escape(&issue.key),
        summary = escape(&issue.summary),
        facts = facts(state, issue),
    );
    let mut add = |title: &str, content: String| {
        if !content.is_empty() {
            let _ = write!(body, "<h2>{}</h2>{content}", escape(title));
        }
    };
    let rich =
        |text: &Option<super::rich::Rich>| text.as_ref().map(|text| adf_html::render(&text.adf)).unwrap_or_default();
    add("Description", rich(&issue.description));
    add("Environment", rich(&issue.environment));
    let links = state.links_of.get(&issue.id).into_iter().flatten().filter_map(|id| state.links.get(id));
    let links: String = links.filter_map(|link| link_line(state, link, issue.id)).collect();
    add("Linked issues", if links.is_empty() { links } else { format!("<ul>{links}</ul>") });
    let remote = remote_lines(issue);
    add("Web links", if remote.is_empty() { remote } else { format!("<ul>{remote}</ul>") });
    let children = state.children_of.get(&issue.id).into_iter().flatten().filter_map(|id| state.issues.get(id));
    let children: String = children.map(|child| format!("<li>{}</li>", link_to(child))).collect();
    add("Child issues", if children.is_empty() { children } else { format!("<ul>{children}</ul>") });
    let files: String = issue
        .attachments
        .iter()
        .map(|file| {
            format!("<li>{} <span class=\"meta\">{} bytes</span></li>", escape(&file.filename), file.content.len())
        })
        .collect();
    add("Attachments", if files.is_empty() { files } else { format!("<ul>{files}</ul>") });
    let properties: String = issue
        .properties
        .iter()
        .map(|(key, value)| {
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            format!("<h3>{}</h3><pre>{}</pre>", escape(key), escape(&pretty))
        })
        .collect();
    add("Issue properties", properties);
    let comments: String = issue
        .comments
        .iter()
        .map(|comment| {
            format!(
                "<div class=\"comment\"><p class=\"meta\">{}</p>{}</div>",
                escape(&stamp(comment.created)),
                adf_html::render(&comment.body.adf)
            )
        })
        .collect();
    add("Comments", comments);
    body
}
