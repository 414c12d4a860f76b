//! Confluence for people: spaces, page trees, pages. No login: it shows a simulated site to whoever runs it.

use std::fmt::Write as _;

use axum::http::StatusCode;

use super::call::Call;
use super::reply::{Answer, Reply};
use super::state::{Page, Space, State, Status};
use super::{render, tree, wire};
use crate::html::{escape, page as shell};
use crate::world::iso_millis;

fn link(state: &State, page: &Page) -> String {
    let title = if page.title().is_empty() { "(draft without a title)" } else { page.title() };
    format!("<a href=\"/wiki{}\">{}</a>", escape(&wire::webui(state, page)), escape(title))
}

fn missing(what: &str) -> Reply {
    let body = format!("<h1>Not found</h1><p>{}</p><p><a href=\"/wiki/spaces\">All spaces</a></p>", escape(what));
    Reply::html(StatusCode::NOT_FOUND, shell("Not found", &body))
}

/// `/wiki`, `/wiki/spaces`: all spaces.
pub fn spaces(state: &mut State, _: &Call) -> Answer {
    let mut body = String::from("<h1>Spaces</h1><ul>");
    for space in state.spaces() {
        let count = state.pages().filter(|page| page.space == space.id && page.status() == Status::Current).count();
        let key = escape(&space.key);
        let _ = write!(
            body,
            "<li><a href=\"/wiki/spaces/{key}\">{}</a> <span class=\"meta\">{key}, {count} pages</span></li>",
            escape(&space.name)
        );
    }
    body.push_str("</ul>");
    Ok(Reply::html(StatusCode::OK, shell("Spaces", &body)))
}

fn branch(state: &State, container: u64, depth: usize, out: &mut String) {
    let children = state.children(container).iter().filter_map(|id| state.page(*id));
    let children: Vec<&Page> = children.filter(|page| page.status() == Status::Current).collect();
    if children.is_empty() || depth > super::render_depth() {
        return;
    }
    out.push_str("<ul>");
    for page in children {
        let _ = write!(out, "<li>{}", link(state, page));
        branch(state, page.id, depth + 1, out);
        out.push_str("</li>");
    }
    out.push_str("</ul>");
}

fn known<'a>(state: &'a State, call: &Call) -> Result<&'a Space, Reply> {
    let key = call.param("key");
    state.space_by_key(key).ok_or_else(|| missing(&format!("There is no space {key}.")))
}

/// `/wiki/spaces/{key}`: the page tree of a space.
pub fn space_tree(state: &mut State, call: &Call) -> Answer {
    let space = known(state, call)?;
    let mut body =
        format!("<p class=\"crumbs\"><a href=\"/wiki/spaces\">Spaces</a></p><h1>{}</h1>", escape(&space.name));
    if !space.description.is_empty() {
        let _ = write!(body, "<p>{}</p>", escape(&space.description));
    }
    branch(state, space.id, 1, &mut body);
    let aside = |status: Status| state.pages().filter(move |page| page.space == space.id && page.status() == status);
    for (status, title) in
        [(Status::Archived, "Archived"), (Status::Trashed, "In the trash"), (Status::Draft, "Drafts")]
    {
        if aside(status).next().is_some() {
            let _ = write!(body, "<h2>{title}</h2><ul>");
            for page in aside(status) {
                let _ = write!(body, "<li>{}</li>", link(state, page));
            }
            body.push_str("</ul>");
        }
    }
    Ok(Reply::html(StatusCode::OK, shell(&space.name, &body)))
}

/// `/wiki/spaces/{key}/overview`: the space's homepage.
pub fn overview(state: &mut State, call: &Call) -> Answer {
    let space = known(state, call)?;
    match space.homepage.and_then(|id| state.page(id)) {
        Some(home) => Ok(shown(state, space, home)),
        None => Err(missing("This space has no homepage.")),
    }
}

/// `/wiki/spaces/{key}/pages/{id}`, with any title behind it.
pub fn page(state: &mut State, call: &Call) -> Answer {
    let space = known(state, call)?;
    let text = call.param("id");
    let page = text.parse::<u64>().ok().and_then(|id| state.page(id)).filter(|page| page.space == space.id);
    match page {
        Some(page) => Ok(shown(state, space, page)),
        None => Err(missing(&format!("There is no page {text} in this space."))),
    }
}

fn shown(state: &State, space: &Space, page: &Page) -> Reply {
    let mut body =
        format!("<p class=\"crumbs\"><a href=\"/wiki/spaces/{}\">{}</a>", escape(&space.key), escape(&space.name));
    for above in tree::ancestors_of(state, page.id).iter().filter_map(|id| state.page(*id)) {
        let _ = write!(body, " / {}", link(state, above));
    }
    body.push_str("</p>");
    let _ = write!(body, "<h1>{}</h1>", escape(page.title()));
    if page.status() != Status::Current {
        let _ = write!(body, "<p><span class=\"lozenge yellow\">{}</span></p>", page.status().word());
    }
    if let Some(version) = page.current() {
        let _ = write!(body, "<p class=\"meta\">Version {} of {}", version.number, iso_millis(version.created));
        if !version.message.is_empty() {
            let _ = write!(body, ": {}", escape(&version.message));
        }
        body.push_str("</p>");
    }
    if !page.labels.is_empty() {
        body.push_str("<p>");
        for label in &page.labels {
            let _ = write!(body, "<span class=\"label\">{}</span>", escape(&label.name));
        }
        body.push_str("</p>");
    }
    if let Some(version) = page.current() {
        body.push_str(&render::page(state, page, &version.body.nodes()));
    }
    let comments = state.comments.values().filter(|comment| comment.page == page.id);
    for (at, comment) in comments.enumerate() {
        if at == 0 {
            body.push_str("<h2>Comments</h2>");
        }
        let text = render::page(state, page, &comment.body.nodes());
        let _ = write!(
            body,
            "<div class=\"comment\"><span class=\"meta\">{}</span>{text}</div>",
            iso_millis(comment.created)
        );
    }
    body.push_str("<h2>Pages below</h2>");
    let before = body.len();
    branch(state, page.id, 1, &mut body);
    if body.len() == before {
        body.push_str("<p class=\"meta\">None.</p>");
    }
    Reply::html(StatusCode::OK, shell(page.title(), &body))
}
