//! Creates whose answer never came: looked for by their markers, in the range of issue keys that they can lie in, before
//! anything is sent again.
//!
//! A read by key sees an issue at once, whatever the search index knows. What is found is adopted. What is not found is
//! sent again only when the scan began later than the create can still take effect ([`super::DOUBT`]).

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use hub_destination::{Cause, Outcome, site::CALL_TIMEOUT};
use hub_domain::{
    ContentHash, Label, Marker, codes,
    facts::{Destination, ObjectKind, PublicationKey},
};
use hub_jira::{Found, Jira};
use hub_store::{AuditAction, KeyScan, LedgerRow, OpenCreate, Stray};

use super::{
    Context, Session, Tally,
    issues::{SEND_WITHIN, marker},
    keys::{self, Search},
    ledger::Recording,
    record::{Attempt, audit_row, save},
};
use crate::AppError;

/// A send without a recorded answer for this long has lost its process: longer than the wait before the send and the
/// call itself may take together.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(SEND_WITHIN.as_secs() + CALL_TIMEOUT.as_secs() + 5);

/// The least time between two searches of a project while creates are overdue: they share one.
pub const SEARCH_EVERY: Duration = Duration::from_secs(40);

/// Resolves open creates. Returns what was found, and how many are proven absent and due again.
///
/// A first doubt is looked into at once, so that what a killed process has created is adopted soon. While searches are
/// young, another is made only when a create is overdue, and then for all of them.
pub async fn open_creates(context: &Context<'_>, session: &mut Session) -> Result<(Tally, u64), AppError> {
    let open = context.ledger.open_creates(ANSWERED_WITHIN).await?;
    if open.is_empty() {
        return Ok((Tally::default(), 0));
    }
    // Ages are the database's, measured before the search begins; no clock of this machine is compared with it.
    let doubt = context.guards.doubt();
    let is_overdue = open.iter().any(|create| create.age > doubt);
    let spacing = if is_overdue { SEARCH_EVERY.min(doubt) } else { doubt };
    let Some(mut scan) = context.ledger.claim_scan(spacing).await? else { return Ok((Tally::default(), 0)) };
    let lowest = open.iter().map(|create| create.row.lowest_key.unwrap_or(0)).min().unwrap_or(0);
    let thorough = if is_overdue { Search::Proof } else { Search::Glance };
    let (mut adopted, found) = search(context, session, &mut scan, lowest, thorough).await?;
    let moved = witnesses(context, session, &open, &found).await?;
    let (elsewhere, found) = (moved.0, found.into_iter().chain(moved.1).collect::<HashSet<_>>());
    super::add(&mut adopted, elsewhere);
    let mut absent: Vec<Attempt> = Vec::new();
    for OpenCreate { row, age } in open {
        if age > doubt && !found.contains(&row.key) {
            absent.push(absence(row));
        }
    }
    // The trail first: a line too many, should the process end in between, says nothing false.
    let trail = absent.iter().map(|attempt| audit_row(context, attempt)).collect();
    context.ledger.record(&Recording { audit: trail, ..Recording::default() }).await?;
    let absent: Vec<_> = absent.into_iter().map(|attempt| (attempt.row.key, attempt.fence)).collect();
    let released = context.ledger.release(&absent).await?;
    Ok((adopted, released))
}

/// Makes changes, links and pages due again whose process ended before it recorded what came of them: they may have
/// reached the site, and to repeat them is harmless. Each is a line of the audit trail. Returns how many.
pub async fn lost_changes(context: &Context<'_>) -> Result<u64, AppError> {
    let mut released = 0;
    for object in ObjectKind::ALL {
        let lost = context.ledger.lost_changes(object, ANSWERED_WITHIN).await?;
        if lost.is_empty() {
            continue;
        }
        let lost: Vec<Attempt> = lost.into_iter().map(unheard).collect();
        let trail = lost.iter().map(|attempt| audit_row(context, attempt)).collect();
        context.ledger.record(&Recording { audit: trail, ..Recording::default() }).await?;
        let lost: Vec<_> = lost.into_iter().map(|attempt| (attempt.row.key, attempt.fence)).collect();
        released += context.ledger.release(&lost).await?;
    }
    Ok(released)
}

/// The attempt of which nobody heard.
fn unheard(row: LedgerRow) -> Attempt {
    let cause = Cause::new(&codes::UNCERTAIN, None, "the hub ended before the answer came; it is repeated");
    let action = match (row.key.object, &row.remote_id) {
        (ObjectKind::Issue | ObjectKind::Page, Some(_)) => AuditAction::Update,
        (ObjectKind::Issue | ObjectKind::Page, None) => AuditAction::Create,
        (ObjectKind::IssueLink | ObjectKind::RemoteLink, _) => AuditAction::Link,
    };
    Attempt { action, outcome: Outcome::Unknown(cause), ..absence(row) }
}

/// Searches the keys above `lowest` and adopts what carries a marker of ours and the ledger does not know to exist,
/// whether it is waited for or not. Returns what was adopted, and everything of ours that was seen.
pub async fn search(
    context: &Context<'_>,
    session: &mut Session,
    scan: &mut KeyScan,
    lowest: u64,
    thorough: Search,
) -> Result<(Tally, HashSet<PublicationKey>), AppError> {
    let connection = session.jira(context, true).await?;
    let site = connection.address.clone();
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    let (found, read) = keys::read(&jira, &scan.read, lowest, thorough, scan.began_at, context.guards.doubt())
        .await
        .map_err(|outcome| AppError::stopped(&site, outcome))?;
    // Keys come upwards: of two issues with one marker the older is the one to keep, the audit shows the other.
    let mut by_key: HashMap<PublicationKey, &Found> = HashMap::new();
    for issue in &found {
        if let Some(key) = keys::ours(context, issue) {
            by_key.entry(key).or_insert(issue);
        }
    }
    let seen: Vec<PublicationKey> = by_key.keys().cloned().collect();
    let rows = context.ledger.rows(&seen).await?;
    let known: HashSet<&PublicationKey> = rows.iter().map(|row| &row.key).collect();
    let strays: Vec<Stray> =
        by_key.iter().filter(|(key, _)| !known.contains(key)).map(|(key, found)| stray(key, found)).collect();
    if !strays.is_empty() {
        context.ledger.take_in(&strays).await?;
    }
    let unknown = rows.into_iter().filter(|row| row.remote_id.is_none());
    let attempts: Vec<Attempt> =
        unknown.filter_map(|row| by_key.get(&row.key).map(|found| adopt(row, found))).collect();
    let adopted = if attempts.is_empty() { Tally::default() } else { save(context, &site, attempts).await? };
    // Only now: what was read is remembered when what it told is recorded.
    scan.read = read;
    context.ledger.keep_scan(scan).await?;
    Ok((adopted, seen.into_iter().collect()))
}

/// Asks the second witness, where the project has one, for overdue creates that no key of the project shows: a person may
/// have moved the issue to another project meanwhile. Returns what was adopted, and whose markers were seen.
async fn witnesses(
    context: &Context<'_>,
    session: &mut Session,
    open: &[OpenCreate],
    found: &HashSet<PublicationKey>,
) -> Result<(Tally, Vec<PublicationKey>), AppError> {
    let doubt = context.guards.doubt();
    let overdue: Vec<_> = open.iter().filter(|create| create.age > doubt && !found.contains(&create.row.key)).collect();
    if !context.project.label_marker || overdue.is_empty() {
        return Ok((Tally::default(), Vec::new()));
    }
    let markers: Vec<Marker> = overdue.iter().map(|o| marker(context, Destination::Jira, &o.row.key)).collect();
    let connection = session.jira(context, true).await?;
    let site = connection.address.clone();
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    let labelled = jira.labelled(&markers).await.map_err(|outcome| AppError::stopped(&site, outcome))?;
    let mut seen = Vec::new();
    let mut attempts = Vec::new();
    for (create, marker) in overdue.iter().zip(&markers) {
        if let Some(issue) = labelled.iter().find(|issue| issue.marker.as_deref() == Some(marker.as_str())) {
            seen.push(create.row.key.clone());
            attempts.push(adopt(create.row.clone(), issue));
        }
    }
    let adopted = if attempts.is_empty() { Tally::default() } else { save(context, &site, attempts).await? };
    Ok((adopted, seen))
}

/// The attempt that a create is found to have been.
pub fn adopt(row: LedgerRow, found: &Found) -> Attempt {
    let hash = content(found);
    Attempt {
        fence: row.fence,
        hash,
        action: AuditAction::Adopt,
        outcome: Outcome::Applied(hub_destination::Remote {
            id: found.id.clone(),
            key: Some(found.key.clone()),
            version: None,
            labels: our_labels(found),
        }),
        remote: None,
        parent_id: None,
        duration: Duration::ZERO,
        sent: true,
        row,
    }
}

/// The attempt that a create is proven not to have been.
fn absence(row: LedgerRow) -> Attempt {
    let cause = Cause::new(&codes::UNCERTAIN, None, "no issue carries its marker, and it can no longer take effect");
    Attempt {
        fence: row.fence,
        hash: row.desired_hash.unwrap_or(LedgerRow::UNKNOWN_CONTENT),
        action: AuditAction::Create,
        outcome: Outcome::Retryable(cause),
        remote: None,
        parent_id: None,
        duration: Duration::ZERO,
        sent: true,
        row,
    }
}

/// An issue of ours of which the ledger has no row: what planned it was lost.
fn stray(key: &PublicationKey, found: &Found) -> Stray {
    Stray {
        key: key.clone(),
        remote_id: found.id.clone(),
        remote_key: found.key.clone(),
        hash: content(found),
        labels: our_labels(found),
    }
}

/// The content that an issue names as its own.
fn content(found: &Found) -> ContentHash {
    found.hash.as_deref().and_then(from_hex).unwrap_or(LedgerRow::UNKNOWN_CONTENT)
}

/// People may have added labels meanwhile; only words of the taxonomy are ours to remove one day.
fn our_labels(found: &Found) -> Vec<String> {
    found.labels.iter().filter(|label| Label::is_controlled(label) || is_marker(label)).cloned().collect()
}

/// Whether a label is a marker's.
fn is_marker(label: &str) -> bool {
    label.strip_prefix("hub-").is_some_and(|rest| rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn from_hex(text: &str) -> Option<ContentHash> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(ContentHash(bytes))
}
