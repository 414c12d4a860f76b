//! Results below a run, written. A run's results are all in the partition of one month, which is decided when the run is
//! first seen. Saving asks by hash first, as `entities` does.

use futures::{FutureExt as _, future::join};
use hub_domain::{ContentHash, ExternalId, ProjectId, TenantId, TestResult, entity::ResultExtra};
use time::{Date, OffsetDateTime};
use tokio_postgres::types::{Json, ToSql, Type};

use crate::{StoreError, WorkerTx, entities::count, entities_save::PIECE, query::Query, tx::meanwhile};

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
    // What is equal needs no answer. `offset 0` keeps it a lookup by key, as for entities.
    sql: "select u.n, r.content_hash is null
            from unnest($4::text[], $5::bytea[]) with ordinality u (key, hash, n)
            left join lateral (select f.content_hash from hub.results f
                                where f.run_month = $2 and f.project_id = $1 and f.run_id = $3 and f.result_key = u.key
                               offset 0) r on true
           where r.content_hash is distinct from u.hash",
    types: &[Type::UUID, Type::DATE, Type::TEXT, Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
};
/// The parameters of the statements that write results.
const COLUMNS: &[Type] = &[
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
];

/// An insert, without what happens to a row that is there.
macro_rules! insert {
    () => {
        "insert into hub.results (run_month, project_id, tenant_id, run_id, result_key, report_id, test_case_id, name, suite,
            status, source_status, device, platform, attempt, duration_ms, started_at, error_type, message, details, notes,
            evidence, extra, fingerprint, signature, cause, content_hash)
          select $1, $2, $3, $4, u.* from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::text[], $12::text[], $13::text[], $14::int4[], $15::int8[], $16::timestamptz[], $17::text[], $18::text[],
            $19::text[], $20::text[], $21::jsonb[], $22::jsonb[], $23::text[], $24::text[], $25::text[], $26::bytea[])
            u (key, report, test_case, name, suite, status, source_status, device, platform, attempt, duration, started,
               error_type, message, details, notes, evidence, extra, fingerprint,
               signature, cause, hash)"
    };
}

static ADD: Query = Query { doing: "add results", sql: insert!(), types: COLUMNS };
static SAVE: Query = Query {
    doing: "save results",
    sql: concat!(
        insert!(),
        "
          on conflict (run_month, project_id, run_id, result_key) do update set
            report_id = excluded.report_id, test_case_id = excluded.test_case_id, name = excluded.name,
            suite = excluded.suite, status = excluded.status, source_status = excluded.source_status,
            device = excluded.device, platform = excluded.platform, attempt = excluded.attempt,
            duration_ms = excluded.duration_ms, started_at = excluded.started_at, error_type = excluded.error_type,
            message = excluded.message, details = excluded.details, notes = excluded.notes,
            evidence = excluded.evidence, extra = excluded.extra, fingerprint = excluded.fingerprint,
            signature = excluded.signature, cause = excluded.cause, content_hash = excluded.content_hash, updated_at = now()"
    ),
    types: COLUMNS,
};
static HELD: Query = Query {
    doing: "count what is kept of a report",
    // By the report alone, whose id begins with the run's: a run may have as many reports as results.
    sql: "select count(*) from (select r.project_id, r.run_id from hub.results r
                                where r.run_month = $1 and r.report_id = $4 offset 0) k
           where k.project_id = $2 and k.run_id = $3",
    types: &[Type::DATE, Type::UUID, Type::TEXT, Type::TEXT],
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

pub(crate) static QUERIES: &[&Query] = &[&FIND_RUN, &ADD_RUN, &COMPARE, &ADD, &SAVE, &HELD, &KEYS, &PRUNE];

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
        let mut latest: Vec<&TestResult> = results.iter().rev().collect();
        // In the order of the key, so that two imports at once wait for each other and never for ever. The sort is stable: of
        // one key the last comes first.
        latest.sort_by_key(|result| result.result_key.as_str());
        latest.dedup_by_key(|result| result.result_key.as_str());
        let pieces: Vec<_> = latest.chunks(PIECE).collect();
        let mut hashed = vec![hash_all(pieces.first().copied().unwrap_or_default())?];
        let (mut new, mut different) = (Vec::new(), Vec::new());
        for (number, piece) in pieces.iter().enumerate() {
            let hashes = hashed.get(number).map_or(&[] as &[_], Vec::as_slice);
            let next = pieces.get(number + 1).copied().unwrap_or_default();
            // The next piece is hashed while the database compares this one.
            let compared = self.compare_results(project, month, run, piece, hashes);
            let (compared, next) = join(compared, meanwhile(|| hash_all(next))).await;
            for (at, is_new) in compared? {
                if is_new { &mut new } else { &mut different }.push(number * PIECE + at);
            }
            hashed.push(next?);
        }
        let written = ResultsWritten {
            inserted: new.len() as u64,
            updated: different.len() as u64,
            unchanged: latest.len().saturating_sub(new.len() + different.len()) as u64,
            repeated: results.len().saturating_sub(latest.len()) as u64,
        };
        let rows: Vec<_> = latest.iter().copied().zip(hashed.iter().flatten()).collect();
        let columns = |which: &[usize]| -> Vec<Columns<'_>> {
            which.chunks(PIECE).map(|piece| Columns::of(piece.iter().filter_map(|at| rows.get(*at)))).collect()
        };
        let place = Place { month, project, tenant: self.tenant(), run: run.as_str() };
        let add = |columns| self.add_results(&place, columns).boxed();
        if different.is_empty() && (new.is_empty() || self.insert(columns(&new).into_iter().map(add).collect()).await?)
        {
            return Ok(written);
        }
        new.extend(different);
        new.sort_unstable();
        for columns in columns(&new) {
            self.run(&SAVE, &columns.parameters(&place)).await?;
        }
        Ok(written)
    }

    /// Asks which results differ. Returns their places, and whether they are new.
    async fn compare_results(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        piece: &[&TestResult],
        hashes: &[ContentHash],
    ) -> Result<Vec<(usize, bool)>, StoreError> {
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        let keys: Vec<&str> = piece.iter().map(|result| result.result_key.as_str()).collect();
        let rows = self.rows(&COMPARE, &[&project.0, &month.0, &run.as_str(), &keys, &hashes]).await?;
        let place = |row| usize::try_from(count(row, 0).saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(rows.iter().map(|row| (place(row), row.get(1))).collect())
    }

    async fn add_results(&self, place: &Place<'_>, columns: Columns<'_>) -> Result<(), StoreError> {
        self.send(&ADD, &columns.parameters(place)).await
    }

    /// Removes the results of a report that its latest version no longer holds: those whose key is not to be kept. To be
    /// called once the new version is saved, in the transaction that saves the report, so that nobody sees a mixture.
    /// The keys are read page by page, and only where there are more than the `kept` ones. Returns how many results were
    /// removed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn prune_results(
        &self,
        project: ProjectId,
        month: RunMonth,
        run: &ExternalId,
        report: &ExternalId,
        kept: u64,
        keep: impl Fn(&str) -> bool,
    ) -> Result<u64, StoreError> {
        let (run, report) = (run.as_str(), report.as_str());
        let held = self.rows(&HELD, &[&month.0, &project.0, &run, &report]).await?;
        if held.first().is_some_and(|row| count(row, 0) == kept) {
            return Ok(0);
        }
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

fn hash_all(piece: &[&TestResult]) -> Result<Vec<ContentHash>, StoreError> {
    let hashes = piece.iter().map(|result| result.content_hash());
    Ok(hashes.collect::<Result<_, _>>()?)
}

/// Results as columns, which is how a statement takes hundreds of them.
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
    evidence: Vec<Json<&'a [String]>>,
    extras: Vec<Json<&'a ResultExtra>>,
    fingerprints: Vec<Option<&'a str>>,
    signatures: Vec<Option<&'a str>>,
    causes: Vec<Option<&'a str>>,
    hashes: Vec<&'a [u8]>,
}

/// Where results are.
struct Place<'a> {
    month: RunMonth,
    project: ProjectId,
    tenant: TenantId,
    run: &'a str,
}

impl<'a> Columns<'a> {
    fn parameters<'p>(&'p self, place: &'p Place<'_>) -> [&'p (dyn ToSql + Sync); 26] {
        [
            &place.month.0,
            &place.project.0,
            &place.tenant.0,
            &place.run,
            &self.keys,
            &self.reports,
            &self.cases,
            &self.names,
            &self.suites,
            &self.statuses,
            &self.source_statuses,
            &self.devices,
            &self.platforms,
            &self.attempts,
            &self.durations,
            &self.starts,
            &self.error_types,
            &self.messages,
            &self.details,
            &self.notes,
            &self.evidence,
            &self.extras,
            &self.fingerprints,
            &self.signatures,
            &self.causes,
            &self.hashes,
        ]
    }

    fn of<'r>(rows: impl Iterator<Item = &'r (&'a TestResult, &'a ContentHash)>) -> Self
    where
        'a: 'r,
    {
        let mut columns = Self::default();
        rows.for_each(|(result, hash)| columns.push(result, &hash.0));
        columns
    }

    fn push(&mut self, result: &'a TestResult, hash: &'a [u8]) {
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
        self.evidence.push(Json(&result.evidence));
        self.extras.push(Json(&result.extra));
        let failure = result.failure.as_ref();
        self.fingerprints.push(failure.map(|f| f.fingerprint.as_str()));
        self.signatures.push(failure.and_then(|f| f.signature.as_deref()));
        self.causes.push(failure.and_then(|f| f.cause).map(|cause| cause.as_str()));
        self.hashes.push(hash);
    }
}
