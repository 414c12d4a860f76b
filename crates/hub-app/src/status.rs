//! What stands where: projects, what is published, what waits and why, and the addresses of what is published.

use hub_domain::{EntityKind, Moment, codes, facts::ObjectKind};
use hub_store::{LaneLine, ProjectRow, Store};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

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

/// A lane that has a bell, a worker or a stop.
#[derive(Debug, Clone, Serialize)]
pub struct LaneState {
    /// The kind of work.
    pub kind: String,
    /// Whether a worker is at it.
    pub busy: bool,
    /// When its bell wakes it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wakes_at: Option<Moment>,
    /// Stops in a row.
    pub stops: u32,
    /// Why it waits: the stable code.
    pub code: Option<String>,
    /// Why it waits, in words.
    pub message: Option<String>,
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
    /// Whether it is archived: nothing of it is published.
    pub archived: bool,
    /// Its lanes that are not silent.
    pub lanes: Vec<LaneState>,
    /// Entities by kind.
    pub entities: Vec<(EntityKind, u64)>,
    /// Publications by kind and state.
    pub publications: Vec<StateCount>,
    /// What holds publications up.
    pub causes: Vec<CauseCount>,
    /// Since when creates are held, because the database lost commits and the sites have to be looked at first.
    pub creates_held_since: Option<String>,
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
    let held = tx.recovery(row.id, store.server_seen()).await?;
    tx.commit().await?;
    Ok(ProjectStatus {
        project: row.key.to_string(),
        name: row.name.clone(),
        site,
        jira_project: row.jira_project_key.clone(),
        confluence_space: row.confluence_space_key.to_string(),
        archived: row.archived_at.is_some(),
        lanes: store.lane_lines(row.id).await?.into_iter().map(lane_state).collect(),
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
        creates_held_since: held.and_then(|held| held.began_at.format(&Rfc3339).ok()),
        findings: audit::findings(store, row, 50).await?,
    })
}

/// What the queue's engine was told counts where the lane itself says nothing: a job that only a newer version understands.
fn lane_state(line: LaneLine) -> LaneState {
    let told = line.last_error.as_deref().and_then(|text| {
        let (_, after) = text.split_once("HUB-")?;
        let (number, message) = after.split_once(' ')?;
        Some((codes::find(&format!("HUB-{number}"))?.id, message.trim_end_matches(['"', ')'])))
    });
    LaneState {
        kind: line.kind,
        busy: line.busy,
        wakes_at: line.run_at,
        stops: line.stops,
        code: line.error_code.or_else(|| told.map(|(code, _)| code.to_owned())),
        message: line.error.or_else(|| told.map(|(_, message)| message.to_owned())),
    }
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
