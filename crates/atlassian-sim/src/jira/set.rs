//! Values going into an issue: each is checked as Jira checks it, with Jira's text where a real one is known.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::adf;
use super::fields::{Field, Kind};
use super::reply::{Refusal, Version};
use super::rich::Rich;
use super::seed;
use super::state::{CustomValue, Issue, Named, State};
use crate::auth::Account;

/// The most UTF-16 units in a rich text.
pub const TEXT_LIMIT: usize = 32_767;
/// The most UTF-16 units in a summary, a short text or a label.
pub const LINE_LIMIT: usize = 255;
/// The most UTF-16 units in a property's value, as JSON.
pub const PROPERTY_LIMIT: usize = 32_768;

const UNSUPPORTED_CONTENT: &str = "We can't create this issue for you right now, it could be due to unsupported content \
    you've entered into one or more of the issue fields. If this situation persists, contact your administrator as \
    they'll be able to access more specific information in the log file.";

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Told beside the field.
    Field(String),
    /// Told about the whole call, without naming the field.
    Whole(String),
    /// Told beside another name than the field's.
    Other(&'static str, String),
}

impl Fault {
    fn field(text: impl Into<String>) -> Self {
        Self::Field(text.into())
    }
}

/// The text for a field that the create screen lacks, and for one that does not exist.
pub fn not_on_screen(field: &str) -> String {
    format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown.")
}

/// Length as Java counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A rich text as sent.
///
/// # Errors
/// A string where a document belongs (or the reverse), a document outside the schema, a text above the limit.
pub fn rich(version: Version, value: &Value, creating: bool) -> Result<Option<Rich>, Fault> {
    let too_long = || Fault::field("The entered text is too long. It exceeds the allowed limit of 32,767 characters.");
    match (version, value) {
        (_, Value::Null) => Ok(None),
        (Version::V2 | Version::Server, Value::String(text)) => {
            if units(text) > TEXT_LIMIT {
                return Err(too_long());
            }
            Ok((!text.is_empty()).then(|| Rich::from_wiki(text)))
        }
        (Version::V2 | Version::Server, _) => Err(Fault::field("Operation value must be a string")),
        (Version::V3, Value::Object(_)) => {
            match adf::check(value) {
                adf::Verdict::Valid => {}
                adf::Verdict::EmptyText if creating => return Err(Fault::Whole(UNSUPPORTED_CONTENT.to_owned())),
                adf::Verdict::EmptyText | adf::Verdict::Invalid(_) => {
                    return Err(Fault::Whole("INVALID_INPUT".to_owned()));
                }
            }
            if units(&value.to_string()) > TEXT_LIMIT {
                return Err(too_long());
            }
            Ok(Some(Rich::from_adf(value.clone())))
        }
        (Version::V3, _) => {
            Err(Fault::field("Operation value must be an Atlassian Document (see the Atlassian Document Format)"))
        }
    }
}

/// Checks one label and returns it.
fn label(version: Version, value: &Value) -> Result<&str, Fault> {
    let Value::String(text) = value else {
        return Err(Fault::field("Operation value must be a string"));
    };
    if text.chars().any(char::is_whitespace) {
        if version == Version::Server {
            return Err(Fault::field(format!("The label '{text}' contains spaces which is invalid.")));
        }
        return Err(Fault::field(format!("The label '{text}' can't contain spaces.")));
    }
    if units(text) > LINE_LIMIT {
        return Err(Fault::field(format!(
            "The label '{text}' exceeds the maximum length for a single label of 255 characters"
        )));
    }
    Ok(text)
}

/// Properties as sent beside fields, or in a comment.
///
/// # Errors
/// 400 for another shape, a key above 255 characters or a value above 32,768.
pub fn properties(value: &Value) -> Result<BTreeMap<String, Value>, Refusal> {
    let Value::Array(items) = value else {
        return Err(Refusal::payload());
    };
    let mut out = BTreeMap::new();
    for item in items {
        let Some(Value::String(key)) = item.get("key") else {
            return Err(Refusal::bad("The property key is required."));
        };
        let value = item.get("value").unwrap_or(&Value::Null);
        check_property(key, value)?;
        out.insert(key.clone(), value.clone());
    }
    Ok(out)
}

/// Checks a property against Jira's limits.
///
/// # Errors
/// 400 with the reason.
pub fn check_property(key: &str, value: &Value) -> Result<(), Refusal> {
    if key.is_empty() || units(key) > LINE_LIMIT {
        return Err(Refusal::bad("The property key must be between 1 and 255 characters long."));
    }
    if value.is_null() || value.as_str() == Some("") {
        return Err(Refusal::bad("The property value must be a valid, non-empty JSON."));
    }
    if units(&value.to_string()) > PROPERTY_LIMIT {
        return Err(Refusal::bad("The property value cannot be longer than 32768 characters."));
    }
    Ok(())
}

/// Sets values on an issue that is not stored yet.
#[derive(Debug, Clone, Copy)]
pub struct Setter<'a> {
    /// What exists on the site.
    pub state: &'a State,
    /// The account that can be named.
    pub account: &'a Account,
    /// The version of the call.
    pub version: Version,
    /// Whether the issue is being created.
    pub creating: bool,
}

impl Setter<'_> {
    /// Sets one field to one value; null clears it.
    ///
    /// # Errors
    /// Why the value is refused.
    pub fn set(&self, issue: &mut Issue, field: &Field, value: &Value) -> Result<(), Fault> {
        match field.kind {
            Kind::Summary => issue.summary = summary(self.version, value)?,
            Kind::Rich => {
                let text = rich(self.version, value, self.creating)?;
                match field.id.as_str() {
                    "description" => issue.description = text,
                    "environment" => issue.environment = text,
                    _ => set_custom(issue, field, text.map(CustomValue::Rich)),
                }
            }
            Kind::Labels => {
                let labels = match value {
                    Value::Null => Vec::new(),
                    Value::Array(items) => items
                        .iter()
                        .map(|item| label(self.version, item).map(str::to_owned))
                        .collect::<Result<Vec<_>, _>>()?,
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                        return Err(Fault::field("data was not an array"));
                    }
                };
                self.put_labels(issue, field, labels);
            }
            Kind::Text => set_plain(issue, field, text(value, LINE_LIMIT)?),
            Kind::Url => {
                let url = text(value, LINE_LIMIT)?;
                if let Some(Value::String(url)) = &url
                    && !url.contains("://")
                {
                    return Err(Fault::field("Not a valid URL"));
                }
                set_plain(issue, field, url);
            }
            Kind::Number => match value {
                Value::Null => set_plain(issue, field, None),
                Value::Number(_) => set_plain(issue, field, Some(value.clone())),
                Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(Fault::field("Operation value must be a number"));
                }
            },
            Kind::Date => {
                let day = date(value)?;
                if field.custom {
                    set_plain(issue, field, day.map(Value::String));
                } else {
                    issue.due = day;
                }
            }
            Kind::DateTime => set_plain(issue, field, moment(value)?),
            Kind::Priority => {
                issue.priority = match value {
                    Value::Null => seed::DEFAULT_PRIORITY,
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                        pick(value, seed::PRIORITIES.iter().map(|(id, name, _)| (*id, *name)))
                            .ok_or_else(|| Fault::field("The priority selected is invalid."))?
                    }
                };
            }
            Kind::Resolution => {
                let id = match value {
                    Value::Null => None,
                    Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Some(
                        pick(value, seed::RESOLUTIONS.iter().map(|(id, name, _)| (*id, *name)))
                            .ok_or_else(|| Fault::field("The resolution selected is invalid."))?,
                    ),
                };
                issue.resolution = id;
                issue.resolved = id.map(|_| crate::World::now());
            }
            Kind::User => {
                let account = self.user(value)?;
                match field.id.as_str() {
                    "assignee" => issue.assignee = account,
                    "reporter" => issue.reporter = account,
                    _ => set_plain(issue, field, account.map(Value::String)),
                }
            }
            Kind::Parent => issue.parent = self.parent(value)?,
            Kind::IssueType => {
                let project = self.state.project_by_id(issue.project);
                let chosen = self
                    .state
                    .types
                    .iter()
                    .filter(|kind| project.is_some_and(|project| project.type_ids.contains(&kind.id)));
                issue.type_id = pick(value, chosen.map(|kind| (kind.id, kind.name.as_str())))
                    .ok_or_else(|| Fault::field("Specify a valid issue type"))?;
            }
            Kind::Versions | Kind::Components => {
                let Value::Array(items) = value else {
                    return Err(Fault::field("data was not an array"));
                };
                let ids =
                    items.iter().map(|item| self.named(issue.project, field, item)).collect::<Result<Vec<_>, _>>()?;
                *named_of(issue, field) = ids;
            }
            Kind::Choice => match value {
                Value::Null => set_plain(issue, field, None),
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(Fault::field("Specify a valid 'id' or 'name' for the option"));
                }
            },
            Kind::IssueLinks | Kind::Comment => {
                return Err(Fault::field(format!("Field does not support update '{}'", field.id)));
            }
            Kind::Project | Kind::ReadOnly => return Err(Fault::Field(not_on_screen(&field.id))),
        }
        Ok(())
    }

    /// Applies one verb of `update`, such as `{"add": "smoke"}`. Links and comments are the caller's.
    ///
    /// # Errors
    /// Why the value is refused.
    pub fn update(&self, issue: &mut Issue, field: &Field, verb: &str, value: &Value) -> Result<(), Fault> {
        if !field.operations().contains(&verb) {
            return Err(Fault::field(format!("Field does not support update '{}'", field.id)));
        }
        match (verb, field.kind) {
            ("set", _) => self.set(issue, field, value),
            ("add" | "remove", Kind::Labels) => {
                let word = label(self.version, value)?.to_owned();
                let mut labels = self.labels(issue, field);
                labels.retain(|existing| *existing != word);
                if verb == "add" {
                    labels.push(word);
                }
                self.put_labels(issue, field, labels);
                Ok(())
            }
            ("add" | "remove", _) => {
                let id = self.named(issue.project, field, value)?;
                let ids = named_of(issue, field);
                ids.retain(|existing| *existing != id);
                if verb == "add" {
                    ids.push(id);
                }
                Ok(())
            }
            _ => Err(Fault::field(format!("Field does not support update '{}'", field.id))),
        }
    }

    fn labels(&self, issue: &Issue, field: &Field) -> Vec<String> {
        if !field.custom {
            return issue.labels.clone();
        }
        match issue.custom.get(&field.id) {
            Some(CustomValue::Plain(Value::Array(items))) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(CustomValue::Plain(_) | CustomValue::Rich(_)) | None => Vec::new(),
        }
    }

    fn put_labels(&self, issue: &mut Issue, field: &Field, mut labels: Vec<String>) {
        labels.retain(|word| !word.is_empty());
        labels.sort();
        labels.dedup();
        if field.custom {
            set_plain(issue, field, (!labels.is_empty()).then(|| labels.into()));
        } else {
            issue.labels = labels;
        }
    }

    fn user(&self, value: &Value) -> Result<Option<String>, Fault> {
        let id = match value {
            Value::Null => return Ok(None),
            Value::Object(user) => {
                let names: &[&str] = match self.version {
                    Version::V2 | Version::V3 => &["accountId", "id", "name", "key"],
                    Version::Server => &["name", "key"],
                };
                let named = names.iter().find_map(|key| user.get(*key));
                match named {
                    None | Some(Value::Null) => return Ok(None),
                    Some(Value::String(id)) => id.as_str(),
                    Some(_) => return Err(Fault::field("expected 'id' to be a string")),
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(Fault::field("data was not an object"));
            }
        };
        // -1 asks for the project's default assignee, which is nobody here.
        if id == "-1" {
            return Ok(None);
        }
        let known = match self.version {
            Version::V2 | Version::V3 => &self.account.account_id,
            Version::Server => &self.account.display_name,
        };
        if id == known {
            return Ok(Some(self.account.account_id.clone()));
        }
        Err(Fault::field(format!("User '{id}' does not exist.")))
    }

    fn parent(&self, value: &Value) -> Result<Option<u64>, Fault> {
        let unknown = || Fault::Other("parentId", "Could not find issue by id or key.".to_owned());
        match value {
            Value::Null => Ok(None),
            Value::Object(parent) => {
                let named = parent.get("id").or_else(|| parent.get("key")).ok_or_else(unknown)?;
                let text = scalar(named).ok_or_else(unknown)?;
                Ok(Some(self.state.issue(&text).ok_or_else(unknown)?.id))
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Fault::field("data was not an object"))
            }
        }
    }

    fn named(&self, project: u64, field: &Field, value: &Value) -> Result<u64, Fault> {
        let list: &[Named] = self.state.project_by_id(project).map_or(&[], |project| {
            if field.kind == Kind::Components { &project.components } else { &project.versions }
        });
        pick(value, list.iter().map(|entry| (entry.id, entry.name.as_str()))).ok_or_else(|| {
            let what = if field.kind == Kind::Components { "Component" } else { "Version" };
            let name = value.get("name").or_else(|| value.get("id")).and_then(scalar).unwrap_or_default();
            Fault::field(format!("{what} name '{name}' is not valid"))
        })
    }
}

fn named_of<'a>(issue: &'a mut Issue, field: &Field) -> &'a mut Vec<u64> {
    match field.id.as_str() {
        "components" => &mut issue.components,
        "fixVersions" => &mut issue.fix_versions,
        _ => &mut issue.versions,
    }
}

/// A string or a number as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The id of the entry that `{"id": ..}` or `{"name": ..}` names; the id decides where both are sent.
pub fn pick<'a>(value: &Value, entries: impl Iterator<Item = (u64, &'a str)>) -> Option<u64> {
    let Value::Object(named) = value else { return None };
    let mut entries = entries;
    if let Some(id) = named.get("id").and_then(scalar) {
        return entries.find(|(candidate, _)| candidate.to_string() == id).map(|(id, _)| id);
    }
    let name = named.get("name")?.as_str()?;
    entries.find(|(_, candidate)| candidate.eq_ignore_ascii_case(name)).map(|(id, _)| id)
}

fn set_custom(issue: &mut Issue, field: &Field, value: Option<CustomValue>) {
    match value {
        Some(value) => {
            issue.custom.insert(field.id.clone(), value);
        }
        None => {
            issue.custom.remove(&field.id);
        }
    }
}

fn set_plain(issue: &mut Issue, field: &Field, value: Option<Value>) {
    set_custom(issue, field, value.map(CustomValue::Plain));
}

fn summary(version: Version, value: &Value) -> Result<String, Fault> {
    let text = match value {
        Value::String(text) => text,
        Value::Null => return Err(Fault::field("You must specify a summary of the issue.")),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err(Fault::field("Operation value must be a string"));
        }
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Fault::field("You must specify a summary of the issue."));
    }
    if trimmed.contains(['\n', '\r']) {
        return Err(Fault::field("The summary is invalid because it contains newline characters."));
    }
    if units(trimmed) > LINE_LIMIT {
        return Err(Fault::field(match version {
            Version::V2 | Version::V3 => "Summary can't exceed 255 characters.",
            Version::Server => "Summary must be less than 255 characters.",
        }));
    }
    Ok(trimmed.to_owned())
}

fn text(value: &Value, limit: usize) -> Result<Option<Value>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if units(text) > limit => Err(Fault::field(format!(
            "The entered text is too long. It exceeds the allowed limit of {limit} characters."
        ))),
        Value::String(text) => Ok((!text.is_empty()).then(|| value.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::field("Operation value must be a string"))
        }
    }
}

fn date(value: &Value) -> Result<Option<String>, Fault> {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => match time::Date::parse(text, form) {
            Ok(_) => Ok(Some(text.clone())),
            Err(_) => Err(Fault::field(format!("Error parsing date string: {text}"))),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::field("Operation value must be a string"))
        }
    }
}

fn moment(value: &Value) -> Result<Option<Value>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => match parse_moment(text) {
            Some(at) => Ok(Some(Value::String(super::view::stamp(at)))),
            None => Err(Fault::field(format!("Error parsing time string: {text}"))),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::field("Operation value must be a string"))
        }
    }
}

/// A moment in RFC 3339 or in Jira's own form with an offset without a colon.
pub fn parse_moment(text: &str) -> Option<OffsetDateTime> {
    let jira = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond][offset_hour sign:mandatory][offset_minute]"
    );
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| OffsetDateTime::parse(text, jira).ok())
}

/// Adds a fault to the answer that is being collected.
pub fn collect(fault: Fault, field: &str, messages: &mut Vec<String>, errors: &mut Map<String, Value>) {
    match fault {
        Fault::Field(text) => {
            errors.insert(field.to_owned(), Value::String(text));
        }
        Fault::Other(name, text) => {
            errors.insert(name.to_owned(), Value::String(text));
        }
        Fault::Whole(text) => {
            if !messages.contains(&text) {
                messages.push(text);
            }
        }
    }
}
