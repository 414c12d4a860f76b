//! Issues: new ones by bulk create, changed ones by one call each.
//!
//! A create is announced before it is sent: the row is `sending`, committed, with the highest issue number known then.
//! Whatever dies afterwards, the announcement stays, and the resolver looks above that number before anything is sent
//! again.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures::future::{BoxFuture, try_join_all};
use hub_destination::{Answer, Call, Cause, Effect, Outcome, Remote, SendFailure, Transport};
use hub_domain::{
    Marker, Moment, codes,
    facts::{Desired, Destination, IssueFacts, PublicationKey},
};
use hub_jira::{
    Capabilities, Created, Jira,
    calls::{MAX_BULK_CREATE, MAX_BULK_FETCH},
    encode::{IssueWrite, Stamp},
};
use hub_store::{AuditAction, LedgerRow};
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::{
    Context, Session, Tally,
    ledger::Announcement,
    record::{Attempt, announced, save},
};
use crate::AppError;

/// A create is not sent when more than this has passed since its announcement: the rate budget or a stop of the process
/// held it up, and somebody else may have taken over.
pub const SEND_WITHIN: Duration = Duration::from_secs(5);

/// A change of an issue is not sent when more than this has passed since its announcement: a newer content may have been
/// written meanwhile, and Jira knows no versions. With a call's own time it stays within what a resolver waits.
const CHANGE_WITHIN: Duration = Duration::from_secs(10);

/// A transport for announced writes: they are sent in time or not at all. The budget's wait counts, so the check is the
/// last thing before the send.
struct Announced<'a> {
    inner: &'a dyn Transport,
    until: Option<Instant>,
}

impl Transport for Announced<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        match (call.effect, self.until) {
            (Effect::Write, Some(until)) => self.inner.send(call.before(until)),
            (Effect::Write, None) | (Effect::Read, _) => self.inner.send(call),
        }
    }
}

/// An issue to publish: its row and what it shall be.
struct Item {
    row: LedgerRow,
    facts: IssueFacts,
    hash: hub_domain::ContentHash,
}

impl Item {
    fn key(&self) -> &PublicationKey {
        &self.row.key
    }
}

/// Publishes issues that are due.
pub async fn publish(context: &Context<'_>, session: &mut Session, due: Vec<LedgerRow>) -> Result<Tally, AppError> {
    let due = context.ledger.current(due).await?;
    let items = due.into_iter().filter_map(|due| match due.desired.desired {
        Desired::Issue(facts) => Some(Item { row: due.row, facts: *facts, hash: due.hash }),
        Desired::Page(_) | Desired::IssueLink(_) | Desired::RemoteLink(_) => None,
    });
    let (updates, creates): (Vec<Item>, Vec<Item>) = items.partition(|i| i.row.remote_id.is_some());
    let mut tally = Tally::default();
    if !creates.is_empty() {
        super::add(&mut tally, create_all(context, session, creates).await?);
    }
    if !updates.is_empty() {
        super::add(&mut tally, update_all(context, session, updates).await?);
    }
    Ok(tally)
}

/// The marker of a row's object.
pub fn marker(context: &Context<'_>, destination: Destination, key: &PublicationKey) -> Marker {
    let project = context.project;
    Marker::of(&project.tenant_slug, &project.key, destination, key.entity.kind, &key.entity.external_id)
}

fn write(context: &Context<'_>, item: &Item, fence: i64) -> IssueWrite {
    IssueWrite {
        facts: item.facts.clone(),
        stamp: Stamp {
            marker: marker(context, Destination::Jira, &item.row.key),
            is_label: context.project.label_marker,
            attempt: item.row.attempts + 1,
            fence,
            hash: item.hash,
            last_sync_at: Moment::now_utc().format(&Rfc3339).unwrap_or_default(),
        },
    }
}

async fn create_all(context: &Context<'_>, session: &mut Session, creates: Vec<Item>) -> Result<Tally, AppError> {
    let connection = session.jira(context, true).await?;
    let transport = connection.transport.clone();
    let capabilities = connection.capabilities.clone();
    let site = connection.address.clone();
    let floor = session.floor();
    let jira = Jira::new(transport.as_ref(), &context.project.jira_project_key);
    // The calls of a slice are on their way at the same time: each has its own announcement, and one read proves them all.
    let calls = chunks(creates, MAX_BULK_CREATE)
        .map(|chunk| create_chunk(context, transport.as_ref(), &capabilities, floor, chunk));
    let sent: Vec<Sent> = try_join_all(calls).await?.into_iter().flatten().collect();
    let screen_changed = sent.iter().any(|(_, _, result)| matches!(result, Err(outcome) if blames_screen(outcome)));
    let mut attempts = prove(&jira, context, sent).await;
    if screen_changed && session.forget_jira() {
        session.rediscover_jira(context).await?;
        attempts = attempts.into_iter().map(retry_for_screen).collect();
    }
    save(context, &site, attempts).await
}

/// Jira's refusal of a field that its screen no longer has: known screens were out of date.
fn blames_screen(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(cause) if cause.message.contains("not on the appropriate screen"))
}

/// A refusal that out-of-date knowledge caused is tried again with what the site says now.
fn retry_for_screen(mut attempt: Attempt) -> Attempt {
    if let Outcome::Refused(cause) = &attempt.outcome
        && blames_screen(&attempt.outcome)
    {
        attempt.outcome = Outcome::Retryable(cause.clone());
    }
    attempt
}

fn chunks(items: Vec<Item>, size: usize) -> impl Iterator<Item = Vec<Item>> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<Item> = items.by_ref().take(size).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// An item that was sent, under which fence, with Jira's answer and how long it took.
type Sent = (Item, i64, Result<(Created, Duration), Outcome>);

/// Announces and sends one bulk create.
async fn create_chunk(
    context: &Context<'_>,
    transport: &dyn Transport,
    capabilities: &Capabilities,
    floor: Option<u64>,
    chunk: Vec<Item>,
) -> Result<Vec<Sent>, AppError> {
    let until = Instant::now() + SEND_WITHIN;
    let claim = match context
        .guards
        .announce(context, &chunk.iter().map(|i| i.row.key.clone()).collect::<Vec<_>>(), floor)
        .await?
    {
        Announcement::Claimed(claim) => claim,
        Announcement::Held => return Ok(Vec::new()),
    };
    // A row that another worker holds is not ours to send.
    let ours: HashSet<PublicationKey> = claim.keys.into_iter().collect();
    let fence = claim.fence;
    let claimed: Vec<Item> = chunk.into_iter().filter(|item| ours.contains(&item.row.key)).collect();
    let writes: Vec<IssueWrite> = claimed.iter().map(|item| write(context, item, fence)).collect();
    let announced = Announced { inner: transport, until: context.guards.deadline(until) };
    let started = Instant::now();
    let results = Jira::new(&announced, &context.project.jira_project_key).create(&writes, capabilities).await;
    let took = started.elapsed();
    Ok(claimed
        .into_iter()
        .zip(results)
        .map(|(item, result)| (item, fence, result.map(|created| (created, took))))
        .collect())
}

/// Proves which issue each created one is: the bulk answer does not promise its order, so the marker in the issue's own
/// property decides.
async fn prove(jira: &Jira<'_>, context: &Context<'_>, sent: Vec<Sent>) -> Vec<Attempt> {
    let ids: Vec<String> =
        sent.iter().filter_map(|(_, _, result)| result.as_ref().ok().map(|(created, _)| created.id.clone())).collect();
    let mut by_marker: HashMap<String, Remote> = HashMap::new();
    let mut unproven = None;
    for block in ids.chunks(MAX_BULK_FETCH) {
        match jira.find(block).await {
            Ok(found) => by_marker.extend(found.into_iter().filter_map(|f| {
                Some((f.marker?, Remote { id: f.id, key: Some(f.key), version: None, labels: Vec::new() }))
            })),
            Err(outcome) => unproven = Some(outcome),
        }
    }
    let attempt = |(item, fence, result): Sent| {
        let marker = marker(context, Destination::Jira, &item.row.key);
        let took = result.as_ref().map(|(_, took)| *took).unwrap_or_default();
        let outcome = match result {
            Ok(_) => match by_marker.remove(marker.as_str()) {
                Some(remote) => {
                    let labels = write(context, &item, fence).labels();
                    Outcome::Applied(Remote { labels, ..remote })
                }
                None => Outcome::Unknown(doubt(unproven.as_ref())),
            },
            Err(outcome) => outcome,
        };
        Attempt {
            row: item.row,
            fence,
            hash: item.hash,
            action: AuditAction::Create,
            outcome,
            remote: None,
            parent_id: None,
            duration: took,
            sent: true,
        }
    };
    sent.into_iter().map(attempt).collect()
}

fn doubt(unproven: Option<&Outcome>) -> Cause {
    match unproven {
        Some(Outcome::Retryable(cause) | Outcome::Unknown(cause) | Outcome::Refused(cause)) => {
            Cause::new(&codes::UNCERTAIN, cause.status, &cause.message)
        }
        Some(Outcome::Applied(_) | Outcome::Unchanged(_) | Outcome::Throttled { .. }) | None => {
            Cause::new(&codes::UNCERTAIN, None, "the site named an issue that does not carry this marker")
        }
    }
}

async fn update_all(context: &Context<'_>, session: &mut Session, updates: Vec<Item>) -> Result<Tally, AppError> {
    let connection = session.jira(context, false).await?;
    let until = Instant::now() + CHANGE_WITHIN;
    let transport = Announced { inner: connection.transport.as_ref(), until: context.guards.deadline(until) };
    let capabilities = &connection.capabilities;
    let site = connection.address.clone();
    let jira = &Jira::new(&transport, &context.project.jira_project_key);
    announced(context, &site, updates, Item::key, |item, fence| async move {
        let (id, key) = (item.row.remote_id.clone().unwrap_or_default(), item.row.remote_key.clone());
        let started = Instant::now();
        let write = write(context, &item, fence);
        let labels = item.row.remote_labels.clone().unwrap_or_default();
        let outcome = jira.update(&id, key.as_deref(), &write, capabilities, &labels).await;
        Attempt {
            fence,
            hash: item.hash,
            action: AuditAction::Update,
            outcome,
            remote: Some(Remote { id, key, version: None, labels }),
            parent_id: None,
            duration: started.elapsed(),
            sent: true,
            row: item.row,
        }
    })
    .await
}
