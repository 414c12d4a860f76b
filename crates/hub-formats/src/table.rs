//! Tables that teams keep by hand or export: test cases, results and defects as `|`, `;`, `,` or tab separated text.
//!
//! What a table holds is decided by its header alone: names are compared without case, accents, spaces and signs, in
//! Spanish and English ([`columns`]); a project's settings describe any other ([`mapping`]). A `|` file has no quotes,
//! only `\|`; the others are RFC 4180 with line breaks inside quotes ([`rows`]). Title lines, `sep=;` and code fences may
//! stand before the header; blank lines, repeated headers, template rows and totals between the rows ([`junk`]).

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::Record;

use crate::head::Head;
use crate::input::Input;
use crate::reporter::{At, Reporter};

mod cells;
pub(crate) mod columns;
pub(crate) mod execution;
mod junk;
pub(crate) mod look;
pub(crate) mod mapping;
pub(crate) mod outcome;
mod row;
mod rows;
pub(crate) mod sections;

pub(crate) use cells::ids;
pub(crate) use columns::Column;
use columns::{Header, Kind};
use junk::Junk;
pub(crate) use row::Row;
use rows::{Dialect, Next, Rows};

/// Lines in which the header is looked for.
const HEADER_WITHIN_LINES: usize = 20;

/// How a header says where cells end, and what it names.
fn header_of(line: &str) -> Option<(Dialect, Header)> {
    let found = Dialect::ALL.into_iter().map(|dialect| (dialect, Header::new(rows::split_line(dialect, line))));
    found.filter(|(_, header)| header.kind().is_some()).max_by_key(|(_, header)| header.known())
}

/// What a file holds whose header is known; nothing for any other file.
fn kind_of(head: &Head<'_>) -> Option<Kind> {
    let lines = head.text.lines().take(HEADER_WITHIN_LINES);
    lines.filter_map(header_of).next().and_then(|(_, header)| header.kind())
}

/// Whether a file is a table of this kind.
pub(crate) fn is_table(head: &Head<'_>, kind: Kind) -> bool {
    kind_of(head) == Some(kind)
}

/// Whether an id may stand in several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// One row per id: cases and defects. Their ids are kept in memory for as long as the file is read.
    Unique,
    /// A result per case and device.
    Repeat,
}

/// What a row without an id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithoutId {
    /// No record.
    Rejected,
    /// What its title says: the test's own name.
    Titled,
    /// The defect whose number its subject begins with, as in a list that was never imported: `CTB-001 [WEB] ...`.
    Numbered,
}

/// How the rows of a kind of table become records.
pub(crate) struct Reading {
    /// The columns that may hold the row's id, the likelier first.
    pub(crate) id: &'static [Column],
    pub(crate) ids: Ids,
    pub(crate) without_id: WithoutId,
    /// Makes the records of a row; its id is empty where the title says all.
    pub(crate) make: fn(String, Row<'_>, &mut Vec<Record>),
}

/// Reads a table whose header is known.
pub(crate) fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>, reading: &Reading) {
    read_found(input, reporter, reading, |_, line| header_of(line));
}

/// Reads a table whose header is where `header` finds it: it is asked for each line with its number.
fn read_found(
    input: &mut Input<'_>,
    reporter: &mut Reporter<'_>,
    reading: &Reading,
    header: impl Fn(u64, &str) -> Option<(Dialect, Header)>,
) {
    let mut table = Table { reading, seen: HashMap::new(), rows_read: 0, junk: Junk::default() };
    let _ = table.read(input, reporter, header);
    table.junk.report(reporter);
}

struct Table<'r> {
    reading: &'r Reading,
    /// The line at which an id was first used.
    seen: HashMap<String, u64>,
    rows_read: u64,
    junk: Junk,
}

impl Table<'_> {
    fn read(
        &mut self,
        input: &mut Input<'_>,
        reporter: &mut Reporter<'_>,
        header: impl Fn(u64, &str) -> Option<(Dialect, Header)>,
    ) -> ControlFlow<()> {
        let mut rows = Rows::new(input);
        let (header, header_line) = find_header(&mut rows, reporter, header)?;
        let mut cells = Vec::new();
        let mut records = Vec::new();
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
                    if self.junk.takes(&header, &cells, at) {
                        continue;
                    }
                    if let Some((id, row)) = self.accept(&header, &mut cells, line, reporter) {
                        (self.reading.make)(id, row, &mut records);
                    }
                    for record in records.drain(..) {
                        reporter.record(record)?;
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
        reporter: &mut Reporter<'_>,
    ) -> Option<(String, Row<'h>)> {
        let at = At { line, column: 1 };
        let width = header.names().len();
        // Spreadsheets write empty cells behind the last one that was ever used.
        while cells.len() > width && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        let id_index = self.reading.id.iter().find_map(|column| header.index_of(*column));
        let subject = id_index.and_then(|index| cells.get(index)).or(cells.first()).map(|cell| cell.trim().to_owned());
        if cells.len() != width {
            self.rows_read += 1;
            let message = format!("the row has {} columns, the header {width}", cells.len());
            reporter.rejected(&codes::WRONG_COLUMNS, Some(at), &message, subject.as_deref());
            return None;
        }
        if junk::is_template(header, cells, id_index) {
            self.junk.template(at);
            return None;
        }
        self.rows_read += 1;
        let subject = subject.unwrap_or_default();
        let tidy = |(index, cell): (usize, String)| cells::tidy(header, index, &cell, at, &subject, reporter);
        let cells: Vec<String> = cells.drain(..).enumerate().map(tidy).collect();
        let mut row = Row::new(header, cells, line);
        let own = self.reading.id.iter().find_map(|column| row.take(*column));
        let Some(id) = own.or_else(|| self.id_of(&row, at, reporter)) else {
            let title = [Column::Title, Column::Description].into_iter().find_map(|column| row.take(column));
            reporter.rejected(&codes::NO_NAME, Some(at), "the row has no id", title.as_deref());
            return None;
        };
        if self.reading.ids == Ids::Unique {
            if let Some(first) = self.seen.get(&id) {
                let message = format!("the id stands in line {first} already");
                reporter.rejected(&codes::ID_TWICE, Some(at), &message, Some(&id));
                return None;
            }
            self.seen.insert(id.clone(), line);
        }
        Some((id, row))
    }

    /// What stands for the id of a row that has none.
    fn id_of(&self, row: &Row<'_>, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
        let title = row.peek(Column::Title)?;
        match self.reading.without_id {
            WithoutId::Rejected => None,
            WithoutId::Titled => Some(String::new()),
            WithoutId::Numbered => {
                let number = cells::leading_number(title)?;
                let message = "the row has no id; the number that its title begins with was taken";
                reporter.repaired_of(&codes::NO_NAME, Some(at), message, Some(number));
                Some(number.to_owned())
            }
        }
    }
}

/// Reads up to the header and fixes how cells end.
fn find_header(
    rows: &mut Rows<'_, '_>,
    reporter: &mut Reporter<'_>,
    header: impl Fn(u64, &str) -> Option<(Dialect, Header)>,
) -> ControlFlow<(), (Header, u64)> {
    for _ in 0..HEADER_WITHIN_LINES {
        match rows.next_line() {
            Ok(Some((line, text))) => {
                if let Some((dialect, header)) = header(line, &text) {
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
