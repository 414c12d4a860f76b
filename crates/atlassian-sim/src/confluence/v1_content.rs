//! Content as v1 writes it, and v1's own content endpoints. Newer Cloud sites answer those with 410; they are served only
//! where [`Behaviour::v1_content`](super::state::Behaviour) says so, for clients that still need them.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::body::{self, Representation, Sent};
use super::call::Call;
use super::edits::{self, Update};
use super::pages::{self, NewPage};
use super::reply::{Answer, Content, Reply, as_v1, v1, v1_bad_request, v1_no_content};
use super::state::{Page, Space, State, Status, Version};
use super::{labels, properties, tree, wire};
use crate::world::iso_millis;

/// A person as v1 writes one.
pub fn user(account_id: &str, display_name: &str, email: &str) -> Value {
    json!({
        "type": "known",
        "accountId": account_id,
        "accountType": "atlassian",
        "email": email,
        "publicName": display_name,
        "displayName": display_name,
        "profilePicture": {"path": "/wiki/aa-avatar/default", "width": 48, "height": 48, "isDefault": true},
        "isExternalCollaborator": false,
        "_expandable": {"operations": "", "personalSpace": ""},
        "_links": {},
    })
}

/// A space as v1 writes one.
pub fn space(call: &Call, space: &Space) -> Value {
    json!({
        "id": space.id,
        "key": space.key,
        "alias": space.key,
        "name": space.name,
        "type": "global",
        "status": "current",
        "_expandable": {"homepage": space.homepage.map_or_else(String::new, |id| format!("/rest/api/content/{id}"))},
        "_links": {
            "webui": format!("/spaces/{}", space.key),
            "self": format!("{}/rest/api/space/{}", call.base, space.key),
        },
    })
}

fn version_of(version: &Version) -> Value {
    let when = iso_millis(version.created);
    json!({
        "by": user(&version.author, &version.author, ""),
        "when": when,
        "friendlyWhen": when,
        "message": version.message,
        "number": version.number,
        "minorEdit": version.minor,
        "contentTypeModified": false,
    })
}

/// A page as v1 writes it, with what `expand` asks for.
pub fn json_of(state: &State, call: &Call, page: &Page, expand: &[&str]) -> Value {
    let asked = |name: &str| expand.iter().any(|asked| *asked == name || asked.starts_with(&format!("{name}.")));
    let webui = wire::webui(state, page);
    let mut value = json!({
        "id": page.id.to_string(),
        "type": "page",
        "status": page.status().word(),
        "title": page.title(),
        "macroRenderedOutput": {},
        "extensions": {"position": page.position},
        "_expandable": {},
        "_links": {
            "webui": webui,
            "tinyui": wire::tiny(page.id),
            "editui": format!("/pages/resumedraft.action?draftId={}", page.id),
            "self": format!("{}/rest/api/content/{}", call.base, page.id),
        },
    });
    if asked("space")
        && let Some(found) = state.space(page.space)
    {
        value["space"] = space(call, found);
    }
    if asked("version")
        && let Some(version) = page.current()
    {
        value["version"] = version_of(version);
    }
    if asked("history") {
        value["history"] = json!({
            "latest": true,
            "createdBy": user(&page.author, &page.author, ""),
            "createdDate": iso_millis(page.created),
        });
    }
    if asked("ancestors") {
        let above = tree::ancestors_of(state, page.id);
        let above = above.iter().filter_map(|id| state.page(*id)).map(|page| json_of(state, call, page, &[]));
        value["ancestors"] = Value::Array(above.collect());
    }
    if asked("body")
        && let Some(version) = page.current()
    {
        let mut bodies = Map::new();
        for format in expand.iter().filter_map(|asked| asked.strip_prefix("body.")) {
            let made = version.body.json(Some(format), &|nodes| super::render::page(state, page, nodes));
            if let Ok(Value::Object(made)) = made {
                bodies.extend(made);
            }
        }
        value["body"] = Value::Object(bodies);
    }
    let mut metadata = Map::new();
    if expand.contains(&"metadata.labels") {
        metadata.insert("labels".to_owned(), labels::v1_labels(call, page));
    }
    if expand.iter().any(|asked| asked.starts_with("metadata.properties")) {
        metadata.insert("properties".to_owned(), properties::by_key(page));
    }
    if !metadata.is_empty() {
        value["metadata"] = Value::Object(metadata);
    }
    value
}

/// A v1 list, paged by `start` and `limit`; `next` is missing on the last page.
pub fn listed(call: &Call, path: &str, all: &[u64], row: &dyn Fn(u64) -> Option<Value>) -> Reply {
    let number = |name: &str| call.one(name).and_then(|text| text.parse::<usize>().ok());
    let (start, limit) = (number("start").unwrap_or(0), number("limit").unwrap_or(25).clamp(1, 200));
    let results: Vec<Value> = all.iter().skip(start).take(limit).filter_map(|id| row(*id)).collect();
    let mut links = json!({"base": call.base, "context": "/wiki", "self": format!("{}/rest/api/{path}", call.base)});
    if start + limit < all.len() {
        links["next"] = json!(format!("/rest/api/{path}?next=true&limit={limit}&start={}", start + limit));
    }
    Reply::ok(json!({"results": results, "start": start, "limit": limit, "size": results.len(), "_links": links}))
}

fn served(state: &State) -> Result<(), Reply> {
    if state.behaviour.v1_content {
        Ok(())
    } else {
        Err(v1(StatusCode::GONE, "This deprecated endpoint has been removed."))
    }
}

/// The page in the path, published or archived.
///
/// # Errors
/// 404 in v1 form.
pub fn known<'a>(state: &'a State, call: &Call) -> Result<&'a Page, Reply> {
    let text = call.param("id");
    let page = text.parse::<u64>().ok().and_then(|id| pages::visible(state, id).ok());
    page.ok_or_else(|| v1_no_content(text))
}

/// `GET /wiki/rest/api/content`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let key = call.one("spaceKey");
    let space = key.map(|key| state.space_by_key(key).map(|space| space.id));
    let title = call.one("title").map(str::to_lowercase);
    let status = call.one("status").unwrap_or("current");
    let keep = |page: &&Page| {
        (status == "any" || page.status().word() == status)
            && space.is_none_or(|space| space == Some(page.space))
            && title.as_ref().is_none_or(|title| page.title().to_lowercase() == *title)
            && call.one("type").is_none_or(|kind| kind == "page")
    };
    let ids: Vec<u64> = state.pages().filter(keep).map(|page| page.id).collect();
    let expand = call.many("expand");
    Ok(listed(call, "content", &ids, &|id| Some(json_of(state, call, state.page(id)?, &expand))))
}

/// `GET /wiki/rest/api/content/{id}`.
pub fn read(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let expand = call.many("expand");
    let trashed = call.many("status").iter().any(|status| matches!(*status, "trashed" | "any"));
    let page = match known(state, call) {
        Ok(page) => page,
        Err(refusal) => {
            let id = call.param("id").parse().ok().filter(|_| trashed);
            id.and_then(|id| state.page(id)).ok_or(refusal)?
        }
    };
    let mut value = json_of(state, call, page, &expand);
    value["_links"]["base"] = json!(call.base);
    value["_links"]["context"] = json!("/wiki");
    Ok(Reply::ok(value))
}

/// v1's own words for a taken title, which name it.
struct Taken(String);

fn taken(state: &State, space: u64, title: &str) -> Taken {
    let key = state.space(space).map(|space| space.key.as_str()).unwrap_or_default();
    Taken(format!(
        "A page with this title already exists: A page already exists with the title {title} in the space with key {key}"
    ))
}

impl Taken {
    /// A refusal in v1 form.
    fn in_v1(self, reply: Reply) -> Reply {
        let Content::Json(body) = &reply.content else { return reply };
        if body["errors"][0]["title"] == pages::TITLE_TAKEN { v1(reply.status, &self.0) } else { as_v1(reply) }
    }
}

fn parent_of(sent: &Value) -> Option<u64> {
    let id = &sent["ancestors"].as_array()?.last()?["id"];
    id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok()))
}

/// `POST /wiki/rest/api/content`: labels and properties inside the body are taken too, as v1 does.
pub fn create(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let sent = call.json().map_err(as_v1)?;
    if sent["type"].as_str().is_some_and(|kind| kind != "page") {
        return Err(v1_bad_request("Only pages are supported here"));
    }
    let key = sent["space"]["key"].as_str().unwrap_or("");
    let Some(space) = state.space_by_key(key) else {
        return Err(v1(StatusCode::NOT_FOUND, &format!("No space with key : {key}")));
    };
    let (space, homepage) = (space.id, space.homepage);
    let title = pages::title_of(sent["title"].as_str().unwrap_or("")).map_err(as_v1)?;
    let parent = match parent_of(&sent) {
        Some(id) => match state.page(id).filter(|page| page.status() == Status::Current && page.space == space) {
            Some(page) => Some(page.id),
            None => return Err(v1_no_content(&id.to_string())),
        },
        None => homepage,
    };
    let body = body::read(sent.get("body")).map_err(as_v1)?;
    let status = if sent["status"] == "draft" { Status::Draft } else { Status::Current };
    let new = NewPage { space, parent, status, title, body, live: false };
    let refused = taken(state, space, &new.title);
    let id = pages::insert(state, call, new).map_err(|reply| refused.in_v1(reply))?;
    for (key, property) in sent["metadata"]["properties"].as_object().into_iter().flatten() {
        let value = properties::value_of(&property["value"]).map_err(as_v1)?;
        let there = state.page_mut(id).and_then(|page| page.properties.iter_mut().find(|other| other.key == *key));
        match there {
            Some(property) => property.value = value,
            None => drop(properties::add(state, call, id, key, value)),
        }
    }
    let given = sent["metadata"]["labels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let given: Vec<(String, String)> = given
        .iter()
        .filter_map(|label| {
            Some((label["prefix"].as_str().unwrap_or("global").to_owned(), label["name"].as_str()?.to_owned()))
        })
        .collect();
    labels::add(state, call, id, &given)?;
    shown(state, call, id)
}

fn shown(state: &State, call: &Call, id: u64) -> Answer {
    let page = state.page(id).ok_or_else(|| v1_no_content(&id.to_string()))?;
    let expand = ["body.storage", "version", "space", "ancestors", "history"];
    let mut value = json_of(state, call, page, &expand);
    value["_links"]["base"] = json!(call.base);
    Ok(Reply::ok(value))
}

/// `PUT /wiki/rest/api/content/{id}`.
pub fn update(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let sent = call.json().map_err(as_v1)?;
    let text = call.param("id");
    let page = text.parse::<u64>().ok().and_then(|id| state.page(id)).ok_or_else(|| v1_no_content(text))?;
    let (id, current, title, space) = (page.id, page.number(), page.title().to_owned(), page.space);
    if page.status() == Status::Archived {
        // Observed in place of a word about the archive.
        return Err(v1(StatusCode::NOT_FOUND, "Can not find draft with current content"));
    }
    let number = sent["version"]["number"].as_u64().and_then(|number| u32::try_from(number).ok());
    let Some(number) = number else {
        return Err(v1_bad_request("Must supply an incremented version when updating Content. No version supplied."));
    };
    if number != current + 1 && page.status() != Status::Draft {
        return Err(v1(
            StatusCode::CONFLICT,
            &format!(
                "com.atlassian.confluence.api.service.exceptions.ConflictException: Version must be incremented on \
                 update. Current version is: {current}"
            ),
        ));
    }
    let update = Update {
        status: if sent["status"] == "draft" { Status::Draft } else { Status::Current },
        title: pages::title_of(sent["title"].as_str().unwrap_or(&title)).map_err(as_v1)?,
        parent: parent_of(&sent),
        body: body::read(sent.get("body")).map_err(as_v1)?,
        number,
        message: sent["version"]["message"].as_str().unwrap_or("").to_owned(),
        minor: sent["version"]["minorEdit"].as_bool().unwrap_or(false),
    };
    let refused = taken(state, space, &update.title);
    edits::apply(state, call, id, update).map_err(|reply| refused.in_v1(reply))?;
    shown(state, call, id)
}

/// `DELETE /wiki/rest/api/content/{id}`, with `?status=trashed` out of the trash.
pub fn delete(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let text = call.param("id");
    let page = text.parse::<u64>().ok().and_then(|id| state.page(id)).ok_or_else(|| v1_no_content(text))?;
    let (id, trashed) = (page.id, page.status() == Status::Trashed);
    match (trashed, call.one("status") == Some("trashed")) {
        (true, true) => state.purge(id),
        (false, false) => state.set_status(id, Status::Trashed, call.now),
        (true, false) | (false, true) => return Err(v1_no_content(text)),
    }
    Ok(Reply::no_content())
}

/// `GET /wiki/rest/api/content/{id}/child/page`.
pub fn child_pages(state: &mut State, call: &Call) -> Answer {
    let id = known(state, call)?.id;
    let current = |id: &&u64| state.page(**id).is_some_and(|page| page.status() == Status::Current);
    let ids: Vec<u64> = state.children(id).iter().filter(current).copied().collect();
    let expand = call.many("expand");
    let path = format!("content/{id}/child/page");
    Ok(listed(call, &path, &ids, &|id| Some(json_of(state, call, state.page(id)?, &expand))))
}

/// `GET /wiki/rest/api/content/{id}/descendant/page`.
pub fn descendant_pages(state: &mut State, call: &Call) -> Answer {
    let id = known(state, call)?.id;
    let depth = match call.one("depth") {
        Some("root") => 1,
        Some(text) => text.parse().unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let ids: Vec<u64> = tree::descendants_of(state, id, depth).into_iter().map(|(id, _)| id).collect();
    let expand = call.many("expand");
    let path = format!("content/{id}/descendant/page");
    Ok(listed(call, &path, &ids, &|id| Some(json_of(state, call, state.page(id)?, &expand))))
}

fn property_json(call: &Call, page: u64, property: &super::state::Property) -> Value {
    json!({
        "id": property.id.to_string(),
        "key": property.key,
        "value": property.value,
        "version": {"number": property.number, "when": iso_millis(property.created), "message": property.message, "minorEdit": false},
        "_links": {"self": format!("{}/rest/api/content/{page}/property/{}", call.base, property.key)},
    })
}

/// `GET /wiki/rest/api/content/{id}/property`.
pub fn property_list(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let page = known(state, call)?;
    let ids: Vec<u64> = page.properties.iter().map(|property| property.id).collect();
    let row = |id| page.properties.iter().find(|other| other.id == id).map(|found| property_json(call, page.id, found));
    Ok(listed(call, &format!("content/{}/property", page.id), &ids, &row))
}

fn no_property(key: &str) -> Reply {
    v1(StatusCode::NOT_FOUND, &format!("No property found with key: {key}"))
}

/// `GET /wiki/rest/api/content/{id}/property/{key}`.
pub fn property_read(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let page = known(state, call)?;
    let key = call.param("key");
    let found = page.properties.iter().find(|property| property.key == key).ok_or_else(|| no_property(key))?;
    Ok(Reply::ok(property_json(call, page.id, found)))
}

/// `POST /wiki/rest/api/content/{id}/property` and `/property/{key}`: v1 refuses an existing key with 400.
pub fn property_create(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let page = known(state, call)?;
    let id = page.id;
    let sent = call.json().map_err(as_v1)?;
    let key = if call.param("key").is_empty() { sent["key"].as_str().unwrap_or("") } else { call.param("key") };
    if key.is_empty() {
        return Err(v1_bad_request("A property key is required"));
    }
    if page.properties.iter().any(|property| property.key == key) {
        return Err(v1_bad_request(&format!("Content with id {id} already has a property with the given key: {key}")));
    }
    let value = properties::value_of(&sent["value"]).map_err(as_v1)?;
    let made = properties::add(state, call, id, key, value).ok_or_else(|| no_property(key))?;
    Ok(Reply::ok(property_json(call, id, &made)))
}

/// `PUT /wiki/rest/api/content/{id}/property/{key}`: creates with version 1, updates with the next one.
pub fn property_update(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let page = known(state, call)?;
    let (id, key) = (page.id, call.param("key").to_owned());
    let sent = call.json().map_err(as_v1)?;
    let value = properties::value_of(&sent["value"]).map_err(as_v1)?;
    let number = sent["version"]["number"].as_u64().unwrap_or(0);
    let current = page.properties.iter().find(|property| property.key == key).map(|property| property.number);
    let expected = current.map_or(1, |current| u64::from(current) + 1);
    if number != expected {
        return Err(v1(
            StatusCode::CONFLICT,
            &format!(
                "com.atlassian.confluence.api.service.exceptions.ConflictException: Attempted to update stale data: version {number} given, {expected} expected"
            ),
        ));
    }
    if page.properties.iter().any(|property| property.key == key && property.doubled) {
        return Err(v1_bad_request(properties::DOUBLED));
    }
    if current.is_none() {
        properties::add(state, call, id, &key, value);
    } else if let Some(page) = state.page_mut(id)
        && let Some(property) = page.properties.iter_mut().find(|property| property.key == key)
    {
        property.value = value;
        property.number += 1;
        property.created = call.now;
        property.author.clone_from(&call.user.account_id);
    }
    let page = known(state, call)?;
    let found = page.properties.iter().find(|property| property.key == key).ok_or_else(|| no_property(&key))?;
    Ok(Reply::ok(property_json(call, id, found)))
}

/// `DELETE /wiki/rest/api/content/{id}/property/{key}`.
pub fn property_delete(state: &mut State, call: &Call) -> Answer {
    served(state)?;
    let page = known(state, call)?;
    let (id, key) = (page.id, call.param("key").to_owned());
    let Some(page) = state.page_mut(id) else { return Err(v1_no_content(call.param("id"))) };
    let before = page.properties.len();
    page.properties.retain(|property| property.key != key);
    if page.properties.len() == before { Err(no_property(&key)) } else { Ok(Reply::no_content()) }
}

/// `POST /wiki/rest/api/contentbody/convert/{to}`: storage to another representation, at once.
pub fn convert(state: &mut State, call: &Call) -> Answer {
    let sent = call.json().map_err(as_v1)?;
    let representation = match sent["representation"].as_str() {
        Some("storage" | "editor") => Representation::Storage,
        Some("wiki") => Representation::Wiki,
        Some("atlas_doc_format") => Representation::Adf,
        Some(_) | None => return Err(v1_bad_request("representation must be storage, wiki or atlas_doc_format")),
    };
    let value = sent["value"].as_str().ok_or_else(|| v1_bad_request("value is required"))?.to_owned();
    let Some((space, home)) = state.spaces().find_map(|space| Some((space.id, space.homepage?))) else {
        return Err(v1_bad_request("There is no space to convert in"));
    };
    let body = pages::store(state, space, Some(Sent { representation, value })).map_err(as_v1)?;
    let page = state.page(home).ok_or_else(|| v1_no_content(&home.to_string()))?;
    let to = call.param("to");
    let made = body.json(Some(to), &|nodes| super::render::page(state, page, nodes)).map_err(as_v1)?;
    Ok(Reply::ok(made[to].clone()))
}
