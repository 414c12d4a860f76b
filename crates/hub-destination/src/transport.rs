//! The seam between a destination and the network. Production sends over HTTP; a simulation may answer from memory.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::{Answer, Call, Throttle};

/// Why no answer came. The difference decides between sending again and looking first.
#[derive(Debug, thiserror::Error)]
pub enum SendFailure {
    /// Not one byte of the request was written: no connection, no name, no TLS.
    #[error("reach the site: {reason}")]
    NotSent {
        /// What failed, without addresses.
        reason: String,
    },
    /// Not one byte was written, because the call's own time to be sent had passed before it was its turn.
    #[error("send in time")]
    TooLate,
    /// Not one byte was written, because the site asked for a pause that is too long to wait out.
    #[error("wait for the end of the site's pause")]
    Paused {
        /// What stands still.
        throttle: Throttle,
        /// For how long.
        wait: Duration,
    },
    /// The request may have been received: a timeout, a reset, an answer cut short.
    #[error("hear the site's answer: {reason}")]
    NoAnswer {
        /// What failed, without addresses.
        reason: String,
    },
}

/// Sends calls to one site. Implementations never repeat a call.
pub trait Transport: Send + Sync {
    /// Sends one call and waits for its whole answer.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>>;
}
