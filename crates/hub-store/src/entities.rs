//! The canonical entities. Saving asks by hash first: keys and hashes are sent, and payloads only of what is new or
//! changed, so that a second import of the same data writes nothing at all, not even a row lock.

use std::collections::{HashMap, HashSet};

use hub_domain::{
    ContentHash, Entity, EntityKind, ExternalId, ProjectId,
    entity::{Coverage, EntityFacts, Identity, Origin},
};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::{StoreError, WorkerTx, query::Query, tx::BATCH};

/// What saving did to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It was not there.
    Inserted,
    /// It was there with other facts, or as deleted.
    Updated,
    /// It was there with the same facts.
    Unchanged,
    /// A source with a higher precedence has told other facts, or the same call held later facts of it.
    Outranked,
}

/// An entity and what saving did to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upserted {
    /// Who it is.
    pub identity: Identity,
    /// What happened.
    pub changed: Change,
}

/// Precedence of facts that a person decided for: nothing outranks them, and their own source keeps telling them. The
/// statements below name it, and 50, the least precedence of a document: what is derived from titles is below.
pub const PRECEDENCE_PERSON: u8 = 100;

/// Two sources that tell different facts of one entity, when one of them was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Rivals {
    /// What was there before.
    pub before: EntityRow,
    /// What was to be saved.
    pub told: Entity,
    /// Whether it was: otherwise what was there counts more.
    pub saved: bool,
}

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

static COMPARE: Query = Query {
    doing: "compare entities by their hashes",
    // 0 new, 1 equal and of a source that counts at least as much, 2 outranked, 3 to be written, 4 to be written although the
    // facts are equal: the source counts more than the one that told them before. Facts that a person decided for follow
    // their own source, whatever it counts otherwise. What is there comes along where another document told it. `offset 0`
    // keeps it a lookup by key for each row: without statistics, as in a first import, the planner joins with all rows of
    // the tenant instead, and time grows with the square.
    sql: "select v.verdict, case when v.verdict in (2, 3) and v.rivals then v.external_id end, v.source, v.precedence, v.payload,
                 v.content_hash, v.deleted_at, v.updated_at, v.source_file
            from (
          select u.n, e.external_id, e.source, e.precedence, e.content_hash, e.deleted_at, e.updated_at, e.source_file,
                 case
                 when e.content_hash is null then 0
                 when e.content_hash = u.hash and e.deleted_at is null then case when e.precedence >= u.precedence then 1 else 4 end
                 when e.precedence > u.precedence and not o.own then 2
                 else 3 end as verdict,
                 o.rivals, case when o.rivals and e.content_hash <> u.hash then e.payload end as payload
            from unnest($2::text[], $3::text[], $4::bytea[], $5::int2[], $6::text[]) with ordinality u (kind, id, hash, precedence, source, n)
            left join lateral (select f.external_id, f.source, f.precedence, f.payload, f.content_hash, f.deleted_at, f.updated_at,
                                      f.source_file
                                 from hub.entities f
                                where f.project_id = $1 and f.entity_type = u.kind and f.external_id = u.id offset 0) e on true
           cross join lateral (select
                 coalesce(e.precedence = 100 and e.source = u.source and e.source_file is not distinct from $7, false) as own,
                 coalesce($7::text is not null and e.deleted_at is null and u.kind in ('test_case', 'defect')
                   and e.precedence >= 50 and u.precedence >= 50
                   and (e.source <> u.source or e.source_file is distinct from $7), false) as rivals) o) v
           order by v.n",
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
        Type::INT2_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT,
    ],
};
static SAVE: Query = Query {
    doing: "save entities",
    // In the order of the key, so that two imports at once wait for each other and never for ever.
    sql: "insert into hub.entities as e
            (project_id, tenant_id, entity_type, external_id, title, source, precedence, payload, content_hash, source_file)
          select $1, $2, u.*, $10 from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::int2[], $8::jsonb[], $9::bytea[])
            u (kind, id, title, source, precedence, payload, hash)
           order by u.kind, u.id
          on conflict (project_id, entity_type, external_id) do update set
            title = excluded.title, source = excluded.source, source_file = excluded.source_file, payload = excluded.payload,
            precedence = case when e.precedence = 100 then 100 else excluded.precedence end, content_hash = excluded.content_hash, deleted_at = null,
            updated_at = case when e.content_hash = excluded.content_hash and e.deleted_at is null
                              then e.updated_at else now() end
          where e.precedence <= excluded.precedence
             or (e.precedence = 100 and e.source = excluded.source and e.source_file is not distinct from excluded.source_file)
          returning entity_type, external_id",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT2_ARRAY,
        Type::JSONB_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT,
    ],
};
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
    &[&COMPARE, &SAVE, &PAGE, &BY_IDS, &REPORTS_OF_RUN, &KNOWN_CASES, &EXECUTED_CASES, &COUNT_BY_KIND];

impl WorkerTx {
    /// Saves entities and says what became of each, in the order given. Where one occurs twice, the later of the highest
    /// precedence counts. A deleted entity that is told again is no longer deleted.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`].
    pub async fn upsert_entities(&self, project: ProjectId, entities: &[Entity]) -> Result<Vec<Upserted>, StoreError> {
        Ok(self.upsert_entities_of(project, None, entities).await?.0)
    }

    /// The same for entities that stand in a file, and what another document has told of them otherwise.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`], [`StoreError::Unreadable`].
    pub async fn upsert_entities_of(
        &self,
        project: ProjectId,
        file: Option<&str>,
        entities: &[Entity],
    ) -> Result<(Vec<Upserted>, Vec<Rivals>), StoreError> {
        let mut winners: HashMap<Identity, usize> = HashMap::with_capacity(entities.len());
        for (index, entity) in entities.iter().enumerate() {
            let winner = winners.entry(entity.identity()).or_insert(index);
            if entities.get(*winner).is_some_and(|best| best.origin.precedence <= entity.origin.precedence) {
                *winner = index;
            }
        }
        let mut done: Vec<Upserted> = entities
            .iter()
            .map(|entity| Upserted { identity: entity.identity(), changed: Change::Outranked })
            .collect();
        let mut rivals = Vec::new();
        let mut indexes: Vec<usize> = winners.into_values().collect();
        indexes.sort_unstable();
        for batch in indexes.chunks(BATCH) {
            let batch: Vec<(usize, &Entity)> =
                batch.iter().filter_map(|index| Some((*index, entities.get(*index)?))).collect();
            for (index, changed) in self.upsert_batch(project, file, &batch, &mut rivals).await? {
                if let Some(upserted) = done.get_mut(index) {
                    upserted.changed = changed;
                }
            }
        }
        Ok((done, rivals))
    }

    async fn upsert_batch(
        &self,
        project: ProjectId,
        file: Option<&str>,
        batch: &[(usize, &Entity)],
        rivals: &mut Vec<Rivals>,
    ) -> Result<Vec<(usize, Change)>, StoreError> {
        let hashes = batch.iter().map(|(_, entity)| entity.content_hash()).collect::<Result<Vec<_>, _>>()?;
        let hash_bytes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        let kinds: Vec<&str> = batch.iter().map(|(_, entity)| entity.facts.kind().as_str()).collect();
        let ids: Vec<&str> = batch.iter().map(|(_, entity)| entity.external_id.as_str()).collect();
        let precedences: Vec<i16> = batch.iter().map(|(_, entity)| i16::from(entity.origin.precedence)).collect();
        let sources: Vec<&str> = batch.iter().map(|(_, entity)| entity.origin.source.as_str()).collect();
        let verdicts =
            self.rows(&COMPARE, &[&project.0, &kinds, &ids, &hash_bytes, &precedences, &sources, &file]).await?;

        let mut changes = Vec::with_capacity(batch.len());
        let mut rows = Columns::default();
        for (((index, entity), hash), row) in batch.iter().zip(&hash_bytes).zip(&verdicts) {
            let (changed, write) = match row.get::<_, i32>(0) {
                0 => (Change::Inserted, true),
                1 => (Change::Unchanged, false),
                2 => (Change::Outranked, false),
                4 => (Change::Unchanged, true),
                _ => (Change::Updated, true),
            };
            changes.push((*index, changed));
            if write {
                rows.push(entity, hash)?;
            }
            if row.get::<_, Option<&str>>(1).is_some() {
                let before = entity_row_at(row, 1)?;
                rivals.push(Rivals { before, told: (*entity).clone(), saved: write });
            }
        }
        if !rows.kinds.is_empty() {
            let parameters: [&(dyn ToSql + Sync); 10] = [
                &project.0,
                &self.tenant().0,
                &rows.kinds,
                &rows.ids,
                &rows.titles,
                &rows.sources,
                &rows.precedences,
                &rows.payloads,
                &rows.hashes,
                &file,
            ];
            let saved = self.rows(&SAVE, &parameters).await?;
            let saved: HashSet<(&str, &str)> = saved.iter().map(|row| (row.get(0), row.get(1))).collect();
            // Another transaction may have told more between the comparison and here.
            for ((_, changed), (_, entity)) in changes.iter_mut().zip(batch) {
                let is_saved = saved.contains(&(entity.facts.kind().as_str(), entity.external_id.as_str()));
                if matches!(changed, Change::Inserted | Change::Updated) && !is_saved {
                    *changed = Change::Outranked;
                }
            }
        }
        Ok(changes)
    }

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

/// Entities as columns, which is how a statement takes a thousand of them.
#[derive(Default)]
struct Columns<'a> {
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    titles: Vec<&'a str>,
    sources: Vec<&'a str>,
    precedences: Vec<i16>,
    payloads: Vec<Value>,
    hashes: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, entity: &'a Entity, hash: &'a [u8]) -> Result<(), StoreError> {
        self.kinds.push(entity.facts.kind().as_str());
        self.ids.push(entity.external_id.as_str());
        self.titles.push(entity.facts.title());
        self.sources.push(&entity.origin.source);
        self.precedences.push(i16::from(entity.origin.precedence));
        let payload =
            serde_json::to_value(&entity.facts).map_err(|e| StoreError::unreadable("an entity's facts", e))?;
        self.payloads.push(payload);
        self.hashes.push(hash);
        Ok(())
    }
}

fn entity_row(row: &Row) -> Result<EntityRow, StoreError> {
    entity_row_at(row, 0)
}

/// An entity whose columns begin at a place.
fn entity_row_at(row: &Row, first: usize) -> Result<EntityRow, StoreError> {
    let precedence: i16 = row.get(first + 2);
    let facts: EntityFacts =
        serde_json::from_value(row.get(first + 3)).map_err(|e| StoreError::unreadable("an entity's facts", e))?;
    let entity = Entity {
        external_id: external_id(row, first)?,
        origin: Origin {
            source: row.get(first + 1),
            precedence: u8::try_from(precedence).map_err(|e| StoreError::unreadable("an entity's precedence", e))?,
            line: None,
        },
        facts,
    };
    Ok(EntityRow {
        entity,
        content_hash: hash(row, first + 4)?,
        deleted_at: row.get(first + 5),
        updated_at: row.get(first + 6),
        source_file: row.get(first + 7),
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
