//! Object storage of evidence: what a test left behind is put once, under a key made of its content, and read through
//! addresses that live for minutes. A local folder or any S3 interface.
//!
//! Reading order: `key` (what a thing is called), `sniff` (what it is, by its bytes), `location` (where it goes), `store`
//! (put, link, delete, list), `error` (what can go wrong, as states with a code).
//!
//! Bytes pass through in pieces: a file of any size takes constant memory. Nothing here knows of rows, reports or runs.

pub mod error;
pub mod key;
pub mod location;
pub mod sniff;
pub mod store;

pub use error::EvidenceError;
pub use key::Key;
pub use location::{Keys, Location};
pub use sniff::{HEAD_BYTES, Sniffed, sniff};
pub use store::{Chunks, EvidenceStore, Link, Put, Stored, chunks};
