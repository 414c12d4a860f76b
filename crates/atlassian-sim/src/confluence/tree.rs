//! Where pages stand: children, descendants, ancestors, versions; moving and archiving, which only v1 offers.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::pages::visible;
use super::reply::{Answer, Reply, invalid, not_found, v1_bad_request, v1_no_content, wrong_type};
use super::state::{Page, State, Status, Version};
use super::wire;

/// Levels that `descendants` gives when nothing is asked for. Deeper ones are left out without a word, as on Cloud.
const DEPTH_DEFAULT: usize = 2;
/// The most levels that can be asked for.
const DEPTH_MAX: usize = 10;

/// Whether `id` is `top` or below it.
pub fn is_below(state: &State, id: u64, top: u64) -> bool {
    id == top || ancestors_of(state, id).contains(&top)
}

/// The pages above a page, highest first.
pub fn ancestors_of(state: &State, id: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut at = state.page(id).and_then(Page::parent);
    while let Some(parent) = at {
        found.push(parent);
        at = state.page(parent).and_then(Page::parent);
    }
    found.reverse();
    found
}

fn listed_children(state: &State, id: u64) -> Vec<u64> {
    let shown =
        |id: &&u64| state.page(**id).is_some_and(|page| matches!(page.status(), Status::Current | Status::Archived));
    state.children(id).iter().filter(shown).copied().collect()
}

/// A row of a list of children; the content tree names the kind, the page tree the space.
pub fn child(page: &Page, tree: bool) -> Value {
    let mut row = json!({
        "id": page.id.to_string(),
        "status": page.status().word(),
        "title": page.title(),
        "childPosition": page.position,
    });
    if tree {
        row["type"] = json!("page");
    } else {
        row["spaceId"] = json!(page.space.to_string());
    }
    row
}

fn children_list(state: &State, call: &Call, tree: bool) -> Answer {
    let id = call.id("id")?;
    visible(state, id)?;
    let mut ids = listed_children(state, id);
    let order = call.one("sort").unwrap_or("child-position");
    match order.trim_start_matches('-') {
        "child-position" => {}
        "id" => ids.sort_unstable(),
        "title" => ids.sort_by_key(|id| state.page(*id).map(|page| page.title().to_lowercase())),
        "created-date" => ids.sort_by_key(|id| state.page(*id).map(|page| page.created)),
        "modified-date" => {
            ids.sort_by_key(|id| state.page(*id).and_then(Page::current).map(|version| version.created));
        }
        _ => {
            return Err(wrong_type(order, "sort", "ChildPageSortOrder"));
        }
    }
    if order.starts_with('-') {
        ids.reverse();
    }
    let paged = call.page(&ids)?;
    let rows = paged.ids.iter().filter_map(|id| state.page(*id)).map(|page| child(page, tree)).collect();
    Ok(paged.reply(rows))
}

/// `GET /wiki/api/v2/pages/{id}/children`.
pub fn children(state: &mut State, call: &Call) -> Answer {
    children_list(state, call, false)
}

/// `GET /wiki/api/v2/pages/{id}/direct-children`.
pub fn direct_children(state: &mut State, call: &Call) -> Answer {
    children_list(state, call, true)
}

/// Pages below a page with their depth, parents before children.
pub fn descendants_of(state: &State, id: u64, depth_max: usize) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<(u64, usize)> = listed_children(state, id).into_iter().rev().map(|id| (id, 1)).collect();
    while let Some((id, depth)) = open.pop() {
        found.push((id, depth));
        if depth < depth_max {
            open.extend(listed_children(state, id).into_iter().rev().map(|id| (id, depth + 1)));
        }
    }
    found
}

/// `GET /wiki/api/v2/pages/{id}/descendants`.
pub fn descendants(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    visible(state, id)?;
    let depth = match call.one("depth") {
        None => DEPTH_DEFAULT,
        Some(text) => match text.parse::<usize>() {
            Ok(depth) if (1..=DEPTH_MAX).contains(&depth) => depth,
            Ok(_) | Err(_) => {
                return Err(invalid(&format!("Provided value {{{text}}} for 'depth' must be between 1 and 10")));
            }
        },
    };
    let found = descendants_of(state, id, depth);
    let ids: Vec<u64> = found.iter().map(|(id, _)| *id).collect();
    let paged = call.page(&ids)?;
    let row = |id: &u64| {
        let page = state.page(*id)?;
        let depth = found.iter().find(|(other, _)| other == id).map(|(_, depth)| *depth)?;
        let mut row = child(page, true);
        row["parentId"] = json!(page.parent().map(|parent| parent.to_string()));
        row["depth"] = json!(depth);
        Some(row)
    };
    let rows = paged.ids.iter().filter_map(row).collect();
    Ok(paged.reply(rows))
}

/// `GET /wiki/api/v2/pages/{id}/ancestors`.
pub fn ancestors(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    visible(state, id)?;
    let paged = call.page(&ancestors_of(state, id))?;
    let rows = paged.ids.iter().map(|id| json!({"id": id.to_string(), "type": "page"})).collect();
    Ok(paged.reply(rows))
}

/// `GET /wiki/api/v2/pages/{id}/versions`: newest first.
pub fn versions(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let page = visible(state, id)?;
    let mut numbers: Vec<u64> = page.versions.iter().map(|version| u64::from(version.number)).collect();
    match call.one("sort") {
        Some("modified-date") => {}
        Some("-modified-date") | None => numbers.reverse(),
        Some(other) => {
            return Err(wrong_type(other, "sort", "VersionSortOrder"));
        }
    }
    let paged = call.page(&numbers)?;
    let mut rows = Vec::new();
    for version in paged.ids.iter().filter_map(|number| numbered(page, *number)) {
        let mut row = wire::version_json(version);
        let body = version.body.json(call.one("body-format"), &|nodes| super::render::page(state, page, nodes))?;
        row["page"] = json!({"id": page.id.to_string(), "title": version.title, "body": body});
        rows.push(row);
    }
    Ok(paged.reply(rows))
}

fn numbered(page: &Page, number: u64) -> Option<&Version> {
    page.versions.iter().find(|version| u64::from(version.number) == number)
}

/// `GET /wiki/api/v2/pages/{page-id}/versions/{version-number}`.
pub fn version(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let page = visible(state, id)?;
    let number = call.id("version-number")?;
    let missing = || not_found(&format!("Cannot find version [{number}] of page with id [{id}]"));
    let version = numbered(page, number).ok_or_else(missing)?;
    let mut value = wire::version_json(version);
    if let Some(object) = value.as_object_mut() {
        object.shift_remove("ncsStepVersion");
    }
    value["contentTypeModified"] = json!(false);
    value["collaborators"] = json!([version.author]);
    value["prevVersion"] = json!(version.number.checked_sub(1).filter(|number| *number > 0));
    value["nextVersion"] = json!(numbered(page, number + 1).map(|version| version.number));
    Ok(Reply::ok(value))
}

/// `PUT /wiki/rest/api/content/{pageId}/move/{position}/{targetId}`.
pub fn move_page(state: &mut State, call: &Call) -> Answer {
    let page = |name: &str| {
        let text = call.param(name);
        let found = text.parse::<u64>().ok().and_then(|id| state.page(id));
        found.filter(|page| page.status() == Status::Current).ok_or_else(|| v1_no_content(text))
    };
    let (moved, target) = (page("id")?, page("targetId")?);
    let (id, to) = (moved.id, target.id);
    if moved.space != target.space {
        return Err(v1_bad_request("Moving a page to another space is not supported here"));
    }
    if is_below(state, to, id) {
        return Err(v1_bad_request("Cannot move a page to itself or below itself"));
    }
    let (parent, at) = match call.param("position") {
        "append" => (Some(to), None),
        side @ ("before" | "after") => {
            let siblings = state.children(target.parent().unwrap_or(target.space));
            let siblings: Vec<u64> = siblings.iter().copied().filter(|sibling| *sibling != id).collect();
            let place = siblings.iter().position(|sibling| *sibling == to).unwrap_or(siblings.len());
            (target.parent(), Some(if side == "before" { place } else { place + 1 }))
        }
        other => {
            return Err(v1_bad_request(&format!("position must be one of before, after, append, and not {other}")));
        }
    };
    state.reparent(id, parent, at);
    Ok(Reply::ok(json!({"pageId": id.to_string()})))
}

/// `POST /wiki/rest/api/content/archive`.
pub fn archive(state: &mut State, call: &Call) -> Answer {
    let sent = call.json().map_err(super::reply::as_v1)?;
    let Some(items) = sent["pages"].as_array().filter(|items| !items.is_empty()) else {
        return Err(v1_bad_request("At least one page is required"));
    };
    let mut ids = Vec::new();
    for item in items {
        let id = item["id"].as_u64().or_else(|| item["id"].as_str().and_then(|text| text.parse().ok()));
        match id.and_then(|id| state.page(id)) {
            Some(page) if page.status() == Status::Current => ids.push(page.id),
            Some(page) => {
                return Err(v1_bad_request(&format!(
                    "Page {} cannot be archived: it is {}",
                    page.id,
                    page.status().word()
                )));
            }
            None => return Err(v1_bad_request(&format!("No page found with id: {}", item["id"]))),
        }
    }
    for id in ids {
        state.set_status(id, Status::Archived, call.now);
    }
    Ok(started(state))
}

/// `DELETE /wiki/rest/api/content/{id}/pageTree`.
pub fn delete_tree(state: &mut State, call: &Call) -> Answer {
    let text = call.param("id");
    let id = text.parse::<u64>().ok().and_then(|id| state.page(id)).filter(|page| page.status() == Status::Current);
    let id = id.ok_or_else(|| v1_no_content(text))?.id;
    // Lowest first: what is in the trash has no children to hand on.
    let mut doomed: Vec<u64> = descendants_of(state, id, usize::MAX).into_iter().map(|(id, _)| id).collect();
    doomed.reverse();
    doomed.push(id);
    for id in doomed {
        state.set_status(id, Status::Trashed, call.now);
    }
    Ok(started(state))
}

/// The answer that names a long task; it is over before anyone can ask for it.
pub fn started(state: &mut State) -> Reply {
    let task = state.take_id();
    state.tasks.insert(task);
    Reply::json(
        StatusCode::ACCEPTED,
        json!({"id": task.to_string(), "links": {"status": format!("/rest/api/longtask/{task}")}}),
    )
}

/// `GET /wiki/rest/api/longtask/{id}`.
pub fn task(state: &mut State, call: &Call) -> Answer {
    let text = call.param("id");
    match text.parse::<u64>().ok().filter(|id| state.tasks.contains(id)) {
        Some(id) => Ok(Reply::ok(json!({
            "id": id.to_string(),
            "name": {"key": "com.atlassian.confluence.extra.task", "args": []},
            "elapsedTime": 1,
            "percentageComplete": 100,
            "successful": true,
            "finished": true,
            "messages": [],
            "status": "SUCCESS",
            "errors": [],
            "_links": {"status": format!("/rest/api/longtask/{id}")},
        }))),
        None => Err(super::reply::as_v1(not_found(&format!("No long task found with id: {text}")))),
    }
}
