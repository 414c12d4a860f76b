//! What a lane drains: the one place that knows how kinds of lanes, publications and the slices of [`crate::publish`] belong
//! together.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hub_domain::{EntityKind, facts::ObjectKind};
use hub_store::{LaneKind, ProjectRow, Store};
use serde::Serialize;

use crate::{
    AppError, audit,
    evidence::{Home, end, upload},
    publish::{self, Context, Session, Share, Tally},
    source::{self, PullOptions},
};

/// How long one run of a lane goes on taking slices: long enough that the queue's own time does not matter, short enough
/// that others get their turn.
pub const RUN_FOR: Duration = Duration::from_secs(30);

/// The lane to which publications of a kind belong.
#[must_use]
pub fn lane_of(object: ObjectKind, entity: EntityKind) -> LaneKind {
    match object {
        ObjectKind::Issue if entity == EntityKind::Run => LaneKind::Results,
        ObjectKind::Issue | ObjectKind::IssueLink => LaneKind::Issues,
        ObjectKind::Page => LaneKind::Pages,
        ObjectKind::RemoteLink => LaneKind::Results,
    }
}

/// The kinds of entities whose issues are no test executions, those first that nobody should wait for.
const NOT_RUNS: &[EntityKind] = &[
    EntityKind::Defect,
    EntityKind::TestCase,
    EntityKind::Suite,
    EntityKind::Release,
    EntityKind::Report,
    EntityKind::Project,
    EntityKind::Index,
];

/// What a lane publishes, in the order in which it does.
#[must_use]
pub fn shares(kind: LaneKind) -> &'static [Share] {
    const ALL: &[EntityKind] = &[];
    match kind {
        LaneKind::Issues => &[
            Share { object: ObjectKind::Issue, entities: NOT_RUNS },
            Share { object: ObjectKind::IssueLink, entities: ALL },
        ],
        LaneKind::Pages => &[Share { object: ObjectKind::Page, entities: ALL }],
        LaneKind::Results => &[
            Share { object: ObjectKind::Issue, entities: &[EntityKind::Run] },
            Share { object: ObjectKind::RemoteLink, entities: ALL },
        ],
        LaneKind::Ingest | LaneKind::Evidence | LaneKind::Reconcile => &[],
    }
}

/// What one run of a lane did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Drained {
    /// By kind of object.
    pub tallies: BTreeMap<&'static str, Tally>,
    /// Slices taken.
    pub slices: u64,
    /// Open creates that were settled.
    pub settled: u64,
    /// What an audit of the sites found.
    pub findings: u64,
    /// Rows that were read from the team's databases.
    pub pulled: u64,
    /// Pieces of evidence that came further or ended.
    pub evidence: u64,
}

impl Drained {
    /// Everything that was handled.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.settled + self.pulled + self.evidence + self.tallies.values().map(Tally::handled).sum::<u64>()
    }

    /// What came further: the rest only waits for something else.
    #[must_use]
    pub fn progress(&self) -> u64 {
        let further = |t: &Tally| t.created + t.updated + t.adopted + t.refused + t.uncertain;
        self.settled + self.pulled + self.evidence + self.tallies.values().map(further).sum::<u64>()
    }
}

/// Takes slices of a lane until nothing of it is due, [`RUN_FOR`] is over or `stop` says so; a slice that has begun is
/// finished. What was done before an error is in `drained`.
///
/// # Errors
/// The database's, or a site that stops the whole work.
pub async fn drain(
    store: &Store,
    home: &Home,
    context: &Context<'_>,
    session: &mut Session,
    kind: LaneKind,
    stop: impl Fn() -> bool + Sync,
    drained: &mut Drained,
) -> Result<(), AppError> {
    let began = Instant::now();
    // One moment for the whole run: what is put off in it is not due in it again.
    let now = context.ledger.now().await?;
    if kind == LaneKind::Reconcile {
        drained.slices += 1;
        let (found, released) = publish::settle(context, session).await?;
        drained.settled += found.adopted + released;
        let tx = store.worker(context.project.tenant_id).await?;
        let audit_due = tx.audit_due(context.project.id).await?;
        tx.commit().await?;
        if audit_due {
            drained.findings = audit::run(store, context, session).await?.findings.len() as u64;
        }
        return Ok(());
    }
    if kind == LaneKind::Ingest {
        drained.slices += 1;
        let options = PullOptions { due_only: true, ..PullOptions::default() };
        let over = || stop() || began.elapsed() >= RUN_FOR;
        for report in source::pull(store, context.project, options, &over).await? {
            drained.pulled += report.streams.iter().map(|stream| stream.rows).sum::<u64>();
        }
        return Ok(());
    }
    if kind == LaneKind::Evidence {
        return evidence(store, home, context.project, || stop() || began.elapsed() >= RUN_FOR, drained).await;
    }
    for share in shares(kind) {
        loop {
            if stop() || began.elapsed() >= RUN_FOR {
                return Ok(());
            }
            let Some(tally) = publish::slice(context, session, *share, now).await? else { break };
            drained.slices += 1;
            publish::add(drained.tallies.entry(share.object.as_str()).or_default(), tally);
        }
    }
    Ok(())
}

/// Sends evidence that waits for its store, then lets go what the rules let go.
async fn evidence(
    store: &Store,
    home: &Home,
    project: &ProjectRow,
    stop: impl Fn() -> bool,
    drained: &mut Drained,
) -> Result<(), AppError> {
    while !stop() {
        let sent = upload::retry(store, project, home).await?;
        drained.slices += 1;
        drained.evidence += sent.stored + sent.was_there;
        if sent.stored + sent.was_there == 0 {
            break;
        }
    }
    let tx = store.worker(project.tenant_id).await?;
    let due = tx.evidence_due(project.id).await?;
    tx.commit().await?;
    if due && !stop() {
        let ended = end::expire(store, project, home, false).await?;
        end::note(store, project).await?;
        drained.evidence += ended.expired;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_publication_is_drained_by_the_lane_that_its_bell_wakes() {
        for object in ObjectKind::ALL {
            for entity in EntityKind::ALL {
                let drained = shares(lane_of(object, entity)).iter().any(|share| {
                    share.object == object && (share.entities.is_empty() || share.entities.contains(&entity))
                });
                assert!(drained, "{object:?} of {entity:?}");
            }
        }
    }
}
