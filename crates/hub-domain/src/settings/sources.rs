//! `[[sources]]`: a team's database that is read.

use serde::{Deserialize, Serialize};

/// A team's database that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// What commands and pages call it.
    pub name: String,
}

impl SourceSettings {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        if !super::is_name(&self.name) {
            mistakes.push(format!("sources: {:?} is no name (a-z, 0-9 and '-', at most 63)", self.name));
        }
    }
}
