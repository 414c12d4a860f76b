//! Telling the other processes, through the database, what an answer asks for.

use std::sync::Arc;

use hub_destination::{
    budget::{SLOW_BY, SLOW_EVERY},
    reaction::{LEARNED_LASTS, LONGEST_BACKOFF, Reaction, STREAK, Wait},
};
use hub_store::{RateWait, StoreError};
use tokio::time::Instant;

use super::{Inner, Line, lock};

/// Tells the other processes what an answer asks for. Where the database cannot be reached nobody gets a permit anyway.
pub(super) async fn tell(inner: Arc<Inner>, line: Arc<Line>, told: Vec<Reaction>) {
    for reaction in told {
        for attempt in 0..4 {
            match tell_one(&inner, &line, reaction).await {
                Ok(()) => break,
                Err(error) => inner.retry(attempt, &error).await,
            }
        }
    }
}

async fn tell_one(inner: &Inner, line: &Line, reaction: Reaction) -> Result<(), StoreError> {
    let rate_wait = |wait: Wait| match wait {
        Wait::Told(wait) => RateWait::Told(wait),
        Wait::Backoff(first) => {
            RateWait::Backoff { first, longest: LONGEST_BACKOFF, streak: STREAK, factor: inner.jitter.factor() }
        }
    };
    match reaction {
        Reaction::PauseEndpoint(wait) => {
            let wait = inner.store.rate_pause(&inner.key(line), rate_wait(wait)).await?;
            lock(&line.pause).begin(Instant::now(), Wait::Told(wait), &inner.jitter);
        }
        Reaction::PauseSite(wait) => {
            let wait = inner.store.rate_pause(&inner.site_key(), rate_wait(wait)).await?;
            lock(&inner.site_pause).begin(Instant::now(), Wait::Told(wait), &inner.jitter);
        }
        Reaction::SlowEndpoint => inner.store.rate_slow(&inner.key(line), SLOW_BY, SLOW_EVERY).await?,
        Reaction::PaceSite { per_second, lasts } => {
            inner.store.rate_limit(&inner.site_key(), per_second, lasts).await?;
        }
        Reaction::LimitEndpoint { per_second } => {
            inner.store.rate_limit(&inner.key(line), per_second, LEARNED_LASTS).await?;
        }
    }
    Ok(())
}
