//! Failures across runs: which run showed which, and what became of them.

use hub_domain::{
    ExternalId, Moment, ProjectId,
    failure::{Failure, FailureState},
    insight::FailureKind,
    vocabulary::{DefectStatus, ResultStatus},
};
use tokio_postgres::{Row, types::Type};

use crate::{
    StoreError, WorkerTx,
    entities::{count, external_id},
    query::Query,
    tx::BATCH,
};

/// A failure as a run shows it, by its first result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// By what it is the same in another run.
    pub fingerprint: String,
    /// The test case.
    pub test_case: Option<ExternalId>,
    /// The test's name.
    pub name: String,
    /// What became of it.
    pub status: ResultStatus,
    /// Whether a later attempt of the same test in the same run passed.
    pub repeated_and_passed: bool,
    /// The platform.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
    /// The error's message.
    pub message: Option<String>,
    /// The beginning of its details.
    pub details: Option<String>,
}

/// Where a failure was seen, over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighted {
    /// The failure.
    pub fingerprint: String,
    /// How many runs showed it.
    pub runs: u64,
    /// The first of them.
    pub first_run: ExternalId,
    /// The last of them.
    pub last_run: ExternalId,
    /// When that began.
    pub last_began_at: Moment,
}

/// A defect that names a test case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDefect {
    /// The defect.
    pub defect: ExternalId,
    /// Where it stands.
    pub status: DefectStatus,
    /// Whether the hub made it.
    pub own: bool,
    /// The cases that it names.
    pub cases: Vec<ExternalId>,
}

static OF_RUN: Query = Query {
    doing: "list the run's failures",
    // Errors of the infrastructure are no failures of the thing under test. A failure is told by the one of its results that
    // was not made good by a later attempt, where there is one.
    sql: "select distinct on (r.fingerprint) r.fingerprint, r.test_case_id, r.name, r.status, m.mended, r.platform, r.device,
                 r.message, left(r.details, 4000)
            from hub.results r,
                 lateral (select exists (
                   select from hub.results l
                    where l.run_month = r.run_month and l.project_id = r.project_id and l.run_id = r.run_id
                      and l.test_case_id = r.test_case_id and l.device is not distinct from r.device and l.attempt > r.attempt
                      and l.status in ('passed', 'flaky')) as mended) m
           where r.project_id = $1 and r.run_id = $2
             and r.run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)
             and r.status in ('failed', 'broken', 'timeout', 'flaky') and r.fingerprint is not null and r.cause is null
           order by r.fingerprint, m.mended, r.status = 'flaky', r.device collate \"C\" nulls last, r.result_key collate \"C\"",
    types: &[Type::UUID, Type::TEXT],
};
static FORGET: Query = Query {
    doing: "forget failures that the run no longer shows",
    sql: "delete from hub.failure_runs where project_id = $1 and run_id = $2 and fingerprint <> all($3)",
    types: &[Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};
static REMEMBER: Query = Query {
    doing: "remember the run's failures",
    sql: "insert into hub.failure_runs (project_id, tenant_id, fingerprint, run_id)
          select $1, $2, u.fingerprint, $3 from unnest($4::text[]) u (fingerprint) order by u.fingerprint
          on conflict do nothing",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};
static SIGHTED: Query = Query {
    doing: "read which runs showed failures",
    sql: "select f.fingerprint, count(*),
                 (array_agg(f.run_id order by coalesce(h.began_at, h.created_at), h.created_at, f.run_id collate \"C\"))[1],
                 (array_agg(f.run_id order by coalesce(h.began_at, h.created_at) desc, h.created_at desc, f.run_id collate \"C\" desc))[1],
                 max(coalesce(h.began_at, h.created_at))
            from hub.failure_runs f join hub.runs h on h.project_id = f.project_id and h.run_id = f.run_id
           where f.project_id = $1 and f.fingerprint = any($2)
           group by f.fingerprint order by f.fingerprint",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static SHOWN_BY: Query = Query {
    doing: "read which of the runs showed failures",
    sql: "select fingerprint, run_id from hub.failure_runs
           where project_id = $1 and fingerprint = any($2) and run_id = any($3) order by fingerprint, run_id",
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
macro_rules! columns {
    () => {
        "fingerprint, kind, state, test_case_id, title, message, details, environment, platform, device, first_run, last_run,
         last_began_at, runs, consecutive, defect_id"
    };
}
static BY_FINGERPRINT: Query = Query {
    doing: "read failures",
    sql: concat!(
        "select ",
        columns!(),
        " from hub.failures where project_id = $1 and fingerprint = any($2) order by fingerprint"
    ),
    types: &[Type::UUID, Type::TEXT_ARRAY],
};
static LIST: Query = Query {
    doing: "list failures",
    sql: concat!(
        "select ", columns!(), " from hub.failures where project_id = $1 and ($2::text is null or state = $2)
          order by array_position(array['proposed', 'new', 'defect', 'ignored'], state), last_began_at desc, fingerprint limit $3"
    ),
    types: &[Type::UUID, Type::TEXT, Type::INT8],
};
static SAVE: Query = Query {
    doing: "save a failure",
    sql: concat!(
        "insert into hub.failures as f (project_id, tenant_id, ", columns!(), ")
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
          on conflict (project_id, fingerprint) do update set state = excluded.state, first_run = excluded.first_run,
            last_run = excluded.last_run, last_began_at = excluded.last_began_at, runs = excluded.runs,
            consecutive = excluded.consecutive, defect_id = excluded.defect_id, updated_at = now()
          where (f.state, f.first_run, f.last_run, f.last_began_at, f.runs, f.consecutive, f.defect_id) is distinct from
            (excluded.state, excluded.first_run, excluded.last_run, excluded.last_began_at, excluded.runs, excluded.consecutive,
             excluded.defect_id)"
    ),
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
    ],
};
static NAMING: Query = Query {
    doing: "find the defects that name test cases",
    sql: "select external_id, payload ->> 'status', payload ? 'sightings', payload -> 'test_cases' from hub.entities
           where project_id = $1 and entity_type = 'defect' and deleted_at is null and payload -> 'test_cases' ?| $2
           order by external_id collate \"C\"",
    types: &[Type::UUID, Type::TEXT_ARRAY],
};

pub(crate) static QUERIES: &[&Query] =
    &[&OF_RUN, &FORGET, &REMEMBER, &SIGHTED, &SHOWN_BY, &BY_FINGERPRINT, &LIST, &SAVE, &NAMING];

impl WorkerTx {
    /// The failures of a run that are no errors of the infrastructure, each once, in the order of their fingerprints.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn run_failures(&self, project: ProjectId, run: &ExternalId) -> Result<Vec<RunFailure>, StoreError> {
        let rows = self.rows(&OF_RUN, &[&project.0, &run.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let status: String = row.get(3);
                Ok(RunFailure {
                    fingerprint: row.get(0),
                    test_case: maybe_id(row, 1)?,
                    name: row.get(2),
                    status: ResultStatus::from_word(&status)
                        .ok_or_else(|| StoreError::unreadable("a result's status", status))?,
                    repeated_and_passed: row.get(4),
                    platform: row.get(5),
                    device: row.get(6),
                    message: row.get(7),
                    details: row.get(8),
                })
            })
            .collect()
    }

    /// Remembers the failures that a run shows, all of them: others that it showed before are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn remember_failures(
        &self,
        project: ProjectId,
        run: &ExternalId,
        fingerprints: &[&str],
    ) -> Result<(), StoreError> {
        self.run(&FORGET, &[&project.0, &run.as_str(), &fingerprints]).await?;
        for batch in fingerprints.chunks(BATCH) {
            self.run(&REMEMBER, &[&project.0, &self.tenant().0, &run.as_str(), &batch]).await?;
        }
        Ok(())
    }

    /// Which runs showed failures, in the order of their fingerprints.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn sighted(&self, project: ProjectId, fingerprints: &[&str]) -> Result<Vec<Sighted>, StoreError> {
        let mut sighted = Vec::with_capacity(fingerprints.len());
        for batch in fingerprints.chunks(BATCH) {
            for row in self.rows(&SIGHTED, &[&project.0, &batch]).await? {
                sighted.push(Sighted {
                    fingerprint: row.get(0),
                    runs: count(&row, 1),
                    first_run: external_id(&row, 2)?,
                    last_run: external_id(&row, 3)?,
                    last_began_at: row.get(4),
                });
            }
        }
        Ok(sighted)
    }

    /// Which of the runs showed which of the failures.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn shown_by(
        &self,
        project: ProjectId,
        fingerprints: &[&str],
        runs: &[ExternalId],
    ) -> Result<Vec<(String, ExternalId)>, StoreError> {
        let runs: Vec<&str> = runs.iter().map(ExternalId::as_str).collect();
        let mut shown = Vec::new();
        for batch in fingerprints.chunks(BATCH) {
            for row in self.rows(&SHOWN_BY, &[&project.0, &batch, &runs]).await? {
                shown.push((row.get(0), external_id(&row, 1)?));
            }
        }
        Ok(shown)
    }

    /// Failures that are known.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn known_failures(&self, project: ProjectId, fingerprints: &[&str]) -> Result<Vec<Failure>, StoreError> {
        let mut known = Vec::new();
        for batch in fingerprints.chunks(BATCH) {
            for row in self.rows(&BY_FINGERPRINT, &[&project.0, &batch]).await? {
                known.push(failure(&row)?);
            }
        }
        Ok(known)
    }

    /// Failures in a state, or all: proposals first, then the latest.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn failures(
        &self,
        project: ProjectId,
        state: Option<FailureState>,
        limit: usize,
    ) -> Result<Vec<Failure>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&LIST, &[&project.0, &state.map(FailureState::as_str), &limit]).await?;
        rows.iter().map(failure).collect()
    }

    /// Saves failures. What a known one says of itself stays as it was said first. Returns how many changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn save_failures(&self, project: ProjectId, failures: &[Failure]) -> Result<u64, StoreError> {
        let mut changed = 0;
        for failure in failures {
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            changed += self
                .run(
                    &SAVE,
                    &[
                        &project.0,
                        &self.tenant().0,
                        &failure.fingerprint,
                        &failure.kind.as_str(),
                        &failure.state.as_str(),
                        &failure.test_case.as_ref().map(ExternalId::as_str),
                        &failure.title,
                        &failure.message,
                        &failure.details,
                        &failure.environment,
                        &failure.platform,
                        &failure.device,
                        &failure.first_run.as_str(),
                        &failure.last_run.as_str(),
                        &failure.last_began_at,
                        &number(failure.runs),
                        &number(failure.consecutive),
                        &failure.defect.as_ref().map(ExternalId::as_str),
                    ],
                )
                .await?;
        }
        Ok(changed)
    }

    /// The defects that name any of the test cases, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn defects_naming(&self, project: ProjectId, cases: &[&str]) -> Result<Vec<NamedDefect>, StoreError> {
        let mut defects = Vec::new();
        for batch in cases.chunks(BATCH) {
            for row in self.rows(&NAMING, &[&project.0, &batch]).await? {
                let status: String = row.get(1);
                defects.push(NamedDefect {
                    defect: external_id(&row, 0)?,
                    status: DefectStatus::from_word(&status)
                        .ok_or_else(|| StoreError::unreadable("a defect's status", status))?,
                    own: row.get(2),
                    cases: serde_json::from_value(row.get(3))
                        .map_err(|e| StoreError::unreadable("a defect's test cases", e))?,
                });
            }
        }
        Ok(defects)
    }
}

fn maybe_id(row: &Row, column: usize) -> Result<Option<ExternalId>, StoreError> {
    let text: Option<String> = row.get(column);
    text.map(ExternalId::new).transpose().map_err(|e| StoreError::unreadable("an external id", e))
}

fn failure(row: &Row) -> Result<Failure, StoreError> {
    let (kind, state): (String, String) = (row.get(1), row.get(2));
    Ok(Failure {
        fingerprint: row.get(0),
        kind: FailureKind::from_word(&kind).ok_or_else(|| StoreError::unreadable("a failure's kind", kind))?,
        state: FailureState::from_word(&state).ok_or_else(|| StoreError::unreadable("a failure's state", state))?,
        test_case: maybe_id(row, 3)?,
        title: row.get(4),
        message: row.get(5),
        details: row.get(6),
        environment: row.get(7),
        platform: row.get(8),
        device: row.get(9),
        first_run: external_id(row, 10)?,
        last_run: external_id(row, 11)?,
        last_began_at: row.get(12),
        runs: count(row, 13),
        consecutive: count(row, 14),
        defect: maybe_id(row, 15)?,
    })
}
