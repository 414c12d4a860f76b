//! Reports that arrive over the API: spooled into a folder of their own, taken as `ingest` takes files, and named as they were sent,
//! so that the same name sent again is the same report in a newer version, whatever folder it passed through.

use std::path::{Path, PathBuf};

use hub_store::{ProjectRow, Store};

use crate::{
    AppError,
    evidence::Home,
    ingest::{self, IngestReport, RunArguments, Spool},
    progress::Silent,
};

/// Takes what lies in a spool folder.
///
/// # Errors
/// As of [`ingest::ingest`].
pub async fn take(
    store: &Store,
    project: &ProjectRow,
    home: &Home,
    folder: &Path,
    run: Option<&RunArguments>,
) -> Result<IngestReport, AppError> {
    let folder = std::fs::canonicalize(folder).map_err(|source| AppError::File { path: folder.to_owned(), source })?;
    let spool = Spool { folder: folder.clone() };
    ingest::ingest_spooled(store, project, &[folder], Some(&spool), run, false, home, &Silent).await
}

/// Where spool folders are made.
#[must_use]
pub fn spool_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("spool")
}

/// Whether the database answers.
///
/// # Errors
/// The database's.
pub async fn alive(store: &Store) -> Result<(), AppError> {
    let tx = store.worker(hub_domain::TenantId(uuid::Uuid::nil())).await?;
    tx.now().await?;
    tx.commit().await?;
    Ok(())
}
