//! A statement with the types of its parameters. Statements are sent unnamed: behind a transaction pooler a named one may
//! meet another server, and then fails or answers with another statement's rows.

use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use crate::{
    StoreError, admin, api_tokens, audit, cursors, entities, evidence, evidence_end, findings, imports, jobs,
    key_scans, lanes, ledger, ledger_dead, ledger_record, ledger_resolve, migrate, rate, recovery, results,
    results_read, settings, tx,
};

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
        admin::QUERIES,
        api_tokens::QUERIES,
        audit::QUERIES,
        cursors::QUERIES,
        entities::QUERIES,
        evidence::QUERIES,
        evidence_end::QUERIES,
        findings::QUERIES,
        imports::QUERIES,
        jobs::QUERIES,
        key_scans::QUERIES,
        lanes::QUERIES,
        ledger::QUERIES,
        ledger_dead::QUERIES,
        ledger_resolve::QUERIES,
        ledger_record::QUERIES,
        migrate::QUERIES,
        rate::QUERIES,
        recovery::QUERIES,
        results::QUERIES,
        results_read::QUERIES,
        settings::QUERIES,
        tx::QUERIES,
    ]
    .concat()
}
