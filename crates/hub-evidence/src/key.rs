//! The key of an object: `tenant/project/sha256.ext`. It is made of the content alone, so the same content twice is one object,
//! and of ASCII only: stores refuse anything else, and names of files hold anything else.

use std::fmt;

use hub_domain::{ProjectKey, TenantId};

use crate::sniff::Sniffed;

/// The key of an object below the store's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read a key of evidence from {0:?}")]
pub struct InvalidKey(String);

impl Key {
    /// The key of a content.
    #[must_use]
    pub fn of(tenant: TenantId, project: &ProjectKey, sha256: &[u8; 32], sniffed: Sniffed) -> Self {
        let mut key = format!("{}/", folder(tenant, project));
        for byte in sha256 {
            key.push_str(&format!("{byte:02x}"));
        }
        Self(format!("{key}.{}", sniffed.extension))
    }

    /// Reads a key as [`Key::as_str`] writes it: three parts of letters, digits, `-`, `_` and `.`, none of them `.` or `..`.
    ///
    /// # Errors
    /// [`InvalidKey`]
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let fits = text.len() <= 512 && text.split('/').count() == 3 && text.split('/').all(part);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidKey(text.chars().take(200).collect())) }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 that the key names, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        let file = self.0.rsplit('/').next().unwrap_or_default();
        file.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder that holds a project's objects.
#[must_use]
pub fn folder(tenant: TenantId, project: &ProjectKey) -> String {
    format!("{tenant}/{project}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_of_the_content_and_read_back() {
        let tenant: TenantId = tenant_of("6f0d3f5e-0000-4000-8000-00000000000a");
        let key = Key::of(tenant, &ProjectKey::new("shop").unwrap(), &[0xab; 32], crate::sniff(b"\x89PNG\r\n\x1a\n"));
        assert_eq!(key.as_str(), format!("6f0d3f5e-0000-4000-8000-00000000000a/shop/{}.png", "ab".repeat(32)));
        assert_eq!(Key::parse(key.as_str()).unwrap(), key);
        assert_eq!(key.sha256(), "ab".repeat(32));
    }

    fn tenant_of(text: &str) -> TenantId {
        TenantId(text.parse().unwrap())
    }

    #[test]
    fn what_leaves_the_folder_or_no_store_takes_is_no_key() {
        for bad in ["", "a/b", "a/b/c/d", "a/../c.png", "a/b/.env", "/b/c", "a/b/Menú.png", "a/b/c d.png", "a//c"] {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
    }
}
