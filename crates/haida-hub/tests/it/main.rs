//! The whole hub from outside: the built program, a real Postgres, a simulated site over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "the tests' own helpers end a test as the tests do"
)]

mod adversity;
mod api;
mod archives;
mod audit;
mod bad_input;
mod changes;
mod dead_letters;
mod demo;
mod environment;
mod evidence;
mod failures;
mod fleet;
mod journey;
mod killed;
mod queue;
mod settings;
mod source;
mod support;
mod team_files;
mod work;
