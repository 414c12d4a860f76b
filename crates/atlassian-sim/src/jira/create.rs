//! An issue coming into being, and an edit going into one: the part that single, bulk and edit calls share.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::fields::{Field, Kind};
use super::reply::{Refusal, Version};
use super::rich::Rich;
use super::seed;
use super::set::{Fault, Setter, collect, not_on_screen, pick, properties, rich, scalar};
use super::state::{Change, Comment, Issue, Link, State};
use crate::World;
use crate::auth::Account;

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The caller.
    pub account: &'a Account,
    /// The version of the call.
    pub version: Version,
}

/// A created issue.
#[derive(Debug, Clone)]
pub struct Created {
    /// The new id.
    pub id: u64,
    /// The new key.
    pub key: String,
    /// What became of the transition, where one was asked for.
    pub transition: Option<Value>,
}

/// A comment as sent.
#[derive(Debug)]
pub struct Draft {
    /// The text.
    pub body: Rich,
    /// Who may read it.
    pub visibility: Option<Value>,
    /// Its properties.
    pub properties: BTreeMap<String, Value>,
}

/// A link as sent inside an edit: the other issue, and whether that one is the source.
#[derive(Debug, Clone, Copy)]
struct NewLink {
    type_id: u64,
    other: u64,
    other_is_source: bool,
}

/// What an edit does beyond the issue itself.
#[derive(Debug, Default)]
struct Effects {
    links: Vec<NewLink>,
    comments: Vec<Draft>,
    removed_comments: Vec<u64>,
}

/// A part of the body that must be an object; absent and null are an empty one.
fn part(details: &Value, name: &str) -> Result<Map<String, Value>, Refusal> {
    match details.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => Err(Refusal::payload()),
    }
}

/// Creates an issue from the body of a create call.
///
/// # Errors
/// 400 with everything that is wrong with it; nothing is stored then.
pub fn create(state: &mut State, writer: Writer<'_>, details: &Value) -> Result<Created, Refusal> {
    let fields = part(details, "fields")?;
    let update = part(details, "update")?;
    let project = fields
        .get("project")
        .and_then(|value| {
            let named = value.get("id").or_else(|| value.get("key"))?;
            state.project(&scalar(named)?)
        })
        .ok_or_else(|| Refusal::field("project", "Specify a valid project ID or key"))?;
    let project_id = project.id;
    let type_id = fields
        .get("issuetype")
        .and_then(|value| {
            let offered = state.types.iter().filter(|kind| project.type_ids.contains(&kind.id));
            pick(value, offered.map(|kind| (kind.id, kind.name.as_str())))
        })
        .ok_or_else(|| Refusal::field("issuetype", "Specify a valid issue type"))?;
    let now = World::now();
    let mut issue = Issue {
        id: 0,
        key: String::new(),
        former_keys: Vec::new(),
        history: Vec::new(),
        project: project_id,
        type_id,
        summary: String::new(),
        description: None,
        environment: None,
        labels: Vec::new(),
        priority: seed::DEFAULT_PRIORITY,
        status: seed::FIRST_STATUS.id,
        resolution: None,
        resolved: None,
        parent: None,
        assignee: None,
        reporter: Some(writer.account.account_id.clone()),
        creator: writer.account.account_id.clone(),
        due: None,
        versions: Vec::new(),
        fix_versions: Vec::new(),
        components: Vec::new(),
        custom: BTreeMap::new(),
        properties: BTreeMap::new(),
        comments: Vec::new(),
        remote_links: Vec::new(),
        attachments: Vec::new(),
        created: now,
        updated: now,
        category_changed: now,
    };
    check_screen(state, project_id, type_id, fields.keys().chain(update.keys()))?;
    let setter = Setter { state, account: writer.account, version: writer.version, creating: true };
    let mut sent = fields;
    for name in ["project", "issuetype"] {
        sent.remove(name);
    }
    if !sent.contains_key("summary") {
        sent.insert("summary".to_owned(), Value::Null);
    }
    let effects = apply(setter, &mut issue, &sent, &update)?;
    check_parent(state, &issue)?;
    if let Some(value) = details.get("properties").filter(|value| !value.is_null()) {
        issue.properties = properties(value)?;
    }
    let transition =
        details.get("transition").filter(|value| !value.is_null()).map(|value| transition(&mut issue, value));
    let (id, key) = state.allot(project_id).ok_or_else(Refusal::payload)?;
    issue.id = id;
    issue.key.clone_from(&key);
    finish(state, writer, issue, effects);
    Ok(Created { id, key, transition })
}

/// Changes an issue as the body of an edit call says. Cloud does not look at screens here.
///
/// # Errors
/// 400 with everything that is wrong with it; nothing is stored then.
pub fn edit(state: &mut State, writer: Writer<'_>, id: u64, details: &Value) -> Result<(), Refusal> {
    let fields = part(details, "fields")?;
    let update = part(details, "update")?;
    let mut issue = state.issues.get(&id).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let setter = Setter { state, account: writer.account, version: writer.version, creating: false };
    let effects = apply(setter, &mut issue, &fields, &update)?;
    check_parent(state, &issue)?;
    if let Some(value) = details.get("properties").filter(|value| !value.is_null()) {
        issue.properties.extend(properties(value)?);
    }
    issue.updated = World::now();
    if let Some(before) = state.issues.get(&id) {
        note(&mut issue, before, writer.account);
    }
    finish(state, writer, issue, effects);
    Ok(())
}

/// Refuses fields that the create screen does not show, and names that are no fields, in the same words.
fn check_screen<'a>(
    state: &State,
    project: u64,
    type_id: u64,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), Refusal> {
    let screen = state.screens.get(&(project, type_id));
    let errors: Map<String, Value> = names
        .filter(|name| {
            !state.field(name).is_some_and(|field| {
                // A comment can be added by update although no screen shows it.
                field.on_every_create_screen()
                    || field.kind == Kind::Comment
                    || screen.is_some_and(|screen| screen.contains(name.as_str()))
            })
        })
        .map(|name| (name.clone(), Value::String(not_on_screen(name))))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Refusal { status: StatusCode::BAD_REQUEST, messages: Vec::new(), errors })
}

/// A sub-task needs a parent of a higher level in the same project.
fn check_parent(state: &State, issue: &Issue) -> Result<(), Refusal> {
    let Some(kind) = state.issue_type(issue.type_id) else { return Ok(()) };
    let Some(parent) = issue.parent else {
        if kind.subtask() {
            return Err(Refusal::field(
                "issuetype",
                "Issue type is a sub-task but parent issue key or id not specified.",
            ));
        }
        return Ok(());
    };
    let higher = state
        .issues
        .get(&parent)
        .and_then(|parent| state.issue_type(parent.type_id))
        .is_some_and(|above| above.hierarchy == kind.hierarchy + 1);
    if higher && parent != issue.id {
        Ok(())
    } else {
        Err(Refusal::field("parentId", "Given parent work item does not belong to appropriate hierarchy."))
    }
}

/// Sets fields, then runs the verbs of `update`, and reports every fault together.
fn apply(
    setter: Setter<'_>,
    issue: &mut Issue,
    fields: &Map<String, Value>,
    update: &Map<String, Value>,
) -> Result<Effects, Refusal> {
    let mut messages = Vec::new();
    let mut errors = Map::new();
    let mut effects = Effects::default();
    for (name, value) in fields {
        if update.contains_key(name) {
            errors.insert(name.clone(), json!(format!("Field '{name}' cannot appear in both 'fields' and 'update'")));
            continue;
        }
        let set = match setter.state.field(name) {
            Some(field) => setter.set(issue, field, value),
            None => Err(Fault::Field(not_on_screen(name))),
        };
        if let Err(fault) = set {
            collect(fault, name, &mut messages, &mut errors);
        }
    }
    for (name, verbs) in update {
        if let Err(fault) = run_verbs(setter, issue, name, verbs, &mut effects) {
            collect(fault, name, &mut messages, &mut errors);
        }
    }
    if messages.is_empty() && errors.is_empty() {
        Ok(effects)
    } else {
        Err(Refusal { status: StatusCode::BAD_REQUEST, messages, errors })
    }
}

fn run_verbs(
    setter: Setter<'_>,
    issue: &mut Issue,
    name: &str,
    verbs: &Value,
    effects: &mut Effects,
) -> Result<(), Fault> {
    let Some(field) = setter.state.field(name) else {
        return Err(Fault::Field(not_on_screen(name)));
    };
    let Value::Array(operations) = verbs else {
        return Err(Fault::Field("Field value must be an array of operations".to_owned()));
    };
    for operation in operations {
        let Value::Object(operation) = operation else {
            return Err(Fault::Field("Field value must be an array of operations".to_owned()));
        };
        for (verb, value) in operation {
            run_verb(setter, issue, field, verb, value, effects)?;
        }
    }
    Ok(())
}

fn run_verb(
    setter: Setter<'_>,
    issue: &mut Issue,
    field: &Field,
    verb: &str,
    value: &Value,
    effects: &mut Effects,
) -> Result<(), Fault> {
    let unsupported = || Fault::Field(format!("Field does not support update '{}'", field.id));
    match (field.kind, verb) {
        (Kind::IssueLinks, "add") => effects.links.push(new_link(setter.state, value)?),
        (Kind::Comment, "add") => {
            let draft = draft(setter.version, value).map_err(|refusal| Fault::Field(first_text(&refusal)))?;
            effects.comments.push(draft);
        }
        (Kind::Comment, "remove") => {
            let id = value.get("id").and_then(scalar).and_then(|id| id.parse().ok()).ok_or_else(unsupported)?;
            effects.removed_comments.push(id);
        }
        (Kind::IssueLinks | Kind::Comment, _) => return Err(unsupported()),
        (
            Kind::Summary
            | Kind::Rich
            | Kind::Labels
            | Kind::Text
            | Kind::Url
            | Kind::Number
            | Kind::Date
            | Kind::DateTime
            | Kind::Priority
            | Kind::Resolution
            | Kind::User
            | Kind::Parent
            | Kind::Project
            | Kind::IssueType
            | Kind::Versions
            | Kind::Components
            | Kind::Choice
            | Kind::ReadOnly,
            _,
        ) => setter.update(issue, field, verb, value)?,
    }
    Ok(())
}

fn new_link(state: &State, value: &Value) -> Result<NewLink, Fault> {
    let kind = link_type(state, value.get("type").unwrap_or(&Value::Null))
        .ok_or_else(|| Fault::Field("No issue link type could be found.".to_owned()))?;
    let end = |name: &str| {
        let named = value.get(name)?;
        let text = scalar(named.get("id").or_else(|| named.get("key"))?)?;
        state.issue(&text).map(|issue| issue.id)
    };
    match (end("outwardIssue"), end("inwardIssue")) {
        (Some(other), _) => Ok(NewLink { type_id: kind, other, other_is_source: false }),
        (None, Some(other)) => Ok(NewLink { type_id: kind, other, other_is_source: true }),
        (None, None) => Err(Fault::Field("Issue does not exist or you do not have permission to see it.".to_owned())),
    }
}

/// The link type that `{"name"}` or `{"id"}` names; also by its inward or outward text, as Jira accepts.
pub fn link_type(state: &State, value: &Value) -> Option<u64> {
    if let Some(id) = value.get("id").and_then(scalar) {
        return state.link_types.iter().find(|kind| kind.id.to_string() == id).map(|kind| kind.id);
    }
    let name = value.get("name")?.as_str()?;
    state.link_types.iter().find(|kind| kind.name.eq_ignore_ascii_case(name)).map(|kind| kind.id)
}

fn first_text(refusal: &Refusal) -> String {
    refusal
        .messages
        .first()
        .cloned()
        .or_else(|| refusal.errors.values().find_map(|text| text.as_str().map(str::to_owned)))
        .unwrap_or_default()
}

/// A comment as sent: text, visibility and properties.
///
/// # Errors
/// 400, with the text's fault under `comment`.
pub fn draft(version: Version, value: &Value) -> Result<Draft, Refusal> {
    let body = rich(version, value.get("body").unwrap_or(&Value::Null), false).map_err(|fault| match fault {
        Fault::Field(text) | Fault::Other(_, text) => Refusal::field("comment", text),
        Fault::Whole(text) => Refusal::bad(text),
    })?;
    let body = body.ok_or_else(|| Refusal::field("comment", "Comment body can not be empty!"))?;
    if body.plain().trim().is_empty() && body.adf.get("content").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Refusal::field("comment", "Comment body can not be empty!"));
    }
    let properties = match value.get("properties") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(sent) => properties(sent)?,
    };
    let visibility = value.get("visibility").filter(|value| value.is_object()).cloned();
    Ok(Draft { body, visibility, properties })
}

/// Adds a line to an issue's history where something that people see is not as it was.
pub fn note(issue: &mut Issue, before: &Issue, by: &Account) {
    let plain = |text: &Option<Rich>| text.as_ref().map(Rich::plain).unwrap_or_default();
    let mut items = Vec::new();
    if issue.summary != before.summary {
        items.push(("summary", before.summary.clone(), issue.summary.clone()));
    }
    if issue.labels != before.labels {
        items.push(("labels", before.labels.join(" "), issue.labels.join(" ")));
    }
    if issue.key != before.key {
        items.push(("Key", before.key.clone(), issue.key.clone()));
    }
    if issue.project != before.project {
        items.push(("project", before.project.to_string(), issue.project.to_string()));
    }
    // The text itself is long, and the issue has the present one.
    if plain(&issue.description) != plain(&before.description) {
        items.push(("description", String::new(), String::new()));
    }
    if !items.is_empty() {
        issue.history.push(Change { at: World::now(), author: by.account_id.clone(), items });
    }
}

/// Adds a comment to an issue and returns its id.
pub fn add_comment(state: &mut State, issue: &mut Issue, draft: Draft, by: &Account) -> u64 {
    let id = state.take_id();
    let now = World::now();
    issue.comments.push(Arc::new(Comment {
        id,
        author: by.account_id.clone(),
        body: draft.body,
        visibility: draft.visibility,
        properties: draft.properties,
        created: now,
        updated: now,
    }));
    id
}

/// Links two issues, once: a repeated link is accepted and changes nothing. Returns whether it is new.
pub fn add_link(state: &mut State, type_id: u64, source: u64, destination: u64) -> bool {
    let known = state.links_of.get(&source).into_iter().flatten().filter_map(|id| state.links.get(id));
    let mut known = known.filter(|link| link.type_id == type_id);
    if known.any(|link| link.source == source && link.destination == destination) {
        return false;
    }
    let id = state.take_id();
    state.links.insert(id, Link { id, type_id, source, destination });
    for end in [source, destination] {
        state.links_of.entry(end).or_default().push(id);
    }
    true
}

fn finish(state: &mut State, writer: Writer<'_>, mut issue: Issue, effects: Effects) {
    issue.comments.retain(|comment| !effects.removed_comments.contains(&comment.id));
    for draft in effects.comments {
        add_comment(state, &mut issue, draft, writer.account);
    }
    let id = issue.id;
    state.store(issue);
    for link in effects.links {
        let (source, destination) = if link.other_is_source { (link.other, id) } else { (id, link.other) };
        add_link(state, link.type_id, source, destination);
    }
}

/// Moves an issue along a transition and tells how it went, as a create call reports it.
fn transition(issue: &mut Issue, value: &Value) -> Value {
    let wanted = value.get("id").and_then(scalar).unwrap_or_default();
    match seed::STATUSES.iter().find(|status| status.transition.to_string() == wanted) {
        Some(status) => {
            move_to(issue, status.id);
            json!({"status": 204, "errorCollection": {"errorMessages": [], "errors": {}}})
        }
        None => json!({
            "status": 400,
            "errorCollection": {"errorMessages": ["It seems that you have tried to perform an illegal workflow operation."], "errors": {}},
        }),
    }
}

/// Puts an issue into a status: a done one resolves it, any other clears the resolution.
pub fn move_to(issue: &mut Issue, status: u64) {
    let now = World::now();
    let before = seed::status(issue.status).category.0;
    let after = seed::status(status).category;
    issue.status = status;
    if before != after.0 {
        issue.category_changed = now;
    }
    if after.1 == "done" {
        issue.resolution = issue.resolution.or(Some(seed::RESOLUTIONS[0].0));
        issue.resolved = issue.resolved.or(Some(now));
    } else {
        issue.resolution = None;
        issue.resolved = None;
    }
    issue.updated = now;
}
