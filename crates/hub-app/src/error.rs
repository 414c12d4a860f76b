//! What a use case can fail with: its own layer's sentence, the stable code, and the cause below.

use std::path::PathBuf;

use hub_destination::{Cause, Outcome, rates::RateError, site::SiteError};
use hub_domain::codes::{self, Code};
use hub_evidence::EvidenceError;
use hub_store::StoreError;

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The site's settings.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// How fast a connector's calls may go out.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// There is no such project.
    #[error("find the project {key:?}")]
    UnknownProject {
        /// The key that was asked for.
        key: String,
    },
    /// The project is archived.
    #[error("publish the project {key:?}: it is archived")]
    Archived {
        /// The project's key.
        key: String,
    },
    /// A run of a lane ended in its middle.
    #[error("finish the lane {lane}: {reason}")]
    Lost {
        /// The lane.
        lane: hub_store::Lane,
        /// What ended it.
        reason: String,
    },
    /// A job that only a newer version understands.
    #[error("read a job of version {version}: this hub knows versions up to {known}")]
    NewerJob {
        /// The job's version.
        version: u64,
        /// The newest that is known.
        known: u64,
    },
    /// A job that is none.
    #[error("read a job of the queue: {reason}")]
    UnreadableJob {
        /// Why.
        reason: String,
    },
    /// The project has no connector of a kind.
    #[error("publish the project {key:?}: it has no {kind} connector")]
    NoConnector {
        /// The project's key.
        key: String,
        /// The kind of connector.
        kind: &'static str,
    },
    /// The secret behind a credential reference is missing.
    #[error("read the credential {reference}: {reason}")]
    Credential {
        /// The reference, which is no secret.
        reference: String,
        /// Why.
        reason: &'static str,
    },
    /// A file or folder could not be opened.
    #[error("open {path}")]
    File {
        /// The path as the user gave it.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// An argument cannot be used.
    #[error("use {what}: {rule}")]
    Argument {
        /// The argument with its value.
        what: String,
        /// The rule it breaks.
        rule: String,
    },
    /// There is no such failure.
    #[error("find the failure {fingerprint:?}")]
    UnknownFailure {
        /// The fingerprint that was asked for.
        fingerprint: String,
    },
    /// The evidence store.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A token of the API that is none, or not good any more.
    #[error("accept the token of the request")]
    Token,
    /// Evidence that the store does not take.
    #[error("send evidence that waits: {message}")]
    EvidenceWaits {
        /// The code of what holds it up.
        code: &'static str,
        /// What the store says.
        message: String,
    },
    /// Settings of a project that cannot be used.
    #[error("read the project's settings: {mistakes}")]
    Settings {
        /// Every mistake.
        mistakes: String,
    },
    /// A site stopped the whole work: nothing that follows could succeed.
    #[error("publish to {site}: {}", .cause.message)]
    Stopped {
        /// The site's address.
        site: String,
        /// Why.
        cause: Cause,
    },
    /// A stage of the work itself broke.
    #[error("finish the stage {stage}")]
    Stage {
        /// Its name.
        stage: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl AppError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Site(error) => error.code(),
            Self::Rate(error) => error.code(),
            Self::UnknownProject { .. } => &codes::UNKNOWN_PROJECT,
            Self::Archived { .. } => &codes::PROJECT_ARCHIVED,
            Self::Lost { .. } => &codes::WORKER_LOST,
            Self::NewerJob { .. } => &codes::NEWER_JOB,
            Self::UnreadableJob { .. } => &codes::DATABASE_FAILED,
            Self::NoConnector { .. } | Self::Argument { .. } | Self::Settings { .. } => &codes::BAD_SETTING,
            Self::UnknownFailure { .. } => &codes::UNKNOWN_FAILURE,
            Self::Token => &codes::API_TOKEN,
            Self::Evidence(error) => error.code(),
            Self::EvidenceWaits { code, .. } => codes::find(code).unwrap_or(&codes::EVIDENCE_STORE_DOWN),
            Self::Credential { .. } => &codes::CREDENTIAL_MISSING,
            Self::File { .. } => &codes::UNREADABLE_FILE,
            Self::Stopped { cause, .. } => cause.code,
            Self::Stage { .. } => &codes::DATABASE_FAILED,
        }
    }

    /// An outcome that stops the whole work, as an error.
    #[must_use]
    pub fn stopped(site: &str, outcome: Outcome) -> Self {
        let cause = match outcome {
            Outcome::Retryable(cause) | Outcome::Unknown(cause) | Outcome::Refused(cause) => cause,
            Outcome::Throttled { wait, .. } => {
                Cause::new(&codes::THROTTLED, Some(429), format!("the site asks to wait {} s", wait.as_secs()))
            }
            Outcome::Applied(_) | Outcome::Unchanged(_) => {
                Cause::new(&codes::REMOTE_FAILED, None, "a read was answered as a write")
            }
        };
        Self::Stopped { site: site.to_owned(), cause }
    }
}
