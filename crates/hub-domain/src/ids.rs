//! Every id has its own type, so that a run is never looked up by a case's id and a Jira key is never taken for ours.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {kind} from {text:?}: {rule}")]
pub struct InvalidId {
    /// The kind of id, in the glossary's words.
    pub kind: &'static str,
    /// The offending text, clipped to 60 characters.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl InvalidId {
    fn new(kind: &'static str, text: &str, rule: &'static str) -> Self {
        Self { kind, text: text.chars().take(60).collect(), rule }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A tenant: one customer of the hub. Row-level security separates by it.
    TenantId
);
uuid_id!(
    /// A project of a tenant, as the hub numbers it.
    ProjectId
);
uuid_id!(
    /// One request or command, followed through log, audit trail and remote calls.
    CorrelationId
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the id.
            ///
            /// # Errors
            /// [`InvalidId`] names the rule that the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(InvalidId::new($kind, &text, $rule)) }
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

fn all(text: &str, ok: impl Fn(char) -> bool) -> bool {
    text.chars().all(ok)
}

text_id!(
    /// The short name of a project in commands and addresses: `ctb`.
    ProjectKey,
    "a project key",
    "1 to 63 characters of a-z, 0-9 and '-', the first a letter or digit",
    |t| (1..=63).contains(&t.len())
        && all(t, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !t.starts_with('-')
);
text_id!(
    /// The id of a thing in its source: `TC_HOME_010`, a run id, a defect number. Unique per project and entity kind.
    ExternalId,
    "an external id",
    "1 to 200 characters, no control characters, no space at either end",
    |t| (1..=200).contains(&t.chars().count()) && all(t, |c| !c.is_control()) && t.trim() == t
);
text_id!(
    /// An issue key of Jira: `CTB-1`. It may change when an issue is moved; the id does not.
    IssueKey,
    "an issue key",
    "a project key, '-', and a number",
    |t| t.rsplit_once('-').is_some_and(|(p, n)| {
        !p.is_empty()
            && all(p, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && !n.is_empty()
            && all(n, |c| c.is_ascii_digit())
    })
);
text_id!(
    /// The numeric id of a Jira issue. It survives moves and renames.
    IssueId,
    "an issue id",
    "1 to 20 digits",
    |t| (1..=20).contains(&t.len()) && all(t, |c| c.is_ascii_digit())
);
text_id!(
    /// The numeric id of a Confluence page.
    PageId,
    "a page id",
    "1 to 20 digits",
    |t| (1..=20).contains(&t.len()) && all(t, |c| c.is_ascii_digit())
);
text_id!(
    /// The key of a Confluence space: `CTB`, or `~` and an account for a personal space.
    SpaceKey,
    "a space key",
    "1 to 255 letters and digits, an optional '~' before them",
    |t| (1..=255).contains(&t.len()) && all(t.strip_prefix('~').unwrap_or(t), |c| c.is_ascii_alphanumeric())
);
text_id!(
    /// An account of Atlassian Cloud (`accountId`, 1 to 128 characters).
    AccountId,
    "an account id",
    "1 to 128 characters without spaces",
    |t| (1..=128).contains(&t.len()) && all(t, |c| !c.is_whitespace() && !c.is_control())
);

impl IssueKey {
    /// The number behind the project key, by which Jira numbers issues upwards.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.rsplit_once('-').and_then(|(_, n)| n.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_accept_what_the_field_uses_and_refuse_the_rest() {
        for good in ["TC_AFI_AUTH_001", "TC-001", "[weird] id é", "#468491"] {
            assert_eq!(ExternalId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", " TC_1", "TC\n1", "a\u{0}b"] {
            assert!(ExternalId::new(bad).is_err(), "{bad:?}");
        }
        assert!(ExternalId::new("x".repeat(201)).is_err());
        assert!(ProjectKey::new("CTB").is_err());
        assert!(ProjectKey::new("ctb-barcelona").is_ok());
        assert_eq!(IssueKey::new("CTB-12").unwrap().number(), 12);
        assert!(IssueKey::new("ctb-12").is_err());
        assert!(IssueKey::new("CTB-").is_err());
        assert!(SpaceKey::new("~557058abc").is_ok());
        assert!(SpaceKey::new("A B").is_err());
    }

    #[test]
    fn a_bad_id_cannot_enter_through_json() {
        assert!(serde_json::from_str::<PageId>("\"12a\"").is_err());
        assert_eq!(serde_json::from_str::<PageId>("\"12\"").unwrap().as_str(), "12");
    }
}
