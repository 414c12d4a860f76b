//! Dead letters: publications that a site refused, or whose attempts are used up. They are a state of the ledger's rows;
//! a new content revives a row by itself, an operator revives it here.

use hub_domain::{ProjectId, facts::PublicationKey};
use tokio_postgres::types::{ToSql, Type};

use crate::{
    LedgerRow, StoreError, WorkerTx,
    ledger_rows::{COLUMNS, KeyColumns, SAME_KEY, ledger_row},
    query::Query,
    tx::BATCH,
};

/// Which dead letters are meant.
#[derive(Debug, Clone, Copy)]
pub enum DeadLetters<'a> {
    /// Every one of the project.
    All,
    /// Those with this code.
    OfCause(&'a str),
    /// These.
    Keys(&'a [PublicationKey]),
}

static DEAD: Query = Query {
    doing: "read the dead letters",
    sql: concat!(
        "select ",
        COLUMNS!(),
        " from hub.publication p where p.project_id = $1 and p.state = 'dead' and ($2::text is null or p.error_code = $2)
           order by p.error_code, p.object, p.entity_type, p.external_id, p.target_type, p.target_id limit $3"
    ),
    types: &[Type::UUID, Type::TEXT, Type::INT8],
};
static REVIVE: Query = Query {
    doing: "revive dead letters",
    sql: "update hub.publication set attempts = 0, error_code = null, error_message = null, remote_status = null,
                 state = case when desired_hash is distinct from published_hash then 'pending' else 'published' end,
                 updated_at = now()
           where project_id = $1 and state = 'dead' and ($2::text is null or error_code = $2)",
    types: &[Type::UUID, Type::TEXT],
};
static REVIVE_KEYS: Query = Query {
    doing: "revive dead letters",
    sql: concat!(
        "update hub.publication p set attempts = 0, error_code = null, error_message = null, remote_status = null,
                 state = case when p.desired_hash is distinct from p.published_hash then 'pending' else 'published' end,
                 updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            u (object, entity_type, external_id, target_type, target_id)
           where ",
        SAME_KEY!(),
        "
             and p.state = 'dead'"
    ),
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};
static DISCARD: Query = Query {
    doing: "discard dead letters",
    // Wanted as it is published: nothing is to do until the plan wants something else.
    sql: "update hub.publication set desired_hash = published_hash, state = 'published', attempts = 0,
                 error_code = null, error_message = null, remote_status = null, updated_at = now()
           where project_id = $1 and state = 'dead' and ($2::text is null or error_code = $2)",
    types: &[Type::UUID, Type::TEXT],
};
static DISCARD_KEYS: Query = Query {
    doing: "discard dead letters",
    sql: concat!(
        "update hub.publication p set desired_hash = p.published_hash, state = 'published', attempts = 0,
                 error_code = null, error_message = null, remote_status = null, updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            u (object, entity_type, external_id, target_type, target_id)
           where ",
        SAME_KEY!(),
        "
             and p.state = 'dead'"
    ),
    types: &[Type::UUID, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
};

pub(crate) static QUERIES: &[&Query] = &[&DEAD, &REVIVE, &REVIVE_KEYS, &DISCARD, &DISCARD_KEYS];

impl WorkerTx {
    /// Dead letters in the order of their causes, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn dead_letters(
        &self,
        project: ProjectId,
        cause: Option<&str>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(&DEAD, &[&project.0, &cause, &limit]).await?.iter().map(ledger_row).collect()
    }

    /// Makes dead letters due again. A letter that was revived meanwhile is not touched. Returns how many were.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revive(&self, project: ProjectId, which: DeadLetters<'_>) -> Result<u64, StoreError> {
        self.settle(project, which, &REVIVE, &REVIVE_KEYS).await
    }

    /// Gives dead letters up: they are not published until their content changes. Returns how many were.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn discard(&self, project: ProjectId, which: DeadLetters<'_>) -> Result<u64, StoreError> {
        self.settle(project, which, &DISCARD, &DISCARD_KEYS).await
    }

    async fn settle(
        &self,
        project: ProjectId,
        which: DeadLetters<'_>,
        by_cause: &Query,
        by_keys: &Query,
    ) -> Result<u64, StoreError> {
        let keys = match which {
            DeadLetters::All => return self.run(by_cause, &[&project.0, &None::<&str>]).await,
            DeadLetters::OfCause(cause) => return self.run(by_cause, &[&project.0, &cause]).await,
            DeadLetters::Keys(keys) => keys,
        };
        let mut settled = 0;
        for batch in keys.chunks(BATCH) {
            let c = KeyColumns::of(batch);
            let parameters: [&(dyn ToSql + Sync); 6] =
                [&project.0, &c.objects, &c.entity_types, &c.external_ids, &c.target_types, &c.target_ids];
            settled += self.run(by_keys, &parameters).await?;
        }
        Ok(settled)
    }
}
