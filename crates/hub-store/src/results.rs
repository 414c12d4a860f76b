//! Results below a run, written. A run's results are all in the partition of one month, which is decided when the run is
//! first seen. Saving asks by hash first, as `entities` does.

use std::collections::HashMap;

use hub_domain::{ExternalId, ProjectId, TestResult};
use serde_json::Value;
use time::{Date, OffsetDateTime};
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query, tx::BATCH};

/// The month in whose partition a run's results are: its first day. Only [`WorkerTx::ensure_run`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunMonth(pub(crate) Date);

impl RunMonth {
    /// The first day of the month.
    #[must_use]
    pub fn first_day(self) -> Date {
        self.0
    }
}

/// What saving results did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResultsWritten {
    /// Not there before.
    pub inserted: u64,
    /// There with another content.
    pub updated: u64,
    /// There with the same content; nothing was written.
    pub unchanged: u64,
    /// Keys that the same call held again later; the later one counts.
    pub repeated: u64,
}

static FIND_RUN: Query = Query {
    doing: "find the run's month",
    sql: "select run_month from hub.runs where project_id = $1 and run_id = $2",
    types: &[Type::UUID, Type::TEXT],
};
static ADD_RUN: Query = Query {
    doing: "add the run",
    sql:
        "insert into hub.runs (project_id, tenant_id, run_id, run_month) values ($1, $2, $3, hub_private.place_run($4))
          on conflict (project_id, run_id) do nothing",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::DATE],
};
static COMPARE: Query = Query {
    doing: "compare results by their hashes",
    // `offset 0` keeps it a lookup by key, as for entities.
    sql: "select case when r.content_hash is null then 0 when r.content_hash = u.hash then 1 else 2 end
            from unnest($4::text[], $5::bytea[]) with ordinality u (key, hash, n)
            left join lateral (select f.content_hash from hub.results f
                                where f.run_month = $2 and f.project_id = $1 and f.run_id = $3 and f.result_key = u.key
                               offset 0) r on true
           order by u.n",
    types: &[Type::UUID, Type::DATE, Type::TEXT, Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
};
static SAVE: Query = Query {
    doing: "save results",
    sql: "insert into hub.results (run_month, project_id, tenant_id, run_id, result_key, report_id, test_case_id, name, suite,
            status, source_status, device, platform, attempt, duration_ms, started_at, error_type, message, details, notes,
            evidence, extra, fingerprint, signature, cause, content_hash)
          select $1, $2, $3, $4, u.* from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[], $14::int4[], $15::int8[], $16::timestamptz[], $17::text[], $18::text[],
            $19::text[], $20::text[], $21::jsonb[], $22::jsonb[], $23::text[], $24::text[], $25::text[], $26::bytea[])
            u (key, report, test_case, name, suite, status, source_status, device, platform, attempt, duration, started,
               error_type, message, details, notes, evidence, extra, fingerprint,
               signature, cause, hash)
           order by u.key
          on conflict (run_month, project_id, run_id, result_key) do update set
            report_id = excluded.report_id, test_case_id = excluded.test_case_id, name = excluded.name,
            suite = excluded.suite, status = excluded.status, source_status = excluded.source_status,
            device = excluded.device, platform = excluded.platform, attempt = excluded.attempt,
            duration_ms = excluded.duration_ms, started_at = excluded.started_at, error_type = excluded.error_type,
            message = excluded.message, details = excluded.details, notes = excluded.notes,
            evidence = excluded.evidence, extra = excluded.extra, fingerprint = excluded.fingerprint,
            signature = excluded.signature, cause = excluded.cause, content_hash = excluded.content_hash, updated_at = now()",
    types: &[
        Type::DATE,
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
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::JSONB_ARRAY,
        Type::JSONB_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
    ],
};
static KEYS: Query = Query {
    doing: "list the results of a report",
    sql: "select result_key from hub.results
           where run_month = $1 and project_id = $2 and run_id = $3 and report_id = $4 and result_key > $5
           order by result_key limit $6",
    types: &[Type::DATE, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8],
};
static PRUNE: Query = Query {
    doing: "remove results that the report no longer holds",
    sql: "delete from hub.results
           where run_month = $1 and project_id = $2 and run_id = $3 and report_id = $4 and result_key = any($5)",
    types: &[Type::DATE, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY],
};

/// Keys of one page of a report's results.
const KEYS_PER_PAGE: i64 = 10_000;

pub(crate) static QUERIES: &[&Query] = &[&FIND_RUN, &ADD_RUN, &COMPARE, &SAVE, &KEYS, &PRUNE];

impl WorkerTx {
    /// The month of a run. A run that is new is placed in the month of `hint`, the day on which its first report says that
    /// it began, or in the present month where nothing is known or the hint is more than ten years old or in the future.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn ensure_run(
        &self,
        project: ProjectId,
        run: &ExternalId,
        hint: Option<Date>,
    ) -> Result<RunMonth, StoreError> {
        if let Some(month) = self.run_month(project, run).await? {
            return Ok(month);
        }
        self.run(&ADD_RUN, &[&project.0, &self.tenant().0, &run.as_str(), &hint]).await?;
        let added = self.run_month(project, run).await?;
        added.ok_or_else(|| StoreError::unreadable("the run's month", "the run belongs to another tenant"))
    }

    /// The month of a run that is known.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn run_month(&self, project: ProjectId, run: &ExternalId) -> Result<Option<RunMonth>, StoreError> {
        let rows = self.rows(&FIND_RUN, &[&project.0, &run.as_str()]).await?;
        Ok(rows.first().map(|row| RunMonth(row.get(0))))
    }

    /// Saves results of a run.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`].
    pub async fn upsert_results(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        results: &[TestResult],
    ) -> Result<ResultsWritten, StoreError> {
        let mut latest: HashMap<&str, usize> = HashMap::with_capacity(results.len());
        let mut written = ResultsWritten::default();
        for (index, result) in results.iter().enumerate() {
            if latest.insert(&result.result_key, index).is_some() {
                written.repeated += 1;
            }
        }
        let mut indexes: Vec<usize> = latest.into_values().collect();
        indexes.sort_unstable();
        for batch in indexes.chunks(BATCH) {
            let batch: Vec<&TestResult> = batch.iter().filter_map(|index| results.get(*index)).collect();
            let hashes = batch.iter().map(|result| result.content_hash()).collect::<Result<Vec<_>, _>>()?;
            let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
            let keys: Vec<&str> = batch.iter().map(|result| result.result_key.as_str()).collect();
            let verdicts = self.rows(&COMPARE, &[&project.0, &month.0, &run.as_str(), &keys, &hashes]).await?;
            let mut columns = Columns::default();
            for ((result, hash), verdict) in batch.iter().zip(&hashes).zip(&verdicts) {
                match verdict.get::<_, i32>(0) {
                    0 => written.inserted += 1,
                    1 => {
                        written.unchanged += 1;
                        continue;
                    }
                    _ => written.updated += 1,
                }
                columns.push(result, hash)?;
            }
            if !columns.keys.is_empty() {
                self.save_columns(project, month, run, &columns).await?;
            }
        }
        Ok(written)
    }

    async fn save_columns(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        c: &Columns<'_>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant();
        self.run(
            &SAVE,
            &[
                &month.0,
                &project.0,
                &tenant.0,
                &run.as_str(),
                &c.keys,
                &c.reports,
                &c.cases,
                &c.names,
                &c.suites,
                &c.statuses,
                &c.source_statuses,
                &c.devices,
                &c.platforms,
                &c.attempts,
                &c.durations,
                &c.starts,
                &c.error_types,
                &c.messages,
                &c.details,
                &c.notes,
                &c.evidence,
                &c.extras,
                &c.fingerprints,
                &c.signatures,
                &c.causes,
                &c.hashes,
            ],
        )
        .await?;
        Ok(())
    }

    /// Removes the results of a report that its latest version no longer holds: those whose key is not to be kept. To be
    /// called once the new version is saved, in the transaction that saves the report, so that nobody sees a mixture.
    /// The keys are read page by page. Returns how many results were removed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn prune_results(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        report: &ExternalId,
        keep: impl Fn(&str) -> bool,
    ) -> Result<u64, StoreError> {
        let (run, report) = (run.as_str(), report.as_str());
        let mut after = String::new();
        let mut removed = 0;
        loop {
            let rows = self.rows(&KEYS, &[&month.0, &project.0, &run, &report, &after, &KEYS_PER_PAGE]).await?;
            let Some(last) = rows.last() else { return Ok(removed) };
            after = last.get(0);
            let gone: Vec<&str> = rows.iter().map(|row| row.get::<_, &str>(0)).filter(|key| !keep(key)).collect();
            if !gone.is_empty() {
                removed += self.run(&PRUNE, &[&month.0, &project.0, &run, &report, &gone]).await?;
            }
        }
    }
}

/// Results as columns, which is how a statement takes a thousand of them.
#[derive(Default)]
struct Columns<'a> {
    keys: Vec<&'a str>,
    reports: Vec<&'a str>,
    cases: Vec<Option<&'a str>>,
    names: Vec<&'a str>,
    suites: Vec<Option<&'a str>>,
    statuses: Vec<&'a str>,
    source_statuses: Vec<&'a str>,
    devices: Vec<Option<&'a str>>,
    platforms: Vec<Option<&'a str>>,
    attempts: Vec<i32>,
    durations: Vec<Option<i64>>,
    starts: Vec<Option<OffsetDateTime>>,
    error_types: Vec<Option<&'a str>>,
    messages: Vec<Option<&'a str>>,
    details: Vec<Option<&'a str>>,
    notes: Vec<Option<&'a str>>,
    evidence: Vec<Value>,
    extras: Vec<Value>,
    fingerprints: Vec<Option<&'a str>>,
    signatures: Vec<Option<&'a str>>,
    causes: Vec<Option<&'a str>>,
    hashes: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, result: &'a TestResult, hash: &'a [u8]) -> Result<(), StoreError> {
        self.keys.push(&result.result_key);
        self.reports.push(result.report.as_str());
        self.cases.push(result.test_case.as_ref().map(ExternalId::as_str));
        self.names.push(&result.name);
        self.suites.push(result.suite.as_deref());
        self.statuses.push(result.status.as_str());
        self.source_statuses.push(&result.source_status);
        self.devices.push(result.device.as_deref());
        self.platforms.push(result.platform.as_deref());
        // A source that claims more than these can hold is wrong; the row's hash still tells such claims apart.
        self.attempts.push(i32::try_from(result.attempt).unwrap_or(i32::MAX));
        self.durations.push(result.duration_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)));
        self.starts.push(result.started_at);
        self.error_types.push(result.error_type.as_deref());
        self.messages.push(result.message.as_deref());
        self.details.push(result.details.as_deref());
        self.notes.push(result.notes.as_deref());
        self.evidence.push(Value::from(result.evidence.clone()));
        let extra = serde_json::to_value(&result.extra).map_err(|e| StoreError::unreadable("a result's facts", e))?;
        self.extras.push(extra);
        let failure = result.failure.as_ref();
        self.fingerprints.push(failure.map(|f| f.fingerprint.as_str()));
        self.signatures.push(failure.and_then(|f| f.signature.as_deref()));
        self.causes.push(failure.and_then(|f| f.cause).map(|cause| cause.as_str()));
        self.hashes.push(hash);
        Ok(())
    }
}
