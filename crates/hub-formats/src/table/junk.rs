//! Lines between the rows that hold no record: blank ones, the header again, rows of a template that nobody filled in,
//! totals and code fences that a language model adds. They are left out and counted; nothing else is ever left out.

use hub_domain::codes;

use super::columns::{self, Column, Header};
use crate::reporter::{At, Reporter};

/// How footers begin that say something of the whole table, folded.
const FOOTERS: &[&str] =
    &["totaltestcases", "coberturaistqb", "totalcasos", "totaldecasos", "istqbcoverage", "totalcases", "totaltests"];

/// What was left out of one table.
#[derive(Debug, Default)]
pub(super) struct Junk {
    blank: u64,
    /// Blank lines that no row follows yet: those at a file's end are no lines of the table.
    pending: u64,
    pending_first: Option<At>,
    headers: u64,
    templates: u64,
    footers: u64,
    first: Option<At>,
}

impl Junk {
    /// Whether a row is none, which is then counted.
    pub(super) fn takes(&mut self, header: &Header, cells: &[String], at: At) -> bool {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            self.pending += 1;
            self.pending_first.get_or_insert(at);
            return true;
        }
        if self.pending > 0 {
            self.blank += std::mem::take(&mut self.pending);
            let pending = self.pending_first.take();
            self.first = self.first.or(pending);
        }
        let counter = if header.is_repeated_by(cells) {
            &mut self.headers
        } else if is_footer(header, cells) {
            &mut self.footers
        } else {
            return false;
        };
        *counter += 1;
        self.first.get_or_insert(at);
        true
    }

    /// Counts a row of a template.
    pub(super) fn template(&mut self, at: At) {
        self.templates += 1;
        self.first.get_or_insert(at);
    }

    /// Says what was left out, in one line.
    pub(super) fn report(&self, reporter: &mut Reporter<'_>) {
        let parts = [
            (self.blank, "blank line", "blank lines"),
            (self.headers, "repeated header", "repeated headers"),
            (self.templates, "template row", "template rows"),
            (self.footers, "footer", "footers"),
        ];
        let total: u64 = parts.iter().map(|(count, ..)| count).sum();
        if total > 0 {
            let there = parts.iter().filter(|(count, ..)| *count > 0);
            let parts: Vec<String> =
                there.map(|(count, one, more)| format!("{count} {}", if *count == 1 { one } else { more })).collect();
            let lines = if total == 1 { "line that holds no record was" } else { "lines that hold no record were" };
            let message = format!("{total} {lines} left out: {}", parts.join(", "));
            reporter.repaired(&codes::LEFT_OUT, self.first, &message);
        }
    }
}

fn is_footer(header: &Header, cells: &[String]) -> bool {
    let first = cells.first().map(|cell| cell.trim()).unwrap_or_default();
    let folded = columns::fold(first);
    let fence = first.starts_with("```");
    fence || (cells.len() < header.names().len() && FOOTERS.iter().any(|footer| folded.starts_with(footer)))
}

/// Whether a row is one that a template leaves to be filled in: its id is a placeholder, or it has none and its title is.
pub(super) fn is_template(header: &Header, cells: &[String], id_index: Option<usize>) -> bool {
    let cell = |index: usize| cells.get(index).map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    match id_index.and_then(cell) {
        Some(id) => is_placeholder(id),
        None => {
            let title = [Column::Title, Column::Description].into_iter().find_map(|column| header.index_of(column));
            let title = title.and_then(cell).unwrap_or_default();
            title.split_whitespace().next().is_some_and(is_placeholder)
                || title.split_once('<').and_then(|(_, rest)| rest.split_once('>')).is_some_and(|(inside, _)| {
                    !inside.is_empty() && inside.chars().all(|c| c.is_alphabetic() || c == ' ' || c == '_')
                })
        }
    }
}

/// An id that a template leaves to be filled in: `<TC_ID>`, `CTB-XXX`, `TC_[MOD]_###`.
pub(super) fn is_placeholder(id: &str) -> bool {
    (id.starts_with('<') && id.ends_with('>')) || ["XXX", "###"].iter().any(|end| id.ends_with(end)) || id == "..."
}
