//! What can go wrong with the store: each is a state with a code, and none of them costs a result.

use hub_domain::codes::{self, Code};
use object_store::Error;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It does not answer, or not in time, or with a failure of its own.
    #[error("{doing} in {store}: it does not answer")]
    Unreachable {
        /// What was asked.
        doing: &'static str,
        /// Which store.
        store: String,
        /// What happened.
        #[source]
        source: Box<Error>,
    },
    /// It does not accept the keys.
    #[error("{doing} in {store}: the keys are not accepted")]
    Credentials {
        /// What was asked.
        doing: &'static str,
        /// Which store.
        store: String,
        /// What happened.
        #[source]
        source: Box<Error>,
    },
    /// The bucket or the folder is not there.
    #[error("{doing} in {store}: there is no such bucket or folder")]
    NoBucket {
        /// What was asked.
        doing: &'static str,
        /// Which store.
        store: String,
        /// What happened.
        #[source]
        source: Box<Error>,
    },
    /// It refuses this object.
    #[error("{doing} in {store}: it refuses the object")]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// Which store.
        store: String,
        /// What happened.
        #[source]
        source: Box<Error>,
    },
    /// The object is not there.
    #[error("{doing} in {store}: {key} is not there")]
    NotThere {
        /// What was asked.
        doing: &'static str,
        /// Which store.
        store: String,
        /// The object's key.
        key: String,
    },
    /// The bytes are other than their key says: the file changed while it was read.
    #[error("store {key}: the file changed while it was read")]
    Changed {
        /// The key.
        key: String,
    },
    /// The bytes could not be read.
    #[error("read the bytes of {key}")]
    Read {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings cannot be used.
    #[error("open the evidence store {store}: {reason}")]
    Settings {
        /// Which store.
        store: String,
        /// Why.
        reason: String,
    },
}

impl EvidenceError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Unreachable { .. } => &codes::EVIDENCE_STORE_DOWN,
            Self::Credentials { .. } => &codes::EVIDENCE_CREDENTIALS,
            Self::NoBucket { .. } => &codes::EVIDENCE_BUCKET,
            Self::Refused { .. } => &codes::EVIDENCE_STORE_REFUSED,
            Self::NotThere { .. } | Self::Changed { .. } => &codes::EVIDENCE_CHANGED,
            Self::Read { .. } => &codes::UNREADABLE_FILE,
            Self::Settings { .. } => &codes::BAD_SETTING,
        }
    }

    /// Whether every other call would fail in the same way: nothing else is tried then.
    #[must_use]
    pub fn is_of_the_store(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Credentials { .. } | Self::NoBucket { .. } | Self::Settings { .. } => true,
            Self::Refused { .. } | Self::NotThere { .. } | Self::Changed { .. } | Self::Read { .. } => false,
        }
    }

    /// Sorts an error of the library. S3 says most of what matters in a code inside the body of its answer.
    pub(crate) fn of(doing: &'static str, store: &str, source: Error) -> Self {
        let store = store.to_owned();
        let said = chain(&source);
        let code = said.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        let source = Box::new(source);
        let keys = [
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AccessDenied",
            "ExpiredToken",
            "InvalidToken",
            "NotSignedUp",
        ];
        match (&*source, code) {
            (_, Some("NoSuchBucket" | "InvalidBucketName")) => Self::NoBucket { doing, store, source },
            (_, Some(code)) if keys.contains(&code) => Self::Credentials { doing, store, source },
            (Error::Unauthenticated { .. } | Error::PermissionDenied { .. }, _) => {
                Self::Credentials { doing, store, source }
            }
            (Error::NotFound { .. }, _) => Self::NoBucket { doing, store, source },
            (_, Some("SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout")) => {
                Self::Unreachable { doing, store, source }
            }
            (_, Some(_)) => Self::Refused { doing, store, source },
            // Without a code it is the server's answer without a body, or no answer at all.
            (_, None) if [" 400 ", " 411 ", " 413 ", " 415 ", " 422 "].iter().any(|status| said.contains(status)) => {
                Self::Refused { doing, store, source }
            }
            (_, None) => Self::Unreachable { doing, store, source },
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
