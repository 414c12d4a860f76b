//! A report's attachments become rows, and their bytes objects: after the results that name them are saved, so that whatever
//! happens here costs no result.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use hub_domain::{
    ContentHash, ExternalId, Moment, Position, Problem, Severity, codes,
    evidence::{self, EvidenceKind, EvidenceState},
    record::AttachmentRecord,
    settings::EvidenceSettings,
};
use hub_evidence::Key;
use hub_pipeline::{normalise::LeftBehind, titles};
use hub_store::{EvidenceRow, ProjectRow, Store};
use serde::Serialize;

use super::{
    Home,
    examine::{Examined, examine},
    new_token,
    upload::{Source, Upload},
};
use crate::{AppError, ingest::beside::Beside};

/// Attachments read at once.
const AT_ONCE: usize = 4;
/// The longest name and the longest slot, in characters.
const MAX_NAME: usize = 200;
const MAX_SLOT: usize = 300;

/// What became of the attachments of an ingest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// New in the store.
    pub stored: u64,
    /// The same content was in the store.
    pub was_there: u64,
    /// Addresses, which are linked and not fetched.
    pub linked: u64,
    /// Files that reports name and that were not handed over.
    pub missing: u64,
    /// What may not be taken.
    pub refused: u64,
    /// What waits for the store.
    pub pending: u64,
    /// Bytes that were sent.
    pub bytes_sent: u64,
    /// What is wrong with the store, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_problem: Option<StoreProblem>,
}

/// What is wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreProblem {
    /// The stable code.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// The attachments of one ingest.
pub struct Taking {
    settings: EvidenceSettings,
    upload: Upload,
    /// Whether the files stay where they are, so that a worker may come back to them.
    stays: bool,
    /// Files of this machine that were named as evidence.
    pub origins: HashSet<String>,
    /// What became of them.
    pub tally: Tally,
}

/// The report whose attachments are taken.
pub struct OfReport<'a> {
    /// The run.
    pub run: &'a ExternalId,
    /// The report.
    pub report: &'a ExternalId,
    /// The file as the user named it.
    pub file: &'a str,
    /// What lies beside it.
    pub beside: Arc<dyn Beside>,
}

/// What one batch of results left behind.
#[derive(Default)]
pub struct Taken {
    /// Tokens of everything that the batch names.
    pub tokens: Vec<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// An attachment with what it is.
struct Piece {
    left: Arc<LeftBehind>,
    attachment: AttachmentRecord,
    slot: String,
    examined: Examined,
}

impl Taking {
    /// Begins with a project's settings; `stays` tells whether the files outlive the ingest.
    ///
    /// # Errors
    /// The database's, or settings of a newer hub.
    pub async fn begin(store: &Store, project: &ProjectRow, home: &Home, stays: bool) -> Result<Self, AppError> {
        let settings = crate::settings::load(store, project).await?.evidence;
        Ok(Self {
            upload: Upload::new(home.clone(), settings.clone()),
            settings,
            stays,
            origins: HashSet::new(),
            tally: Tally::default(),
        })
    }

    /// Takes what a batch of saved results left behind.
    ///
    /// # Errors
    /// The database's. A store that is away is none: what it does not take waits.
    pub async fn take(
        &mut self,
        store: &Store,
        project: &ProjectRow,
        of: &OfReport<'_>,
        batch: Vec<LeftBehind>,
    ) -> Result<Taken, AppError> {
        let mut taken = Taken::default();
        if batch.is_empty() {
            return Ok(taken);
        }
        let pieces = self.examine(of, batch).await?;
        let keys: HashSet<&str> = pieces.iter().map(|piece| piece.left.result_key.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let tx = store.worker(project.tenant_id).await?;
        let now = tx.now().await?;
        let known = tx.evidence_of_results(project.id, of.run, &keys).await?;
        let known: HashMap<(&str, &str), &EvidenceRow> =
            known.iter().map(|row| ((row.result_key.as_str(), row.slot.as_str()), row)).collect();
        let (mut changed, mut sources) = (Vec::new(), Vec::new());
        for piece in pieces {
            let old = known.get(&(piece.left.result_key.as_str(), piece.slot.as_str())).copied();
            let row = self.row(project, of, &piece, old, now);
            if let Examined::Content { origin: Some(origin), .. } = &piece.examined {
                self.origins.insert(origin.clone());
            }
            taken.problems.extend(problem(of, &piece));
            self.count(&piece, row.state);
            taken.tokens.push(row.token.clone());
            if row.state == EvidenceState::Pending {
                sources.push((row.token.clone(), Source::of(&row, &piece.attachment, &of.beside)));
            }
            if old != Some(&row) {
                changed.push(row);
            }
        }
        tx.save_evidence(project.id, of.run, &changed).await?;
        tx.commit().await?;
        self.upload.send(store, project, sources, &mut self.tally).await?;
        Ok(taken)
    }

    /// Reads the attachments of a batch, a few at once.
    async fn examine(&self, of: &OfReport<'_>, batch: Vec<LeftBehind>) -> Result<Vec<Piece>, AppError> {
        let mut named = Vec::new();
        for mut left in batch {
            let attachments = std::mem::take(&mut left.attachments);
            let left = Arc::new(left);
            let mut slots = HashSet::new();
            for (index, attachment) in attachments.into_iter().enumerate() {
                let slot = slot(&attachment, index);
                if !slot.is_empty() && slots.insert(slot.clone()) {
                    named.push((left.clone(), attachment, slot));
                }
            }
        }
        let max_bytes = self.settings.max_bytes;
        let examined = stream::iter(named).map(|(left, attachment, slot)| {
            let beside = of.beside.clone();
            tokio::task::spawn_blocking(move || {
                let examined = examine(&*beside, &attachment, max_bytes);
                Piece { left, attachment, slot, examined }
            })
        });
        let mut pieces = Vec::new();
        let mut examined = examined.buffered(AT_ONCE);
        while let Some(piece) = examined.next().await {
            let broken = |source: tokio::task::JoinError| AppError::Stage {
                stage: "read the attachments",
                source: source.into(),
            };
            pieces.push(piece.map_err(broken)?);
        }
        Ok(pieces)
    }

    /// The row of an attachment. What was stored of the same content stays stored; what has ended stays ended, unless a report had
    /// dropped it and names it again.
    fn row(
        &self,
        project: &ProjectRow,
        of: &OfReport<'_>,
        piece: &Piece,
        old: Option<&EvidenceRow>,
        now: Moment,
    ) -> EvidenceRow {
        let left = &piece.left;
        let name = name_of(&piece.attachment);
        let mut row = EvidenceRow {
            token: old.map_or_else(new_token, |old| old.token.clone()),
            run: of.run.clone(),
            report: of.report.clone(),
            result_key: left.result_key.clone(),
            slot: piece.slot.clone(),
            test_case: left.test_case.clone(),
            kind: EvidenceKind::of(piece.attachment.content_type.as_deref().unwrap_or_default(), &name),
            name,
            result: left.result,
            state: EvidenceState::MissingSource,
            source_path: piece.attachment.path.chars().filter(|c| !c.is_control()).take(2_000).collect(),
            origin: None,
            content_type: None,
            bytes: None,
            sha256: None,
            key: None,
            error_code: None,
            error: None,
            attempts: 0,
            legal_hold: old.is_some_and(|old| old.legal_hold),
            created_at: old.map_or(now, |old| old.created_at),
            stored_at: None,
            expires_at: None,
            expired_at: None,
            superseded_at: None,
        };
        match &piece.examined {
            Examined::Content { sha256, bytes, sniffed, origin } => {
                row.state = EvidenceState::Pending;
                row.kind = EvidenceKind::of(sniffed.content_type, &row.name);
                row.origin = origin.clone().filter(|_| self.stays);
                row.content_type = Some(sniffed.content_type.to_owned());
                row.bytes = Some(*bytes);
                row.sha256 = Some(*sha256);
                row.key = Some(Key::of(project.tenant_id, &project.key, sha256, *sniffed).as_str().to_owned());
                row.expires_at = Some(evidence::expires_at(&self.settings, row.kind, row.result, row.created_at));
            }
            Examined::Address => row.state = EvidenceState::Linked,
            Examined::Missing => {
                row.error_code = Some(codes::EVIDENCE_MISSING.id.to_owned());
                row.error = Some(codes::EVIDENCE_MISSING.title.to_owned());
            }
            Examined::Refused(code, why) => {
                row.state = EvidenceState::Refused;
                row.error_code = Some(code.id.to_owned());
                row.error = Some(why.clone());
            }
        }
        let Some(old) = old else { return row };
        let ended = matches!(old.state, EvidenceState::Expired | EvidenceState::Deleted);
        if ended && old.superseded_at.is_none() {
            return old.clone();
        }
        if ended {
            row.created_at = now;
            row.expires_at = row.key.as_ref().map(|_| evidence::expires_at(&self.settings, row.kind, row.result, now));
            return row;
        }
        let had_bytes = matches!(old.state, EvidenceState::Stored | EvidenceState::Pending);
        if had_bytes && row.state == EvidenceState::MissingSource {
            // It was handed over before, and is not where the report is read now.
            return EvidenceRow { report: row.report, result: row.result, superseded_at: None, ..old.clone() };
        }
        if old.state == EvidenceState::Stored && row.key == old.key {
            row.state = EvidenceState::Stored;
            row.stored_at = old.stored_at;
        }
        row
    }

    fn count(&mut self, piece: &Piece, state: EvidenceState) {
        match (&piece.examined, state) {
            (Examined::Content { .. }, EvidenceState::Stored) => self.tally.was_there += 1,
            (Examined::Content { .. }, _) => {}
            (Examined::Address, _) => self.tally.linked += 1,
            (Examined::Missing, _) => self.tally.missing += 1,
            (Examined::Refused(..), _) => self.tally.refused += 1,
        }
    }
}

/// What tells an attachment from the others of its result: its path, or its place and name where its content stands in the report.
fn slot(attachment: &AttachmentRecord, index: usize) -> String {
    let path = attachment.path.trim().replace('\\', "/");
    let slot = match (path.is_empty(), &attachment.body) {
        (false, _) => path,
        (true, Some(_)) => format!("#{index} {}", attachment.name.as_deref().unwrap_or_default()),
        (true, None) => return String::new(),
    };
    let slot: String = slot.chars().filter(|c| !c.is_control()).collect();
    if slot.chars().count() <= MAX_SLOT {
        return slot;
    }
    let hash = ContentHash::of_bytes(slot.as_bytes()).short();
    format!("{}…{hash}", slot.chars().take(MAX_SLOT - 40).collect::<String>())
}

/// What people call an attachment: as its report does, else the end of its path.
fn name_of(attachment: &AttachmentRecord) -> String {
    let path = attachment.path.replace('\\', "/");
    let end = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').rsplit('/').next();
    let name = attachment.name.as_deref().filter(|name| !name.trim().is_empty()).or(end).unwrap_or_default();
    let name = titles::one_line(name, MAX_NAME);
    if name.is_empty() { "attachment".to_owned() } else { name }
}

fn problem(of: &OfReport<'_>, piece: &Piece) -> Option<Problem> {
    let named =
        if piece.attachment.path.is_empty() { name_of(&piece.attachment) } else { piece.attachment.path.clone() };
    let (code, severity, why) = match &piece.examined {
        Examined::Content { .. } | Examined::Address => return None,
        Examined::Missing => (&codes::EVIDENCE_MISSING, Severity::Repaired, "it is not there".to_owned()),
        Examined::Refused(code, why) => (*code, Severity::Rejected, why.clone()),
    };
    let named: String = named.chars().take(120).collect();
    Some(Problem {
        code,
        message: format!("the attachment {named:?} is not taken: {why}").chars().take(300).collect(),
        position: Position { file: of.file.to_owned(), line: piece.left.line, column: None },
        subject: (!piece.left.test.is_empty()).then(|| piece.left.test.chars().take(200).collect()),
        severity,
    })
}
