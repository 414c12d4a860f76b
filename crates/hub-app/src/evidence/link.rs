//! What a link leads to. Whoever has the token may see the evidence; what is not there any more is still told.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use hub_domain::evidence::EvidenceState;
use hub_evidence::{Key, Link, Sniffed};
use hub_store::{EvidenceRow, Store};

use super::Home;
use crate::AppError;

/// What a link leads to.
pub enum Answer {
    /// To the store itself, at an address that lives for minutes.
    Elsewhere(String),
    /// The bytes, read out by the hub.
    Here(Here),
    /// Nothing that can be shown, and what it is or was.
    Not(About),
    /// There is no such evidence.
    Unknown,
}

/// Bytes to hand out.
pub struct Here {
    /// What it is called.
    pub name: String,
    /// The media type, by its bytes.
    pub content_type: String,
    /// Whether a browser shows it without running anything of it.
    pub passive: bool,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// The bytes.
    pub content: BoxStream<'static, Result<Bytes, std::io::Error>>,
}

/// What a piece of evidence is or was.
#[derive(Debug, Clone)]
pub struct About {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// The run.
    pub run: String,
    /// The test case.
    pub test_case: Option<String>,
    /// When it was stored.
    pub stored_at: Option<String>,
    /// When its time was over; nothing where it is still to come.
    pub expired_at: Option<String>,
}

/// Follows a link.
///
/// # Errors
/// The database's and the store's.
pub async fn follow(store: &Store, home: &Home, token: &str) -> Result<Answer, AppError> {
    let fits = token.len() == 26 && token.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
    if !fits {
        return Ok(Answer::Unknown);
    }
    let Some((row, project)) = store.evidence_by_token(token).await? else { return Ok(Answer::Unknown) };
    let Some(project) = store.project_by_id(project).await? else { return Ok(Answer::Unknown) };
    match (row.state, row.key.as_deref().and_then(|key| Key::parse(key).ok())) {
        (EvidenceState::Stored, Some(key)) => {
            let settings = crate::settings::load(store, &project).await?.evidence;
            let evidence = home.open(&settings)?;
            let lives = Duration::from_secs(u64::from(settings.link_seconds));
            match evidence.link(&key, lives).await? {
                Link::Signed(url) => Ok(Answer::Elsewhere(url.into())),
                Link::Local => {
                    let (bytes, content) = evidence.read(&key).await?;
                    let content_type = row.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
                    Ok(Answer::Here(Here {
                        name: row.name,
                        passive: Sniffed::is_passive(&content_type),
                        content_type,
                        bytes,
                        sha256: key.sha256().to_owned(),
                        content,
                    }))
                }
            }
        }
        (EvidenceState::Stored | EvidenceState::Pending | EvidenceState::Expired | EvidenceState::Deleted, _) => {
            Ok(Answer::Not(about(row)))
        }
        (EvidenceState::Linked | EvidenceState::MissingSource | EvidenceState::Refused, _) => Ok(Answer::Unknown),
    }
}

fn about(row: EvidenceRow) -> About {
    About {
        name: row.name,
        kind: row.kind.as_str(),
        run: row.run.as_str().to_owned(),
        test_case: row.test_case.map(|case| case.as_str().to_owned()),
        stored_at: row.stored_at.map(super::list::moment),
        expired_at: row.expired_at.map(super::list::moment),
    }
}
