//! The rate budget of a site: how fast calls may go out, by endpoint and method. The site tells by 429 when to pause.
//!
//! [`LocalBudget`] serves one process. A budget shared by processes implements the same trait in `hub-app`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::Method;

/// Gives permission to send.
pub trait Budget: Send + Sync {
    /// Waits until one call may go out.
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, ()>;

    /// The site asked for a pause of one endpoint, or of everything where `endpoint` is none.
    fn pause(&self, endpoint: Option<(&'static str, Method)>, wait: Duration);
}

/// The burst limits that Jira Cloud publishes, in calls a second; Confluence publishes none and gets the same.
/// Source: <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.
fn calls_per_second(method: Method) -> u32 {
    match method {
        Method::Get | Method::Post => 100,
        Method::Put | Method::Delete => 50,
    }
}

/// A budget for one process: each endpoint and method is spaced evenly (GCRA with a burst of one second's calls).
#[derive(Debug, Default)]
pub struct LocalBudget {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The theoretical arrival time of the next call, by endpoint.
    next: HashMap<(&'static str, Method), Instant>,
    paused: HashMap<(&'static str, Method), Instant>,
    site_paused: Option<Instant>,
}

impl LocalBudget {
    /// When the next call may go out; takes it.
    fn take(&self, endpoint: &'static str, method: Method) -> Instant {
        let now = Instant::now();
        let interval = Duration::from_secs(1) / calls_per_second(method);
        let burst = Duration::from_secs(1) - interval;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint, method);
        let arrival = state.next.get(&key).copied().unwrap_or(now).max(now);
        state.next.insert(key, arrival + interval);
        let spaced = arrival.checked_sub(burst).unwrap_or(now).max(now);
        let paused = state.paused.get(&key).copied().max(state.site_paused);
        paused.map_or(spaced, |until| until.max(spaced))
    }
}

impl Budget for LocalBudget {
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, ()> {
        Box::pin(async move { tokio::time::sleep_until(self.take(endpoint, method)).await })
    }

    fn pause(&self, endpoint: Option<(&'static str, Method)>, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match endpoint {
            Some(key) => {
                let entry = state.paused.entry(key).or_insert(until);
                *entry = (*entry).max(until);
            }
            None => state.site_paused = Some(state.site_paused.map_or(until, |old| old.max(until))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_holds() {
        let budget = LocalBudget::default();
        let start = Instant::now();
        for _ in 0..300 {
            budget.permit("/rest/api/3/issue", Method::Put).await;
        }
        let elapsed = start.elapsed().as_secs_f64();
        assert!((4.9..=5.1).contains(&elapsed), "300 calls at 50 a second after a burst of 50 took {elapsed} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_one_endpoint_leaves_the_others_alone() {
        let budget = LocalBudget::default();
        budget.pause(Some(("/a", Method::Get)), Duration::from_secs(30));
        let start = Instant::now();
        budget.permit("/b", Method::Get).await;
        assert!(start.elapsed() < Duration::from_secs(1));
        budget.permit("/a", Method::Get).await;
        assert!(start.elapsed() >= Duration::from_secs(30));
        budget.pause(None, Duration::from_secs(60));
        budget.permit("/b", Method::Get).await;
        assert!(start.elapsed() >= Duration::from_secs(90));
    }
}
