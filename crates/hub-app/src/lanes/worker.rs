//! The worker process: the queue's engine, supervised. Where its connection breaks the engine ends or goes on half blind, so
//! a turn of it is ended at the first lost statement and a new one begins as soon as the database answers; what the old one
//! held is given back at once instead of after the time by which others take it for dead.

use std::{collections::HashSet, sync::Arc, time::Duration};

use graphile_worker::{LocalQueueConfig, RefetchDelayConfig, WorkerOptions, WorkerRecoveryConfig};
use hub_domain::codes;
use hub_store::{Lane, QueueConnection, Store, queue::QUEUE_SCHEMA};
use serde::Serialize;

use super::{
    Stop,
    job::{Drain, Reconcile, Shared, Works},
    reconcile,
    run::chain,
};
use crate::{AppError, evidence::Home};

/// Connections of the queue itself, besides the one that listens.
const QUEUE_CONNECTIONS: usize = 6;
/// How often a process says that it lives, and after which silence others take its lanes over: together with the sweep at
/// most 25 s. A process that was only slow is fenced out of the rows that it had announced.
const HEARTBEAT: Duration = Duration::from_secs(5);
const SWEEP: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(20);
/// How often the engine asks for jobs that no bell announced, as those that become due by waiting.
const POLL: Duration = Duration::from_secs(1);
/// How long a claimed job may wait for a free hand before it is given back: another process may have one.
const CLAIMED_FOR: Duration = Duration::from_secs(1);
/// How long batches that are on their way may go on after a wish to stop: longer than one call to a site may take. What
/// is not done then is given back; a create without an answer is looked for by its marker.
const LAST_BATCH: Duration = Duration::from_secs(35);
/// How often the lanes of a lost connection are looked at whose last batch is still on its way.
const LEFTOVERS: Duration = Duration::from_millis(100);
/// How often a process compares what it holds with what it knows.
const INVENTORY: Duration = Duration::from_secs(5);
/// A claim of this age that the process does not know is one whose answer was lost.
const UNKNOWN_FOR: Duration = Duration::from_secs(15);
/// Pauses before a new connection. A refused one costs nothing, and the rate shall be back as soon as the database is.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a new turn may take to begin: a server that neither answers nor refuses must not hold the supervisor.
const BEGIN_WITHIN: Duration = Duration::from_secs(15);
/// How often `until_idle` looks.
const LOOK: Duration = Duration::from_millis(200);

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct WorkOptions {
    /// Lanes that it drains at the same time.
    pub concurrency: usize,
    /// End when nothing is due and no lane is busy.
    pub until_idle: bool,
}

/// What a worker did until it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WorkReport {
    /// Runs of lanes that handled something.
    pub runs: u64,
    /// Publications that were handled.
    pub handled: u64,
    /// Times that the queue's connection was made anew.
    pub reconnects: u64,
}

/// Works until `stop` is asked. The batch on its way is finished; what has not begun is given back.
///
/// # Errors
/// The queue's connections cannot be prepared at all. A lost connection is no error: it is made anew.
pub async fn work(store: Store, home: Home, options: WorkOptions, stop: Stop) -> Result<WorkReport, AppError> {
    let mut connection = store.queue(QUEUE_CONNECTIONS)?;
    let works = Arc::new(Works::new(store, home, stop.clone()));
    let mut held = Held::default();
    let mut pause = FIRST_PAUSE;
    let mut reconnects = 0;
    while !stop.is_asked() {
        let ended = turn(&works, &mut connection, options, &stop, &mut held, &mut pause).await;
        let Err(reason) = ended else { break };
        if stop.is_asked() {
            break;
        }
        reconnects += 1;
        tracing::warn!(
            code = codes::DATABASE_UNREACHABLE.id,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "the queue's connection is made anew: {reason}"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.wait() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let left = works.settle(LAST_BATCH).await;
    if left > 0 {
        tracing::warn!(code = codes::WORKER_LOST.id, left, "runs did not end in time; others look for their answers");
    }
    // Where the database is away others take the lanes over after their time.
    if let Err(error) = held.give_back(&works, &[]).await {
        tracing::warn!(code = error.code().id, "failed to give back the worker's jobs: {}", chain(&error));
    }
    let (runs, handled) = works.totals();
    Ok(WorkReport { runs, handled, reconnects })
}

/// The engine's workers of this process, each of which may hold jobs in the database.
#[derive(Default)]
struct Held {
    current: Option<String>,
    /// Those whose connection was lost.
    workers: Vec<String>,
}

impl Held {
    /// Gives back what all of them hold, except the lanes `keep`. Returns how many jobs.
    async fn give_back(&mut self, works: &Works, keep: &[Lane]) -> Result<u64, AppError> {
        self.workers.extend(self.current.take());
        self.give_back_old(works, keep).await
    }

    /// Gives back what those hold whose connection was lost.
    async fn give_back_old(&mut self, works: &Works, keep: &[Lane]) -> Result<u64, AppError> {
        let mut released = 0;
        for worker in &self.workers {
            released += works.store().release_worker(worker, keep).await?;
        }
        if keep.is_empty() {
            self.workers.clear();
        }
        Ok(released)
    }
}

/// One life of the queue's connections. Returns why it ended; nothing where somebody asked.
async fn turn(
    works: &Arc<Works>,
    connection: &mut QueueConnection,
    options: WorkOptions,
    stop: &Stop,
    held: &mut Held,
    pause: &mut Duration,
) -> Result<(), String> {
    let turn = works.new_turn();
    connection.lost.mark_unchanged();
    let begin = async {
        let engine = engine(works, connection, options.concurrency, stop)?;
        let engine = engine.init().await.map_err(|error| error.to_string())?;
        // A batch that outlives its connection keeps its lane until it is done, so that nobody does it twice.
        let released = held.give_back(works, &works.running()).await.map_err(|error| chain(&error))?;
        if released > 0 {
            tracing::info!(released, "gave back what the lost connection held");
        }
        if let Err(error) = reconcile::run(works.store()).await {
            tracing::warn!(code = error.code().id, "failed to reconcile the queue: {}", chain(&error));
        }
        Ok::<_, String>(engine)
    };
    let engine = tokio::time::timeout(BEGIN_WITHIN, begin)
        .await
        .map_err(|_| format!("the database did not answer within {} s", BEGIN_WITHIN.as_secs()))??;
    let mut leftovers: HashSet<Lane> =
        if held.workers.is_empty() { HashSet::new() } else { works.running().into_iter().collect() };
    held.current = Some(engine.worker_id().clone());
    *pause = FIRST_PAUSE;
    tracing::info!(worker = %engine.worker_id(), concurrency = options.concurrency, "the worker is ready");
    let mut run = std::pin::pin!(engine.run());
    let mut inventory = tokio::time::interval(INVENTORY);
    let mut leftover = tokio::time::interval(LEFTOVERS);
    let mut look = tokio::time::interval(LOOK);
    let mut idle_looks = 0;
    loop {
        tokio::select! {
            ended = &mut run => {
                turn.ask();
                return ended.map_err(|error| error.to_string());
            }
            Ok(()) = connection.lost.changed(), if !turn.is_asked() => turn.ask(),
            () = turn.wait() => {
                // Every hand stops at once; the batches on their way go on as tasks of their own.
                engine.request_shutdown();
                let ended = run.await;
                return Err(ended.err().map_or_else(|| "a statement found no connection".to_owned(), |e| e.to_string()));
            }
            _ = leftover.tick(), if !leftovers.is_empty() => {
                let running: HashSet<Lane> = works.running().into_iter().collect();
                let before = leftovers.len();
                leftovers.retain(|lane| running.contains(lane));
                if leftovers.len() < before {
                    let keep: Vec<Lane> = leftovers.iter().copied().collect();
                    if let Err(error) = held.give_back_old(works, &keep).await {
                        tracing::debug!(%error, "the lanes of the lost connection have to wait");
                    }
                }
            }
            _ = inventory.tick() => inventory_of(works, engine.worker_id()).await,
            _ = look.tick(), if options.until_idle => {
                idle_looks = if is_idle(works).await { idle_looks + 1 } else { 0 };
                // Twice, because a job that ends may ring in the moment between.
                if idle_looks >= 2 {
                    stop.ask();
                }
            }
        }
    }
}

fn engine(
    works: &Arc<Works>,
    connection: &QueueConnection,
    concurrency: usize,
    stop: &Stop,
) -> Result<WorkerOptions, String> {
    let refetch = RefetchDelayConfig::default().with_duration(POLL).with_threshold(0).with_max_abort_threshold(1);
    let local = LocalQueueConfig::default().with_size(concurrency).with_ttl(CLAIMED_FOR).with_refetch_delay(refetch);
    let recovery = WorkerRecoveryConfig::default()
        .heartbeat_interval(HEARTBEAT)
        .sweep_interval(SWEEP)
        .sweep_threshold(SILENCE)
        .recovery_delay(Duration::ZERO);
    let stop = stop.clone();
    WorkerOptions::default()
        .database(connection.database.clone())
        .schema(QUEUE_SCHEMA)
        .concurrency(concurrency.max(1))
        .poll_interval(POLL)
        .local_queue(local)
        .worker_recovery(recovery)
        .listen_os_shutdown_signals(false)
        .shutdown_signal(async move { stop.wait().await })
        .shutdown_grace_period(LAST_BATCH)
        .shutdown_interrupted_job_retry_delay(Duration::ZERO)
        .add_extension(Shared(works.clone()))
        .define_job::<Drain>()
        .define_job::<Reconcile>()
        // The arguments are written out: without them the engine hands over `null`.
        .with_cron("* * * * * reconcile {}")
        .map_err(|error| error.to_string())
}

/// Gives back jobs that the database counts as ours and that we know nothing of.
async fn inventory_of(works: &Works, worker: &str) {
    match works.store().release_unknown(worker, &works.begun(), UNKNOWN_FOR).await {
        Ok(0) => {}
        Ok(released) => tracing::info!(released, "gave back jobs whose claim was lost"),
        Err(error) => tracing::debug!(%error, "the queue's inventory has to wait"),
    }
}

async fn is_idle(works: &Works) -> bool {
    works.store().queue_load().await.is_ok_and(|load| load.due == 0 && load.busy == 0)
}
