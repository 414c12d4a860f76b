//! What the publisher asks of the ledger, as a trait: production answers from Postgres ([`Tables`]), a simulation from
//! memory, and the publisher is the same code. Every method is one transaction, begun and ended inside it, so none is
//! ever open during a remote call.

use std::time::Duration;

use futures::future::BoxFuture;
use hub_domain::{
    Moment,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{
    AuditRow, Claim, DueShare, Failure, KeyScan, LedgerRow, OpenCreate, ProjectRow, Published, Recorded, Recovery,
    RemoteRef, Store, Stray, WorkerTx,
};

use super::Share;
use crate::{
    AppError,
    plan::{self, Due},
};

/// An answer of the ledger.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, AppError>>;

/// What an announcement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// These may be sent, under this fence.
    Claimed(Claim),
    /// Nothing may be sent: the database lost commits, and what the site holds must be looked at first.
    Held,
}

/// What came of attempts, recorded together with their lines of the audit trail.
#[derive(Debug, Default)]
pub struct Recording {
    /// What the site confirmed.
    pub published: Vec<Published>,
    /// What failed.
    pub failures: Vec<Failure>,
    /// A line for every write that was sent.
    pub audit: Vec<AuditRow>,
}

/// The ledger of one project.
pub trait Ledger: Send + Sync {
    /// The present, by the clock that the ledger itself goes by. No clock of this machine decides anything.
    fn now(&self) -> Reply<'_, Moment>;

    /// What is to do at `now`, in the order of publishing: what `exists` at the site, or what does not, or both.
    fn due(&self, share: Share, exists: Option<bool>, limit: usize, now: Moment) -> Reply<'_, Vec<LedgerRow>>;

    /// The rows with what they shall be, as the truth is now.
    fn current(&self, rows: Vec<LedgerRow>) -> Reply<'_, Vec<Due>>;

    /// The remote objects of these keys, as far as they exist.
    fn remote<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<RemoteRef>>;

    /// Announces creates, durably, with the highest issue number known. Rows that another worker holds are left out.
    fn announce<'a>(&'a self, keys: &'a [PublicationKey], floor: Option<u64>) -> Reply<'a, Announcement>;

    /// Announces changes, links and pages, durably: should the process end before it records what came of them, the ledger
    /// still says that they may have reached the site. Rows that another worker holds are left out.
    fn announce_changes<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Claim>;

    /// Announced changes of a kind without a recorded answer for `answered_within`: they have lost their process. Of issues
    /// only those that exist; the others are [`Ledger::open_creates`].
    fn lost_changes(&self, object: ObjectKind, answered_within: Duration) -> Reply<'_, Vec<LedgerRow>>;

    /// Records what came of attempts.
    fn record<'a>(&'a self, recording: &'a Recording) -> Reply<'a, Recorded>;

    /// The rows as they are now.
    fn rows<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<LedgerRow>>;

    /// Creates of issues whose fate is unknown. Those without an answer for `answered_within` have lost their process.
    fn open_creates(&self, answered_within: Duration) -> Reply<'_, Vec<OpenCreate>>;

    /// Makes creates due again that are proven not to have reached the site.
    fn release<'a>(&'a self, absent: &'a [(PublicationKey, i64)]) -> Reply<'a, u64>;

    /// Whether creates are held, and since when.
    fn recovery(&self) -> Reply<'_, Option<Recovery>>;

    /// Begins a search for lost creates where the last one began at least `spacing` ago, whoever began it.
    fn claim_scan(&self, spacing: Duration) -> Reply<'_, Option<KeyScan>>;

    /// Records what a search has read.
    fn keep_scan<'a>(&'a self, scan: &'a KeyScan) -> Reply<'a, bool>;

    /// The highest issue number that the ledger knows.
    fn highest_key(&self) -> Reply<'_, Option<u64>>;

    /// Takes in issues of which the ledger has no row.
    fn take_in<'a>(&'a self, strays: &'a [Stray]) -> Reply<'a, u64>;

    /// Ends the holding of creates that began as `recovery` says. False where another has begun since.
    fn recovered<'a>(&'a self, recovery: &'a Recovery, adopted: u64) -> Reply<'a, bool>;
}

/// The ledger in Postgres.
pub struct Tables<'a> {
    store: &'a Store,
    project: &'a ProjectRow,
}

impl<'a> Tables<'a> {
    /// The ledger of a project.
    #[must_use]
    pub fn new(store: &'a Store, project: &'a ProjectRow) -> Self {
        Self { store, project }
    }

    async fn tx(&self) -> Result<WorkerTx, AppError> {
        Ok(self.store.worker(self.project.tenant_id).await?)
    }
}

/// One transaction around one question.
macro_rules! ask {
    ($self:ident, $tx:ident => $question:expr) => {
        Box::pin(async move {
            let $tx = $self.tx().await?;
            let answer = $question;
            $tx.commit().await?;
            Ok(answer)
        })
    };
}

impl Ledger for Tables<'_> {
    fn now(&self) -> Reply<'_, Moment> {
        ask!(self, tx => tx.now().await?)
    }

    fn due(&self, share: Share, exists: Option<bool>, limit: usize, now: Moment) -> Reply<'_, Vec<LedgerRow>> {
        ask!(self, tx => {
            let share = DueShare { object: share.object, entities: share.entities, exists };
            tx.due_of(self.project.id, &share, limit, now).await?
        })
    }

    fn current(&self, rows: Vec<LedgerRow>) -> Reply<'_, Vec<Due>> {
        ask!(self, tx => plan::current(&tx, self.project, rows).await?)
    }

    fn remote<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<RemoteRef>> {
        ask!(self, tx => tx.remote(self.project.id, keys).await?)
    }

    fn announce<'a>(&'a self, keys: &'a [PublicationKey], floor: Option<u64>) -> Reply<'a, Announcement> {
        ask!(self, tx => {
            if tx.recovery(self.project.id, self.store.server_seen()).await?.is_some() {
                Announcement::Held
            } else {
                let lowest = tx.highest_key(self.project.id).await?.max(floor);
                Announcement::Claimed(tx.mark_creating(self.project.id, keys, lowest).await?)
            }
        })
    }

    fn announce_changes<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Claim> {
        ask!(self, tx => tx.mark_sending(self.project.id, keys, None).await?)
    }

    fn lost_changes(&self, object: ObjectKind, answered_within: Duration) -> Reply<'_, Vec<LedgerRow>> {
        ask!(self, tx => {
            let mut lost = tx.uncertain(self.project.id, object, answered_within).await?;
            lost.retain(|row| object != ObjectKind::Issue || row.remote_id.is_some());
            lost
        })
    }

    fn record<'a>(&'a self, recording: &'a Recording) -> Reply<'a, Recorded> {
        ask!(self, tx => {
            // A loss of commits is noticed before an answer from the time before it raises the highest number known.
            tx.recovery(self.project.id, self.store.server_seen()).await?;
            let mut recorded = tx.record_published(self.project.id, &recording.published).await?;
            let failed = tx.record_failure(self.project.id, &recording.failures).await?;
            tx.audit(&recording.audit).await?;
            recorded.recorded += failed.recorded;
            recorded.stale.extend(failed.stale);
            recorded
        })
    }

    fn rows<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<LedgerRow>> {
        ask!(self, tx => tx.ledger_rows(self.project.id, keys).await?)
    }

    fn open_creates(&self, answered_within: Duration) -> Reply<'_, Vec<OpenCreate>> {
        ask!(self, tx => tx.open_creates(self.project.id, ObjectKind::Issue, answered_within).await?)
    }

    fn release<'a>(&'a self, absent: &'a [(PublicationKey, i64)]) -> Reply<'a, u64> {
        ask!(self, tx => tx.release(self.project.id, absent).await?)
    }

    fn recovery(&self) -> Reply<'_, Option<Recovery>> {
        ask!(self, tx => tx.recovery(self.project.id, self.store.server_seen()).await?)
    }

    fn claim_scan(&self, spacing: Duration) -> Reply<'_, Option<KeyScan>> {
        ask!(self, tx => tx.claim_key_scan(self.project.id, spacing).await?)
    }

    fn keep_scan<'a>(&'a self, scan: &'a KeyScan) -> Reply<'a, bool> {
        ask!(self, tx => tx.keep_key_scan(self.project.id, scan).await?)
    }

    fn highest_key(&self) -> Reply<'_, Option<u64>> {
        ask!(self, tx => tx.highest_key(self.project.id).await?)
    }

    fn take_in<'a>(&'a self, strays: &'a [Stray]) -> Reply<'a, u64> {
        ask!(self, tx => tx.take_in(self.project.id, strays).await?)
    }

    fn recovered<'a>(&'a self, recovery: &'a Recovery, adopted: u64) -> Reply<'a, bool> {
        ask!(self, tx => tx.recovered(self.project.id, recovery, adopted).await?)
    }
}
