//! Open sends and held-up publications: what a resolver looks for, releases, and what an operator is told.

use std::time::Duration;

use hub_domain::{
    ProjectId,
    facts::{ObjectKind, PublicationKey},
};
use tokio_postgres::types::Type;

use crate::{
    LedgerRow, PublicationState, StoreError, WorkerTx,
    entities::count,
    ledger_rows::{COLUMNS, KeyColumns, SAME_KEY, ledger_row, object},
    query::Query,
    tx::BATCH,
};

/// A create whose answer is missing, with its age by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCreate {
    /// The row.
    pub row: LedgerRow,
    /// The time since it was handed over.
    pub age: Duration,
}

/// What holds publications up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseLine {
    /// The kind of object.
    pub object: ObjectKind,
    /// The state that the rows are in.
    pub state: PublicationState,
    /// The stable code.
    pub code: String,
    /// One of the messages.
    pub message: String,
    /// How many rows.
    pub rows: u64,
}

static OPEN: Query = Query {
    doing: "read creates without an answer",
    sql: concat!(
        "select ",
        COLUMNS!(),
        ", extract(epoch from clock_timestamp() - p.sent_at)::float8 from hub.publication p
           where p.project_id = $1 and p.object = $2 and p.state = 'uncertain' and p.remote_id is null
           order by p.rank, p.entity_type, p.external_id, p.target_type, p.target_id"
    ),
    types: &[Type::UUID, Type::TEXT],
};
static RELEASE: Query = Query {
    doing: "release creates that never reached the site",
    sql: concat!(
        "update hub.publication p set
                 state = case when p.desired_hash is distinct from p.published_hash then 'pending' else 'published' end,
                 sent_at = null, lowest_key = null, error_code = null, error_message = null, remote_status = null,
                 updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[])
            u (object, entity_type, external_id, target_type, target_id, fence)
           where ",
        SAME_KEY!(),
        "
             and p.fence = u.fence and p.state = 'uncertain'"
    ),
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
    ],
};
static CAUSES: Query = Query {
    doing: "sum up what holds publications up",
    sql: "select object, state, error_code, min(error_message), count(*) from hub.publication
           where project_id = $1 and state in ('waiting', 'uncertain', 'dead')
           group by object, state, error_code order by count(*) desc, object, error_code limit 50",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] = &[&OPEN, &RELEASE, &CAUSES];

impl WorkerTx {
    /// Creates whose fate is unknown. Sends without an answer for `sent_since` are taken for uncertain first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn open_creates(
        &self,
        project: ProjectId,
        object: ObjectKind,
        sent_since: Duration,
    ) -> Result<Vec<OpenCreate>, StoreError> {
        self.uncertain(project, object, sent_since).await?;
        let rows = self.rows(&OPEN, &[&project.0, &object.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let age = row.get::<_, Option<f64>>(24).unwrap_or(0.0).max(0.0);
                Ok(OpenCreate { row: ledger_row(row)?, age: Duration::from_secs_f64(age) })
            })
            .collect()
    }

    /// Makes creates due again that are proven not to have reached the site. A row with another fence by now stays as it
    /// is. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn release(&self, project: ProjectId, absent: &[(PublicationKey, i64)]) -> Result<u64, StoreError> {
        let mut released = 0;
        for batch in absent.chunks(BATCH) {
            let c = KeyColumns::of(batch.iter().map(|(key, _)| key));
            let fences: Vec<i64> = batch.iter().map(|(_, fence)| *fence).collect();
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&project.0, &c.objects, &c.entity_types, &c.external_ids, &c.target_types, &c.target_ids, &fences];
            released += self.run(&RELEASE, &parameters).await?;
        }
        Ok(released)
    }

    /// What holds publications up, the most frequent first, at most 50 lines.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn causes(&self, project: ProjectId) -> Result<Vec<CauseLine>, StoreError> {
        let rows = self.rows(&CAUSES, &[&project.0]).await?;
        rows.iter()
            .map(|row| {
                let word: String = row.get(1);
                Ok(CauseLine {
                    object: object(row, 0)?,
                    state: PublicationState::from_word(&word)
                        .ok_or_else(|| StoreError::unreadable("a publication's state", word))?,
                    code: row.get::<_, Option<String>>(2).unwrap_or_default(),
                    message: row.get::<_, Option<String>>(3).unwrap_or_default(),
                    rows: count(row, 4),
                })
            })
            .collect()
    }
}
