//! The Confluence destination against a simulated site over real HTTP, and what its templates say.
//!
//! Every body that a test makes the hub send is given to a judge that does not know this project ([`judge`]).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of a test fails the test and says what it skips; the lints know test functions only"
)]

mod adopt;
mod conflict;
mod create;
mod judge;
mod labels;
mod played;
mod refusals;
mod sample;
mod templates;
mod text;
mod trash;
mod tree;
