//! The use cases with a real database, a real simulator and, where it matters, real processes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the tests' own helpers end a test as the tests do")]

mod budget;
mod budget_settings;
mod rate;
mod rate_cell;
