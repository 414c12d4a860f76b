//! `/issue/{key}/attachments` and `/attachment`: files beside an issue.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use serde_json::Value;

use super::limits;
use super::reply::{Answer, Ctx, Refusal, Sent, no_content, ok};
use super::state::{Attachment, Issue, State};
use super::view::View;
use crate::World;
use crate::server::Sim;

/// The most files in one call.
const FILES_LIMIT: usize = 60;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/issue/{issue}/attachments", post(upload))
        .route("/attachment/{attachment}", get(read).delete(remove))
        .route("/attachment/content/{attachment}", get(content))
}

/// A file in a multipart body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File<'a> {
    /// As uploaded.
    pub name: String,
    /// As uploaded.
    pub mime: String,
    /// The bytes.
    pub content: &'a [u8],
}

/// The parts named `file` of a multipart body; `None` where it is not one.
pub(crate) fn files<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<File<'a>>> {
    let boundary = content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut out = Vec::new();
    let mut rest = body.get(find(body, delimiter.as_bytes())? + delimiter.len()..)?;
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, format!("\r\n{delimiter}").as_bytes())?;
        let head_end = find(part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(part.get(..head_end)?).into_owned();
        let content = part.get(head_end + 4..end)?;
        if parameter(&head, "name").as_deref() == Some("file") {
            let mime = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-type:").map(|mime| mime.trim().to_owned())
            });
            out.push(File {
                name: parameter(&head, "filename").unwrap_or_else(|| "file".to_owned()),
                mime: mime.unwrap_or_else(|| "application/octet-stream".to_owned()),
                content,
            });
        }
        rest = part.get(end + 2 + delimiter.len()..)?;
    }
    Some(out)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// A quoted parameter of the content disposition.
fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let wanted = format!("{name}=\"");
    line.split(';').find_map(|part| Some(part.trim().strip_prefix(&wanted)?.trim_end_matches('"').to_owned()))
}

async fn upload(ctx: Ctx, Path(key): Path<String>, headers: HeaderMap, sent: Sent) -> Answer {
    ctx.account()?;
    if headers.get("x-atlassian-token").is_none_or(|value| value != "no-check") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "XSRF check failed"));
    }
    let mut world = ctx.sim.lock();
    let mut issue = world.jira.issue(&key).ok_or_else(Refusal::no_issue)?.as_ref().clone();
    let files = files(&sent.content_type, &sent.bytes)
        .ok_or_else(|| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type"))?;
    if files.is_empty() {
        return Err(Refusal::bad("No file was sent in a part named 'file'."));
    }
    if files.len() > FILES_LIMIT {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("A request must not carry more than {FILES_LIMIT} files."),
        ));
    }
    let first = issue.attachments.len();
    for file in files {
        if ctx.sim.options().per_issue_caps {
            limits::attachments(&issue)?;
        }
        issue.attachments.push(Attachment {
            id: world.jira.take_id(),
            filename: file.name,
            mime: file.mime,
            content: file.content.into(),
            created: World::now(),
        });
    }
    issue.updated = World::now();
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let shown: Value = issue.attachments.iter().skip(first).map(|file| view.attachment(file)).collect();
    world.jira.store(issue);
    Ok(ok(&shown))
}

fn holder<'a>(state: &'a State, id: &str) -> Result<(&'a Issue, &'a Attachment), Refusal> {
    state
        .issues
        .values()
        .find_map(|issue| Some((issue.as_ref(), issue.attachments.iter().find(|file| file.id.to_string() == id)?)))
        .ok_or_else(|| Refusal::missing(format!("The attachment with id '{id}' does not exist")))
}

async fn read(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let world = ctx.sim.lock();
    let (_, file) = holder(&world.jira, &id)?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let mut shown = view.attachment(file);
    // Alone, an attachment shows its id as a number; in an issue, as a string.
    shown["id"] = file.id.into();
    Ok(ok(&shown))
}

async fn content(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let world = ctx.sim.lock();
    let (_, file) = holder(&world.jira, &id)?;
    Ok(([(header::CONTENT_TYPE, file.mime.clone())], file.content.to_vec()).into_response())
}

async fn remove(ctx: Ctx, Path(id): Path<String>) -> Answer {
    ctx.account()?;
    let mut world = ctx.sim.lock();
    let (issue, file) = holder(&world.jira, &id)?;
    let file = file.id;
    let mut issue = issue.clone();
    issue.attachments.retain(|held| held.id != file);
    issue.updated = World::now();
    world.jira.store(issue);
    Ok(no_content())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_body_is_split_into_its_files() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nno file\r\n--b\r\nContent-Disposition: \
                    form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\n--two\r\n--b--\r\n";
        let files = files("multipart/form-data; boundary=b", body.as_bytes()).unwrap();
        assert_eq!(files, [File { name: "a.txt".to_owned(), mime: "text/plain".to_owned(), content: b"one\r\n--two" }]);
    }

    #[test]
    fn a_body_cut_short_is_none() {
        for body in ["", "--b", "--b\r\n", "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx"] {
            assert_eq!(files("multipart/form-data; boundary=b", body.as_bytes()), None, "{body:?}");
        }
        assert_eq!(files("application/json", b"{}"), None);
    }
}
