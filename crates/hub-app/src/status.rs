//! What stands where: projects, what is published, what waits and why, and the addresses of what is published.

use hub_domain::{EntityKind, facts::ObjectKind};
use hub_store::{ProjectRow, Store};
use serde::Serialize;

use crate::{
    AppError,
    audit::{self, FindingLine},
};

/// How many publications of one kind are in a state.
#[derive(Debug, Clone, Serialize)]
pub struct StateCount {
    /// Of what.
    pub object: ObjectKind,
    /// In which state.
    pub state: &'static str,
    /// How many.
    pub count: u64,
}

/// A cause that holds publications up, with how many.
#[derive(Debug, Clone, Serialize)]
pub struct CauseCount {
    /// Of what.
    pub object: ObjectKind,
    /// In which state.
    pub state: &'static str,
    /// The stable code.
    pub code: String,
    /// One of the messages.
    pub message: String,
    /// How many.
    pub count: u64,
}

/// Where a published object is.
#[derive(Debug, Clone, Serialize)]
pub struct Address {
    /// What it is.
    pub object: ObjectKind,
    /// Of which entity.
    pub entity: EntityKind,
    /// The entity's id in its source.
    pub external_id: String,
    /// Its web address.
    pub url: String,
}

/// A project and what stands where.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectStatus {
    /// The project's key.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Its site.
    pub site: String,
    /// Its Jira project.
    pub jira_project: String,
    /// Its Confluence space.
    pub confluence_space: String,
    /// Entities by kind.
    pub entities: Vec<(EntityKind, u64)>,
    /// Publications by kind and state.
    pub publications: Vec<StateCount>,
    /// What holds publications up.
    pub causes: Vec<CauseCount>,
    /// What audits found at the sites and a person has to decide, the first 50.
    pub findings: Vec<FindingLine>,
}

/// The status of a project.
///
/// # Errors
/// The database's.
pub async fn of(store: &Store, row: &ProjectRow) -> Result<ProjectStatus, AppError> {
    let site = store.connectors(row.id).await?.into_iter().next().map(|c| c.base_url).unwrap_or_default();
    let tx = store.worker(row.tenant_id).await?;
    let entities = tx.entity_counts(row.id).await?;
    let lines = tx.summary(row.id).await?;
    let causes = tx.causes(row.id).await?;
    tx.commit().await?;
    Ok(ProjectStatus {
        project: row.key.to_string(),
        name: row.name.clone(),
        site,
        jira_project: row.jira_project_key.clone(),
        confluence_space: row.confluence_space_key.to_string(),
        entities,
        publications: lines
            .into_iter()
            .map(|l| StateCount { object: l.object, state: l.state.as_str(), count: l.rows })
            .collect(),
        causes: causes
            .into_iter()
            .map(|c| CauseCount {
                object: c.object,
                state: c.state.as_str(),
                code: c.code,
                message: c.message,
                count: c.rows,
            })
            .collect(),
        findings: audit::findings(store, row, 50).await?,
    })
}

/// The addresses of what is published of one kind, in the order of ids, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn addresses(
    store: &Store,
    row: &ProjectRow,
    object: ObjectKind,
    limit: usize,
) -> Result<Vec<Address>, AppError> {
    let site = store.connectors(row.id).await?.into_iter().next().map(|c| c.base_url).unwrap_or_default();
    let tx = store.worker(row.tenant_id).await?;
    let published = tx.published(row.id, object, None, limit).await?;
    tx.commit().await?;
    Ok(published
        .into_iter()
        .filter_map(|p| {
            let key = p.remote_key?;
            let path = match object {
                ObjectKind::Issue => format!("/browse/{key}"),
                ObjectKind::Page | ObjectKind::IssueLink | ObjectKind::RemoteLink => key,
            };
            Some(Address {
                object,
                entity: p.key.entity.kind,
                external_id: p.key.entity.external_id.to_string(),
                url: format!("{site}{path}"),
            })
        })
        .collect())
}
