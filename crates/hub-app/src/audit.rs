//! The audit of the sites: whether they still hold what the ledger says. What lies outside of the publishing protocol's
//! assumptions (a create that took effect after all, an issue that a person moved, deleted or copied, a lost write) is
//! healed where the hub can do it without harm, and shown where a person has to decide. Nothing is ever deleted.
//!
//! It costs one read for 100 issues, one for 100 keys that are new since the last audit, and one for 250 pages.

mod issues;
mod pages;

use hub_domain::{Moment, facts::ObjectKind};
use hub_store::{Cursor, Finding, FindingKind, ProjectRow, Store};
use serde::Serialize;

use crate::{
    AppError,
    meter::Calls,
    publish::{Context, Session},
};

/// How a project's last whole audit is remembered.
const SOURCE: &str = "audit";

/// A finding for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingLine {
    /// How the site differs.
    pub kind: &'static str,
    /// The kind of object.
    pub object: ObjectKind,
    /// The entity's kind and id.
    pub entity: String,
    /// The object that differs.
    pub remote: String,
    /// What a person should know.
    pub detail: String,
    /// Whether nothing is left to do.
    pub healed: bool,
}

impl FindingLine {
    fn of(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.as_str(),
            object: finding.object,
            entity: format!("{}/{}", finding.entity.kind.as_str(), finding.entity.external_id),
            remote: finding.remote_ref.clone(),
            detail: finding.detail.clone(),
            healed: finding.is_healed,
        }
    }
}

/// What an audit came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Issues that were compared.
    pub issues: u64,
    /// Pages that were compared.
    pub pages: u64,
    /// Keys up to which duplicates were looked for.
    pub keys_upto: u64,
    /// What differs.
    pub findings: Vec<FindingLine>,
    /// The calls that it took.
    pub calls: Calls,
}

/// What a part of an audit works with.
struct Audit<'a> {
    store: &'a Store,
    context: &'a Context<'a>,
    report: AuditReport,
}

impl Audit<'_> {
    /// Records findings.
    async fn note(&mut self, findings: &[Finding]) -> Result<(), AppError> {
        if findings.is_empty() {
            return Ok(());
        }
        let project = self.context.project;
        let tx = self.store.worker(project.tenant_id).await?;
        tx.note_findings(project.id, findings).await?;
        tx.commit().await?;
        for finding in findings.iter().filter(|finding| finding.kind == FindingKind::Duplicate) {
            tracing::warn!(project = %project.key, remote = %finding.remote_ref, "two live issues carry one marker");
        }
        self.report.findings.extend(findings.iter().map(FindingLine::of));
        Ok(())
    }

    /// Closes what a whole audit of a kind did not meet again.
    async fn close(&self, object: ObjectKind, began_at: Moment) -> Result<(), AppError> {
        let project = self.context.project;
        let tx = self.store.worker(project.tenant_id).await?;
        tx.close_findings(project.id, object, began_at).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Audits a project.
///
/// # Errors
/// The database's, or a site that stops the whole work. A read that failed ends the audit, and its findings stay.
pub async fn run(store: &Store, context: &Context<'_>, session: &mut Session) -> Result<AuditReport, AppError> {
    let project = context.project;
    let began_at = context.ledger.now().await?;
    let mut audit = Audit { store, context, report: AuditReport::default() };
    issues::compare(&mut audit, session).await?;
    // What lies beyond the keys of this audit has not been met, and is not gone for that.
    if issues::look_for_duplicates(&mut audit, session).await? {
        audit.close(ObjectKind::Issue, began_at).await?;
    }
    pages::compare(&mut audit, session).await?;
    audit.close(ObjectKind::Page, began_at).await?;
    let tx = store.worker(project.tenant_id).await?;
    let done = Cursor { whole_at: Some(began_at), ..Cursor::default() };
    tx.move_cursor(project.id, SOURCE, "whole", &done).await?;
    tx.commit().await?;
    audit.report.calls = session.calls();
    Ok(audit.report)
}

/// Open findings of a project.
///
/// # Errors
/// The database's.
pub async fn findings(store: &Store, project: &ProjectRow, limit: usize) -> Result<Vec<FindingLine>, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let rows = tx.findings(project.id, limit).await?;
    tx.commit().await?;
    Ok(rows.iter().map(|row| FindingLine::of(&row.finding)).collect())
}
