//! Rejects: what of the files could not be taken, was repaired, or does not count because another source says otherwise. A
//! person looks at them, marks them as seen, or lets the other source count.

use hub_domain::{Entity, codes, entity::EntityFacts};
use hub_pipeline::rivals;
use hub_store::{Conflict, EntityRow, ProjectRow, RejectFilter, RejectRow, RejectedFacts, Store, WorkerTx};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{AppError, plan};

/// One reject.
#[derive(Debug, Clone, Serialize)]
pub struct Reject {
    /// Its number, as `rejects show` and `resolve` take it.
    pub id: i64,
    /// The stable code.
    pub code: String,
    /// What it costs: `repaired`, `rejected`, `fatal`.
    pub severity: String,
    /// The file.
    pub file: String,
    /// The run that the file belongs to.
    pub run: Option<String>,
    /// The line.
    pub line: Option<i64>,
    /// The column.
    pub column: Option<i64>,
    /// The record concerned.
    pub subject: Option<String>,
    /// What was found.
    pub message: String,
    /// When it was found first.
    #[serde(with = "time::serde::rfc3339")]
    pub found_at: OffsetDateTime,
    /// When it was resolved.
    #[serde(with = "time::serde::rfc3339::option")]
    pub resolved_at: Option<OffsetDateTime>,
    /// By whom: `hub`, because the file no longer has it, or `person`.
    pub resolved_by: Option<String>,
    /// Of two sources that disagree, the fields in which they do.
    pub fields: Vec<String>,
}

/// One reject with all that is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct Details {
    /// The reject.
    #[serde(flatten)]
    pub reject: Reject,
    /// What to do.
    pub hint: &'static str,
    /// Of two sources that disagree, both.
    pub versions: Option<Versions>,
}

/// What two sources say of one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Versions {
    /// What counts now.
    pub counts: Option<Version>,
    /// What was rejected.
    pub rejected: Version,
}

/// What one source says.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// The file, or the source where it is none.
    pub source: String,
    /// What it says.
    pub facts: EntityFacts,
}

/// What resolving did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// How many rejects are resolved that were not.
    pub resolved: u64,
    /// How many entities have other facts now.
    pub taken: u64,
    /// Publications that are due because of it.
    pub publications_due: u64,
}

impl From<RejectRow> for Reject {
    fn from(row: RejectRow) -> Self {
        Self {
            id: row.id,
            code: row.code,
            severity: row.severity,
            file: row.file_name,
            run: Some(row.run).filter(|run| !run.is_empty()),
            line: row.line,
            column: row.column,
            subject: row.subject,
            message: row.message,
            found_at: row.created_at,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by,
            fields: row.fields,
        }
    }
}

/// Lists rejects, worst first, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn list(
    store: &Store,
    project: &ProjectRow,
    filter: &RejectFilter,
    limit: usize,
) -> Result<Vec<Reject>, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let rows = tx.rejects(project.id, filter, limit).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(Reject::from).collect())
}

/// One reject with all that is known of it.
///
/// # Errors
/// The database's; [`AppError::Argument`] where there is no such reject.
pub async fn show(store: &Store, project: &ProjectRow, id: i64) -> Result<Details, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let found = tx.rejects_by_ids(project.id, &[id]).await?;
    let (row, facts) = found.into_iter().next().ok_or_else(|| missing(id))?;
    let versions = match facts {
        None => None,
        Some(facts) => {
            let now = tx.entity(project.id, &facts.entity.identity()).await?.filter(|row| row.deleted_at.is_none());
            let counts = now.map(|row| Version { source: source_of(&row), facts: row.entity.facts });
            Some(Versions { counts, rejected: Version { source: facts.file, facts: facts.entity.facts } })
        }
    };
    tx.commit().await?;
    let hint = codes::find(&row.code).map_or("", |code| code.hint);
    Ok(Details { reject: row.into(), hint, versions })
}

/// Marks rejects as seen by a person. With `take`, the rejected facts of each count from now on, whatever any other source
/// says: only what their own source tells anew changes them.
///
/// # Errors
/// The database's; [`AppError::Argument`] where a number is no reject's, or where there is nothing to take.
pub async fn resolve(store: &Store, project: &ProjectRow, ids: &[i64], take: bool) -> Result<Resolved, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let found = tx.rejects_by_ids(project.id, ids).await?;
    if let Some(id) = ids.iter().find(|id| !found.iter().any(|(row, _)| row.id == **id)) {
        return Err(missing(*id));
    }
    let (mut taken, mut publications_due) = (0, 0);
    if take {
        for (row, facts) in found {
            let Some(facts) = facts else {
                return Err(AppError::Argument {
                    what: format!("--take for reject {}", row.id),
                    rule: format!("{} is no disagreement of two sources, so there is nothing to take", row.code),
                });
            };
            let identity = facts.entity.identity();
            taken += u64::from(take_one(&tx, project, facts).await?);
            publications_due += plan::within(&tx, project, std::slice::from_ref(&identity)).await?;
        }
    }
    let resolved = tx.resolve_rejects(project.id, ids).await?;
    tx.commit().await?;
    Ok(Resolved { resolved, taken, publications_due })
}

/// Lets rejected facts count. Returns whether anything changed.
async fn take_one(tx: &WorkerTx, project: &ProjectRow, facts: RejectedFacts) -> Result<bool, AppError> {
    let RejectedFacts { mut entity, file } = facts;
    let before = tx.entity(project.id, &entity.identity()).await?.filter(|row| row.deleted_at.is_none());
    if let Some(before) = &before {
        keep_names(&mut entity, &before.entity);
    }
    let (upserted, _) = tx.upsert_entities_of(project.id, Some(&file), std::slice::from_ref(&entity)).await?;
    // The other way round is on record as well, decided: whoever changes their mind finds it, and nobody is asked again.
    if let Some(before) = before {
        let fields = rivals::differences(&entity.facts, &before.entity.facts);
        if !fields.is_empty() {
            let name = rivals::name(entity.facts.kind(), &entity.external_id);
            let conflict = Conflict {
                file: source_of(&before),
                loser: before.entity,
                message: format!("{name}: a person let {file} count, of which {} differ", fields.join(", ")),
                winner: file,
                fields: fields.into_iter().map(str::to_owned).collect(),
            };
            tx.add_conflict(project.id, &conflict, true).await?;
        }
    }
    Ok(upserted.iter().any(|one| matches!(one.changed, hub_store::Change::Updated | hub_store::Change::Inserted)))
}

/// A defect keeps the cases whose rows name it: they are no part of what the sources disagree on.
fn keep_names(entity: &mut Entity, before: &Entity) {
    if let (EntityFacts::Defect(defect), EntityFacts::Defect(before)) = (&mut entity.facts, &before.facts) {
        defect.named_by.clone_from(&before.named_by);
    }
}

fn source_of(row: &EntityRow) -> String {
    row.source_file.clone().unwrap_or_else(|| row.entity.origin.source.clone())
}

fn missing(id: i64) -> AppError {
    AppError::Argument { what: format!("reject {id}"), rule: "the project has none with this number".to_owned() }
}
