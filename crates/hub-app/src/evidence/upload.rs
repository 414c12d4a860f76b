//! Rows into the store: what waits is sent, each content once, a few at a time. Where the store is away nothing more is tried and
//! nothing is lost: the rows wait, and a worker or the next ingest sends them.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{StreamExt, stream};
use hub_domain::{codes::Code, record::AttachmentRecord, settings::EvidenceSettings};
use hub_evidence::{Chunks, EvidenceError, EvidenceStore, Key, Put, chunks};
use hub_store::{EvidenceRow, ProjectRow, Store};

use super::{
    Home,
    take::{StoreProblem, Tally},
};
use crate::{
    AppError,
    ingest::beside::{Absent, Beside},
};

/// Objects on their way at once. Each takes three parts of 8 MiB at most.
const AT_ONCE: usize = 3;
/// Rows that a worker takes up in one go.
const RETRY_BATCH: usize = 200;

/// Where an object's bytes come from.
pub struct Source {
    key: Option<Key>,
    content_type: String,
    bytes: u64,
    from: From,
}

enum From {
    /// They stood in the report.
    Report(Vec<u8>),
    /// They lie beside it, under this name.
    Beside(Arc<dyn Beside>, String),
    /// They lie on this machine.
    File(PathBuf),
}

impl Source {
    /// The source of a row that was just made from an attachment.
    pub fn of(row: &EvidenceRow, attachment: &AttachmentRecord, beside: &Arc<dyn Beside>) -> Self {
        let from = match &attachment.body {
            Some(body) => From::Report(body.0.clone()),
            None => From::Beside(beside.clone(), attachment.path.trim().to_owned()),
        };
        Self::with(row, from)
    }

    fn with(row: &EvidenceRow, from: From) -> Self {
        Self {
            key: row.key.as_deref().and_then(|key| Key::parse(key).ok()),
            content_type: row.content_type.clone().unwrap_or_default(),
            bytes: row.bytes.unwrap_or(0),
            from,
        }
    }

    fn open(self) -> std::io::Result<Chunks> {
        match self.from {
            From::Report(bytes) => Ok(chunks(std::io::Cursor::new(bytes))),
            From::Beside(beside, named) => match beside.open(&named) {
                Ok(opened) => Ok(chunks(opened.reader)),
                Err(Absent::Missing) => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
                Err(Absent::Refused(why)) => Err(std::io::Error::other(why)),
                Err(Absent::Unreadable(error)) => Err(error),
            },
            From::File(path) => {
                // It was a plain file when its report was read; what stands there now may be anything. Its sum is compared.
                if !std::fs::symlink_metadata(&path)?.is_file() {
                    return Err(std::io::Error::other("it is no plain file any more"));
                }
                Ok(chunks(std::fs::File::open(path)?))
            }
        }
    }
}

/// The way into one project's store, opened when it is first needed.
pub struct Upload {
    home: Home,
    settings: EvidenceSettings,
    store: Option<EvidenceStore>,
    down: Option<StoreProblem>,
}

/// What became of one object.
type Sent = (Vec<String>, u64, Result<Option<Put>, (&'static Code, String, bool)>);

impl Upload {
    pub fn new(home: Home, settings: EvidenceSettings) -> Self {
        Self { home, settings, store: None, down: None }
    }

    fn open(&mut self) -> Option<EvidenceStore> {
        if self.store.is_none() && self.down.is_none() {
            match self.home.open(&self.settings) {
                Ok(store) => self.store = Some(store),
                Err(error) => self.is_down(error.code(), &crate::lanes::chain(&error)),
            }
        }
        if self.down.is_some() { None } else { self.store.clone() }
    }

    fn is_down(&mut self, code: &'static Code, message: &str) {
        tracing::warn!(code = code.id, "evidence waits for its store: failed to {message}");
        self.down = Some(StoreProblem { code: code.id, message: message.to_owned(), hint: code.hint });
    }

    /// Sends what rows wait for, by their tokens, and notes what came of it.
    ///
    /// # Errors
    /// The database's.
    pub async fn send(
        &mut self,
        store: &Store,
        project: &ProjectRow,
        sources: Vec<(String, Source)>,
        tally: &mut Tally,
    ) -> Result<(), AppError> {
        let mut by_key: BTreeMap<Key, (Source, Vec<String>)> = BTreeMap::new();
        for (token, mut source) in sources {
            let Some(key) = source.key.take() else { continue };
            by_key.entry(key).or_insert_with(|| (source, Vec::new())).1.push(token);
        }
        if by_key.is_empty() {
            return Ok(());
        }
        let keys: Vec<&str> = by_key.keys().map(Key::as_str).collect();
        let tx = store.worker(project.tenant_id).await?;
        for key in tx.stored_keys(project.id, &keys).await? {
            if let Some((_, tokens)) = Key::parse(&key).ok().and_then(|key| by_key.remove(&key)) {
                tx.evidence_stored(project.id, &texts(&tokens)).await?;
                tally.was_there += tokens.len() as u64;
            }
        }
        tx.commit().await?;

        let evidence = self.open();
        let stopped = Arc::new(AtomicBool::new(false));
        let mut sending = stream::iter(by_key)
            .map(|(key, (source, tokens))| one(evidence.clone(), key, source, tokens, stopped.clone()))
            .buffer_unordered(AT_ONCE);
        while let Some((tokens, bytes, sent)) = sending.next().await {
            let tx = store.worker(project.tenant_id).await?;
            let count = tokens.len() as u64;
            match sent {
                Ok(Some(put)) => {
                    tx.evidence_stored(project.id, &texts(&tokens)).await?;
                    let is_new = u64::from(put == Put::Sent);
                    tally.stored += is_new;
                    tally.was_there += count - is_new;
                    tally.bytes_sent += bytes * is_new;
                }
                // Not tried: the store is away, or was found to be meanwhile.
                Ok(None) => {
                    tally.pending += count;
                    if let Some(down) = &self.down {
                        tx.evidence_failed(project.id, &texts(&tokens), down.code, &down.message).await?;
                    }
                }
                Err((code, message, of_the_store)) => {
                    tally.pending += count;
                    tx.evidence_failed(project.id, &texts(&tokens), code.id, &message).await?;
                    if of_the_store && self.down.is_none() {
                        self.is_down(code, &message);
                    }
                }
            }
            tx.commit().await?;
        }
        tally.store_problem.clone_from(&self.down);
        Ok(())
    }
}

/// Sends one object, unless the store was found to be away.
async fn one(
    evidence: Option<EvidenceStore>,
    key: Key,
    source: Source,
    tokens: Vec<String>,
    stopped: Arc<AtomicBool>,
) -> Sent {
    let (bytes, content_type) = (source.bytes, source.content_type.clone());
    let Some(evidence) = evidence.filter(|_| !stopped.load(Ordering::Relaxed)) else { return (tokens, 0, Ok(None)) };
    let put = async {
        let content = source.open().map_err(|source| EvidenceError::Read { key: key.to_string(), source })?;
        evidence.put(&key, &content_type, bytes, content).await
    };
    let sent = put.await.map(Some).map_err(|error| {
        if error.is_of_the_store() {
            stopped.store(true, Ordering::Relaxed);
        }
        (error.code(), crate::lanes::chain(&error), error.is_of_the_store())
    });
    (tokens, bytes, sent)
}

fn texts(tokens: &[String]) -> Vec<&str> {
    tokens.iter().map(String::as_str).collect()
}

/// What a worker does for evidence that waits: sends what lies on its machine. Returns how many rows came further; fewer than it took
/// up means that the rest waits.
///
/// # Errors
/// The database's; [`AppError::EvidenceWaits`] where the store does not take it.
pub async fn retry(store: &Store, project: &ProjectRow, home: &Home) -> Result<Tally, AppError> {
    let settings = crate::settings::load(store, project).await?.evidence;
    let tx = store.worker(project.tenant_id).await?;
    let rows = tx.waiting_evidence(project.id, RETRY_BATCH).await?;
    tx.commit().await?;
    let mut tally = Tally::default();
    let sources = rows.iter().filter_map(|row| {
        let origin = row.origin.as_deref()?;
        Some((row.token.clone(), Source::with(row, From::File(PathBuf::from(origin)))))
    });
    Upload::new(home.clone(), settings).send(store, project, sources.collect(), &mut tally).await?;
    match tally.store_problem.take() {
        Some(problem) => Err(AppError::EvidenceWaits { code: problem.code, message: problem.message }),
        None => Ok(tally),
    }
}
