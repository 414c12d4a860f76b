//! Spaces in v2.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, Reply, bad_request, invalid, not_found, wrong_type};
use super::state::{Space, State};
use crate::world::iso_millis;

/// The space in the path.
///
/// # Errors
/// 400 when the path has no number, 404 when the space does not exist.
pub fn known<'a>(state: &'a State, call: &Call) -> Result<&'a Space, Reply> {
    let id = call.id("id")?;
    state.space(id).ok_or_else(|| not_found(&format!("Cannot find a space with id [{id}]")))
}

fn json_of(space: &Space, description: Option<&str>) -> Value {
    let shown = match description {
        Some(format @ ("plain" | "view")) => json!({format: {"representation": format, "value": space.description}}),
        Some(_) | None => Value::Null,
    };
    json!({
        "id": space.id.to_string(),
        "key": space.key,
        "name": space.name,
        "type": "global",
        "status": "current",
        "authorId": space.author,
        "spaceOwnerId": space.author,
        "currentActiveAlias": space.key,
        "createdAt": iso_millis(space.created),
        "homepageId": space.homepage.map(|id| id.to_string()),
        "description": shown,
        "icon": null,
        "_links": {"webui": format!("/spaces/{}", space.key)},
    })
}

/// `GET /wiki/api/v2/spaces`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    let ids = call.ids("ids")?;
    let keys = call.many("keys");
    // Every space here is a current, global one, without labels.
    let kind = call.one("type").is_none_or(|kind| matches!(kind, "global" | "collaboration"));
    let status = call.one("status").is_none_or(|status| status == "current");
    let labelled = !call.many("labels").is_empty();
    let keep = |space: &&Space| {
        kind && status
            && !labelled
            && (ids.is_empty() || ids.contains(&space.id))
            && (keys.is_empty() || keys.iter().any(|key| space.key.eq_ignore_ascii_case(key)))
    };
    let mut found: Vec<&Space> = state.spaces().filter(keep).collect();
    let order = call.one("sort").unwrap_or("id");
    match order.trim_start_matches('-') {
        "id" => {}
        "key" => found.sort_by(|a, b| a.key.cmp(&b.key)),
        "name" => found.sort_by(|a, b| a.name.cmp(&b.name)),
        _ => {
            return Err(wrong_type(order, "sort", "SpaceSortOrder"));
        }
    }
    if order.starts_with('-') {
        found.reverse();
    }
    let ordered: Vec<u64> = found.iter().map(|space| space.id).collect();
    let paged = call.page(&ordered)?;
    let description = call.one("description-format");
    let rows = paged.ids.iter().filter_map(|id| state.space(*id)).map(|space| json_of(space, description)).collect();
    Ok(paged.reply(rows))
}

fn one(space: &Space, call: &Call) -> Value {
    let mut value = json_of(space, call.one("description-format"));
    value["_links"]["base"] = json!(call.base);
    if let Some(object) = value.as_object_mut() {
        // Only rows of the list and a new space carry it.
        object.shift_remove("currentActiveAlias");
    }
    value
}

/// `GET /wiki/api/v2/spaces/{id}`.
pub fn read(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(one(known(state, call)?, call)))
}

/// Checks a new space's key.
///
/// # Errors
/// 400 when it cannot be a key or is taken.
pub fn new_key(state: &State, key: &str) -> Result<(), Reply> {
    if key.is_empty() || key.len() > 255 || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(bad_request("Invalid space key: only letters and digits are allowed"));
    }
    if state.space_by_key(key).is_some() {
        return Err(bad_request("A space already exists with this key."));
    }
    Ok(())
}

/// `POST /wiki/api/v2/spaces`.
pub fn create(state: &mut State, call: &Call) -> Answer {
    let sent = call.json()?;
    let name = sent["name"].as_str().map(str::trim).filter(|name| !name.is_empty());
    let Some(name) = name else { return Err(invalid("'name' is required")) };
    let key = match sent["key"].as_str().or(sent["alias"].as_str()) {
        Some(key) => key.to_owned(),
        None => name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase(),
    };
    new_key(state, &key)?;
    let description = sent["description"]["value"].as_str().unwrap_or("");
    let id = state.add_space(&key, name, description, &call.user.account_id, call.now);
    let space = state.space(id).ok_or_else(|| not_found("Not Found"))?;
    let mut value = one(space, call);
    value["currentActiveAlias"] = json!(key);
    Ok(Reply::json(StatusCode::CREATED, value))
}
