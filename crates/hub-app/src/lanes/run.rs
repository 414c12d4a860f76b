//! One run of a lane: look what is due, drain it, and leave in one transaction the record of the run, what holds the lane up,
//! and the next bells.

use std::time::{Duration, Instant};

use hub_domain::{CorrelationId, Moment, codes};
use hub_store::{JobEnd, JobId, JobStart, Lane, LaneKind, LaneOutlook, LaneStop, ProjectRow, Store, WorkerTx};
use serde_json::{Value, json};

use super::{
    drain::{self, Drained},
    sessions::Sessions,
};
use crate::{AppError, evidence::Home, meter::Calls, progress::Silent, publish::Context, source};

/// When the resolver looks again for creates without an answer.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// The longest pause of a lane in which everything waits for something else.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// What a run of a lane came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// Nothing was due.
    Nothing,
    /// So many publications were handled.
    Handled(u64),
    /// The project is archived: its lanes are silent.
    Archived,
    /// The project does not exist any more.
    Gone,
    /// The site, the login or the hub itself stopped it; the lane waits.
    Stopped,
}

/// Runs a lane once.
///
/// # Errors
/// Only the database's: then nothing could be recorded, and the queue's engine brings the job again.
pub async fn lane(
    store: &Store,
    home: &Home,
    sessions: &Sessions,
    lane: Lane,
    stop: impl Fn() -> bool + Sync,
) -> Result<Ran, AppError> {
    let Some(project) = store.project_by_id(lane.project).await? else { return Ok(Ran::Gone) };
    if project.archived_at.is_some() {
        let code = codes::PROJECT_ARCHIVED.id;
        tracing::info!(code, project = %project.key, lane = lane.kind.as_str(), "the project is archived: its lane stops");
        return Ok(Ran::Archived);
    }
    let correlation = crate::new_correlation();
    let began = Instant::now();
    let tx = store.worker(project.tenant_id).await?;
    let outlook = tx.lane_outlook(project.id).await?;
    let held = tx.recovery(project.id, store.server_seen()).await?.is_some();
    let asked = match lane.kind {
        LaneKind::Reconcile => held || tx.audit_due(project.id).await?,
        LaneKind::Ingest => tx.source_due(project.id).await?,
        LaneKind::Evidence => tx.evidence_due(project.id).await?,
        LaneKind::Issues | LaneKind::Pages | LaneKind::Results => false,
    };
    if !asked && !has_work(lane.kind, &outlook) {
        ring_next(&tx, lane, &outlook, None).await?;
        tx.commit().await?;
        return Ok(Ran::Nothing);
    }
    let job = tx.start_job(&JobStart { project: project.id, correlation, kind: lane.kind.job_kind() }).await?;
    tx.commit().await?;

    let mut taken = sessions.take(&project);
    let before = taken.session.calls();
    let context = Context::new(store, &project, correlation, &Silent);
    let mut drained = Drained::default();
    let result = drain::drain(store, home, &context, &mut taken.session, lane.kind, stop, &mut drained).await;
    let run = Run {
        lane,
        correlation,
        job,
        metrics: metrics(&drained, &before, &taken.session.calls(), began.elapsed()),
        drained,
    };
    match result {
        Ok(()) => {
            sessions.give(&project, taken);
            finish(store, &project, run).await
        }
        Err(error) => stopped(store, &project, run, &error).await,
    }
}

/// A run that has ended.
struct Run {
    lane: Lane,
    correlation: CorrelationId,
    job: JobId,
    metrics: Value,
    drained: Drained,
}

async fn finish(store: &Store, project: &ProjectRow, run: Run) -> Result<Ran, AppError> {
    let Run { lane, correlation, job, metrics, drained } = run;
    let handled = drained.handled();
    let tx = store.worker(project.tenant_id).await?;
    tx.finish_job(job, &JobEnd::Done { metrics }).await?;
    let outlook = tx.lane_outlook(project.id).await?;
    let held = tx.recovery(project.id, store.server_seen()).await?.is_some();
    let pause = if drained.progress() > 0 || handled == 0 {
        tx.clear_lane(lane).await?;
        // Creates that are held are due and cannot be taken.
        let idle = if held { LOOK_AGAIN } else { Duration::from_secs(1) };
        (handled == 0).then_some(idle)
    } else {
        let runs = tx.idle_lane(lane).await?;
        Some(Duration::from_secs(1 << runs.min(6)).min(LONGEST_IDLE))
    };
    ring_next(&tx, lane, &outlook, pause).await?;
    if lane.kind == LaneKind::Ingest
        && let Some(due) = source::next_due(&tx, project).await?
    {
        tx.ring_at(lane, Some(due));
    }
    if held {
        tx.ring_at(Lane { kind: LaneKind::Reconcile, ..lane }, Some(tx.now().await? + LOOK_AGAIN));
    }
    if drained.progress() > 0 {
        ring_dependents(&tx, lane, &outlook);
    }
    tx.commit().await?;
    tracing::info!(
        correlation = %correlation, project = %project.key, lane = lane.kind.as_str(), handled,
        slices = drained.slices, "drained a lane"
    );
    Ok(Ran::Handled(handled))
}

/// Records why a run stopped. The lane waits, longer with each stop, and no publication has spent an attempt for it.
async fn stopped(store: &Store, project: &ProjectRow, run: Run, error: &AppError) -> Result<Ran, AppError> {
    let code = error.code();
    let message = chain(error);
    let tx = store.worker(project.tenant_id).await?;
    tx.finish_job(run.job, &JobEnd::Failed { metrics: run.metrics, code, message: message.clone() }).await?;
    let stop = LaneStop { code, message: message.clone(), correlation: run.correlation };
    let until = tx.stop_lane(run.lane, &stop).await?;
    tx.ring_at(run.lane, until);
    tx.commit().await?;
    tracing::warn!(
        code = code.id, correlation = %run.correlation, project = %project.key, lane = run.lane.kind.as_str(),
        until = until.map(tracing::field::display), "a lane waits: failed to {message}"
    );
    Ok(Ran::Stopped)
}

/// Records a run that ended in its middle, as by a panic: nothing of it is known but the lane.
///
/// # Errors
/// The database's.
pub async fn lost(store: &Store, lane: Lane, error: &AppError) -> Result<(), AppError> {
    let Some(project) = store.project_by_id(lane.project).await? else { return Ok(()) };
    let tx = store.worker(project.tenant_id).await?;
    let correlation = crate::new_correlation();
    let stop = LaneStop { code: error.code(), message: chain(error), correlation };
    let until = tx.stop_lane(lane, &stop).await?;
    tx.ring_at(lane, until);
    tx.commit().await?;
    tracing::error!(
        code = error.code().id, %correlation, project = %project.key, lane = lane.kind.as_str(),
        "a lane's run broke: {}", stop.message
    );
    Ok(())
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn metrics(drained: &Drained, before: &Calls, after: &Calls, took: Duration) -> Value {
    json!({
        "tallies": drained.tallies,
        "slices": drained.slices,
        "settled": drained.settled,
        "findings": drained.findings,
        "pulled": drained.pulled,
        "evidence": drained.evidence,
        "reads": after.reads.saturating_sub(before.reads),
        "writes": after.writes.saturating_sub(before.writes),
        "throttled": after.throttled.saturating_sub(before.throttled),
        "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    })
}

fn has_work(kind: LaneKind, outlook: &[LaneOutlook]) -> bool {
    match kind {
        LaneKind::Reconcile => outlook.iter().any(|line| line.open > 0),
        LaneKind::Issues | LaneKind::Pages | LaneKind::Results | LaneKind::Ingest | LaneKind::Evidence => {
            of_lane(kind, outlook).any(|line| line.due)
        }
    }
}

fn of_lane(kind: LaneKind, outlook: &[LaneOutlook]) -> impl Iterator<Item = &LaneOutlook> {
    outlook.iter().filter(move |line| drain::lane_of(line.object, line.entity) == kind)
}

/// Rings the lane where more of it is due, now or later, and the resolver where answers are missing. A lane that rings itself
/// goes to the end of the queue, so a large backlog never starves another project.
async fn ring_next(
    tx: &WorkerTx,
    lane: Lane,
    outlook: &[LaneOutlook],
    pause: Option<Duration>,
) -> Result<(), AppError> {
    // By the database's clock: this machine's may be wrong by hours.
    let now = tx.now().await?;
    let earliest = pause.map(|pause| now + pause);
    if let Some(due) = next(lane.kind, outlook) {
        tx.ring_at(lane, due.max(earliest));
    }
    if outlook.iter().any(|line| line.open > 0) {
        let resolver = Lane { project: lane.project, kind: LaneKind::Reconcile };
        tx.ring_at(resolver, Some(now + LOOK_AGAIN));
    }
    Ok(())
}

/// Rings the other lanes of the project: what waits there may have waited for what this run published.
fn ring_dependents(tx: &WorkerTx, lane: Lane, outlook: &[LaneOutlook]) {
    for kind in LaneKind::ALL.into_iter().filter(|kind| *kind != lane.kind) {
        if let Some(due) = next(kind, outlook) {
            tx.ring_at(Lane { project: lane.project, kind }, due);
        }
    }
}

/// When the lane has something to do: nothing, now (`None` inside), or at a moment.
fn next(kind: LaneKind, outlook: &[LaneOutlook]) -> Option<Option<Moment>> {
    if of_lane(kind, outlook).any(|line| line.due) {
        return Some(None);
    }
    of_lane(kind, outlook).filter_map(|line| line.next).min().map(Some)
}
