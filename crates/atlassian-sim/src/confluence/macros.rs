//! The macros that a report uses, evaluated: what a reader sees is what the page really says.

use std::fmt::Write as _;

use super::details;
use super::render::{View, heading_level};
use super::search;
use super::state::{Page, Status};
use super::storage::{Element, Node, text_of};
use crate::html::{escape, safe_url};

fn body(element: &Element) -> &[Node] {
    let body = element.child("ac:rich-text-body").or_else(|| element.child("ac:plain-text-body"));
    body.map(|body| body.children.as_slice()).unwrap_or_default()
}

/// Writes a macro.
pub fn write(view: &mut View<'_>, element: &Element, out: &mut String) {
    let name = element.macro_name().unwrap_or("");
    match name {
        "status" => status(element, out),
        "info" | "note" | "tip" | "warning" | "panel" => {
            let title = element.parameter("title").filter(|title| !title.is_empty());
            let title = title.map_or_else(String::new, |title| format!("<p><b>{}</b></p>", escape(&title)));
            let inner = view.written(body(element));
            let _ = write!(out, "<div class=\"panel {name}\">{title}{inner}</div>");
        }
        "code" | "noformat" => {
            let title = element
                .parameter("title")
                .map_or_else(String::new, |title| format!("<p class=\"meta\">{}</p>", escape(&title)));
            let _ = write!(out, "{title}<pre>{}</pre>", escape(&text_of(body(element))));
        }
        "expand" => {
            let title = element.parameter("title").filter(|title| !title.is_empty());
            let title = title.unwrap_or_else(|| "Click here to expand...".to_owned());
            let inner = view.written(body(element));
            let _ = write!(out, "<details><summary>{}</summary>{inner}</details>", escape(&title));
        }
        "details" => {
            if element.parameter("hidden").as_deref() != Some("true") {
                let inner = view.written(body(element));
                let _ = write!(out, "<div class=\"page-properties\">{inner}</div>");
            }
        }
        "detailssummary" => report(view, element, out),
        "children" => children(view, element, out),
        "toc" => toc(view, element, out),
        "jira" => jira(element, out),
        "contentbylabel" => by_label(view, element, out),
        "anchor" => {}
        "excerpt" | "section" | "column" => view.nodes(body(element), out),
        _ => unknown(view, element, name, out),
    }
}

/// A macro that is not played: its name, its parameters and its body, so that nothing is hidden.
fn unknown(view: &mut View<'_>, element: &Element, name: &str, out: &mut String) {
    let mut head = escape(name);
    for child in element.elements().filter(|child| child.name == "ac:parameter") {
        let key = child.attribute("ac:name").unwrap_or("");
        let _ = write!(head, " {}={}", escape(key), escape(&text_of(&child.children)));
    }
    let inner = view.written(body(element));
    let _ = write!(out, "<div class=\"panel\"><span class=\"meta\">[{head}]</span> {inner}</div>");
}

/// An ADF panel that the storage format has no macro for.
pub fn adf_extension(view: &mut View<'_>, element: &Element, out: &mut String) {
    let Some(node) = element.child("ac:adf-node") else { return };
    let content = node.child("ac:adf-content").map(|content| content.children.as_slice()).unwrap_or_default();
    let inner = view.written(content);
    let _ = write!(out, "<div class=\"panel error\">{inner}</div>");
}

fn status(element: &Element, out: &mut String) {
    let colour = element.parameter("colour").or_else(|| element.parameter("color")).unwrap_or_default().to_lowercase();
    let class = match colour.as_str() {
        "green" | "red" | "yellow" | "blue" | "purple" => colour.as_str(),
        _ => "",
    };
    let title = element.parameter("title").unwrap_or_default();
    let _ = write!(out, "<span class=\"lozenge {class}\">{}</span>", escape(&title));
}

fn link(view: &View<'_>, page: &Page) -> String {
    format!("<a href=\"/wiki{}\">{}</a>", escape(&super::wire::webui(view.state, page)), escape(page.title()))
}

/// A Page Properties Report: a row for every page found that has a Page Properties macro.
fn report(view: &mut View<'_>, element: &Element, out: &mut String) {
    let cql = element.parameter("cql").unwrap_or_else(|| {
        let label = element.parameter("label").unwrap_or_default();
        format!("label = \"{label}\"")
    });
    let found = match search::find(view.state, &cql, here(view), None) {
        Ok(found) => found,
        Err(why) => {
            let _ = write!(out, "<div class=\"panel error\">The query of this report fails: {}</div>", escape(&why));
            return;
        }
    };
    let wanted = element.parameter("id").filter(|id| !id.is_empty());
    let mut rows: Vec<(&Page, Vec<details::Fact>)> = Vec::new();
    for page in found.iter().filter_map(|id| view.state.page(*id)).filter(|page| page.id != view.page.id) {
        let facts = details::of(page, wanted.as_deref());
        if !facts.is_empty() {
            rows.push((page, facts));
        }
    }
    let headings: Vec<String> = match element.parameter("headings").filter(|headings| !headings.trim().is_empty()) {
        Some(list) => list.split(',').map(|heading| heading.trim().to_owned()).collect(),
        None => details::headings(rows.iter().map(|(_, facts)| facts.as_slice())),
    };
    if let Some(key) = element.parameter("sortBy").filter(|key| !key.is_empty()) {
        rows.sort_by_key(|(page, facts)| {
            details::fact(facts, &key).map_or_else(|| page.title().to_lowercase(), |fact| text_of(fact).to_lowercase())
        });
    }
    if element.parameter("reverseSort").as_deref() == Some("true") {
        rows.reverse();
    }
    let first = element.parameter("firstcolumn").filter(|name| !name.is_empty()).unwrap_or_else(|| "Title".to_owned());
    let _ = write!(out, "<table class=\"report\"><thead><tr><th>{}</th>", escape(&first));
    for heading in &headings {
        let _ = write!(out, "<th>{}</th>", escape(heading));
    }
    out.push_str("</tr></thead><tbody>");
    for (page, facts) in &rows {
        let _ = write!(out, "<tr><td>{}</td>", link(view, page));
        for heading in &headings {
            let cell = details::fact(facts, heading).map_or_else(String::new, |fact| view.written(fact));
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    if rows.is_empty() {
        out.push_str("<p class=\"meta\">No page properties found.</p>");
    }
}

/// Where a query on this page stands.
fn here(view: &View<'_>) -> search::Here {
    search::Here { space: Some(view.page.space), page: Some(view.page.id) }
}

fn children(view: &View<'_>, element: &Element, out: &mut String) {
    let named = element.elements().find(|child| child.attribute("ac:name") == Some("page"));
    let named = named.and_then(|page| page.child("ac:link")).and_then(|link| link.child("ri:page"));
    let top = match named.and_then(|page| page.attribute("ri:content-title")) {
        Some(title) => view.state.titled(view.page.space, title).first().copied().unwrap_or(view.page.id),
        None => view.page.id,
    };
    let all = element.parameter("all").as_deref() == Some("true")
        || element.parameter("allChildren").as_deref() == Some("true");
    let depth = match element.parameter("depth").and_then(|depth| depth.parse::<usize>().ok()) {
        Some(0) => super::render_depth(),
        Some(depth) => depth.min(super::render_depth()),
        None if all => super::render_depth(),
        None => 1,
    };
    list(view, top, depth, element.parameter("sort").as_deref(), out);
}

fn list(view: &View<'_>, top: u64, depth: usize, sort: Option<&str>, out: &mut String) {
    let children = view.state.children(top).iter().filter_map(|id| view.state.page(*id));
    let mut children: Vec<&Page> = children.filter(|page| page.status() == Status::Current).collect();
    if sort == Some("title") {
        children.sort_by_key(|page| page.title().to_lowercase());
    }
    if children.is_empty() || depth == 0 {
        return;
    }
    out.push_str("<ul>");
    for child in children {
        let _ = write!(out, "<li>{}", link(view, child));
        list(view, child.id, depth - 1, sort, out);
        out.push_str("</li>");
    }
    out.push_str("</ul>");
}

fn headings<'a>(nodes: &'a [Node], out: &mut Vec<(usize, &'a Element)>) {
    for element in nodes.iter().filter_map(Node::element) {
        match heading_level(element) {
            Some(level) => out.push((level, element)),
            None => headings(&element.children, out),
        }
    }
}

fn toc(view: &View<'_>, element: &Element, out: &mut String) {
    let bound = |name: &str, default: usize| {
        element.parameter(name).and_then(|level| level.parse::<usize>().ok()).unwrap_or(default)
    };
    let (least, most) = (bound("minLevel", 1), bound("maxLevel", 7));
    let mut found = Vec::new();
    headings(view.body, &mut found);
    out.push_str("<ul class=\"toc\">");
    for (at, (level, heading)) in found.iter().enumerate() {
        if (least..=most).contains(level) {
            let (indent, text) = (level - least, escape(&text_of(&heading.children)));
            let _ = write!(out, "<li style=\"margin-left:{indent}em\"><a href=\"#h-{}\">{text}</a></li>", at + 1);
        }
    }
    out.push_str("</ul>");
}

/// Jira keys become links; a query is shown as it is.
fn jira(element: &Element, out: &mut String) {
    let keys = element.parameter("key").unwrap_or_default();
    let mut any = false;
    for key in keys.split(',').map(str::trim).filter(|key| !key.is_empty()) {
        let href = safe_url(&format!("/browse/{}", super::call::encode(key)));
        let _ = write!(out, "{}<a href=\"{href}\">{}</a>", if any { ", " } else { "" }, escape(key));
        any = true;
    }
    if let Some(query) = element.parameter("jqlQuery").or_else(|| element.parameter("url")) {
        let _ = write!(out, "<span class=\"meta\">Jira: <code>{}</code></span>", escape(&query));
    }
}

fn by_label(view: &View<'_>, element: &Element, out: &mut String) {
    let cql =
        element.parameter("cql").or_else(|| element.parameter("labels").map(|label| format!("label = \"{label}\"")));
    let found = search::find(view.state, &cql.unwrap_or_default(), here(view), None);
    out.push_str("<ul>");
    for page in found.unwrap_or_default().iter().filter_map(|id| view.state.page(*id)) {
        let _ = write!(out, "<li>{}</li>", link(view, page));
    }
    out.push_str("</ul>");
}
