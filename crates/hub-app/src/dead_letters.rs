//! Dead letters: what a site refused or what used its attempts up, grouped by cause; retried or given up by a person.

use hub_domain::{codes, facts::PublicationKey};
use hub_store::{DeadLetters, LedgerRow, ProjectRow, Store};
use serde::Serialize;

use crate::{AppError, lanes};

/// One dead letter.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// Which publication, as `dlq show`, `retry` and `discard` take it.
    pub publication: String,
    /// The stable code of its cause.
    pub code: String,
    /// What the site said.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// What to do.
    pub hint: &'static str,
    /// Attempts at this content.
    pub attempts: u32,
    /// The remote object, where it exists.
    pub remote: Option<String>,
}

impl From<LedgerRow> for DeadLetter {
    fn from(row: LedgerRow) -> Self {
        let code = row.error_code.unwrap_or_default();
        Self {
            publication: row.key.to_string(),
            hint: codes::find(&code).map_or("", |code| code.hint),
            code,
            message: row.error_message.unwrap_or_default(),
            status: row.remote_status,
            attempts: row.attempts,
            remote: row.remote_key.or(row.remote_id),
        }
    }
}

/// Which dead letters a command means.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Those with this code; all where neither this nor a key is given.
    pub cause: Option<String>,
    /// These.
    pub publications: Vec<String>,
}

impl Selection {
    fn keys(&self) -> Result<Vec<PublicationKey>, AppError> {
        let parse = |text: &String| {
            text.parse().map_err(|error: hub_domain::facts::InvalidKey| AppError::Argument {
                what: format!("{text:?}"),
                rule: error.to_string(),
            })
        };
        self.publications.iter().map(parse).collect()
    }
}

/// Lists dead letters in the order of their causes, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn list(
    store: &Store,
    project: &ProjectRow,
    cause: Option<&str>,
    limit: usize,
) -> Result<Vec<DeadLetter>, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let rows = tx.dead_letters(project.id, cause, limit).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// Makes dead letters due again; the next synchronisation publishes them. The same command twice revives them once.
///
/// # Errors
/// The database's, or a text that is no publication.
pub async fn retry(store: &Store, project: &ProjectRow, selection: &Selection) -> Result<u64, AppError> {
    let keys = selection.keys()?;
    let tx = store.worker(project.tenant_id).await?;
    let revived = tx.revive(project.id, which(selection, &keys)).await?;
    if revived > 0 {
        lanes::ring_all(&tx, project.id);
    }
    tx.commit().await?;
    Ok(revived)
}

/// Gives dead letters up until their content changes.
///
/// # Errors
/// The database's, or a text that is no publication.
pub async fn discard(store: &Store, project: &ProjectRow, selection: &Selection) -> Result<u64, AppError> {
    let keys = selection.keys()?;
    let tx = store.worker(project.tenant_id).await?;
    let discarded = tx.discard(project.id, which(selection, &keys)).await?;
    tx.commit().await?;
    Ok(discarded)
}

fn which<'a>(selection: &'a Selection, keys: &'a [PublicationKey]) -> DeadLetters<'a> {
    match (&selection.cause, keys) {
        (_, [_, ..]) => DeadLetters::Keys(keys),
        (Some(cause), []) => DeadLetters::OfCause(cause),
        (None, []) => DeadLetters::All,
    }
}
