//! Reading a team's Postgres, with a real server.
#![expect(clippy::unwrap_used, reason = "the tests' own helpers end a test as the tests do")]

mod presets;
mod reading;
mod sight;
mod stress;
mod support;
