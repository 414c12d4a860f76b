//! The Confluence destination (Cloud, REST v2; v1 for labels, which v2 only reads).
//!
//! In the order in which data flows: `template` (facts to a document), `labels`, `encode` (facts to Confluence's JSON), `calls`
//! (the endpoints used), `classify` (Confluence's answers to outcomes), `flow` (the short story that joins them).
//!
//! A title is unique in its space, so the server itself is the idempotency key: a create may be repeated, "already
//! exists" leads to the page, and only a page that is provably ours is adopted.

pub mod calls;
pub mod classify;
pub mod encode;
pub mod flow;
pub mod labels;
pub mod template;

pub use flow::{Capabilities, Confluence, PageAttempt};
pub use template::TEMPLATE_REVISION;
