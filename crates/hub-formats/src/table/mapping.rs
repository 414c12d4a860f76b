//! A project's own tables: the header is recognised by the names that its settings require, and each column means what
//! they say. What they leave out is recognised by its name, or kept as it is.

use hub_domain::settings::{TableField, TableHolds, TableSettings};

use super::columns::{Header, fold};
use super::rows::{Dialect, split_line};
use super::{HEADER_WITHIN_LINES, read_found};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::{Format, csv_cases, csv_defects, csv_results};

/// The table that a file is, and the format that reads it.
pub(crate) fn find<'s>(head: &Head<'_>, tables: &'s [TableSettings]) -> Option<(&'s TableSettings, &'static Format)> {
    let table = tables.iter().find(|table| {
        let lines = head.text.lines().take(HEADER_WITHIN_LINES);
        table.holds.is_some() && lines.into_iter().any(|line| header_of(table, line).is_some())
    })?;
    let format = match table.holds? {
        TableHolds::Cases => &csv_cases::FORMAT,
        TableHolds::Results => &csv_results::FORMAT,
        TableHolds::Defects => &csv_defects::FORMAT,
    };
    Some((table, format))
}

/// Reads a file that is one of the project's tables.
pub(crate) fn read(table: &TableSettings, input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    reporter.table(&table.name);
    let reading = match table.holds {
        Some(TableHolds::Cases) => &csv_cases::READING,
        Some(TableHolds::Defects) => &csv_defects::READING,
        Some(TableHolds::Results) | None => &csv_results::READING,
    };
    read_found(input, reporter, reading, |_, line| header_of(table, line));
}

/// The header of the table in a line that holds every required name.
fn header_of(table: &TableSettings, line: &str) -> Option<(Dialect, Header)> {
    let dialects =
        Dialect::ALL.into_iter().filter(|dialect| table.delimiter().is_none_or(|d| dialect.delimiter() == d));
    let headers = dialects.filter_map(|dialect| {
        let cells = split_line(dialect, line);
        let folded: Vec<String> = cells.iter().map(|cell| fold(cell)).collect();
        let mut required = table.required_names().peekable();
        required.peek()?;
        if !required.all(|name| folded.contains(&fold(name))) {
            return None;
        }
        let meaning = |name: &str| -> Option<TableField> {
            table.columns.iter().find(|(column, _)| fold(column) == name).map(|(_, field)| *field)
        };
        let constants = table.constants.iter().map(|(field, value)| (*field, value.clone())).collect();
        Some((dialect, Header::with(cells, meaning, constants)))
    });
    headers.max_by_key(|(_, header)| header.known())
}
