//! What readers of every syntax share between a report's words and a record.
//!
//! | module | what it does, once for all formats |
//! |---|---|
//! | [`attempts`] | results of one test that stand in several files |
//! | `case_id` | which property, label or tag names the test case |
//! | `clock` | moments and durations |
//! | `contents` | files that are embedded in a report |
//! | `counts` | what a header claims against the rows |
//! | `facts` | properties, tags and attachments, each once and within limits |
//! | `held` | results that wait for what stands further down |
//! | `hygiene`, `scan` | texts without what cannot be published, and the quick look whether one has any |
//! | `printed` | what a test printed, with its beginning and its end |
//! | `report`, `rows` | a report as a whole and its rows, for readers that build records first and clean them last |

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
