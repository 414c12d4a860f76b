//! What a lane drains: the one place that knows how kinds of lanes, publications and the slices of [`crate::publish`] belong
//! together.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hub_domain::{EntityKind, Moment, facts::ObjectKind};
use hub_store::LaneKind;
use serde::Serialize;

use crate::{
    AppError,
    publish::{self, Context, Session, Tally},
};

/// How long one run of a lane goes on taking slices: long enough that the queue's own time does not matter, short enough
/// that others get their turn.
pub const RUN_FOR: Duration = Duration::from_secs(30);

/// The lane to which publications of a kind belong.
#[must_use]
pub fn lane_of(object: ObjectKind, _entity: EntityKind) -> LaneKind {
    match object {
        ObjectKind::Issue | ObjectKind::IssueLink => LaneKind::Issues,
        ObjectKind::Page => LaneKind::Pages,
        ObjectKind::RemoteLink => LaneKind::Results,
    }
}

/// What a lane publishes, in the order in which it does.
#[must_use]
pub fn objects(kind: LaneKind) -> &'static [ObjectKind] {
    match kind {
        LaneKind::Issues => &[ObjectKind::Issue, ObjectKind::IssueLink],
        LaneKind::Pages => &[ObjectKind::Page],
        LaneKind::Results => &[ObjectKind::RemoteLink],
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
}

impl Drained {
    /// Everything that was handled.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.settled + self.tallies.values().map(Tally::handled).sum::<u64>()
    }

    /// What came further: the rest only waits for something else.
    #[must_use]
    pub fn progress(&self) -> u64 {
        let further = |t: &Tally| t.created + t.updated + t.adopted + t.refused + t.uncertain;
        self.settled + self.tallies.values().map(further).sum::<u64>()
    }
}

/// Takes slices of a lane until nothing of it is due, [`RUN_FOR`] is over or `stop` says so; a slice that has begun is
/// finished. What was done before an error is in `drained`.
///
/// # Errors
/// The database's, or a site that stops the whole work.
pub async fn drain(
    context: &Context<'_>,
    session: &mut Session,
    kind: LaneKind,
    stop: impl Fn() -> bool,
    drained: &mut Drained,
) -> Result<(), AppError> {
    let began = Instant::now();
    // One moment for the whole run: what is put off in it is not due in it again.
    let now = Moment::now_utc();
    if kind == LaneKind::Reconcile {
        drained.slices += 1;
        drained.settled += publish::resolve(context, session).await?;
        return Ok(());
    }
    for object in objects(kind) {
        loop {
            if stop() || began.elapsed() >= RUN_FOR {
                return Ok(());
            }
            let Some(tally) = publish::slice(context, session, *object, now).await? else { break };
            drained.slices += 1;
            publish::add(drained.tallies.entry(object.as_str()).or_default(), tally);
        }
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
                assert!(objects(lane_of(object, entity)).contains(&object), "{object:?} of {entity:?}");
            }
        }
    }
}
