//! Labels: v2 reads them, v1 writes them.
//!
//! Observed on Cloud: names are lower-cased, a space or a comma separates two labels, a colon and its like are refused,
//! adding is additive, and removing by name takes a personal label before a global one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::pages::visible;
use super::reply::{Answer, Reply, invalid, not_found, v1, v1_bad_request, v1_no_content};
use super::state::{Label, Page, State, Status};
use super::wire;

/// What a label must not contain, in the server's own order.
const REFUSED: &str = " !#&()*,.:;<>?@[]^";
/// The longest label, in UTF-16 code units.
const NAME_MAX: usize = 255;

/// `GET /wiki/api/v2/pages/{id}/labels`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let page = visible(state, id)?;
    let prefix = call.one("prefix");
    let mut labels: Vec<&Label> =
        page.labels.iter().filter(|label| prefix.is_none_or(|prefix| label.prefix == prefix)).collect();
    labels.sort_by_key(|label| label.id);
    let order = call.one("sort").unwrap_or("id");
    if order.trim_start_matches('-') == "name" {
        labels.sort_by(|a, b| a.name.cmp(&b.name));
    }
    if order.starts_with('-') {
        labels.reverse();
    }
    let ids: Vec<u64> = labels.iter().map(|label| label.id).collect();
    let paged = call.page(&ids)?;
    let rows =
        paged.ids.iter().filter_map(|id| labels.iter().find(|label| label.id == *id)).map(|label| wire::label(label));
    let rows = rows.collect();
    Ok(paged.reply(rows))
}

/// `GET /wiki/api/v2/labels`.
pub fn list_all(state: &mut State, call: &Call) -> Answer {
    let wanted = call.ids("label-id")?;
    let prefixes = call.many("prefix");
    let keep = |(prefix, _, id): &(&str, &str, u64)| {
        (wanted.is_empty() || wanted.contains(id)) && (prefixes.is_empty() || prefixes.contains(prefix))
    };
    let mut found: Vec<(&str, &str, u64)> = state.labels().filter(keep).collect();
    found.sort_by_key(|(_, _, id)| *id);
    let ids: Vec<u64> = found.iter().map(|(_, _, id)| *id).collect();
    let paged = call.page(&ids)?;
    let row = |id: &u64| {
        let (prefix, name, id) = found.iter().find(|(_, _, other)| other == id)?;
        Some(json!({"id": id.to_string(), "name": name, "prefix": prefix}))
    };
    let rows = paged.ids.iter().filter_map(row).collect();
    Ok(paged.reply(rows))
}

/// `GET /wiki/api/v2/labels/{id}/pages`.
pub fn pages_with(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    if !state.labels().any(|(_, _, known)| known == id) {
        return Err(not_found(&format!("Cannot find a label with id [{id}]")));
    }
    let spaces = call.ids("space-id")?;
    super::pages::listed(state, call, &spaces, &|page| page.labels.iter().any(|label| label.id == id))
}

/// `GET /wiki/api/v2/spaces/{id}/labels` and `/content/labels`: spaces have none, their content has.
pub fn of_space(state: &mut State, call: &Call) -> Answer {
    let space = super::spaces::known(state, call)?.id;
    let mut found: Vec<&Label> = Vec::new();
    if call.path.ends_with("/content/labels") {
        for page in state.pages().filter(|page| page.space == space && page.status() == Status::Current) {
            found.extend(&page.labels);
        }
    }
    found.sort_by_key(|label| label.id);
    found.dedup_by_key(|label| label.id);
    let ids: Vec<u64> = found.iter().map(|label| label.id).collect();
    let paged = call.page(&ids)?;
    let rows =
        paged.ids.iter().filter_map(|id| found.iter().find(|label| label.id == *id)).map(|label| wire::label(label));
    let rows = rows.collect();
    Ok(paged.reply(rows))
}

/// The page that a v1 path names, for writing to it.
///
/// # Errors
/// 404 in v1 form; a page in the trash cannot be written to.
pub fn v1_page<'a>(state: &'a State, call: &Call) -> Result<&'a Page, Reply> {
    let text = call.param("id");
    let page = text.parse::<u64>().ok().and_then(|id| state.page(id));
    page.filter(|page| page.status() != Status::Trashed).ok_or_else(|| v1_no_content(text))
}

fn v1_label(label: &Label) -> Value {
    json!({"prefix": label.prefix, "name": label.name, "id": label.id.to_string(), "label": label.name})
}

/// A page's labels as v1 writes them.
pub fn v1_labels(call: &Call, page: &Page) -> Value {
    let results: Vec<Value> = page.labels.iter().map(v1_label).collect();
    json!({
        "results": results,
        "start": 0,
        "limit": 200,
        "size": results.len(),
        "_links": {
            "base": call.base,
            "context": "/wiki",
            "self": format!("{}/rest/api/content/{}/label", call.base, page.id),
        },
    })
}

/// `GET /wiki/rest/api/content/{id}/label`: undocumented on Cloud by now, and still answered.
pub fn v1_list(state: &mut State, call: &Call) -> Answer {
    let page = v1_page(state, call)?;
    Ok(Reply::ok(v1_labels(call, page)))
}

fn refused(key: &str, name: &str) -> Reply {
    v1_bad_request(&format!("{key}: {name}; a label must not contain: space ! # & ( ) * , . : ; < > ? @ [ ] ^"))
}

/// Adds labels, each `(prefix, name)`; names are split first, then each piece is checked, then all are added.
///
/// # Errors
/// 400 in v1 form.
pub fn add(state: &mut State, call: &Call, page: u64, given: &[(String, String)]) -> Result<(), Reply> {
    let mut pieces: Vec<(String, String)> = Vec::new();
    for (prefix, text) in given {
        if !matches!(prefix.as_str(), "global" | "my" | "team") {
            return Err(v1_bad_request(&format!("label.prefix.invalid: {prefix}")));
        }
        let names: Vec<&str> = text.split([' ', ',']).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Err(v1_bad_request("Label name must not be empty"));
        }
        for name in names {
            if name.chars().any(|c| REFUSED.contains(c) || c.is_control()) {
                return Err(refused("label.contains.invalid.chars", name));
            }
            let name = name.to_lowercase();
            if name.encode_utf16().count() > NAME_MAX {
                return Err(v1_bad_request("label.name.is.too.long"));
            }
            pieces.push((prefix.clone(), name));
        }
    }
    for (prefix, name) in pieces {
        let id = state.label_id(&prefix, &name);
        if let Some(page) = state.page_mut(page)
            && !page.labels.iter().any(|label| label.id == id)
        {
            page.labels.push(Label { id, prefix, name, added: call.now });
        }
    }
    Ok(())
}

/// `POST /wiki/rest/api/content/{id}/label`: one label or a list.
pub fn v1_add(state: &mut State, call: &Call) -> Answer {
    let id = v1_page(state, call)?.id;
    let sent: Value = serde_json::from_slice(&call.body)
        .map_err(|error| v1_bad_request(&format!("Could not parse the request body as JSON: {error}")))?;
    let items = match &sent {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(&sent),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(v1_bad_request("A label or a list of labels is required"));
        }
    };
    let mut given = Vec::new();
    for item in items {
        let Some(name) = item["name"].as_str() else { return Err(v1_bad_request("Label name is required")) };
        given.push((item["prefix"].as_str().unwrap_or("global").to_owned(), name.to_owned()));
    }
    add(state, call, id, &given)?;
    let page = state.page(id).ok_or_else(|| v1_no_content(call.param("id")))?;
    Ok(Reply::ok(v1_labels(call, page)))
}

fn remove(state: &mut State, call: &Call, name: &str) -> Answer {
    let page = v1_page(state, call)?;
    let id = page.id;
    if page.status() == Status::Archived {
        return Err(v1_bad_request("Labels cannot be deleted from archived content"));
    }
    let name = name.to_lowercase();
    let at = |prefix: &str| page.labels.iter().position(|label| label.name == name && label.prefix == prefix);
    let Some(at) = at("my").or_else(|| at("team")).or_else(|| at("global")) else {
        return Err(v1(StatusCode::NOT_FOUND, &format!("No label found with name: {name}")));
    };
    if let Some(page) = state.page_mut(id) {
        page.labels.remove(at);
    }
    Ok(Reply::no_content())
}

/// `DELETE /wiki/rest/api/content/{id}/label?name=`.
pub fn v1_remove_by_query(state: &mut State, call: &Call) -> Answer {
    let Some(name) = call.one("name").map(str::to_owned) else {
        return Err(v1_bad_request("Required parameter 'name' is not present"));
    };
    remove(state, call, &name)
}

/// `DELETE /wiki/rest/api/content/{id}/label/{label}`, which cannot name a label that has a slash.
pub fn v1_remove_by_path(state: &mut State, call: &Call) -> Answer {
    let name = call.param("label").to_owned();
    if name.contains('/') {
        return Err(invalid("the path form cannot name a label with a slash"));
    }
    remove(state, call, &name)
}
