//! Pages: the space's own list is compared with what is published.

use std::collections::HashMap;

use hub_confluence::{Confluence, encode::version_message, flow::Seen};
use hub_domain::facts::{ObjectKind, PublicationKey};
use hub_store::{Finding, FindingKind};

use super::Audit;
use crate::{AppError, publish::Session};

/// Rows that are compared at once.
const PAGE: usize = 500;

/// Compares every published page with the space.
pub(super) async fn compare(audit: &mut Audit<'_>, session: &mut Session) -> Result<(), AppError> {
    let context = audit.context;
    let project = context.project;
    let listed_at = context.ledger.now().await?;
    let mut listed: Option<HashMap<String, Seen>> = None;
    let mut after: Option<PublicationKey> = None;
    loop {
        let tx = audit.store.worker(project.tenant_id).await?;
        let rows = tx.published(project.id, ObjectKind::Page, after.as_ref(), PAGE).await?;
        tx.commit().await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.key.clone());
        if listed.is_none() {
            let connection = session.confluence(context).await?;
            let confluence = Confluence::new(connection.transport.as_ref(), &connection.capabilities);
            let pages = confluence.pages().await.map_err(|outcome| AppError::stopped(&connection.address, outcome))?;
            listed = Some(pages.into_iter().map(|page| (page.id.clone(), page)).collect());
        }
        let mut findings = Vec::new();
        let mut stale = Vec::new();
        for row in &rows {
            let (Some(id), Some(published)) = (row.remote_id.as_deref(), row.published_hash) else { continue };
            // What was published after the list was read is not in it.
            if row.published_at.is_none_or(|at| at >= listed_at) {
                continue;
            }
            audit.report.pages += 1;
            let finding = |kind, detail: String| Finding {
                kind,
                object: ObjectKind::Page,
                entity: row.key.entity.clone(),
                remote_ref: id.to_owned(),
                detail,
                is_healed: false,
            };
            match listed.as_ref().and_then(|pages| pages.get(id)) {
                None => {
                    let what = "it was deleted, archived or moved to another space; nothing is created in its place";
                    findings.push(finding(FindingKind::Gone, what.to_owned()));
                }
                Some(page) if page.message == version_message(&published) => {}
                Some(page) if page.version <= i64::try_from(row.remote_version.unwrap_or(0)).unwrap_or(i64::MAX) => {}
                Some(page) if page.by_us => {
                    let what = "its last version is the hub's and not the one recorded; it is written again";
                    findings.push(Finding { is_healed: true, ..finding(FindingKind::Stale, what.to_owned()) });
                    stale.push((row.key.clone(), published));
                }
                Some(page) => {
                    let what =
                        format!("version {} is a person's; the next change of its facts replaces it", page.version);
                    findings.push(finding(FindingKind::Edited, what));
                }
            }
        }
        let tx = audit.store.worker(project.tenant_id).await?;
        tx.distrust(project.id, &stale).await?;
        tx.commit().await?;
        audit.note(&findings).await?;
    }
}
