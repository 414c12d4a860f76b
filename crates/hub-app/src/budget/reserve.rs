//! Reserving a block of permits in the database, and what its answer means for the time here.

use std::{sync::Arc, time::Duration};

use hub_destination::{
    budget::{NoPermit, PATIENCE},
    reaction::Wait,
};
use hub_store::{Block, Paused, Taken};
use tokio::time::Instant;

use super::{Inner, Line, lock};

/// How long callers wait for a database that does not answer before they are refused.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(60);

/// A pause may be made longer by another process meanwhile: it is asked for again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// One permit and the time in which it may be used.
pub(super) struct Slot {
    pub(super) from: Instant,
    pub(super) until: Instant,
}

/// Reserves the next block. Ends without one where nobody waits any more.
pub(super) async fn reserve(inner: Arc<Inner>, line: Arc<Line>) -> Result<Vec<Slot>, NoPermit> {
    let rps = inner.rates.per_second(line.endpoint, line.method);
    let mut attempt = 0;
    loop {
        let wanted = line.wanted();
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let asked = Instant::now();
        let taken = inner.store.rate_take(&inner.key(&line), inner.project, rps, wanted).await;
        if taken.is_ok() {
            *lock(&inner.lost_since) = None;
            attempt = 0;
        }
        match taken {
            Ok(Taken::Block(block)) => return Ok(slots(&block, asked, Instant::now())),
            Ok(Taken::Later(wait)) => tokio::time::sleep(wait).await,
            Ok(Taken::Paused(paused, wait)) => {
                let now = Instant::now();
                let pause = match paused {
                    Paused::Site => &inner.site_pause,
                    Paused::Endpoint => &line.pause,
                };
                lock(pause).begin(now, Wait::Told(wait), &inner.jitter);
                if wait > PATIENCE {
                    // Whoever's turn it is sees the pause and tells it.
                    return Ok(Vec::new());
                }
                tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
            }
            Err(error) => {
                let since = *lock(&inner.lost_since).get_or_insert(asked);
                if since.elapsed() >= UNREACHABLE_AFTER {
                    return Err(NoPermit::Unreachable);
                }
                inner.retry(attempt, &error).await;
                attempt += 1;
            }
        }
    }
}

/// The permits of a block. The database read its clock at some moment between the question and the answer: counted from the
/// answer none is used too early, and counted from the question none too late. The first one only has no end, so that a
/// database that answers slowly slows the line and does not stop it.
fn slots(block: &Block, asked: Instant, answered: Instant) -> Vec<Slot> {
    let due = |from: Instant| {
        let first = from + block.first_after;
        first.checked_sub(block.first_before).unwrap_or(first)
    };
    let slot = |number: u32| {
        let offset = block.step.saturating_mul(number);
        let last = due(asked) + offset + block.keep;
        let from = due(answered) + offset;
        Slot { from, until: if number == 0 { last.max(from + block.keep) } else { last } }
    };
    (0..block.permits).map(slot).collect()
}
