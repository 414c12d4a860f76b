//! The stages between a report and a publication, as pure functions: `normalise` turns a reader's records into entities
//! and results, `enrich` concludes what follows from a run, `plan` turns entities into what shall be published. `words`, `case_id`, `steps` and `taxonomy` hold the
//! rules that both need. No clock, file, network or SQL: what a stage must know arrives as an argument.

pub mod case_id;
pub mod cause;
pub mod dates;
pub mod enrich;
pub mod fingerprint;
pub mod normalise;
pub mod plan;
pub mod redact;
pub mod rivals;
pub mod steps;
pub mod taxonomy;
pub mod titles;
pub mod words;
