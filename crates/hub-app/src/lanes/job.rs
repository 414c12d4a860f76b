//! The queue's jobs. A job's arguments are ids in a versioned form; the worker reads the present truth from the tables.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use hub_domain::codes;
use hub_store::{Lane, LaneKind, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Mutex as Turnstile, watch};

use super::{
    Stop, reconcile,
    run::{self, Ran, chain},
    sessions::Sessions,
};
use crate::{AppError, evidence::Home};

/// The newest version of [`DrainJob`] that this hub understands.
const VERSION: u64 = 1;

/// The job behind a lane's bell, as the queue holds it: `{"v": 1, "project": "..", "kind": "issues"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainJob {
    /// Version 1: drain this lane.
    V1 {
        /// The lane.
        lane: Lane,
    },
}

#[derive(Deserialize)]
struct WireDrain {
    project: hub_domain::ProjectId,
    kind: String,
}

impl DrainJob {
    /// Reads a job.
    ///
    /// # Errors
    /// [`AppError::NewerJob`] where a newer version wrote it, [`AppError::UnreadableJob`].
    pub fn read(payload: &Value) -> Result<Self, AppError> {
        let unreadable = |reason: String| AppError::UnreadableJob { reason };
        match payload.get("v").and_then(Value::as_u64) {
            Some(1) => {
                let wire = WireDrain::deserialize(payload).map_err(|error| unreadable(error.to_string()))?;
                // A kind that is not known here is work of a newer version as well.
                let kind = LaneKind::from_word(&wire.kind)
                    .ok_or(AppError::NewerJob { version: VERSION + 1, known: VERSION })?;
                Ok(Self::V1 { lane: Lane { project: wire.project, kind } })
            }
            Some(version) if version > VERSION => Err(AppError::NewerJob { version, known: VERSION }),
            Some(_) | None => Err(unreadable("it names no version".to_owned())),
        }
    }

    /// The job as the queue holds it.
    #[must_use]
    pub fn write(&self) -> Value {
        match self {
            Self::V1 { lane } => json!({ "v": 1, "project": lane.project, "kind": lane.kind.as_str() }),
        }
    }
}

/// What all jobs of a process share.
pub struct Works {
    store: Store,
    home: Home,
    sessions: Sessions,
    /// Asked for once: the process shall end.
    stop: Stop,
    /// Ends with the connection; a new one follows.
    turn: Mutex<Stop>,
    /// One run of a lane at a time in this process, also where the queue gave a lane away too early.
    lanes: Mutex<HashMap<Lane, Arc<Turnstile<()>>>>,
    /// The queue's jobs that have begun here.
    begun: Mutex<HashSet<i64>>,
    /// The lanes that a run of this process is on, also one whose job is gone with its connection.
    running: Mutex<HashSet<Lane>>,
    in_flight: watch::Sender<usize>,
    runs: AtomicU64,
    handled: AtomicU64,
}

/// [`Works`] as the queue's engine hands it to a job.
#[derive(Clone)]
pub struct Shared(pub Arc<Works>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

impl Works {
    /// What the jobs of a process share; `stop` asks for its end.
    #[must_use]
    pub fn new(store: Store, home: Home, stop: Stop) -> Self {
        Self {
            store,
            home,
            sessions: Sessions::default(),
            stop,
            turn: Mutex::default(),
            lanes: Mutex::default(),
            begun: Mutex::default(),
            running: Mutex::default(),
            in_flight: watch::Sender::new(0),
            runs: AtomicU64::new(0),
            handled: AtomicU64::new(0),
        }
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a turn of the queue's engine: one life of its connections.
    pub fn new_turn(&self) -> Stop {
        let turn = Stop::new();
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn.clone();
        turn
    }

    fn turn(&self) -> Stop {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The queue's jobs that have begun here and have not ended.
    #[must_use]
    pub fn begun(&self) -> Vec<i64> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// The lanes that a run of this process is on.
    #[must_use]
    pub fn running(&self) -> Vec<Lane> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Runs that handled something, and how much they handled.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.runs.load(Ordering::Relaxed), self.handled.load(Ordering::Relaxed))
    }

    /// Waits until no run is in flight, at most `patience`. Returns how many are.
    pub async fn settle(&self, patience: Duration) -> usize {
        let mut in_flight = self.in_flight.subscribe();
        let none = in_flight.wait_for(|count| *count == 0);
        let _ = tokio::time::timeout(patience, none).await;
        *self.in_flight.borrow()
    }

    fn turnstile(&self, lane: Lane) -> Arc<Turnstile<()>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // A turnstile that only this map knows is nobody's.
        if lanes.len() > 10_000 {
            lanes.retain(|_, turnstile| Arc::strong_count(turnstile) > 1);
        }
        lanes.entry(lane).or_default().clone()
    }

    /// Runs a lane to its end, whatever becomes of the job that asked for it.
    async fn run(self: Arc<Self>, lane: Lane, turn: Stop) -> Result<Ran, AppError> {
        let turnstile = self.turnstile(lane);
        let _one = turnstile.lock().await;
        let stop = || self.stop.is_asked() || turn.is_asked();
        if stop() {
            // The bell is put again by whoever released the job.
            return Err(AppError::Lost { lane, reason: "the worker stops".to_owned() });
        }
        let _running = Running::new(self.clone(), lane);
        let ran = run::lane(&self.store, &self.home, &self.sessions, lane, stop).await?;
        if let Ran::Handled(count) = ran {
            self.runs.fetch_add(1, Ordering::Relaxed);
            self.handled.fetch_add(count, Ordering::Relaxed);
        }
        Ok(ran)
    }
}

/// Counts a run while it lives.
struct InFlight(Arc<Works>);

impl InFlight {
    fn new(works: Arc<Works>) -> Self {
        works.in_flight.send_modify(|count| *count += 1);
        Self(works)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Knows a job while it is worked on.
struct Begun(Arc<Works>, i64);

impl Begun {
    fn new(works: Arc<Works>, job: i64) -> Self {
        works.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
        Self(works, job)
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// Knows a lane while a run is on it.
struct Running(Arc<Works>, Lane);

impl Running {
    fn new(works: Arc<Works>, lane: Lane) -> Self {
        works.running.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        Self(works, lane)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// The task `drain`: a lane's bell.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drain(Value);

impl TaskHandler for Drain {
    const IDENTIFIER: &'static str = "drain";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(Shared(works)) = context.get_ext::<Shared>().cloned() else {
            return Err("the worker was started without its parts".to_owned());
        };
        let _begun = Begun::new(works.clone(), *context.job().id());
        drain(works, &self.0).await.map_err(|error| format!("{} {}", error.code().id, chain(&error)))
    }
}

async fn drain(works: Arc<Works>, payload: &Value) -> Result<(), AppError> {
    let lane = match DrainJob::read(payload) {
        Ok(DrainJob::V1 { lane }) => lane,
        Err(error) => {
            tracing::warn!(code = error.code().id, "a job is left to others: failed to {}", chain(&error));
            return Err(error);
        }
    };
    let turn = works.turn();
    let in_flight = InFlight::new(works.clone());
    // A task of its own: a job that the engine drops leaves no call half made, and a panic ends only this run.
    let task = tokio::spawn({
        let (works, turn) = (works.clone(), turn.clone());
        async move {
            let _in_flight = in_flight;
            works.run(lane, turn).await
        }
    });
    let ended = tokio::select! {
        ended = task => ended,
        () = turn.wait() => {
            return Err(AppError::Lost { lane, reason: format!("{} the queue lost its connection", codes::DATABASE_UNREACHABLE.id) });
        }
    };
    match ended {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => {
            if error.code() == &codes::DATABASE_UNREACHABLE {
                turn.ask();
            }
            Err(error)
        }
        Err(broken) => run::lost(&works.store, lane, &AppError::Lost { lane, reason: broken.to_string() }).await,
    }
}

/// The task `reconcile`, put by the engine's clock once a minute for all processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reconcile {}

impl TaskHandler for Reconcile {
    const IDENTIFIER: &'static str = "reconcile";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let Some(Shared(works)) = context.get_ext::<Shared>().cloned() else {
            return Err("the worker was started without its parts".to_owned());
        };
        let _begun = Begun::new(works.clone(), *context.job().id());
        match reconcile::run(&works.store).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(code = error.code().id, "failed to reconcile the queue: {}", chain(&error));
                Err(format!("{} {}", error.code().id, chain(&error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_domain::ProjectId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_job_is_read_as_it_is_written_and_a_newer_one_is_left_alone() {
        for kind in LaneKind::ALL {
            let job = DrainJob::V1 { lane: Lane { project: ProjectId(Uuid::from_u128(7)), kind } };
            assert_eq!(DrainJob::read(&job.write()).unwrap(), job);
        }
        let project = Uuid::from_u128(7).to_string();
        let code = |payload: Value| DrainJob::read(&payload).unwrap_err().code().id;
        assert_eq!(code(json!({ "v": 2, "lanes": [] })), "HUB-3008");
        assert_eq!(code(json!({ "v": 1, "project": project, "kind": "sprints" })), "HUB-3008");
        assert_eq!(code(json!({ "v": 1, "kind": "issues" })), "HUB-3006");
        assert_eq!(code(json!({})), "HUB-3006");
    }
}
