//! The canonical entities, written. Saving asks by hash first: keys and hashes are sent, and payloads only of what is new or
//! changed, so that a second import of the same data writes nothing at all, not even a row lock. Where no entity is near,
//! as in a first import, even that question is left out.
//!
//! Entities go in pieces, in the order of their key, so that two imports at once wait for each other and never for ever.
//! While the database works on what it was sent, the next piece is hashed.

use std::{collections::HashSet, error::Error};

use bytes::{BufMut as _, BytesMut};
use futures::{FutureExt as _, future::join};
use hub_domain::{
    CanonicalJson, ContentHash, Entity, ProjectId, TenantId,
    entity::{EntityFacts, Identity},
};
use tokio_postgres::types::{IsNull, Json, ToSql, Type, to_sql_checked};

use crate::{
    StoreError, WorkerTx,
    entities::{EntityRow, count, entity_row},
    query::Query,
    tx::meanwhile,
};

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

/// How many entities or results are compared or written by one statement. With more of them, what the database unpacks no
/// longer fits its processor's cache, and there is no next piece to be made ready meanwhile; with fewer, planning counts.
pub(crate) const PIECE: usize = 200;

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

/// An insert, without what happens to a row that is there.
macro_rules! insert {
    () => {
        "insert into hub.entities as e
            (project_id, tenant_id, entity_type, external_id, title, source, precedence, payload, content_hash, source_file)
          select $1, $2, u.*, $10 from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::int2[], $8::jsonb[], $9::bytea[])
            u (kind, id, title, source, precedence, payload, hash)"
    };
}

static NEAR: Query = Query {
    doing: "look for entities among new ones",
    // One look between the least and the greatest key of each kind: where nothing is, as in a first import that is in the
    // order of its ids, no row has to be looked for.
    sql: "select exists (
            select from (select u.kind, min(u.id) as least, max(u.id) as greatest
                           from unnest($2::text[], $3::text[]) u (kind, id) group by u.kind) r
             cross join lateral (select from hub.entities f
                                  where f.project_id = $1 and f.entity_type = r.kind and f.external_id >= r.least
                                    and f.external_id <= r.greatest limit 1) e)",
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
static COMPARE: Query = Query {
    doing: "compare entities by their hashes",
    // 0 new, 1 equal and of a source that counts at least as much, which needs no answer, 2 outranked, 3 to be written, 4 to
    // be written although the facts are equal: the source counts more than the one that told them before. Facts that a
    // person decided for follow their own source, whatever it counts otherwise. Rivals are two documents that tell different
    // facts. `offset 0` keeps it a lookup by key for each row: without statistics, as in a first import, the planner joins
    // with all rows of the tenant instead, and time grows with the square.
    sql: "select v.n, v.verdict, v.verdict in (2, 3) and v.rivals from (
          select u.n,
                 case
                 when e.content_hash is null then 0
                 when e.content_hash = u.hash and e.deleted_at is null then case when e.precedence >= u.precedence then 1 else 4 end
                 when e.precedence > u.precedence
                   and not (e.precedence = 100 and e.source = u.source and e.source_file is not distinct from $7) then 2
                 else 3 end as verdict,
                 coalesce($7::text is not null and e.deleted_at is null and u.kind in ('test_case', 'defect')
                   and e.precedence >= 50 and u.precedence >= 50
                   and (e.source <> u.source or e.source_file is distinct from $7), false) as rivals
            from unnest($2::text[], $3::text[], $4::bytea[], $5::int2[], $6::text[]) with ordinality u (kind, id, hash, precedence, source, n)
            left join lateral (select f.source, f.precedence, f.content_hash, f.deleted_at, f.source_file
                                 from hub.entities f
                                where f.project_id = $1 and f.entity_type = u.kind and f.external_id = u.id offset 0) e on true
          ) v where v.verdict <> 1",
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
static RIVALS: Query = Query {
    doing: "read what another document told",
    sql: "select e.external_id, e.source, e.precedence, e.payload, e.content_hash, e.deleted_at, e.updated_at, e.source_file, u.n
            from unnest($2::text[], $3::text[], $4::int8[]) u (kind, id, n)
           cross join lateral (select f.* from hub.entities f
                                where f.project_id = $1 and f.entity_type = u.kind and f.external_id = u.id offset 0) e
           order by u.n",
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::INT8_ARRAY],
};
/// The parameters of the statements that write entities.
const COLUMNS: &[Type] = &[
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
];
static ADD: Query = Query { doing: "add entities", sql: insert!(), types: COLUMNS };
static SAVE: Query = Query {
    doing: "save entities",
    sql: concat!(
        insert!(),
        "
          on conflict (project_id, entity_type, external_id) do update set
            title = excluded.title, source = excluded.source, source_file = excluded.source_file, payload = excluded.payload,
            precedence = case when e.precedence = 100 then 100 else excluded.precedence end, content_hash = excluded.content_hash, deleted_at = null,
            updated_at = case when e.content_hash = excluded.content_hash and e.deleted_at is null
                              then e.updated_at else now() end
          where e.precedence <= excluded.precedence
             or (e.precedence = 100 and e.source = excluded.source and e.source_file is not distinct from excluded.source_file)
          returning entity_type, external_id"
    ),
    types: COLUMNS,
};

pub(crate) static QUERIES: &[&Query] = &[&NEAR, &COMPARE, &RIVALS, &ADD, &SAVE];

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
        let mut done: Vec<Upserted> = entities
            .iter()
            .map(|entity| Upserted { identity: entity.identity(), changed: Change::Outranked })
            .collect();
        let mut winners: Vec<(usize, &Entity)> = entities.iter().enumerate().collect();
        winners.sort_unstable_by_key(|(index, entity)| {
            (key(entity), std::cmp::Reverse((entity.origin.precedence, *index)))
        });
        winners.dedup_by_key(|(_, entity)| key(entity));
        let (indexes, winners): (Vec<usize>, Vec<&Entity>) = winners.into_iter().unzip();
        let (verdicts, rivals) = self.save(project, file, &winners).await?;
        for (index, verdict) in indexes.into_iter().zip(verdicts) {
            if let Some(upserted) = done.get_mut(index) {
                upserted.changed = verdict.change();
            }
        }
        Ok((done, rivals))
    }

    /// Saves entities that are in the order of their keys.
    async fn save(
        &self,
        project: ProjectId,
        file: Option<&str>,
        entities: &[&Entity],
    ) -> Result<(Vec<Verdict>, Vec<Rivals>), StoreError> {
        let pieces: Vec<_> = entities.chunks(PIECE).collect();
        let first = pieces.first().copied().unwrap_or_default();
        let (none_near, first) = join(self.none_near(project, entities), meanwhile(|| hash_all(first))).await;
        let first = first?;
        if none_near? && self.add(project, file, &pieces, &first).await? {
            return Ok((vec![Verdict::New; entities.len()], Vec::new()));
        }
        let (mut hashed, mut verdicts, mut rivals) = (vec![first], Vec::new(), Vec::new());
        for (number, piece) in pieces.iter().enumerate() {
            let of_piece = hashed.get(number).map_or(&[] as &[_], Vec::as_slice);
            let next = pieces.get(number + 1).copied().unwrap_or_default();
            let (compared, next) =
                join(self.compare(project, file, piece, of_piece), meanwhile(|| hash_all(next))).await;
            let (of_piece, with_rivals) = compared?;
            rivals.extend(with_rivals.into_iter().map(|at| verdicts.len() + at));
            verdicts.extend(of_piece);
            hashed.push(next?);
        }
        let rivals = self.rivals(project, entities, &rivals, &verdicts).await?;
        let rows: Vec<_> = entities.iter().copied().zip(hashed.iter().flatten()).collect();
        self.write(project, file, &rows, &mut verdicts).await?;
        Ok((verdicts, rivals))
    }

    /// Whether no entity is where these would be. Not asked for a few, which are compared as quickly.
    async fn none_near(&self, project: ProjectId, entities: &[&Entity]) -> Result<bool, StoreError> {
        if entities.len() <= PIECE / 4 {
            return Ok(false);
        }
        let (kinds, ids): (Vec<&str>, Vec<&str>) = entities.iter().map(|entity| key(entity)).unzip();
        let rows = self.rows(&NEAR, &[&project.0, &kinds, &ids]).await?;
        Ok(rows.first().is_some_and(|row| !row.get::<_, bool>(0)))
    }

    /// Adds entities that are new, of which the first piece is hashed. Returns whether it did: where another transaction was
    /// faster with one of them, none is added.
    async fn add(
        &self,
        project: ProjectId,
        file: Option<&str>,
        pieces: &[&[&Entity]],
        first: &[Hashed],
    ) -> Result<bool, StoreError> {
        let mut first = Some(first);
        let pieces = pieces.iter().map(|piece| self.add_piece(project, file, piece, first.take()).boxed());
        self.insert(pieces.collect()).await
    }

    async fn add_piece(
        &self,
        project: ProjectId,
        file: Option<&str>,
        piece: &[&Entity],
        hashed: Option<&[Hashed]>,
    ) -> Result<(), StoreError> {
        let own = if hashed.is_none() { hash_all(piece)? } else { Vec::new() };
        self.send_columns(project, file, &Columns::of(piece.iter().copied().zip(hashed.unwrap_or(&own)))).await
    }

    async fn send_columns(
        &self,
        project: ProjectId,
        file: Option<&str>,
        columns: &Columns<'_>,
    ) -> Result<(), StoreError> {
        self.send(&ADD, &columns.parameters(&project, &self.tenant(), &file)).await
    }

    /// Asks what is to become of entities. Returns it, and which have rivals.
    async fn compare(
        &self,
        project: ProjectId,
        file: Option<&str>,
        piece: &[&Entity],
        hashed: &[Hashed],
    ) -> Result<(Vec<Verdict>, Vec<usize>), StoreError> {
        let hashes: Vec<&[u8]> = hashed.iter().map(|one| one.hash.0.as_slice()).collect();
        let (kinds, ids): (Vec<&str>, Vec<&str>) = piece.iter().map(|entity| key(entity)).unzip();
        let precedences: Vec<i16> = piece.iter().map(|entity| i16::from(entity.origin.precedence)).collect();
        let sources: Vec<&str> = piece.iter().map(|entity| entity.origin.source.as_str()).collect();
        let rows = self.rows(&COMPARE, &[&project.0, &kinds, &ids, &hashes, &precedences, &sources, &file]).await?;
        let mut verdicts = vec![Verdict::Equal; piece.len()];
        let mut rivals = Vec::new();
        for row in &rows {
            let at = usize::try_from(count(row, 0).saturating_sub(1)).unwrap_or(usize::MAX);
            if let Some(verdict) = verdicts.get_mut(at) {
                *verdict = Verdict::of(row.get(1));
            }
            if row.get(2) {
                rivals.push(at);
            }
        }
        Ok((verdicts, rivals))
    }

    /// What was there of entities of which another document tells something else now.
    async fn rivals(
        &self,
        project: ProjectId,
        entities: &[&Entity],
        which: &[usize],
        verdicts: &[Verdict],
    ) -> Result<Vec<Rivals>, StoreError> {
        if which.is_empty() {
            return Ok(Vec::new());
        }
        let told: Vec<(&Entity, Verdict)> =
            which.iter().filter_map(|at| Some((*entities.get(*at)?, *verdicts.get(*at)?))).collect();
        let (kinds, ids): (Vec<&str>, Vec<&str>) = told.iter().map(|(entity, _)| key(entity)).unzip();
        let places: Vec<i64> = (0..).take(told.len()).collect();
        let rows = self.rows(&RIVALS, &[&project.0, &kinds, &ids, &places]).await?;
        let rivals = rows.iter().filter_map(|row| {
            let (entity, verdict) = told.get(usize::try_from(count(row, 8)).ok()?)?;
            let rivals = |before| Rivals { before, told: (*entity).clone(), saved: verdict.is_written() };
            Some(entity_row(row).map(rivals))
        });
        rivals.collect()
    }

    /// Writes what is to be written, and corrects the verdicts where another transaction has told more since.
    async fn write(
        &self,
        project: ProjectId,
        file: Option<&str>,
        rows: &[(&Entity, &Hashed)],
        verdicts: &mut [Verdict],
    ) -> Result<(), StoreError> {
        let due: Vec<usize> = (0..rows.len()).filter(|at| verdicts.get(*at).is_some_and(|v| v.is_written())).collect();
        let columns: Vec<(&[usize], Columns<'_>)> = due
            .chunks(PIECE)
            .map(|piece| (piece, Columns::of(piece.iter().filter_map(|at| rows.get(*at).copied()))))
            .collect();
        if due.iter().all(|at| verdicts.get(*at) == Some(&Verdict::New)) {
            let pieces = columns.iter().map(|(_, columns)| self.send_columns(project, file, columns).boxed());
            if due.is_empty() || self.insert(pieces.collect()).await? {
                return Ok(());
            }
        }
        for (piece, columns) in &columns {
            let saved = self.rows(&SAVE, &columns.parameters(&project, &self.tenant(), &file)).await?;
            let saved: HashSet<(&str, &str)> = saved.iter().map(|row| (row.get(0), row.get(1))).collect();
            for at in *piece {
                if let (Some((entity, _)), Some(verdict @ (Verdict::New | Verdict::Different))) =
                    (rows.get(*at), verdicts.get_mut(*at))
                    && !saved.contains(&key(entity))
                {
                    *verdict = Verdict::Outranked;
                }
            }
        }
        Ok(())
    }
}

/// What is to become of an entity, as [`COMPARE`] numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    New,
    Equal,
    Outranked,
    Different,
    Promoted,
}

impl Verdict {
    fn of(number: i32) -> Self {
        match number {
            0 => Self::New,
            1 => Self::Equal,
            2 => Self::Outranked,
            4 => Self::Promoted,
            _ => Self::Different,
        }
    }

    fn is_written(self) -> bool {
        matches!(self, Self::New | Self::Different | Self::Promoted)
    }

    fn change(self) -> Change {
        match self {
            Self::New => Change::Inserted,
            Self::Equal | Self::Promoted => Change::Unchanged,
            Self::Outranked => Change::Outranked,
            Self::Different => Change::Updated,
        }
    }
}

/// The key of an entity in its project.
fn key(entity: &Entity) -> (&'static str, &str) {
    (entity.facts.kind().as_str(), entity.external_id.as_str())
}

/// What an entity's facts are compared by and, where they differ, written as.
struct Hashed {
    hash: ContentHash,
    json: CanonicalJson,
}

fn hash_all(piece: &[&Entity]) -> Result<Vec<Hashed>, StoreError> {
    let hashed = piece.iter().map(|entity| {
        let json = entity.canonical()?;
        Ok(Hashed { hash: json.hash(), json })
    });
    hashed.collect()
}

/// Facts as `jsonb`: the text that was hashed, unless it is not exact.
#[derive(Debug)]
enum Payload<'a> {
    Hashed(&'a [u8]),
    Facts(Json<&'a EntityFacts>),
}

impl ToSql for Payload<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Hashed(text) => {
                // The version of the binary form, and then the text.
                out.put_u8(1);
                out.put_slice(text);
                Ok(IsNull::No)
            }
            Self::Facts(facts) => facts.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }

    to_sql_checked!();
}

/// Entities as columns, which is how a statement takes hundreds of them.
#[derive(Default)]
struct Columns<'a> {
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    titles: Vec<&'a str>,
    sources: Vec<&'a str>,
    precedences: Vec<i16>,
    payloads: Vec<Payload<'a>>,
    hashes: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(rows: impl Iterator<Item = (&'a Entity, &'a Hashed)>) -> Self {
        let mut columns = Self::default();
        rows.for_each(|(entity, hashed)| columns.push(entity, hashed));
        columns
    }

    fn parameters<'p>(
        &'p self,
        project: &'p ProjectId,
        tenant: &'p TenantId,
        file: &'p Option<&'p str>,
    ) -> [&'p (dyn ToSql + Sync); 10] {
        [
            &project.0,
            &tenant.0,
            &self.kinds,
            &self.ids,
            &self.titles,
            &self.sources,
            &self.precedences,
            &self.payloads,
            &self.hashes,
            file,
        ]
    }

    fn push(&mut self, entity: &'a Entity, hashed: &'a Hashed) {
        self.kinds.push(entity.facts.kind().as_str());
        self.ids.push(entity.external_id.as_str());
        self.titles.push(entity.facts.title());
        self.sources.push(&entity.origin.source);
        self.precedences.push(i16::from(entity.origin.precedence));
        self.payloads.push(if hashed.json.is_exact {
            Payload::Hashed(&hashed.json.text)
        } else {
            Payload::Facts(Json(&entity.facts))
        });
        self.hashes.push(&hashed.hash.0);
    }
}
