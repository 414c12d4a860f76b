//! One row, by the names of its columns.

use super::Column;
use super::columns::Header;

/// One row, by the names of its columns.
pub(crate) struct Row<'t> {
    header: &'t Header,
    cells: Vec<String>,
    taken: Vec<bool>,
    line: u64,
}

impl<'t> Row<'t> {
    /// A row with as many cells as its header has names.
    pub(super) fn new(header: &'t Header, cells: Vec<String>, line: u64) -> Self {
        Self { header, taken: vec![false; cells.len()], cells, line }
    }

    /// The header above it.
    pub(super) fn header(&self) -> &'t Header {
        self.header
    }

    /// The value of a column, where it has one and is not taken yet; else what holds for every row.
    pub(crate) fn take(&mut self, column: Column) -> Option<String> {
        let cell = self.header.index_of(column).and_then(|index| {
            *self.taken.get_mut(index)? = true;
            self.cells.get_mut(index).map(std::mem::take)
        });
        cell.filter(|value| !value.is_empty()).or_else(|| self.header.constant(column).map(str::to_owned))
    }

    /// The same without taking it.
    pub(crate) fn peek(&self, column: Column) -> Option<&str> {
        let cell = self.header.index_of(column).and_then(|index| self.cells.get(index)).map(String::as_str);
        cell.filter(|value| !value.is_empty()).or_else(|| self.header.constant(column))
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
