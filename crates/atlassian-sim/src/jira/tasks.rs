//! Bulk writes that go on after their answer: `/bulk/issues/fields` with `/bulk/queue/{task}`, and
//! `/issue/properties` and `/issue/properties/multi` with `/task/{task}`.
//!
//! A task waits, runs, and ends; `PUT /_sim/jira` says how long it does each and how it ends. Its effect is there when it
//! ends. Of bulk edits five go on at a time on the whole site, and an issue is in one task about properties at a time.
//! Bulk edits take labels and one-line texts here; other fields are refused by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::bulk::words;
use super::create::{self, Writer};
use super::reply::{Answer, Ctx, Refusal, Sent, Version, answer, ok};
use super::set::{check_property, scalar};
use super::state::State;
use crate::World;
use crate::auth::Account;
use crate::server::Sim;

/// Bulk edits at the same time, of all callers together.
const EDITS_AT_ONCE: usize = 5;
/// Issues in one bulk edit.
const EDIT_ISSUES: usize = 1_000;
/// Fields in one bulk edit.
const EDIT_FIELDS: usize = 200;
/// Issues with properties of their own in one call.
const MULTI_ISSUES: usize = 100;
/// Issues with the same properties in one call.
const SAME_ISSUES: usize = 10_000;
/// Properties in one call.
const PROPERTIES: usize = 10;

/// How a task ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It does what it was asked for.
    #[default]
    Complete,
    /// It does nothing and says so.
    Failed,
    /// It does nothing and is never heard of again.
    Dead,
}

/// How long tasks take, and how they end. A reset restores the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long a task waits, milliseconds.
    pub task_waits_ms: u64,
    /// How long it runs, milliseconds.
    pub task_runs_ms: u64,
    /// How it ends.
    pub task_ends: End,
    /// How long it can be asked about, seconds: 14 days.
    pub task_kept_seconds: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { task_waits_ms: 0, task_runs_ms: 0, task_ends: End::Complete, task_kept_seconds: 14 * 86_400 }
    }
}

/// What a task does.
#[derive(Debug, Clone)]
enum Work {
    /// An edit, the same for each issue.
    Edit(Value),
    /// Properties by issue; all or nothing where it says so.
    Properties { by_issue: BTreeMap<u64, Map<String, Value>>, transactional: bool },
}

/// A task.
#[derive(Debug, Clone)]
pub struct Task {
    work: Work,
    issues: Vec<u64>,
    invalid: usize,
    by: Account,
    submitted: OffsetDateTime,
    began: Instant,
    behaviour: Behaviour,
    /// Once it is over.
    outcome: Option<Outcome>,
}

/// What became of a task.
#[derive(Debug, Clone, Default)]
struct Outcome {
    done: Vec<u64>,
    failed: BTreeMap<u64, Vec<String>>,
}

impl Task {
    fn status(&self) -> &'static str {
        let passed = self.began.elapsed();
        match &self.outcome {
            Some(_) => match self.behaviour.task_ends {
                End::Complete => "COMPLETE",
                End::Failed => "FAILED",
                End::Dead => "DEAD",
            },
            None if passed < Duration::from_millis(self.behaviour.task_waits_ms) => "ENQUEUED",
            None => "RUNNING",
        }
    }

    fn kept(&self) -> bool {
        self.began.elapsed() < Duration::from_secs(self.behaviour.task_kept_seconds)
    }
}

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/bulk/issues/fields", post(edit))
        .route("/bulk/queue/{task}", get(queue))
        .route("/issue/properties", post(same))
        .route("/issue/properties/multi", post(multi))
        .route("/task/{task}", get(read))
}

/// `/_sim/jira`.
pub fn console() -> Router<Arc<Sim>> {
    Router::new().route("/_sim/jira", get(behaviour).put(set_behaviour))
}

async fn behaviour(Shared(sim): Shared<Arc<Sim>>) -> Json<Behaviour> {
    Json(sim.lock().jira.behaviour)
}

async fn set_behaviour(Shared(sim): Shared<Arc<Sim>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Behaviour>(&body) {
        Ok(behaviour) => {
            sim.lock().jira.behaviour = behaviour;
            Json(behaviour).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

/// Starts a task and gives its id. It ends by itself.
fn start(ctx: &Ctx, state: &mut State, work: Work, issues: Vec<u64>, invalid: usize, by: &Account) -> u64 {
    let id = state.take_id();
    let behaviour = state.behaviour;
    state.tasks.insert(
        id,
        Task {
            work,
            issues,
            invalid,
            by: by.clone(),
            submitted: World::now(),
            began: Instant::now(),
            behaviour,
            outcome: None,
        },
    );
    let time = Duration::from_millis(behaviour.task_waits_ms.saturating_add(behaviour.task_runs_ms));
    if time.is_zero() {
        finish(state, id);
    } else {
        let sim = ctx.sim.clone();
        let began = state.tasks.get(&id).map(|task| task.began);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let mut world = sim.lock();
            // After a reset the id may belong to another task.
            if world.jira.tasks.get(&id).map(|task| task.began) == began {
                finish(&mut world.jira, id);
            }
        });
    }
    id
}

fn gone() -> Vec<String> {
    vec!["Issue does not exist or you do not have permission to see it.".to_owned()]
}

/// What a task does, all at once at its end.
fn finish(state: &mut State, id: u64) {
    let Some(task) = state.tasks.get(&id).cloned() else { return };
    let mut outcome = Outcome::default();
    if task.behaviour.task_ends == End::Complete {
        match &task.work {
            Work::Edit(details) => {
                let writer = Writer { account: &task.by, version: Version::V3 };
                for issue in &task.issues {
                    match create::edit(state, writer, *issue, details) {
                        Ok(()) => outcome.done.push(*issue),
                        Err(refusal) => {
                            let fields = refusal.errors.values().filter_map(Value::as_str).map(str::to_owned);
                            let reasons = refusal.messages.iter().cloned().chain(fields).collect();
                            outcome.failed.insert(*issue, reasons);
                        }
                    }
                }
            }
            Work::Properties { by_issue, transactional } => {
                let missing: Vec<u64> =
                    by_issue.keys().copied().filter(|issue| !state.issues.contains_key(issue)).collect();
                outcome.failed = missing.iter().map(|issue| (*issue, gone())).collect();
                let none = *transactional && !missing.is_empty();
                for (issue, properties) in by_issue.iter().filter(|_| !none) {
                    let Some(mut issue) = state.issues.get(issue).map(|issue| issue.as_ref().clone()) else { continue };
                    outcome.done.push(issue.id);
                    issue.properties.extend(properties.iter().map(|(key, value)| (key.clone(), value.clone())));
                    issue.updated = World::now();
                    state.store(issue);
                }
            }
        }
    }
    if let Some(task) = state.tasks.get_mut(&id) {
        task.outcome = Some(outcome);
    }
}

fn bulk_refusal(message: impl Into<String>) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({"errors": [{"message": message.into()}]}))
}

/// The edit that the input of a bulk edit means.
fn edit_of(input: &Value, actions: &[String]) -> Result<Value, String> {
    let (mut fields, mut update) = (Map::new(), Map::new());
    let mut named = Vec::new();
    for (kind, entries) in input.as_object().into_iter().flatten() {
        for entry in entries.as_array().into_iter().flatten() {
            let id = entry["fieldId"].as_str().ok_or("fieldId is required")?;
            named.push(id.to_owned());
            match kind.as_str() {
                "labelsFields" => {
                    let labels: Vec<Value> = entry["labels"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|label| json!(label["name"].as_str().or(label.as_str()).unwrap_or_default()))
                        .collect();
                    let verbs = match entry["bulkEditMultiSelectFieldOption"].as_str() {
                        Some("ADD") => labels.into_iter().map(|label| json!({"add": label})).collect(),
                        Some("REMOVE") => labels.into_iter().map(|label| json!({"remove": label})).collect(),
                        Some("REPLACE") => vec![json!({"set": labels})],
                        Some("REMOVE_ALL") => vec![json!({"set": []})],
                        _ => return Err("bulkEditMultiSelectFieldOption is not valid".to_owned()),
                    };
                    update.insert(id.to_owned(), Value::Array(verbs));
                }
                "singleLineTextFields" => {
                    fields.insert(id.to_owned(), entry["text"].clone());
                }
                other => return Err(format!("{other} cannot be edited in bulk on this simulated site")),
            }
        }
    }
    let unlisted: Vec<&String> = named.iter().filter(|id| !actions.contains(id)).collect();
    if let Some(first) = unlisted.first() {
        return Err(format!("The following editedFieldInput values are not listed as selectedActions : {first}"));
    }
    if named.is_empty() {
        return Err("editedFieldsInput is required".to_owned());
    }
    Ok(json!({"fields": fields, "update": update}))
}

async fn edit(ctx: Ctx, sent: Sent) -> Answer {
    let account = ctx.account()?;
    let body = sent.object()?;
    let wanted = words(&body, "selectedIssueIdsOrKeys")?;
    let actions = words(&body, "selectedActions")?;
    if wanted.is_empty() || wanted.len() > EDIT_ISSUES {
        return Ok(bulk_refusal(format!("Between 1 and {EDIT_ISSUES} issues can be edited at once.")));
    }
    if actions.len() > EDIT_FIELDS {
        return Ok(bulk_refusal(format!("At most {EDIT_FIELDS} fields can be edited at once.")));
    }
    let details = match edit_of(body.get("editedFieldsInput").unwrap_or(&Value::Null), &actions) {
        Ok(details) => details,
        Err(message) => return Ok(bulk_refusal(message)),
    };
    let mut world = ctx.sim.lock();
    let open = world.jira.tasks.values().filter(|task| task.outcome.is_none() && matches!(task.work, Work::Edit(_)));
    if open.count() >= EDITS_AT_ONCE {
        let message = format!("Only {EDITS_AT_ONCE} bulk operations can be in progress at once.");
        return Ok(bulk_refusal(message));
    }
    let mut issues: Vec<u64> = wanted.iter().filter_map(|name| world.jira.issue(name)).map(|issue| issue.id).collect();
    let invalid = wanted.len() - issues.len();
    issues.sort_unstable();
    issues.dedup();
    let id = start(&ctx, &mut world.jira, Work::Edit(details), issues, invalid, account);
    Ok(answer(StatusCode::CREATED, &json!({"taskId": id.to_string()})))
}

fn milliseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

async fn queue(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let world = ctx.sim.lock();
    let task = id.parse::<u64>().ok().and_then(|id| world.jira.tasks.get(&id)).filter(|task| task.kept());
    let Some(task) = task.filter(|task| matches!(task.work, Work::Edit(_))) else {
        return Err(Refusal::bad("The task associated with this taskId is not a bulk operation task"));
    };
    let at = milliseconds(task.submitted);
    let mut out = json!({
        "taskId": id,
        "status": task.status(),
        "progressPercent": if task.outcome.is_some() { 100 } else { 0 },
        "submittedBy": {"accountId": task.by.account_id},
        "created": at,
        "updated": milliseconds(World::now()),
    });
    if task.status() != "ENQUEUED" {
        out["started"] = json!(at);
    }
    if let Some(outcome) = &task.outcome {
        out["totalIssueCount"] = json!(task.issues.len() + task.invalid);
        out["invalidOrInaccessibleIssueCount"] = json!(task.invalid);
        out["processedAccessibleIssues"] = json!(outcome.done);
        if !outcome.failed.is_empty() {
            out["failedAccessibleIssues"] = outcome
                .failed
                .iter()
                .map(|(id, reasons)| (id.to_string(), json!(reasons)))
                .collect::<Map<_, _>>()
                .into();
        }
    }
    Ok(ok(&out))
}

/// The properties in a body, checked.
fn properties(value: Option<&Value>) -> Result<Map<String, Value>, Refusal> {
    let Some(Value::Object(properties)) = value else { return Err(Refusal::payload()) };
    if properties.is_empty() || properties.len() > PROPERTIES {
        return Err(Refusal::bad(format!("Between 1 and {PROPERTIES} properties can be set at once.")));
    }
    for (key, value) in properties {
        check_property(key, value)?;
    }
    Ok(properties.clone())
}

/// Starts a task about properties: 303 with the task's address.
fn start_properties(ctx: &Ctx, by_issue: BTreeMap<u64, Map<String, Value>>, transactional: bool) -> Answer {
    let account = ctx.account()?;
    let mut world = ctx.sim.lock();
    let mut open = world.jira.tasks.values().filter(|task| {
        task.outcome.is_none() && matches!(&task.work, Work::Properties { by_issue: other, .. } if other.keys().any(|id| by_issue.contains_key(id)))
    });
    if open.next().is_some() {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "Another bulk update on the same issues is already in progress. Retry the request later.",
        ));
    }
    let issues = by_issue.keys().copied().collect();
    let id = start(ctx, &mut world.jira, Work::Properties { by_issue, transactional }, issues, 0, account);
    let place = ctx.site().api(&format!("task/{id}"));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response())
}

async fn same(ctx: Ctx, sent: Sent) -> Answer {
    ctx.account()?;
    let body = sent.object()?;
    let ids = words(&body, "entitiesIds")?;
    if ids.is_empty() || ids.len() > SAME_ISSUES {
        return Err(Refusal::bad(format!("Between 1 and {SAME_ISSUES} issues can be updated at once.")));
    }
    let properties = properties(body.get("properties"))?;
    let by_issue = ids
        .iter()
        .map(|id| Ok((id.parse().map_err(|_| Refusal::payload())?, properties.clone())))
        .collect::<Result<_, Refusal>>()?;
    start_properties(&ctx, by_issue, true)
}

async fn multi(ctx: Ctx, sent: Sent) -> Answer {
    ctx.account()?;
    let body = sent.object()?;
    let Some(Value::Array(issues)) = body.get("issues") else { return Err(Refusal::payload()) };
    if issues.is_empty() || issues.len() > MULTI_ISSUES {
        return Err(Refusal::bad(format!("Between 1 and {MULTI_ISSUES} issues can be updated at once.")));
    }
    let mut by_issue = BTreeMap::new();
    for issue in issues {
        let id = issue.get("issueID").and_then(scalar).and_then(|id| id.parse().ok()).ok_or_else(Refusal::payload)?;
        by_issue.insert(id, properties(issue.get("properties"))?);
    }
    start_properties(&ctx, by_issue, false)
}

async fn read(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let world = ctx.sim.lock();
    let found = id.parse::<u64>().ok().and_then(|id| world.jira.tasks.get(&id)).filter(|task| task.kept());
    let task = found.ok_or_else(|| Refusal::missing(format!("The task with ID '{id}' does not exist.")))?;
    let at = milliseconds(task.submitted);
    let mut out = json!({
        "self": ctx.site().api(&format!("task/{id}")),
        "id": id,
        "description": "Update of issue properties",
        "status": task.status(),
        "progress": if task.outcome.is_some() { 100 } else { 0 },
        "submittedBy": 10_000,
        "submitted": at,
        "lastUpdate": milliseconds(World::now()),
        "elapsedRuntime": 0,
    });
    if let Some(outcome) = &task.outcome {
        out["finished"] = json!(milliseconds(World::now()));
        let failed: Map<String, Value> =
            outcome.failed.iter().map(|(id, reasons)| (id.to_string(), json!(reasons))).collect();
        out["result"] = json!({"updated": outcome.done, "failed": failed});
    }
    Ok(ok(&out))
}
