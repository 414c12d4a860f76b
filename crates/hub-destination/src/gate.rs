//! The gate in front of a site. The order is fixed: rate budget, concurrency limit, the call's own time, send; and the budget
//! hears what the answer says. Nothing is repeated here.
//!
//! A permit that had to wait for one of the calls in flight to end is older than the site's own count of a second allows:
//! such a caller asks again. So a site that stands still and then answers quickly is not met by everything that gathered. Taking
//! the place in flight first would be simpler, but then calls of a paused endpoint would hold the places of all others.
//!
//! Time is tokio's throughout, so a simulation can stop and move it.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::{
    Answer, Call, SendFailure, Transport,
    budget::{Budget, NoPermit},
};

/// Calls in flight to one site at once: at 100 calls a second and 50 ms each, 5 keep the line full.
pub const CALLS_IN_FLIGHT: usize = 8;

/// How long a permit may wait for a place in flight.
const PERMIT_LASTS: Duration = Duration::from_millis(250);

/// A transport behind a rate budget.
pub struct Gate {
    inner: Arc<dyn Transport>,
    budget: Arc<dyn Budget>,
    in_flight: Semaphore,
}

impl Gate {
    /// Puts a gate in front of a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, budget: Arc<dyn Budget>) -> Self {
        Self { inner, budget, in_flight: Semaphore::new(CALLS_IN_FLIGHT) }
    }

    async fn turn(&self, call: &Call) -> Result<SemaphorePermit<'_>, SendFailure> {
        loop {
            self.budget.permit(call.endpoint, call.method).await.map_err(refused)?;
            let permitted = Instant::now();
            let place = self.in_flight.acquire().await;
            let place = place.map_err(|_| SendFailure::NotSent { reason: "the gate is closed".to_owned() })?;
            if permitted.elapsed() <= PERMIT_LASTS {
                return Ok(place);
            }
        }
    }

    async fn exchange(&self, call: Call) -> Result<Answer, SendFailure> {
        let turn = self.turn(&call);
        let _place = match call.send_before {
            Some(moment) => timeout_at(moment, turn).await.map_err(|_| SendFailure::TooLate)??,
            None => turn.await?,
        };
        if call.send_before.is_some_and(|moment| Instant::now() >= moment) {
            return Err(SendFailure::TooLate);
        }
        let (endpoint, method) = (call.endpoint, call.method);
        let answer = self.inner.send(call).await?;
        self.budget.heard(endpoint, method, &answer);
        Ok(answer)
    }
}

fn refused(reason: NoPermit) -> SendFailure {
    match reason {
        NoPermit::Paused { throttle, wait } => SendFailure::Paused { throttle, wait },
        NoPermit::Unreachable => SendFailure::NotSent { reason: "the shared rate budget cannot be reached".to_owned() },
    }
}

impl Transport for Gate {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        Box::pin(self.exchange(call))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::join_all;

    use super::*;
    use crate::{Method, Throttle, budget::LocalBudget, jitter::Jitter, rates::Rates};

    /// A site in memory: answers after a while, and notes when each call came.
    struct Memory {
        came: Mutex<Vec<(Instant, &'static str)>>,
        latency: Box<dyn Fn(usize) -> Duration + Send + Sync>,
        answer: Box<dyn Fn(usize) -> Answer + Send + Sync>,
    }

    impl Memory {
        fn new(
            latency: impl Fn(usize) -> Duration + Send + Sync + 'static,
            answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
        ) -> Arc<Self> {
            Arc::new(Self { came: Mutex::default(), latency: Box::new(latency), answer: Box::new(answer) })
        }

        fn calls(&self) -> Vec<(Instant, &'static str)> {
            self.came.lock().unwrap().clone()
        }
    }

    impl Transport for Memory {
        fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
            Box::pin(async move {
                let number = {
                    let mut came = self.came.lock().unwrap();
                    came.push((Instant::now(), call.endpoint));
                    came.len() - 1
                };
                tokio::time::sleep((self.latency)(number)).await;
                Ok((self.answer)(number))
            })
        }
    }

    fn gate(memory: &Arc<Memory>, rates: Rates) -> Gate {
        let transport: Arc<dyn Transport> = memory.clone();
        Gate::new(transport, Arc::new(LocalBudget::new(rates, Jitter::seeded(7))))
    }

    fn ok() -> Answer {
        Answer { status: 200, ..Answer::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_time_has_passed_is_not_sent_however_it_was_held_up() {
        let refused = || Answer { status: 429, retry_after: Some(Duration::from_secs(30)), ..Answer::default() };
        let memory = Memory::new(|_| Duration::ZERO, move |_| refused());
        let gate = gate(&memory, Rates::default());
        let call = || Call::write(Method::Post, "/x", "/x");
        let past = Instant::now();
        assert!(matches!(gate.send(call().before(past)).await, Err(SendFailure::TooLate)));
        assert_eq!(memory.calls().len(), 0);
        gate.send(call()).await.unwrap();
        let started = Instant::now();
        let soon = started + Duration::from_secs(5);
        assert!(matches!(gate.send(call().before(soon)).await, Err(SendFailure::TooLate)));
        assert_eq!(started.elapsed().as_secs(), 5, "it does not wait for a pause that ends too late");
        gate.send(call()).await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 30);
        assert_eq!(memory.calls().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_is_told_and_not_waited_out() {
        let quota = || Answer {
            status: 429,
            retry_after: Some(Duration::from_secs(1847)),
            rate_limit_reason: Some("jira-quota-tenant-based".to_owned()),
            ..Answer::default()
        };
        let memory = Memory::new(|_| Duration::ZERO, move |_| quota());
        let gate = gate(&memory, Rates::default());
        gate.send(Call::read(Method::Get, "/x", "/x")).await.unwrap();
        let other = gate.send(Call::write(Method::Put, "/y", "/y")).await;
        let wait = Duration::from_secs(1847);
        assert!(matches!(other, Err(SendFailure::Paused { throttle: Throttle::Site, wait: w }) if w == wait));
        assert_eq!(memory.calls().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_eight_are_in_flight_and_a_paused_endpoint_holds_no_place() {
        let memory = Memory::new(
            |_| Duration::from_secs(1),
            |number| match number {
                0 => Answer { status: 429, retry_after: Some(Duration::from_secs(20)), ..Answer::default() },
                _ => ok(),
            },
        );
        let gate = gate(&memory, Rates::default());
        gate.send(Call::write(Method::Post, "/paused", "/")).await.unwrap();
        let started = Instant::now();
        let paused = join_all((0..20).map(|_| gate.send(Call::write(Method::Post, "/paused", "/"))));
        let others = join_all((0..16).map(|_| gate.send(Call::read(Method::Get, "/other", "/"))));
        tokio::join!(paused, others);
        let calls = memory.calls();
        let of = |endpoint: &str| {
            calls.iter().filter(|(_, e)| *e == endpoint).map(|(at, _)| at.duration_since(started)).collect::<Vec<_>>()
        };
        let others = of("/other");
        assert!(others.iter().take(8).all(|at| at.is_zero()), "{others:?}");
        assert!(others.iter().skip(8).all(|at| (1..=3).contains(&at.as_secs())), "{others:?}");
        // The first was sent before the clock of this test began.
        assert_eq!(
            calls.iter().filter(|(at, e)| *e == "/paused" && *at >= started + Duration::from_secs(19)).count(),
            20
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_gathered_behind_a_site_that_stood_still_goes_out_at_the_rate() {
        // The first eight take ten seconds; everything after that takes a millisecond.
        let memory = Memory::new(|n| if n < 8 { Duration::from_secs(10) } else { Duration::from_millis(1) }, |_| ok());
        let gate = gate(&memory, Rates::uniform(10.0));
        let all = join_all((0..200).map(|_| gate.send(Call::write(Method::Put, "/x", "/x")))).await;
        assert!(all.iter().all(Result::is_ok));
        let came: Vec<Instant> = memory.calls().into_iter().map(|(at, _)| at).collect();
        for window in came.windows(32) {
            let span = window[31].duration_since(window[0]);
            assert!(span >= Duration::from_secs(1), "32 calls within {span:?} at 10 a second");
        }
    }
}
