//! How the streams of teams' own databases stand, for people and for whoever decides what is due.

use std::time::Duration;

use hub_domain::{ProjectId, codes::Code};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{Store, StoreError, WorkerTx, entities::count, query::Query};

/// How a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceStateKind {
    /// It is read.
    Ok,
    /// It is read, with a restriction.
    Degraded,
    /// It is read up to an old open transaction.
    Held,
    /// It is not read.
    Stopped,
}

impl SourceStateKind {
    /// The state as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Held => "held",
            Self::Stopped => "stopped",
        }
    }
}

/// What a pull found out about a stream. What is not known stays as it was.
#[derive(Debug, Clone)]
pub struct SourceState {
    /// How it stands.
    pub kind: SourceStateKind,
    /// Why, unless it is well.
    pub why: Option<(&'static Code, String)>,
    /// Rows that were read.
    pub rows: u64,
    /// How far reading is behind the source's present.
    pub lag: Option<Duration>,
    /// What of the source's columns is read.
    pub columns: Option<Vec<String>>,
    /// Whether the last minutes were read again now.
    pub reread: bool,
    /// In how long it is due again.
    pub due_in: Option<Duration>,
}

impl SourceState {
    /// A stream that is well.
    #[must_use]
    pub fn ok() -> Self {
        Self { kind: SourceStateKind::Ok, why: None, rows: 0, lag: None, columns: None, reread: false, due_in: None }
    }

    /// A stream that is not.
    #[must_use]
    pub fn of(kind: SourceStateKind, code: &'static Code, message: String) -> Self {
        Self { kind, why: Some((code, message)), ..Self::ok() }
    }
}

/// How a stream stands, as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStateRow {
    /// The source.
    pub source: String,
    /// The stream; empty for the source as a whole.
    pub stream: String,
    /// The state's word.
    pub state: String,
    /// The code, unless it is well.
    pub code: Option<String>,
    /// What happened, in words.
    pub message: Option<String>,
    /// Since when it stands so.
    pub since: OffsetDateTime,
    /// When it was well last.
    pub last_ok: Option<OffsetDateTime>,
    /// Rows that were read, all in all.
    pub rows: u64,
    /// How far reading is behind the source's present, in milliseconds.
    pub lag_ms: Option<i64>,
    /// What of the source's columns is read.
    pub columns: Option<Vec<String>>,
    /// When the last minutes were read again.
    pub reread_at: Option<OffsetDateTime>,
    /// When the source is due.
    pub due_at: Option<OffsetDateTime>,
}

static SET: Query = Query {
    doing: "record how a source stands",
    sql: "insert into hub.source_state as s
            (project_id, tenant_id, source, stream, state, code, message, last_ok, rows, lag_ms, columns, reread_at, due_at)
          values ($1, $2, $3, $4, $5, $6, $7, case when $5 = 'stopped' then null else clock_timestamp() end, $8, $9, $10,
                  case when $11 then clock_timestamp() end, clock_timestamp() + $12 * interval '1 millisecond')
          on conflict (project_id, source, stream) do update set state = excluded.state, code = excluded.code,
            message = excluded.message,
            since = case when s.state = excluded.state and s.code is not distinct from excluded.code then s.since else now() end,
            last_ok = coalesce(excluded.last_ok, s.last_ok), rows = s.rows + excluded.rows,
            lag_ms = coalesce(excluded.lag_ms, s.lag_ms), columns = coalesce(excluded.columns, s.columns),
            reread_at = coalesce(excluded.reread_at, s.reread_at), due_at = coalesce(excluded.due_at, s.due_at)",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::TEXT_ARRAY,
        Type::BOOL,
        Type::FLOAT8,
    ],
};
static LIST: Query = Query {
    doing: "list how sources stand",
    sql: "select source, stream, state, code, message, since, last_ok, rows, lag_ms, columns, reread_at, due_at
            from hub.source_state where project_id = $1 order by source, stream",
    types: &[Type::UUID],
};
static DUE: Query =
    Query { doing: "ask whether a source is due", sql: "select hub_private.source_due($1)", types: &[Type::UUID] };
static RING: Query =
    Query { doing: "ring for sources that are due", sql: "select hub_private.ring_sources()::int8", types: &[] };

pub(crate) static QUERIES: &[&Query] = &[&SET, &LIST, &DUE, &RING];

impl WorkerTx {
    /// Records how a stream stands; the empty stream is the source as a whole.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn set_source_state(
        &self,
        project: ProjectId,
        source: &str,
        stream: &str,
        state: &SourceState,
    ) -> Result<(), StoreError> {
        let (code, message) = state.why.as_ref().map(|(code, message)| (code.id, message.as_str())).unzip();
        let rows = i64::try_from(state.rows).unwrap_or(i64::MAX);
        let lag = state.lag.map(|lag| i64::try_from(lag.as_millis()).unwrap_or(i64::MAX));
        let due = state.due_in.map(|due| due.as_secs_f64() * 1_000.0);
        let (tenant, kind) = (self.tenant(), state.kind.as_str());
        self.run(
            &SET,
            &[
                &project.0,
                &tenant.0,
                &source,
                &stream,
                &kind,
                &code,
                &message,
                &rows,
                &lag,
                &state.columns,
                &state.reread,
                &due,
            ],
        )
        .await?;
        Ok(())
    }

    /// How the streams of a project's sources stand, by source and stream.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_states(&self, project: ProjectId) -> Result<Vec<SourceStateRow>, StoreError> {
        Ok(self.rows(&LIST, &[&project.0]).await?.iter().map(state_row).collect())
    }

    /// Whether a source of the project is to be pulled now.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn source_due(&self, project: ProjectId) -> Result<bool, StoreError> {
        Ok(self.rows(&DUE, &[&project.0]).await?.first().is_some_and(|row| row.get(0)))
    }
}

impl Store {
    /// Rings the ingest lane of every project with a source that is due. Returns how many were rung.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn ring_sources(&self) -> Result<u64, StoreError> {
        let rows = RING.rows(&*self.client().await?, &[]).await?;
        Ok(rows.first().map_or(0, |row| count(row, 0)))
    }
}

fn state_row(row: &Row) -> SourceStateRow {
    SourceStateRow {
        source: row.get(0),
        stream: row.get(1),
        state: row.get(2),
        code: row.get(3),
        message: row.get(4),
        since: row.get(5),
        last_ok: row.get(6),
        rows: count(row, 7),
        lag_ms: row.get(8),
        columns: row.get(9),
        reread_at: row.get(10),
        due_at: row.get(11),
    }
}
