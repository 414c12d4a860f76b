//! When two contents are the same: BLAKE3 over canonical JSON (RFC 8785, JCS). The hash alone decides whether anything
//! is written to a table or to a remote site.

use std::fmt;

use serde::Serialize;

use crate::canonical::CanonicalJson;

/// The content hash of a value: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

/// A value that has no canonical JSON form: a map with keys that are not texts, or the same key twice.
#[derive(Debug, thiserror::Error)]
#[error("write a value as canonical JSON")]
pub struct NotCanonical(#[source] pub(crate) serde_json::Error);

impl ContentHash {
    /// Hashes the canonical JSON of `value`.
    ///
    /// # Errors
    /// [`NotCanonical`] where the value has no JSON form.
    pub fn of(value: &impl Serialize) -> Result<Self, NotCanonical> {
        Ok(CanonicalJson::of(value)?.hash())
    }

    /// Hashes bytes as they are: a file's digest.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Reads a hash from its 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The hash in lower-case hexadecimal: 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The first 16 hexadecimal characters, for ids derived from content.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_hex().chars().take(16).collect()
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({})", self.short())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_every_value_does() {
        let a = ContentHash::of(&serde_json::json!({"b": 1, "a": "é"})).unwrap();
        let b = ContentHash::of(&serde_json::json!({"a": "é", "b": 1})).unwrap();
        let c = ContentHash::of(&serde_json::json!({"a": "e", "b": 1})).unwrap();
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(a.to_hex().len(), 64);
        assert_eq!(ContentHash::from_slice(&a.0), Some(a));
        assert_eq!(ContentHash::from_slice(&[1, 2]), None);
    }

    #[test]
    fn the_bytes_hashed_are_those_of_rfc_8785() {
        let value = serde_json::json!({"z": 1.0, "a": [true, null]});
        assert_eq!(ContentHash::of(&value).unwrap(), ContentHash::of_bytes(br#"{"a":[true,null],"z":1}"#));
    }
}
