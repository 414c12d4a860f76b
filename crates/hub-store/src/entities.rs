//! The canonical entities, read. `entities_save` writes them.

use hub_domain::{
    ContentHash, Entity, EntityKind, ExternalId, ProjectId,
    entity::{Coverage, EntityFacts, Identity, Origin},
};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};

use crate::{StoreError, WorkerTx, query::Query, tx::BATCH};

/// An entity with what the table knows about it.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityRow {
    /// The entity.
    pub entity: Entity,
    /// The file that its facts stand in, where they stand in one.
    pub source_file: Option<String>,
    /// The hash of its facts.
    pub content_hash: ContentHash,
    /// When its source no longer held it; nothing while it does.
    pub deleted_at: Option<OffsetDateTime>,
    /// When its facts changed last.
    pub updated_at: OffsetDateTime,
}

static PAGE: Query = Query {
    doing: "read entities",
    sql: "select external_id, source, precedence, payload, content_hash, deleted_at, updated_at, source_file from hub.entities
           where project_id = $1 and entity_type = $2 and external_id > $3 and deleted_at is null
           order by external_id limit $4",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::INT8],
};
static BY_IDS: Query = Query {
    doing: "read entities by their ids",
    sql: "select e.external_id, e.source, e.precedence, e.payload, e.content_hash, e.deleted_at, e.updated_at, e.source_file
            from unnest($3::text[]) u (id)
           cross join lateral (select f.* from hub.entities f
                                where f.project_id = $1 and f.entity_type = $2 and f.external_id = u.id offset 0) e
           order by e.external_id",
    types: &[Type::UUID, Type::TEXT, Type::TEXT_ARRAY],
};
static REPORTS_OF_RUN: Query = Query {
    doing: "list the run's reports",
    sql: "select external_id from hub.entities
           where project_id = $1 and entity_type = 'report' and payload ->> 'run' = $2 and deleted_at is null
           order by external_id",
    types: &[Type::UUID, Type::TEXT],
};
static KNOWN_CASES: Query = Query {
    doing: "count the test cases",
    sql: "select count(*) from hub.entities where project_id = $1 and entity_type = 'test_case' and deleted_at is null
             and payload ->> 'status' <> 'deprecated'",
    types: &[Type::UUID],
};
static EXECUTED_CASES: Query = Query {
    doing: "count the test cases that a run executed",
    sql: "select count(*) from (
            select distinct r.test_case_id from hub.results r
             where r.project_id = $1 and r.run_id = $2
               and r.run_month = (select h.run_month from hub.runs h where h.project_id = $1 and h.run_id = $2)
               and r.status in ('passed', 'failed', 'broken', 'timeout', 'flaky')) x
            join hub.entities e on e.project_id = $1 and e.entity_type = 'test_case' and e.external_id = x.test_case_id
             and e.deleted_at is null and e.payload ->> 'status' <> 'deprecated'",
    types: &[Type::UUID, Type::TEXT],
};
static COUNT_BY_KIND: Query = Query {
    doing: "count the entities",
    sql: "select entity_type, count(*) from hub.entities where project_id = $1 and deleted_at is null
           group by entity_type order by entity_type",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] =
    &[&PAGE, &BY_IDS, &REPORTS_OF_RUN, &KNOWN_CASES, &EXECUTED_CASES, &COUNT_BY_KIND];

impl WorkerTx {
    /// One entity, also a deleted one.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn entity(&self, project: ProjectId, identity: &Identity) -> Result<Option<EntityRow>, StoreError> {
        Ok(self.entities_by_ids(project, identity.kind, std::slice::from_ref(&identity.external_id)).await?.pop())
    }

    /// A page of the entities of a kind that are not deleted, in the order of the database's collation. The last id of a
    /// page asks for the next; a page that is not full is the last.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn entities(
        &self,
        project: ProjectId,
        kind: EntityKind,
        after: Option<&ExternalId>,
        limit: usize,
    ) -> Result<Vec<EntityRow>, StoreError> {
        let after = after.map_or("", ExternalId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&PAGE, &[&project.0, &kind.as_str(), &after, &limit]).await?.iter().map(entity_row).collect()
    }

    /// The entities with these ids that exist, deleted ones included, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn entities_by_ids(
        &self,
        project: ProjectId,
        kind: EntityKind,
        ids: &[ExternalId],
    ) -> Result<Vec<EntityRow>, StoreError> {
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            let ids: Vec<&str> = batch.iter().map(ExternalId::as_str).collect();
            for row in self.rows(&BY_IDS, &[&project.0, &kind.as_str(), &ids]).await? {
                found.push(entity_row(&row)?);
            }
        }
        Ok(found)
    }

    /// The reports about a run that are not deleted.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn reports_of_run(&self, project: ProjectId, run: &ExternalId) -> Result<Vec<ExternalId>, StoreError> {
        self.rows(&REPORTS_OF_RUN, &[&project.0, &run.as_str()]).await?.iter().map(|row| external_id(row, 0)).collect()
    }

    /// How many test cases are in use: not deleted and not deprecated.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn known_cases(&self, project: ProjectId) -> Result<u64, StoreError> {
        Ok(self.rows(&KNOWN_CASES, &[&project.0]).await?.first().map_or(0, |row| count(row, 0)))
    }

    /// How many of them a run executed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn cases_executed(&self, project: ProjectId, run: &ExternalId) -> Result<Coverage, StoreError> {
        let rows = self.rows(&EXECUTED_CASES, &[&project.0, &run.as_str()]).await?;
        let executed = rows.first().map_or(0, |row| count(row, 0));
        Ok(Coverage { executed, known: self.known_cases(project).await? })
    }

    /// How many entities of each kind are not deleted; kinds without any are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn entity_counts(&self, project: ProjectId) -> Result<Vec<(EntityKind, u64)>, StoreError> {
        let rows = self.rows(&COUNT_BY_KIND, &[&project.0]).await?;
        rows.iter().map(|row| Ok((kind(row, 0)?, count(row, 1)))).collect()
    }
}

pub(crate) fn entity_row(row: &Row) -> Result<EntityRow, StoreError> {
    let precedence: i16 = row.get(2);
    let facts: EntityFacts =
        serde_json::from_value(row.get(3)).map_err(|e| StoreError::unreadable("an entity's facts", e))?;
    let entity = Entity {
        external_id: external_id(row, 0)?,
        origin: Origin {
            source: row.get(1),
            precedence: u8::try_from(precedence).map_err(|e| StoreError::unreadable("an entity's precedence", e))?,
            line: None,
        },
        facts,
    };
    Ok(EntityRow {
        entity,
        content_hash: hash(row, 4)?,
        deleted_at: row.get(5),
        updated_at: row.get(6),
        source_file: row.get(7),
    })
}

/// A column that holds an external id.
pub(crate) fn external_id(row: &Row, column: usize) -> Result<ExternalId, StoreError> {
    ExternalId::new(row.get::<_, String>(column)).map_err(|e| StoreError::unreadable("an external id", e))
}

/// A column that holds a kind of entity.
pub(crate) fn kind(row: &Row, column: usize) -> Result<EntityKind, StoreError> {
    let word: String = row.get(column);
    EntityKind::from_word(&word).ok_or_else(|| StoreError::unreadable("an entity's kind", word))
}

/// A column that holds a hash.
pub(crate) fn hash(row: &Row, column: usize) -> Result<ContentHash, StoreError> {
    ContentHash::from_slice(row.get(column)).ok_or_else(|| StoreError::unreadable("a hash", "it is not 32 bytes"))
}

/// A column that counts; a count is never negative.
pub(crate) fn count(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).unwrap_or(0)
}
