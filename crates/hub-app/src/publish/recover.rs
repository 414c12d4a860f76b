//! Recovery mode: the database lost its latest commits (a restore, a failover to a replica that lagged), so Jira may hold
//! issues that the ledger does not know. Creates are held; when every create that was on its way can no longer take
//! effect, the site's keys above the highest known one are read and what carries a marker of ours is adopted. A create of
//! the lost time lies above that number: Jira numbers upwards, and what the ledger still knows is older.

use hub_store::KeysRead;

use super::{
    Context, Session, Tally,
    keys::Search,
    resolve::{ANSWERED_WITHIN, SEARCH_EVERY, search},
};
use crate::AppError;

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
    // Announcements that survived name the number known then, which is never above what is known now.
    let open = context.ledger.open_creates(ANSWERED_WITHIN).await?;
    let lowest = open.iter().map(|open| open.row.lowest_key.unwrap_or(0)).fold(recovery.floor, u64::min);
    let Some(mut scan) = context.ledger.claim_scan(SEARCH_EVERY).await? else { return Ok(Tally::default()) };
    // What was read before the loss was told to a ledger that has forgotten it.
    scan.read = KeysRead::default();
    let (adopted, _) = search(context, session, &mut scan, lowest, Search::Proof).await?;
    context.ledger.recovered(&recovery, adopted.adopted).await?;
    tracing::info!(project = %context.project.key, adopted = adopted.adopted, "creates go on after a loss of commits");
    Ok(adopted)
}
