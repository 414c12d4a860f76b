//! Storage format as HTML for people.
//!
//! Only a fixed list of elements passes, without their attributes except a few; links go to http, https and this site
//! only. Everything else is shown as text, so no stored page can run anything.

use std::fmt::Write as _;

use super::macros;
use super::state::{Page, State};
use super::storage::{Element, Node, text_of};
use crate::html::{escape, safe_url};

/// Deeper nesting is shown as plain text.
const DEPTH_MAX: usize = 60;

/// Elements that HTML has too and that cannot do harm.
const PLAIN: [&str; 39] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "blockquote",
    "pre",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "strong",
    "b",
    "em",
    "i",
    "u",
    "s",
    "del",
    "ins",
    "code",
    "sub",
    "sup",
    "small",
    "big",
    "cite",
    "q",
    "dl",
    "dt",
    "dd",
    "div",
    "span",
];

/// What is being shown, and how deep the writer is in it.
pub struct View<'a> {
    /// The site.
    pub state: &'a State,
    /// The page.
    pub page: &'a Page,
    /// The page's whole body: a table of contents reads it.
    pub body: &'a [Node],
    /// Nesting so far.
    pub depth: usize,
    /// Headings written so far, for their anchors.
    pub headings: usize,
}

/// A page's body as HTML.
pub fn page(state: &State, page: &Page, nodes: &[Node]) -> String {
    let mut view = View { state, page, body: nodes, depth: 0, headings: 0 };
    let mut out = String::new();
    view.nodes(nodes, &mut out);
    out
}

/// The heading's level, if it is one.
pub fn heading_level(element: &Element) -> Option<usize> {
    element.name.strip_prefix('h').and_then(|level| level.parse().ok()).filter(|level| (1..=6).contains(level))
}

impl View<'_> {
    /// Writes nodes in order.
    pub fn nodes(&mut self, nodes: &[Node], out: &mut String) {
        for node in nodes {
            match node {
                Node::Text(text) | Node::CData(text) => out.push_str(&escape(text)),
                Node::Element(element) => self.element(element, out),
            }
        }
    }

    /// Writes nodes into a string of their own.
    pub fn written(&mut self, nodes: &[Node]) -> String {
        let mut out = String::new();
        self.nodes(nodes, &mut out);
        out
    }

    fn element(&mut self, element: &Element, out: &mut String) {
        if self.depth >= DEPTH_MAX {
            out.push_str(&escape(&text_of(std::slice::from_ref(&Node::Element(element.clone())))));
            return;
        }
        self.depth += 1;
        self.element_inside(element, out);
        self.depth -= 1;
    }

    fn element_inside(&mut self, element: &Element, out: &mut String) {
        match element.name.as_str() {
            "br" => out.push_str("<br>"),
            "hr" => out.push_str("<hr>"),
            "a" => {
                let href = safe_url(element.attribute("href").unwrap_or(""));
                let _ = write!(
                    out,
                    "<a href=\"{href}\" rel=\"noopener noreferrer\">{}</a>",
                    self.written(&element.children)
                );
            }
            "img" => image(element.attribute("src").unwrap_or(""), element.attribute("alt").unwrap_or(""), out),
            "time" => out.push_str(&escape(element.attribute("datetime").unwrap_or(""))),
            "col" | "colgroup" => {}
            "ac:structured-macro" | "ac:macro" => macros::write(self, element, out),
            "ac:link" => self.link(element, out),
            "ac:image" => match element.child("ri:url") {
                Some(url) => {
                    image(url.attribute("ri:value").unwrap_or(""), element.attribute("ac:alt").unwrap_or(""), out)
                }
                None => {
                    let name = element.child("ri:attachment").and_then(|file| file.attribute("ri:filename"));
                    let _ = write!(out, "<span class=\"meta\">[image {}]</span>", escape(name.unwrap_or("")));
                }
            },
            "ac:emoticon" => {
                let text = element.attribute("ac:emoji-fallback").or(element.attribute("ac:name")).unwrap_or("");
                out.push_str(&escape(text));
            }
            "ac:task-list" => self.wrapped("ul", element, out),
            "ac:task" => {
                let done =
                    element.child("ac:task-status").is_some_and(|status| text_of(&status.children) == "complete");
                let body = element.child("ac:task-body").map(|body| body.children.as_slice()).unwrap_or_default();
                let _ = write!(out, "<li>{} {}</li>", if done { "\u{2611}" } else { "\u{2610}" }, self.written(body));
            }
            "ac:adf-extension" => macros::adf_extension(self, element, out),
            "ac:placeholder" | "ac:parameter" | "ac:adf-attribute" | "ac:adf-fallback" => {}
            name if PLAIN.contains(&name) => self.plain(element, out),
            name if name.starts_with("ac:") || name.starts_with("ri:") => self.nodes(&element.children, out),
            // Not an element that a page may bring: its source is shown.
            name => {
                let inner = self.written(&element.children);
                let _ = write!(out, "<code>&lt;{0}&gt;</code>{inner}<code>&lt;/{0}&gt;</code>", escape(name));
            }
        }
    }

    fn wrapped(&mut self, name: &str, element: &Element, out: &mut String) {
        let inner = self.written(&element.children);
        let _ = write!(out, "<{name}>{inner}</{name}>");
    }

    fn plain(&mut self, element: &Element, out: &mut String) {
        let name = element.name.as_str();
        let mut open = String::from(name);
        for span in ["colspan", "rowspan"] {
            if let Some(count) = element.attribute(span).and_then(|count| count.parse::<u16>().ok()) {
                let _ = write!(open, " {span}=\"{count}\"");
            }
        }
        let colour = element.attribute("data-highlight-colour").and_then(|colour| colour.strip_prefix('#'));
        if let Some(hex) = colour.filter(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit())) {
            let _ = write!(open, " style=\"background:#{hex}\"");
        }
        if heading_level(element).is_some() {
            self.headings += 1;
            let _ = write!(open, " id=\"h-{}\"", self.headings);
        }
        let inner = self.written(&element.children);
        let _ = write!(out, "<{open}>{inner}</{name}>");
    }

    /// A link inside Confluence: to a page by its title, to an attachment, an anchor or a person.
    fn link(&mut self, element: &Element, out: &mut String) {
        let body: Option<String> = element
            .elements()
            .find(|child| matches!(child.name.as_str(), "ac:link-body" | "ac:plain-text-link-body"))
            .map(|child| self.written(&child.children));
        if let Some(user) = element.child("ri:user") {
            let id = user.attribute("ri:account-id").or(user.attribute("ri:userkey")).unwrap_or("");
            let _ = write!(out, "<span class=\"label\">@{}</span>", escape(id));
            return;
        }
        if let Some(file) = element.child("ri:attachment").and_then(|file| file.attribute("ri:filename")) {
            out.push_str(&body.unwrap_or_else(|| escape(file)));
            return;
        }
        let Some(target) = element.child("ri:page") else {
            out.push_str(&body.or_else(|| element.attribute("ac:anchor").map(escape)).unwrap_or_default());
            return;
        };
        let title = target.attribute("ri:content-title").unwrap_or("");
        let text = body.filter(|body| !body.is_empty()).unwrap_or_else(|| escape(title));
        let space = match target.attribute("ri:space-key") {
            Some(key) => self.state.space_by_key(key).map(|space| space.id),
            None => Some(self.page.space),
        };
        let found = space.and_then(|space| {
            let pages = self.state.titled(space, title).iter().filter_map(|id| self.state.page(*id));
            pages.into_iter().find(|page| page.status() == super::state::Status::Current)
        });
        match found {
            Some(page) => {
                let _ = write!(out, "<a href=\"/wiki{}\">{text}</a>", escape(&super::wire::webui(self.state, page)));
            }
            None => {
                let _ = write!(out, "<span class=\"lozenge red\" title=\"no such page\">?</span> {text}");
            }
        }
    }
}

fn image(url: &str, alt: &str, out: &mut String) {
    let _ = write!(out, "<img src=\"{}\" alt=\"{}\" style=\"max-width:100%\">", safe_url(url), escape(alt));
}
