//! `time_zone`: the zone of moments that a team's tables write without one.

use serde::{Deserialize, Serialize};

/// The name of a time zone in the IANA database: `Europe/Madrid`, `UTC`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ZoneName(pub String);

impl Default for ZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl ZoneName {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        if jiff::tz::TimeZone::get(&self.0).is_err() {
            mistakes.push(format!("time_zone: {:?} is no time zone (\"Europe/Madrid\", \"UTC\")", self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_or_a_mistake() {
        for (name, known) in
            [("UTC", true), ("Europe/Madrid", true), ("America/Bogota", true), ("Madrid", false), ("", false)]
        {
            let mut mistakes = Vec::new();
            ZoneName(name.into()).check(&mut mistakes);
            assert_eq!(mistakes.is_empty(), known, "{name}: {mistakes:?}");
        }
    }
}
