//! Lanes: who publishes, and when. A lane is a project and a kind of work; whoever plans work rings its lanes, a worker of some
//! process wakes, drains a bounded part of what the ledger says is due, and rings again where more is. docs/lanes.md tells
//! the whole.
//!
//! [`drain`] says which lane does what; [`job`] is the queue's job around it; [`sessions`] keeps connections to sites between
//! jobs; [`reconcile`] finds what no bell tells; [`worker`] is the supervised process around the queue's engine.

pub mod drain;
pub mod job;
pub mod reconcile;
mod run;
pub mod sessions;
pub mod stop;
pub mod worker;

use std::collections::BTreeSet;

use hub_domain::{ProjectId, facts::PublicationKey};
use hub_store::{Lane, LaneKind, WorkerTx};

pub(crate) use run::chain;
pub use stop::Stop;

/// Rings the lanes of publications, when the transaction commits.
pub fn ring<'a>(tx: &WorkerTx, project: ProjectId, keys: impl Iterator<Item = &'a PublicationKey>) {
    let lanes: BTreeSet<Lane> =
        keys.map(|key| Lane { project, kind: drain::lane_of(key.object, key.entity.kind) }).collect();
    tx.ring(&lanes.into_iter().collect::<Vec<_>>());
}

/// Rings every lane of a project that publishes, when the transaction commits.
pub fn ring_all(tx: &WorkerTx, project: ProjectId) {
    tx.ring(&[LaneKind::Issues, LaneKind::Pages, LaneKind::Results].map(|kind| Lane { project, kind }));
}
