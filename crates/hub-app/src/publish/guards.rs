//! The guards of the create protocol, each at the one place where it acts. Outside of this crate's own tests there is
//! nothing to switch: a guard can be off in a test build only, where the simulation shows the duplicate that it prevents.

use std::time::Duration;

use hub_domain::facts::PublicationKey;
use tokio::time::Instant;

use super::{
    Context, DOUBT,
    ledger::{Announcement, Recording},
};
use crate::AppError;

/// A guard.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A create is announced in the ledger before it is sent.
    Intent,
    /// A create is sent in time or not at all.
    Deadline,
    /// A create that is not found is repeated only after it can no longer take effect.
    Doubt,
    /// An answer is recorded for the send that it belongs to only.
    Fence,
    /// Creates are held after the database lost commits.
    Recovery,
}

/// Which guards hold: all of them, but for one that a test may have switched off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guards {
    /// The guard that is off.
    #[cfg(test)]
    pub off: Option<Guard>,
}

impl Guards {
    /// Announces creates.
    pub async fn announce(
        self,
        context: &Context<'_>,
        keys: &[PublicationKey],
        floor: Option<u64>,
    ) -> Result<Announcement, AppError> {
        #[cfg(test)]
        if self.off == Some(Guard::Intent) {
            let fence = context.ledger.rows(keys).await?.iter().map(|row| row.fence).max().unwrap_or(0);
            return Ok(Announcement::Claimed(hub_store::Claim { fence, keys: keys.to_vec() }));
        }
        context.ledger.announce(keys, floor).await
    }

    /// The moment after which an announced create must not be sent.
    pub fn deadline(self, until: Instant) -> Option<Instant> {
        #[cfg(test)]
        if self.off == Some(Guard::Deadline) {
            return None;
        }
        Some(until)
    }

    /// How long a create may still take effect.
    pub fn doubt(self) -> Duration {
        #[cfg(test)]
        if self.off == Some(Guard::Doubt) {
            return Duration::ZERO;
        }
        DOUBT
    }

    /// The recording with the fences that say which sends it is about.
    #[cfg_attr(not(test), expect(clippy::unused_async, reason = "a test build reads the ledger here"))]
    pub async fn fenced(self, context: &Context<'_>, recording: Recording) -> Result<Recording, AppError> {
        #[cfg(test)]
        if self.off == Some(Guard::Fence) {
            let mut unfenced = recording;
            let published = unfenced.published.iter_mut().map(|p| (&p.key, &mut p.fence));
            let failures = unfenced.failures.iter_mut().map(|f| (&f.key, &mut f.fence));
            for (key, fence) in published.chain(failures) {
                if let Some(row) = context.ledger.rows(std::slice::from_ref(key)).await?.pop() {
                    *fence = row.fence;
                }
            }
            return Ok(unfenced);
        }
        let _ = context;
        Ok(recording)
    }

    /// Whether a loss of commits holds creates.
    pub fn recovery(self) -> bool {
        #[cfg(test)]
        if self.off == Some(Guard::Recovery) {
            return false;
        }
        true
    }
}
