//! Which issue keys of a project were read in the search for lost creates, and when: one search at a time in the whole
//! fleet, and no key read twice without a reason.

use std::time::Duration;

use hub_domain::ProjectId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query};

/// A key below the highest one read that held no issue. One may appear in it as long as a create can take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyGap {
    /// The key's number.
    pub number: u64,
    /// When it was first seen to be empty, in seconds since 1970 by the database's clock.
    pub since: i64,
}

/// The keys that were read: all above `from` up to `upto`, but for the gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeysRead {
    /// The number below the first that was read.
    pub from: u64,
    /// The highest number that was read.
    pub upto: u64,
    /// Keys to read again.
    pub gaps: Vec<KeyGap>,
}

/// A search that this caller is to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScan {
    /// When it began, by the database's clock.
    pub began_at: OffsetDateTime,
    /// What was read before.
    pub read: KeysRead,
}

static CLAIM: Query = Query {
    doing: "begin a search for lost creates",
    sql: "insert into hub.key_scans as s (project_id, tenant_id, began_at) values ($1, $2, clock_timestamp())
          on conflict (project_id) do update set began_at = clock_timestamp()
            where s.began_at <= clock_timestamp() - make_interval(secs => $3)
          returning began_at, read_from, read_to, gaps",
    types: &[Type::UUID, Type::UUID, Type::FLOAT8],
};
static KEEP: Query = Query {
    doing: "record which keys were read",
    sql: "update hub.key_scans set read_from = $3, read_to = $4, gaps = $5 where project_id = $1 and began_at = $2",
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::INT8, Type::INT8, Type::JSONB],
};

pub(crate) static QUERIES: &[&Query] = &[&CLAIM, &KEEP];

impl WorkerTx {
    /// Begins a search where the last one began at least `spacing` ago; nothing where it did not, whoever began it.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn claim_key_scan(&self, project: ProjectId, spacing: Duration) -> Result<Option<KeyScan>, StoreError> {
        let rows = self.rows(&CLAIM, &[&project.0, &self.tenant().0, &spacing.as_secs_f64()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let number = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
        let gaps = serde_json::from_value(row.get::<_, Value>(3))
            .map_err(|error| StoreError::unreadable("the keys to read again", error))?;
        let read = KeysRead { from: number(1), upto: number(2), gaps };
        Ok(Some(KeyScan { began_at: row.get(0), read }))
    }

    /// Records what a search has read. Nothing is recorded where another has begun since.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn keep_key_scan(&self, project: ProjectId, scan: &KeyScan) -> Result<bool, StoreError> {
        let number = |n| i64::try_from(n).unwrap_or(i64::MAX);
        let gaps = serde_json::to_value(&scan.read.gaps).unwrap_or_else(|_| Value::Array(Vec::new()));
        let (from, upto) = (number(scan.read.from), number(scan.read.upto));
        Ok(self.run(&KEEP, &[&project.0, &scan.began_at, &from, &upto, &gaps]).await? == 1)
    }
}
