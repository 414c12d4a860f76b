//! A neutral document and three pure encoders.
//!
//! Whoever writes a Jira description or a Confluence page builds a [`Document`]; only this crate knows how the remote
//! side spells it. Three spellings exist: ADF for Jira Cloud ([`to_adf`]), storage format for Confluence Cloud
//! ([`to_storage`]) and wiki markup for Jira Data Center ([`to_wiki`]).
//!
//! Three properties hold for every document, whatever text a test report brought along:
//! * the output is accepted: valid against Atlassian's ADF schema, or well-formed XHTML;
//! * nothing of the text becomes markup: text is cleaned once, when it enters the model ([`text`]), and escaped once,
//!   when it leaves it;
//! * the output depends on the document alone, so equal facts give equal bytes and equal content hashes.
//!
//! The model may nest freely. Where a place cannot hold a block (a table inside a list item, say), `nesting` replaces it
//! by the nearest block that the place can hold, the same way for all three encoders.

mod adf;
mod adf_limit;
mod adf_node;
mod date;
mod href;
mod inline;
pub mod insight;
mod macros;
mod model;
mod nesting;
pub mod sections;
mod storage;
mod table;
pub mod text;
mod wiki;
mod wiki_escape;
mod xml;

pub use adf::{AdfOutput, to_adf};
pub use adf_limit::{JIRA_MAX_CHARS, Limits, MIN_ADF_CHARS, Truncation};
pub use date::Date;
pub use href::{Href, MAX_HREF_CHARS};
pub use inline::{Inline, IssueRef, Link, MAX_STATUS_CHARS, Marks, PageLink, Status, StatusColour, Text};
pub use macros::{Children, ChildrenSort, JiraIssues, JiraServer, Macro, PageProperties, PagePropertiesReport, Toc};
pub use model::{
    Block, Code, Content, Document, Expand, Heading, HeadingLevel, Language, List, Panel, PanelKind,
    paragraphs_from_text,
};
pub use storage::{MAX_STORAGE_BYTES, storage_len, to_storage};
pub use table::Table;
pub use text::{CleanLine, CleanText, clip};
pub use wiki::to_wiki;
