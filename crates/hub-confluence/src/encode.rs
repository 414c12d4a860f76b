//! Facts become Confluence's JSON. Pure.

use hub_document::{MAX_STORAGE_BYTES, to_storage};
use hub_domain::{
    ContentHash, EntityKind, Marker,
    facts::{PageBody, PageFacts},
};
use serde_json::{Value, json};

use crate::template::body;

/// A page to write.
#[derive(Debug, Clone)]
pub struct PageWrite {
    /// What it shall be.
    pub facts: PageFacts,
    /// What entity it is the page of.
    pub kind: EntityKind,
    /// Its marker.
    pub marker: Marker,
    /// The desired hash that is written.
    pub hash: ContentHash,
}

/// The storage format of a page. A body above Confluence's limit of 5 MB loses result lines until it fits, which the
/// page says; nothing else is as long.
#[must_use]
pub fn storage(write: &PageWrite) -> String {
    let mut storage = to_storage(&body(&write.facts, &write.marker, &write.hash));
    let mut facts = write.facts.clone();
    while storage.len() > MAX_STORAGE_BYTES {
        let (lines, more) = match &mut facts.body {
            PageBody::Run { failures, more, .. } => (failures, more),
            PageBody::Report { results, more, .. } => (results, more),
            PageBody::Project { .. } | PageBody::ReportIndex | PageBody::Release { .. } => break,
        };
        if lines.is_empty() {
            break;
        }
        let kept = lines.len() / 2;
        *more += (lines.len() - kept) as u64;
        lines.truncate(kept);
        storage = to_storage(&body(&facts, &write.marker, &write.hash));
    }
    storage
}

/// The body of a create.
#[must_use]
pub fn create(write: &PageWrite, space_id: &str, parent_id: &str) -> Value {
    json!({
        "spaceId": space_id,
        "status": "current",
        "title": write.facts.title,
        "parentId": parent_id,
        "body": { "representation": "storage", "value": storage(write) },
    })
}

/// The message of a version: it carries the hash, so that a lost answer can be told from another's edit.
#[must_use]
pub fn version_message(hash: &ContentHash) -> String {
    format!("haida-hub {}", hash.to_hex())
}

/// The body of an update to the version after `version`. The parent is named only where the page shall move, so that a
/// page which people moved stays where they put it.
#[must_use]
pub fn update(write: &PageWrite, id: &str, version: i64, move_to: Option<&str>) -> Value {
    let mut body = json!({
        "id": id,
        "status": "current",
        "title": write.facts.title,
        "body": { "representation": "storage", "value": storage(write) },
        "version": { "number": version + 1, "message": version_message(&write.hash) },
    });
    if let Some(parent) = move_to {
        body["parentId"] = json!(parent);
    }
    body
}
