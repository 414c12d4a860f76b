//! The rejects that a person works through: problems of files, and conflicts, each with the facts of the source that does
//! not count. A conflict belongs to the file whose facts those are, in no run.

use hub_domain::{
    ContentHash, Entity, EntityKind, ProjectId, codes,
    entity::{EntityFacts, Origin},
};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{
    StoreError, WorkerTx,
    entities::{external_id, kind},
    query::Query,
};

/// A source's facts that do not count, because another source told others.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Who it is, with the facts that do not count and where they stand.
    pub loser: Entity,
    /// The file of those facts.
    pub file: String,
    /// The source that counts: its file, or its name where it has none.
    pub winner: String,
    /// What both say differently.
    pub fields: Vec<String>,
    /// The whole as a sentence's fragment.
    pub message: String,
}

/// A reject as the table holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectRow {
    /// Its number.
    pub id: i64,
    /// The run that its file belongs to; empty for documents and conflicts.
    pub run: String,
    /// The file.
    pub file_name: String,
    /// The code.
    pub code: String,
    /// `repaired`, `rejected` or `fatal`.
    pub severity: String,
    /// What was found.
    pub message: String,
    /// The line.
    pub line: Option<i64>,
    /// The column.
    pub column: Option<i64>,
    /// The record concerned.
    pub subject: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<OffsetDateTime>,
    /// By whom: `hub`, because the file no longer has it, or `person`.
    pub resolved_by: Option<String>,
    /// When it was found first.
    pub created_at: OffsetDateTime,
    /// The kind of entity of a conflict.
    pub kind: Option<EntityKind>,
    /// What the sources of a conflict say differently.
    pub fields: Vec<String>,
    /// The source that counted when the conflict was found last.
    pub other_source: Option<String>,
}

/// The facts of a conflict that do not count.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectedFacts {
    /// Who it is and what was told of it.
    pub entity: Entity,
    /// The file that told it.
    pub file: String,
}

/// Which rejects are listed.
#[derive(Debug, Clone, Default)]
pub struct RejectFilter {
    /// Those with this code.
    pub code: Option<String>,
    /// Those of this file.
    pub file: Option<String>,
    /// The resolved ones as well.
    pub all: bool,
}

macro_rules! COLUMNS {
    () => {
        "r.id, r.run_id, r.file_name, r.code, r.severity, r.message, r.line, r.col, r.subject, r.resolved_at, r.resolved_by,
         r.created_at, r.entity_type, r.fields, r.other_source"
    };
}

static LIST: Query = Query {
    doing: "list the rejects",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from hub.import_rejects r
           where r.project_id = $1 and ($2::text is null or r.code = $2) and ($3::text is null or r.file_name = $3)
             and ($4 or r.resolved_at is null)
           order by array_position(array['fatal', 'rejected', 'repaired'], r.severity), r.file_name collate \"C\", r.line, r.id
           limit $5"
    ),
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::BOOL, Type::INT8],
};
static GET: Query = Query {
    doing: "read rejects",
    sql: concat!(
        "select ",
        COLUMNS!(),
        ", r.external_id, r.source, r.facts from hub.import_rejects r where r.project_id = $1 and r.id = any($2) order by r.id"
    ),
    types: &[Type::UUID, Type::INT8_ARRAY],
};
static RESOLVE: Query = Query {
    doing: "resolve rejects",
    sql: "update hub.import_rejects set resolved_at = coalesce(resolved_at, now()), resolved_by = 'person'
           where project_id = $1 and id = any($2) and resolved_by is distinct from 'person'",
    types: &[Type::UUID, Type::INT8_ARRAY],
};
static ADD: Query = Query {
    doing: "record a conflict",
    // What a person resolved stays so; everything else is open again.
    sql: "insert into hub.import_rejects as r (tenant_id, project_id, run_id, file_name, code, severity, message, line, subject,
            content_hash, entity_type, external_id, source, other_source, fields, facts, facts_hash, resolved_at, resolved_by)
          values ($1, $2, '', $3, $4, 'rejected', $5, $6, $7, $8, $9, $7, $10, $11, $12, $13, $14,
            case when $15 then now() end, case when $15 then 'person' end)
          on conflict (project_id, run_id, file_name, content_hash) do update set
            message = excluded.message, line = coalesce(excluded.line, r.line), other_source = excluded.other_source,
            fields = excluded.fields,
            resolved_at = case when $15 then now() when r.resolved_by = 'person' then r.resolved_at end,
            resolved_by = case when $15 or r.resolved_by = 'person' then 'person' end
          returning r.id, r.resolved_at is null",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::BYTEA,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::JSONB,
        Type::BYTEA,
        Type::BOOL,
    ],
};
static GONE: Query = Query {
    doing: "resolve conflicts that a file no longer has",
    sql: "update hub.import_rejects r set resolved_at = coalesce(r.resolved_at, now()), resolved_by = 'hub'
           where r.project_id = $1 and r.run_id = '' and r.file_name = $2 and r.facts is not null
             and (r.resolved_at is null or r.resolved_by = 'person') and not (r.id = any($3))",
    types: &[Type::UUID, Type::TEXT, Type::INT8_ARRAY],
};
static AGREED: Query = Query {
    doing: "resolve conflicts on which the sources now agree",
    sql: "update hub.import_rejects r set resolved_at = now(), resolved_by = 'hub'
            from hub.entities e
           where r.project_id = $1 and r.facts is not null and r.resolved_at is null and e.project_id = r.project_id
             and e.entity_type = r.entity_type and e.external_id = r.external_id and e.content_hash = r.facts_hash",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] = &[&LIST, &GET, &RESOLVE, &ADD, &GONE, &AGREED];

impl WorkerTx {
    /// The rejects of a project, worst first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn rejects(
        &self,
        project: ProjectId,
        filter: &RejectFilter,
        limit: usize,
    ) -> Result<Vec<RejectRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (code, file) = (filter.code.as_deref(), filter.file.as_deref());
        self.rows(&LIST, &[&project.0, &code, &file, &filter.all, &limit]).await?.iter().map(reject).collect()
    }

    /// Rejects by their numbers, each with its facts where it is a conflict; those that are not there are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn rejects_by_ids(
        &self,
        project: ProjectId,
        ids: &[i64],
    ) -> Result<Vec<(RejectRow, Option<RejectedFacts>)>, StoreError> {
        let rows = self.rows(&GET, &[&project.0, &ids]).await?;
        rows.iter().map(|row| Ok((reject(row)?, rejected_facts(row)?))).collect()
    }

    /// Marks rejects as resolved by a person. Returns how many were not.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn resolve_rejects(&self, project: ProjectId, ids: &[i64]) -> Result<u64, StoreError> {
        self.run(&RESOLVE, &[&project.0, &ids]).await
    }

    /// Records a conflict, once however often it is met. `by_person` records it as resolved, because a person has decided.
    /// Returns its number and whether it is open.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`].
    pub async fn add_conflict(
        &self,
        project: ProjectId,
        conflict: &Conflict,
        by_person: bool,
    ) -> Result<(i64, bool), StoreError> {
        let loser = &conflict.loser;
        let kind = loser.facts.kind().as_str();
        let facts_hash = loser.content_hash()?;
        let identity = ContentHash::of(&(kind, loser.external_id.as_str(), &loser.origin.source, facts_hash.to_hex()))?;
        let facts: Value =
            serde_json::to_value(&loser.facts).map_err(|e| StoreError::unreadable("an entity's facts", e))?;
        let line = loser.origin.line.and_then(|line| i64::try_from(line).ok());
        let rows = self
            .rows(
                &ADD,
                &[
                    &self.tenant().0,
                    &project.0,
                    &conflict.file,
                    &codes::SOURCES_DISAGREE.id,
                    &conflict.message,
                    &line,
                    &loser.external_id.as_str(),
                    &identity.0.as_slice(),
                    &kind,
                    &loser.origin.source,
                    &conflict.winner,
                    &conflict.fields,
                    &facts,
                    &facts_hash.0.as_slice(),
                    &by_person,
                ],
            )
            .await?;
        Ok(rows.first().map_or((0, false), |row| (row.get(0), row.get(1))))
    }

    /// Resolves the conflicts of a file that its latest version no longer has, and those anywhere on which the sources agree
    /// by now. `found` are the numbers of those that it has; nothing where it was not read to its end, and so says nothing
    /// of what it no longer has.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn settle_conflicts(
        &self,
        project: ProjectId,
        file: &str,
        found: Option<&[i64]>,
    ) -> Result<(), StoreError> {
        if let Some(found) = found {
            self.run(&GONE, &[&project.0, &file, &found]).await?;
        }
        self.run(&AGREED, &[&project.0]).await?;
        Ok(())
    }
}

fn reject(row: &Row) -> Result<RejectRow, StoreError> {
    Ok(RejectRow {
        id: row.get(0),
        run: row.get(1),
        file_name: row.get(2),
        code: row.get(3),
        severity: row.get(4),
        message: row.get(5),
        line: row.get(6),
        column: row.get(7),
        subject: row.get(8),
        resolved_at: row.get(9),
        resolved_by: row.get(10),
        created_at: row.get(11),
        kind: row.get::<_, Option<&str>>(12).map(|_| kind(row, 12)).transpose()?,
        fields: row.get::<_, Option<Vec<String>>>(13).unwrap_or_default(),
        other_source: row.get(14),
    })
}

fn rejected_facts(row: &Row) -> Result<Option<RejectedFacts>, StoreError> {
    let Some(facts) = row.get::<_, Option<Value>>(17) else { return Ok(None) };
    let facts: EntityFacts =
        serde_json::from_value(facts).map_err(|e| StoreError::unreadable("the facts of a reject", e))?;
    let line = row.get::<_, Option<i64>>(6).and_then(|line| u64::try_from(line).ok());
    let source: Option<String> = row.get(16);
    let origin = Origin { source: source.unwrap_or_default(), precedence: crate::PRECEDENCE_PERSON, line };
    Ok(Some(RejectedFacts { entity: Entity { external_id: external_id(row, 15)?, origin, facts }, file: row.get(2) }))
}
