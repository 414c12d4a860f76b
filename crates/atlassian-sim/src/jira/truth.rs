//! The ground truth: everything remembered, without a caller's view, for tests and demonstrations to compare with.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::seed;
use super::state::{CustomValue, Issue, State};
use super::view::stamp;

/// The issue property whose member `m` marks an issue as some tool's own; issues are counted by it.
const MARKER_PROPERTY: &str = "haida.hub";

impl State {
    /// Everything remembered, as JSON: projects, issues with fields, properties, links, remote links and comments, and
    /// the number of live issues per marker.
    #[must_use]
    pub fn ground_truth(&self) -> Value {
        let mut markers: BTreeMap<&str, u64> = BTreeMap::new();
        for issue in self.issues.values() {
            if let Some(marker) = issue.properties.get(MARKER_PROPERTY).and_then(|value| value.get("m")?.as_str()) {
                *markers.entry(marker).or_default() += 1;
            }
        }
        let mut live: BTreeMap<u64, usize> = BTreeMap::new();
        for issue in self.issues.values() {
            *live.entry(issue.project).or_default() += 1;
        }
        let projects: Vec<Value> = self
            .projects
            .iter()
            .map(|project| {
                json!({
                    "id": project.id.to_string(),
                    "key": project.key,
                    "formerKeys": project.former_keys,
                    "name": project.name,
                    "last_number": project.last_number,
                    "issues": live.get(&project.id).copied().unwrap_or_default(),
                })
            })
            .collect();
        json!({
            "projects": projects,
            "issues": self.issues.values().map(|issue| self.issue_truth(issue)).collect::<Vec<_>>(),
            "deleted_issues": self.graves.values().map(|grave| {
                let mut truth = self.issue_truth(&grave.issue);
                truth["deleted"] = json!(true);
                truth["deletedAt"] = json!(stamp(grave.at));
                truth["deletedBy"] = json!(grave.by);
                truth
            }).collect::<Vec<_>>(),
            "links": self.links.values().map(|link| json!({
                "id": link.id.to_string(),
                "type": self.link_types.iter().find(|kind| kind.id == link.type_id).map(|kind| &kind.name),
                "source": self.issues.get(&link.source).map(|issue| &issue.key),
                "destination": self.issues.get(&link.destination).map(|issue| &issue.key),
            })).collect::<Vec<_>>(),
            "markers": markers,
        })
    }

    fn issue_truth(&self, issue: &Issue) -> Value {
        let custom: Map<String, Value> = issue
            .custom
            .iter()
            .map(|(id, value)| {
                let name = self.field(id).map_or(id.as_str(), |field| field.name.as_str());
                let value = match value {
                    CustomValue::Plain(value) => value.clone(),
                    CustomValue::Rich(text) => text.adf.clone(),
                };
                (name.to_owned(), json!({"id": id, "value": value}))
            })
            .collect();
        json!({
            "id": issue.id.to_string(),
            "key": issue.key,
            "formerKeys": issue.former_keys,
            "deleted": false,
            "projectId": issue.project.to_string(),
            "projectKey": self.project_by_id(issue.project).map(|project| &project.key),
            "type": self.issue_type(issue.type_id).map(|kind| &kind.name),
            "status": seed::status(issue.status).name,
            "fields": {
                "summary": issue.summary,
                "description": issue.description.as_ref().map(|text| &text.adf),
                "environment": issue.environment.as_ref().map(|text| &text.adf),
                "labels": issue.labels,
                "priority": seed::PRIORITIES.iter().find(|row| row.0 == issue.priority).map(|row| row.1),
                "parent": issue.parent.and_then(|id| self.issues.get(&id)).map(|parent| &parent.key),
                "duedate": issue.due,
            },
            "custom": custom,
            "properties": issue.properties,
            "links": self.links_of.get(&issue.id).into_iter().flatten().filter_map(|id| self.links.get(id)).map(|link| {
                let outward = link.source == issue.id;
                let other = if outward { link.destination } else { link.source };
                json!({
                    "id": link.id.to_string(),
                    "type": self.link_types.iter().find(|kind| kind.id == link.type_id).map(|kind| &kind.name),
                    "direction": if outward { "outward" } else { "inward" },
                    "issueId": other.to_string(),
                    "issue": self.issues.get(&other).map(|issue| &issue.key),
                })
            }).collect::<Vec<_>>(),
            "history": issue.history.iter().map(|change| json!({
                "at": stamp(change.at),
                "authorId": change.author,
                "items": change.items.iter().map(|(field, from, to)| json!({"field": field, "from": from, "to": to})).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "creatorId": issue.creator,
            "comments": issue.comments.iter().map(|comment| json!({
                "id": comment.id.to_string(),
                "authorId": comment.author,
                "body": comment.body.adf,
                "properties": comment.properties,
            })).collect::<Vec<_>>(),
            "remote_links": issue.remote_links.iter().map(|link| json!({
                "id": link.id,
                "globalId": link.global_id,
                "relationship": link.relationship,
                "object": link.object,
            })).collect::<Vec<_>>(),
            "attachments": issue.attachments.iter().map(|file| json!({
                "id": file.id.to_string(),
                "filename": file.filename,
                "size": file.content.len(),
            })).collect::<Vec<_>>(),
            "created": stamp(issue.created),
            "updated": stamp(issue.updated),
        })
    }
}
