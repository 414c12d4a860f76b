//! Chance for waits that must not end for everybody at the same moment. Seeded where a run must be repeatable.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A source of factors from 0.7 to 1.3, as Atlassian advises for waits:
/// <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// The same factors for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Other factors in each process.
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    /// The next factor.
    #[must_use]
    pub fn factor(&self) -> f64 {
        // SplitMix64: one addition is the whole state, so calls from several tasks need no lock.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
        0.7 + 0.6 * f64::from(top) / f64::from(u32::MAX)
    }

    /// A wait times the next factor.
    #[must_use]
    pub fn of(&self, wait: Duration) -> Duration {
        wait.mul_f64(self.factor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_factors_fill_their_range() {
        let draw = |seed| {
            let jitter = Jitter::seeded(seed);
            (0..1000).map(|_| jitter.factor()).collect::<Vec<f64>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let factors = draw(7);
        assert!(factors.iter().all(|factor| (0.7..=1.3).contains(factor)));
        let mean = factors.iter().sum::<f64>() / 1000.0;
        assert!((0.97..1.03).contains(&mean), "{mean}");
        assert!(factors.iter().any(|f| *f < 0.71) && factors.iter().any(|f| *f > 1.29));
    }
}
