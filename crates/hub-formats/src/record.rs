//! What readers of every syntax need between a report's words and a record: counts against the header, ids of test
//! cases, moments and durations, contents in base64, texts without control characters, and rows that wait.

pub mod attempts;
pub(crate) mod case_id;
pub(crate) mod clock;
pub(crate) mod contents;
pub(crate) mod counts;
pub(crate) mod facts;
pub(crate) mod held;
pub(crate) mod hygiene;
pub(crate) mod printed;
pub(crate) mod report;
pub(crate) mod rows;
pub(crate) mod scan;
