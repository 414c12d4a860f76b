//! What can go wrong at a source, each with the stable code that a user meets.

use hub_domain::codes::{self, Code};
use tokio_postgres::{Error, error::SqlState};

/// The longest text of the database that is repeated, in characters.
const LONGEST_REASON: usize = 300;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No connection, or it broke.
    #[error("reach the source")]
    Down {
        /// What the client says.
        #[source]
        source: Error,
    },
    /// The login was refused, or the role may not read.
    #[error("read the source: {reason}")]
    Refused {
        /// What the database says.
        reason: String,
    },
    /// A statement took too long.
    #[error("{doing} within {seconds} s")]
    Slow {
        /// What it does, as a fragment.
        doing: String,
        /// The limit.
        seconds: u64,
    },
    /// A table is not there or has not the columns that are needed.
    #[error("read {table}: {reason}")]
    Columns {
        /// The table or SELECT.
        table: String,
        /// What is missing.
        reason: String,
    },
    /// A SELECT that cannot be used.
    #[error("{doing}: {reason}")]
    Select {
        /// What was tried, as a fragment.
        doing: String,
        /// What the database says.
        reason: String,
    },
    /// The source has no such project, or more than one.
    #[error("find the project {project:?} in the source: {reason}")]
    Project {
        /// As the settings name it.
        project: String,
        /// What was found.
        reason: &'static str,
    },
}

impl SourceError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Down { .. } => &codes::SOURCE_DOWN,
            Self::Refused { .. } => &codes::SOURCE_REFUSED,
            Self::Slow { .. } => &codes::SOURCE_SLOW,
            Self::Columns { .. } => &codes::SOURCE_COLUMNS,
            Self::Select { .. } => &codes::SOURCE_SELECT,
            Self::Project { .. } => &codes::SOURCE_PROJECT,
        }
    }

    /// Whether nothing else can be read from the source now, so that its other streams need not try.
    #[must_use]
    pub fn ends_the_source(&self) -> bool {
        match self {
            Self::Down { .. } | Self::Project { .. } => true,
            Self::Refused { .. } | Self::Slow { .. } | Self::Columns { .. } | Self::Select { .. } => false,
        }
    }

    /// What an error of the database means. `doing` is a fragment (`read a page of test_cases`), `table` what is read.
    #[must_use]
    pub fn classify(error: Error, doing: &str, table: &str, seconds: u64) -> Self {
        let Some(state) = error.code() else { return Self::Down { source: error } };
        let reason = reason(&error);
        let class = state.code().get(..2).unwrap_or_default();
        if *state == SqlState::QUERY_CANCELED || *state == SqlState::LOCK_NOT_AVAILABLE {
            return Self::Slow { doing: doing.to_owned(), seconds };
        }
        if class == "28" || *state == SqlState::INSUFFICIENT_PRIVILEGE || *state == SqlState::INVALID_CATALOG_NAME {
            return Self::Refused { reason };
        }
        // Ambiguous: a SELECT that names two columns alike.
        let of_columns = [
            SqlState::UNDEFINED_COLUMN,
            SqlState::AMBIGUOUS_COLUMN,
            SqlState::UNDEFINED_TABLE,
            SqlState::INVALID_SCHEMA_NAME,
        ];
        if of_columns.contains(state) {
            return Self::Columns { table: table.to_owned(), reason };
        }
        // Connections (08), too many of them (53), an administrator's stop (57): the database as a whole, and not this SELECT.
        if ["08", "53", "57"].contains(&class) {
            return Self::Down { source: error };
        }
        Self::Select { doing: doing.to_owned(), reason }
    }
}

/// What the database says, on one line.
fn reason(error: &Error) -> String {
    let text = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_REASON).collect()
}
