//! SQL that a team may apply to its own database. The hub never does.

/// The reader role with its grants and policies, the function behind the watermark, and the indexes that reading wants.
pub const ROLE: &str = include_str!("../../../docs/sql/source-reader.sql");
/// The opt-in outbox: a table that triggers fill.
pub const OUTBOX: &str = include_str!("../../../docs/sql/source-outbox.sql");
