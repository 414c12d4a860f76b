//! Opens the database that the settings name: a server by its address, or a private one on this machine.

use std::path::{Path, PathBuf};

use hub_store::{DatabaseConfig, EmbeddedConfig, Store};

use crate::{AppError, plan};

/// Where the database is.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// A server's address; a private server where there is none.
    pub url: Option<String>,
    /// The folder of the private server's data.
    pub data_dir: PathBuf,
    /// The folder with the private server's programs.
    pub pg_bin: Option<PathBuf>,
    /// Where a short folder for the private server's socket can be made.
    pub temp_dir: PathBuf,
}

impl DatabaseSettings {
    fn config(&self) -> DatabaseConfig {
        match &self.url {
            Some(url) => DatabaseConfig::url(url.as_str()),
            None => DatabaseConfig::embedded(self.embedded(&self.data_dir)),
        }
    }

    fn embedded(&self, data_dir: &Path) -> EmbeddedConfig {
        EmbeddedConfig {
            hub_pg_bin: self.pg_bin.clone(),
            temp_dir: self.temp_dir.clone(),
            ..EmbeddedConfig::new(data_dir)
        }
    }
}

/// Opens the database as it is and checks that its schema is current. A private server is migrated on the way: nobody
/// else does it.
///
/// # Errors
/// No server, no connection, or a schema of another version.
pub async fn open(settings: &DatabaseSettings) -> Result<Store, AppError> {
    let store = Store::connect(&settings.config()).await?;
    if settings.url.is_none() {
        store.migrate().await?;
    }
    store.ensure_current().await?;
    Ok(store)
}

/// What bringing the database to this version did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Migrated {
    /// The migrations that were applied.
    pub applied: Vec<String>,
    /// Publications that are due because this version writes them differently.
    pub publications_due: u64,
}

/// Brings the database to this version's schema, and plans every project again: another version may have other templates.
///
/// # Errors
/// No server, no connection, or a migration that was refused or changed.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Migrated, AppError> {
    let store = Store::connect(&settings.config()).await?;
    let applied = store.migrate().await?;
    store.ensure_current().await?;
    let mut migrated = Migrated {
        applied: applied.iter().map(|m| format!("{}_{}", m.version, m.name)).collect(),
        publications_due: 0,
    };
    for project in store.projects().await? {
        migrated.publications_due += plan::everything(&store, &project).await?;
    }
    Ok(migrated)
}
