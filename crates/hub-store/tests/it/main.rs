//! The store against a real PostgreSQL server.

mod statements;
