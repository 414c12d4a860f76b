//! `[[tables]]`: a team's own table in files.

use serde::{Deserialize, Serialize};

/// A team's own table in files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSettings {
    /// What problems and rejects call it.
    pub name: String,
}

impl TableSettings {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        if !super::is_name(&self.name) {
            mistakes.push(format!("tables: {:?} is no name (a-z, 0-9 and '-', at most 63)", self.name));
        }
    }
}
