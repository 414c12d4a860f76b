//! Keeps an ADF document within what a Jira field holds.
//!
//! A document that is too long is cut from its end: whole blocks, then whole table rows and list items, then text, at a
//! line or word where one is near. In the place of what is missing stands a note that the caller words, because it knows
//! the reader's language and where the full text is. The same document and limits give the same cut.

use crate::adf::{empty_paragraph, paragraph};
use crate::adf_node::{Node, escaped_chars, list_chars};
use crate::inline::Inline;
use crate::nesting::tidy;
use crate::text::cluster_start;

/// Default limit in characters of compact JSON. Jira holds 32,767 in a rich-text field and does not say whether it counts
/// the JSON or the text in it; counting the JSON is right either way, and the rest is room for what Jira adds when it
/// stores a document (local ids). Source: Jira's own
/// error text, "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
pub const JIRA_MAX_CHARS: usize = 30_000;

/// A smaller limit counts as this one: below it not even a note would fit.
pub const MIN_ADF_CHARS: usize = 512;

/// The document around its blocks.
const FRAME_CHARS: usize = r#"{"version":1,"type":"doc","content":[]}"#.len();

/// A text is not cut to less than this: a few letters say nothing, so it is left out whole.
const MIN_TEXT_CHARS: usize = 16;

/// How long a document may be, and what is said when it is cut.
pub struct Limits<'a> {
    /// Largest size of the compact JSON in UTF-16 code units (at least as many as Unicode characters), the note included.
    pub max_chars: usize,
    /// Words the note for what was left out, e.g. "… 412 more rows in the full report". A note longer than a quarter of
    /// the limit is cut; no inlines, no note.
    pub note: &'a dyn Fn(&Truncation) -> Vec<Inline>,
}

impl<'a> Limits<'a> {
    /// Jira's limit ([`JIRA_MAX_CHARS`]) and this note.
    #[must_use]
    pub fn jira(note: &'a dyn Fn(&Truncation) -> Vec<Inline>) -> Self {
        Self { max_chars: JIRA_MAX_CHARS, note }
    }
}

/// What was left out of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truncation {
    /// Size the whole document would have had, in the unit of the limit.
    pub full_chars: usize,
    /// Top-level blocks left out whole.
    pub dropped_blocks: usize,
    /// Table rows left out, header rows not counted.
    pub dropped_rows: usize,
    /// List items left out.
    pub dropped_items: usize,
    /// Characters of text left out, whether with their blocks or inside one that was cut.
    pub dropped_text_chars: usize,
}

/// Characters of the compact JSON of a document with these blocks.
pub(crate) fn document_chars(blocks: &[Node]) -> usize {
    FRAME_CHARS + list_chars(blocks)
}

/// The blocks, cut to the limit, with the note behind them where something is missing.
pub(crate) fn fit(blocks: Vec<Node>, limits: &Limits<'_>) -> (Vec<Node>, Option<Truncation>) {
    let max_chars = limits.max_chars.max(MIN_ADF_CHARS);
    let full = Measure::of(&blocks);
    let full_chars = document_chars(&blocks);
    if full_chars <= max_chars {
        return (blocks, None);
    }
    let note_cap = max_chars / 4;
    let attempt = |reserve: usize| {
        let mut cutter = Cutter::default();
        let mut kept = cutter.sequence(&blocks, max_chars - FRAME_CHARS - reserve);
        let truncation = full.without(Measure::of(&kept), cutter.added_chars, full_chars);
        kept.extend(note_node(limits, &truncation, note_cap));
        (kept, truncation)
    };
    // The note names what was left out, so its length is known only after the cut. First with the length it has when all
    // is left out; should the real one be longer, with the most it may take, which always fits.
    let all = full.without(Measure::default(), 0, full_chars);
    let expected = note_node(limits, &all, note_cap).map_or(0, |note| note.chars() + 1);
    let (kept, truncation) = attempt(expected);
    if document_chars(&kept) <= max_chars {
        return (kept, Some(truncation));
    }
    let (kept, truncation) = attempt(note_cap + 1);
    (kept, Some(truncation))
}

fn note_node(limits: &Limits<'_>, truncation: &Truncation, cap: usize) -> Option<Node> {
    let inlines = tidy(&(limits.note)(truncation));
    let note = paragraph(&inlines);
    if note.children().is_empty() {
        return None;
    }
    if note.chars() <= cap { Some(note) } else { Cutter::default().cut(&note, cap) }
}

/// What a document holds, counted.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    blocks: usize,
    rows: usize,
    items: usize,
    text_chars: usize,
}

impl Measure {
    fn of(blocks: &[Node]) -> Self {
        let mut measure = Self { blocks: blocks.len(), ..Self::default() };
        for block in blocks {
            measure.add(block);
        }
        measure
    }

    fn add(&mut self, node: &Node) {
        match node.kind {
            "tableRow" if !is_header_row(node) => self.rows += 1,
            "listItem" => self.items += 1,
            "text" => self.text_chars += node.text.as_deref().unwrap_or_default().chars().count(),
            "status" => {
                let text = node.attrs.get("text").and_then(|text| text.as_str()).unwrap_or_default();
                self.text_chars += text.chars().count();
            }
            _ => {}
        }
        for child in node.children() {
            self.add(child);
        }
    }

    fn without(self, kept: Self, added_chars: usize, full_chars: usize) -> Truncation {
        Truncation {
            full_chars,
            dropped_blocks: self.blocks - kept.blocks,
            dropped_rows: self.rows - kept.rows,
            dropped_items: self.items - kept.items,
            dropped_text_chars: (self.text_chars + added_chars).saturating_sub(kept.text_chars),
        }
    }
}

fn is_header_row(row: &Node) -> bool {
    row.children().iter().all(|cell| cell.kind == "tableHeader")
}

/// Cuts nodes to a budget of characters. Whatever it returns is as valid as what it was given.
#[derive(Default)]
struct Cutter {
    /// Characters that were not in the document: the ellipses where a text was cut.
    added_chars: usize,
}

impl Cutter {
    /// The longest beginning of the nodes, the first one that does not fit cut if it can be.
    fn sequence(&mut self, nodes: &[Node], budget: usize) -> Vec<Node> {
        let (mut kept, mut left) = leading(nodes, budget);
        let Some(next) = nodes.get(kept.len()) else { return kept };
        if !kept.is_empty() {
            left = left.saturating_sub(1);
        }
        match self.cut(next, left) {
            Some(part) => kept.push(part),
            None => {
                // A heading, a line or a break with nothing behind it says nothing.
                while kept.len() > 1 && kept.last().is_some_and(|n| matches!(n.kind, "heading" | "rule" | "hardBreak"))
                {
                    kept.pop();
                }
            }
        }
        kept
    }

    /// A shorter form of a node that is longer than the budget; `None` when there is none worth showing.
    fn cut(&mut self, node: &Node, budget: usize) -> Option<Node> {
        let before = self.added_chars;
        let part = if node.kind == "text" {
            self.cut_text(node, budget, Ellipsis::InLine)
        } else {
            self.cut_parent(node, budget)
        };
        if part.is_none() {
            self.added_chars = before; // what was cut inside it is not shown
        }
        part
    }

    fn cut_parent(&mut self, node: &Node, budget: usize) -> Option<Node> {
        let inner = budget.checked_sub(node.own_chars())?;
        let content = match node.kind {
            "codeBlock" => vec![self.cut_text(node.children().first()?, inner, Ellipsis::OwnLine)?],
            "table" => self.cut_rows(node.children(), inner)?,
            "tableCell" | "tableHeader" => {
                let content = self.sequence(node.children(), inner);
                let empty = empty_paragraph();
                match (content.is_empty(), empty.chars() <= inner) {
                    (false, _) => content,
                    (true, true) => vec![empty],
                    (true, false) => return None,
                }
            }
            "paragraph" | "heading" | "bulletList" | "orderedList" | "listItem" | "panel" | "expand"
            | "nestedExpand" | "blockquote" => self.sequence(node.children(), inner),
            _ => return None,
        };
        (!content.is_empty()).then(|| Node { content: Some(content), ..node.clone() })
    }

    /// Whole rows; only a first row that is longer than the budget is cut, so that its table shows something.
    fn cut_rows(&mut self, rows: &[Node], budget: usize) -> Option<Vec<Node>> {
        let (mut kept, left) = leading(rows, budget);
        let headers = kept.iter().take_while(|row| is_header_row(row)).count();
        if kept.len() == headers {
            let next = rows.get(kept.len())?;
            let left = if kept.is_empty() { left } else { left.saturating_sub(1) };
            kept.push(self.cut_row(next, left)?);
        }
        Some(kept)
    }

    /// Cells that fit their share of the row stay whole, the others share what is left.
    fn cut_row(&mut self, row: &Node, budget: usize) -> Option<Node> {
        let cells = row.children();
        let room = budget.checked_sub(row.own_chars() + cells.len().saturating_sub(1))?;
        let share = room.checked_div(cells.len())?;
        let sizes: Vec<usize> = cells.iter().map(Node::chars).collect();
        let small: usize = sizes.iter().filter(|size| **size <= share).sum();
        let large = sizes.iter().filter(|size| **size > share).count();
        let large_share = (room - small).checked_div(large).unwrap_or(share);
        let mut content = Vec::with_capacity(cells.len());
        for (cell, size) in cells.iter().zip(&sizes) {
            content.push(if *size <= large_share { cell.clone() } else { self.cut(cell, large_share)? });
        }
        Some(Node { content: Some(content), ..row.clone() })
    }

    fn cut_text(&mut self, node: &Node, budget: usize, ellipsis: Ellipsis) -> Option<Node> {
        let text = node.text.as_deref()?;
        let frame = node.own_chars() - text.chars().map(escaped_chars).sum::<usize>();
        let (mark, separators) = match ellipsis {
            Ellipsis::InLine => ("…", &[' ', '\t'][..]),
            Ellipsis::OwnLine => ("\n…", &['\n'][..]),
        };
        let mut room = budget.checked_sub(frame + mark.chars().map(escaped_chars).sum::<usize>())?;
        let mut end = 0;
        for (start, c) in text.char_indices() {
            let Some(left) = room.checked_sub(escaped_chars(c)) else { break };
            room = left;
            end = start + c.len_utf8();
        }
        let (head, _) = text.split_at(cluster_start(text, end));
        // A separator in the last fifth is near enough to cut there; otherwise too much would be lost for looks.
        let head = match head.rfind(separators) {
            Some(at) if at >= head.len() / 5 * 4 => head.split_at(at).0,
            Some(_) | None => head,
        };
        if head.chars().count() < MIN_TEXT_CHARS {
            return None;
        }
        self.added_chars += mark.chars().count();
        Some(Node { text: Some(format!("{head}{mark}")), ..node.clone() })
    }
}

/// Where the mark of a cut text stands.
enum Ellipsis {
    InLine,
    OwnLine,
}

/// The longest beginning of whole nodes within the budget, and what is left of it.
fn leading(nodes: &[Node], budget: usize) -> (Vec<Node>, usize) {
    let (mut kept, mut left) = (Vec::new(), budget);
    for node in nodes {
        let comma = usize::from(!kept.is_empty());
        let Some(rest) = left.checked_sub(node.chars() + comma) else { break };
        left = rest;
        kept.push(node.clone());
    }
    (kept, left)
}
