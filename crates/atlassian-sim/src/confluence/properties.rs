//! Content properties in v2: JSON values under a key, versioned one by one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::pages::visible;
use super::reply::{Answer, Reply, bad_request, conflict, invalid, not_found};
use super::state::{Page, Property, State};
use super::wire;

/// The refusal of an update of a property that the database has twice. Its real words are not known.
pub const DOUBLED: &str = "The content property cannot be updated: more than one row was found";
/// The largest value, in bytes of JSON.
const VALUE_MAX: usize = 32 * 1024;

fn page<'a>(state: &'a State, call: &Call) -> Result<&'a Page, Reply> {
    let id = call.id("id")?;
    visible(state, id).map_err(|_| not_found(&format!("Could not find page with id [{id}]")))
}

/// Adds a property without any check; the key must be free.
pub fn add(state: &mut State, call: &Call, page: u64, key: &str, value: Value) -> Option<Property> {
    let property = Property {
        doubled: state.behaviour.doubled_properties,
        id: state.take_id(),
        key: key.to_owned(),
        value,
        number: 1,
        message: String::new(),
        author: call.user.account_id.clone(),
        created: call.now,
    };
    let page = state.page_mut(page)?;
    page.properties.push(property.clone());
    Some(property)
}

/// Checks a value.
///
/// # Errors
/// 413 above the limit.
pub fn value_of(value: &Value) -> Result<Value, Reply> {
    if value.to_string().len() > VALUE_MAX {
        return Err(super::reply::v2(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            "The value of the content property is too long",
        ));
    }
    Ok(value.clone())
}

fn key_of(sent: &Value) -> Result<&str, Reply> {
    match sent["key"].as_str() {
        Some(key) if !key.is_empty() && key.chars().count() <= 255 => Ok(key),
        Some(_) => Err(invalid("'key' must have 1 to 255 characters")),
        None => Err(invalid("'key' is required")),
    }
}

/// `GET /wiki/api/v2/pages/{page-id}/properties`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    let page = page(state, call)?;
    let key = call.one("key");
    let mut found: Vec<&Property> =
        page.properties.iter().filter(|property| key.is_none_or(|key| property.key == key)).collect();
    match call.one("sort") {
        Some("key") => found.sort_by(|a, b| a.key.cmp(&b.key)),
        Some("-key") => found.sort_by(|a, b| b.key.cmp(&a.key)),
        Some(_) | None => {}
    }
    let ids: Vec<u64> = found.iter().map(|property| property.id).collect();
    let paged = call.page(&ids)?;
    let rows = paged.ids.iter().filter_map(|id| found.iter().find(|property| property.id == *id));
    let rows = rows.map(|property| wire::property(property)).collect();
    Ok(paged.reply(rows))
}

/// `POST /wiki/api/v2/pages/{page-id}/properties`.
pub fn create(state: &mut State, call: &Call) -> Answer {
    let page = page(state, call)?;
    let id = page.id;
    let sent = call.json()?;
    let key = key_of(&sent)?;
    let value = match sent.get("value") {
        Some(value) => value_of(value)?,
        None => return Err(invalid("'value' is required")),
    };
    if page.properties.iter().any(|property| property.key == key) {
        return Err(conflict(&format!("Property with key [{key}] already exists on content with id [{id}]")));
    }
    let made = add(state, call, id, key, value).ok_or_else(|| not_found("Not Found"))?;
    Ok(Reply::ok(wire::property(&made)))
}

fn found<'a>(page: &'a Page, call: &Call) -> Result<&'a Property, Reply> {
    let id = call.id("property-id")?;
    let property = page.properties.iter().find(|property| property.id == id);
    property
        .ok_or_else(|| not_found(&format!("Could not find property with id [{id}] on content with id [{}]", page.id)))
}

/// `GET /wiki/api/v2/pages/{page-id}/properties/{property-id}`.
pub fn read(state: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(wire::property(found(page(state, call)?, call)?)))
}

/// `PUT /wiki/api/v2/pages/{page-id}/properties/{property-id}`.
pub fn update(state: &mut State, call: &Call) -> Answer {
    let page = page(state, call)?;
    let (page, property) = (page.id, found(page, call)?.clone());
    let sent = call.json()?;
    let key = key_of(&sent)?;
    if key != property.key {
        return Err(invalid("The key of a content property cannot be changed"));
    }
    let value = match sent.get("value") {
        Some(value) => value_of(value)?,
        None => return Err(invalid("'value' is required")),
    };
    let Some(number) = sent["version"]["number"].as_u64() else { return Err(invalid("'version.number' is required")) };
    let current = property.number;
    if number != u64::from(current) + 1 {
        return Err(conflict(&format!(
            "Version must be incremented when updating a property. Current Version: [{current}]. Provided version: [{number}]"
        )));
    }
    if property.doubled {
        return Err(bad_request(DOUBLED));
    }
    let message = sent["version"]["message"].as_str().unwrap_or("").to_owned();
    let next = Property {
        value,
        number: current + 1,
        message,
        author: call.user.account_id.clone(),
        created: call.now,
        ..property
    };
    let answer = wire::property(&next);
    if let Some(page) = state.page_mut(page)
        && let Some(slot) = page.properties.iter_mut().find(|other| other.id == next.id)
    {
        *slot = next;
    }
    Ok(Reply::ok(answer))
}

/// `DELETE /wiki/api/v2/pages/{page-id}/properties/{property-id}`.
pub fn delete(state: &mut State, call: &Call) -> Answer {
    let page = page(state, call)?;
    let (page, property) = (page.id, found(page, call)?.id);
    if let Some(page) = state.page_mut(page) {
        page.properties.retain(|other| other.id != property);
    }
    Ok(Reply::no_content())
}

/// The properties of a page by key, for v1's `metadata.properties`.
pub fn by_key(page: &Page) -> Value {
    page.properties
        .iter()
        .map(|property| (property.key.clone(), json!({"key": property.key, "value": property.value})))
        .collect()
}
