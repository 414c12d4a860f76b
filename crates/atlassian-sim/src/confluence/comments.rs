//! Footer comments in v2.

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::body::{self, Stored};
use super::call::Call;
use super::pages::{store, visible};
use super::reply::{Answer, Reply, conflict, invalid, not_found, wrong_type};
use super::state::State;
use crate::world::iso_millis;

/// A comment under a page, or an answer to one.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its numeric id.
    pub id: u64,
    /// The page.
    pub page: u64,
    /// The comment it answers.
    pub parent: Option<u64>,
    /// The text.
    pub body: Stored,
    /// Raised by one with every update.
    pub number: u32,
    /// What the author said about the last update.
    pub message: String,
    /// Account that wrote it.
    pub author: String,
    /// When the last version was written.
    pub created: OffsetDateTime,
}

impl Comment {
    /// For the ground truth.
    pub fn truth(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "pageId": self.page.to_string(),
            "parentCommentId": self.parent.map(|id| id.to_string()),
            "version": self.number,
            "body": self.body.sent,
            "authorId": self.author,
        })
    }
}

fn json_of(state: &State, comment: &Comment, format: Option<&str>) -> Result<Value, Reply> {
    let page = state.page(comment.page);
    let title = page.map_or_else(String::new, |page| format!("Re: {}", page.title()));
    let webui = page.map_or_else(String::new, |page| super::wire::webui(state, page));
    let view =
        |nodes: &[super::storage::Node]| page.map_or_else(String::new, |page| super::render::page(state, page, nodes));
    let mut value = json!({
        "id": comment.id.to_string(),
        "status": "current",
        "title": title,
        "pageId": comment.page.to_string(),
        "version": {
            "number": comment.number,
            "message": comment.message,
            "minorEdit": false,
            "authorId": comment.author,
            "createdAt": iso_millis(comment.created),
        },
        "body": comment.body.json(format, &view)?,
        "_links": {"webui": format!("{webui}?focusedCommentId={}", comment.id)},
    });
    if let Some(parent) = comment.parent {
        value["parentCommentId"] = json!(parent.to_string());
    }
    Ok(value)
}

fn listed(state: &State, call: &Call, keep: &dyn Fn(&Comment) -> bool) -> Answer {
    let mut ids: Vec<u64> = state.comments.values().filter(|comment| keep(comment)).map(|comment| comment.id).collect();
    match call.one("sort") {
        None | Some("created-date") => {}
        Some("-created-date") => ids.reverse(),
        Some("modified-date") => ids.sort_by_key(|id| state.comments.get(id).map(|comment| comment.created)),
        Some("-modified-date") => {
            ids.sort_by_key(|id| state.comments.get(id).map(|comment| std::cmp::Reverse(comment.created)));
        }
        Some(other) => {
            return Err(wrong_type(other, "sort", "CommentSortOrder"));
        }
    }
    let paged = call.page(&ids)?;
    let format = call.one("body-format");
    let rows: Result<Vec<Value>, Reply> = paged
        .ids
        .iter()
        .filter_map(|id| state.comments.get(id))
        .map(|comment| json_of(state, comment, format))
        .collect();
    Ok(paged.reply(rows?))
}

/// `GET /wiki/api/v2/pages/{id}/footer-comments`: those that answer no other.
pub fn list_of_page(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    visible(state, id)?;
    listed(state, call, &|comment| comment.page == id && comment.parent.is_none())
}

/// `GET /wiki/api/v2/footer-comments`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    listed(state, call, &|_| true)
}

/// `GET /wiki/api/v2/footer-comments/{id}/children`.
pub fn children(state: &mut State, call: &Call) -> Answer {
    let id = known(state, call)?.id;
    listed(state, call, &|comment| comment.parent == Some(id))
}

fn known<'a>(state: &'a State, call: &Call) -> Result<&'a Comment, Reply> {
    let id = call.id("id")?;
    state.comments.get(&id).ok_or_else(|| not_found(&format!("Cannot find a comment with id [{id}]")))
}

/// `POST /wiki/api/v2/footer-comments`: under a page, or as an answer.
pub fn create(state: &mut State, call: &Call) -> Answer {
    let sent = call.json()?;
    let id_of = |name: &str| sent[name].as_str().and_then(|text| text.parse::<u64>().ok());
    let (page, parent) = match (id_of("pageId"), id_of("parentCommentId")) {
        (Some(page), None) => (visible(state, page)?.id, None),
        (None, Some(parent)) => match state.comments.get(&parent) {
            Some(comment) => (comment.page, Some(parent)),
            None => return Err(not_found(&format!("Cannot find a comment with id [{parent}]"))),
        },
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("Exactly one of pageId and parentCommentId is required"));
        }
    };
    let body = body::read(sent.get("body"))?.ok_or_else(|| invalid("body is required"))?;
    let format = if body.representation.word() == "wiki" { "storage" } else { body.representation.word() };
    let space = state.page(page).map_or(0, |page| page.space);
    let body = store(state, space, Some(body))?;
    let id = state.take_id();
    let author = call.user.account_id.clone();
    let comment = Comment { id, page, parent, body, number: 1, message: String::new(), author, created: call.now };
    let mut value = json_of(state, &comment, Some(format))?;
    value["_links"]["base"] = json!(call.base);
    state.comments.insert(id, comment);
    Ok(Reply::json(StatusCode::CREATED, value))
}

/// `GET /wiki/api/v2/footer-comments/{comment-id}`.
pub fn read(state: &mut State, call: &Call) -> Answer {
    let comment = known(state, call)?;
    let mut value = json_of(state, comment, call.one("body-format"))?;
    value["_links"]["base"] = json!(call.base);
    Ok(Reply::ok(value))
}

/// `PUT /wiki/api/v2/footer-comments/{comment-id}`.
pub fn update(state: &mut State, call: &Call) -> Answer {
    let comment = known(state, call)?.clone();
    let sent = call.json()?;
    let number = sent["version"]["number"].as_u64().ok_or_else(|| invalid("'version.number' is required"))?;
    if number != u64::from(comment.number) + 1 {
        return Err(conflict(&format!(
            "Version must be incremented when updating a comment. Current Version: [{}]. Provided version: [{number}]",
            comment.number
        )));
    }
    let body = body::read(sent.get("body"))?.ok_or_else(|| invalid("body is required"))?;
    let format = if body.representation.word() == "wiki" { "storage" } else { body.representation.word() };
    let space = state.page(comment.page).map_or(0, |page| page.space);
    let body = store(state, space, Some(body))?;
    let message = sent["version"]["message"].as_str().unwrap_or("").to_owned();
    let next = Comment { body, number: comment.number + 1, message, created: call.now, ..comment };
    let value = json_of(state, &next, Some(format))?;
    state.comments.insert(next.id, next);
    Ok(Reply::ok(value))
}

/// `DELETE /wiki/api/v2/footer-comments/{comment-id}`: for good, with the answers below it.
pub fn delete(state: &mut State, call: &Call) -> Answer {
    let mut doomed = vec![known(state, call)?.id];
    while let Some(id) = doomed.pop() {
        state.comments.remove(&id);
        doomed.extend(state.comments.values().filter(|comment| comment.parent == Some(id)).map(|comment| comment.id));
    }
    Ok(Reply::no_content())
}
