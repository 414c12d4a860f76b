//! Confluence storage format (Cloud): an XHTML fragment with Confluence's macros.
//!
//! One malformed tag makes Confluence refuse the whole page, so the fragment is written by [`Xml`] only. The macros are
//! spelled as Confluence Cloud itself stores them.
//! Confluence rewrites what it stores, so a stored body never equals a sent one: compare hashes of what was sent.

use crate::inline::{Inline, IssueRef, PageLink, StatusColour, Text};
use crate::macros::{Children, ChildrenSort, JiraIssues, JiraServer, Macro, PageProperties, PagePropertiesReport, Toc};
use crate::model::{Block, Code, Content, Document, List, Panel, PanelKind};
use crate::nesting::settled;
use crate::table::Table;
use crate::text::CleanLine;
use crate::xml::Xml;

/// Confluence Cloud refuses a body above this many bytes with 413. Source: Confluence REST API, "Create page".
pub const MAX_STORAGE_BYTES: usize = 5_242_880;

/// Pixels across a picture that stands beside its link.
const THUMBNAIL_WIDTH: &str = "120";

/// The document as a storage-format fragment.
#[must_use]
pub fn to_storage(document: &Document) -> String {
    let mut xml = Xml::default();
    blocks(&mut xml, &settled(document));
    xml.finish()
}

/// Bytes of the document in storage format, to compare with [`MAX_STORAGE_BYTES`]. Encodes the document: whoever needs
/// the body as well takes its length.
#[must_use]
pub fn storage_len(document: &Document) -> usize {
    to_storage(document).len()
}

fn blocks(xml: &mut Xml, list: &[Block]) {
    for block in list {
        write_block(xml, block);
    }
}

fn write_block(xml: &mut Xml, block: &Block) {
    match block {
        Block::Heading(heading) => {
            let name = match heading.level.get() {
                1 => "h1",
                2 => "h2",
                3 => "h3",
                4 => "h4",
                5 => "h5",
                _ => "h6",
            };
            xml.element(name, &[], |xml| inlines(xml, &heading.inlines));
        }
        Block::Paragraph(line) => xml.element("p", &[], |xml| inlines(xml, line)),
        Block::BulletList(list) => write_list(xml, "ul", list),
        Block::OrderedList(list) => write_list(xml, "ol", list),
        Block::Table(table) => write_table(xml, table),
        Block::Code(code) => write_code(xml, code),
        Block::Panel(panel) => write_panel(xml, panel),
        Block::Rule => xml.empty("hr", &[]),
        Block::Expand(expand) => write_macro(xml, "expand", "1", |xml| {
            parameter(xml, "title", Some(expand.title.as_str()));
            rich_body(xml, |xml| filled(xml, &expand.blocks));
        }),
        Block::Quote(list) => xml.element("blockquote", &[], |xml| filled(xml, list)),
        Block::Macro(macro_) => match macro_ {
            Macro::PageProperties(properties) => write_properties(xml, properties),
            Macro::PagePropertiesReport(report) => write_report(xml, report),
            Macro::Children(children) => write_children(xml, children),
            Macro::Toc(toc) => write_toc(xml, toc),
            Macro::JiraIssues(issues) => write_issues(xml, issues),
        },
    }
}

/// Blocks of a container that is never empty.
fn filled(xml: &mut Xml, list: &[Block]) {
    if list.is_empty() {
        xml.empty("p", &[]);
    } else {
        blocks(xml, list);
    }
}

fn write_list(xml: &mut Xml, name: &'static str, list: &List) {
    xml.element(name, &[], |xml| {
        for item in &list.items {
            xml.element("li", &[], |xml| filled(xml, &item.blocks));
        }
    });
}

fn write_table(xml: &mut Xml, table: &Table) {
    let row = |xml: &mut Xml, cells: &[Content], all_headers: bool| {
        xml.element("tr", &[], |xml| {
            for (index, cell) in cells.iter().enumerate() {
                let name = if all_headers || (table.header_column && index == 0) { "th" } else { "td" };
                xml.element(name, &[], |xml| filled(xml, &cell.blocks));
            }
        });
    };
    xml.element("table", &[], |xml| {
        xml.element("tbody", &[], |xml| {
            if let Some(cells) = &table.header {
                row(xml, cells, true);
            }
            for cells in &table.rows {
                row(xml, cells, false);
            }
        });
    });
}

fn write_code(xml: &mut Xml, code: &Code) {
    write_macro(xml, "code", "1", |xml| {
        parameter(xml, "language", code.language.as_ref().map(|language| language.as_str()));
        xml.element("ac:plain-text-body", &[], |xml| xml.cdata(code.text.as_str()));
    });
}

fn write_panel(xml: &mut Xml, panel: &Panel) {
    let name = match panel.kind {
        PanelKind::Info => "info",
        PanelKind::Note => "note",
        PanelKind::Success => "tip",
        PanelKind::Warning => "warning",
        // The one kind without a macro: Confluence stores it as the ADF node it is.
        PanelKind::Error => return write_error_panel(xml, &panel.blocks),
    };
    write_macro(xml, name, "1", |xml| rich_body(xml, |xml| filled(xml, &panel.blocks)));
}

fn write_error_panel(xml: &mut Xml, list: &[Block]) {
    xml.element("ac:adf-extension", &[], |xml| {
        xml.element("ac:adf-node", &[("type", "panel")], |xml| {
            xml.element("ac:adf-attribute", &[("key", "panel-type")], |xml| xml.text("error"));
            xml.element("ac:adf-content", &[], |xml| filled(xml, list));
        });
    });
}

fn write_properties(xml: &mut Xml, properties: &PageProperties) {
    write_macro(xml, "details", "1", |xml| {
        parameter(xml, "hidden", properties.hidden.then_some("true"));
        parameter(xml, "id", properties.id.as_ref().map(CleanLine::as_str));
        rich_body(xml, |xml| {
            if let Some(table) = properties.as_table() {
                write_table(xml, &table);
            }
        });
    });
}

fn write_report(xml: &mut Xml, report: &PagePropertiesReport) {
    write_macro(xml, "detailssummary", "3", |xml| {
        parameter(xml, "cql", Some(report.cql.as_str()));
        parameter(xml, "headings", report.heading_list().as_deref());
        parameter(xml, "firstcolumn", report.first_column.as_ref().map(CleanLine::as_str));
        parameter(xml, "sortBy", report.sort_by.as_ref().map(CleanLine::as_str));
        parameter(xml, "reverseSort", report.reverse.then_some("true"));
        parameter(xml, "pageSize", report.page_size.map(|rows| rows.to_string()).as_deref());
        parameter(xml, "id", report.id.as_ref().map(CleanLine::as_str));
    });
}

fn write_children(xml: &mut Xml, children: &Children) {
    write_macro(xml, "children", "2", |xml| {
        match children.depth {
            Some(levels) => parameter(xml, "depth", Some(&levels.to_string())),
            None => parameter(xml, "all", Some("true")),
        }
        let sort = children.sort.map(|sort| match sort {
            ChildrenSort::Title => "title",
            ChildrenSort::Creation => "creation",
            ChildrenSort::Modified => "modified",
        });
        parameter(xml, "sort", sort);
        parameter(xml, "reverse", children.reverse.then_some("true"));
    });
}

fn write_toc(xml: &mut Xml, toc: &Toc) {
    write_macro(xml, "toc", "1", |xml| {
        parameter(xml, "minLevel", Some(&toc.min_level.to_string()));
        parameter(xml, "maxLevel", Some(&toc.max_level.to_string()));
    });
}

fn write_issues(xml: &mut Xml, issues: &JiraIssues) {
    write_macro(xml, "jira", "1", |xml| {
        server(xml, issues.server.as_ref());
        parameter(xml, "columns", issues.column_list().as_deref());
        parameter(xml, "maximumIssues", issues.max.map(|max| max.to_string()).as_deref());
        parameter(xml, "jqlQuery", Some(issues.jql.as_str()));
    });
}

fn server(xml: &mut Xml, server: Option<&JiraServer>) {
    parameter(xml, "server", server.map(|server| server.name.as_str()));
    parameter(xml, "serverId", server.map(|server| server.id.as_str()));
}

fn write_macro(xml: &mut Xml, name: &str, schema_version: &str, body: impl FnOnce(&mut Xml)) {
    xml.element("ac:structured-macro", &[("ac:name", name), ("ac:schema-version", schema_version)], body);
}

/// A parameter that has a value; Confluence treats a missing one as its default.
fn parameter(xml: &mut Xml, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        xml.element("ac:parameter", &[("ac:name", name)], |xml| xml.text(value));
    }
}

fn rich_body(xml: &mut Xml, body: impl FnOnce(&mut Xml)) {
    xml.element("ac:rich-text-body", &[], body);
}

fn inlines(xml: &mut Xml, line: &[Inline]) {
    for inline in line {
        write_inline(xml, inline);
    }
}

fn write_inline(xml: &mut Xml, inline: &Inline) {
    match inline {
        Inline::Text(text) => write_text(xml, text),
        Inline::Link(link) => {
            if link.is_picture {
                thumbnail(xml, link.href.as_str(), link.text.as_str());
            }
            anchor(xml, link.href.as_str(), link.text.as_str());
        }
        Inline::Status(status) => write_macro(xml, "status", "1", |xml| {
            parameter(xml, "colour", status_colour(status.colour));
            parameter(xml, "title", Some(status.text.as_str()));
        }),
        Inline::Date(date) => xml.empty("time", &[("datetime", &date.to_string())]),
        Inline::LineBreak => xml.empty("br", &[]),
        Inline::PageLink(link) => write_page_link(xml, link),
        Inline::IssueRef(issue) => write_issue(xml, issue),
    }
}

fn write_text(xml: &mut Xml, text: &Text) {
    let marks = [
        (text.marks().is_strong(), "strong"),
        (text.marks().is_emphasis(), "em"),
        (text.marks().is_strike(), "del"),
        (text.marks().is_underline(), "u"),
        (text.marks().is_code(), "code"),
    ];
    let names: Vec<&'static str> = marks.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    marked(xml, &names, text.as_str());
}

fn marked(xml: &mut Xml, names: &[&'static str], text: &str) {
    match names.split_first() {
        Some((name, rest)) => xml.element(name, &[], |xml| marked(xml, rest, text)),
        None => xml.text(text),
    }
}

/// A picture from the web, as wide as a cell of a table can spare; the reader's browser fetches it.
fn thumbnail(xml: &mut Xml, href: &str, text: &str) {
    xml.element("ac:image", &[("ac:alt", text), ("ac:width", THUMBNAIL_WIDTH)], |xml| {
        xml.empty("ri:url", &[("ri:value", href)]);
    });
}

fn anchor(xml: &mut Xml, href: &str, text: &str) {
    xml.element("a", &[("href", href)], |xml| xml.text(text));
}

fn write_page_link(xml: &mut Xml, link: &PageLink) {
    if link.title.is_empty() {
        // Without a title Confluence shows an error in its place.
        return xml.text(link.text.as_str());
    }
    xml.element("ac:link", &[], |xml| {
        let title = ("ri:content-title", link.title.as_str());
        match &link.space_key {
            Some(key) => xml.empty("ri:page", &[title, ("ri:space-key", key.as_str())]),
            None => xml.empty("ri:page", &[title]),
        }
        xml.element("ac:plain-text-link-body", &[], |xml| xml.cdata(link.text.as_str()));
    });
}

fn write_issue(xml: &mut Xml, issue: &IssueRef) {
    if issue.live && issue.has_issue_key() {
        return write_macro(xml, "jira", "1", |xml| {
            server(xml, issue.server.as_ref());
            parameter(xml, "key", Some(issue.key.as_str()));
        });
    }
    match &issue.url {
        Some(href) => anchor(xml, href.as_str(), issue.key.as_str()),
        None => xml.text(issue.key.as_str()),
    }
}

/// Confluence calls neutral "Grey" and leaves it out.
fn status_colour(colour: StatusColour) -> Option<&'static str> {
    match colour {
        StatusColour::Neutral => None,
        StatusColour::Green => Some("Green"),
        StatusColour::Red => Some("Red"),
        StatusColour::Yellow => Some("Yellow"),
        StatusColour::Blue => Some("Blue"),
        StatusColour::Purple => Some("Purple"),
    }
}
