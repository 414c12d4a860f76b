//! What ends the reading of a stream: a matter of the source, which becomes its state, or one of the hub, which ends the pull.

use hub_domain::codes;
use hub_source::SourceError;
use hub_store::{DialError, SourceState, SourceStateKind, StoreError};

use crate::{AppError, lanes::chain};

/// Why reading ended.
#[derive(Debug)]
pub enum Fault {
    /// The source.
    Source(SourceError),
    /// Its address or its secret.
    Setting(AppError),
    /// Too much would vanish.
    Shrunk {
        /// So many rows would.
        gone: u64,
        /// Of so many.
        of: u64,
    },
    /// Another process reads the same stream and is ahead.
    Overtaken,
    /// The hub itself.
    Hub(AppError),
}

impl Fault {
    /// What kept a connection from being made.
    pub fn of_dial(error: DialError) -> Self {
        match error {
            DialError::Address(error) => Self::Setting(error.into()),
            DialError::Connect { source, .. } => {
                Self::Source(SourceError::classify(source, "connect to the source", "the source", 0))
            }
        }
    }

    /// Whether nothing else of the source need be tried.
    pub fn ends_the_source(&self) -> bool {
        match self {
            Self::Source(error) => error.ends_the_source(),
            Self::Setting(_) => true,
            Self::Shrunk { .. } | Self::Overtaken | Self::Hub(_) => false,
        }
    }

    /// The state that it leaves; an error where it is the hub's own.
    pub fn state(self) -> Result<SourceState, AppError> {
        let stopped = |code, message| SourceState::of(SourceStateKind::Stopped, code, message);
        Ok(match self {
            Self::Hub(error) => return Err(error),
            Self::Overtaken => SourceState::ok(),
            Self::Source(error) => stopped(error.code(), format!("failed to {}", chain(&error))),
            Self::Setting(error) => stopped(error.code(), format!("failed to {}", chain(&error))),
            Self::Shrunk { gone, of } => stopped(
                &codes::SOURCE_SHRANK,
                format!("{gone} of {of} rows are not at the source any more; nothing was marked as deleted"),
            ),
        })
    }
}

impl From<AppError> for Fault {
    /// A secret that is missing is the source's matter: the others have theirs.
    fn from(error: AppError) -> Self {
        if matches!(error, AppError::Credential { .. }) { Self::Setting(error) } else { Self::Hub(error) }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Hub(error.into())
    }
}

/// Whether so many rows may vanish of a stream at once: a source that was emptied or reinstalled is not a team that tidied up.
pub fn guard(gone: u64, of: u64, accept: bool) -> Result<(), Fault> {
    if accept || gone <= 50 || gone.saturating_mul(5) <= of { Ok(()) } else { Err(Fault::Shrunk { gone, of }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_fifty_and_more_than_a_fifth_is_too_much() {
        for (gone, of, fits) in
            [(50, 50, true), (51, 255, true), (51, 254, false), (60, 100, false), (200, 1_000, true)]
        {
            assert_eq!(guard(gone, of, false).is_ok(), fits, "{gone} of {of}");
            assert!(guard(gone, of, true).is_ok());
        }
    }
}
