//! Links, once both of their ends are published. Both kinds are absorbed by Jira when they are repeated.

use std::collections::HashMap;

use hub_destination::{Outcome, Remote};
use hub_domain::facts::{Desired, ObjectKind, PublicationKey};
use hub_jira::Jira;
use hub_store::{AuditAction, LedgerRow, RemoteRef};
use tokio::time::Instant;

use super::{
    Context, Session, Tally,
    pages::waits,
    record::{Attempt, announced},
};
use crate::{AppError, plan::Due};

/// What a link needs: its row, what it shall be, and the remote ends that are published.
struct Ends {
    row: LedgerRow,
    desired: Desired,
    hash: hub_domain::ContentHash,
    from: Option<RemoteRef>,
    to: Option<RemoteRef>,
}

impl Ends {
    fn key(&self) -> &PublicationKey {
        &self.row.key
    }
}

/// Loads links with their ends. A link's target is an issue or a page, by its kind.
async fn load(context: &Context<'_>, due: Vec<LedgerRow>, target: ObjectKind) -> Result<Vec<Ends>, AppError> {
    let keys: Vec<PublicationKey> = due.iter().map(|row| row.key.clone()).collect();
    let due = context.ledger.current(due).await?;
    let from =
        |key: &PublicationKey| PublicationKey { object: ObjectKind::Issue, entity: key.entity.clone(), target: None };
    let to =
        |key: &PublicationKey| key.target.clone().map(|entity| PublicationKey { object: target, entity, target: None });
    let ends: Vec<PublicationKey> = keys.iter().flat_map(|k| [Some(from(k)), to(k)]).flatten().collect();
    let remotes: HashMap<PublicationKey, RemoteRef> =
        context.ledger.remote(&ends).await?.into_iter().map(|r| (r.key.clone(), r)).collect();
    let ends = |due: Due| Ends {
        from: remotes.get(&from(&due.row.key)).cloned(),
        to: to(&due.row.key).and_then(|key| remotes.get(&key).cloned()),
        desired: due.desired.desired,
        hash: due.hash,
        row: due.row,
    };
    Ok(due.into_iter().map(ends).collect())
}

/// Publishes links between issues.
pub async fn publish_issue_links(
    context: &Context<'_>,
    session: &mut Session,
    due: Vec<LedgerRow>,
) -> Result<Tally, AppError> {
    let links = load(context, due, ObjectKind::Issue).await?;
    let connection = session.jira(context, false).await?;
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    let site = connection.address.clone();
    let jira = &jira;
    announced(context, &site, links, Ends::key, |link, fence| async move {
        let Desired::IssueLink(facts) = link.desired.clone() else {
            return waits(link.row, fence, link.hash, "it is no link between issues");
        };
        let keys = link
            .from
            .as_ref()
            .and_then(|r| r.remote_key.clone())
            .zip(link.to.as_ref().and_then(|r| r.remote_key.clone()));
        let Some((from, to)) = keys else {
            return waits(link.row, fence, link.hash, "an issue at one of its ends is not published yet");
        };
        let started = Instant::now();
        let outcome = jira.link(&facts, &from, &to).await;
        attempt(link, fence, outcome, started)
    })
    .await
}

/// Publishes links from issues to pages.
pub async fn publish_remote_links(
    context: &Context<'_>,
    session: &mut Session,
    due: Vec<LedgerRow>,
) -> Result<Tally, AppError> {
    let links = load(context, due, ObjectKind::Page).await?;
    let connection = session.jira(context, false).await?;
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    let site = connection.address.clone();
    let (jira, address) = (&jira, site.as_str());
    announced(context, &site, links, Ends::key, |link, fence| async move {
        let Desired::RemoteLink(facts) = link.desired.clone() else {
            return waits(link.row, fence, link.hash, "it is no link to a page");
        };
        let (Some(issue), Some(page)) = (link.from.clone(), link.to.clone()) else {
            return waits(link.row, fence, link.hash, "its issue or its page is not published yet");
        };
        let path =
            page.remote_key.clone().unwrap_or_else(|| format!("/wiki/pages/viewpage.action?pageId={}", page.remote_id));
        let started = Instant::now();
        let outcome = jira.remote_link(&facts, &issue.remote_id, &page.remote_id, &format!("{address}{path}")).await;
        attempt(link, fence, outcome, started)
    })
    .await
}

fn attempt(link: Ends, fence: i64, outcome: Outcome, started: Instant) -> Attempt {
    Attempt {
        fence,
        hash: link.hash,
        action: AuditAction::Link,
        outcome,
        remote: link.row.remote_id.clone().map(|id| Remote { id, ..Remote::default() }),
        parent_id: None,
        duration: started.elapsed(),
        sent: true,
        row: link.row,
    }
}
