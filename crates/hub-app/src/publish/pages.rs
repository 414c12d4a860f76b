//! Pages, parents before children. The server's own unique title makes a create repeatable, and its version makes an
//! update a compare-and-swap, so no announcement is needed.

use std::collections::HashMap;

use hub_confluence::{Confluence, encode::PageWrite, flow::Known};
use hub_destination::{Cause, Outcome, Remote};
use hub_domain::{
    codes,
    facts::{Desired, Destination, ObjectKind, PublicationKey},
};
use hub_store::{AuditAction, LedgerRow};
use tokio::time::Instant;

use super::{
    Context, Session, Tally,
    issues::marker,
    record::{Attempt, announced},
};
use crate::{
    AppError,
    plan::{self, Due},
};

/// Pages that are recorded together: few, because a page's children need its id.
const BATCH: usize = 10;

/// Publishes pages that are due, in the order of their ranks.
pub async fn publish(context: &Context<'_>, session: &mut Session, due: Vec<LedgerRow>) -> Result<Tally, AppError> {
    let mut tally = Tally::default();
    let mut due = due.into_iter().peekable();
    while let Some(first) = due.next() {
        let rank = first.rank;
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Some(next) = due.next_if(|row| row.rank == rank)
        {
            batch.push(next);
        }
        super::add(&mut tally, publish_batch(context, session, batch).await?);
    }
    Ok(tally)
}

/// Publishes pages of one rank, none of which is another's parent.
async fn publish_batch(context: &Context<'_>, session: &mut Session, batch: Vec<LedgerRow>) -> Result<Tally, AppError> {
    let batch = context.ledger.current(batch).await?;
    let parents: Vec<PublicationKey> = batch.iter().filter_map(|due| plan::parent_of(&due.desired)).collect();
    let remotes = context.ledger.remote(&parents).await?;
    let parents: HashMap<PublicationKey, String> = remotes.into_iter().map(|r| (r.key, r.remote_id)).collect();

    let connection = session.confluence(context).await?;
    let confluence = Confluence::new(connection.transport.as_ref(), &connection.capabilities);
    let homepage = &connection.capabilities.homepage_id;
    let site = connection.address.clone();
    let (confluence, parents) = (&confluence, &parents);
    announced(context, &site, batch, Due::key, |Due { row, desired: publication, hash }, fence| async move {
        let parent_id = match plan::parent_of(&publication) {
            Some(parent) => parents.get(&parent).cloned(),
            None => Some(homepage.clone()),
        };
        let (Some(parent_id), Desired::Page(facts)) = (parent_id, publication.desired) else {
            return waits(row, fence, hash, "the page above it is not published yet");
        };
        let write = PageWrite {
            facts: *facts,
            kind: row.key.entity.kind,
            marker: marker(context, Destination::Confluence, &row.key),
            hash,
        };
        let known = known(&row);
        let started = Instant::now();
        let page = confluence.publish(&write, &parent_id, known.as_ref()).await;
        Attempt {
            fence,
            hash,
            action: if known.is_some() { AuditAction::Update } else { AuditAction::Create },
            outcome: page.outcome,
            remote: page.remote,
            parent_id: Some(parent_id),
            duration: started.elapsed(),
            sent: true,
            row,
        }
    })
    .await
}

fn known(row: &LedgerRow) -> Option<Known> {
    Some(Known {
        remote: Remote {
            id: row.remote_id.clone()?,
            key: row.remote_key.clone(),
            version: row.remote_version.and_then(|v| i64::try_from(v).ok()),
            labels: row.remote_labels.clone().unwrap_or_default(),
        },
        parent_id: row.remote_parent.clone(),
    })
}

/// An attempt that was not made, because another object must be published first.
pub fn waits(row: LedgerRow, fence: i64, hash: hub_domain::ContentHash, why: &str) -> Attempt {
    let action = match row.key.object {
        ObjectKind::Issue | ObjectKind::Page => AuditAction::Create,
        ObjectKind::IssueLink | ObjectKind::RemoteLink => AuditAction::Link,
    };
    Attempt {
        fence,
        hash,
        action,
        outcome: Outcome::Retryable(Cause::new(&codes::WAITS_FOR_PARENT, None, why)),
        remote: None,
        parent_id: None,
        duration: std::time::Duration::ZERO,
        sent: false,
        row,
    }
}
