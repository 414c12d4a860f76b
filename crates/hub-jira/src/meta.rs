//! What a Jira project can hold: its issue types and the fields of their create screens, found by createmeta and kept
//! between runs. Where an issue type is missing, Task stands in; where a field is missing, the issue property has it.

use std::collections::BTreeMap;

use hub_domain::facts::{IssueFields, IssueKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The issue type that stands in for a missing one.
pub const FALLBACK_TYPE: &str = "Task";

/// What one issue type's create screen takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeCapabilities {
    /// The issue type's id.
    pub id: String,
    /// The issue type's name at the site.
    pub name: String,
    /// Whether it stands in for the type that was asked for.
    pub stands_in: bool,
    /// Our field names to the ids of custom fields on the screen.
    pub fields: BTreeMap<String, String>,
    /// Whether the screen takes labels.
    pub labels: bool,
    /// Whether the screen takes a description.
    pub description: bool,
    /// The priorities that the screen offers, by name.
    pub priorities: Vec<String>,
}

/// What a Jira project can hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The project's id.
    pub project_id: String,
    /// The account that the hub writes as.
    pub account_id: String,
    /// By the name that we ask for (`Test Case`).
    pub types: BTreeMap<String, TypeCapabilities>,
}

impl Capabilities {
    /// What the issue type of a kind takes.
    #[must_use]
    pub fn of(&self, kind: IssueKind) -> Option<&TypeCapabilities> {
        self.types.get(kind.type_name())
    }

    /// Whether every kind of issue has a type.
    #[must_use]
    pub fn complete(&self) -> bool {
        IssueKind::ALL.iter().all(|kind| self.of(*kind).is_some())
    }
}

/// Chooses the issue types by name (letter case does not matter, sub-tasks do not count): name asked for to (id, name).
#[must_use]
pub fn choose_types(types: &[Value]) -> BTreeMap<&'static str, (String, String, bool)> {
    let find = |wanted: &str| {
        types.iter().find_map(|t| {
            let name = t.get("name")?.as_str()?;
            let subtask = t.get("subtask").and_then(Value::as_bool).unwrap_or(false);
            (!subtask && name.eq_ignore_ascii_case(wanted))
                .then(|| Some((t.get("id")?.as_str()?.to_owned(), name.to_owned())))?
        })
    };
    let fallback = find(FALLBACK_TYPE);
    IssueKind::ALL
        .iter()
        .filter_map(|kind| {
            let wanted = kind.type_name();
            match find(wanted) {
                Some((id, name)) => Some((wanted, (id, name, false))),
                None => fallback.clone().map(|(id, name)| (wanted, (id, name, true))),
            }
        })
        .collect()
}

/// Reads the fields of a create screen. Only custom fields are matched by name: Jira's own `environment` is another
/// field (a rich text) than the custom field of that name.
#[must_use]
pub fn screen(id: String, name: String, stands_in: bool, fields: &[Value]) -> TypeCapabilities {
    let mut found = TypeCapabilities { id, name, stands_in, ..TypeCapabilities::default() };
    let wanted = IssueFields::default();
    for field in fields {
        let text = |key: &str| field.get(key).and_then(Value::as_str);
        let Some(field_id) = text("fieldId").or_else(|| text("key")) else { continue };
        match field_id {
            "labels" => found.labels = true,
            "description" => found.description = true,
            "priority" => {
                let allowed = field.get("allowedValues").and_then(Value::as_array);
                found.priorities =
                    allowed.into_iter().flatten().filter_map(|v| v.get("name")?.as_str().map(str::to_owned)).collect();
            }
            custom if custom.starts_with("customfield_") => {
                let Some(field_name) = text("name") else { continue };
                let is_text = field.pointer("/schema/type").and_then(Value::as_str).is_none_or(|t| t == "string");
                let ours = wanted.named().into_iter().find(|(n, _)| n.eq_ignore_ascii_case(field_name.trim()));
                if let (Some((ours, _)), true) = (ours, is_text) {
                    found.fields.entry(ours.to_owned()).or_insert_with(|| custom.to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_type_becomes_task_and_a_subtask_never_counts() {
        let types = [
            json!({"id": "1", "name": "task"}),
            json!({"id": "2", "name": "Bug"}),
            json!({"id": "3", "name": "Test Case", "subtask": true}),
        ];
        let chosen = choose_types(&types);
        assert_eq!(chosen["Test Case"], ("1".into(), "task".into(), true));
        assert_eq!(chosen["Bug"], ("2".into(), "Bug".into(), false));
        assert!(choose_types(&[json!({"id": "9", "name": "Epic"})]).is_empty());
    }

    #[test]
    fn the_custom_field_is_taken_and_not_the_system_field_of_the_same_name() {
        let fields = [
            json!({"fieldId": "environment", "name": "Environment", "schema": {"type": "string", "system": "environment"}}),
            json!({"fieldId": "customfield_10007", "name": "Environment", "schema": {"type": "string"}}),
            json!({"fieldId": "customfield_10008", "name": "Device", "schema": {"type": "option"}}),
            json!({"fieldId": "labels"}),
            json!({"fieldId": "priority", "allowedValues": [{"name": "High"}]}),
        ];
        let screen = screen("1".into(), "Bug".into(), false, &fields);
        assert_eq!(screen.fields, BTreeMap::from([("environment".to_owned(), "customfield_10007".to_owned())]));
        assert!(screen.labels && !screen.description);
        assert_eq!(screen.priorities, ["High"]);
    }
}
