//! Evidence: what tests left behind, from the report that names it to the link on a page, and on to its end.
//!
//! `home` (where it is kept), `examine` (what an attachment is), `take` (a report's attachments become rows and objects), `upload` (rows
//! into the store, now and when it is back), [`lines`] (what issues and pages say of it), `end` (what the rules let go), `check`
//! (rows against objects), [`link`] (what a link leads to).

pub mod check;
pub mod end;
mod examine;
pub mod home;
pub mod lines;
pub mod link;
pub mod list;
pub(crate) mod take;
pub(crate) mod upload;

pub use home::Home;
pub use hub_domain::evidence::{EvidenceKind, EvidenceState};
pub use take::Tally;

/// A new token for a link: 130 random bits as 26 characters of a-z and 2-7.
#[must_use]
pub fn new_token() -> String {
    random_text(26)
}

/// So many characters of a-z and 2-7, five random bits each; at most 48.
pub(crate) fn random_text(length: usize) -> String {
    const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    // Each holds 122 random bits; their digest spreads them over its 256.
    let mut hasher = blake3::Hasher::new();
    for _ in 0..3 {
        hasher.update(uuid::Uuid::new_v4().as_bytes());
    }
    let mut bytes = [0_u8; 48];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
        .iter()
        .take(length)
        .filter_map(|byte| BASE32.get(usize::from(byte & 31)))
        .map(|byte| char::from(*byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_plain_and_never_the_same() {
        let tokens: std::collections::HashSet<String> = (0..1_000).map(|_| new_token()).collect();
        assert_eq!(tokens.len(), 1_000);
        for token in &tokens {
            assert_eq!(token.len(), 26);
            assert!(token.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)), "{token}");
        }
    }
}
