//! Recovery mode: when the database lost commits (a restore, a failover to a replica that lagged), the ledger may not
//! know of issues that exist. The migration `hub_recovery` tells how that is noticed; here is what the hub asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use hub_domain::ProjectId;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query};

/// The furthest position of the server's log that this process has seen. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ServerSeen(Arc<AtomicI64>);

impl ServerSeen {
    /// Remembers a position, in bytes from the start of the log. Never goes back.
    pub fn saw(&self, position: i64) {
        self.0.fetch_max(position, Ordering::Relaxed);
    }
}

/// A project whose creates are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// When it was noticed that the database lost commits, by the database's clock.
    pub began_at: OffsetDateTime,
    /// How long ago that was.
    pub age: Duration,
}

static CHECK: Query = Query {
    doing: "compare the server with the one that the ledger knows",
    sql: "select hub_private.check_server($1)",
    types: &[Type::INT8],
};
static OPEN: Query = Query {
    doing: "ask whether creates are held",
    sql: "select began_at, extract(epoch from clock_timestamp() - began_at)::float8 from hub.recoveries
           where project_id = $1 and done_at is null",
    types: &[Type::UUID],
};
static DONE: Query = Query {
    doing: "let creates go again",
    sql: "update hub.recoveries set done_at = clock_timestamp(), adopted = $3
           where project_id = $1 and began_at = $2 and done_at is null",
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::INT8],
};
pub(crate) static QUERIES: &[&Query] = &[&CHECK, &OPEN, &DONE];

impl WorkerTx {
    /// Whether the project's creates are held. Looks at the server first, so that a restore is noticed by the very
    /// transaction that would announce a create; what it notices is kept when the transaction is committed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn recovery(&self, project: ProjectId, seen: &ServerSeen) -> Result<Option<Recovery>, StoreError> {
        let before = seen.0.load(Ordering::Relaxed);
        let rows = self.rows(&CHECK, &[&before]).await?;
        let present: i64 = rows.first().map_or(0, |row| row.get(0));
        if present < before {
            seen.0.store(present, Ordering::Relaxed);
        } else {
            seen.saw(present);
        }
        let rows = self.rows(&OPEN, &[&project.0]).await?;
        Ok(rows
            .first()
            .map(|row| Recovery { began_at: row.get(0), age: Duration::from_secs_f64(row.get::<_, f64>(1).max(0.0)) }))
    }

    /// Lets the project's creates go again. Returns false where another loss was noticed since.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn recovered(&self, project: ProjectId, recovery: &Recovery, adopted: u64) -> Result<bool, StoreError> {
        let adopted = i64::try_from(adopted).unwrap_or(i64::MAX);
        Ok(self.run(&DONE, &[&project.0, &recovery.began_at, &adopted]).await? == 1)
    }
}
