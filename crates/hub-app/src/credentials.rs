//! Resolves credential references. A reference names a secret (`env://NAME`, `file:///path`); the secret lives in memory
//! only as long as it is used, and never in a row, a log or an error.

use secrecy::SecretString;

use crate::AppError;

/// The largest secret that is read from a file: 64 KiB; a token has some hundred characters.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Reads the secret that a reference names.
///
/// # Errors
/// [`AppError::Credential`] where it is not there or empty.
pub fn resolve(reference: &str) -> Result<SecretString, AppError> {
    let missing = |reason| AppError::Credential { reference: reference.to_owned(), reason };
    let secret = if let Some(name) = reference.strip_prefix("env://") {
        std::env::var(name).map_err(|_| missing("the environment variable is not set"))?
    } else if let Some(path) = reference.strip_prefix("file://") {
        let size = std::fs::metadata(path).map_err(|_| missing("the file cannot be read"))?.len();
        if size > MAX_SECRET_BYTES {
            return Err(missing("the file is larger than 64 KiB"));
        }
        std::fs::read_to_string(path).map_err(|_| missing("the file cannot be read"))?
    } else {
        return Err(missing("this kind of reference needs a vault, and none is configured"));
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err(missing("it is empty"));
    }
    Ok(SecretString::from(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn secrets_are_read_where_the_reference_points_and_missing_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "t0ken\n").unwrap();
        let reference = format!("file://{}", path.display());
        assert_eq!(resolve(&reference).unwrap().expose_secret(), "t0ken");
        std::fs::write(&path, "  \n").unwrap();
        for bad in [reference.as_str(), "env://HUB_TEST_NOT_SET_ANYWHERE", "vault://x", "plain"] {
            let error = resolve(bad).unwrap_err();
            assert_eq!(error.code().id, "HUB-4002", "{bad}");
        }
    }
}
