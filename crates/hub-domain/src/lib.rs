//! The nouns of the hub, shared by every other crate: who a thing is (`ids`, `entity`), what its words may be
//! (`vocabulary`, `label`), what a reader found (`record`, `problem`), what is true (`entity`), what shall be published
//! (`facts`), what is concluded about a run (`insight`) and remembered of a failure (`failure`), what a team decides about its
//! project (`settings`) and when two of them are the same (`canonical`, `hash`, `marker`).
//!
//! Pure: no clock, randomness, file, network or SQL. Time and lookups arrive as arguments.

pub mod canonical;
pub mod codes;
pub mod entity;
pub mod evidence;
pub mod facts;
pub mod failure;
pub mod hash;
pub mod ids;
pub mod insight;
pub mod label;
pub mod marker;
pub mod phrases;
pub mod problem;
pub mod record;
pub mod settings;
pub mod vocabulary;

pub use canonical::CanonicalJson;
pub use entity::{Entity, EntityKind, TestResult};
pub use hash::ContentHash;
pub use ids::{
    AccountId, CorrelationId, ExternalId, IssueId, IssueKey, PageId, ProjectId, ProjectKey, SpaceKey, TenantId,
};
pub use label::Label;
pub use marker::Marker;
pub use problem::{Position, Problem, Severity};

/// A moment in UTC, as every stage passes it on.
pub use time::OffsetDateTime as Moment;
