//! A pause that a site asked for, and the doubling of waits that it gave no length for.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    jitter::Jitter,
    reaction::{LONGEST_BACKOFF, STREAK, Wait},
};

/// Until when something stands still.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pause {
    until: Option<Instant>,
    streak: u32,
}

impl Pause {
    /// Until when it lasts, where it lasts now.
    #[must_use]
    pub fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// Begins or lengthens the pause and returns how long it lasts from now on. A pause never becomes shorter. Refusals of
    /// calls that were under way together are one refusal: within a pause a wait without a hint changes nothing.
    pub fn begin(&mut self, now: Instant, wait: Wait, jitter: &Jitter) -> Duration {
        match wait {
            Wait::Told(told) => self.until = Some(self.until.map_or(now + told, |until| until.max(now + told))),
            Wait::Backoff(first) if self.until(now).is_none() => {
                let goes_on = self.until.is_some_and(|until| until + STREAK > now);
                self.streak = if goes_on { self.streak + 1 } else { 0 };
                let doubled = first.saturating_mul(1 << self.streak.min(8)).min(LONGEST_BACKOFF);
                self.until = Some(now + jitter.of(doubled));
            }
            Wait::Backoff(_) => {}
        }
        self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reaction::{FIRST_BACKOFF, SHORT_BACKOFF};

    #[tokio::test(start_paused = true)]
    async fn a_wait_without_a_hint_doubles_while_refusals_go_on_and_counts_once_for_calls_sent_together() {
        let (mut pause, jitter) = (Pause::default(), Jitter::seeded(1));
        let mut waits = Vec::new();
        for _ in 0..5 {
            let wait = pause.begin(Instant::now(), Wait::Backoff(FIRST_BACKOFF), &jitter);
            assert_eq!(pause.begin(Instant::now(), Wait::Backoff(FIRST_BACKOFF), &jitter), wait, "sent together");
            waits.push(wait.as_secs_f64());
            tokio::time::advance(wait + Duration::from_millis(50)).await;
        }
        for (wait, base) in waits.iter().zip([5.0, 10.0, 20.0, 30.0, 30.0]) {
            assert!((base * 0.7..=base * 1.3).contains(wait), "{waits:?}");
        }
        tokio::time::advance(STREAK).await;
        let fresh = pause.begin(Instant::now(), Wait::Backoff(SHORT_BACKOFF), &jitter);
        assert!((0.7..=1.3).contains(&fresh.as_secs_f64()), "{fresh:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_site_says_is_the_least() {
        let (mut pause, jitter) = (Pause::default(), Jitter::seeded(1));
        pause.begin(Instant::now(), Wait::Told(Duration::from_secs(1847)), &jitter);
        let still = pause.begin(Instant::now(), Wait::Told(Duration::from_secs(2)), &jitter);
        assert_eq!(still, Duration::from_secs(1847));
        tokio::time::advance(Duration::from_secs(1847)).await;
        assert!(pause.until(Instant::now()).is_none());
    }
}
