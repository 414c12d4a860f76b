//! A statement with the types of its parameters. Statements are sent unnamed: behind a transaction pooler a named one may
//! meet another server, and then fails or answers with another statement's rows.

use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use crate::StoreError;

/// A statement that this crate sends.
#[derive(Debug)]
pub struct Query {
    /// What it does, as a fragment for messages.
    pub doing: &'static str,
    /// The text.
    pub sql: &'static str,
    /// The types of `$1`, `$2` and so on.
    pub types: &'static [Type],
}

impl Query {
    /// Sends the statement and returns its rows.
    pub(crate) async fn rows(
        &self,
        client: &Client,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        client
            .query_typed(self.sql, &self.typed(parameters))
            .await
            .map_err(|source| StoreError::Query { doing: self.doing, source })
    }

    /// Sends the statement and returns how many rows it wrote.
    pub(crate) async fn run(&self, client: &Client, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        client
            .execute_typed(self.sql, &self.typed(parameters))
            .await
            .map_err(|source| StoreError::Query { doing: self.doing, source })
    }

    fn typed<'a>(&self, parameters: &[&'a (dyn ToSql + Sync)]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
        debug_assert_eq!(parameters.len(), self.types.len(), "parameters of: {}", self.doing);
        parameters.iter().copied().zip(self.types.iter().cloned()).collect()
    }
}

/// Every statement about QA data, so that a test can have each of them checked by the database.
#[must_use]
pub fn statements() -> Vec<&'static Query> {
    [
        crate::admin::QUERIES,
        crate::api_tokens::QUERIES,
        crate::audit::QUERIES,
        crate::cursors::QUERIES,
        crate::entities::QUERIES,
        crate::entities_save::QUERIES,
        crate::evidence::QUERIES,
        crate::evidence_end::QUERIES,
        crate::failures::QUERIES,
        crate::findings::QUERIES,
        crate::imports::QUERIES,
        crate::insight::QUERIES,
        crate::jobs::QUERIES,
        crate::key_scans::QUERIES,
        crate::lanes::QUERIES,
        crate::ledger::QUERIES,
        crate::ledger_dead::QUERIES,
        crate::ledger_record::QUERIES,
        crate::ledger_resolve::QUERIES,
        crate::migrate::QUERIES,
        crate::rate::QUERIES,
        crate::recovery::QUERIES,
        crate::rejects::QUERIES,
        crate::results::QUERIES,
        crate::results_read::QUERIES,
        crate::settings::QUERIES,
        crate::source_rows::QUERIES,
        crate::source_state::QUERIES,
        crate::tx::QUERIES,
    ]
    .concat()
}
