//! The ledger: what each remote object shall be, beside what it was last published as. Work is what differs; the state
//! says what may be done about it. docs/database.md draws the state machine and the table's CHECKs hold it.
//!
//! A row whose create may have reached the site is `sending` or `uncertain`, and stays so whatever the plan wants
//! meanwhile: only [`WorkerTx::record_published`] and [`WorkerTx::record_failure`], with the fence of that send, end it.

use std::{collections::HashSet, time::Duration};

use hub_domain::{
    ContentHash, EntityKind, ProjectId,
    facts::{ObjectKind, PublicationKey},
};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{
    StoreError, WorkerTx,
    entities::count,
    ledger_rows::{COLUMNS, KeyColumns, SAME_KEY, key, ledger_row, object},
    query::Query,
    tx::BATCH,
};

pub use crate::{
    ledger_record::{Claim, Failure, FailureState, KnownRemote, Published, Recorded},
    ledger_rows::{LedgerRow, PublicationState, RemoteRef},
};

/// What the plan wants of one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which one.
    pub key: PublicationKey,
    /// The order within its kind.
    pub rank: u8,
    /// What it shall be; nothing: it should not exist any more.
    pub desired_hash: Option<ContentHash>,
}

/// A part of what is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueShare<'a> {
    /// The kind of object.
    pub object: ObjectKind,
    /// The kinds of entities; none: all of them.
    pub entities: &'a [EntityKind],
    /// Only what exists at the site, or only what does not; nothing: both.
    pub exists: Option<bool>,
}

/// How much is to do for one kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLine {
    /// The kind.
    pub object: ObjectKind,
    /// Rows that can be published now.
    pub due: u64,
    /// Rows that wait for their next attempt.
    pub waiting: u64,
    /// When the first of them may be tried.
    pub next_attempt_at: Option<OffsetDateTime>,
}

/// How many rows of a kind are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryLine {
    /// The kind.
    pub object: ObjectKind,
    /// The state.
    pub state: PublicationState,
    /// How many.
    pub rows: u64,
}

static WANT: Query = Query {
    doing: "say what shall be published",
    // The join leaves unchanged rows out before ON CONFLICT, which would lock each of them. The state that is proposed must
    // satisfy the CHECKs also where the row is there already and only what follows DO UPDATE counts.
    sql: "insert into hub.publication as p
            (project_id, tenant_id, object, entity_type, external_id, target_type, target_id, rank, desired_hash, state)
          select $1, $2, u.*, case when u.hash is null then 'published' else 'pending' end from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int2[], $9::bytea[])
            u (object, entity_type, external_id, target_type, target_id, rank, hash)
            left join hub.publication q on q.project_id = $1 and q.object = u.object and q.entity_type = u.entity_type
             and q.external_id = u.external_id and q.target_type = u.target_type and q.target_id = u.target_id
           where case when q.project_id is null then u.hash is not null
                      else q.desired_hash is distinct from u.hash or q.rank <> u.rank end
           order by u.object, u.entity_type, u.external_id, u.target_type, u.target_id
          on conflict (project_id, object, entity_type, external_id, target_type, target_id) do update set
            rank = excluded.rank, desired_hash = excluded.desired_hash, updated_at = now(),
            state = case when p.state in ('sending', 'uncertain') or p.desired_hash is not distinct from excluded.desired_hash
                           then p.state
                         when excluded.desired_hash is not distinct from p.published_hash then 'published'
                         else 'pending' end,
            attempts = case when p.desired_hash is not distinct from excluded.desired_hash then p.attempts else 0 end,
            next_attempt_at = case when p.desired_hash is not distinct from excluded.desired_hash then p.next_attempt_at end,
            error_code = case when p.state in ('sending', 'uncertain')
                or p.desired_hash is not distinct from excluded.desired_hash then p.error_code end,
            error_message = case when p.state in ('sending', 'uncertain')
                or p.desired_hash is not distinct from excluded.desired_hash then p.error_message end,
            remote_status = case when p.state in ('sending', 'uncertain')
                or p.desired_hash is not distinct from excluded.desired_hash then p.remote_status end
          where p.desired_hash is distinct from excluded.desired_hash or p.rank <> excluded.rank",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT2_ARRAY,
        Type::BYTEA_ARRAY,
    ],
};
/// What is to do now, through the partial index `publication_to_do`. The CHECKs say that a row in one of these states differs;
/// the states are asked for because the planner knows how rare they are.
pub static DUE: Query = Query {
    doing: "read what is to do",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from hub.publication p
           where p.project_id = $1 and p.object = $2 and p.state in ('pending', 'waiting')
             and (p.state = 'pending' or p.next_attempt_at <= $3)
             and ($5::text[] = '{}' or p.entity_type = any($5::text[])) and ($6::bool is null or $6 = (p.remote_id is not null))
           order by p.rank, p.entity_type, p.external_id, p.target_type, p.target_id limit $4"
    ),
    types: &[Type::UUID, Type::TEXT, Type::TIMESTAMPTZ, Type::INT8, Type::TEXT_ARRAY, Type::BOOL],
};
static DUE_SUMMARY: Query = Query {
    doing: "count what is to do",
    sql: "select object, count(*) filter (where state = 'pending' or next_attempt_at <= $2),
                 count(*) filter (where next_attempt_at > $2), min(next_attempt_at) filter (where next_attempt_at > $2)
            from hub.publication
           where project_id = $1 and state in ('pending', 'waiting')
           group by object",
    types: &[Type::UUID, Type::TIMESTAMPTZ],
};
static EXPIRE: Query = Query {
    doing: "take sends without an answer for uncertain",
    // An update without an answer leaves a content that nobody knows: 32 zero bytes, which no content hashes to.
    sql: "update hub.publication set state = 'uncertain', error_code = 'HUB-2007', attempts = attempts + 1,
                 published_hash = case when remote_id is null then published_hash
                                       else decode(repeat('00', 32), 'hex') end,
                 error_message = 'the hub ended before the answer came', updated_at = now()
           where project_id = $1 and object = $2 and state = 'sending'
             and sent_at <= clock_timestamp() - make_interval(secs => $3)",
    types: &[Type::UUID, Type::TEXT, Type::FLOAT8],
};
static UNCERTAIN: Query = Query {
    doing: "read what is uncertain",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from hub.publication p where p.project_id = $1 and p.object = $2 and p.state = 'uncertain'
           order by p.rank, p.entity_type, p.external_id, p.target_type, p.target_id"
    ),
    types: &[Type::UUID, Type::TEXT],
};
static BY_KEYS: Query = Query {
    doing: "read rows of the ledger",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            u (object, entity_type, external_id, target_type, target_id)
            join hub.publication p on ",
        SAME_KEY!()
    ),
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
static PUBLISHED: Query = Query {
    doing: "list what is published",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from hub.publication p
           where p.project_id = $1 and p.object = $2 and p.published_hash is not null
             and (p.entity_type, p.external_id, p.target_type, p.target_id) > ($3, $4, $5, $6)
           order by p.entity_type, p.external_id, p.target_type, p.target_id limit $7"
    ),
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8],
};
static HIGHEST_KEY: Query = Query {
    doing: "find the highest issue key",
    sql: "select substring(p.remote_key from '[0-9]+$')::bigint from hub.publication p
            join hub.projects j on j.id = p.project_id
           where p.project_id = $1 and p.object = 'issue' and p.remote_key is not null
             and p.remote_key like replace(j.jira_project_key, '_', '\\_') || '-%'
           order by substring(p.remote_key from '[0-9]+$')::bigint desc limit 1",
    types: &[Type::UUID],
};
static SUMMARY: Query = Query {
    doing: "sum up the ledger",
    // What is neither wanted nor published is nothing: it was taken back before it was ever sent.
    sql: "select object, state, count(*) from hub.publication
           where project_id = $1 and (desired_hash is not null or published_hash is not null) group by object, state",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] =
    &[&WANT, &DUE, &DUE_SUMMARY, &EXPIRE, &UNCERTAIN, &BY_KEYS, &PUBLISHED, &HIGHEST_KEY, &SUMMARY, &WANTED_KEYS];

impl WorkerTx {
    /// Says what shall be published. A row whose desired hash changes is pending again, with no attempts, unless a send
    /// of it is unanswered; a row that is wanted as it is published is published; equal rows are not touched. Where a key
    /// occurs twice, the later counts. Returns how many rows changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn want(&self, project: ProjectId, wanted: &[Wanted]) -> Result<u64, StoreError> {
        let mut seen = HashSet::with_capacity(wanted.len());
        let mut latest: Vec<&Wanted> = wanted.iter().rev().filter(|wanted| seen.insert(&wanted.key)).collect();
        latest.reverse();
        let mut changed = 0;
        for batch in latest.chunks(BATCH) {
            let keys = KeyColumns::of(batch.iter().map(|wanted| &wanted.key));
            let ranks: Vec<i16> = batch.iter().map(|wanted| i16::from(wanted.rank)).collect();
            let hashes: Vec<Option<&[u8]>> =
                batch.iter().map(|wanted| wanted.desired_hash.as_ref().map(|hash| hash.0.as_slice())).collect();
            changed += self
                .run(
                    &WANT,
                    &[
                        &project.0,
                        &self.tenant().0,
                        &keys.objects,
                        &keys.entity_types,
                        &keys.external_ids,
                        &keys.target_types,
                        &keys.target_ids,
                        &ranks,
                        &hashes,
                    ],
                )
                .await?;
        }
        Ok(changed)
    }

    /// What is to do now, in the order of publishing.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn due(
        &self,
        project: ProjectId,
        object: ObjectKind,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.due_of(project, &DueShare { object, entities: &[], exists: None }, limit, now).await
    }

    /// The part of what is to do now that a share names, in the order of publishing.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn due_of(
        &self,
        project: ProjectId,
        share: &DueShare<'_>,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let kinds: Vec<&str> = share.entities.iter().map(|kind| kind.as_str()).collect();
        let rows = self.rows(&DUE, &[&project.0, &share.object.as_str(), &now, &limit, &kinds, &share.exists]).await?;
        rows.iter().map(ledger_row).collect()
    }

    /// How much is to do, in the order of publishing; kinds with nothing to do are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn due_summary(&self, project: ProjectId, now: OffsetDateTime) -> Result<Vec<DueLine>, StoreError> {
        let rows = self.rows(&DUE_SUMMARY, &[&project.0, &now]).await?;
        let line = |row: &tokio_postgres::Row| {
            Ok(DueLine {
                object: object(row, 0)?,
                due: count(row, 1),
                waiting: count(row, 2),
                next_attempt_at: row.get(3),
            })
        };
        let mut lines = rows.iter().map(line).collect::<Result<Vec<_>, StoreError>>()?;
        lines.sort_by_key(|line| line.object);
        Ok(lines)
    }

    /// Rows of which it is not known whether a send reached the site. Sends that have had no answer for `sent_since` are
    /// taken for uncertain first, by the database's clock: for a process that alone serves the project that is zero when it
    /// begins, else longer than any request may take.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn uncertain(
        &self,
        project: ProjectId,
        object: ObjectKind,
        sent_since: Duration,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        self.run(&EXPIRE, &[&project.0, &object.as_str(), &sent_since.as_secs_f64()]).await?;
        self.rows(&UNCERTAIN, &[&project.0, &object.as_str()]).await?.iter().map(ledger_row).collect()
    }

    /// The rows with these keys that exist, in no particular order.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn ledger_rows(&self, project: ProjectId, keys: &[PublicationKey]) -> Result<Vec<LedgerRow>, StoreError> {
        let mut found = Vec::new();
        for batch in keys.chunks(BATCH) {
            let c = KeyColumns::of(batch);
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
                [&project.0, &c.objects, &c.entity_types, &c.external_ids, &c.target_types, &c.target_ids];
            for row in self.rows(&BY_KEYS, &parameters).await? {
                found.push(ledger_row(&row)?);
            }
        }
        Ok(found)
    }

    /// The remote objects of these keys, as far as they exist.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn remote(&self, project: ProjectId, keys: &[PublicationKey]) -> Result<Vec<RemoteRef>, StoreError> {
        Ok(self.ledger_rows(project, keys).await?.into_iter().filter_map(LedgerRow::into_remote).collect())
    }

    /// A page of what was published of a kind, in the order of keys. The last key of a page asks for the next.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn published(
        &self,
        project: ProjectId,
        object: ObjectKind,
        after: Option<&PublicationKey>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let [kind, id, target_kind, target_id] = KeyColumns::position(after);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .rows(&PUBLISHED, &[&project.0, &object.as_str(), &kind, &id, &target_kind, &target_id, &limit])
            .await?;
        rows.iter().map(ledger_row).collect()
    }

    /// The highest issue number of the project's Jira project that the hub knows, below which a lost create cannot be.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn highest_key(&self, project: ProjectId) -> Result<Option<u64>, StoreError> {
        Ok(self.rows(&HIGHEST_KEY, &[&project.0]).await?.first().map(|row| count(row, 0)))
    }

    /// How many rows of each kind are in each state, in the order of publishing.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn summary(&self, project: ProjectId) -> Result<Vec<SummaryLine>, StoreError> {
        let rows = self.rows(&SUMMARY, &[&project.0]).await?;
        let line = |row: &tokio_postgres::Row| {
            let word: String = row.get(1);
            let state = PublicationState::from_word(&word);
            Ok(SummaryLine {
                object: object(row, 0)?,
                state: state.ok_or_else(|| StoreError::unreadable("a publication's state", word))?,
                rows: count(row, 2),
            })
        };
        let mut lines = rows.iter().map(line).collect::<Result<Vec<_>, StoreError>>()?;
        lines.sort_by_key(|line| (line.object, line.state));
        Ok(lines)
    }

    /// Every key of a kind that the plan wants at present, page by page as [`WorkerTx::published`]: what the next plan no
    /// longer holds is wanted with no hash.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn wanted_keys(
        &self,
        project: ProjectId,
        object: ObjectKind,
        after: Option<&PublicationKey>,
        limit: usize,
    ) -> Result<Vec<PublicationKey>, StoreError> {
        let [kind, id, target_kind, target_id] = KeyColumns::position(after);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .rows(&WANTED_KEYS, &[&project.0, &object.as_str(), &kind, &id, &target_kind, &target_id, &limit])
            .await?;
        rows.iter().map(|row| key(row, 0)).collect()
    }
}

static WANTED_KEYS: Query = Query {
    doing: "list what is wanted",
    sql: "select p.object, p.entity_type, p.external_id, p.target_type, p.target_id from hub.publication p
           where p.project_id = $1 and p.object = $2 and p.desired_hash is not null
             and (p.entity_type, p.external_id, p.target_type, p.target_id) > ($3, $4, $5, $6)
           order by p.entity_type, p.external_id, p.target_type, p.target_id limit $7",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8],
};
