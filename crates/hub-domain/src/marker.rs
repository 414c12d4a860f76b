//! The marker: what a remote object carries so that it can be recognised as ours for ever, whoever created it and
//! whatever became of the answer to the create.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{EntityKind, ExternalId, ProjectKey, facts::Destination};

/// The issue property and content property that hold the marker and its company.
pub const PROPERTY_KEY: &str = "haida.hub";

/// The version of the property's layout, kept inside it as `schema`.
pub const PROPERTY_SCHEMA: u32 = 1;

/// 26 characters of a-z and 2-7 (130 bits of SHA-256), equal for every attempt to create the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(String);

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const LENGTH: usize = 26;

impl Marker {
    /// The marker of an entity at a destination.
    ///
    /// Tenant and project go in by their names, so that a hub whose database was lost still knows its objects. Fields are
    /// separated by a NUL, which no id can hold, so two different identities never hash the same text.
    #[must_use]
    pub fn of(
        tenant: &str,
        project: &ProjectKey,
        destination: Destination,
        kind: EntityKind,
        external_id: &ExternalId,
    ) -> Self {
        let mut sha = Sha256::new();
        for part in [tenant, project.as_str(), destination.as_str(), kind.as_str(), external_id.as_str()] {
            sha.update(part.as_bytes());
            sha.update([0]);
        }
        let digest = sha.finalize();
        let mut text = String::with_capacity(LENGTH);
        let (mut bits, mut held) = (0u32, 0u32);
        for byte in digest {
            if text.len() == LENGTH {
                break;
            }
            bits = (bits << 8) | u32::from(byte);
            held += 8;
            while held >= 5 && text.len() < LENGTH {
                held -= 5;
                let index = ((bits >> held) & 31) as usize;
                text.push(char::from(BASE32[index]));
            }
            bits &= (1 << held) - 1;
        }
        Self(text)
    }

    /// The marker as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_stable_short_and_different_for_every_identity() {
        let (tenant, project) = ("acme", ProjectKey::new("shop").unwrap());
        let other_project = ProjectKey::new("bank").unwrap();
        let id = ExternalId::new("TC_HOME_010").unwrap();
        let one = Marker::of(tenant, &project, Destination::Jira, EntityKind::TestCase, &id);
        assert_eq!(one, Marker::of(tenant, &project, Destination::Jira, EntityKind::TestCase, &id));
        assert_eq!(one.as_str().len(), 26);
        assert!(one.as_str().bytes().all(|b| BASE32.contains(&b)));
        let others = [
            Marker::of("other", &project, Destination::Jira, EntityKind::TestCase, &id),
            Marker::of(tenant, &other_project, Destination::Jira, EntityKind::TestCase, &id),
            Marker::of(tenant, &project, Destination::Confluence, EntityKind::TestCase, &id),
            Marker::of(tenant, &project, Destination::Jira, EntityKind::Defect, &id),
        ];
        for other in others {
            assert_ne!(one, other);
        }
    }
}
