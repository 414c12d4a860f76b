//! What no bell tells: every minute one process of all looks for lanes that have work and no bell, clears the queue of rows
//! that nobody will run, and ends the records of processes that died.

use hub_store::Store;
use serde::Serialize;

use super::drain::lane_of;
use crate::AppError;

/// What a reconciliation found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Lanes that had work and no bell.
    pub rung: u64,
    /// Rows of the queue that nobody would have run.
    pub tidied: u64,
    /// Records of runs whose process is gone.
    pub closed: u64,
}

/// Reconciles the queue with the ledger.
///
/// # Errors
/// The database's.
pub async fn run(store: &Store) -> Result<Reconciled, AppError> {
    let found = Reconciled {
        tidied: store.tidy_queue().await?,
        closed: store.close_dead_runs().await?,
        rung: store.ring_due(lane_of).await? + store.ring_sources().await? + store.ring_evidence_due().await?,
    };
    if found != Reconciled::default() {
        tracing::info!(rung = found.rung, tidied = found.tidied, closed = found.closed, "reconciled the queue");
    }
    Ok(found)
}
