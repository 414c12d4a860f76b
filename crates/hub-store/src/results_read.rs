//! Results below a run, read: counted, listed and summed up for the run's pages and issues. Every order is by bytes
//! (`collate "C"`), so that a page's content, and with it its hash, is the same in every database.

use hub_domain::{
    ExternalId, ProjectId,
    entity::Counts,
    facts::{ResultLine, SuiteLine},
    vocabulary::ResultStatus,
};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{StoreError, WorkerTx, entities::count, query::Query};

/// Which results of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultFilter {
    /// All of them.
    All,
    /// Those that a person has to look at.
    Unsuccessful,
    /// Those of one report.
    Report(ExternalId),
}

static RUN_COUNTS: Query = Query {
    doing: "count the run's results",
    sql: "select status, count(*) from hub.results
           where project_id = $1 and run_id = $2
             and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)
           group by status",
    types: &[Type::UUID, Type::TEXT],
};
static REPORT_COUNTS: Query = Query {
    doing: "count the report's results",
    // By the report alone, as in `results`.
    sql: "select k.status, count(*)
            from (select r.project_id, r.run_id, r.status from hub.results r
                   where r.report_id = $3
                     and r.run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2) offset 0) k
           where k.project_id = $1 and k.run_id = $2
           group by k.status",
    types: &[Type::UUID, Type::TEXT, Type::TEXT],
};
static SUITE_COUNTS: Query = Query {
    doing: "count the run's results by suite",
    sql: "select status, count(*), coalesce(suite, '') from hub.results
           where project_id = $1 and run_id = $2
             and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)
           group by 3, 1 order by coalesce(suite, '') collate \"C\"",
    types: &[Type::UUID, Type::TEXT],
};
static LINES: Query = Query {
    doing: "list the run's results",
    // The first line of the error, else of the note.
    sql: "select test_case_id, name, device, status, duration_ms,
                 left(rtrim(split_part(ltrim(coalesce(nullif(btrim(message, E' \\t\\r\\n'), ''), notes), E' \\t\\r\\n'),
                                       E'\\n', 1), E' \\t\\r'), 300),
                 result_key
            from hub.results
           where project_id = $1 and run_id = $2
             and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)
             and (not $3 or status in ('failed', 'broken', 'timeout'))
             and ($4::text is null or report_id = $4)
           order by status in ('failed', 'broken', 'timeout') desc, test_case_id collate \"C\" nulls last, name collate \"C\",
                    device collate \"C\" nulls last, result_key collate \"C\"
           limit $5",
    types: &[Type::UUID, Type::TEXT, Type::BOOL, Type::TEXT, Type::INT8],
};
static DEVICES: Query = Query {
    doing: "list the run's devices",
    sql: "select d.device from (
            select distinct device from hub.results
             where project_id = $1 and run_id = $2 and device is not null
               and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)) d
           order by d.device collate \"C\"",
    types: &[Type::UUID, Type::TEXT],
};
static DURATION: Query = Query {
    doing: "add up the run's durations",
    sql: "select least(coalesce(sum(duration_ms), 0), 9223372036854775807)::bigint from hub.results
           where project_id = $1 and run_id = $2
             and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)",
    types: &[Type::UUID, Type::TEXT],
};
static STARTED: Query = Query {
    doing: "find when the run began",
    sql: "select min(started_at) from hub.results
           where project_id = $1 and run_id = $2
             and run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)",
    types: &[Type::UUID, Type::TEXT],
};

pub(crate) static QUERIES: &[&Query] =
    &[&RUN_COUNTS, &REPORT_COUNTS, &SUITE_COUNTS, &LINES, &DEVICES, &DURATION, &STARTED];

impl WorkerTx {
    /// A run's results by status.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn run_counts(&self, project: ProjectId, run: &ExternalId) -> Result<Counts, StoreError> {
        counts(&self.rows(&RUN_COUNTS, &[&project.0, &run.as_str()]).await?)
    }

    /// A report's results by status.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn report_counts(
        &self,
        project: ProjectId,
        run: &ExternalId,
        report: &ExternalId,
    ) -> Result<Counts, StoreError> {
        counts(&self.rows(&REPORT_COUNTS, &[&project.0, &run.as_str(), &report.as_str()]).await?)
    }

    /// A run's results by suite, in the order of names. Results without a suite come first, under the empty name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn suite_counts(&self, project: ProjectId, run: &ExternalId) -> Result<Vec<SuiteLine>, StoreError> {
        let mut lines: Vec<SuiteLine> = Vec::new();
        for row in &self.rows(&SUITE_COUNTS, &[&project.0, &run.as_str()]).await? {
            let name: String = row.get(2);
            if lines.last().is_none_or(|line| line.name != name) {
                lines.push(SuiteLine { name, counts: Counts::default() });
            }
            if let Some(line) = lines.last_mut() {
                line.counts.add(status(row, 0)?, count(row, 1));
            }
        }
        Ok(lines)
    }

    /// A run's results as lines: unsuccessful ones first, then by case (results without one last), name and device.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn result_lines(
        &self,
        project: ProjectId,
        run: &ExternalId,
        filter: &ResultFilter,
        limit: usize,
    ) -> Result<Vec<ResultLine>, StoreError> {
        let keyed = self.keyed_result_lines(project, run, filter, limit).await?;
        Ok(keyed.into_iter().map(|(_, line)| line).collect())
    }

    /// The same lines, each behind the key of its result. Evidence is not among what they say.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn keyed_result_lines(
        &self,
        project: ProjectId,
        run: &ExternalId,
        filter: &ResultFilter,
        limit: usize,
    ) -> Result<Vec<(String, ResultLine)>, StoreError> {
        let (unsuccessful, report) = match filter {
            ResultFilter::All => (false, None),
            ResultFilter::Unsuccessful => (true, None),
            ResultFilter::Report(report) => (false, Some(report.as_str())),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&LINES, &[&project.0, &run.as_str(), &unsuccessful, &report, &limit]).await?;
        rows.iter().map(|row| Ok((row.get(6), line(row)?))).collect()
    }

    /// The devices and browsers that a run's results name, sorted.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn run_devices(&self, project: ProjectId, run: &ExternalId) -> Result<Vec<String>, StoreError> {
        let rows = self.rows(&DEVICES, &[&project.0, &run.as_str()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The sum of the durations of a run's results in milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn run_duration_ms(&self, project: ProjectId, run: &ExternalId) -> Result<u64, StoreError> {
        let rows = self.rows(&DURATION, &[&project.0, &run.as_str()]).await?;
        Ok(rows.first().map_or(0, |row| count(row, 0)))
    }

    /// When the first of a run's results began, if any says so.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn run_started(
        &self,
        project: ProjectId,
        run: &ExternalId,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let rows = self.rows(&STARTED, &[&project.0, &run.as_str()]).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }
}

fn counts(rows: &[Row]) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for row in rows {
        counts.add(status(row, 0)?, count(row, 1));
    }
    Ok(counts)
}

fn status(row: &Row, column: usize) -> Result<ResultStatus, StoreError> {
    let word: String = row.get(column);
    ResultStatus::from_word(&word).ok_or_else(|| StoreError::unreadable("a result's status", word))
}

fn line(row: &Row) -> Result<ResultLine, StoreError> {
    let case: Option<String> = row.get(0);
    let duration: Option<i64> = row.get(4);
    let message: Option<String> = row.get(5);
    Ok(ResultLine {
        test_case: case
            .map(ExternalId::new)
            .transpose()
            .map_err(|e| StoreError::unreadable("a result's test case", e))?,
        name: row.get(1),
        device: row.get(2),
        status: status(row, 3)?,
        duration_ms: duration.and_then(|ms| u64::try_from(ms).ok()),
        message: message.filter(|text| !text.is_empty()),
        evidence: Vec::new(),
        more_evidence: 0,
    })
}
