//! What the hub concludes about a run from its rows and from the runs before it: the one cause for which it failed, the
//! requirements that it proves, and what changed against the run before. Part of the run's facts, so that a page never
//! changes because a later run arrived.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    ExternalId,
    entity::Counts,
    vocabulary::{FailureCause, ResultStatus},
};

/// The most lines of each list that an insight holds; the rest is counted.
pub const MAX_INSIGHT_LINES: usize = 50;

/// The most earlier runs that a trend shows.
pub const MAX_TREND_RUNS: usize = 10;

/// What is concluded about a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInsight {
    /// The one cause for which nearly everything failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// Requirements with their cases and results; none where no case names a requirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirements: Option<Box<Traceability>>,
    /// The comparison with earlier runs; none for the first run of its series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Box<Trend>>,
}

impl RunInsight {
    /// Whether nothing is concluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.incident.is_none() && self.requirements.is_none() && self.trend.is_none()
    }
}

/// A run in which nearly everything that was executed failed for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The cause, where it is one of the infrastructure.
    pub cause: Option<FailureCause>,
    /// What the failures have in common: the version and a hash of the error without its variable parts.
    pub signature: String,
    /// How many results failed for it.
    pub failed: u64,
    /// How many were executed.
    pub executed: u64,
    /// The error of one of them.
    pub example: Option<String>,
}

/// How a requirement stands after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequirementStatus {
    /// A case of it was unsuccessful.
    Failed,
    /// No case of it was executed.
    NotExecuted,
    /// Some cases of it were executed, and none was unsuccessful.
    Partly,
    /// All cases of it were executed, and none was unsuccessful.
    Passed,
}

/// One requirement with its cases and what the run says of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementLine {
    /// The requirement's id.
    pub requirement: String,
    /// How it stands.
    pub status: RequirementStatus,
    /// The first cases of it, in the order of their ids.
    pub cases: Vec<ExternalId>,
    /// How many cases it has.
    pub known: u64,
    /// How many of them were executed.
    pub executed: u64,
    /// How many of them passed wherever they were executed.
    pub passed: u64,
    /// How many of them were unsuccessful.
    pub failed: u64,
}

/// The requirements of a project as a run leaves them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traceability {
    /// How many requirements the cases in use name.
    pub requirements: u64,
    /// Of which a case was executed.
    pub executed: u64,
    /// Of which every case passed.
    pub passed: u64,
    /// Of which a case was unsuccessful.
    pub failed: u64,
    /// Cases in use that name no requirement.
    pub untraced_cases: u64,
    /// Requirements one by one, those that need a look first, at most [`MAX_INSIGHT_LINES`].
    pub lines: Vec<RequirementLine>,
    /// How many are not in `lines`.
    pub more: u64,
}

/// Whole per cent, rounded down; nothing where there is nothing to count.
#[must_use]
pub fn percent(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| u64::try_from(u128::from(part) * 100 / u128::from(whole)).unwrap_or(u64::MAX))
}

/// A run in the row of runs that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendRun {
    /// The run.
    pub run: ExternalId,
    /// When it began, if a source says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub began_at: Option<OffsetDateTime>,
    /// Its results.
    pub counts: Counts,
}

/// The share of what was executed that passed, flaky results included, in whole per cent.
#[must_use]
pub fn pass_rate(counts: &Counts) -> Option<u64> {
    percent(counts.passed + counts.flaky, counts.executed())
}

/// A test case whose outcome is of interest beside that of the run before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendCase {
    /// The case.
    pub case: ExternalId,
    /// Its worst result in the run before; nothing where it was not among them.
    pub before: Option<ResultStatus>,
    /// Its worst result in this run; nothing where it is not among them.
    pub now: Option<ResultStatus>,
}

/// How many cases changed in a way, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendCases {
    /// All of them.
    pub count: u64,
    /// The first in the order of their ids, at most [`MAX_INSIGHT_LINES`].
    pub first: Vec<TrendCase>,
}

/// A run beside the runs of its series before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Earlier runs, the latest first, at most [`MAX_TREND_RUNS`].
    pub earlier: Vec<TrendRun>,
    /// The passed share of what was executed, against the run before, in whole percentage points, each share rounded down;
    /// nothing where one of the two executed nothing.
    pub pass_rate_change: Option<i64>,
    /// Unsuccessful now and not in the run before.
    pub newly_failing: TrendCases,
    /// Unsuccessful in both.
    pub still_failing: TrendCases,
    /// Unsuccessful in the run before, and passed now.
    pub fixed: TrendCases,
    /// Flaky now.
    pub flaky: TrendCases,
}

/// What a defect made by the hub stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// One failure of one test case.
    Failure,
    /// A run in which nearly everything failed for one cause.
    Incident,
    /// More new failures in one run than a team wants defects of.
    Summary,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Failure, Self::Incident, Self::Summary];

    /// The kind as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Incident => "incident",
            Self::Summary => "summary",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Where and how often the hub saw the failure that a defect is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// What the defect stands for.
    pub kind: FailureKind,
    /// The failure.
    pub fingerprint: String,
    /// The first run that showed it.
    pub first_run: ExternalId,
    /// The last run that showed it.
    pub last_run: ExternalId,
    /// How many runs showed it.
    pub runs: u64,
    /// The run in which it came back after it was resolved or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_in: Option<ExternalId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up() {
        assert_eq!(percent(199, 200), Some(99));
        assert_eq!(percent(200, 200), Some(100));
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
    }
}
