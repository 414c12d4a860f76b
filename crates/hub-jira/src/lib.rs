//! The Jira destination (Cloud, REST v3).
//!
//! In the order in which data flows: `template` (facts to a document), `encode` (facts to Jira's JSON), `calls` (the
//! endpoints used), `classify` (Jira's answers to outcomes), `flow` (the short story that joins them), with `meta` (what
//! a Jira project can hold, found by createmeta and never guessed).

pub mod calls;
pub mod classify;
pub mod encode;
pub mod flow;
pub mod meta;
pub mod template;

pub use flow::{Created, Found, Jira};
pub use meta::Capabilities;
pub use template::TEMPLATE_REVISION;
