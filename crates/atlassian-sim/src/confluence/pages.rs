//! Pages in v2: create, read, list; and the rules that every write of a page obeys.

use serde_json::{Value, json};

use super::body::{self, Stored};
use super::call::Call;
use super::normalise::Site;
use super::reply::{Answer, Reply, bad_request, invalid, not_found, wrong_type};
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

/// Whether a page is younger than this.
pub fn within(milliseconds: u64, page: &Page, call: &Call) -> bool {
    milliseconds > 0 && (call.now - page.created).whole_milliseconds() < i128::from(milliseconds)
}

/// A field that holds an id, as a string or (tolerated, as Jackson does) a number.
pub fn id_field(value: &Value, name: &str) -> Result<Option<u64>, Reply> {
    let text = match &value[name] {
        Value::Null => return Ok(None),
        Value::String(text) => text.clone(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    };
    match text.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(wrong_type(&text, name, "Long")),
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
pub fn parent_in(state: &State, space: u64, parent: u64) -> Result<u64, Reply> {
    match state.page(parent) {
        Some(page) if page.space != space => Err(bad_request("The parent page belongs to another space")),
        Some(page) if page.status() == Status::Current || page.status() == Status::Draft => Ok(parent),
        Some(_) | None => Err(not_found(&format!("Cannot find a parent page with id [{parent}]"))),
    }
}

/// The answer that shows one page.
pub fn one(state: &State, call: &Call, id: u64, format: Option<&str>) -> Answer {
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
            let number: u32 = text.parse().map_err(|_| wrong_type(text, "version", "Integer"))?;
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
            return Err(wrong_type(order, "sort", "PageSortOrder"));
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
            _ => Some(Err(wrong_type(word, "status", "PageStatus"))),
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
