//! How far something has been read: one row per project, source and stream.

use hub_domain::ProjectId;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query};

/// A position, in whatever order the stream has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// A time, where the stream is ordered by one.
    pub at: Option<OffsetDateTime>,
    /// An id, where it is ordered by one, or to break ties.
    pub id: Option<String>,
    /// A transaction of the source, where its own log orders the stream.
    pub xid: Option<String>,
    /// When the stream was last read whole.
    pub whole_at: Option<OffsetDateTime>,
}

static READ: Query = Query {
    doing: "read a cursor",
    sql: "select cur_ts, cur_id, cur_xid, last_full_reconcile_at from hub.cursors
           where project_id = $1 and source = $2 and stream = $3",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static WRITE: Query = Query {
    doing: "move a cursor",
    sql: "insert into hub.cursors as c (project_id, tenant_id, source, stream, kind, cur_ts, cur_id, last_full_reconcile_at)
          values ($1, $2, $3, $4, 'watermark', $5, $6, $7)
          on conflict (project_id, source, stream) do update
            set cur_ts = excluded.cur_ts, cur_id = excluded.cur_id,
                last_full_reconcile_at = coalesce(excluded.last_full_reconcile_at, c.last_full_reconcile_at),
                updated_at = now()",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TEXT, Type::TIMESTAMPTZ],
};
static ADVANCE: Query = Query {
    doing: "move a cursor from where it was",
    sql: "insert into hub.cursors as c (project_id, tenant_id, source, stream, kind, cur_ts, cur_id, cur_xid)
          values ($1, $2, $3, $4, case when $7::text is null then 'watermark' else 'outbox' end, $5, $6, $7)
          on conflict (project_id, source, stream) do update
            set cur_ts = excluded.cur_ts, cur_id = excluded.cur_id, cur_xid = excluded.cur_xid, kind = excluded.kind,
                updated_at = now()
          where c.cur_ts is not distinct from $8 and c.cur_id is not distinct from $9 and c.cur_xid is not distinct from $10",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::TEXT,
    ],
};
static WHOLE: Query = Query {
    doing: "note that a stream was read whole",
    sql: "insert into hub.cursors as c (project_id, tenant_id, source, stream, kind, last_full_reconcile_at)
          values ($1, $2, $3, $4, 'watermark', clock_timestamp())
          on conflict (project_id, source, stream) do update set last_full_reconcile_at = excluded.last_full_reconcile_at",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT],
};

pub(crate) static QUERIES: &[&Query] = &[&READ, &WRITE, &ADVANCE, &WHOLE];

impl WorkerTx {
    /// Where a stream has been read to; the default before the first time.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn cursor(&self, project: ProjectId, source: &str, stream: &str) -> Result<Cursor, StoreError> {
        let rows = self.rows(&READ, &[&project.0, &source, &stream]).await?;
        Ok(rows.first().map_or_else(Cursor::default, |row| Cursor {
            at: row.get(0),
            id: row.get(1),
            xid: row.get(2),
            whole_at: row.get(3),
        }))
    }

    /// Moves a cursor. A `whole_at` of none leaves the one on record.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn move_cursor(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        to: &Cursor,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant();
        self.run(&WRITE, &[&project.0, &tenant.0, &source, &stream, &to.at, &to.id, &to.whole_at]).await?;
        Ok(())
    }

    /// Moves a cursor, where it still is at `from`; to be called in the transaction that saves what was read between the two.
    /// False where another process has moved it: then what was read here is not to be saved.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn advance_cursor(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        from: &Cursor,
        to: &Cursor,
    ) -> Result<bool, StoreError> {
        let tenant = self.tenant();
        let moved = self
            .run(
                &ADVANCE,
                &[&project.0, &tenant.0, &source, &stream, &to.at, &to.id, &to.xid, &from.at, &from.id, &from.xid],
            )
            .await?;
        Ok(moved > 0)
    }

    /// Notes that a stream was read whole now.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn read_whole(&self, project: ProjectId, source: &str, stream: &str) -> Result<(), StoreError> {
        self.run(&WHOLE, &[&project.0, &self.tenant().0, &source, &stream]).await?;
        Ok(())
    }
}
