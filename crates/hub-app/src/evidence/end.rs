//! The end of evidence: the rules decide, rows are expired, then objects that nothing needs are deleted. Two steps, so that a process
//! that ends between them leaves an object too many and never a link that promises bytes which are gone.

use hub_domain::{
    Moment, codes,
    evidence::{Held, Verdict, verdict},
};
use hub_evidence::Key;
use hub_store::{Cursor, EvidenceRow, ProjectRow, Store};
use serde::Serialize;
use time::Duration;

use super::Home;
use crate::AppError;

/// Rows looked at in one transaction, and objects deleted in one call.
const BATCH: usize = 1_000;
/// The most pieces that a report names.
const SHOWN: usize = 1_000;

/// What an expiry did, or would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Expired {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Pieces whose time is over, the first of them.
    pub evidence: Vec<Ended>,
    /// Pieces whose time is over.
    pub expired: u64,
    /// Pieces whose time would be over, but they are held.
    pub held: u64,
    /// Their size in bytes; objects that several name count as often.
    pub bytes: u64,
    /// Objects deleted.
    pub objects_deleted: u64,
    /// Rows that were stored again while their object went; they wait and are stored anew.
    pub stored_again: u64,
}

/// One piece whose time is over.
#[derive(Debug, Clone, Serialize)]
pub struct Ended {
    /// The token of its link.
    pub token: String,
    /// The run.
    pub run: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// The outcome of its test.
    pub result: &'static str,
    /// Since when it was known.
    pub created_at: String,
}

/// Applies the project's rules; with `dry_run` only tells.
///
/// # Errors
/// The database's; the store's, and then what is expired and not deleted is deleted the next time.
pub async fn expire(store: &Store, project: &ProjectRow, home: &Home, dry_run: bool) -> Result<Expired, AppError> {
    let settings = crate::settings::load(store, project).await?.evidence;
    let mut done = Expired { dry_run, ..Expired::default() };
    let tx = store.worker(project.tenant_id).await?;
    let now: Moment = tx.now().await?;
    tx.commit().await?;
    let before = now - Duration::days(i64::from(settings.fewest_days()));
    let mut after = String::new();
    loop {
        let tx = store.worker(project.tenant_id).await?;
        let rows = tx.old_evidence(project.id, before, &after, BATCH).await?;
        let Some(last) = rows.last() else {
            tx.commit().await?;
            break;
        };
        after = last.token.clone();
        let going = |row: &&EvidenceRow, legal_hold: bool| {
            let held = Held {
                kind: row.kind,
                result: row.result,
                since: row.created_at,
                legal_hold,
                superseded: row.superseded_at.is_some(),
            };
            verdict(&settings, held, now) == Verdict::Expire
        };
        done.held += rows.iter().filter(|row| row.legal_hold && going(row, false)).count() as u64;
        let over: Vec<&EvidenceRow> = rows.iter().filter(|row| going(row, row.legal_hold)).collect();
        let tokens: Vec<&str> = over.iter().map(|row| row.token.as_str()).collect();
        done.expired += if dry_run { over.len() as u64 } else { tx.expire_evidence(project.id, &tokens).await? };
        tx.commit().await?;
        for row in over {
            done.bytes += row.bytes.unwrap_or(0);
            if done.evidence.len() < SHOWN {
                done.evidence.push(ended(row));
            }
        }
    }
    if !dry_run {
        delete_unused(store, project, home, &mut done).await?;
    }
    Ok(done)
}

/// Deletes the objects that only expired rows name.
async fn delete_unused(store: &Store, project: &ProjectRow, home: &Home, done: &mut Expired) -> Result<(), AppError> {
    let settings = crate::settings::load(store, project).await?.evidence;
    let mut evidence = None;
    loop {
        let tx = store.worker(project.tenant_id).await?;
        let keys = tx.unused_objects(project.id, BATCH).await?;
        tx.commit().await?;
        if keys.is_empty() {
            return Ok(());
        }
        let evidence = match &evidence {
            Some(evidence) => evidence,
            None => evidence.insert(home.open(&settings)?),
        };
        let objects: Vec<Key> = keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        evidence.delete(&objects).await?;
        let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
        let tx = store.worker(project.tenant_id).await?;
        tx.objects_deleted(project.id, &texts).await?;
        // A report that was taken in this moment may have found the object there and relied on it.
        let code = &codes::EVIDENCE_CHANGED;
        done.stored_again +=
            tx.objects_lost(project.id, &texts, code.id, "its object went as it was stored again").await?;
        tx.commit().await?;
        done.objects_deleted += objects.len() as u64;
    }
}

/// Notes that the rules were applied: the next time is in a day.
///
/// # Errors
/// The database's.
pub async fn note(store: &Store, project: &ProjectRow) -> Result<(), AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let cursor = Cursor { whole_at: Some(tx.now().await?), ..Cursor::default() };
    tx.move_cursor(project.id, "evidence", "expiry", &cursor).await?;
    tx.commit().await?;
    Ok(())
}

fn ended(row: &EvidenceRow) -> Ended {
    Ended {
        token: row.token.clone(),
        run: row.run.as_str().to_owned(),
        name: row.name.clone(),
        kind: row.kind.as_str(),
        result: row.result.as_str(),
        created_at: super::list::moment(row.created_at),
    }
}
