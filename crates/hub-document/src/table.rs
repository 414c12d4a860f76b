//! Tables. Rows may differ in length when they are added; an encoder sees them all as wide as the widest.

use serde::Serialize;

use crate::model::{Block, Content};

/// A table with an optional header row and an optional header column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Table {
    pub(crate) header: Option<Vec<Content>>,
    pub(crate) rows: Vec<Vec<Content>>,
    pub(crate) header_column: bool,
}

impl Table {
    /// A table without rows: it is not drawn until it has some.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The header row.
    #[must_use]
    pub fn header<C: Into<Content>>(self, cells: impl IntoIterator<Item = C>) -> Self {
        Self { header: Some(cells.into_iter().map(Into::into).collect()), ..self }
    }

    /// Adds a row.
    #[must_use]
    pub fn row<C: Into<Content>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        self.push_row(cells);
        self
    }

    /// Adds a row in place.
    pub fn push_row<C: Into<Content>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The first cell of every row is a heading of that row. Without effect on a table of one column.
    #[must_use]
    pub fn with_header_column(self) -> Self {
        Self { header_column: true, ..self }
    }

    /// Rows below the header.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Columns: cells of the widest row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.rows.iter().chain(&self.header).map(Vec::len).max().unwrap_or(0)
    }

    /// The same table, every cell mapped and every row filled up with empty cells; `None` when there is nothing to draw.
    pub(crate) fn filled(&self, mut cell: impl FnMut(&Content) -> Content) -> Option<Self> {
        let width = self.width();
        if width == 0 {
            return None;
        }
        let mut fill = |row: &Vec<Content>| -> Vec<Content> {
            let mut cells: Vec<Content> = row.iter().map(&mut cell).collect();
            cells.resize(width, Content::default());
            cells
        };
        Some(Self {
            header: self.header.as_ref().map(&mut fill),
            rows: self.rows.iter().map(&mut fill).collect(),
            header_column: self.header_column && width > 1,
        })
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}
