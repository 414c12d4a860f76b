//! How evidence ends: what a new version of its report no longer names, what the rules let go, the objects that nothing needs
//! any more, and the runs that are held. A row stays, so that its link can say what it led to.

use hub_domain::{ExternalId, ProjectId};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{
    EvidenceRow, Store, StoreError, WorkerTx,
    entities::count,
    evidence::{columns, evidence},
    query::Query,
};

static FORGET: Query = Query {
    doing: "forget what a report no longer names and nobody stored",
    sql: "delete from hub.evidence where project_id = $1 and run_id = $2 and report_id = $3 and token <> all($4)
            and state in ('linked', 'missing_source', 'refused')",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY],
};
static SUPERSEDE: Query = Query {
    doing: "note what a report no longer names",
    sql: "update hub.evidence set superseded_at = now() where project_id = $1 and run_id = $2 and report_id = $3
            and token <> all($4) and state in ('pending', 'stored') and superseded_at is null",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY],
};
static OLD: Query = Query {
    doing: "find evidence that may have to go",
    sql: concat!(
        "select ",
        columns!(),
        " from hub.evidence e where e.project_id = $1 and e.state in ('pending', 'stored') and e.token > $3
            and (e.created_at < $2 or e.superseded_at is not null)
          order by e.token limit $4"
    ),
    types: &[Type::UUID, Type::TIMESTAMPTZ, Type::TEXT, Type::INT8],
};
static EXPIRE: Query = Query {
    doing: "expire evidence",
    sql: "update hub.evidence set state = 'expired', expired_at = now(), next_attempt_at = null
           where project_id = $1 and token = any($2) and state in ('pending', 'stored') and not legal_hold",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static SHARED: Query = Query {
    doing: "end evidence whose object others need",
    sql: "update hub.evidence e set state = 'deleted', deleted_at = now()
           where e.project_id = $1 and e.state = 'expired' and (e.object_key is null or exists (
             select from hub.evidence o where o.project_id = $1 and o.object_key = e.object_key and o.state in ('pending', 'stored')))",
    types: &[Type::UUID],
};
static UNUSED: Query = Query {
    doing: "find objects that nothing needs",
    sql: "select distinct object_key from hub.evidence where project_id = $1 and state = 'expired' and object_key is not null
           order by object_key limit $2",
    types: &[Type::UUID, Type::INT8],
};
static DELETED: Query = Query {
    doing: "note that objects are deleted",
    sql: "update hub.evidence set state = 'deleted', deleted_at = now()
           where project_id = $1 and object_key = any($2) and state = 'expired'",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static LOST: Query = Query {
    doing: "note that objects are not there",
    sql: "update hub.evidence set state = 'pending', stored_at = null, error_code = $3, error_message = $4,
            next_attempt_at = case when origin is not null then now() end
           where project_id = $1 and object_key = any($2) and state in ('pending', 'stored')",
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT, Type::TEXT],
};
static KNOWN: Query = Query {
    doing: "see which objects are needed",
    sql: "select distinct object_key from hub.evidence
           where project_id = $1 and object_key = any($2) and state in ('pending', 'stored', 'expired')",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static HOLD: Query = Query {
    doing: "hold a run's evidence",
    sql: "insert into hub.evidence_holds (project_id, tenant_id, run_id) values ($1, $2, $3) on conflict do nothing",
    types: &[Type::UUID, Type::UUID, Type::TEXT],
};
static RELEASE: Query = Query {
    doing: "release a run's evidence",
    sql: "delete from hub.evidence_holds where project_id = $1 and run_id = $2",
    types: &[Type::UUID, Type::TEXT],
};
static MARK: Query = Query {
    doing: "mark evidence as held or not",
    sql: "update hub.evidence set legal_hold = $3 where project_id = $1 and run_id = $2 and legal_hold <> $3",
    types: &[Type::UUID, Type::TEXT, Type::BOOL],
};
static DUE: Query =
    Query { doing: "ask whether evidence has work", sql: "select hub_private.evidence_due($1)", types: &[Type::UUID] };
static RING: Query = Query {
    doing: "ring lanes whose evidence has work",
    sql: "select hub_private.ring_evidence_due()::int8",
    types: &[],
};

pub(crate) static QUERIES: &[&Query] = &[
    &FORGET, &SUPERSEDE, &OLD, &EXPIRE, &SHARED, &UNUSED, &DELETED, &LOST, &KNOWN, &HOLD, &RELEASE, &MARK, &DUE, &RING,
];

impl WorkerTx {
    /// Notes that a report was read whole and names these tokens: what it named before and does not now goes with the next
    /// expiry. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn supersede_evidence(
        &self,
        project: ProjectId,
        run: &ExternalId,
        report: &ExternalId,
        keep: &[impl AsRef<str> + Sync],
    ) -> Result<u64, StoreError> {
        let keep: Vec<&str> = keep.iter().map(AsRef::as_ref).collect();
        self.run(&FORGET, &[&project.0, &run.as_str(), &report.as_str(), &keep]).await?;
        self.run(&SUPERSEDE, &[&project.0, &run.as_str(), &report.as_str(), &keep]).await
    }

    /// Evidence older than a moment, or superseded, in the order of tokens.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn old_evidence(
        &self,
        project: ProjectId,
        before: OffsetDateTime,
        after: &str,
        limit: usize,
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&OLD, &[&project.0, &before, &after, &limit]).await?.iter().map(evidence).collect()
    }

    /// Expires evidence, but for what is held. Returns how many rows.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn expire_evidence(&self, project: ProjectId, tokens: &[&str]) -> Result<u64, StoreError> {
        self.run(&EXPIRE, &[&project.0, &tokens]).await
    }

    /// Objects that only expired evidence names. Expired evidence whose object other rows need, or that never had one, ends here.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn unused_objects(&self, project: ProjectId, limit: usize) -> Result<Vec<String>, StoreError> {
        self.run(&SHARED, &[&project.0]).await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(self.rows(&UNUSED, &[&project.0, &limit]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Notes that objects are deleted. Returns how many rows.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn objects_deleted(&self, project: ProjectId, keys: &[&str]) -> Result<u64, StoreError> {
        self.run(&DELETED, &[&project.0, &keys]).await
    }

    /// Notes that objects are not in the store although rows say so. Returns how many rows wait again.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn objects_lost(
        &self,
        project: ProjectId,
        keys: &[&str],
        code: &str,
        message: &str,
    ) -> Result<u64, StoreError> {
        self.run(&LOST, &[&project.0, &keys, &code, &message]).await
    }

    /// Which of these objects a row still names that has not ended.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn known_objects(&self, project: ProjectId, keys: &[&str]) -> Result<Vec<String>, StoreError> {
        Ok(self.rows(&KNOWN, &[&project.0, &keys]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Holds a run's evidence, also what is taken for it later, or releases it. Returns how many rows changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn hold_evidence(&self, project: ProjectId, run: &ExternalId, hold: bool) -> Result<u64, StoreError> {
        if hold {
            self.run(&HOLD, &[&project.0, &self.tenant().0, &run.as_str()]).await?;
        } else {
            self.run(&RELEASE, &[&project.0, &run.as_str()]).await?;
        }
        self.run(&MARK, &[&project.0, &run.as_str(), &hold]).await
    }

    /// Whether evidence of the project waits for the store and may be tried, or the rules were not applied for a day.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn evidence_due(&self, project: ProjectId) -> Result<bool, StoreError> {
        Ok(self.rows(&DUE, &[&project.0]).await?.first().is_some_and(|row| row.get(0)))
    }
}

impl Store {
    /// Rings every evidence lane that has work and no bell. Returns how many. Runs as the role that owns the tables.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn ring_evidence_due(&self) -> Result<u64, StoreError> {
        Ok(RING.rows(&*self.client().await?, &[]).await?.first().map_or(0, |row| count(row, 0)))
    }
}
