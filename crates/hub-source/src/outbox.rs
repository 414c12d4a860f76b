//! The team's triggers tell of every change, deletes included. A change counts once every transaction that could still put one
//! before it has ended; then nothing is ever read past.
//!
//! The feed says which row changed, not what it is: the row itself is read as it is now, and one that is not there is gone.

use tokio_postgres::types::Type;

use crate::{Session, SourceError};

/// How many entries are read at once.
const ENTRIES: i64 = 1_000;
const FEED: &str = "hub_outbox.change_feed";

/// How far the feed has been read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPosition {
    /// A transaction of the source, whose entries are read up to `seq`.
    pub xid: u64,
    /// The entry's number.
    pub seq: i64,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedOperation {
    /// It was written or deleted; which of the two its table tells.
    Row,
    /// Its table was emptied.
    Truncate,
}

/// An entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedChange {
    /// Where it stands.
    pub position: FeedPosition,
    /// The table, as `schema.name`.
    pub table: String,
    /// What happened.
    pub operation: FeedOperation,
    /// The row's key; empty for a table as a whole.
    pub key: String,
}

impl Session {
    /// Entries behind a position that no open transaction can precede any more, at most 1,000; nothing where the feed is not
    /// the one that the position is of: the source was restored, or its feed was cleared of entries that were not read.
    ///
    /// # Errors
    /// [`SourceError`]; [`SourceError::Columns`] where the outbox is not installed.
    pub async fn changes(&self, behind: &FeedPosition) -> Result<Option<Vec<FeedChange>>, SourceError> {
        let sql = "select pg_snapshot_xmax(pg_current_snapshot())::text,
                          coalesce((select max(cleared_xid)::text from hub_outbox.cleared), '0')";
        let rows = self.rows("look at the outbox", FEED, sql, &[]).await?;
        let number = |column: usize| rows.first().and_then(|row| row.get::<_, String>(column).parse::<u64>().ok());
        if number(0).is_none_or(|next| next < behind.xid) || number(1).is_none_or(|cleared| cleared > behind.xid) {
            return Ok(None);
        }
        let sql = "select seq, xid::text, tbl, op::text, row_id from hub_outbox.change_feed
              where (xid, seq) > ($1::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
              order by xid, seq limit $3";
        let (xid, limit) = (behind.xid.to_string(), ENTRIES);
        let parameters: [crate::session::Parameter<'_>; 3] =
            [(&xid, Type::TEXT), (&behind.seq, Type::INT8), (&limit, Type::INT8)];
        let rows = self.rows("read the outbox", FEED, sql, &parameters).await?;
        let entry = |row: &tokio_postgres::Row| {
            let xid = row.get::<_, String>(1).parse().unwrap_or(u64::MAX);
            let operation = if row.get::<_, &str>(3) == "T" { FeedOperation::Truncate } else { FeedOperation::Row };
            FeedChange {
                position: FeedPosition { xid, seq: row.get(0) },
                table: row.get(2),
                operation,
                key: row.get::<_, Option<String>>(4).unwrap_or_default(),
            }
        };
        Ok(Some(rows.iter().map(entry).collect()))
    }

    /// Whether a page of entries was full, so that more may be behind it.
    #[must_use]
    pub fn feed_was_full(entries: usize) -> bool {
        i64::try_from(entries).is_ok_and(|entries| entries >= ENTRIES)
    }

    /// Where the feed stands now: everything that is told later is behind this. To be asked for before the tables are read as a
    /// whole.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn feed_now(&self) -> Result<FeedPosition, SourceError> {
        // Naming the feed, so that a source without one says so now.
        let sql = "select pg_snapshot_xmin(pg_current_snapshot())::text, (select count(*) from hub_outbox.change_feed where false)";
        let rows = self.rows("look at the outbox", FEED, sql, &[]).await?;
        let xmin = rows.first().and_then(|row| row.get::<_, String>(0).parse::<u64>().ok()).unwrap_or_default();
        Ok(FeedPosition { xid: xmin.saturating_sub(1), seq: i64::MAX })
    }
}
