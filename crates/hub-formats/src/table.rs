//! Tables that teams keep by hand or export: test cases, results and defects as `|`, `;`, `,` or tab separated text.
//!
//! What a table holds is decided by its header alone: names are compared without case, accents, spaces and signs, in
//! Spanish and English ([`columns`]). A `|` file has no quotes, only `\|`; the others are RFC 4180 with line breaks
//! inside quotes ([`rows`]). Title lines, `sep=;` and code fences may stand before the header; blank lines, repeated
//! headers, template rows and totals between the rows.

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::Record;

use crate::head::Head;
use crate::input::Input;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

pub(crate) mod columns;
mod rows;

pub(crate) use columns::Column;
use columns::{Header, Kind};
use rows::{Dialect, Next, Rows};

/// Lines in which the header is looked for.
const HEADER_WITHIN_LINES: usize = 20;

/// How a header says where cells end, and what it names.
fn header_of(line: &str) -> Option<(Dialect, Header)> {
    let found = Dialect::ALL.into_iter().map(|dialect| (dialect, Header::new(rows::split_line(dialect, line))));
    found.filter(|(_, header)| header.kind().is_some()).max_by_key(|(_, header)| header.known())
}

/// Whether a file is a table of this kind.
pub(crate) fn is_table(head: &Head<'_>, kind: Kind) -> bool {
    let lines = head.text.lines().take(HEADER_WITHIN_LINES);
    lines.filter_map(header_of).next().is_some_and(|(_, header)| header.kind() == Some(kind))
}

/// One row, by the names of its columns.
pub(crate) struct Row<'t> {
    header: &'t Header,
    cells: Vec<String>,
    taken: Vec<bool>,
    line: u64,
}

impl Row<'_> {
    /// The value of a column, where it has one and is not taken yet.
    pub(crate) fn take(&mut self, column: Column) -> Option<String> {
        let index = self.header.index_of(column)?;
        *self.taken.get_mut(index)? = true;
        self.cells.get_mut(index).map(std::mem::take).filter(|value| !value.is_empty())
    }

    /// The columns that were not taken and hold something, as header and value.
    pub(crate) fn rest(self) -> Vec<(String, String)> {
        let names = self.header.names().iter().cloned();
        let cells = names.zip(self.cells).zip(self.taken);
        cells.filter(|((_, value), taken)| !taken && !value.is_empty()).map(|(cell, _)| cell).collect()
    }

    /// The line at which the row begins.
    pub(crate) fn line(&self) -> Option<u64> {
        Some(self.line)
    }
}

/// Whether an id may stand in several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// One row per id: cases and defects. Their ids are kept in memory for as long as the file is read.
    Unique,
    /// A result per case and device.
    Repeat,
}

/// Reads a table whose id is in one of the columns `id`; `make` turns an id and its row into a record.
pub(crate) fn read(
    input: &mut Input<'_>,
    reporter: &mut Reporter<'_>,
    id: &[Column],
    ids: Ids,
    make: fn(String, Row<'_>) -> Record,
) {
    let _ = Table { seen: HashMap::new(), rows_read: 0 }.read(input, reporter, id, ids, make);
}

struct Table {
    /// The line at which an id was first used.
    seen: HashMap<String, u64>,
    rows_read: u64,
}

impl Table {
    fn read(
        &mut self,
        input: &mut Input<'_>,
        reporter: &mut Reporter<'_>,
        id: &[Column],
        ids: Ids,
        make: fn(String, Row<'_>) -> Record,
    ) -> ControlFlow<()> {
        let mut rows = Rows::new(input);
        let (header, header_line) = find_header(&mut rows, reporter)?;
        let mut cells = Vec::new();
        loop {
            let (next, line) = rows.next_row(&mut cells);
            let at = At { line, column: 1 };
            match next {
                Next::End => break,
                Next::Failed(error) => {
                    let message = format!("reading the file failed: {error}");
                    return reporter.fatal(&codes::UNREADABLE_FILE, Some(at), &message, None);
                }
                Next::Unreadable(what) => {
                    self.rows_read += 1;
                    reporter.rejected(&codes::WRONG_COLUMNS, Some(at), what, cells.first().map(String::as_str));
                }
                Next::Row => {
                    if is_noise(&header, &cells) {
                        continue;
                    }
                    self.rows_read += 1;
                    if let Some((id, row)) = self.accept(&header, &mut cells, line, id, ids, reporter) {
                        reporter.record(make(id, row))?;
                    }
                }
            }
        }
        if self.rows_read == 0 {
            let at = At { line: header_line, column: 1 };
            reporter.repaired(&codes::EMPTY_REPORT, Some(at), "the file holds a header and no row");
        }
        ControlFlow::Continue(())
    }

    /// Checks a row's shape and id, and cleans its cells.
    fn accept<'h>(
        &mut self,
        header: &'h Header,
        cells: &mut Vec<String>,
        line: u64,
        id: &[Column],
        ids: Ids,
        reporter: &mut Reporter<'_>,
    ) -> Option<(String, Row<'h>)> {
        let at = At { line, column: 1 };
        let width = header.names().len();
        // Spreadsheets write empty cells behind the last one that was ever used.
        while cells.len() > width && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        let id_index = id.iter().find_map(|column| header.index_of(*column));
        let subject = id_index.and_then(|index| cells.get(index)).or(cells.first()).map(|cell| cell.trim().to_owned());
        if cells.len() != width {
            let message = format!("the row has {} columns, the header {width}", cells.len());
            reporter.rejected(&codes::WRONG_COLUMNS, Some(at), &message, subject.as_deref());
            return None;
        }
        let cells: Vec<String> = cells.drain(..).map(|cell| tidy(&cell, at, reporter)).collect();
        let mut row = Row { header, taken: vec![false; width], cells, line };
        let Some(id) = id.iter().find_map(|column| row.take(*column)) else {
            let title = [Column::Title, Column::Description].into_iter().find_map(|column| row.take(column));
            reporter.rejected(&codes::NO_NAME, Some(at), "the row has no id", title.as_deref());
            return None;
        };
        if is_template(&id) {
            reporter.repaired(&codes::NO_NAME, Some(at), &format!("the template row {id} was left out"));
            return None;
        }
        if ids == Ids::Unique {
            if let Some(first) = self.seen.get(&id) {
                let message = format!("the id stands in line {first} already");
                reporter.rejected(&codes::ID_TWICE, Some(at), &message, Some(&id));
                return None;
            }
            self.seen.insert(id.clone(), line);
        }
        Some((id, row))
    }
}

/// Reads up to the header and fixes how cells end.
fn find_header(rows: &mut Rows<'_, '_>, reporter: &mut Reporter<'_>) -> ControlFlow<(), (Header, u64)> {
    for _ in 0..HEADER_WITHIN_LINES {
        match rows.next_line() {
            Ok(Some((line, text))) => {
                if let Some((dialect, header)) = header_of(&text) {
                    rows.set_dialect(dialect);
                    return ControlFlow::Continue((header, line));
                }
            }
            Ok(None) => break,
            Err(error) => {
                let message = format!("reading the file failed: {error}");
                reporter.fatal(&codes::UNREADABLE_FILE, None, &message, None)?;
            }
        }
    }
    reporter.fatal(&codes::NOT_A_REPORT, None, "no header was found", None)?;
    ControlFlow::Break(())
}

/// A cell without what cannot be published and without space around it.
fn tidy(cell: &str, at: At, reporter: &mut Reporter<'_>) -> String {
    let mut text = String::with_capacity(cell.len());
    if hygiene::clean(cell.trim(), &mut text) {
        reporter.controls(at);
    }
    if hygiene::cut(&mut text, Field::Column.limit()) {
        reporter.cut(Field::Column, at);
    }
    text
}

/// Rows that are none: blank ones, the header again, totals and code fences that a language model adds.
fn is_noise(header: &Header, cells: &[String]) -> bool {
    let first = cells.first().map(|cell| cell.trim()).unwrap_or_default();
    let folded = columns::fold(first);
    cells.iter().all(|cell| cell.trim().is_empty())
        || header.is_repeated_by(cells)
        || first.starts_with("```")
        || (cells.len() < header.names().len()
            && ["totaltestcases", "coberturaistqb", "totalcasos", "totaldecasos", "istqbcoverage"]
                .iter()
                .any(|footer| folded.starts_with(footer)))
}

/// An id that a template leaves to be filled in: `<TC_ID>`, `CTB-XXX`.
fn is_template(id: &str) -> bool {
    (id.starts_with('<') && id.ends_with('>')) || id.ends_with("-XXX") || id.ends_with("_XXX")
}

/// Ids in one cell: separated by space, `,`, `;` or a `/` between spaces. Template ids are left out.
pub(crate) fn ids(cell: &str) -> Vec<String> {
    let parts = cell.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    parts.filter(|part| !part.is_empty() && *part != "/" && !is_template(part)).map(str::to_owned).collect()
}
