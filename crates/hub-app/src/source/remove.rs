//! Rows that a source no longer has. Nothing is deleted at the sites: an entity is marked, and its issue and page say so.

use std::collections::{BTreeMap, BTreeSet};

use hub_domain::{EntityKind, ExternalId, entity::Identity, settings::SourceStream};

use super::Pull;
use crate::{
    AppError,
    ingest::{RunArguments, run},
    plan,
};

/// Rows in one transaction.
const BATCH: usize = 500;

/// Forgets rows and marks what they were. Returns how many there were.
pub async fn rows(pull: &Pull<'_>, stream: SourceStream, keys: &[String]) -> Result<u64, AppError> {
    let (project, source) = (pull.project, pull.settings.name.as_str());
    let mut gone = 0;
    for batch in keys.chunks(BATCH) {
        let keys: Vec<&str> = batch.iter().map(String::as_str).collect();
        let tx = pull.store.worker(project.tenant_id).await?;
        let forgotten = tx.forget_source_rows(project.id, source, stream.as_str(), &keys).await?;
        gone += forgotten.len() as u64;
        let mut results: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut entities = Vec::new();
        for row in &forgotten {
            match row.run.as_deref() {
                Some(run) => results.entry(run).or_default().push(&row.id),
                None => entities.push((row.kind.as_str(), row.id.as_str())),
            }
        }
        let mut touched: BTreeSet<Identity> =
            tx.tombstone(project.id, &pull.origin(), &entities).await?.into_iter().collect();
        for (id, keys) in results {
            let Ok(id) = ExternalId::new(id) else { continue };
            let Some(month) = tx.run_month(project.id, &id).await? else { continue };
            tx.remove_results(project.id, month, &id, &keys).await?;
            let identity = Identity { kind: EntityKind::Run, external_id: id.clone() };
            // A run that is gone itself stays as it was seen last.
            if tx.entity(project.id, &identity).await?.is_some_and(|row| row.deleted_at.is_none()) {
                run::save_within(&tx, project, &id, &RunArguments::default(), false, None, &mut touched).await?;
            }
        }
        let touched: Vec<Identity> = touched.into_iter().collect();
        plan::within(&tx, project, &touched).await?;
        tx.commit().await?;
    }
    Ok(gone)
}
