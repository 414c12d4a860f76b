//! References to secrets. A row names where a secret is and never holds one; what looks like a secret is refused before any
//! SQL is sent, and once more by a CHECK of the table.

use crate::StoreError;

/// The longest name of an environment variable that is accepted, in bytes.
const LONGEST_VARIABLE: usize = 128;
/// The longest path behind `file://`, in characters, its first slash not counted.
const LONGEST_PATH: usize = 500;
/// The longest name in a vault, in bytes.
const LONGEST_NAME: usize = 201;
/// What Atlassian's tokens begin with (user, service account and scoped tokens); no name of a secret needs it.
const TOKEN_MARKS: [&str; 3] = ["ATATT", "ATCTT", "ATSTT"];

/// Checks that a text is a reference to a secret.
///
/// # Errors
/// [`StoreError::RawCredential`] says the accepted forms and does not repeat the text.
pub fn check(reference: &str) -> Result<(), StoreError> {
    if TOKEN_MARKS.iter().any(|mark| reference.contains(mark)) {
        return Err(StoreError::RawCredential {
            rule: "it holds an API token; name the environment variable that holds it, env://NAME",
        });
    }
    let fits = if let Some(name) = reference.strip_prefix("env://") {
        is_variable(name)
    } else if let Some(path) = reference.strip_prefix("file:///") {
        (1..=LONGEST_PATH).contains(&path.chars().count()) && !path.chars().any(char::is_whitespace)
    } else if let Some(name) = reference.strip_prefix("vault://") {
        is_vault_name(name)
    } else {
        false
    };
    if fits { Ok(()) } else { Err(StoreError::RawCredential { rule: "give env://NAME, file:///PATH or vault://NAME" }) }
}

fn is_variable(name: &str) -> bool {
    (1..=LONGEST_VARIABLE).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn is_vault_name(text: &str) -> bool {
    let (name, version) = text.split_once('#').map_or((text, None), |(name, version)| (name, Some(version)));
    (1..=LONGEST_NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b))
        && version.is_none_or(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
}

/// References that are accepted and texts that are not, for the tests here and of the table's CHECK.
#[doc(hidden)]
#[must_use]
pub fn examples() -> Vec<(String, bool)> {
    let good =
        ["env://JIRA_TOKEN", "env://_x1", "file:///run/secrets/jira", "vault://team/jira.token-1", "vault://jira#3"];
    let bad = [
        "",
        "env://",
        "env://1TOKEN",
        "env://A B",
        "env://A-B",
        "file://relative/path",
        "file:///a b",
        "vault://",
        "vault://-x",
        "vault://x#",
        "vault://x#1a",
        "ATATT3xFfGF0abcdefghijklmnopqrstuvwxyz=1A2B3C4D",
        "env://ATATT3xFfGF0abc",
        "vault://ATCTT3xFfGN0abc",
        "just-a-password",
        "https://example.com/token",
        " env://JIRA_TOKEN",
    ];
    good.iter()
        .map(|text| ((*text).to_owned(), true))
        .chain(bad.iter().map(|text| ((*text).to_owned(), false)))
        .chain([(format!("env://{}", "A".repeat(128)), true), (format!("env://{}", "A".repeat(129)), false)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_accepted_and_secrets_are_not_repeated() {
        for (text, accepted) in examples() {
            assert_eq!(check(&text).is_ok(), accepted, "{text:?}");
        }
        let error = check("ATATT3xFfGF0abcdefghijklmnopqrstuvwxyz").unwrap_err();
        assert_eq!(error.code().id, "HUB-4001");
        assert!(!format!("{error} {error:?}").contains("abcdefg"));
    }
}
