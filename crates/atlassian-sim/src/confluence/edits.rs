//! Changing pages in v2: update, retitle, restore, delete. An update is a compare-and-swap on the version.

use axum::http::StatusCode;

use super::body::{self, Stored};
use super::call::Call;
use super::pages::{TITLE_TAKEN, id_field, no_page, one, parent_in, store, title_of, visible, within};
use super::reply::{Answer, Reply, bad_request, conflict, invalid, v2};
use super::state::{Page, State, Status, Version};
use super::wire::{self, Extras};

/// What an update needs, whichever API version it came by.
pub struct Update {
    /// Current or draft.
    pub status: Status,
    /// The new title.
    pub title: String,
    /// The parent, where it is to change.
    pub parent: Option<u64>,
    /// The new body; `None` keeps the old one (v1 only).
    pub body: Option<body::Sent>,
    /// The number of the version that this makes.
    pub number: u32,
    /// What the author says about it.
    pub message: String,
    /// Whether watchers are spared.
    pub minor: bool,
}

/// Applies an update, with every rule of the product.
///
/// # Errors
/// 400, 404 or 409 in v2 form.
pub fn apply(state: &mut State, call: &Call, id: u64, update: Update) -> Result<(), Reply> {
    let page = state.page(id).ok_or_else(|| no_page(id))?;
    let (space, was, current) = (page.space, page.status(), page.number());
    if within(state.behaviour.conflict_after_create_ms, page, call) {
        return Err(conflict(
            "com.atlassian.confluence.api.service.exceptions.ConflictException: Attempted to update stale data",
        ));
    }
    if update.status == Status::Draft && was != Status::Draft {
        return save_draft(state, call, id, update);
    }
    // A first publication of a draft keeps number 1; everything else counts up by exactly one.
    let first = was == Status::Draft && update.number == 1;
    if update.number != current + 1 && !first {
        return Err(conflict(&format!(
            "Version must be incremented when updating a page. Current Version: [{current}]. Provided version: [{}]",
            update.number
        )));
    }
    if was == Status::Trashed {
        return restore(state, call, id, update);
    }
    if update.status == Status::Current && state.title_holder(space, &update.title, Some(id)).is_some() {
        return Err(bad_request(TITLE_TAKEN));
    }
    let moved = match update.parent {
        Some(parent) if parent == id => return Err(bad_request("Can not set page as its own parent")),
        Some(parent) => {
            parent_in(state, space, parent)?;
            if super::tree::is_below(state, parent, id) {
                return Err(bad_request("Can not set a descendant of the page as its parent"));
            }
            (page_parent(state, id) != Some(parent)).then_some(parent)
        }
        None => None,
    };
    let body = match update.body {
        Some(sent) => store(state, space, Some(sent))?,
        None => state.page(id).and_then(Page::current).map_or_else(Stored::empty, |version| version.body.clone()),
    };
    if let Some(parent) = moved {
        state.reparent(id, Some(parent), None);
    }
    state.retitle(id, &update.title);
    if was != update.status {
        state.set_status(id, update.status, call.now);
    }
    let version = Version {
        number: update.number,
        title: update.title,
        body,
        message: update.message,
        minor: update.minor,
        author: call.user.account_id.clone(),
        created: call.now,
    };
    if let Some(page) = state.page_mut(id) {
        if first {
            page.versions.clear();
        }
        page.versions.push(version);
        // The published text wins over an open draft.
        page.draft = None;
    }
    Ok(())
}

fn page_parent(state: &State, id: u64) -> Option<u64> {
    state.page(id).and_then(Page::parent)
}

/// A draft beside the published page: the published text stays.
fn save_draft(state: &mut State, call: &Call, id: u64, update: Update) -> Result<(), Reply> {
    if update.number != 1 {
        return Err(conflict("Version must be 1 when updating a page to a draft"));
    }
    let space = state.page(id).map_or(0, |page| page.space);
    let body = store(state, space, update.body)?;
    let draft = Version {
        number: 1,
        title: update.title,
        body,
        message: update.message,
        minor: update.minor,
        author: call.user.account_id.clone(),
        created: call.now,
    };
    if let Some(page) = state.page_mut(id) {
        page.draft = Some(draft);
    }
    Ok(())
}

/// Back from the trash: only the status changes, whatever else was sent.
fn restore(state: &mut State, call: &Call, id: u64, update: Update) -> Result<(), Reply> {
    let Some(page) = state.page(id) else { return Err(no_page(id)) };
    let (space, title) = (page.space, page.title().to_owned());
    if state.title_holder(space, &title, Some(id)).is_some() {
        return Err(bad_request(TITLE_TAKEN));
    }
    state.set_status(id, Status::Current, call.now);
    if let Some(page) = state.page_mut(id)
        && let Some(last) = page.versions.last().cloned()
    {
        let author = call.user.account_id.clone();
        page.versions.push(Version {
            number: update.number,
            message: update.message,
            author,
            created: call.now,
            ..last
        });
    }
    Ok(())
}

/// `PUT /wiki/api/v2/pages/{id}`.
pub fn update(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let sent = call.json()?;
    let page = state.page(id).ok_or_else(|| visible(state, id).err().unwrap_or_else(|| no_page(id)))?;
    for field in ["id", "status", "title", "body", "version"] {
        if sent[field].is_null() {
            return Err(invalid(&format!("'{field}' is required")));
        }
    }
    if id_field(&sent, "id")? != Some(id) {
        return Err(bad_request("The id in the request body does not match the id in the path"));
    }
    if id_field(&sent, "spaceId")?.is_some_and(|space| space != page.space) {
        return Err(bad_request("The space of a page cannot be changed"));
    }
    let status = match sent["status"].as_str() {
        Some("current") => Status::Current,
        Some("draft") => Status::Draft,
        _ => {
            return Err(invalid(&format!(
                "Provided value {{{}}} for 'status' is not one of current, draft",
                sent["status"]
            )));
        }
    };
    let title = title_of(sent["title"].as_str().ok_or_else(|| invalid("'title' must be a string"))?)?;
    let number = sent["version"]["number"].as_u64().and_then(|number| u32::try_from(number).ok());
    let Some(number) = number else {
        return Err(bad_request("Must supply an incremented version when updating Content. No version supplied."));
    };
    let body = body::read(sent.get("body"))?;
    let format = body
        .as_ref()
        .map(|body| if body.representation.word() == "wiki" { "storage" } else { body.representation.word() });
    let update = Update {
        status,
        title,
        parent: id_field(&sent, "parentId")?,
        body: Some(body.unwrap_or(body::Sent { representation: body::Representation::Storage, value: String::new() })),
        number,
        message: sent["version"]["message"].as_str().unwrap_or("").to_owned(),
        minor: sent["version"]["minorEdit"].as_bool().unwrap_or(false),
    };
    let draft = update.status == Status::Draft;
    apply(state, call, id, update)?;
    let page = state.page(id).ok_or_else(|| no_page(id))?;
    let version = if draft { page.draft.as_ref().or(page.current()) } else { page.current() };
    Ok(Reply::ok(wire::single(state, call, page, version, format, Extras::default())?))
}

/// `PUT /wiki/api/v2/pages/{id}/title`: a new version that differs in the title only.
pub fn update_title(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let sent = call.json()?;
    let page = visible(state, id)?;
    let title = title_of(sent["title"].as_str().ok_or_else(|| invalid("'title' is required"))?)?;
    if !matches!(sent["status"].as_str(), Some("current" | "draft")) {
        return Err(invalid("'status' is required"));
    }
    if state.title_holder(page.space, &title, Some(id)).is_some() {
        return Err(bad_request(TITLE_TAKEN));
    }
    let Some(last) = page.current().cloned() else { return Err(no_page(id)) };
    state.retitle(id, &title);
    if let Some(page) = state.page_mut(id) {
        let author = call.user.account_id.clone();
        page.versions.push(Version {
            number: last.number + 1,
            title,
            message: String::new(),
            author,
            created: call.now,
            ..last
        });
    }
    one(state, call, id, None)
}

/// `DELETE /wiki/api/v2/pages/{id}`: into the trash, or with `purge=true` out of it for good.
pub fn delete(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let status = match state.page(id) {
        Some(page) => page.status(),
        // Observed: not the 404 that one would expect.
        None if state.was_purged(id) => {
            return Err(v2(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "Internal Server Error"));
        }
        None => return Err(no_page(id)),
    };
    match (status, call.flag("purge"), call.flag("draft")) {
        (Status::Draft, _, true) => state.purge(id),
        (Status::Draft, _, false) => return Err(no_page(id)),
        (Status::Current, false, true) => {
            // Only the draft beside the page is discarded.
            match state.page_mut(id).and_then(|page| page.draft.take()) {
                Some(_) => {}
                None => return Err(no_page(id)),
            }
        }
        (Status::Trashed, true, _) => state.purge(id),
        (Status::Trashed, false, _) => return Err(no_page(id)),
        (Status::Current | Status::Archived, true, _) => {
            return Err(bad_request("A page must be in the trash before it can be purged"));
        }
        (Status::Current | Status::Archived, false, _) => state.set_status(id, Status::Trashed, call.now),
    }
    Ok(Reply::no_content())
}
