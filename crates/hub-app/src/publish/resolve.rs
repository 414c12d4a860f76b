//! Creates whose answer never came: looked for by their markers, in the range of issue keys that they can lie in, before
//! anything is sent again.
//!
//! A read by key sees an issue at once, whatever the search index knows. What is found is adopted. What is not found is
//! sent again only when the scan began later than the create can still take effect ([`super::DOUBT`]).

use std::{collections::HashMap, time::Duration};

use hub_destination::{Cause, Outcome, site::CALL_TIMEOUT};
use hub_domain::{ContentHash, Label, facts::Destination};
use hub_jira::Jira;
use hub_store::{AuditAction, LedgerRow, OpenCreate};

use super::{
    Context, Session, Tally,
    issues::{SEND_WITHIN, marker},
    ledger::Recording,
    record::{Attempt, audit_row, save},
};
use crate::AppError;

/// A send without a recorded answer for this long has lost its process: longer than the wait before the send and the
/// call itself may take together.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(SEND_WITHIN.as_secs() + CALL_TIMEOUT.as_secs() + 5);

/// Resolves open creates. Returns what was found, and how many are proven absent and due again.
pub async fn open_creates(context: &Context<'_>, session: &mut Session) -> Result<(Tally, u64), AppError> {
    let open = context.ledger.open_creates(ANSWERED_WITHIN).await?;
    if open.is_empty() {
        return Ok((Tally::default(), 0));
    }
    let connection = session.jira(context, true).await?;
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    let site = connection.address.clone();
    // Ages are the database's, measured before the scan begins; no clock of this machine is compared with it.
    let lowest = open.iter().map(|o| o.row.lowest_key.unwrap_or(0)).min().unwrap_or(0);
    let found = jira.scan_above(lowest).await.map_err(|outcome| AppError::stopped(&site, outcome))?;
    let by_marker: HashMap<String, _> = found.into_iter().filter_map(|f| Some((f.marker.clone()?, f))).collect();
    let mut attempts = Vec::new();
    let mut absent: Vec<Attempt> = Vec::new();
    for OpenCreate { row, age } in open {
        let marker = marker(context, Destination::Jira, &row.key);
        match by_marker.get(marker.as_str()) {
            Some(found) => {
                attempts.push(adopt(row, found));
            }
            None if age > context.guards.doubt() => absent.push(absence(row)),
            None => {}
        }
    }
    let adopted = if attempts.is_empty() { Tally::default() } else { save(context, &site, attempts).await? };
    // The trail first: a line too many, should the process end in between, says nothing false.
    let trail = absent.iter().map(|attempt| audit_row(context, attempt)).collect();
    context.ledger.record(&Recording { audit: trail, ..Recording::default() }).await?;
    let absent: Vec<_> = absent.into_iter().map(|attempt| (attempt.row.key, attempt.fence)).collect();
    let released = context.ledger.release(&absent).await?;
    Ok((adopted, released))
}

/// The attempt that a create is found to have been.
pub fn adopt(row: LedgerRow, found: &hub_jira::Found) -> Attempt {
    let hash = found.hash.as_deref().and_then(from_hex).unwrap_or(LedgerRow::UNKNOWN_CONTENT);
    Attempt {
        fence: row.fence,
        hash,
        action: AuditAction::Adopt,
        outcome: Outcome::Applied(hub_destination::Remote {
            id: found.id.clone(),
            key: Some(found.key.clone()),
            version: None,
            // People may have added labels meanwhile; only words of the taxonomy are ours to remove one day.
            labels: found.labels.iter().filter(|l| Label::is_controlled(l)).cloned().collect(),
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
