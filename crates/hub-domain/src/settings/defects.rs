//! `[defects]`: what becomes of failures.

use serde::{Deserialize, Serialize};

/// What becomes of failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefectSettings {}

impl DefectSettings {
    pub(super) fn check(&self, _mistakes: &mut Vec<String>) {}
}
