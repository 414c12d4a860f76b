//! Files attached to a page. Uploading is v1's alone, and goes on although v1's content is gone; v2 lists them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::pages::visible;
use super::reply::{Answer, Reply, v1, v1_bad_request};
use super::state::{File, State};
use super::v1_content::known;
use crate::jira::files;
use crate::world::iso_millis;

fn v1_file(call: &Call, page: u64, file: &File) -> Value {
    json!({
        "id": format!("att{}", file.id),
        "type": "attachment",
        "status": "current",
        "title": file.name,
        "version": {"number": file.number, "when": iso_millis(file.created), "message": "", "minorEdit": false},
        "extensions": {"mediaType": file.mime, "fileSize": file.size, "comment": ""},
        "_links": {"self": format!("{}/rest/api/content/att{}", call.base, file.id), "webui": format!("/pages/{page}")},
    })
}

fn upload(state: &mut State, call: &Call, replace: bool) -> Answer {
    let id = known(state, call)?.id;
    if !matches!(call.token.as_str(), "nocheck" | "no-check") {
        return Err(v1(StatusCode::FORBIDDEN, "XSRF check failed"));
    }
    let sent = files(&call.content_type, &call.body)
        .filter(|sent| !sent.is_empty())
        .ok_or_else(|| v1_bad_request("At least one attachment file was expected but not found in the request"))?;
    let page = known(state, call)?;
    // All or nothing: one name that is there already refuses the call.
    let there = |name: &str| page.files.iter().any(|file| file.name == name);
    if let Some(taken) = sent.iter().find(|file| !replace && there(&file.name)) {
        let words = "Cannot add a new attachment with same file name as an existing attachment";
        return Err(v1_bad_request(&format!("{words}: {}", taken.name)));
    }
    let mut rows = Vec::new();
    for file in sent {
        let fresh = state.take_id();
        let Some(page) = state.page_mut(id) else { continue };
        let (mime, size, created) = (file.mime, file.content.len(), call.now);
        let slot = match page.files.iter().position(|held| held.name == file.name) {
            Some(at) => at,
            None => {
                page.files.push(File { id: fresh, name: file.name, mime: String::new(), size: 0, number: 0, created });
                page.files.len() - 1
            }
        };
        if let Some(held) = page.files.get_mut(slot) {
            (held.mime, held.size, held.created) = (mime, size, created);
            held.number += 1;
            rows.push(v1_file(call, id, held));
        }
    }
    Ok(Reply::ok(
        json!({"results": rows, "start": 0, "limit": rows.len(), "size": rows.len(), "_links": {"base": call.base}}),
    ))
}

/// `POST /wiki/rest/api/content/{id}/child/attachment`: new files only.
pub fn add(state: &mut State, call: &Call) -> Answer {
    upload(state, call, false)
}

/// `PUT /wiki/rest/api/content/{id}/child/attachment`: a file of the same name gets another version.
pub fn put(state: &mut State, call: &Call) -> Answer {
    upload(state, call, true)
}

/// `GET /wiki/api/v2/pages/{id}/attachments`.
pub fn list(state: &mut State, call: &Call) -> Answer {
    let id = call.id("id")?;
    let page = visible(state, id)?;
    let name = call.one("filename");
    let held = page.files.iter().filter(|file| name.is_none_or(|name| name == file.name));
    let ids: Vec<u64> = held.map(|file| file.id).collect();
    let paged = call.page(&ids)?;
    let rows = paged.ids.iter().filter_map(|id| page.files.iter().find(|file| file.id == *id));
    let rows = rows.map(|file| {
        json!({
            "id": format!("att{}", file.id),
            "status": "current",
            "title": file.name,
            "createdAt": iso_millis(file.created),
            "pageId": page.id.to_string(),
            "mediaType": file.mime,
            "fileSize": file.size,
            "version": {"number": file.number, "createdAt": iso_millis(file.created), "message": "", "minorEdit": false, "authorId": page.author},
        })
    });
    let rows = rows.collect();
    Ok(paged.reply(rows))
}
