//! What is read to conclude something about a run: its causes, its requirements, and the runs of its series before it. Every
//! order that reaches a page is by bytes (`collate "C"`).

use hub_domain::{
    ExternalId, Moment, ProjectId,
    entity::Counts,
    insight::{Traceability, TrendCase, TrendRun},
    vocabulary::{FailureCause, ResultStatus},
};
use time::format_description::well_known::Rfc3339;
use tokio_postgres::{Row, types::Type};

use crate::{
    StoreError, WorkerTx,
    entities::{count, external_id},
    query::Query,
};

/// Unsuccessful results of a run that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseGroup {
    /// A cause of the infrastructure.
    pub cause: Option<FailureCause>,
    /// The signature of their error, where they share it.
    pub signature: Option<String>,
    /// How many.
    pub failed: u64,
    /// The error of one of them.
    pub example: Option<String>,
}

/// A requirement with the cases in use that name it and what a run says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementRow {
    /// The requirement's id.
    pub requirement: String,
    /// Its cases.
    pub known: u64,
    /// Of which the run executed.
    pub executed: u64,
    /// Of which passed wherever they were executed.
    pub passed: u64,
    /// Of which were unsuccessful.
    pub failed: u64,
    /// The first ten cases.
    pub cases: Vec<ExternalId>,
}

/// Changed cases that are looked at; a run beside a run with more says so by its counts alone.
const MAX_CHANGES: i64 = 50_000;

macro_rules! of_run {
    ($run:literal) => {
        concat!(
            "project_id = $1 and run_id = ",
            $run,
            " and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = ",
            $run,
            ")"
        )
    };
}

static CAUSES: Query = Query {
    doing: "group the run's failures by what they share",
    sql: concat!(
        "with f as (select cause, signature, left(message, 300) as message from hub.results where ", of_run!("$2"),
        " and status in ('failed', 'broken', 'timeout'))
          (select cause, null::text, count(*), min(message collate \"C\") from f where cause is not null group by cause
            order by 3 desc, 1 limit 1)
          union all
          (select null, signature, count(*), min(message collate \"C\") from f where signature is not null group by signature
            order by 3 desc, 2 limit 1)"
    ),
    types: &[Type::UUID, Type::TEXT],
};
static REQUIREMENTS: Query = Query {
    doing: "read what the run says of the requirements",
    sql: concat!(
        "with traced as (
            select distinct e.external_id, r.requirement from hub.entities e,
                   jsonb_array_elements_text(e.payload -> 'requirements') r (requirement)
             where e.project_id = $1 and e.entity_type = 'test_case' and e.deleted_at is null
               and e.payload ->> 'status' <> 'deprecated'),
          outcome as (
            select test_case_id, bool_or(status in ('passed', 'failed', 'broken', 'timeout', 'flaky')) as executed,
                   bool_or(status in ('failed', 'broken', 'timeout')) as failed from hub.results where ", of_run!("$2"),
        "    group by test_case_id)
          select t.requirement, count(*), count(*) filter (where o.executed), count(*) filter (where o.executed and not o.failed),
                 count(*) filter (where o.failed), (array_agg(t.external_id order by t.external_id collate \"C\"))[1:10]
            from traced t left join outcome o on o.test_case_id = t.external_id
           group by t.requirement order by t.requirement collate \"C\""
    ),
    types: &[Type::UUID, Type::TEXT],
};
static UNTRACED: Query = Query {
    doing: "count the test cases without a requirement",
    sql: "select count(*) from hub.entities where project_id = $1 and entity_type = 'test_case' and deleted_at is null
             and payload ->> 'status' <> 'deprecated' and payload -> 'requirements' = '[]'",
    types: &[Type::UUID],
};
static PLACE: Query = Query {
    doing: "place the run in its series",
    sql: "update hub.runs set series = $3, began_at = coalesce($4, created_at)
           where project_id = $1 and run_id = $2
             and (series, began_at) is distinct from ($3, coalesce($4, created_at))",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ],
};
static BEGAN: Query = Query {
    doing: "read when the run began",
    sql: "select coalesce(began_at, created_at) from hub.runs where project_id = $1 and run_id = $2",
    types: &[Type::UUID, Type::TEXT],
};
static EARLIER: Query = Query {
    doing: "list the runs of the series before the run",
    sql: "select h.run_id, e.payload ->> 'started_at', e.payload -> 'counts'
            from hub.runs h
            join hub.entities e on e.project_id = h.project_id and e.entity_type = 'run' and e.external_id = h.run_id
             and e.deleted_at is null
           where h.project_id = $1 and h.series = $2
             and (h.began_at, h.created_at, h.run_id collate \"C\")
               < (select b.began_at, b.created_at, b.run_id collate \"C\" from hub.runs b where b.project_id = $1 and b.run_id = $3)
           order by h.began_at desc, h.created_at desc, h.run_id collate \"C\" desc limit $4",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::INT8],
};
static CHANGES: Query = Query {
    doing: "compare the run's cases with those of the run before",
    // The worst result of each case, as its place in this list.
    sql: concat!(
        "with n as (select test_case_id, min(array_position(
              array['failed', 'broken', 'timeout', 'flaky', 'passed', 'blocked', 'skipped', 'not_run'], status)) as worst
            from hub.results where ", of_run!("$2"), " and test_case_id is not null group by 1),
          b as (select test_case_id, min(array_position(
              array['failed', 'broken', 'timeout', 'flaky', 'passed', 'blocked', 'skipped', 'not_run'], status)) as worst
            from hub.results where ", of_run!("$3"), " and test_case_id is not null group by 1)
          select test_case_id, b.worst, n.worst from n full join b using (test_case_id)
           where n.worst <= 4 or b.worst <= 3 order by test_case_id collate \"C\" limit $4"
    ),
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::INT8],
};
static LATEST: Query = Query {
    doing: "find the latest run that says something of requirements",
    sql: "select h.run_id, e.payload #> '{insight,requirements}'
            from hub.runs h
            join hub.entities e on e.project_id = h.project_id and e.entity_type = 'run' and e.external_id = h.run_id
             and e.deleted_at is null and e.payload #> '{insight,requirements}' is not null
           where h.project_id = $1 and h.began_at is not null
           order by h.began_at desc, h.created_at desc, h.run_id collate \"C\" desc limit 1",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] =
    &[&CAUSES, &REQUIREMENTS, &UNTRACED, &PLACE, &BEGAN, &EARLIER, &CHANGES, &LATEST];

/// The order of [`CHANGES`], from the worst.
const WORST: [ResultStatus; 8] = [
    ResultStatus::Failed,
    ResultStatus::Broken,
    ResultStatus::Timeout,
    ResultStatus::Flaky,
    ResultStatus::Passed,
    ResultStatus::Blocked,
    ResultStatus::Skipped,
    ResultStatus::NotRun,
];

fn worst(row: &Row, column: usize) -> Option<ResultStatus> {
    let place: Option<i32> = row.get(column);
    WORST.get(usize::try_from(place?).ok()?.checked_sub(1)?).copied()
}

impl WorkerTx {
    /// What most of a run's unsuccessful results share: the cause that most name, and the signature that most have.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn cause_groups(&self, project: ProjectId, run: &ExternalId) -> Result<Vec<CauseGroup>, StoreError> {
        let rows = self.rows(&CAUSES, &[&project.0, &run.as_str()]).await?;
        let group = |row: &Row| CauseGroup {
            cause: row.get::<_, Option<&str>>(0).and_then(FailureCause::from_word),
            signature: row.get(1),
            failed: count(row, 2),
            example: row.get(3),
        };
        Ok(rows.iter().map(group).collect())
    }

    /// The requirements that cases in use name, with what a run says of these cases, and how many cases name none.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn requirements(
        &self,
        project: ProjectId,
        run: &ExternalId,
    ) -> Result<(Vec<RequirementRow>, u64), StoreError> {
        let mut requirements = Vec::new();
        for row in self.rows(&REQUIREMENTS, &[&project.0, &run.as_str()]).await? {
            let cases: Vec<String> = row.get(5);
            let cases = cases.into_iter().map(ExternalId::new).collect::<Result<_, _>>();
            requirements.push(RequirementRow {
                requirement: row.get(0),
                known: count(&row, 1),
                executed: count(&row, 2),
                passed: count(&row, 3),
                failed: count(&row, 4),
                cases: cases.map_err(|e| StoreError::unreadable("a requirement's test cases", e))?,
            });
        }
        if requirements.is_empty() {
            return Ok((requirements, 0));
        }
        let untraced = self.rows(&UNTRACED, &[&project.0]).await?.first().map_or(0, |row| count(row, 0));
        Ok((requirements, untraced))
    }

    /// Places a run in its series, at its start or, where that is not known, at the moment at which it was first seen.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn place_in_series(
        &self,
        project: ProjectId,
        run: &ExternalId,
        series: &str,
        started: Option<Moment>,
    ) -> Result<(), StoreError> {
        self.run(&PLACE, &[&project.0, &run.as_str(), &series, &started]).await?;
        Ok(())
    }

    /// When a run began, or was first seen.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn run_began(&self, project: ProjectId, run: &ExternalId) -> Result<Option<Moment>, StoreError> {
        Ok(self.rows(&BEGAN, &[&project.0, &run.as_str()]).await?.first().map(|row| row.get(0)))
    }

    /// The runs of a series before a run, the latest first. The run must be placed.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn earlier_runs(
        &self,
        project: ProjectId,
        series: &str,
        run: &ExternalId,
        limit: usize,
    ) -> Result<Vec<TrendRun>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&EARLIER, &[&project.0, &series, &run.as_str(), &limit]).await?;
        rows.iter()
            .map(|row| {
                let counts: Counts =
                    serde_json::from_value(row.get(2)).map_err(|e| StoreError::unreadable("a run's counts", e))?;
                let began_at = row.get::<_, Option<&str>>(1).map(|text| Moment::parse(text, &Rfc3339)).transpose();
                let began_at = began_at.map_err(|e| StoreError::unreadable("a run's start", e))?;
                Ok(TrendRun { run: external_id(row, 0)?, began_at, counts })
            })
            .collect()
    }

    /// The cases that are unsuccessful or flaky in a run, or were unsuccessful in the run before, with their worst results in
    /// both, in the order of their ids, at most 50,000.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn changed_cases(
        &self,
        project: ProjectId,
        run: &ExternalId,
        before: &ExternalId,
    ) -> Result<Vec<TrendCase>, StoreError> {
        let rows = self.rows(&CHANGES, &[&project.0, &run.as_str(), &before.as_str(), &MAX_CHANGES]).await?;
        rows.iter()
            .map(|row| Ok(TrendCase { case: external_id(row, 0)?, before: worst(row, 1), now: worst(row, 2) }))
            .collect()
    }

    /// The latest run that says something of requirements, with what it says.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn latest_requirements(
        &self,
        project: ProjectId,
    ) -> Result<Option<(ExternalId, Traceability)>, StoreError> {
        let rows = self.rows(&LATEST, &[&project.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let said = serde_json::from_value(row.get(1))
            .map_err(|e| StoreError::unreadable("what a run says of requirements", e))?;
        Ok(Some((external_id(row, 0)?, said)))
    }
}
