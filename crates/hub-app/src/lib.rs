//! The hub's use cases. Each loads, decides in a pure function, and saves the result with what follows from it in one
//! transaction; no transaction is open during a remote call.
//!
//! In the order in which a fact flows: [`project`] (who publishes where), [`ingest`] (files to entities and results),
//! [`source`] (the same from a team's own tables), [`failures`] (what becomes of a run's failures),
//! [`plan`] (entities to what shall be published), [`publish`] (what differs, to the sites), [`audit`] (whether the sites
//! still hold it), [`evidence`] (what tests left behind), [`lanes`] (who does that, and when), [`status`] (what came of it). [`settings`] is what a team decides
//! about its project.

pub mod api_tokens;
pub mod audit;
pub mod budget;
pub mod credentials;
pub mod database;
pub mod dead_letters;
pub mod error;
pub mod evidence;
pub mod failures;
pub mod ingest;
pub mod intake;
pub mod lanes;
pub mod meter;
pub mod plan;
pub mod progress;
pub mod project;
pub mod publish;
pub mod rejects;
pub mod settings;
#[cfg(test)]
mod simulation;
pub mod source;
pub mod status;

pub use error::AppError;
pub use hub_store::{ProjectRow, RejectFilter, Store};

/// A new correlation id: one per command or request.
#[must_use]
pub fn new_correlation() -> hub_domain::CorrelationId {
    hub_domain::CorrelationId(uuid::Uuid::now_v7())
}
