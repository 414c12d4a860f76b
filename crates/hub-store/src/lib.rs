//! Postgres: an embedded server, migrations, and the rows of QA truth, of the ledger and of the audit trail. The only crate
//! with SQL about QA data.
//!
//! Reading order: [`config`] (where the database is), [`embedded`] (a private server), [`migrate`], [`store`] (the pool),
//! [`admin`] (projects and connectors), [`tx`] (a tenant's transaction under row-level security) and what can be done in
//! one: [`entities`], [`results`], [`ledger`], [`imports`], [`audit`], [`jobs`]. [`rate`] is the budget of calls that processes share.
//! one: [`entities`], [`results`], [`ledger`], [`imports`], [`audit`], [`jobs`], [`lanes`] (the bells of the [`queue`]).
//!
//! Statements are typed and unnamed throughout, so that the hub works behind a transaction pooler. Nothing here reads the
//! environment; what a user configured arrives in [`DatabaseConfig`].

pub mod admin;
mod api_tokens;
pub mod audit;
pub mod binaries;
pub mod config;
pub mod credential;
mod cursors;
mod dial;
pub mod embedded;
pub mod entities;
mod entities_save;
pub mod error;
mod evidence;
mod evidence_end;
pub mod failures;
mod findings;
pub mod imports;
pub mod insight;
pub mod jobs;
mod key_scans;
pub mod lanes;
mod launch;
pub mod ledger;
mod ledger_dead;
mod ledger_record;
mod ledger_resolve;
#[macro_use]
mod ledger_rows;
pub mod migrate;
pub mod query;
pub mod queue;
pub mod rate;
mod recovery;
mod rejects;
pub mod results;
mod results_read;
mod settings;
mod source_rows;
mod source_state;
pub mod split;
pub mod store;
mod tls;
pub mod tx;

pub use admin::{ConnectorKind, ConnectorRow, NewProject, ProjectRow};
pub use api_tokens::ApiTokenRow;
pub use audit::{AuditAction, AuditOutcome, AuditRow};
pub use binaries::PgBinaries;
pub use config::{DatabaseConfig, Server};
pub use cursors::Cursor;
pub use dial::{DialError, dial};
pub use embedded::{EmbeddedConfig, EmbeddedServer, Lifetime};
pub use entities::EntityRow;
pub use entities_save::{Change, PRECEDENCE_PERSON, Rivals, Upserted};
pub use error::StoreError;
pub use evidence::EvidenceRow;
pub use failures::{NamedDefect, RunFailure, Sighted};
pub use findings::{Finding, FindingKind, FindingRow};
pub use imports::{Import, ImportRow};
pub use insight::{CauseGroup, RequirementRow};
pub use jobs::{JobEnd, JobId, JobRow, JobStart};
pub use key_scans::{KeyGap, KeyScan, KeysRead};
pub use lanes::{Bell, Lane, LaneKind, LaneLine, LaneOutlook, LaneStop, QueueLoad};
pub use ledger::{
    Claim, DueLine, DueShare, Failure, FailureState, KnownRemote, LedgerRow, PublicationState, Published, Recorded,
    RemoteRef, SummaryLine, Wanted,
};
pub use ledger_dead::DeadLetters;
pub use ledger_resolve::{CauseLine, OpenCreate};
pub use migrate::{MIGRATIONS, Migration, MigrationStatus};
pub use queue::QueueConnection;
pub use rate::{Block, Paused, RateKey, RateWait, Taken};
pub use recovery::{Recovery, ServerSeen, Stray};
pub use rejects::{Conflict, RejectFilter, RejectRow, RejectedFacts};
pub use results::{ResultsWritten, RunMonth};
pub use results_read::ResultFilter;
pub use source_rows::{RowSum, SourceRow};
pub use source_state::{SourceState, SourceStateKind, SourceStateRow};
pub use store::Store;
pub use tx::WorkerTx;
