//! Recovery mode: the database lost its latest commits (a restore, a failover to a replica that lagged), so Jira may hold
//! issues that the ledger does not know. Creates are held; when every create that was on its way can no longer take
//! effect, the site's keys above the highest known one are read and what carries a marker of ours is adopted. A create of
//! the lost time lies above that number: Jira numbers upwards, and what the ledger still knows is older.

use std::collections::HashMap;

use hub_domain::facts::{Destination, PublicationKey};
use hub_jira::{Found, Jira};
use hub_store::LedgerRow;

use super::{
    Context, Session, Tally,
    issues::marker,
    record::{Attempt, save},
    resolve::{ANSWERED_WITHIN, adopt},
};
use crate::AppError;

/// Rows that are compared with the site's issues at once.
const PAGE: usize = 1_000;

/// Whether the project's creates are held.
pub async fn holds(context: &Context<'_>) -> Result<bool, AppError> {
    Ok(context.guards.recovery() && context.ledger.recovery().await?.is_some())
}

/// Ends the holding once its time has come. Returns what was adopted.
pub async fn lost_commits(context: &Context<'_>, session: &mut Session) -> Result<Tally, AppError> {
    if !context.guards.recovery() {
        return Ok(Tally::default());
    }
    let Some(recovery) = context.ledger.recovery().await? else { return Ok(Tally::default()) };
    if recovery.age <= context.guards.doubt() {
        return Ok(Tally::default());
    }
    let connection = session.jira(context, true).await?;
    let site = connection.address.clone();
    let jira = Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
    // Announcements that survived name the number known then, which is never above what is known now.
    let open = context.ledger.open_creates(ANSWERED_WITHIN).await?;
    let known = context.ledger.highest_key().await?.unwrap_or(0);
    let lowest = open.iter().map(|open| open.row.lowest_key.unwrap_or(0)).fold(known, u64::min);
    let found = jira.scan_above(lowest).await.map_err(|outcome| AppError::stopped(&site, outcome))?;
    let mut by_marker: HashMap<String, Found> = HashMap::new();
    for issue in found {
        if let Some(marker) = issue.marker.clone() {
            // Keys come upwards: of two with one marker, the older is the one to keep.
            by_marker.entry(marker).or_insert(issue);
        }
    }
    let mut adopted = Tally::default();
    let mut after: Option<PublicationKey> = None;
    loop {
        let page: Vec<LedgerRow> = context.ledger.missing(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        let attempts: Vec<Attempt> = page
            .into_iter()
            .filter_map(|row| {
                let found = by_marker.remove(marker(context, Destination::Jira, &row.key).as_str())?;
                Some(adopt(row, &found))
            })
            .collect();
        if !attempts.is_empty() {
            super::add(&mut adopted, save(context, &site, attempts).await?);
        }
    }
    context.ledger.recovered(&recovery, adopted.adopted).await?;
    tracing::info!(project = %context.project.key, adopted = adopted.adopted, "creates go on after a loss of commits");
    Ok(adopted)
}
