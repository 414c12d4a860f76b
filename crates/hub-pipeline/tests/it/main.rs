//! Records become facts, and facts become what shall be published: a folder below `cases` is a case, its snapshots are
//! what is expected, and rules that hold for every case are asserted for every case.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests read their fixtures and fail where a helper fails; the crate itself touches no file"
)]

mod case;
mod outline;
mod precedence;
mod properties;
mod rules;
mod snapshots;
mod team;
