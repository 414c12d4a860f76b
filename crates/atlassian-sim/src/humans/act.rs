//! One action: which object it falls on, and what becomes of it. The same for a script and for `POST /_sim/humans`.

use serde_json::{Value, json};

use super::script::{Action, Victim};
use crate::auth::Account;
use crate::confluence::Rewrite;
use crate::faults::{Draw, Product};
use crate::jira::Edit;
use crate::world::{World, iso_millis};

/// An action that is to happen now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The name of the entry in the script.
    pub name: Option<&'a str>,
    /// The name of the person's account.
    pub person: &'a str,
    /// To what.
    pub victim: &'a Victim,
    /// What is done.
    pub action: &'a Action,
    /// What decides between several objects.
    pub draw: Draw,
}

/// Why nothing happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    /// No object is left by the selector.
    Nobody,
    /// The site did not allow it.
    Refused(String),
}

/// The account of a person: another one than the API's, the same for the same name.
fn account_of(person: &str) -> Account {
    let local: String = person.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).collect();
    // A tag that no address of a real account has keeps a person named like the API's account apart from it.
    let email = format!("{}+person@people.example", local.to_ascii_lowercase());
    Account { display_name: person.to_owned(), ..Account::of(&email) }
}

fn choose(mut draw: Draw, candidates: &[u64]) -> Result<u64, Miss> {
    let index = draw.below(candidates.len());
    candidates.get(index).copied().ok_or(Miss::Nobody)
}

fn filled(template: &str, old: &str, number: usize) -> String {
    template.replace("{old}", old).replace("{n}", &number.to_string())
}

/// Does it, and writes it down: what was done, to what, by whom.
///
/// # Errors
/// Why nothing happened; then nothing is written down.
pub(crate) fn perform(world: &mut World, asked: Asked<'_>) -> Result<Value, Miss> {
    let by = account_of(asked.person);
    let number = world.human_actions.len() + 1;
    world.jira.people.entry(by.account_id.clone()).or_insert_with(|| by.clone());
    let (victim, result) = match asked.action.product() {
        Product::Jira => in_jira(world, asked, &by, number)?,
        Product::Confluence => in_confluence(world, asked, &by, number)?,
    };
    let record = json!({
        "number": number,
        "at": iso_millis(World::now()),
        "name": asked.name,
        "person": by.display_name,
        "accountId": by.account_id,
        "product": asked.action.product(),
        "action": asked.action.kind(),
        "victim": victim,
        "result": result,
    });
    world.human_actions.push(record.clone());
    Ok(record)
}

fn in_jira(world: &mut World, asked: Asked<'_>, by: &Account, number: usize) -> Result<(Value, Value), Miss> {
    let (victim, state) = (asked.victim, &mut world.jira);
    if let Action::RenameProject { new_key } = asked.action {
        let wanted = |value: &Option<String>, held: &str| value.as_ref().is_none_or(|value| value == held);
        let projects = state
            .projects
            .iter()
            .filter(|project| wanted(&victim.project, &project.key) && wanted(&victim.id, &project.id.to_string()));
        let ids: Vec<u64> = projects.map(|project| project.id).collect();
        let id = choose(asked.draw, &ids)?;
        let before = state.project_by_id(id).map(|project| project.key.clone());
        let result = state.rekeyed(id, &filled(new_key, "", number)).map_err(Miss::Refused)?;
        return Ok((json!({"id": id.to_string(), "project": before}), result));
    }
    let project = match &victim.project {
        None => None,
        Some(key) => Some(state.project(key).ok_or(Miss::Nobody)?.id),
    };
    let movable = matches!(asked.action, Action::MoveIssue { .. });
    let target = if let Action::MoveIssue { to_project } = asked.action {
        state.project(to_project).map(|project| project.id)
    } else {
        None
    };
    let named = victim.key.as_deref().map(|key| state.issue(key).map(|issue| issue.id));
    let candidates: Vec<u64> = state
        .issues
        .values()
        .filter(|issue| {
            named.is_none_or(|named| named == Some(issue.id))
                && project.is_none_or(|project| project == issue.project)
                && victim.id.as_ref().is_none_or(|id| *id == issue.id.to_string())
                && victim.title.as_ref().is_none_or(|title| *title == issue.summary)
                && victim.label.as_ref().is_none_or(|label| issue.labels.contains(label))
                && !(movable && (state.is_subtask(issue) || target == Some(issue.project)))
        })
        .map(|issue| issue.id)
        .collect();
    let id = choose(asked.draw, &candidates)?;
    let Some(issue) = state.issues.get(&id).cloned() else { return Err(Miss::Nobody) };
    let shown = json!({"id": id.to_string(), "key": issue.key, "summary": issue.summary, "labels": issue.labels});
    let result = match asked.action {
        Action::EditIssue { summary, description, add_labels, remove_labels, remove_any_label } => {
            let mut removed = remove_labels.clone();
            if *remove_any_label && !issue.labels.is_empty() {
                let mut draw = asked.draw;
                draw.unit();
                removed.extend(issue.labels.get(draw.below(issue.labels.len())).cloned());
            }
            let old = issue.description.as_ref().map(|text| text.plain().trim().to_owned()).unwrap_or_default();
            let edit = Edit {
                summary: summary.as_ref().map(|text| filled(text, &issue.summary, number)),
                description: description.as_ref().map(|text| filled(text, &old, number)),
                add_labels,
                remove_labels: &removed,
            };
            state.edited_by(by, id, &edit)
        }
        Action::CommentIssue { text } => state.commented_by(by, id, &filled(text, &issue.summary, number)),
        Action::MoveIssue { to_project } => state.moved_by(by, id, to_project),
        Action::DeleteIssue {} => Ok(state.deleted_by(by, id)),
        Action::RenameProject { .. }
        | Action::EditPage { .. }
        | Action::RenamePage { .. }
        | Action::MovePage { .. }
        | Action::TrashPage {}
        | Action::ArchivePage {}
        | Action::RestorePage {}
        | Action::PurgePage {}
        | Action::CreatePage { .. } => Err("not an action on an issue".to_owned()),
    };
    Ok((shown, result.map_err(Miss::Refused)?))
}

fn in_confluence(world: &mut World, asked: Asked<'_>, by: &Account, number: usize) -> Result<(Value, Value), Miss> {
    let state = &mut world.confluence;
    let id = choose(asked.draw, &state.victims(asked.victim, asked.action))?;
    let (shown, old) = state.victim(id).ok_or(Miss::Nobody)?;
    let fill = |text: &str| filled(text, &old, number);
    let result = match asked.action {
        Action::EditPage { body, message } => {
            state.rewritten_by(by, id, Rewrite { body: body.as_deref(), message, number })
        }
        Action::RenamePage { title } => state.renamed_by(by, id, &fill(title)),
        Action::MovePage { under } => state.put_under_by(by, id, under),
        Action::TrashPage {} => Ok(state.trashed_by(id)),
        Action::ArchivePage {} => Ok(state.archived_by(id)),
        Action::RestorePage {} => state.restored_by(by, id),
        Action::PurgePage {} => Ok(state.purged_by(id)),
        Action::CreatePage { title, body, under } => state.created_by(by, id, &fill(title), body, under.as_deref()),
        Action::EditIssue { .. }
        | Action::CommentIssue { .. }
        | Action::MoveIssue { .. }
        | Action::DeleteIssue {}
        | Action::RenameProject { .. } => Err("not an action on a page".to_owned()),
    };
    Ok((shown, result.map_err(Miss::Refused)?))
}
