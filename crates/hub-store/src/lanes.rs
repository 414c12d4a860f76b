//! Lanes: a project and a kind of work, with a bell in the queue. The bell says only that there may be something to do; what
//! is to do is in the ledger, so a lost bell loses nothing and a bell too many costs a look.
//!
//! A bell is asked for with [`WorkerTx::ring`] and put by the transaction's commit, as its last statement and in the order of
//! lanes: whoever rings a lane holds its lock until then. Nothing here speaks to the queue's engine; the statements are
//! functions in the schema `hub_private`, because a worker's role may not see the queue.

use std::{fmt, str::FromStr, sync::PoisonError, time::Duration};

use hub_domain::{CorrelationId, EntityKind, ProjectId, codes::Code, facts::ObjectKind};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use crate::{Store, StoreError, WorkerTx, entities::count, ledger_rows::object, query::Query};

/// What a lane works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneKind {
    /// Defects and test cases with the links between them.
    Issues,
    /// Pages.
    Pages,
    /// Test executions and their links to reports.
    Results,
    /// Files that were handed over.
    Ingest,
    /// Evidence that goes to object storage.
    Evidence,
    /// Sends whose answer never came.
    Reconcile,
}

impl LaneKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Issues, Self::Pages, Self::Results, Self::Ingest, Self::Evidence, Self::Reconcile];

    /// The kind as tables and lanes' names hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Pages => "pages",
            Self::Results => "results",
            Self::Ingest => "ingest",
            Self::Evidence => "evidence",
            Self::Reconcile => "reconcile",
        }
    }

    /// The kind of the record that a run of the lane leaves in `hub.sync_jobs`.
    #[must_use]
    pub fn job_kind(self) -> &'static str {
        match self {
            Self::Issues => "drain_issues",
            Self::Pages => "drain_pages",
            Self::Results => "drain_results",
            Self::Ingest => "drain_ingest",
            Self::Evidence => "drain_evidence",
            Self::Reconcile => "drain_reconcile",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A lane. Its name, `<project's number>:<kind>`, is the key and the queue of its job: a project's key is not unique over
/// tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The project.
    pub project: ProjectId,
    /// The kind of work.
    pub kind: LaneKind,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.project, self.kind.as_str())
    }
}

impl FromStr for Lane {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let parse = || {
            let (project, kind) = text.split_once(':')?;
            Some(Self { project: ProjectId(Uuid::parse_str(project).ok()?), kind: LaneKind::from_word(kind)? })
        };
        parse().ok_or_else(|| StoreError::unreadable("a lane's name", text.to_owned()))
    }
}

/// A bell that a transaction puts when it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bell {
    /// Which lane.
    pub lane: Lane,
    /// When it wakes the lane; nothing: now.
    pub due: Option<OffsetDateTime>,
}

/// Why a lane is held up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStop {
    /// The stable code.
    pub code: &'static Code,
    /// What happened, in words.
    pub message: String,
    /// The run that was stopped.
    pub correlation: CorrelationId,
}

/// What is to do for publications of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneOutlook {
    /// The kind of object.
    pub object: ObjectKind,
    /// Of which kind of entity.
    pub entity: EntityKind,
    /// Whether something is due now.
    pub due: bool,
    /// When the first of what waits may be tried.
    pub next: Option<OffsetDateTime>,
    /// Sends without an answer.
    pub open: u64,
}

/// A lane for people: what the queue holds of it, and what holds it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneLine {
    /// The kind, as this or a newer version names it.
    pub kind: String,
    /// Whether a worker is at it.
    pub busy: bool,
    /// When its bell wakes it, where there is one.
    pub run_at: Option<OffsetDateTime>,
    /// What the queue's engine was told by its last run, where that failed.
    pub last_error: Option<String>,
    /// Stops in a row.
    pub stops: u32,
    /// The stable code of the last stop.
    pub error_code: Option<String>,
    /// The last stop in words.
    pub error: Option<String>,
}

/// How much the queue has to do at the moment, over all projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLoad {
    /// Jobs that could begin.
    pub due: u64,
    /// Jobs that are worked on.
    pub busy: u64,
}

/// The pause after a lane's first stop; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause: how long a site that is back may stay unnoticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

static RING: Query = Query {
    doing: "ring lanes",
    sql: "select hub_private.ring($1, $2, $3)",
    types: &[Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TIMESTAMPTZ_ARRAY],
};
static RING_DUE: Query = Query {
    doing: "ring lanes that have work",
    sql: "select hub_private.ring_due($1, $2, $3)::int8",
    types: &[Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
static OUTLOOK: Query = Query {
    doing: "see what lanes have to do",
    sql: "select object, entity_type,
                 bool_or(state = 'pending' or (state = 'waiting' and next_attempt_at <= clock_timestamp())),
                 min(next_attempt_at) filter (where state = 'waiting'),
                 count(*) filter (where state in ('sending', 'uncertain'))
            from hub.publication
           where project_id = $1 and state in ('pending', 'waiting', 'sending', 'uncertain')
           group by object, entity_type",
    types: &[Type::UUID],
};
static STOP: Query = Query {
    doing: "hold a lane up",
    sql: "insert into hub.lanes as l (project_id, tenant_id, kind, stops, not_before, error_code, error_message, correlation_id)
          values ($1, $2, $3, 1, clock_timestamp() + make_interval(secs => $4), $6, $7, $8)
          on conflict (project_id, kind) do update set stops = l.stops + 1,
            not_before = clock_timestamp() + make_interval(secs => least($4 * 2 ^ least(l.stops, 20), $5)),
            error_code = excluded.error_code, error_message = excluded.error_message,
            correlation_id = excluded.correlation_id, updated_at = now()
          returning not_before",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::TEXT,
        Type::TEXT,
        Type::UUID,
    ],
};
static IDLE: Query = Query {
    doing: "note that a lane only waits",
    sql: "insert into hub.lanes as l (project_id, tenant_id, kind, idle_runs) values ($1, $2, $3, 1)
          on conflict (project_id, kind) do update set idle_runs = l.idle_runs + 1, stops = 0, not_before = null,
            error_code = null, error_message = null, correlation_id = null, updated_at = now()
          returning idle_runs::int8",
    types: &[Type::UUID, Type::UUID, Type::TEXT],
};
static CLEAR: Query = Query {
    doing: "let a lane go on",
    sql: "delete from hub.lanes where project_id = $1 and ($2::text is null or kind = $2)",
    types: &[Type::UUID, Type::TEXT],
};
static TIDY: Query = Query { doing: "tidy the queue", sql: "select hub_private.tidy_queue()::int8", types: &[] };
static CLOSE_DEAD_RUNS: Query = Query {
    doing: "close the records of processes that ended",
    sql: "select hub_private.close_dead_runs()::int8",
    types: &[],
};
static RELEASE_WORKER: Query = Query {
    doing: "give back what a worker held",
    sql: "select hub_private.release_worker($1, $2)::int8",
    types: &[Type::TEXT, Type::TEXT_ARRAY],
};
static RELEASE_UNKNOWN: Query = Query {
    doing: "give back jobs whose claim was lost",
    sql: "select hub_private.release_unknown($1, $2, make_interval(secs => $3))::int8",
    types: &[Type::TEXT, Type::INT8_ARRAY, Type::FLOAT8],
};
static LOAD: Query = Query {
    doing: "see how much the queue has to do",
    sql: "select due, busy from hub_private.queue_load()",
    types: &[],
};
static LINES: Query = Query {
    doing: "list the lanes",
    sql: "select coalesce(j.kind, l.kind), coalesce(j.busy, false), j.run_at, j.last_error, coalesce(l.stops, 0)::int8,
                 l.error_code, l.error_message
            from hub_private.lane_jobs($1) j
            full join (select * from hub.lanes where project_id = $1) l on l.kind = j.kind order by 1",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] = &[
    &RING,
    &RING_DUE,
    &OUTLOOK,
    &STOP,
    &IDLE,
    &CLEAR,
    &TIDY,
    &CLOSE_DEAD_RUNS,
    &RELEASE_WORKER,
    &RELEASE_UNKNOWN,
    &LOAD,
    &LINES,
];

impl WorkerTx {
    /// Asks for bells that wake these lanes as soon as the transaction commits. Archived projects' lanes stay silent, and
    /// where the queue's schema is not there nothing is rung: the first reconciliation finds the work.
    pub fn ring(&self, lanes: &[Lane]) {
        for lane in lanes {
            self.ring_at(*lane, None);
        }
    }

    /// Asks for a bell at a later moment. It never makes a waiting bell later.
    pub fn ring_at(&self, lane: Lane, due: Option<OffsetDateTime>) {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).push(Bell { lane, due });
    }

    pub(crate) async fn put_bells(&self, bells: &[Bell]) -> Result<(), StoreError> {
        if bells.is_empty() {
            return Ok(());
        }
        let projects: Vec<Uuid> = bells.iter().map(|bell| bell.lane.project.0).collect();
        let kinds: Vec<&str> = bells.iter().map(|bell| bell.lane.kind.as_str()).collect();
        let due: Vec<Option<OffsetDateTime>> = bells.iter().map(|bell| bell.due).collect();
        self.rows(&RING, &[&projects, &kinds, &due]).await?;
        Ok(())
    }

    /// What the lanes of a project have to do, by kinds of objects and entities; kinds with nothing to do are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn lane_outlook(&self, project: ProjectId) -> Result<Vec<LaneOutlook>, StoreError> {
        let rows = self.rows(&OUTLOOK, &[&project.0]).await?;
        rows.iter()
            .map(|row| {
                let word: String = row.get(1);
                let entity = EntityKind::ALL.into_iter().find(|kind| kind.as_str() == word);
                Ok(LaneOutlook {
                    object: object(row, 0)?,
                    entity: entity.ok_or_else(|| StoreError::unreadable("an entity's kind", word))?,
                    due: row.get(2),
                    next: row.get(3),
                    open: count(row, 4),
                })
            })
            .collect()
    }

    /// Holds a lane up because its site or its login stopped it: the pause doubles with each stop. Returns its end.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn stop_lane(&self, lane: Lane, stop: &LaneStop) -> Result<Option<OffsetDateTime>, StoreError> {
        let (first, longest) = (FIRST_PAUSE.as_secs_f64(), LONGEST_PAUSE.as_secs_f64());
        let rows = self
            .rows(
                &STOP,
                &[
                    &lane.project.0,
                    &self.tenant().0,
                    &lane.kind.as_str(),
                    &first,
                    &longest,
                    &stop.code.id,
                    &stop.message,
                    &stop.correlation.0,
                ],
            )
            .await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Notes a run in which everything had to wait. Returns how many there were in a row.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn idle_lane(&self, lane: Lane) -> Result<u64, StoreError> {
        let rows = self.rows(&IDLE, &[&lane.project.0, &self.tenant().0, &lane.kind.as_str()]).await?;
        Ok(rows.first().map_or(0, |row| count(row, 0)))
    }

    /// Forgets what held a lane up.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn clear_lane(&self, lane: Lane) -> Result<(), StoreError> {
        self.run(&CLEAR, &[&lane.project.0, &Some(lane.kind.as_str())]).await?;
        Ok(())
    }

    /// Forgets what held any lane of a project up, and rings them all: its settings changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn wake_lanes(&self, project: ProjectId) -> Result<(), StoreError> {
        self.run(&CLEAR, &[&project.0, &None::<&str>]).await?;
        self.ring(&LaneKind::ALL.map(|kind| Lane { project, kind }));
        Ok(())
    }
}

/// Statements of the queue's own process. They run as the role that owns the tables, across tenants.
impl Store {
    /// Rings every lane that has work and no bell, as `lane_of` sorts work into lanes. Returns how many were rung.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn ring_due(&self, lane_of: impl Fn(ObjectKind, EntityKind) -> LaneKind) -> Result<u64, StoreError> {
        let (mut objects, mut entities, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for object in ObjectKind::ALL {
            for entity in EntityKind::ALL {
                objects.push(object.as_str());
                entities.push(entity.as_str());
                kinds.push(lane_of(object, entity).as_str());
            }
        }
        let rows = RING_DUE.rows(&*self.client().await?, &[&objects, &entities, &kinds]).await?;
        Ok(first_count(&rows))
    }

    /// Deletes jobs that nobody will run again, and lets those of a newer version be looked at again. Returns how many went.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn tidy_queue(&self) -> Result<u64, StoreError> {
        Ok(first_count(&TIDY.rows(&*self.client().await?, &[]).await?))
    }

    /// Ends the records of runs whose process is gone. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn close_dead_runs(&self) -> Result<u64, StoreError> {
        Ok(first_count(&CLOSE_DEAD_RUNS.rows(&*self.client().await?, &[]).await?))
    }

    /// Gives back what a worker of this process held that will not go on with it, except the lanes `keep`, on which a batch
    /// of it is still on its way. Returns how many jobs.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn release_worker(&self, worker: &str, keep: &[Lane]) -> Result<u64, StoreError> {
        let keep: Vec<String> = keep.iter().map(Lane::to_string).collect();
        Ok(first_count(&RELEASE_WORKER.rows(&*self.client().await?, &[&worker, &keep]).await?))
    }

    /// Gives back jobs that have been locked for a worker for longer than `age` without being known to it. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn release_unknown(&self, worker: &str, known: &[i64], age: Duration) -> Result<u64, StoreError> {
        let rows = RELEASE_UNKNOWN.rows(&*self.client().await?, &[&worker, &known, &age.as_secs_f64()]).await?;
        Ok(first_count(&rows))
    }

    /// How much the queue has to do now; nothing where there is no queue yet.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn queue_load(&self) -> Result<QueueLoad, StoreError> {
        let rows = LOAD.rows(&*self.client().await?, &[]).await?;
        let (due, busy) = rows.first().map_or((0, 0), |row| (count(row, 0), count(row, 1)));
        Ok(QueueLoad { due, busy })
    }

    /// The lanes of a project that have a bell, a worker or a stop.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn lane_lines(&self, project: ProjectId) -> Result<Vec<LaneLine>, StoreError> {
        let line = |row: &Row| LaneLine {
            kind: row.get(0),
            busy: row.get(1),
            run_at: row.get(2),
            last_error: row.get(3),
            stops: u32::try_from(count(row, 4)).unwrap_or(u32::MAX),
            error_code: row.get(5),
            error: row.get(6),
        };
        Ok(LINES.rows(&*self.client().await?, &[&project.0]).await?.iter().map(line).collect())
    }
}

fn first_count(rows: &[Row]) -> u64 {
    rows.first().map_or(0, |row| count(row, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_back_from_its_name() {
        for kind in LaneKind::ALL {
            let lane = Lane { project: ProjectId(Uuid::from_u128(7)), kind };
            assert_eq!(lane.to_string().parse::<Lane>().unwrap(), lane);
            assert_eq!(kind.job_kind(), format!("drain_{}", kind.as_str()));
        }
        for bad in ["", "issues", "7:issues", "00000000-0000-0000-0000-000000000007:other"] {
            assert!(bad.parse::<Lane>().is_err(), "{bad:?}");
        }
    }
}
