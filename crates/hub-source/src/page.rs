//! Pages of rows. A page is found by the position of the last row before it and never by counting, so the last costs what the
//! first does; it is read by a statement of its own, so nothing is held open at the source between two of them.

use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{
    Session, SourceError, Table,
    rows::{self, Row},
    table::Rows,
};

/// How far a table has been read: a time, and the key that breaks ties.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The time of the last row that was read.
    pub at: OffsetDateTime,
    /// Its key.
    pub key: String,
}

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    /// Its rows, in the order of the read.
    pub rows: Vec<Row>,
    /// Whether there may be more behind it.
    pub more: bool,
}

impl Page {
    /// The position of the last row, where it has one.
    #[must_use]
    pub fn end(&self) -> Option<Position> {
        let last = self.rows.last()?;
        Some(Position { at: last.at?, key: last.key.clone() })
    }

    /// The key of the last row.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        self.rows.last().map(|row| row.key.as_str())
    }
}

impl Session {
    /// Rows behind a position and older than `safe`, in the order of their time.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn page(
        &self,
        table: &Table,
        behind: Option<&Position>,
        safe: OffsetDateTime,
    ) -> Result<Page, SourceError> {
        let (key, at) = (behind.map(|b| b.key.as_str()), behind.map(|b| b.at));
        self.read(table, Rows::Below, key, Some((&safe, Type::TIMESTAMPTZ)), Some(at)).await
    }

    /// Rows from a time on and older than `safe`, in the order of their time: the beginning of reading something again.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn page_from(
        &self,
        table: &Table,
        from: OffsetDateTime,
        safe: OffsetDateTime,
    ) -> Result<Page, SourceError> {
        self.read(table, Rows::From, None, Some((&safe, Type::TIMESTAMPTZ)), Some(Some(from))).await
    }

    /// Rows whose time no watermark passes soon: in the future of `now`, at the ends of time, or empty; by their keys.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn odd(&self, table: &Table, behind: Option<&str>, now: OffsetDateTime) -> Result<Page, SourceError> {
        self.read(table, Rows::Odd, behind, Some((&now, Type::TIMESTAMPTZ)), None).await
    }

    /// Every row, by key.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn all(&self, table: &Table, behind: Option<&str>) -> Result<Page, SourceError> {
        self.read(table, Rows::All, behind, None, None).await
    }

    /// Executions that are not over or began within the last two days, by key.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn open_executions(&self, table: &Table, behind: Option<&str>) -> Result<Page, SourceError> {
        self.read(table, Rows::Open, behind, None, None).await
    }

    /// The results of some executions, by key.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn of_runs(&self, table: &Table, runs: &[String], behind: Option<&str>) -> Result<Page, SourceError> {
        self.read(table, Rows::OfRuns, behind, Some((&runs, Type::TEXT_ARRAY)), None).await
    }

    /// The rows with these keys that are there, whatever their time; at most a page of keys.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn of_keys(&self, table: &Table, keys: &[String]) -> Result<Vec<Row>, SourceError> {
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(self.config.page_rows) {
            found.extend(self.read(table, Rows::OfKeys, None, Some((&some, Type::TEXT_ARRAY)), None).await?.rows);
        }
        Ok(found)
    }

    async fn read(
        &self,
        table: &Table,
        rows: Rows,
        behind: Option<&str>,
        needs: Option<crate::session::Parameter<'_>>,
        time: Option<Option<OffsetDateTime>>,
    ) -> Result<Page, SourceError> {
        let sql = table.page(rows, behind.is_none());
        let limit = i64::try_from(self.config.page_rows).unwrap_or(i64::MAX);
        let nothing: Option<&str> = None;
        let second = needs.unwrap_or((&nothing, Type::TEXT));
        let mut parameters: Vec<crate::session::Parameter<'_>> =
            vec![(&behind, Type::TEXT), second, (&limit, Type::INT8)];
        if let Some(at) = &time {
            parameters.push((at, Type::TIMESTAMPTZ));
        }
        let doing = format!("read a page of {}", table.name);
        let run_title = self.config.settings.run_title.as_str();
        let read = |row| rows::read(table, &row, run_title);
        let rows = self.each(&doing, &table.name, &sql, &parameters, read).await?;
        Ok(Page { more: rows.len() >= self.config.page_rows, rows })
    }
}
