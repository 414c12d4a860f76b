//! Atlassian Document Format, for Jira Cloud descriptions, comments and rich-text fields.
//!
//! Jira answers an invalid document with `INVALID_INPUT` and no path, so validity is by construction: blocks were brought
//! into places that can hold them (`nesting`), a text node is never empty, a list item and a cell always hold something,
//! marks come in one order. The size is kept by `adf_limit`.

use serde_json::{Value, json};

use crate::adf_limit::{self, Limits, Truncation};
use crate::adf_node::{self, Node};
use crate::href::Href;
use crate::inline::{Inline, Marks, StatusColour};
use crate::model::{Block, Content, Document, List, PanelKind};
use crate::nesting::settled;
use crate::table::Table;

/// An ADF document that Jira accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct AdfOutput {
    /// The document.
    pub value: Value,
    /// Size of its compact JSON in UTF-16 code units, at most the limit.
    pub chars: usize,
    /// What was left out to keep the limit; `None` when the document is whole.
    pub truncated: Option<Truncation>,
}

/// Encodes the document, within the limits (see [`Limits`]).
#[must_use]
pub fn to_adf(document: &Document, limits: &Limits<'_>) -> AdfOutput {
    let mut nodes = Vec::new();
    for block in &settled(document) {
        push_block(block, Depth::Top, &mut nodes);
    }
    let (nodes, truncated) = adf_limit::fit(nodes, limits);
    let chars = adf_limit::document_chars(&nodes);
    AdfOutput { value: adf_node::document(nodes), chars, truncated }
}

/// An expand has two names, after where it stands.
#[derive(Clone, Copy)]
enum Depth {
    Top,
    Inside,
}

fn push_block(block: &Block, depth: Depth, out: &mut Vec<Node>) {
    match block {
        Block::Heading(heading) => {
            out.push(Node::parent("heading", inline_nodes(&heading.inlines)).attr("level", heading.level.get()));
        }
        Block::Paragraph(inlines) => out.push(paragraph(inlines)),
        Block::BulletList(list) => out.push(list_node("bulletList", list)),
        Block::OrderedList(list) => out.push(list_node("orderedList", list)),
        Block::Table(table) => out.push(table_node(table)),
        Block::Code(code) => {
            let node = Node::parent("codeBlock", Node::text(code.text.as_str(), Vec::new()).into_iter().collect());
            out.push(match &code.language {
                Some(language) => node.attr("language", language.as_str()),
                None => node,
            });
        }
        Block::Panel(panel) => {
            out.push(Node::parent("panel", filled(&panel.blocks)).attr("panelType", panel_type(panel.kind)));
        }
        Block::Rule => out.push(Node::leaf("rule")),
        Block::Expand(expand) => {
            let kind = match depth {
                Depth::Top => "expand",
                Depth::Inside => "nestedExpand",
            };
            out.push(Node::parent(kind, filled(&expand.blocks)).attr("title", expand.title.as_str()));
        }
        Block::Quote(blocks) => out.push(Node::parent("blockquote", filled(blocks))),
        Block::Macro(macro_) => {
            for block in &macro_.portable() {
                push_block(block, depth, out);
            }
        }
    }
}

/// The content of a container that may not be empty: an empty paragraph stands in.
fn filled(blocks: &[Block]) -> Vec<Node> {
    let mut out = Vec::new();
    for block in blocks {
        push_block(block, Depth::Inside, &mut out);
    }
    if out.is_empty() {
        out.push(empty_paragraph());
    }
    out
}

fn list_node(kind: &'static str, list: &List) -> Node {
    let item = |item: &Content| {
        let mut content = filled(&item.blocks);
        // The editor's own schema wants an item to begin with text, not with a nested list.
        if content.first().is_some_and(|first| matches!(first.kind, "bulletList" | "orderedList")) {
            content.insert(0, empty_paragraph());
        }
        Node::parent("listItem", content)
    };
    Node::parent(kind, list.items.iter().map(item).collect())
}

fn table_node(table: &Table) -> Node {
    let row = |cells: &[Content], all_headers: bool| {
        let cell = |(index, cell): (usize, &Content)| {
            let is_header = all_headers || (table.header_column && index == 0);
            Node::parent(if is_header { "tableHeader" } else { "tableCell" }, filled(&cell.blocks))
        };
        Node::parent("tableRow", cells.iter().enumerate().map(cell).collect())
    };
    let header = table.header.iter().map(|cells| row(cells, true));
    Node::parent("table", header.chain(table.rows.iter().map(|cells| row(cells, false))).collect())
}

/// A paragraph without text.
pub(crate) fn empty_paragraph() -> Node {
    Node::parent("paragraph", Vec::new())
}

/// A paragraph of tidy inlines.
pub(crate) fn paragraph(inlines: &[Inline]) -> Node {
    Node::parent("paragraph", inline_nodes(inlines))
}

fn inline_nodes(inlines: &[Inline]) -> Vec<Node> {
    inlines.iter().filter_map(inline_node).collect()
}

fn inline_node(inline: &Inline) -> Option<Node> {
    match inline {
        Inline::Text(text) => Node::text(text.as_str(), marks(text.marks())),
        Inline::Link(link) => linked(link.text.as_str(), Some(&link.href)),
        Inline::Status(status) => {
            Some(Node::leaf("status").attr("text", status.text.as_str()).attr("color", status_color(status.colour)))
        }
        Inline::Date(date) => Some(Node::leaf("date").attr("timestamp", date.epoch_ms().to_string())),
        Inline::LineBreak => Some(Node::leaf("hardBreak")),
        Inline::PageLink(link) => linked(link.text.as_str(), link.url.as_ref()),
        Inline::IssueRef(issue) => linked(issue.key.as_str(), issue.url.as_ref()),
    }
}

fn linked(text: &str, href: Option<&Href>) -> Option<Node> {
    let mark = |href: &Href| json!({ "type": "link", "attrs": { "href": href.as_str() } });
    Node::text(text, href.map(mark).into_iter().collect())
}

/// Marks in the order of the editor's schema, so that a document read back and sent again stays the same.
fn marks(marks: Marks) -> Vec<Value> {
    [
        (marks.is_emphasis(), "em"),
        (marks.is_strong(), "strong"),
        (marks.is_strike(), "strike"),
        (marks.is_underline(), "underline"),
        (marks.is_code(), "code"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, kind)| json!({ "type": kind }))
    .collect()
}

fn panel_type(kind: PanelKind) -> &'static str {
    match kind {
        PanelKind::Info => "info",
        PanelKind::Note => "note",
        PanelKind::Success => "success",
        PanelKind::Warning => "warning",
        PanelKind::Error => "error",
    }
}

fn status_color(colour: StatusColour) -> &'static str {
    match colour {
        StatusColour::Neutral => "neutral",
        StatusColour::Green => "green",
        StatusColour::Red => "red",
        StatusColour::Yellow => "yellow",
        StatusColour::Blue => "blue",
        StatusColour::Purple => "purple",
    }
}
