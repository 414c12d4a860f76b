//! `[evidence]`: where evidence is kept and how long.

use serde::{Deserialize, Serialize};

/// Where evidence is kept and how long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceSettings {}

impl EvidenceSettings {
    pub(super) fn check(&self, _mistakes: &mut Vec<String>) {}
}
