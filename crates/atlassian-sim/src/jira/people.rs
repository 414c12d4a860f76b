//! What people do to issues in their browsers, where no call of the API says so: moving to another project, changing a
//! project's key, deleting. Edits and comments go the way of the API, under another account.
//!
//! An issue that is moved keeps its id, properties, labels and links. Its old key goes on finding it, and so do an old key
//! of a project and the keys of the issues in it.

use serde_json::{Value, json};

use super::create::{self, Writer, note};
use super::reply::{Refusal, Version};
use super::state::{Issue, State};
use crate::World;
use crate::auth::Account;

/// What an edit by a person changes.
#[derive(Debug, Clone, Default)]
pub struct Edit<'a> {
    /// The new summary.
    pub summary: Option<String>,
    /// The new description, as one paragraph.
    pub description: Option<String>,
    /// Labels that are put on.
    pub add_labels: &'a [String],
    /// Labels that are taken off.
    pub remove_labels: &'a [String],
}

fn paragraph(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

fn words(refusal: Refusal) -> String {
    let fields = refusal.errors.into_iter().map(|(field, text)| format!("{field}: {}", text.as_str().unwrap_or("")));
    refusal.messages.into_iter().chain(fields).collect::<Vec<_>>().join("; ")
}

fn gone() -> String {
    "the issue is gone".to_owned()
}

impl State {
    /// Edits an issue as its edit screen does.
    ///
    /// # Errors
    /// What the site says against it.
    pub fn edited_by(&mut self, by: &Account, id: u64, edit: &Edit<'_>) -> Result<Value, String> {
        let mut fields = json!({});
        if let Some(summary) = &edit.summary {
            fields["summary"] = json!(summary);
        }
        if let Some(description) = &edit.description {
            fields["description"] = paragraph(description);
        }
        let added = edit.add_labels.iter().map(|label| json!({"add": label}));
        let labels: Vec<Value> = edit.remove_labels.iter().map(|label| json!({"remove": label})).chain(added).collect();
        let mut details = json!({"fields": fields});
        if !labels.is_empty() {
            details["update"] = json!({"labels": labels});
        }
        create::edit(self, Writer { account: by, version: Version::V3 }, id, &details).map_err(words)?;
        let issue = self.issues.get(&id).ok_or_else(gone)?;
        Ok(json!({"summary": issue.summary, "labels": issue.labels}))
    }

    /// Comments on an issue.
    ///
    /// # Errors
    /// What the site says against it.
    pub fn commented_by(&mut self, by: &Account, id: u64, text: &str) -> Result<Value, String> {
        let mut issue = self.issues.get(&id).ok_or_else(gone)?.as_ref().clone();
        let draft = create::draft(Version::V3, &json!({"body": paragraph(text)})).map_err(words)?;
        let comment = create::add_comment(self, &mut issue, draft, by);
        issue.updated = World::now();
        self.store(issue);
        Ok(json!({"comment": comment.to_string()}))
    }

    /// Moves an issue to another project, with its sub-tasks.
    ///
    /// # Errors
    /// When there is no such project, the issue is in it already, or it is a sub-task, which moves with its parent.
    pub fn moved_by(&mut self, by: &Account, id: u64, to: &str) -> Result<Value, String> {
        let issue = self.issues.get(&id).ok_or_else(gone)?.clone();
        let target = self.project(to).ok_or_else(|| format!("there is no project {to}"))?.id;
        if issue.project == target {
            return Err(format!("{} is in the project {to} already", issue.key));
        }
        if self.is_subtask(&issue) {
            return Err(format!("{} is a sub-task: it moves with its parent", issue.key));
        }
        let mut moved = self.subtasks(id);
        moved.insert(0, id);
        for id in moved {
            self.move_one(by, id, target);
        }
        let key = self.issues.get(&id).map(|issue| issue.key.clone());
        Ok(json!({"key": key}))
    }

    fn move_one(&mut self, by: &Account, id: u64, target: u64) {
        let Some(before) = self.issues.get(&id).cloned() else { return };
        let Some(key) = self.next_key(target) else { return };
        let mut issue = before.as_ref().clone();
        issue.former_keys.push(std::mem::replace(&mut issue.key, key));
        issue.project = target;
        if let Some(project) = self.project_by_id(target)
            && !project.type_ids.contains(&issue.type_id)
        {
            // The screen that moves an issue asks for a type of the new project.
            issue.type_id = project.type_ids.first().copied().unwrap_or(issue.type_id);
        }
        // Versions and components belong to a project.
        issue.versions.clear();
        issue.fix_versions.clear();
        issue.components.clear();
        issue.updated = World::now();
        note(&mut issue, &before, by);
        self.store(issue);
    }

    /// Deletes an issue, with its sub-tasks and links.
    pub fn deleted_by(&mut self, by: &Account, id: u64) -> Value {
        let subtasks = self.subtasks(id);
        let keys: Vec<String> =
            subtasks.iter().filter_map(|id| self.issues.get(id)).map(|issue| issue.key.clone()).collect();
        for id in subtasks.into_iter().chain([id]) {
            self.remove(id, by);
        }
        json!({"subtasks": keys})
    }

    /// Gives a project another key, and with it every issue in it.
    ///
    /// # Errors
    /// When the key is no key, or a project has or had it.
    pub fn rekeyed(&mut self, project: u64, key: &str) -> Result<Value, String> {
        let shape = key.len() >= 2
            && key.starts_with(|c: char| c.is_ascii_uppercase())
            && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        if !shape {
            return Err(format!("'{key}' is no key of a project: capital letters and digits, a letter first"));
        }
        if self.project(key).is_some() {
            return Err(format!("the key {key} is taken"));
        }
        let Some(found) = self.projects.iter_mut().find(|candidate| candidate.id == project) else {
            return Err("the project is gone".to_owned());
        };
        found.former_keys.push(std::mem::replace(&mut found.key, key.to_owned()));
        let inside: Vec<Issue> =
            self.issues.values().filter(|issue| issue.project == project).map(|issue| issue.as_ref().clone()).collect();
        let renamed = inside.len();
        for mut issue in inside {
            let number = issue.key.rsplit('-').next().unwrap_or_default();
            let next = format!("{key}-{number}");
            issue.former_keys.push(std::mem::replace(&mut issue.key, next));
            self.store(issue);
        }
        Ok(json!({"key": key, "issues": renamed}))
    }
}
