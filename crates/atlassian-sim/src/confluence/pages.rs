//! Pages in v2: create, read, list, update, retitle, delete.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::body::{self, Stored};
use super::call::Call;
use super::normalise::Site;
use super::reply::{Answer, Reply, bad_request, conflict, invalid, not_found, v2};
use super::state::{Page, State, Status, Version};
use super::wire::{self, Extras};

/// Confluence's longest title, in characters.
const TITLE_MAX: usize = 255;
/// The words that clients compare: they are the only way to know this refusal.
pub const TITLE_TAKEN: &str =
    "A page with this title already exists: A page already exists with the same TITLE in this space";

/// The refusal for a page that does not exist or is not shown.
pub fn no_page(id: u64) -> Reply {
    not_found(&format!("Cannot find a page with id [{id}]"))
}

/// A page that a plain read shows: published or archived.
///
/// # Errors
/// 404 otherwise.
pub fn visible(state: &State, id: u64) -> Result<&Page, Reply> {
    match state.page(id) {
        Some(page) if matches!(page.status(), Status::Current | Status::Archived) => Ok(page),
        // A purged page's 404 names nothing: observed, and a trap for whoever tells 404s apart by their text.
        None if state.was_purged(id) => Err(not_found("Not Found")),
        Some(_) | None => Err(no_page(id)),
    }
}

fn within(milliseconds: u64, page: &Page, call: &Call) -> bool {
    milliseconds > 0 && (call.now - page.created).whole_milliseconds() < i128::from(milliseconds)
}

/// A field that holds an id, as a string or (tolerated, as Jackson does) a number.
fn id_field(value: &Value, name: &str) -> Result<Option<u64>, Reply> {
    let text = match &value[name] {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(invalid(&format!(
            "Provided value {{{text}}} for '{name}' is not the correct type. Expected type is Long"
        ))),
    }
}

/// A title as it is kept.
///
/// # Errors
/// 400 when it is blank or too long.
pub fn title_of(given: &str) -> Result<String, Reply> {
    let title = given.trim();
    if title.is_empty() {
        return Err(bad_request("Title must not be blank"));
    }
    if title.chars().count() > TITLE_MAX {
        return Err(bad_request("Title cannot be longer than 255 characters."));
    }
    Ok(title.to_owned())
}

/// Checks and stores a body, with what the writer needs to know about the site.
///
/// # Errors
/// As [`Stored::of`].
pub fn store(state: &mut State, space: u64, sent: Option<body::Sent>) -> Result<Stored, Reply> {
    let Some(sent) = sent else { return Ok(Stored::empty()) };
    let mut used = 0_u64;
    let first = state.peek_id();
    let mut fresh = || {
        used += 1;
        first.wrapping_mul(1_000_003).wrapping_add(used)
    };
    let version_of = |title: &str, key: Option<&str>| {
        let space = key.map_or(Some(space), |key| state.space_by_key(key).map(|space| space.id))?;
        state.titled(space, title).iter().find_map(|id| state.page(*id)).map(Page::number)
    };
    let stored = Stored::of(sent, &mut Site { fresh: &mut fresh, version_of: &version_of })?;
    // One id is spent, so that the next body gets other generated ids.
    state.take_id();
    Ok(stored)
}

/// What a create needs, whichever API version it came by.
pub struct NewPage {
    /// The space.
    pub space: u64,
    /// The parent; `None` puts it at the root.
    pub parent: Option<u64>,
    /// Current or draft.
    pub status: Status,
    /// The title; may be empty for a draft.
    pub title: String,
    /// The body.
    pub body: Option<body::Sent>,
    /// Whether it is a live document.
    pub live: bool,
}

/// Creates a page, with every rule of the product.
///
/// # Errors
/// 400 for a taken title or a bad body, in v2 form.
pub fn insert(state: &mut State, call: &Call, new: NewPage) -> Result<u64, Reply> {
    if new.status == Status::Current && state.title_holder(new.space, &new.title, None).is_some() {
        return Err(bad_request(TITLE_TAKEN));
    }
    let body = store(state, new.space, new.body)?;
    let version = Version {
        number: 1,
        title: new.title,
        body,
        message: String::new(),
        minor: false,
        author: call.user.account_id.clone(),
        created: call.now,
    };
    let id = state.add_page(new.space, new.parent, new.status, version, new.live);
    if state.behaviour.implicit_property {
        super::properties::add(state, call, id, "content-appearance-published", json!("default"));
    }
    Ok(id)
}

/// `POST /wiki/api/v2/pages`.
pub fn create(state: &mut State, call: &Call) -> Answer {
    let sent = call.json()?;
    let Some(space) = id_field(&sent, "spaceId")? else { return Err(invalid("spaceId is required")) };
    let Some(found) = state.space(space) else {
        return Err(not_found(&format!("Cannot find a space with id [{space}]")));
    };
    let homepage = found.homepage;
    let status = match sent["status"].as_str() {
        None | Some("current") => Status::Current,
        Some("draft") => Status::Draft,
        Some(other) => {
            return Err(invalid(&format!("Provided value {{{other}}} for 'status' is not one of current, draft")));
        }
    };
    let title = match sent["title"].as_str() {
        Some(title) if status == Status::Current || !title.trim().is_empty() => title_of(title)?,
        None if status == Status::Current => return Err(bad_request("Title is required to publish a page")),
        Some(_) | None => String::new(),
    };
    let parent = match id_field(&sent, "parentId")? {
        Some(_) if call.flag("root-level") => {
            return Err(bad_request("parentId must not be given together with root-level=true"));
        }
        Some(parent) => Some(parent_in(state, space, parent)?),
        None if call.flag("root-level") => None,
        None => homepage.filter(|home| state.page(*home).is_some_and(|page| page.status() == Status::Current)),
    };
    let body = body::read(sent.get("body"))?;
    let format = body.as_ref().map(|body| body.representation.word());
    let live = sent["subtype"] == "live";
    let id = insert(state, call, NewPage { space, parent, status, title, body, live })?;
    // The answer shows the body as sent: wiki markup has no read form, so it comes back as storage.
    let format = format.map(|format| if format == "wiki" { "storage" } else { format });
    one(state, call, id, format)
}

/// A page that can be a parent in this space.
fn parent_in(state: &State, space: u64, parent: u64) -> Result<u64, Reply> {
    match state.page(parent) {
        Some(page) if page.space != space => Err(bad_request("The parent page belongs to another space")),
        Some(page) if page.status() == Status::Current || page.status() == Status::Draft => Ok(parent),
        Some(_) | None => Err(not_found(&format!("Cannot find a parent page with id [{parent}]"))),
    }
}

/// The answer that shows one page.
fn one(state: &State, call: &Call, id: u64, format: Option<&str>) -> Answer {
    let page = state.page(id).ok_or_else(|| no_page(id))?;
    Ok(Reply::ok(wire::single(state, call, page, page.current(), format, Extras::default())?))
}

/// `GET /wiki/api/v2/pages/{id}`.
pub fn read(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let asked = call.many("status");
    let draft = call.flag("get-draft") || asked.contains(&"draft");
    let shown = match state.page(id) {
        Some(page) => match page.status() {
            Status::Current => {
                asked.is_empty() || draft || asked.iter().any(|word| matches!(*word, "current" | "historical"))
            }
            Status::Archived => asked.is_empty() || asked.contains(&"archived"),
            Status::Trashed => asked.contains(&"trashed"),
            Status::Draft => draft,
        },
        None => false,
    };
    let Some(page) = state.page(id).filter(|_| shown) else {
        return Err(visible(state, id).err().unwrap_or_else(|| no_page(id)));
    };
    if within(state.behaviour.missing_after_create_ms, page, call) {
        return Err(no_page(id));
    }
    let version = match call.one("version") {
        Some(text) => {
            let number: u32 = text.parse().map_err(|_| {
                invalid(&format!(
                    "Provided value {{{text}}} for 'version' is not the correct type. Expected type is Integer"
                ))
            })?;
            let found = page.versions.iter().find(|version| version.number == number);
            Some(found.ok_or_else(|| not_found(&format!("Cannot find version [{number}] of page with id [{id}]")))?)
        }
        None if draft => page.draft.as_ref().or(page.current()),
        None => page.current(),
    };
    let extras = Extras {
        labels: call.flag("include-labels"),
        properties: call.flag("include-properties"),
        versions: call.flag("include-versions"),
        operations: call.flag("include-operations"),
        likes: call.flag("include-likes"),
        direct_children: call.flag("include-direct-children"),
    };
    Ok(Reply::ok(wire::single(state, call, page, version, call.one("body-format"), extras)?))
}

/// The order of a list of pages.
fn sort(state: &State, ids: &mut [u64], order: Option<&str>) -> Result<(), Reply> {
    let (key, backwards) = match order {
        None => return Ok(()),
        Some(order) => (order.trim_start_matches('-'), order.starts_with('-')),
    };
    let page = |id: &u64| state.page(*id);
    match key {
        "id" => ids.sort_unstable(),
        "created-date" => ids.sort_by_key(|id| page(id).map(|page| (page.created, page.id))),
        "modified-date" => {
            ids.sort_by_key(|id| page(id).and_then(Page::current).map(|version| (version.created, *id)));
        }
        "title" => ids.sort_by_key(|id| page(id).map(|page| (page.title().to_lowercase(), page.id))),
        _ => {
            let order = order.unwrap_or_default();
            return Err(invalid(&format!(
                "Provided value {{{order}}} for 'sort' is not the correct type. Expected type is PageSortOrder"
            )));
        }
    }
    if backwards {
        ids.reverse();
    }
    Ok(())
}

/// The statuses that a list is asked for.
fn statuses(call: &Call) -> Result<Vec<Status>, Reply> {
    let asked = call.many("status");
    if asked.is_empty() {
        return Ok(vec![Status::Current, Status::Archived]);
    }
    asked
        .into_iter()
        .filter_map(|word| match word {
            "current" => Some(Ok(Status::Current)),
            "archived" => Some(Ok(Status::Archived)),
            "trashed" => Some(Ok(Status::Trashed)),
            // Pages deleted by the system: none here.
            "deleted" => None,
            _ => Some(Err(invalid(&format!(
                "Provided value {{{word}}} for 'status' is not the correct type. Expected type is PageStatus"
            )))),
        })
        .collect()
}

/// A list of pages by the filters which all page lists share.
pub fn listed(state: &State, call: &Call, space_ids: &[u64], keep: &dyn Fn(&Page) -> bool) -> Answer {
    let wanted = statuses(call)?;
    let title = call.one("title");
    let candidates: Vec<&Page> = match title {
        // An empty title matches nothing, not everything.
        Some(title) => {
            let spaces: Vec<u64> =
                if space_ids.is_empty() { state.spaces().map(|space| space.id).collect() } else { space_ids.to_vec() };
            let title = title.trim();
            let ids = spaces.into_iter().filter(|_| !title.is_empty()).flat_map(|space| state.titled(space, title));
            ids.filter_map(|id| state.page(*id)).collect()
        }
        None => state.pages().filter(|page| space_ids.is_empty() || space_ids.contains(&page.space)).collect(),
    };
    let mut ids: Vec<u64> = candidates
        .into_iter()
        .filter(|page| wanted.contains(&page.status()) && keep(page))
        .map(|page| page.id)
        .collect();
    ids.sort_unstable();
    sort(state, &mut ids, call.one("sort"))?;
    let paged = call.page(&ids)?;
    let rows: Result<Vec<Value>, Reply> = paged
        .ids
        .iter()
        .filter_map(|id| state.page(*id))
        .map(|page| wire::row(state, page, call.one("body-format")))
        .collect();
    Ok(paged.reply(rows?))
}

/// `GET /wiki/api/v2/pages`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    let ids = call.ids("id")?;
    let spaces = call.ids("space-id")?;
    let live = call.one("subtype").map(|subtype| subtype == "live");
    listed(state, call, &spaces, &|page| {
        (ids.is_empty() || ids.contains(&page.id)) && live.is_none_or(|live| live == page.live)
    })
}

/// `GET /wiki/api/v2/spaces/{id}/pages`.
pub fn list_in_space(state: &mut State, call: &Call) -> Answer {
    let space = super::spaces::known(state, call)?.id;
    let roots_only = call.one("depth") == Some("root");
    listed(state, call, &[space], &|page| !roots_only || page.parent().is_none())
}

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
