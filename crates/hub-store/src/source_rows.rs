//! What the hub has of a team's own tables, row by row: which entity or result each row became, and in which version.

use std::collections::HashSet;

use hub_domain::{ExternalId, ProjectId, entity::Identity};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{
    RunMonth, StoreError, WorkerTx,
    entities::{count, external_id, kind},
    query::Query,
    tx::BATCH,
};

/// A row of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its key in the source.
    pub key: String,
    /// Its version, as the source tells it.
    pub version: String,
    /// What it became: the word of an entity's kind, or `result`.
    pub kind: String,
    /// The entity's id; for a result, its key within the run.
    pub id: String,
    /// The run that a result belongs to.
    pub run: Option<String>,
    /// For an execution, until when its results are compared at every pull.
    pub open_until: Option<OffsetDateTime>,
}

/// The sum of some rows, as hub-source computes it of the other side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSum {
    /// How many.
    pub rows: u64,
    /// The sum of 60 bits of each row's digest, as a decimal text.
    pub sum: String,
}

static SAVE: Query = Query {
    doing: "save what a source's rows became",
    sql: "insert into hub.source_rows as r
            (project_id, tenant_id, source, stream, row_key, version, entity_type, external_id, run_id, open_until)
          select $1, $2, $3, $4, u.* from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
            u (key, version, kind, id, run, open_until)
           order by u.key
          on conflict (project_id, source, stream, row_key) do update set version = excluded.version,
            entity_type = excluded.entity_type, external_id = excluded.external_id, run_id = excluded.run_id,
            open_until = excluded.open_until
          where (r.version, r.entity_type, r.external_id, r.run_id, r.open_until) is distinct from
                (excluded.version, excluded.entity_type, excluded.external_id, excluded.run_id, excluded.open_until)",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
    ],
};
static BY_KEYS: Query = Query {
    doing: "look what a source's rows became",
    sql: "select row_key, version, entity_type, external_id, run_id, open_until from hub.source_rows
           where project_id = $1 and source = $2 and stream = $3 and row_key = any($4)",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY],
};
static FORGET: Query = Query {
    doing: "forget rows that a source no longer has",
    sql: "delete from hub.source_rows where project_id = $1 and source = $2 and stream = $3 and row_key = any($4)
          returning row_key, version, entity_type, external_id, run_id, open_until",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY],
};
static BUCKETS: Query = Query {
    doing: "add up what the hub has of a source",
    sql: "select bucket::int4, count(*), sum(('x' || left(md5(row_key || ':' || version), 15))::bit(60)::int8)::text
            from hub.source_rows where project_id = $1 and source = $2 and stream = $3 group by 1",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static VERSIONS: Query = Query {
    doing: "list the versions that the hub has of a source",
    sql: "select row_key, version from hub.source_rows
           where project_id = $1 and source = $2 and stream = $3 and bucket = any($4::int4[])",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::INT4_ARRAY],
};
static RUN_SUMS: Query = Query {
    doing: "add up what the hub has of a source's runs",
    sql: "select run_id, count(*), sum(('x' || left(md5(row_key || ':' || version), 15))::bit(60)::int8)::text
            from hub.source_rows where project_id = $1 and source = $2 and run_id = any($3) group by 1",
    types: &[Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};
static KEYS_OF_RUN: Query = Query {
    doing: "list what the hub has of a source's run",
    sql: "select row_key from hub.source_rows where project_id = $1 and source = $2 and run_id = $3",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static OPEN_RUNS: Query = Query {
    doing: "list a source's runs that are not over",
    sql: "select external_id from hub.source_rows
           where project_id = $1 and source = $2 and open_until > clock_timestamp() order by 1",
    types: &[Type::UUID, Type::TEXT],
};
static COUNT: Query = Query {
    doing: "count what the hub has of a source",
    sql: "select count(*) from hub.source_rows where project_id = $1 and source = $2 and stream = $3",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static TOMBSTONE: Query = Query {
    doing: "mark what a source no longer has",
    // Only what this source told last, and no other row still tells.
    sql: "update hub.entities e set deleted_at = now(), updated_at = now()
            from unnest($3::text[], $4::text[]) u (kind, id)
           where e.project_id = $1 and e.entity_type = u.kind and e.external_id = u.id and e.source = $2
             and e.deleted_at is null
             and not exists (select from hub.source_rows r
                              where r.project_id = $1 and r.entity_type = u.kind and r.external_id = u.id)
          returning e.entity_type, e.external_id",
    types: &[Type::UUID, Type::TEXT, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
static DELETE_RESULTS: Query = Query {
    doing: "remove results that a source no longer has",
    sql: "delete from hub.results where run_month = $1 and project_id = $2 and run_id = $3 and result_key = any($4)",
    types: &[Type::DATE, Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};

pub(crate) static QUERIES: &[&Query] = &[
    &SAVE,
    &BY_KEYS,
    &FORGET,
    &BUCKETS,
    &VERSIONS,
    &RUN_SUMS,
    &KEYS_OF_RUN,
    &OPEN_RUNS,
    &COUNT,
    &TOMBSTONE,
    &DELETE_RESULTS,
];

impl WorkerTx {
    /// Saves what rows became; what is equal is not written. Returns how many were written.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn save_source_rows(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        rows: &[SourceRow],
    ) -> Result<u64, StoreError> {
        let mut written = 0;
        // A row that is told twice counts as it was told last.
        let mut seen = HashSet::with_capacity(rows.len());
        let rows: Vec<&SourceRow> = rows.iter().rev().filter(|row| seen.insert(row.key.as_str())).collect();
        for batch in rows.chunks(BATCH) {
            let keys: Vec<&str> = batch.iter().map(|row| row.key.as_str()).collect();
            let versions: Vec<&str> = batch.iter().map(|row| row.version.as_str()).collect();
            let kinds: Vec<&str> = batch.iter().map(|row| row.kind.as_str()).collect();
            let ids: Vec<&str> = batch.iter().map(|row| row.id.as_str()).collect();
            let runs: Vec<Option<&str>> = batch.iter().map(|row| row.run.as_deref()).collect();
            let open: Vec<Option<OffsetDateTime>> = batch.iter().map(|row| row.open_until).collect();
            let tenant = self.tenant();
            written += self
                .run(&SAVE, &[&project.0, &tenant.0, &source, &stream, &keys, &versions, &kinds, &ids, &runs, &open])
                .await?;
        }
        Ok(written)
    }

    /// What rows became, where the hub knows them.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_rows(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        keys: &[&str],
    ) -> Result<Vec<SourceRow>, StoreError> {
        Ok(self.rows(&BY_KEYS, &[&project.0, &source, &stream, &keys]).await?.iter().map(source_row).collect())
    }

    /// Forgets rows, and returns what they had become.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn forget_source_rows(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        keys: &[&str],
    ) -> Result<Vec<SourceRow>, StoreError> {
        Ok(self.rows(&FORGET, &[&project.0, &source, &stream, &keys]).await?.iter().map(source_row).collect())
    }

    /// The sums of a stream's rows in 256 buckets.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_buckets(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
    ) -> Result<Vec<RowSum>, StoreError> {
        let mut buckets = vec![RowSum::default(); 256];
        for row in &self.rows(&BUCKETS, &[&project.0, &source, &stream]).await? {
            let index = usize::try_from(row.get::<_, i32>(0)).unwrap_or_default();
            if let Some(bucket) = buckets.get_mut(index) {
                *bucket = RowSum { rows: count(row, 1), sum: row.get(2) };
            }
        }
        Ok(buckets)
    }

    /// Key and version of the rows in some buckets.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_versions(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        buckets: &[i32],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.rows(&VERSIONS, &[&project.0, &source, &stream, &buckets]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The sums of the results of some runs; a run without any is left out.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_run_sums(
        &self,
        project: ProjectId,
        source: &str,
        runs: &[String],
    ) -> Result<Vec<(String, RowSum)>, StoreError> {
        let rows = self.rows(&RUN_SUMS, &[&project.0, &source, &runs]).await?;
        Ok(rows.iter().map(|row| (row.get(0), RowSum { rows: count(row, 1), sum: row.get(2) })).collect())
    }

    /// The keys of the results that the hub has of a run.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_keys_of_run(
        &self,
        project: ProjectId,
        source: &str,
        run: &str,
    ) -> Result<Vec<String>, StoreError> {
        let rows = self.rows(&KEYS_OF_RUN, &[&project.0, &source, &run]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The runs that are not over, or were not long ago.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_open_runs(&self, project: ProjectId, source: &str) -> Result<Vec<String>, StoreError> {
        let rows = self.rows(&OPEN_RUNS, &[&project.0, &source]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// How many rows of a stream the hub has.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn count_source_rows(&self, project: ProjectId, source: &str, stream: &str) -> Result<u64, StoreError> {
        Ok(self.rows(&COUNT, &[&project.0, &source, &stream]).await?.first().map_or(0, |row| count(row, 0)))
    }

    /// Marks entities as deleted that `origin` told last and of which no source has a row any more. Returns them.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn tombstone(
        &self,
        project: ProjectId,
        origin: &str,
        entities: &[(&str, &str)],
    ) -> Result<Vec<Identity>, StoreError> {
        let (kinds, ids): (Vec<&str>, Vec<&str>) = entities.iter().copied().unzip();
        let rows = self.rows(&TOMBSTONE, &[&project.0, &origin, &kinds, &ids]).await?;
        rows.iter().map(|row| Ok(Identity { kind: kind(row, 0)?, external_id: external_id(row, 1)? })).collect()
    }

    /// Removes results of a run by their keys. Returns how many there were.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn remove_results(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        keys: &[&str],
    ) -> Result<u64, StoreError> {
        self.run(&DELETE_RESULTS, &[&month.first_day(), &project.0, &run.as_str(), &keys]).await
    }
}

fn source_row(row: &Row) -> SourceRow {
    SourceRow {
        key: row.get(0),
        version: row.get(1),
        kind: row.get(2),
        id: row.get(3),
        run: row.get(4),
        open_until: row.get(5),
    }
}
