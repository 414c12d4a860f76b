//! The team's own Postgres, read only. Rows of its tables become the records that readers of files make, so that the same
//! rules give them their meaning.
//!
//! Reading order: [`config`] (what is read, and how), [`session`] (one read-only transaction at a time), [`preset`] and
//! [`select`] (a table as a SELECT with canonical [`columns`]), [`table`] (the statements that read it), [`watermark`] (up to
//! where reading is safe), [`page`] (keyset pages below it), [`digest`] (what a page cannot tell: deletes and silent changes),
//! [`outbox`] (the team's triggers, where it installed them), [`rows`] (a row as a record), [`scripts`] (SQL for the team).
//!
//! Nothing here knows the hub's own tables: how far reading came, and what the hub has, arrives in arguments. Nothing here
//! opens a connection either: it is handed in, because TLS and addresses are one matter for all databases.

pub mod columns;
pub mod config;
pub mod digest;
pub mod error;
mod json;
pub mod outbox;
pub mod page;
pub mod preset;
pub mod rows;
pub mod scripts;
pub mod select;
pub mod session;
pub mod table;
pub mod watermark;

pub use config::Config;
pub use digest::{Bucket, RunDigest};
pub use error::SourceError;
pub use outbox::{FeedChange, FeedOperation, FeedPosition};
pub use page::{Page, Position};
pub use rows::{Item, Row, RunItem, SuiteItem};
pub use session::{Session, Sight};
pub use table::{Order, Table};
pub use watermark::Watermark;
