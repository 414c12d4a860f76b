//! Rows against objects, both ways: objects that no row names, and rows whose object is not there.

use std::collections::HashSet;

use futures::TryStreamExt;
use hub_domain::{codes, evidence::EvidenceState};
use hub_evidence::{Key, key};
use hub_store::{ProjectRow, Store};
use serde::Serialize;

use super::Home;
use crate::AppError;

/// Rows and keys compared in one go.
const BATCH: usize = 1_000;
/// The most keys that a report names.
const SHOWN: usize = 100;

/// What a check found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Checked {
    /// Objects of the project in the store.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Objects that no row names, the first of them.
    pub orphans: Vec<String>,
    /// How many.
    pub orphans_found: u64,
    /// How many of them were deleted.
    pub orphans_deleted: u64,
    /// Objects that rows name and that are not there, the first of them.
    pub lost: Vec<String>,
    /// How many rows name such objects; they wait and are stored anew where their bytes can be had.
    pub lost_found: u64,
}

/// Compares rows and objects of a project. With `delete` orphans go.
///
/// # Errors
/// The database's and the store's.
pub async fn check(store: &Store, project: &ProjectRow, home: &Home, delete: bool) -> Result<Checked, AppError> {
    let settings = crate::settings::load(store, project).await?.evidence;
    let evidence = home.open(&settings)?;
    let mut checked = Checked::default();
    // By their sums: a million of them are 32 MB.
    let mut there: HashSet<[u8; 32]> = HashSet::new();
    let mut batch: Vec<Key> = Vec::with_capacity(BATCH);
    let mut orphans: Vec<Key> = Vec::new();
    let mut objects = evidence.list(&key::folder(project.tenant_id, &project.key));
    while let Some(object) = objects.try_next().await? {
        checked.objects += 1;
        checked.bytes += object.bytes;
        there.extend(sum(object.key.as_str()));
        batch.push(object.key);
        if batch.len() == BATCH {
            orphans.extend(unknown(store, project, std::mem::take(&mut batch)).await?);
        }
    }
    orphans.extend(unknown(store, project, batch).await?);
    checked.orphans_found = orphans.len() as u64;
    checked.orphans = orphans.iter().take(SHOWN).map(Key::to_string).collect();
    if delete {
        evidence.delete(&orphans).await?;
        checked.orphans_deleted = checked.orphans_found;
    }
    let mut after = String::new();
    loop {
        let tx = store.worker(project.tenant_id).await?;
        let rows = tx.evidence(project.id, None, &after, BATCH).await?;
        let Some(last) = rows.last() else {
            tx.commit().await?;
            return Ok(checked);
        };
        after = last.token.clone();
        let lost: HashSet<&str> = rows
            .iter()
            .filter(|row| row.state == EvidenceState::Stored)
            .filter_map(|row| row.key.as_deref())
            .filter(|key| sum(key).is_none_or(|sum| !there.contains(&sum)))
            .collect();
        let lost: Vec<&str> = lost.into_iter().collect();
        if !lost.is_empty() {
            let code = &codes::EVIDENCE_CHANGED;
            checked.lost_found += tx.objects_lost(project.id, &lost, code.id, "its object is not in the store").await?;
            let room = SHOWN.saturating_sub(checked.lost.len());
            checked.lost.extend(lost.iter().take(room).map(|key| (*key).to_owned()));
        }
        tx.commit().await?;
    }
}

async fn unknown(store: &Store, project: &ProjectRow, keys: Vec<Key>) -> Result<Vec<Key>, AppError> {
    let texts: Vec<&str> = keys.iter().map(Key::as_str).collect();
    let tx = store.worker(project.tenant_id).await?;
    let known: HashSet<String> = tx.known_objects(project.id, &texts).await?.into_iter().collect();
    tx.commit().await?;
    Ok(keys.into_iter().filter(|key| !known.contains(key.as_str())).collect())
}

/// The sum in a key.
fn sum(key: &str) -> Option<[u8; 32]> {
    let key = Key::parse(key).ok()?;
    let hex = key.sha256();
    let mut sum = [0; 32];
    for (index, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    (hex.len() == 64).then_some(sum)
}
