//! The Jira destination against a simulated site over real HTTP, and what its templates say.
//!
//! Every document that a test makes the hub send is given to judges that do not know this project ([`judge`]).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of a test fails the test and says what it skips; the lints know test functions only"
)]

mod create;
mod discover;
mod judge;
mod links;
mod played;
mod refusals;
mod sample;
mod scan;
mod templates;
mod text;
mod update;
