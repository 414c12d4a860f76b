//! Pages as v2 writes them. `null`, missing fields and links follow recorded answers, not the description, where the two
//! differ.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Call, encode};
use super::reply::Reply;
use super::state::{Label, Page, Property, State, Version};
use crate::world::iso_millis;

/// The `include-*` parameters of a single page.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras {
    /// Labels.
    pub labels: bool,
    /// Content properties, the first 50.
    pub properties: bool,
    /// Versions, the first 50.
    pub versions: bool,
    /// What the caller may do.
    pub operations: bool,
    /// Who likes it.
    pub likes: bool,
    /// Children of all kinds.
    pub direct_children: bool,
}

/// A version's data, without the body.
pub fn version_json(version: &Version) -> Value {
    json!({
        "number": version.number,
        "message": version.message,
        "minorEdit": version.minor,
        "authorId": version.author,
        "createdAt": iso_millis(version.created),
        "ncsStepVersion": null,
    })
}

/// A label.
pub fn label(label: &Label) -> Value {
    json!({"id": label.id.to_string(), "name": label.name, "prefix": label.prefix})
}

/// A content property.
pub fn property(property: &Property) -> Value {
    json!({
        "id": property.id.to_string(),
        "key": property.key,
        "value": property.value,
        "version": {
            "number": property.number,
            "message": property.message,
            "minorEdit": false,
            "authorId": property.author,
            "createdAt": iso_millis(property.created),
        },
    })
}

/// The short address: the id's bytes, lowest first, in base64.
pub fn tiny(id: u64) -> String {
    let code = STANDARD.encode(id.to_le_bytes()).replace('/', "-").replace('+', "_");
    format!("/x/{}", code.trim_end_matches('=').trim_end_matches('A'))
}

/// The page's address below `/wiki`.
pub fn webui(state: &State, page: &Page) -> String {
    let space = state.space(page.space);
    let key = space.map_or("", |space| space.key.as_str());
    if space.and_then(|space| space.homepage) == Some(page.id) {
        return format!("/spaces/{key}/overview");
    }
    format!("/spaces/{key}/pages/{}/{}", page.id, encode(page.title()))
}

fn links(state: &State, page: &Page) -> Value {
    let key = state.space(page.space).map_or("", |space| space.key.as_str());
    json!({
        "editui": format!("/pages/resumedraft.action?draftId={}", page.id),
        "edituiv2": format!("/spaces/{key}/pages/edit-v2/{}", page.id),
        "tinyui": tiny(page.id),
        "webui": webui(state, page),
    })
}

fn common(state: &State, page: &Page, shown: Option<&Version>) -> Value {
    let parent = page.parent();
    json!({
        "id": page.id.to_string(),
        "status": page.status().word(),
        "title": shown.map_or(page.title(), |version| version.title.as_str()),
        "spaceId": page.space.to_string(),
        "parentId": parent.map(|id| id.to_string()),
        "parentType": parent.map(|_| "page"),
        "position": page.position,
        "authorId": page.author,
        "ownerId": page.author,
        "lastOwnerId": null,
        "createdAt": iso_millis(page.created),
        "version": shown.map(version_json),
        "body": {},
        "_links": links(state, page),
    })
}

/// A row of a page list.
///
/// # Errors
/// 400 for an unknown body format.
pub fn row(state: &State, page: &Page, format: Option<&str>) -> Result<Value, Reply> {
    let mut row = common(state, page, page.current());
    row["subtype"] = if page.live { json!("live") } else { Value::Null };
    if let Some(version) = page.current() {
        row["body"] = version.body.json(format, &|nodes| super::render::page(state, page, nodes))?;
    }
    Ok(row)
}

fn included(results: Vec<Value>, link: &str) -> Value {
    json!({"results": results, "meta": {"hasMore": false}, "_links": {"self": link}})
}

/// A page on its own, in the version `shown`.
///
/// # Errors
/// 400 for an unknown body format.
pub fn single(
    state: &State,
    call: &Call,
    page: &Page,
    shown: Option<&Version>,
    format: Option<&str>,
    extras: Extras,
) -> Result<Value, Reply> {
    let mut value = common(state, page, shown);
    value["_links"]["base"] = json!(call.base);
    if let Some(version) = shown {
        value["body"] = version.body.json(format, &|nodes| super::render::page(state, page, nodes))?;
        let draft = page.draft.as_ref().is_some_and(|draft| std::ptr::eq(draft, version));
        if draft {
            value["status"] = json!("draft");
        } else if page.number() != version.number {
            value["status"] = json!("historical");
        }
    }
    let link = |part: &str| format!("/wiki/api/v2/pages/{}/{part}", page.id);
    if extras.labels {
        value["labels"] = included(page.labels.iter().map(label).collect(), &link("labels"));
    }
    if extras.properties {
        value["properties"] = included(page.properties.iter().take(50).map(property).collect(), &link("properties"));
    }
    if extras.versions {
        let versions = page.versions.iter().rev().take(50).map(version_json).collect();
        value["versions"] = included(versions, &link("versions"));
    }
    if extras.operations {
        let operations = ["read", "update", "delete", "create"];
        let operations = operations.into_iter().map(|word| json!({"operation": word, "targetType": "page"})).collect();
        value["operations"] = included(operations, &link("operations"));
    }
    if extras.likes {
        value["likes"] = included(Vec::new(), &link("likes/users"));
    }
    if extras.direct_children {
        let children = state.children(page.id).iter().filter_map(|id| state.page(*id));
        let children = children.map(|child| super::tree::child(child, true)).collect();
        value["directChildren"] = included(children, &format!("/api/v2/pages/{}/direct-children", page.id));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_addresses_are_made_as_recorded() {
        assert_eq!(tiny(18_753_552_796), "/x/nIHMXQQ");
    }
}
