//! Publishing: what differs between the ledger's two hashes goes to the sites. [`slice()`] does a bounded part of one
//! lane's work, which is what a queue's job calls; [`sync`] calls it until nothing is left.

mod guards;
mod issues;
mod keys;
pub mod ledger;
mod links;
mod pages;
mod record;
mod recover;
mod resolve;
mod session;
pub mod sites;

use std::time::Duration;

use hub_domain::{CorrelationId, EntityKind, Moment, codes, facts::ObjectKind};
use hub_store::{LedgerRow, ProjectRow, PublicationState, Store};
use serde::Serialize;

use self::{
    guards::Guards,
    ledger::{Ledger, Tables},
    sites::{Connectors, Sites},
};
use crate::{
    AppError,
    meter::Calls,
    progress::{Progress, Step},
};

pub use session::Session;

#[cfg(test)]
pub(crate) use guards::Guard;

pub(crate) use issues::marker;
pub(crate) use keys::ours;
pub(crate) use record::save;
pub(crate) use resolve::adopt;

/// Rows of the ledger that one slice takes: two bulk creates and the one read that proves them.
pub const SLICE_ROWS: usize = 100;

/// Changed issues that one slice of issues takes beside the new ones: each is a call of its own.
pub const SLICE_UPDATES: usize = 50;

/// How long a create may take effect after it was sent, with everything that may delay its being seen: an attempt that
/// is not found by a scan that began later than this was never executed. Performance and safety are weighed in
/// docs/decisions/0007-waiting-for-proof.md.
pub const DOUBT: Duration = Duration::from_secs(120);

/// The wait of `sync --wait` after a read that a busy site refused.
const BUSY: Duration = Duration::from_secs(2);

/// So many such rounds in a row, about eight minutes, and the site's failure is told: it is not busy, it is broken. The last
/// attempt at a single publication comes after as long a time.
const BUSY_ROUNDS: u32 = 240;

/// The longest single sleep of `sync --wait`, so that new work is seen in between.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// What became of the publications of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// New at the site.
    pub created: u64,
    /// Changed at the site.
    pub updated: u64,
    /// Found at the site after their create's answer was lost.
    pub adopted: u64,
    /// To be repeated later.
    pub waiting: u64,
    /// Not known whether the create reached the site.
    pub uncertain: u64,
    /// Refused by the site: dead letters.
    pub refused: u64,
}

impl Tally {
    /// Everything that was handled.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.created + self.updated + self.adopted + self.waiting + self.uncertain + self.refused
    }
}

/// What a synchronisation did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Issues.
    pub issues: Tally,
    /// Pages.
    pub pages: Tally,
    /// Links between issues.
    pub issue_links: Tally,
    /// Links from issues to pages.
    pub remote_links: Tally,
    /// Calls to the site.
    pub calls: Calls,
    /// Publications that are still due and wait.
    pub waiting: u64,
    /// Creates whose fate is unknown.
    pub uncertain: u64,
    /// Dead letters, old ones included.
    pub dead: u64,
}

impl SyncReport {
    fn tally(&mut self, object: ObjectKind) -> &mut Tally {
        match object {
            ObjectKind::Issue => &mut self.issues,
            ObjectKind::Page => &mut self.pages,
            ObjectKind::IssueLink => &mut self.issue_links,
            ObjectKind::RemoteLink => &mut self.remote_links,
        }
    }
}

/// What publishing needs to know and to reach, for one project.
pub struct Context<'a> {
    /// The project.
    pub project: &'a ProjectRow,
    /// The command, request or job that it belongs to.
    pub correlation: CorrelationId,
    /// Who watches.
    pub progress: &'a dyn Progress,
    /// The ledger.
    pub ledger: Box<dyn Ledger + 'a>,
    /// The sites.
    pub sites: Box<dyn Sites + 'a>,
    guards: Guards,
}

impl<'a> Context<'a> {
    /// A project with its ledger in Postgres and its sites over HTTP.
    #[must_use]
    pub fn new(
        store: &'a Store,
        project: &'a ProjectRow,
        correlation: CorrelationId,
        progress: &'a dyn Progress,
    ) -> Self {
        Self::over(project, correlation, progress, Tables::new(store, project), Connectors::new(store, project))
    }

    /// A project with any ledger and any sites.
    #[must_use]
    pub fn over(
        project: &'a ProjectRow,
        correlation: CorrelationId,
        progress: &'a dyn Progress,
        ledger: impl Ledger + 'a,
        sites: impl Sites + 'a,
    ) -> Self {
        Self {
            project,
            correlation,
            progress,
            ledger: Box::new(ledger),
            sites: Box::new(sites),
            guards: Guards::default(),
        }
    }

    /// The context without a guard, where a simulation shows what the guard prevents.
    #[cfg(test)]
    pub(crate) fn without(mut self, guard: Option<Guard>) -> Self {
        self.guards.off = guard;
        self
    }
}

/// A part of a project's work that is done by itself: objects of a kind, of all kinds of entities or of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The kind of object.
    pub object: ObjectKind,
    /// The kinds of entities; none: all of them.
    pub entities: &'static [EntityKind],
}

impl From<ObjectKind> for Share {
    fn from(object: ObjectKind) -> Self {
        Self { object, entities: &[] }
    }
}

/// Does one slice of a share's work: at most [`SLICE_ROWS`] publications that were due at `now`, of issues so many new and
/// [`SLICE_UPDATES`] changed ones. Returns what was
/// handled; nothing where nothing was due, and then no call was made. While creates are held after a loss of commits,
/// only what exists is due.
///
/// # Errors
/// The database's, or a site that stops the whole work.
pub async fn slice(
    context: &Context<'_>,
    session: &mut Session,
    share: impl Into<Share>,
    now: Moment,
) -> Result<Option<Tally>, AppError> {
    let share = share.into();
    let due = due(context, share, now).await?;
    if due.is_empty() {
        return Ok(None);
    }
    let tally = match share.object {
        ObjectKind::Issue => issues::publish(context, session, due).await?,
        ObjectKind::Page => pages::publish(context, session, due).await?,
        ObjectKind::IssueLink => links::publish_issue_links(context, session, due).await?,
        ObjectKind::RemoteLink => links::publish_remote_links(context, session, due).await?,
    };
    context.progress.step(Step::Handled { object: share.object, count: tally.handled() });
    Ok(Some(tally))
}

/// What a slice takes: of issues the new ones, which go out in full bulk calls, and beside them some of those that changed,
/// so that neither waits for the other.
async fn due(context: &Context<'_>, share: Share, now: Moment) -> Result<Vec<LedgerRow>, AppError> {
    if share.object != ObjectKind::Issue {
        return context.ledger.due(share, None, SLICE_ROWS, now).await;
    }
    let mut due = if recover::holds(context).await? {
        Vec::new()
    } else {
        context.ledger.due(share, Some(false), SLICE_ROWS, now).await?
    };
    due.extend(context.ledger.due(share, Some(true), SLICE_UPDATES, now).await?);
    Ok(due)
}

/// Settles what is not known: creates whose answer never came, and, after the database lost commits, everything that the
/// site may hold without the ledger's knowing. Returns what was found there, and how much is due again.
///
/// # Errors
/// The database's, or a site that stops the whole work.
pub async fn settle(context: &Context<'_>, session: &mut Session) -> Result<(Tally, u64), AppError> {
    let mut found = recover::lost_commits(context, session).await?;
    let (adopted, absent) = resolve::open_creates(context, session).await?;
    add(&mut found, adopted);
    Ok((found, absent + resolve::lost_changes(context).await?))
}

/// Publishes everything that is due, in the order issues, pages, links. With `wait`, also what becomes due by waiting.
///
/// # Errors
/// The database's, or a site that stops the whole work.
pub async fn sync(context: &Context<'_>, store: &Store, wait: bool) -> Result<SyncReport, AppError> {
    let mut session = Session::new();
    let mut report = SyncReport::default();
    let done = run(context, store, &mut session, &mut report, wait).await;
    report.calls = session.calls();
    done?;
    Ok(report)
}

async fn run(
    context: &Context<'_>,
    store: &Store,
    session: &mut Session,
    report: &mut SyncReport,
    wait: bool,
) -> Result<(), AppError> {
    announce(context, store).await?;
    let mut busy_rounds = 0;
    loop {
        let mut handled = 0;
        // One moment for the whole round: what is put off in it is not due in it again, however long the round takes.
        let now = context.ledger.now().await?;
        match round(context, session, report, now, &mut handled).await {
            Err(AppError::Stopped { cause, .. }) if wait && passes(&cause) && busy_rounds < BUSY_ROUNDS => {
                busy_rounds = if handled > 0 { 1 } else { busy_rounds + 1 };
            }
            other => {
                other?;
                busy_rounds = 0;
            }
        }
        let rest = rest(context, store, report).await?;
        if busy_rounds > 0 {
            context.progress.step(Step::Waiting { seconds: BUSY.as_secs(), reason: "a site that is busy" });
            tokio::time::sleep(BUSY).await;
            continue;
        }
        if handled == 0 {
            let Some(sleep) = rest.filter(|_| wait) else { return Ok(()) };
            let seconds = sleep.min(LONGEST_SLEEP).as_secs().max(1);
            context.progress.step(Step::Waiting { seconds, reason: "the site, or the proof that a create was lost" });
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
    }
}

/// One round: what is not known is settled, then everything that was due at `now` is published.
async fn round(
    context: &Context<'_>,
    session: &mut Session,
    report: &mut SyncReport,
    now: Moment,
    handled: &mut u64,
) -> Result<(), AppError> {
    let (found, released) = settle(context, session).await?;
    add(&mut report.issues, found);
    *handled += found.adopted + released;
    for object in ObjectKind::ALL {
        while let Some(tally) = slice(context, session, object, now).await? {
            add(report.tally(object), tally);
            *handled += tally.created + tally.updated + tally.adopted;
        }
    }
    Ok(())
}

/// Whether what stopped a round goes by itself: a site that is busy or failing for a moment. A login or an address does not.
fn passes(cause: &hub_destination::Cause) -> bool {
    cause.code == &codes::THROTTLED || cause.code == &codes::REMOTE_FAILED
}

/// Counts what is left. Returns how long the next of it has to wait; nothing where waiting would not help: what only
/// waits for another object that is refused waits for a person.
async fn rest(context: &Context<'_>, store: &Store, report: &mut SyncReport) -> Result<Option<Duration>, AppError> {
    let tx = store.worker(context.project.tenant_id).await?;
    let now = tx.now().await?;
    let states = tx.summary(context.project.id).await?;
    let due = tx.due_summary(context.project.id, now).await?;
    let causes = tx.causes(context.project.id).await?;
    tx.commit().await?;
    let in_state = |wanted: &[PublicationState]| {
        states.iter().filter(|line| wanted.contains(&line.state)).map(|line| line.rows).sum::<u64>()
    };
    report.waiting = in_state(&[PublicationState::Waiting, PublicationState::Pending]);
    report.uncertain = in_state(&[PublicationState::Sending, PublicationState::Uncertain]);
    report.dead = in_state(&[PublicationState::Dead]);
    let blocked: u64 = causes
        .iter()
        .filter(|c| c.state == PublicationState::Waiting && c.code == codes::WAITS_FOR_PARENT.id)
        .map(|c| c.rows)
        .sum();
    if report.uncertain > 0 || recover::holds(context).await? {
        return Ok(Some(LONGEST_SLEEP));
    }
    if report.waiting <= blocked {
        return Ok(None);
    }
    let next = due.iter().filter_map(|line| line.next_attempt_at).min();
    let until = next.map_or(Duration::from_secs(1), |at| Duration::try_from(at - now).unwrap_or_default());
    Ok(Some(until))
}

/// Tells how much is due.
async fn announce(context: &Context<'_>, store: &Store) -> Result<(), AppError> {
    let tx = store.worker(context.project.tenant_id).await?;
    let lines = tx.due_summary(context.project.id, tx.now().await?).await?;
    tx.commit().await?;
    for line in lines.iter().filter(|line| line.due > 0) {
        context.progress.step(Step::Due { object: line.object, count: line.due });
    }
    Ok(())
}

pub(crate) fn add(total: &mut Tally, part: Tally) {
    total.created += part.created;
    total.updated += part.updated;
    total.adopted += part.adopted;
    total.waiting += part.waiting;
    total.uncertain += part.uncertain;
    total.refused += part.refused;
}
