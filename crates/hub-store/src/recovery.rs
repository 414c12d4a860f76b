//! Recovery mode: when the database lost commits (a restore, a failover to a replica that lagged), the ledger may not
//! know of issues that exist. The migration `hub_recovery` tells how that is noticed; here is what the hub asks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use hub_domain::{ContentHash, ProjectId, facts::PublicationKey};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, ledger_rows::KeyColumns, query::Query, tx::BATCH};

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
    /// The highest issue number that the ledger knew then. What was lost has a higher one.
    pub floor: u64,
}

static CHECK: Query = Query {
    doing: "compare the server with the one that the ledger knows",
    sql: "select hub_private.check_server($1)",
    types: &[Type::INT8],
};
static OPEN: Query = Query {
    doing: "ask whether creates are held",
    sql: "select began_at, extract(epoch from clock_timestamp() - began_at)::float8, floor from hub.recoveries
           where project_id = $1 and done_at is null",
    types: &[Type::UUID],
};
static DONE: Query = Query {
    doing: "let creates go again",
    sql: "update hub.recoveries set done_at = clock_timestamp(), adopted = $3
           where project_id = $1 and began_at = $2 and done_at is null",
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::INT8],
};
static TAKE_IN: Query = Query {
    doing: "take in what the site holds and the ledger does not know",
    // Wanted as it is: nothing is to do until a plan wants something else.
    sql: "insert into hub.publication
            (project_id, tenant_id, object, entity_type, external_id, desired_hash, published_hash, remote_id, remote_key,
             remote_labels, state, published_at)
          select $1, $2, u.object, u.entity_type, u.external_id, u.hash, u.hash, u.remote_id, u.remote_key,
                 array(select jsonb_array_elements_text(u.labels)), 'published', now()
            from unnest($3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::jsonb[])
            u (object, entity_type, external_id, hash, remote_id, remote_key, labels)
          on conflict do nothing",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::JSONB_ARRAY,
    ],
};

/// An issue at the site that carries a marker of ours, of which the ledger has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Which publication it is.
    pub key: PublicationKey,
    /// Its numeric id.
    pub remote_id: String,
    /// Its key.
    pub remote_key: String,
    /// The content that it names as its own.
    pub hash: ContentHash,
    /// The labels that the hub set.
    pub labels: Vec<String>,
}

pub(crate) static QUERIES: &[&Query] = &[&CHECK, &OPEN, &DONE, &TAKE_IN];

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
        Ok(rows.first().map(|row| Recovery {
            began_at: row.get(0),
            age: Duration::from_secs_f64(row.get::<_, f64>(1).max(0.0)),
            floor: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
        }))
    }

    /// Lets the project's creates go again. Returns false where another loss was noticed since.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn recovered(&self, project: ProjectId, recovery: &Recovery, adopted: u64) -> Result<bool, StoreError> {
        let adopted = i64::try_from(adopted).unwrap_or(i64::MAX);
        Ok(self.run(&DONE, &[&project.0, &recovery.began_at, &adopted]).await? == 1)
    }

    /// Takes in issues of which the ledger has no row, so that a plan that wants them later finds them. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn take_in(&self, project: ProjectId, strays: &[Stray]) -> Result<u64, StoreError> {
        let mut taken = 0;
        for batch in strays.chunks(BATCH) {
            let c = KeyColumns::of(batch.iter().map(|stray| &stray.key));
            let hashes: Vec<&[u8]> = batch.iter().map(|stray| stray.hash.0.as_slice()).collect();
            let ids: Vec<&str> = batch.iter().map(|stray| stray.remote_id.as_str()).collect();
            let keys: Vec<&str> = batch.iter().map(|stray| stray.remote_key.as_str()).collect();
            let labels: Vec<Value> = batch.iter().map(|stray| Value::from(stray.labels.clone())).collect();
            let tenant = self.tenant();
            taken += self
                .run(
                    &TAKE_IN,
                    &[
                        &project.0,
                        &tenant.0,
                        &c.objects,
                        &c.entity_types,
                        &c.external_ids,
                        &hashes,
                        &ids,
                        &keys,
                        &labels,
                    ],
                )
                .await?;
        }
        Ok(taken)
    }
}
