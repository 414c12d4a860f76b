//! Applies the migrations: plain SQL files that the Supabase CLI and `psql` apply just as well.
//!
//! What was applied is recorded where the Supabase CLI records it, so each tool sees the other's work; a checksum is kept
//! beside it, and a file that was edited after it was applied is refused. One process applies at a time: others wait for
//! an advisory lock and then find nothing to do. That lock belongs to a session, so migrating needs a direct connection
//! or a session pooler.

use std::collections::HashMap;

use deadpool_postgres::Object;
use hub_domain::ContentHash;
use tokio_postgres::{Client, types::Type};

use crate::{Store, StoreError, query::Query, split};

/// One migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its timestamp, 14 digits: the identity.
    pub version: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The statements. A first line `-- no-tx` runs them one by one without a transaction, as CREATE INDEX CONCURRENTLY
    /// needs.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $version, "_", $name, ".sql")),
        }),*]
    };
}

/// Every migration, in order: the files of the folder `migrations`.
pub const MIGRATIONS: &[Migration] = migrations![
    "20261124000000" "hub_roles",
    "20261124000100" "hub_tables",
    "20261124000200" "hub_policies",
    "20261124000300" "hub_rate",
    "20261124000400" "hub_lanes",
    "20261124000500" "hub_recovery",
    "20261124000600" "hub_findings",
    "20261124000700" "hub_settings",
    "20261124000800" "hub_rejects",
    "20261124000900" "hub_sources",
    "20261124001000" "hub_evidence",
    "20261124001100" "hub_api_tokens",
    "20261124001200" "hub_results_facts",
    "20261124001300" "hub_lookup_indexes",
];

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// Applied, with this content or, where another tool applied it, recorded as applied.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied, and edited since.
    Changed,
}

/// A migration and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its timestamp.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

const NO_TRANSACTION: &str = "-- no-tx";

static LOCK: Query = Query {
    doing: "wait for another migration to end",
    sql: "select pg_advisory_lock(hashtextextended('haida-hub.migrations', 0))",
    types: &[],
};
static UNLOCK: Query = Query {
    doing: "let the next migration go on",
    sql: "select pg_advisory_unlock(hashtextextended('haida-hub.migrations', 0))",
    types: &[],
};
static TABLES: Query = Query {
    doing: "look for the migrations' record",
    sql: "select to_regclass('supabase_migrations.schema_migrations') is not null,
                 to_regclass('hub_private.migration_checksums') is not null",
    types: &[],
};
static APPLIED: Query = Query {
    doing: "read which migrations are applied",
    sql: "select version from supabase_migrations.schema_migrations where version = any($1)",
    types: &[Type::TEXT_ARRAY],
};
static CHECKSUMS: Query = Query {
    doing: "read the migrations' checksums",
    sql: "select version, checksum from hub_private.migration_checksums",
    types: &[],
};
static RECORD: Query = Query {
    doing: "record a migration",
    sql: "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)
          on conflict (version) do nothing",
    types: &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT],
};
static RECORD_CHECKSUM: Query = Query {
    doing: "record a migration's checksum",
    sql: "insert into hub_private.migration_checksums (version, checksum) values ($1, $2) on conflict (version) do nothing",
    types: &[Type::TEXT, Type::BYTEA],
};

pub(crate) static QUERIES: &[&Query] = &[&LOCK, &UNLOCK, &TABLES, &APPLIED, &CHECKSUMS, &RECORD, &RECORD_CHECKSUM];

/// The record as the Supabase CLI makes it, and the checksums.
const MAKE_RECORD: &str = "
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
    create schema if not exists hub_private;
    revoke all on schema hub_private from public;
    create table if not exists hub_private.migration_checksums (
        version text primary key,
        checksum bytea not null check (octet_length(checksum) = 32),
        recorded_at timestamptz not null default now());";

impl Migration {
    fn full_name(&self) -> String {
        format!("{}_{}", self.version, self.name)
    }

    fn checksum(&self) -> ContentHash {
        ContentHash::of_bytes(self.sql.as_bytes())
    }

    async fn apply(&self, client: &Client) -> Result<(), StoreError> {
        let refused =
            |source| StoreError::Migration { version: self.version.to_owned(), name: self.name.to_owned(), source };
        let statements = split::statements(self.sql);
        let in_transaction = self.sql.lines().next().is_none_or(|line| line.trim() != NO_TRANSACTION);
        if in_transaction {
            client.batch_execute("begin; set local statement_timeout = 0").await.map_err(refused)?;
            client.batch_execute(self.sql).await.map_err(refused)?;
        } else {
            // Several statements in one message would be one transaction.
            for statement in &statements {
                client.batch_execute(statement).await.map_err(refused)?;
            }
            client.batch_execute("begin").await.map_err(refused)?;
        }
        RECORD.run(client, &[&self.version, &statements, &self.name]).await?;
        RECORD_CHECKSUM.run(client, &[&self.version, &self.checksum().0.as_slice()]).await?;
        client.batch_execute("commit").await.map_err(refused)
    }
}

impl Store {
    /// Applies what is not applied yet and returns it, and brings the queue's schema to the version of its engine.
    ///
    /// # Errors
    /// [`StoreError::Queue`] where the role may not create a schema in the database.
    /// [`StoreError::MigrationChanged`] before anything is applied; [`StoreError::Migration`] where a statement is refused:
    /// migrations before it stay applied.
    pub async fn migrate(&self) -> Result<Vec<Migration>, StoreError> {
        let applied = self.apply(MIGRATIONS).await?;
        // The queue's engine brings its own migrations; two processes must not apply them at once either.
        let client = Object::take(self.client().await?);
        LOCK.rows(&client, &[]).await?;
        self.migrate_queue().await?;
        UNLOCK.rows(&client, &[]).await?;
        Ok(applied)
    }

    /// Applies a list of migrations, which is [`MIGRATIONS`] except in tests.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn apply(&self, migrations: &[Migration]) -> Result<Vec<Migration>, StoreError> {
        // Taken out of the pool: whatever happens, dropping it ends the session and with it the lock and any transaction.
        let client = Object::take(self.client().await?);
        LOCK.rows(&client, &[]).await?;
        let applied = apply_in_session(&client, migrations).await?;
        UNLOCK.rows(&client, &[]).await?;
        Ok(applied)
    }

    /// Every migration and where it stands.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let client = self.client().await?;
        let status = |(migration, state): (Migration, MigrationState)| MigrationStatus {
            version: migration.version.to_owned(),
            name: migration.name.to_owned(),
            state,
        };
        Ok(states(&client, MIGRATIONS).await?.into_iter().map(status).collect())
    }

    /// Refuses a database that is not at this version's schema, and sees to it that this month's partitions are there.
    ///
    /// # Errors
    /// [`StoreError::NotMigrated`] or [`StoreError::MigrationChanged`].
    pub async fn ensure_current(&self) -> Result<(), StoreError> {
        let client = self.client().await?;
        let states = states(&client, MIGRATIONS).await?;
        refuse_changed(&states)?;
        let pending: Vec<String> = states
            .iter()
            .filter(|(_, state)| *state == MigrationState::Pending)
            .map(|(migration, _)| migration.full_name())
            .collect();
        if !pending.is_empty() {
            return Err(StoreError::NotMigrated { pending });
        }
        crate::tx::ENSURE_PARTITIONS.rows(&client, &[]).await?;
        Ok(())
    }
}

async fn apply_in_session(client: &Client, migrations: &[Migration]) -> Result<Vec<Migration>, StoreError> {
    client
        .batch_execute(MAKE_RECORD)
        .await
        .map_err(|source| StoreError::Query { doing: "make the migrations' record", source })?;
    let states = states(client, migrations).await?;
    refuse_changed(&states)?;
    let mut applied = Vec::new();
    for (migration, state) in states {
        match state {
            MigrationState::Pending => {
                migration.apply(client).await?;
                tracing::info!(migration = %migration.full_name(), "applied a migration");
                applied.push(migration);
            }
            // Where the Supabase CLI applied it there is no checksum yet.
            MigrationState::Applied => {
                RECORD_CHECKSUM.run(client, &[&migration.version, &migration.checksum().0.as_slice()]).await?;
            }
            MigrationState::Changed => {}
        }
    }
    Ok(applied)
}

fn refuse_changed(states: &[(Migration, MigrationState)]) -> Result<(), StoreError> {
    match states.iter().find(|(_, state)| *state == MigrationState::Changed) {
        Some((migration, _)) => Err(StoreError::MigrationChanged { migration: migration.full_name() }),
        None => Ok(()),
    }
}

async fn states(client: &Client, migrations: &[Migration]) -> Result<Vec<(Migration, MigrationState)>, StoreError> {
    let tables = TABLES.rows(client, &[]).await?;
    let has = |column: usize| tables.first().is_some_and(|row| row.get(column));
    let mut applied: Vec<String> = Vec::new();
    let mut checksums: HashMap<String, Vec<u8>> = HashMap::new();
    if has(0) {
        let versions: Vec<&str> = migrations.iter().map(|migration| migration.version).collect();
        applied = APPLIED.rows(client, &[&versions]).await?.iter().map(|row| row.get(0)).collect();
    }
    if has(1) {
        checksums = CHECKSUMS.rows(client, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    }
    let state = |migration: &Migration| {
        if !applied.iter().any(|version| version == migration.version) {
            return MigrationState::Pending;
        }
        match checksums.get(migration.version) {
            Some(checksum) if checksum.as_slice() != migration.checksum().0 => MigrationState::Changed,
            Some(_) | None => MigrationState::Applied,
        }
    };
    Ok(migrations.iter().map(|migration| (*migration, state(migration))).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS.iter().map(|migration| format!("{}.sql", migration.full_name())).collect();
        assert_eq!(listed, files);
        assert!(MIGRATIONS.iter().all(|migration| migration.version.len() == 14));
    }
}
