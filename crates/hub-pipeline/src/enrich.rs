//! Enriching: what follows from a run's rows and from the runs before it. `incident` finds the one cause for which a run
//! failed, `requirements` what it proves, `trend` what changed, `defects` what becomes of failures. Pure: what is known
//! arrives as an argument, and the rules are written down in docs/enrichment.md.

pub mod defects;
pub mod incident;
pub mod requirements;
pub mod trend;
