//! Outcomes become rows: the ledger's state after the verdict, and one line of the audit trail for every write.

use std::{collections::HashSet, pin::pin, time::Duration};

use futures::{StreamExt, stream};
use hub_destination::{Cause, Outcome, Remote, Verdict, verdict};
use hub_domain::{ContentHash, codes, facts::PublicationKey};
use hub_store::{
    AuditAction, AuditOutcome, AuditRow, Failure, FailureState, KnownRemote, LedgerRow, Published, Recorded,
};
use serde_json::json;
use tokio::time::Instant;

use super::{Context, Tally, add, ledger::Recording};
use crate::AppError;

/// Calls of a slice on their way at the same time: at 100 calls a second and 50 ms each, 5 keep the line full.
const IN_FLIGHT: usize = 8;

/// One publication's attempt and what came of it.
pub struct Attempt {
    /// The row as it was when the attempt began.
    pub row: LedgerRow,
    /// The fence under which it was sent.
    pub fence: i64,
    /// The hash of what was sent.
    pub hash: ContentHash,
    /// What was tried.
    pub action: AuditAction,
    /// What came of it.
    pub outcome: Outcome,
    /// The object as far as it is known, where the outcome itself does not say.
    pub remote: Option<Remote>,
    /// The page under which a page was put.
    pub parent_id: Option<String>,
    /// How long the call took.
    pub duration: Duration,
    /// Whether it reached the site at all: what only waits for another object has not been tried.
    pub sent: bool,
}

/// What stops the whole work: a login or a site that fails for one object fails for all.
fn stops(outcome: &Outcome) -> Option<Cause> {
    match outcome {
        Outcome::Retryable(cause) if cause.code == &codes::AUTHENTICATION || cause.code == &codes::SITE_UNREACHABLE => {
            Some(cause.clone())
        }
        Outcome::Unknown(cause) if cause.code == &codes::AUTHENTICATION => Some(cause.clone()),
        Outcome::Applied(_)
        | Outcome::Unchanged(_)
        | Outcome::Throttled { .. }
        | Outcome::Retryable(_)
        | Outcome::Unknown(_)
        | Outcome::Refused(_) => None,
    }
}

/// How long a record is tried again while the database is away. What the site has done is known here and nowhere else: without
/// its record it would be in doubt. The fence keeps a late record from counting where somebody has taken over.
const RECORD_WITHIN: Duration = Duration::from_secs(30);

/// The pause between two attempts at a record. A refused connection costs nothing.
const RECORD_AGAIN: Duration = Duration::from_millis(200);

/// Records, as soon as the database can be reached.
async fn record(context: &Context<'_>, recording: &Recording) -> Result<Recorded, AppError> {
    let until = Instant::now() + RECORD_WITHIN;
    loop {
        match context.ledger.record(recording).await {
            Err(error) if error.code() == &codes::DATABASE_UNREACHABLE && Instant::now() < until => {
                tokio::time::sleep(RECORD_AGAIN).await;
            }
            other => return other,
        }
    }
}

/// Saves attempts in one transaction.
///
/// # Errors
/// The database's; or, after everything is saved, the cause that stops the whole work.
pub async fn save(context: &Context<'_>, site: &str, attempts: Vec<Attempt>) -> Result<Tally, AppError> {
    let mut tally = Tally::default();
    let mut published = Vec::new();
    let mut failures = Vec::new();
    let mut audit = Vec::new();
    let mut stop = None;
    for attempt in attempts {
        stop = stop.or_else(|| stops(&attempt.outcome));
        if attempt.sent {
            audit.push(audit_row(context, &attempt));
        }
        settle(attempt, &mut tally, &mut published, &mut failures);
    }
    let recording = context.guards.fenced(context, Recording { published, failures, audit }).await?;
    let recorded = record(context, &recording).await?;
    if !recorded.stale.is_empty() {
        tracing::warn!(count = recorded.stale.len(), "another worker has taken rows over; its record stands");
    }
    match stop {
        Some(cause) => Err(AppError::Stopped { site: site.to_owned(), cause }),
        None => Ok(tally),
    }
}

/// Attempts that are recorded together at most, when several have been answered.
const TOGETHER: usize = 16;

/// Announces changes, then makes those that are ours to make. `key` names an item's publication, `make` makes its attempt
/// under the fence of the announcement.
///
/// # Errors
/// As [`save_as_answered`].
pub async fn announced<T, F: Future<Output = Attempt>>(
    context: &Context<'_>,
    site: &str,
    items: Vec<T>,
    key: impl Fn(&T) -> &PublicationKey,
    make: impl Fn(T, i64) -> F,
) -> Result<Tally, AppError> {
    let keys: Vec<PublicationKey> = items.iter().map(|item| key(item).clone()).collect();
    let claim = context.ledger.announce_changes(&keys).await?;
    let ours: HashSet<PublicationKey> = claim.keys.into_iter().collect();
    let attempts = items
        .into_iter()
        .filter(|item| ours.contains(key(item)))
        .map(|item| make(item, claim.fence))
        .collect::<Vec<_>>();
    save_as_answered(context, site, attempts).await
}

/// Makes attempts, [`IN_FLIGHT`] at a time, and saves each as soon as it is answered: one that hangs holds up no other's
/// record, and a process that dies takes few with it.
///
/// # Errors
/// The database's at once; after every attempt is made, the cause that stops the whole work.
async fn save_as_answered(
    context: &Context<'_>,
    site: &str,
    attempts: impl IntoIterator<Item = impl Future<Output = Attempt>>,
) -> Result<Tally, AppError> {
    let mut answered = pin!(stream::iter(attempts).buffer_unordered(IN_FLIGHT).ready_chunks(TOGETHER));
    let (mut tally, mut stop) = (Tally::default(), None);
    while let Some(some) = answered.next().await {
        match save(context, site, some).await {
            Ok(part) => add(&mut tally, part),
            Err(error @ AppError::Stopped { .. }) => stop = Some(error),
            Err(error) => return Err(error),
        }
    }
    stop.map_or(Ok(tally), Err)
}

fn settle(attempt: Attempt, tally: &mut Tally, published: &mut Vec<Published>, failures: &mut Vec<Failure>) {
    // A site that does not answer or accept us says nothing against this publication: it spends none of its attempts.
    let spends = attempt.sent && stops(&attempt.outcome).is_none();
    let attempts = attempt.row.attempts + u32::from(spends);
    let next = verdict(&attempt.outcome, attempts);
    let (cause, known) = match attempt.outcome {
        Outcome::Applied(remote) | Outcome::Unchanged(remote) => {
            match attempt.action {
                AuditAction::Create | AuditAction::Link => tally.created += 1,
                AuditAction::Adopt => tally.adopted += 1,
                AuditAction::Update
                | AuditAction::Label
                | AuditAction::Retire
                | AuditAction::Import
                | AuditAction::Configure => tally.updated += 1,
            }
            published.push(Published {
                key: attempt.row.key,
                fence: attempt.fence,
                hash: Some(attempt.hash),
                remote_id: Some(remote.id),
                remote_key: remote.key,
                remote_version: remote.version.and_then(|v| u64::try_from(v).ok()),
                labels: Some(remote.labels),
                remote_parent: attempt.parent_id,
            });
            return;
        }
        Outcome::Throttled { wait, .. } => (
            Cause::new(&codes::THROTTLED, Some(429), format!("the site asks to wait {} s", wait.as_secs())),
            attempt.remote,
        ),
        Outcome::Retryable(cause) | Outcome::Unknown(cause) | Outcome::Refused(cause) => (cause, attempt.remote),
    };
    let state = match next {
        Verdict::RetryAfter(delay) => {
            tally.waiting += 1;
            FailureState::Waiting { delay }
        }
        Verdict::Resolve => {
            tally.uncertain += 1;
            FailureState::Uncertain
        }
        // `Record` follows from outcomes that were handled above; a failure is never recorded as published.
        Verdict::Bury | Verdict::Record => {
            tally.refused += 1;
            FailureState::Dead
        }
    };
    failures.push(Failure {
        key: attempt.row.key,
        fence: attempt.fence,
        state,
        spends_attempt: spends && cause.code != &codes::THROTTLED,
        code: cause.code,
        message: cause.message,
        remote_status: cause.status,
        remote: known.map(|remote| KnownRemote {
            id: remote.id,
            key: remote.key,
            version: remote.version.and_then(|v| u64::try_from(v).ok()),
            parent: attempt.parent_id,
        }),
    });
}

/// An attempt's line of the audit trail.
pub fn audit_row(context: &Context<'_>, attempt: &Attempt) -> AuditRow {
    let known = attempt.remote.as_ref().map(reference);
    let (remote_ref, status, code) = match &attempt.outcome {
        Outcome::Applied(remote) | Outcome::Unchanged(remote) => (Some(reference(remote)), None, None),
        Outcome::Throttled { .. } => (known, Some(429), Some(&codes::THROTTLED)),
        Outcome::Retryable(cause) | Outcome::Unknown(cause) | Outcome::Refused(cause) => {
            (known, cause.status, Some(cause.code))
        }
    };
    let outcome = match &attempt.outcome {
        Outcome::Applied(_) => AuditOutcome::Applied,
        Outcome::Unchanged(_) => AuditOutcome::Unchanged,
        Outcome::Throttled { .. } => AuditOutcome::Throttled,
        Outcome::Retryable(_) => AuditOutcome::Retryable,
        Outcome::Unknown(_) => AuditOutcome::Unknown,
        Outcome::Refused(_) => AuditOutcome::Refused,
    };
    let key = &attempt.row.key;
    let mut row = AuditRow::of(context.project.id, context.correlation, "hub/sync", attempt.action, key, outcome);
    row.remote_ref = remote_ref;
    row.code = code;
    row.remote_status = status;
    row.before = attempt.row.published_hash;
    row.after = Some(attempt.hash);
    row.detail = json!({
        "duration_ms": u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
        "attempt": attempt.row.attempts + 1,
        "fence": attempt.fence,
    });
    row
}

fn reference(remote: &Remote) -> String {
    remote.key.clone().unwrap_or_else(|| remote.id.clone())
}
