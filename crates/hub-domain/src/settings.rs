//! What a team decides about its project: how its tables are read, where its sources and its evidence are, what becomes a
//! defect. Written as TOML, a section each; what is left out has the value that most teams want. A mistake is refused
//! when the settings are handed over, never when they are used.

use serde::{Deserialize, Serialize};

mod defects;
mod evidence;
mod precedence;
mod sources;
mod tables;
mod zone;

pub use defects::{Counting, DefectPolicy, DefectSettings, FlakyPolicy, MAX_THRESHOLD, ReopenPolicy};
pub use evidence::{EvidenceSettings, FAILED_DAYS, PASSED_DAYS, RetentionRule};
pub use precedence::Precedence;
pub use sources::{Follow, Preset, SelectSettings, SourceSettings, SourceStream};
pub use tables::{TableField, TableHolds, TableSettings};
pub use zone::ZoneName;

/// The settings of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectSettings {
    /// The zone of moments that the team's tables write without one: `time_zone`, UTC where nothing is said.
    pub time_zone: ZoneName,
    /// Whose word counts when two documents tell of the same thing: `precedence`, the first most.
    pub precedence: Precedence,
    /// What becomes of failures: `[defects]`.
    pub defects: DefectSettings,
    /// Where evidence is kept and how long: `[evidence]`.
    pub evidence: EvidenceSettings,
    /// The team's databases that are read: `[[sources]]`, one each.
    pub sources: Vec<SourceSettings>,
    /// The team's own tables in files: `[[tables]]`, one for each kind of table.
    pub tables: Vec<TableSettings>,
}

impl ProjectSettings {
    /// Everything that is wrong with the settings, as fragments that name the section.
    #[must_use]
    pub fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        self.time_zone.check(&mut mistakes);
        self.precedence.check(&self.tables, &mut mistakes);
        self.defects.check(&mut mistakes);
        self.evidence.check(&mut mistakes);
        for (index, source) in self.sources.iter().enumerate() {
            source.check(&mut mistakes);
            if self.sources.iter().take(index).any(|earlier| earlier.name == source.name) {
                mistakes.push(format!("sources: the name {:?} is used twice", source.name));
            }
        }
        for (index, table) in self.tables.iter().enumerate() {
            table.check(&mut mistakes);
            if self.tables.iter().take(index).any(|earlier| earlier.name == table.name) {
                mistakes.push(format!("tables: the name {:?} is used twice", table.name));
            }
        }
        mistakes
    }
}

/// Whether a name is one that a person can write in a command: `a-z`, `0-9` and `-`, at most 63 characters.
fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_no_mistake_and_a_name_is_used_once() {
        assert_eq!(ProjectSettings::default().mistakes(), Vec::<String>::new());
        let table = TableSettings { name: "ours".into(), ..TableSettings::default() };
        let settings = ProjectSettings { tables: vec![table.clone(), table], ..ProjectSettings::default() };
        assert!(settings.mistakes().iter().any(|mistake| mistake.contains("used twice")), "{:?}", settings.mistakes());
        assert!(is_name("qa-1") && !is_name("") && !is_name("-a") && !is_name("Ä"));
    }

    #[test]
    fn an_unknown_word_is_refused() {
        let read = |json| serde_json::from_value::<ProjectSettings>(json);
        assert!(read(serde_json::json!({})).is_ok());
        assert!(read(serde_json::json!({"defekts": {}})).is_err());
    }
}
