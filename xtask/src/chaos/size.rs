//! How large a mix is. The full one is the release's; CI runs a tenth of it; the small one is for trying things out.

use std::time::Duration;

/// The longest that a create may take effect after it was sent: the protocol's D, which the hub waits for.
pub const DOUBT: Duration = Duration::from_secs(120);
/// How long after the last fault, beyond D, everything may take to be as it shall be.
pub const CONVERGES: Duration = Duration::from_secs(180);
/// The most creates in one call.
pub const BULK: usize = 50;
/// The most issues in one proof.
pub const PROOF: usize = 100;
/// Create calls, in times of the fewest that would do.
pub const CREATE_CALLS: f64 = 1.25;
/// Of so many calls the share that the site fails is near its probability.
pub const ENOUGH_CALLS: usize = 100;
/// Reads beyond the proofs of creates, for each entity.
pub const EXTRA_READS: f64 = 0.05;

/// Which mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// 10,000 issues, 500 pages, 1,000 kills: about half an hour.
    Full,
    /// A tenth of it, within ten minutes.
    Tenth,
    /// Enough to see every kind of fault once.
    Small,
}

/// What a mix consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Issues wanted, over all projects.
    pub issues: usize,
    /// Those of them that were published before the faults begin.
    pub old: usize,
    /// Pages wanted at least, over all projects.
    pub pages: usize,
    /// `kill -9` of a hub.
    pub kills: usize,
    /// Restarts of Postgres without an orderly end.
    pub restarts: usize,
    /// Restores that lose the last commits.
    pub restores: usize,
    /// Times that the database's disk is full.
    pub full_disks: usize,
    /// How long faults last.
    pub window: Duration,
}

impl Size {
    /// Its numbers.
    pub fn mix(self) -> Mix {
        match self {
            Self::Full => Mix {
                issues: 10_000,
                old: 400,
                pages: 500,
                kills: 1_000,
                restarts: 10,
                restores: 3,
                full_disks: 1,
                window: Duration::from_secs(1_500),
            },
            Self::Tenth => Mix {
                issues: 1_000,
                old: 200,
                pages: 50,
                kills: 100,
                restarts: 1,
                restores: 1,
                full_disks: 1,
                window: Duration::from_secs(150),
            },
            Self::Small => Mix {
                issues: 240,
                old: 40,
                pages: 30,
                kills: 20,
                restarts: 1,
                restores: 1,
                full_disks: 1,
                window: Duration::from_secs(40),
            },
        }
    }

    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Tenth => "tenth",
            Self::Small => "small",
        }
    }
}
