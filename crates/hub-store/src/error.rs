//! What can go wrong at the database, each with the stable code that a user meets.

use deadpool_postgres::PoolError;
use hub_domain::{
    codes::{self, Code},
    hash::NotCanonical,
};
use tokio_postgres::error::SqlState;

use crate::embedded::EmbeddedError;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection could be had.
    #[error("reach the database at {target}")]
    Connect {
        /// Host and database, never the password.
        target: String,
        /// What the pool says.
        #[source]
        source: PoolError,
    },
    /// The private server.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Settings that cannot be used, all of them.
    #[error("use the setting: {}", .0.join("; "))]
    Settings(Vec<String>),
    /// The database refused a statement, or the connection broke.
    #[error("{doing}")]
    Query {
        /// What the statement does, as a fragment.
        doing: &'static str,
        /// What the database says.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A transaction was to be committed of which a statement had failed; nothing of it is kept.
    #[error("commit: a statement of the transaction failed before")]
    Aborted,
    /// A migration's statement was refused; what it did is undone, unless it is one that runs without a transaction.
    #[error("apply the migration {version}_{name}")]
    Migration {
        /// Its timestamp.
        version: String,
        /// Its name.
        name: String,
        /// What the database says.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The queue's engine refused, or its connection broke.
    #[error("{doing}: {reason}")]
    Queue {
        /// What it was asked for, as a fragment.
        doing: &'static str,
        /// What it says; its errors are texts.
        reason: String,
    },
    /// The schema is older than this program.
    #[error("use the database: {} migrations are not applied, the first is {}", .pending.len(), .pending.first().map_or("", String::as_str))]
    NotMigrated {
        /// `timestamp_name` of each.
        pending: Vec<String>,
    },
    /// An applied migration has another content now.
    #[error("trust the migration {migration}: it was changed after it was applied")]
    MigrationChanged {
        /// `timestamp_name`.
        migration: String,
    },
    /// A secret was given where a reference to one belongs. The text is not repeated.
    #[error("accept the credential reference: {rule}")]
    RawCredential {
        /// The form that is accepted.
        rule: &'static str,
    },
    /// The project is there with other settings.
    #[error("add the project {key}: it exists with another {}", .different.join(", "))]
    ProjectExists {
        /// Its key.
        key: String,
        /// Which settings differ.
        different: Vec<&'static str>,
    },
    /// More than one tenant uses the key.
    #[error("find the project {key}: the tenants {} all have one", .tenants.join(", "))]
    ProjectKeyShared {
        /// The key.
        key: String,
        /// The tenants' slugs.
        tenants: Vec<String>,
    },
    /// Facts without a canonical form.
    #[error("hash the facts")]
    NotCanonical(#[from] NotCanonical),
    /// A row holds what this version cannot read.
    #[error("read {what} from its row")]
    Unreadable {
        /// The column or value.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Connect { .. } => &codes::DATABASE_UNREACHABLE,
            Self::Embedded(error) => error.code(),
            Self::Settings(_) | Self::ProjectKeyShared { .. } => &codes::BAD_SETTING,
            Self::Query { source, .. } => code_of(source),
            Self::Aborted
            | Self::Queue { .. }
            | Self::Migration { .. }
            | Self::NotCanonical(_)
            | Self::Unreadable { .. } => &codes::DATABASE_FAILED,
            Self::NotMigrated { .. } => &codes::NOT_MIGRATED,
            Self::MigrationChanged { .. } => &codes::MIGRATION_CHANGED,
            Self::RawCredential { .. } => &codes::RAW_CREDENTIAL,
            Self::ProjectExists { .. } => &codes::PROJECT_EXISTS,
        }
    }

    /// Whether a row with the same key was there.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Query { source, .. } if source.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }

    pub(crate) fn unreadable(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreadable { what, source: source.into() }
    }
}

fn code_of(error: &tokio_postgres::Error) -> &'static Code {
    let Some(state) = error.code() else { return &codes::DATABASE_UNREACHABLE };
    if [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::INVALID_SCHEMA_NAME,
    ]
    .contains(state)
    {
        &codes::NOT_MIGRATED
    } else if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(state) {
        &codes::DATABASE_UNREACHABLE
    } else {
        &codes::DATABASE_FAILED
    }
}
