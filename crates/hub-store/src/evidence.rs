//! Evidence: rows about files that tests left behind. Saved with the results that name them, found by their link's token, listed
//! for pages and people; how they end is in `evidence_end`.

use std::collections::HashMap;

use hub_domain::{
    ExternalId, ProjectId,
    evidence::{EvidenceKind, EvidenceState},
    vocabulary::ResultStatus,
};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{
    Store, StoreError, WorkerTx,
    entities::{count, external_id},
    query::Query,
    tx::BATCH,
};

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    /// The token of its link.
    pub token: String,
    /// The run.
    pub run: ExternalId,
    /// The report that names it.
    pub report: ExternalId,
    /// The result that it belongs to.
    pub result_key: String,
    /// What tells it from the other evidence of its result.
    pub slot: String,
    /// The test case.
    pub test_case: Option<ExternalId>,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: EvidenceKind,
    /// The outcome of its test.
    pub result: ResultStatus,
    /// Where it stands.
    pub state: EvidenceState,
    /// The path or address as the report names it.
    pub source_path: String,
    /// Where its bytes lay on the machine that took the report.
    pub origin: Option<String>,
    /// The media type, by its bytes.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// The SHA-256 of its bytes.
    pub sha256: Option<[u8; 32]>,
    /// The key of its object.
    pub key: Option<String>,
    /// Why it is not stored.
    pub error_code: Option<String>,
    /// The same in words.
    pub error: Option<String>,
    /// How often the store failed to take it.
    pub attempts: u32,
    /// Whether its run is held.
    pub legal_hold: bool,
    /// Since when it is known.
    pub created_at: OffsetDateTime,
    /// Since when it is in the store.
    pub stored_at: Option<OffsetDateTime>,
    /// When the rules let it go, as they were when it was taken.
    pub expires_at: Option<OffsetDateTime>,
    /// When its time was over.
    pub expired_at: Option<OffsetDateTime>,
    /// Since when the latest version of its report no longer names it.
    pub superseded_at: Option<OffsetDateTime>,
}

macro_rules! columns {
    () => {
        "e.token, e.run_id, e.report_id, e.result_key, e.slot, e.test_case_id, e.name, e.kind, e.result_status, e.state,
         e.source_path, e.origin, e.content_type, e.bytes, e.sha256, e.object_key, e.error_code, e.error_message, e.attempts,
         e.legal_hold, e.created_at, e.stored_at, e.expires_at, e.expired_at, e.superseded_at"
    };
}
pub(crate) use columns;

static OF_RESULTS: Query = Query {
    doing: "find the evidence of results",
    sql: concat!(
        "select ",
        columns!(),
        " from hub.evidence e where e.project_id = $1 and e.run_id = $2 and e.result_key = any($3)
          order by e.result_key collate \"C\", e.name collate \"C\", e.slot collate \"C\""
    ),
    types: &[Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};
static LIST: Query = Query {
    doing: "list evidence",
    sql: concat!(
        "select ",
        columns!(),
        " from hub.evidence e where e.project_id = $1 and ($2::text is null or e.run_id = $2) and e.token > $3
          order by e.token limit $4"
    ),
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::INT8],
};
static BY_TOKEN: Query = Query {
    doing: "find evidence by its link",
    sql: concat!(
        "select ",
        columns!(),
        ", p.id from hub.evidence e join hub.projects p on p.id = e.project_id where e.token = $1"
    ),
    types: &[Type::TEXT],
};
static SAVE: Query = Query {
    doing: "save evidence",
    sql: "insert into hub.evidence as e (project_id, tenant_id, run_id, token, report_id, result_key, slot, test_case_id, name,
            kind, result_status, state, source_path, origin, content_type, bytes, sha256, object_key, error_code, error_message,
            created_at, expires_at, stored_at, next_attempt_at, legal_hold)
          select $1, $2, $3, u.*, case when u.state = 'pending' and u.origin is not null then now() + interval '1 minute' end,
                 exists (select from hub.evidence_holds h where h.project_id = $1 and h.run_id = $3)
            from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
              $12::text[], $13::text[], $14::text[], $15::text[], $16::int8[], $17::bytea[], $18::text[], $19::text[],
              $20::text[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[])
              u (token, report, result, slot, test_case, name, kind, status, state, source_path, origin, content_type, bytes,
                 sha256, object_key, error_code, error_message, created, expires, stored)
           order by u.result collate \"C\", u.slot collate \"C\"
          on conflict (project_id, run_id, result_key, slot) do update set
            report_id = excluded.report_id, test_case_id = excluded.test_case_id, name = excluded.name, kind = excluded.kind,
            result_status = excluded.result_status, state = excluded.state, source_path = excluded.source_path,
            origin = excluded.origin, content_type = excluded.content_type, bytes = excluded.bytes, sha256 = excluded.sha256,
            object_key = excluded.object_key, error_code = excluded.error_code, error_message = excluded.error_message,
            created_at = excluded.created_at, expires_at = excluded.expires_at, next_attempt_at = excluded.next_attempt_at,
            attempts = 0, stored_at = excluded.stored_at, expired_at = null, deleted_at = null, superseded_at = null",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
    ],
};
static STORED_KEYS: Query = Query {
    doing: "see which objects are stored",
    sql: "select distinct object_key from hub.evidence where project_id = $1 and object_key = any($2) and state = 'stored'",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static STORED: Query = Query {
    doing: "note that evidence is stored",
    sql: "update hub.evidence set state = 'stored', stored_at = now(), error_code = null, error_message = null,
            next_attempt_at = null
           where project_id = $1 and token = any($2) and state = 'pending'",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static FAILED: Query = Query {
    doing: "note that the store did not take evidence",
    sql: "update hub.evidence set attempts = attempts + 1, error_code = $3, error_message = $4,
            next_attempt_at = case when origin is not null
              and attempts < 100 then now() + make_interval(secs => least(30 * 2 ^ least(attempts, 10), 3600)) end
           where project_id = $1 and token = any($2) and state = 'pending'",
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT, Type::TEXT],
};
static WAITING: Query = Query {
    doing: "find evidence that waits for the store",
    sql: concat!(
        "select ",
        columns!(),
        " from hub.evidence e where e.project_id = $1 and e.state = 'pending' and e.next_attempt_at <= now()
          order by e.next_attempt_at, e.token limit $2"
    ),
    types: &[Type::UUID, Type::INT8],
};
static OPEN: Query = Query {
    doing: "see whether a report lacks evidence",
    sql: "select exists (select from hub.evidence where project_id = $1 and run_id = $2 and report_id = $3
            and state in ('pending', 'missing_source') and superseded_at is null)",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static ORIGINS: Query = Query {
    doing: "see which files are evidence",
    sql: "select distinct origin from hub.evidence where project_id = $1 and origin = any($2)",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static COUNTS: Query = Query {
    doing: "count evidence by state",
    sql: "select state, count(*), coalesce(sum(bytes), 0)::int8 from hub.evidence where project_id = $1 group by state order by state",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] =
    &[&OF_RESULTS, &LIST, &BY_TOKEN, &SAVE, &STORED_KEYS, &STORED, &FAILED, &WAITING, &OPEN, &ORIGINS, &COUNTS];

impl WorkerTx {
    /// The evidence of results of a run, by result, name and slot.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn evidence_of_results(
        &self,
        project: ProjectId,
        run: &ExternalId,
        result_keys: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        let keys: Vec<&str> = result_keys.iter().map(AsRef::as_ref).collect();
        self.rows(&OF_RESULTS, &[&project.0, &run.as_str(), &keys]).await?.iter().map(evidence).collect()
    }

    /// Evidence of a project, or of a run of it, behind a token in the order of tokens; the empty token for the first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn evidence(
        &self,
        project: ProjectId,
        run: Option<&ExternalId>,
        after: &str,
        limit: usize,
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        let (run, limit) = (run.map(ExternalId::as_str), i64::try_from(limit).unwrap_or(i64::MAX));
        self.rows(&LIST, &[&project.0, &run, &after, &limit]).await?.iter().map(evidence).collect()
    }

    /// Saves evidence of one run as it is given; what was known of a slot is replaced, but for its token. The caller leaves out
    /// what has not changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn save_evidence(
        &self,
        project: ProjectId,
        run: &ExternalId,
        rows: &[EvidenceRow],
    ) -> Result<(), StoreError> {
        let mut latest: HashMap<(&str, &str), &EvidenceRow> = HashMap::with_capacity(rows.len());
        for row in rows {
            latest.insert((&row.result_key, &row.slot), row);
        }
        let rows: Vec<&EvidenceRow> = latest.into_values().collect();
        let tenant = self.tenant();
        for batch in rows.chunks(BATCH) {
            fn column<'a, T>(batch: &[&'a EvidenceRow], of: impl Fn(&'a EvidenceRow) -> T) -> Vec<T> {
                batch.iter().map(|row| of(row)).collect()
            }
            let tokens = column(batch, |row| row.token.as_str());
            let reports = column(batch, |row| row.report.as_str());
            let results = column(batch, |row| row.result_key.as_str());
            let slots = column(batch, |row| row.slot.as_str());
            let cases = column(batch, |row| row.test_case.as_ref().map(ExternalId::as_str));
            let names = column(batch, |row| row.name.as_str());
            let kinds = column(batch, |row| row.kind.as_str());
            let statuses = column(batch, |row| row.result.as_str());
            let states = column(batch, |row| row.state.as_str());
            let paths = column(batch, |row| row.source_path.as_str());
            let origins = column(batch, |row| row.origin.as_deref());
            let types = column(batch, |row| row.content_type.as_deref());
            let bytes = column(batch, |row| row.bytes.and_then(|n| i64::try_from(n).ok()));
            let sums = column(batch, |row| row.sha256.as_ref().map(<[u8; 32]>::as_slice));
            let keys = column(batch, |row| row.key.as_deref());
            let codes = column(batch, |row| row.error_code.as_deref());
            let errors = column(batch, |row| row.error.as_deref());
            let created = column(batch, |row| row.created_at);
            let expires = column(batch, |row| row.expires_at);
            let stored = column(batch, |row| row.stored_at);
            self.run(
                &SAVE,
                &[
                    &project.0,
                    &tenant.0,
                    &run.as_str(),
                    &tokens,
                    &reports,
                    &results,
                    &slots,
                    &cases,
                    &names,
                    &kinds,
                    &statuses,
                    &states,
                    &paths,
                    &origins,
                    &types,
                    &bytes,
                    &sums,
                    &keys,
                    &codes,
                    &errors,
                    &created,
                    &expires,
                    &stored,
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Which of these objects some row says to be stored.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn stored_keys(&self, project: ProjectId, keys: &[&str]) -> Result<Vec<String>, StoreError> {
        Ok(self.rows(&STORED_KEYS, &[&project.0, &keys]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Notes that pending evidence is in the store.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn evidence_stored(&self, project: ProjectId, tokens: &[&str]) -> Result<u64, StoreError> {
        self.run(&STORED, &[&project.0, &tokens]).await
    }

    /// Notes why the store did not take pending evidence. It is tried again, later with each failure and after an hour at most,
    /// where its bytes lie on a machine, for about four days.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn evidence_failed(
        &self,
        project: ProjectId,
        tokens: &[&str],
        code: &str,
        message: &str,
    ) -> Result<u64, StoreError> {
        self.run(&FAILED, &[&project.0, &tokens, &code, &message]).await
    }

    /// Pending evidence that may be tried again now, those first that wait longest.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn waiting_evidence(&self, project: ProjectId, limit: usize) -> Result<Vec<EvidenceRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&WAITING, &[&project.0, &limit]).await?.iter().map(evidence).collect()
    }

    /// Whether a report names evidence that is not stored and could be, were it handed over again.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn lacks_evidence(
        &self,
        project: ProjectId,
        run: &ExternalId,
        report: &ExternalId,
    ) -> Result<bool, StoreError> {
        let rows = self.rows(&OPEN, &[&project.0, &run.as_str(), &report.as_str()]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// Which of these files of this machine some report of the project names as evidence.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn evidence_origins(&self, project: ProjectId, files: &[&str]) -> Result<Vec<String>, StoreError> {
        Ok(self.rows(&ORIGINS, &[&project.0, &files]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// How much evidence a project has: state, number and bytes.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn evidence_counts(&self, project: ProjectId) -> Result<Vec<(String, u64, u64)>, StoreError> {
        let rows = self.rows(&COUNTS, &[&project.0]).await?;
        Ok(rows.iter().map(|row| (row.get(0), count(row, 1), count(row, 2))).collect())
    }
}

impl Store {
    /// Finds evidence by the token of its link, whosever it is, with its project. The owner's statement: whoever has the token
    /// may see it.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn evidence_by_token(&self, token: &str) -> Result<Option<(EvidenceRow, ProjectId)>, StoreError> {
        let rows = BY_TOKEN.rows(&*self.client().await?, &[&token]).await?;
        rows.first().map(|row| Ok((evidence(row)?, ProjectId(row.get(25))))).transpose()
    }
}

/// A row of [`columns`].
pub(crate) fn evidence(row: &Row) -> Result<EvidenceRow, StoreError> {
    let (kind, result, state): (String, String, String) = (row.get(7), row.get(8), row.get(9));
    let case: Option<String> = row.get(5);
    let sum: Option<Vec<u8>> = row.get(14);
    Ok(EvidenceRow {
        token: row.get(0),
        run: external_id(row, 1)?,
        report: external_id(row, 2)?,
        result_key: row.get(3),
        slot: row.get(4),
        test_case: case.map(ExternalId::new).transpose().map_err(|e| StoreError::unreadable("a test case's id", e))?,
        name: row.get(6),
        kind: EvidenceKind::from_word(&kind).ok_or_else(|| StoreError::unreadable("a kind of evidence", kind))?,
        result: ResultStatus::from_word(&result).ok_or_else(|| StoreError::unreadable("a result's status", result))?,
        state: EvidenceState::from_word(&state).ok_or_else(|| StoreError::unreadable("evidence's state", state))?,
        source_path: row.get(10),
        origin: row.get(11),
        content_type: row.get(12),
        bytes: row.get::<_, Option<i64>>(13).and_then(|n| u64::try_from(n).ok()),
        sha256: sum.and_then(|sum| sum.try_into().ok()),
        key: row.get(15),
        error_code: row.get(16),
        error: row.get(17),
        attempts: u32::try_from(row.get::<_, i32>(18)).unwrap_or(0),
        legal_hold: row.get(19),
        created_at: row.get(20),
        stored_at: row.get(21),
        expires_at: row.get(22),
        expired_at: row.get(23),
        superseded_at: row.get(24),
    })
}
