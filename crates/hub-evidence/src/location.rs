//! Where evidence is kept, and with which keys.

use std::{fmt, path::PathBuf};

use secrecy::SecretString;

/// Where evidence is kept.
#[derive(Debug, Clone)]
pub enum Location {
    /// A folder of this machine, which is made where it is not there.
    Folder(PathBuf),
    /// A bucket behind an S3 interface.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every key begins with; may be empty.
        prefix: String,
        /// The interface's address; Amazon's own where there is none.
        endpoint: Option<String>,
        /// The region.
        region: String,
        /// The keys; without them the machine's own identity is asked for, as on Amazon's machines.
        keys: Option<Keys>,
    },
}

/// The keys of an S3 interface.
#[derive(Clone)]
pub struct Keys {
    /// The access key.
    pub access: SecretString,
    /// The secret key.
    pub secret: SecretString,
    /// A session's token, where the store wants one.
    pub session: Option<SecretString>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl fmt::Display for Location {
    /// For people; never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::S3 { bucket, prefix, endpoint, .. } => {
                write!(f, "s3://{bucket}")?;
                if !prefix.is_empty() {
                    write!(f, "/{prefix}")?;
                }
                endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
            }
        }
    }
}
