//! Facts become Jira's JSON. Pure: the moment of the send is an argument.

use hub_document::{CleanLine, Inline, Limits, Truncation, to_adf};
use hub_domain::{
    ContentHash, Marker,
    facts::{IssueFacts, IssueLinkFacts, Relation, RemoteLinkFacts},
    marker::{PROPERTY_KEY, PROPERTY_SCHEMA},
    phrases::Phrase,
    vocabulary::Priority,
};
use serde_json::{Map, Value, json};

use crate::{
    meta::{Capabilities, TypeCapabilities},
    template::description,
};

/// The longest text of a custom text field: Jira's single-line fields hold 255 characters, and like all of Java it counts
/// a character beyond the basic plane (an emoji) as two.
const MAX_FIELD_UNITS: usize = 255;

/// What identifies one write: it goes into the issue property, so that the object proves whose it is.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The marker.
    pub marker: Marker,
    /// Whether the marker is a label too.
    pub is_label: bool,
    /// The number of this attempt.
    pub attempt: u32,
    /// The fence of this attempt.
    pub fence: i64,
    /// The desired hash that is written.
    pub hash: ContentHash,
    /// The moment, as RFC 3339.
    pub last_sync_at: String,
}

/// An issue to write.
#[derive(Debug, Clone)]
pub struct IssueWrite {
    /// What it shall be.
    pub facts: IssueFacts,
    /// What identifies this write.
    pub stamp: Stamp,
}

impl IssueWrite {
    /// Every label that the hub sets: those of the taxonomy, and the marker's where the project asks for it.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let words = self.facts.labels.iter().map(|label| label.as_str().to_owned());
        words.chain(self.stamp.is_label.then(|| marker_label(&self.stamp.marker))).collect()
    }
}

/// The marker as a label: letters and digits only, so it needs no quoting in a search.
#[must_use]
pub fn marker_label(marker: &Marker) -> String {
    format!("hub-{}", marker.as_str())
}

fn property(write: &IssueWrite) -> Value {
    let stamp = &write.stamp;
    json!({
        "key": PROPERTY_KEY,
        "value": {
            "m": stamp.marker.as_str(),
            "attempt": stamp.attempt,
            "fence": stamp.fence,
            "hash": stamp.hash.to_hex(),
            "source": write.facts.source,
            "external_id": write.facts.external_id.as_str(),
            "last_sync_at": stamp.last_sync_at,
            "schema": PROPERTY_SCHEMA,
        }
    })
}

/// The priority's name at a site, from the names that its screen offers: Jira's default scheme first, then `P0`..`P4`.
fn priority_name(priority: Priority, offered: &[String]) -> Option<&str> {
    let names: [&str; 2] = match priority {
        Priority::P0 => ["Highest", "P0"],
        Priority::P1 => ["High", "P1"],
        Priority::P2 => ["Medium", "P2"],
        Priority::P3 => ["Low", "P3"],
        Priority::P4 => ["Lowest", "P4"],
    };
    names.iter().find_map(|name| offered.iter().find(|o| o.eq_ignore_ascii_case(name))).map(String::as_str)
}

/// The fields that a create and an update share.
fn fields(facts: &IssueFacts, screen: &TypeCapabilities) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("summary".into(), json!(facts.summary));
    if screen.description {
        let note = |cut: &Truncation| shortened(cut, facts);
        fields.insert("description".into(), to_adf(&description(facts), &Limits::jira(&note)).value);
    }
    if let Some(name) = facts.priority.and_then(|p| priority_name(p, &screen.priorities)) {
        fields.insert("priority".into(), json!({ "name": name }));
    }
    for (name, value) in facts.fields.named() {
        if let Some(id) = screen.fields.get(name) {
            fields.insert(id.clone(), json!(value.and_then(line)));
        }
    }
    fields
}

/// A value as a single-line field holds it; nothing where nothing is left of it.
fn line(value: &str) -> Option<String> {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= MAX_FIELD_UNITS
    };
    let line: String = CleanLine::from(value).as_str().chars().take_while(fits).collect();
    (!line.is_empty()).then_some(line)
}

fn shortened(cut: &Truncation, facts: &IssueFacts) -> Vec<Inline> {
    let text = if cut.dropped_rows > 0 {
        Phrase::MoreRows.with_number(facts.locale, cut.dropped_rows as u64)
    } else {
        Phrase::Shortened.with_number(facts.locale, cut.dropped_text_chars as u64)
    };
    vec![Inline::text(&text)]
}

/// One element of a bulk create; nothing where the project has no type for this kind.
#[must_use]
pub fn create(write: &IssueWrite, capabilities: &Capabilities) -> Option<Value> {
    let screen = capabilities.of(write.facts.kind)?;
    let mut fields = fields(&write.facts, screen);
    fields.retain(|_, value| !value.is_null());
    fields.insert("project".into(), json!({ "id": capabilities.project_id }));
    fields.insert("issuetype".into(), json!({ "id": screen.id }));
    let labels = write.labels();
    if screen.labels && !labels.is_empty() {
        fields.insert("labels".into(), json!(labels));
    }
    Some(json!({ "fields": fields, "properties": [property(write)] }))
}

/// The body of an update. Labels are added and removed one by one, so that labels which people set stay.
#[must_use]
pub fn update(write: &IssueWrite, capabilities: &Capabilities, labels_set: &[String]) -> Option<Value> {
    let screen = capabilities.of(write.facts.kind)?;
    let mut body = json!({ "fields": fields(&write.facts, screen), "properties": [property(write)] });
    let wanted = write.labels();
    let add = wanted.iter().filter(|label| !labels_set.contains(label)).map(|l| json!({ "add": l }));
    let remove = labels_set.iter().filter(|label| !wanted.contains(label)).map(|l| json!({ "remove": l }));
    let verbs: Vec<Value> = add.chain(remove).collect();
    if screen.labels && !verbs.is_empty() {
        body["update"] = json!({ "labels": verbs });
    }
    Some(body)
}

/// The body of an issue link. Jira absorbs a repeated link; it must never carry a comment, which would be repeated.
///
/// `inwardIssue` X, `outwardIssue` Y, type Relates reads "X relates to Y" both ways, so the direction carries no meaning.
#[must_use]
pub fn issue_link(facts: &IssueLinkFacts, from_key: &str, to_key: &str) -> Value {
    let name = match facts.relation {
        Relation::DefectOfCase => "Relates",
    };
    json!({ "type": { "name": name }, "inwardIssue": { "key": from_key }, "outwardIssue": { "key": to_key } })
}

/// The body of a remote link. `globalId` makes it an upsert; fields that are left out would be set to null.
#[must_use]
pub fn remote_link(facts: &RemoteLinkFacts, page_id: &str, page_address: &str) -> Value {
    json!({
        "globalId": format!("haida.hub:page:{page_id}"),
        "application": { "type": "com.atlassian.confluence", "name": "Confluence" },
        "relationship": "Wiki Page",
        "object": { "url": page_address, "title": facts.title },
    })
}
