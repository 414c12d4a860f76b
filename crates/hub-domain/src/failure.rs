//! A failure as the hub remembers it across runs, until it is a defect or somebody decides otherwise.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ExternalId, insight::FailureKind};

/// What became of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureState {
    /// Seen in fewer runs than the threshold asks for.
    New,
    /// Waits for a person to accept or to ignore it.
    Proposed,
    /// A defect stands for it.
    Defect,
    /// A person wants no defect of it.
    Ignored,
}

impl FailureState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::New, Self::Proposed, Self::Defect, Self::Ignored];

    /// The state as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Proposed => "proposed",
            Self::Defect => "defect",
            Self::Ignored => "ignored",
        }
    }

    /// Finds a state by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A failure with where and how often it was seen. What it says of itself is as its first run said it, so that a defect
/// does not change with every run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// By what it is the same in another run.
    pub fingerprint: String,
    /// What it stands for.
    pub kind: FailureKind,
    /// What became of it.
    pub state: FailureState,
    /// The test case; none for an incident or a summary.
    pub test_case: Option<ExternalId>,
    /// One line for people.
    pub title: String,
    /// The error's message.
    pub message: Option<String>,
    /// The beginning of its details.
    pub details: Option<String>,
    /// The canonical environment.
    pub environment: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
    /// The first run that showed it.
    pub first_run: ExternalId,
    /// The last run that showed it.
    pub last_run: ExternalId,
    /// When that run began.
    #[serde(with = "time::serde::rfc3339")]
    pub last_began_at: OffsetDateTime,
    /// How many runs showed it.
    pub runs: u64,
    /// How many runs of one series showed it one after the other, up to the last.
    pub consecutive: u64,
    /// The defect that stands for it.
    pub defect: Option<ExternalId>,
}
