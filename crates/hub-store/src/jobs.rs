//! Jobs as they are shown to people: one row per run of a use case, with what it measured. No queue: what is to do is in
//! the ledger.

use hub_domain::{CorrelationId, ProjectId, codes::Code};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::{StoreError, WorkerTx, query::Query, tx::ENSURE_PARTITIONS};

/// The number of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub Uuid);

/// A job that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStart {
    /// Its project.
    pub project: ProjectId,
    /// The request or command that it belongs to.
    pub correlation: CorrelationId,
    /// The use case, in lower case (`ingest`, `sync`).
    pub kind: &'static str,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEnd {
    /// It did what it could; single publications may have failed.
    Done {
        /// What it measured.
        metrics: Value,
    },
    /// It stopped.
    Failed {
        /// What it measured until then.
        metrics: Value,
        /// Why, as a stable code.
        code: &'static Code,
        /// Why, in words.
        message: String,
    },
}

/// A job on record.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// The request or command that it belongs to.
    pub correlation: CorrelationId,
    /// The use case.
    pub kind: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// What it measured.
    pub metrics: Value,
    /// Why it failed.
    pub error: Option<String>,
}

static START: Query = Query {
    doing: "record the job's start",
    sql: "insert into hub.sync_jobs (tenant_id, project_id, correlation_id, kind) values ($1, $2, $3, $4) returning id",
    types: &[Type::UUID, Type::UUID, Type::UUID, Type::TEXT],
};
static FINISH: Query = Query {
    doing: "record the job's end",
    sql:
        "update hub.sync_jobs set state = $2, metrics = $3, error_code = $4, error = $5, finished_at = clock_timestamp()
           where id = $1 and state = 'running'",
    types: &[Type::UUID, Type::TEXT, Type::JSONB, Type::TEXT, Type::TEXT],
};
static RECENT: Query = Query {
    doing: "list the latest jobs",
    sql: "select id, correlation_id, kind, state, started_at, finished_at, metrics, error from hub.sync_jobs
           where project_id = $1 order by started_at desc, id limit $2",
    types: &[Type::UUID, Type::INT8],
};

pub(crate) static QUERIES: &[&Query] = &[&START, &FINISH, &RECENT];

impl WorkerTx {
    /// Records that a job began, and makes the coming months' partitions where they are missing, so that a process that
    /// runs for months never meets a month without one.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn start_job(&self, job: &JobStart) -> Result<JobId, StoreError> {
        self.rows(&ENSURE_PARTITIONS, &[]).await?;
        let rows = self.rows(&START, &[&self.tenant().0, &job.project.0, &job.correlation.0, &job.kind]).await?;
        let row = rows.first().ok_or_else(|| StoreError::unreadable("the job's number", "there is no row"))?;
        Ok(JobId(row.get(0)))
    }

    /// Records how a job ended. Returns false where it had ended before.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_job(&self, id: JobId, end: &JobEnd) -> Result<bool, StoreError> {
        let (state, metrics, code, message) = match end {
            JobEnd::Done { metrics } => ("done", metrics, None, None),
            JobEnd::Failed { metrics, code, message } => ("failed", metrics, Some(code.id), Some(message.as_str())),
        };
        Ok(self.run(&FINISH, &[&id.0, &state, metrics, &code, &message]).await? == 1)
    }

    /// The latest jobs of a project, the last one first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn recent_jobs(&self, project: ProjectId, limit: usize) -> Result<Vec<JobRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&RECENT, &[&project.0, &limit]).await?;
        let job = |row: &tokio_postgres::Row| JobRow {
            id: JobId(row.get(0)),
            correlation: CorrelationId(row.get(1)),
            kind: row.get(2),
            state: row.get(3),
            started_at: row.get(4),
            finished_at: row.get(5),
            metrics: row.get(6),
            error: row.get(7),
        };
        Ok(rows.iter().map(job).collect())
    }
}
