//! `[defects]`: what becomes of failures (docs/enrichment.md).

use serde::{Deserialize, Serialize};

/// The most runs that a threshold may ask for: as many as are looked back on.
pub const MAX_THRESHOLD: u32 = 50;

/// What becomes of failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefectSettings {
    /// Whether failures become defects.
    pub policy: DefectPolicy,
    /// In how many runs a failure must be seen before anything is made of it: 1 to [`MAX_THRESHOLD`].
    pub threshold: u32,
    /// Which runs the threshold counts.
    pub counting: Counting,
    /// Whether a test that failed and then passed when repeated counts as a failure.
    pub flaky: FlakyPolicy,
    /// What becomes of a defect of the hub that was resolved or closed, when its failure is seen again.
    pub reopen: ReopenPolicy,
    /// Only runs of these canonical environments count (`production`, `staging`, ...); every run where the list is empty.
    pub environments: Vec<String>,
    /// The most defects that one run may make, 1 to 1,000. A run with more new failures makes a single one that sums them up.
    pub max_new_per_run: u32,
}

impl Default for DefectSettings {
    fn default() -> Self {
        Self {
            policy: DefectPolicy::Off,
            threshold: 2,
            counting: Counting::Runs,
            flaky: FlakyPolicy::Ignore,
            reopen: ReopenPolicy::WhenFailingAgain,
            environments: Vec::new(),
            max_new_per_run: 20,
        }
    }
}

/// Whether failures become defects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectPolicy {
    /// Never.
    #[default]
    Off,
    /// They are proposed, and a person accepts them.
    Propose,
    /// They do by themselves.
    Create,
}

/// Which runs a threshold counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Every run that shows the failure.
    #[default]
    Runs,
    /// Only runs of the same series that follow one another up to the present one.
    Consecutive,
}

/// What a flaky test counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlakyPolicy {
    /// As passed.
    #[default]
    Ignore,
    /// As failed.
    Count,
}

/// What becomes of a resolved or closed defect that fails again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReopenPolicy {
    /// Nothing.
    Never,
    /// It is open again.
    #[default]
    WhenFailingAgain,
}

impl DefectSettings {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        if !(1..=MAX_THRESHOLD).contains(&self.threshold) {
            mistakes.push(format!("defects: threshold {} is not between 1 and {MAX_THRESHOLD}", self.threshold));
        }
        if !(1..=1_000).contains(&self.max_new_per_run) {
            mistakes.push(format!("defects: max_new_per_run {} is not between 1 and 1000", self.max_new_per_run));
        }
        if self.environments.iter().any(|environment| environment.trim().is_empty()) {
            mistakes.push("defects: an environment is empty".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked_and_what_is_left_out_is_off() {
        let read = |json| serde_json::from_value::<DefectSettings>(json);
        let settings = read(serde_json::json!({})).unwrap();
        assert_eq!((settings.policy, settings.threshold), (DefectPolicy::Off, 2));
        let settings =
            read(serde_json::json!({"policy": "create", "threshold": 0, "max_new_per_run": 0, "environments": [""]}));
        let mut mistakes = Vec::new();
        settings.unwrap().check(&mut mistakes);
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(read(serde_json::json!({"policy": "sometimes"})).is_err());
    }
}
