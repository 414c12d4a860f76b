//! Issues: each one that is published is read by its id, and new keys are read for markers of ours that the ledger has
//! elsewhere.

use std::collections::HashMap;

use hub_domain::{
    ContentHash, IssueKey,
    facts::{Destination, ObjectKind, PublicationKey},
};
use hub_jira::{Found, Jira, calls::MAX_BULK_FETCH};
use hub_store::{Cursor, Finding, FindingKind, LedgerRow};

use super::{Audit, SOURCE};
use crate::{
    AppError,
    publish::{Session, adopt, marker, ours, save},
};

/// The keys that one audit looks through for duplicates: the next one goes on.
const MOST_READS: u64 = 1_000;

/// Compares every published issue with the site.
pub(super) async fn compare(audit: &mut Audit<'_>, session: &mut Session) -> Result<(), AppError> {
    let context = audit.context;
    let project = context.project;
    let mut after: Option<PublicationKey> = None;
    loop {
        let tx = audit.store.worker(project.tenant_id).await?;
        let rows = tx.published(project.id, ObjectKind::Issue, after.as_ref(), MAX_BULK_FETCH).await?;
        tx.commit().await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        let connection = session.jira(context, true).await?;
        let jira = Jira::new(connection.transport.as_ref(), &project.jira_project_key);
        let ids: Vec<String> = rows.iter().filter_map(|row| row.remote_id.clone()).collect();
        let found = jira.find(&ids).await.map_err(|outcome| AppError::stopped(&connection.address, outcome))?;
        let found: HashMap<&str, &Found> = found.iter().map(|found| (found.id.as_str(), found)).collect();
        let mut findings = Vec::new();
        let mut stale = Vec::new();
        let mut moved = Vec::new();
        for row in &rows {
            let (Some(id), Some(published)) = (row.remote_id.as_deref(), row.published_hash) else { continue };
            audit.report.issues += 1;
            let finding = |kind, remote: &str, detail: &str, is_healed| Finding {
                kind,
                object: ObjectKind::Issue,
                entity: row.key.entity.clone(),
                remote_ref: remote.to_owned(),
                detail: detail.to_owned(),
                is_healed,
            };
            let key = row.remote_key.as_deref().unwrap_or(id);
            let Some(there) = found.get(id) else {
                let what = "it was deleted, or the account no longer sees it; nothing is created in its place";
                findings.push(finding(FindingKind::Gone, key, what, false));
                continue;
            };
            if there.key != key {
                findings.push(finding(FindingKind::Moved, &there.key, &format!("it was {key}"), true));
                moved.push((id.to_owned(), there.key.clone()));
            }
            let ours = marker(context, Destination::Jira, &row.key);
            let holds = there.marker.as_deref() == Some(ours.as_str())
                && there.hash.as_deref() == Some(published.to_hex().as_str());
            if !holds && published != LedgerRow::UNKNOWN_CONTENT {
                let what = "its property does not name what was published last; it is written again";
                findings.push(finding(FindingKind::Stale, &there.key, what, true));
                stale.push((row.key.clone(), published));
            }
        }
        heal(audit, &stale, &moved).await?;
        audit.note(&findings).await?;
    }
}

/// Tells the ledger what it can mend: contents to write again, keys to follow.
async fn heal(
    audit: &Audit<'_>,
    stale: &[(PublicationKey, ContentHash)],
    moved: &[(String, String)],
) -> Result<(), AppError> {
    let project = audit.context.project;
    let tx = audit.store.worker(project.tenant_id).await?;
    tx.distrust(project.id, stale).await?;
    for (id, key) in moved {
        tx.follow(project.id, ObjectKind::Issue, id, key).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Reads the keys that are new since the last audit. A marker of ours on an issue that the ledger does not name is a create
/// that took effect after all: it is adopted where the ledger has no other issue, and else shown as a duplicate. Returns
/// whether the end of the keys was reached.
pub(super) async fn look_for_duplicates(audit: &mut Audit<'_>, session: &mut Session) -> Result<bool, AppError> {
    let context = audit.context;
    let project = context.project;
    let tx = audit.store.worker(project.tenant_id).await?;
    let cursor = tx.cursor(project.id, SOURCE, "keys").await?;
    tx.commit().await?;
    // A cursor of another Jira project, before the project got this one, means nothing here.
    let lowest = cursor
        .id
        .as_deref()
        .and_then(|key| IssueKey::new(key).ok())
        .filter(|key| key.as_str().rsplit_once('-').is_some_and(|(name, _)| name == project.jira_project_key))
        .map_or(0, |key| key.number());
    let connection = session.jira(context, true).await?;
    let address = connection.address.clone();
    let jira = Jira::new(connection.transport.as_ref(), &project.jira_project_key);
    let scan = jira.scan(lowest, MOST_READS).await.map_err(|outcome| AppError::stopped(&address, outcome))?;
    audit.report.keys_upto = scan.upto;
    let candidates: Vec<(PublicationKey, &Found)> =
        scan.issues.iter().filter_map(|found| Some((ours(context, found)?, found))).collect();
    let keys: Vec<PublicationKey> = candidates.iter().map(|(key, _)| key.clone()).collect();
    let rows = context.ledger.rows(&keys).await?;
    let rows: HashMap<&PublicationKey, &LedgerRow> = rows.iter().map(|row| (&row.key, row)).collect();
    let mut findings = Vec::new();
    let mut late = Vec::new();
    let mut taken = std::collections::HashSet::new();
    for (key, found) in &candidates {
        let Some(row) = rows.get(key) else { continue };
        match row.remote_id.as_deref() {
            Some(id) if id == found.id => {}
            // A create that is still open is the resolver's.
            None if row.sent_at.is_some() => {}
            None if taken.insert(key.clone()) => late.push(adopt((*row).clone(), found)),
            Some(_) | None => findings.push(Finding {
                kind: FindingKind::Duplicate,
                object: ObjectKind::Issue,
                entity: key.entity.clone(),
                remote_ref: found.key.clone(),
                detail: format!(
                    "the hub keeps {}; a person decides what becomes of this one",
                    row.remote_key.as_deref().unwrap_or("another")
                ),
                is_healed: false,
            }),
        }
    }
    if !late.is_empty() {
        save(context, &address, late).await?;
    }
    audit.note(&findings).await?;
    // The last block is read again next time: what was created meanwhile may lie in it. Duplicates that are known are met
    // again only where they are, so the cursor waits below the lowest of them.
    let upto = findings
        .iter()
        .filter_map(|finding| IssueKey::new(&finding.remote_ref).ok())
        .map(|key| key.number() - 1)
        .fold(scan.upto.saturating_sub(MAX_BULK_FETCH as u64).max(lowest), u64::min);
    if upto > 0 {
        let tx = audit.store.worker(project.tenant_id).await?;
        let to = Cursor { id: Some(format!("{}-{upto}", project.jira_project_key)), ..Cursor::default() };
        tx.move_cursor(project.id, SOURCE, "keys", &to).await?;
        tx.commit().await?;
    }
    Ok(scan.is_whole)
}
