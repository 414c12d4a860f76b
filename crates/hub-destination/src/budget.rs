//! The rate budget of a site: how fast calls may go out, by endpoint and method, and what its answers change about that.
//!
//! [`LocalBudget`] serves one process, and a simulation. The budget that processes share implements the same trait in
//! `hub-app`. Permits have no priority: an endpoint and method has a budget of its own, so a read that proves never waits
//! behind creates, and what is published first within a project is the order of its ledger.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    Answer, Method, Throttle,
    jitter::Jitter,
    pause::Pause,
    rates::Rates,
    reaction::{LEARNED_LASTS, Reaction, reactions},
};

/// The longest pause that [`Budget::permit`] waits out. What would stand still for longer is told so, because its caller has
/// better things to do: a spent quota comes back after up to an hour, a wait without a hint after 39 seconds at most.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Why there is no permission to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPermit {
    /// The site asked for a pause that is not waited out.
    #[error("wait for the end of the site's pause")]
    Paused {
        /// What stands still.
        throttle: Throttle,
        /// For how long.
        wait: Duration,
    },
    /// The place where processes agree on their rate has not been reached for too long. Nothing is sent without it.
    #[error("reach the shared rate budget")]
    Unreachable,
}

/// Gives permission to send.
pub trait Budget: Send + Sync {
    /// Waits until one call may go out. Dropping the future before that takes nothing.
    ///
    /// # Errors
    /// [`NoPermit`], and then nothing may go out.
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, Result<(), NoPermit>>;

    /// Hears the answer to a call of an endpoint, and does what it asks for from now on.
    fn heard(&self, endpoint: &'static str, method: Method, answer: &Answer);
}

/// What `SlowEndpoint` takes from an endpoint, at most once in [`SLOW_EVERY`]: a fifth of its calls.
pub const SLOW_BY: Duration = Duration::from_millis(200);

/// See [`SLOW_BY`].
pub const SLOW_EVERY: Duration = Duration::from_secs(1);

/// A budget for one process: GCRA by endpoint and method, with a burst of one second's calls.
#[derive(Debug)]
pub struct LocalBudget {
    rates: Rates,
    jitter: Jitter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: HashMap<(&'static str, Method), Row>,
    site: Row,
}

#[derive(Debug, Default)]
struct Row {
    /// The theoretical arrival time of the next call.
    next: Option<Instant>,
    pause: Pause,
    /// A rate in calls a second that the site told, and until when it is believed.
    limit: Option<(f64, Instant)>,
    slowed: Option<Instant>,
    /// Held by the caller whose turn it is, so that callers go out in the order in which they came.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Row {
    fn limit(&self, now: Instant) -> Option<f64> {
        self.limit.filter(|(_, until)| *until > now).map(|(rate, _)| rate)
    }
}

impl Default for LocalBudget {
    fn default() -> Self {
        Self::new(Rates::default(), Jitter::random())
    }
}

impl LocalBudget {
    /// A budget with these rates. A seeded jitter makes every wait repeatable.
    #[must_use]
    pub fn new(rates: Rates, jitter: Jitter) -> Self {
        Self { rates, jitter, state: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a permit where one is free now; otherwise the moment to look again.
    fn take(&self, endpoint: &'static str, method: Method) -> Result<Option<Instant>, NoPermit> {
        let now = Instant::now();
        let granted = self.rates.per_second(endpoint, method);
        self.with(|state| {
            let State { rows, site } = state;
            let row = rows.entry((endpoint, method)).or_default();
            for (pause, throttle) in [(&row.pause, Throttle::Endpoint), (&site.pause, Throttle::Site)] {
                if let Some(until) = pause.until(now) {
                    let wait = until.duration_since(now);
                    return if wait > PATIENCE { Err(NoPermit::Paused { throttle, wait }) } else { Ok(Some(until)) };
                }
            }
            let interval = Duration::from_secs_f64(1.0 / row.limit(now).map_or(granted, |limit| limit.min(granted)));
            let burst = Duration::from_secs(1).saturating_sub(interval);
            let due = row.next.and_then(|next| next.checked_sub(burst)).max(site.limit(now).and(site.next));
            if let Some(due) = due.filter(|due| *due > now) {
                return Ok(Some(due));
            }
            row.next = Some(row.next.map_or(now, |next| next.max(now)) + interval);
            if let Some(pace) = site.limit(now) {
                site.next = Some(now + Duration::from_secs_f64(1.0 / pace));
            }
            Ok(None)
        })
    }
}

impl Budget for LocalBudget {
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, Result<(), NoPermit>> {
        Box::pin(async move {
            let turn = self.with(|state| Arc::clone(&state.rows.entry((endpoint, method)).or_default().turn));
            let _turn = turn.lock().await;
            while let Some(moment) = self.take(endpoint, method)? {
                tokio::time::sleep_until(moment).await;
            }
            Ok(())
        })
    }

    fn heard(&self, endpoint: &'static str, method: Method, answer: &Answer) {
        let now = Instant::now();
        for reaction in reactions(answer) {
            self.with(|state| {
                let row = state.rows.entry((endpoint, method)).or_default();
                match reaction {
                    Reaction::PauseEndpoint(wait) => {
                        let wait = row.pause.begin(now, wait, &self.jitter);
                        // The site's bucket is empty: after the pause the rate holds from the first call on.
                        row.next = row.next.max(Some(now + wait + Duration::from_secs(1)));
                    }
                    Reaction::PauseSite(wait) => {
                        state.site.pause.begin(now, wait, &self.jitter);
                    }
                    Reaction::SlowEndpoint => {
                        if row.slowed.is_none_or(|last| now.duration_since(last) >= SLOW_EVERY) {
                            row.slowed = Some(now);
                            row.next = Some(row.next.map_or(now, |next| next.max(now)) + SLOW_BY);
                        }
                    }
                    Reaction::LimitEndpoint { per_second } => row.limit = Some((per_second, now + LEARNED_LASTS)),
                    Reaction::PaceSite { per_second, lasts } => state.site.limit = Some((per_second, now + lasts)),
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Left, Limits};

    fn refused(reason: &str, seconds: u64) -> Answer {
        let retry_after = Some(Duration::from_secs(seconds));
        Answer { status: 429, rate_limit_reason: Some(reason.to_owned()), retry_after, ..Answer::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_holds() {
        let budget = LocalBudget::default();
        let start = Instant::now();
        for _ in 0..300 {
            budget.permit("/rest/api/3/issue", Method::Put).await.unwrap();
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert!((4.9..=5.1).contains(&elapsed), "300 calls at 50 a second after a burst of 50 took {elapsed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_one_endpoint_leaves_the_others_alone_and_a_quota_stops_all() {
        let budget = LocalBudget::default();
        budget.heard("/a", Method::Get, &refused("jira-burst-based", 30));
        let start = Instant::now();
        budget.permit("/b", Method::Get).await.unwrap();
        budget.permit("/a", Method::Put).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
        budget.permit("/a", Method::Get).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(30));
        budget.heard("/a", Method::Get, &refused("jira-quota-tenant-based", 1847));
        let wait = Duration::from_secs(1847);
        let paused = Err(NoPermit::Paused { throttle: Throttle::Site, wait });
        assert_eq!(budget.permit("/b", Method::Get).await, paused, "an hour is not waited out");
        tokio::time::advance(Duration::from_secs(1817)).await;
        budget.permit("/b", Method::Get).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1877));
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_bucket_gives_no_burst_after_its_pause() {
        let budget = LocalBudget::default();
        budget.heard("/a", Method::Put, &refused("jira-burst-based", 2));
        let start = Instant::now();
        for _ in 0..51 {
            budget.permit("/a", Method::Put).await.unwrap();
        }
        assert!(start.elapsed() >= Duration::from_millis(2980), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_quota_paces_every_endpoint_until_its_reset() {
        let budget = LocalBudget::default();
        let name = "tenant-app-quota".to_owned();
        let left = vec![Left { name, remaining: 50, reset: Duration::from_secs(100), enforced: true }];
        let limits = Limits { left, ..Limits::default() };
        budget.heard("/a", Method::Get, &Answer { status: 200, limits, ..Answer::default() });
        let start = Instant::now();
        for endpoint in ["/a", "/b", "/c", "/d", "/e", "/f"] {
            budget.permit(endpoint, Method::Get).await.unwrap();
        }
        assert_eq!(start.elapsed().as_secs(), 10, "half a call a second");
        tokio::time::advance(Duration::from_secs(100)).await;
        let start = Instant::now();
        for _ in 0..50 {
            budget.permit("/a", Method::Get).await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
