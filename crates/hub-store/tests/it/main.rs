//! The store against a real PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "the tests' own helpers end a test as the tests do")]

mod admin;
mod audit;
mod detect;
mod detect_rows;
mod embedded;
mod entities;
mod failures;
mod imports;
mod isolation;
mod ledger;
mod ledger_model;
mod ledger_resolve;
mod migrations;
mod rate;
mod recovery;
mod results;
mod sample;
mod statements;
mod supabase;
mod tls;
