//! Rows of the ledger: their type, their key as columns, and how they are read.

use hub_domain::{
    ContentHash,
    entity::Identity,
    facts::{ObjectKind, PublicationKey},
};
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::{
    StoreError,
    entities::{external_id, hash, kind},
};

/// What may be done about a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PublicationState {
    /// It differs and nothing has been tried since.
    Pending,
    /// It was handed to the site and the answer is not recorded.
    Sending,
    /// It is what it shall be.
    Published,
    /// An attempt failed; the next is not before its time.
    Waiting,
    /// Nobody knows whether a send reached the site.
    Uncertain,
    /// It was given up; a new content or an operator revives it.
    Dead,
}

impl PublicationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Sending, Self::Published, Self::Waiting, Self::Uncertain, Self::Dead];

    /// The state as the table holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Published => "published",
            Self::Waiting => "waiting",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
        }
    }

    /// Finds a state by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Which publication.
    pub key: PublicationKey,
    /// The order within its kind.
    pub rank: u8,
    /// What it shall be; nothing: it should not exist any more.
    pub desired_hash: Option<ContentHash>,
    /// What it was published as; nothing: never. [`LedgerRow::UNKNOWN_CONTENT`] where an update had no answer.
    pub published_hash: Option<ContentHash>,
    /// The numeric id of the remote object.
    pub remote_id: Option<String>,
    /// The key of an issue.
    pub remote_key: Option<String>,
    /// The version of a page.
    pub remote_version: Option<u64>,
    /// The labels that the hub wrote last; nothing where it wrote none.
    pub remote_labels: Option<Vec<String>>,
    /// The page under which a page was put.
    pub remote_parent: Option<String>,
    /// The state.
    pub state: PublicationState,
    /// Failed attempts since the content changed or was published.
    pub attempts: u32,
    /// The number of the last send; 0 before the first.
    pub fence: i64,
    /// Not to be tried before.
    pub next_attempt_at: Option<OffsetDateTime>,
    /// When it was handed over, by the database's clock; nothing unless the answer is open.
    pub sent_at: Option<OffsetDateTime>,
    /// The highest issue number known before it was handed over: what it made has a higher one.
    pub lowest_key: Option<u64>,
    /// The code of the last failure.
    pub error_code: Option<String>,
    /// What the last failure said.
    pub error_message: Option<String>,
    /// The HTTP status of the last failure.
    pub remote_status: Option<u16>,
    /// When it was published last.
    pub published_at: Option<OffsetDateTime>,
    /// When the row changed last.
    pub updated_at: OffsetDateTime,
}

impl LedgerRow {
    /// The published hash of an object whose content nobody knows. No content has it.
    pub const UNKNOWN_CONTENT: ContentHash = ContentHash([0; 32]);

    /// The remote object, where there is one.
    #[must_use]
    pub fn into_remote(self) -> Option<RemoteRef> {
        Some(RemoteRef {
            remote_id: self.remote_id?,
            key: self.key,
            remote_key: self.remote_key,
            remote_version: self.remote_version,
            remote_labels: self.remote_labels,
        })
    }
}

/// Where a publication is at its destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// Which publication.
    pub key: PublicationKey,
    /// The numeric id.
    pub remote_id: String,
    /// The key of an issue.
    pub remote_key: Option<String>,
    /// The version of a page.
    pub remote_version: Option<u64>,
    /// The labels that the hub wrote last.
    pub remote_labels: Option<Vec<String>>,
}

/// The columns that [`ledger_row`] reads, of a table called `p`.
macro_rules! COLUMNS {
    () => {
        "p.object, p.entity_type, p.external_id, p.target_type, p.target_id, p.rank, p.desired_hash, p.published_hash, \
         p.remote_id, p.remote_key, p.remote_version, p.remote_labels, p.state, p.attempts, p.fence, p.next_attempt_at, \
         p.sent_at, p.lowest_key, p.error_code, p.error_message, p.remote_status, p.published_at, p.updated_at, p.remote_parent"
    };
}
pub(crate) use COLUMNS;

/// What makes a row `p` of the ledger that of a key `u`, as [`KeyColumns`] sends it, in the project `$1`.
macro_rules! SAME_KEY {
    () => {
        "p.project_id = $1 and p.object = u.object and p.entity_type = u.entity_type \
         and p.external_id = u.external_id and p.target_type = u.target_type and p.target_id = u.target_id"
    };
}
pub(crate) use SAME_KEY;

pub(crate) fn ledger_row(row: &Row) -> Result<LedgerRow, StoreError> {
    let optional_hash = |column| -> Result<Option<ContentHash>, StoreError> {
        if row.get::<_, Option<&[u8]>>(column).is_some() { hash(row, column).map(Some) } else { Ok(None) }
    };
    let number = |column| row.get::<_, Option<i64>>(column).and_then(|n| u64::try_from(n).ok());
    let state: String = row.get(12);
    Ok(LedgerRow {
        key: key(row, 0)?,
        rank: u8::try_from(row.get::<_, i16>(5)).map_err(|e| StoreError::unreadable("a publication's rank", e))?,
        desired_hash: optional_hash(6)?,
        published_hash: optional_hash(7)?,
        remote_id: row.get(8),
        remote_key: row.get(9),
        remote_version: number(10),
        remote_labels: row.get(11),
        state: PublicationState::from_word(&state)
            .ok_or_else(|| StoreError::unreadable("a publication's state", state))?,
        attempts: u32::try_from(row.get::<_, i32>(13)).unwrap_or(0),
        fence: row.get(14),
        next_attempt_at: row.get(15),
        sent_at: row.get(16),
        lowest_key: number(17),
        error_code: row.get(18),
        error_message: row.get(19),
        remote_status: row.get::<_, Option<i32>>(20).and_then(|status| u16::try_from(status).ok()),
        published_at: row.get(21),
        updated_at: row.get(22),
        remote_parent: row.get(23),
    })
}

/// The key that begins at a column.
pub(crate) fn key(row: &Row, from: usize) -> Result<PublicationKey, StoreError> {
    let target = if row.get::<_, &str>(from + 3).is_empty() {
        None
    } else {
        Some(Identity { kind: kind(row, from + 3)?, external_id: external_id(row, from + 4)? })
    };
    let entity = Identity { kind: kind(row, from + 1)?, external_id: external_id(row, from + 2)? };
    Ok(PublicationKey { object: object(row, from)?, entity, target })
}

pub(crate) fn object(row: &Row, column: usize) -> Result<ObjectKind, StoreError> {
    let word: String = row.get(column);
    ObjectKind::from_word(&word).ok_or_else(|| StoreError::unreadable("a publication's kind", word))
}

/// Keys as columns, which is how a statement takes a thousand of them.
#[derive(Default)]
pub(crate) struct KeyColumns<'a> {
    pub objects: Vec<&'a str>,
    pub entity_types: Vec<&'a str>,
    pub external_ids: Vec<&'a str>,
    pub target_types: Vec<&'a str>,
    pub target_ids: Vec<&'a str>,
}

impl<'a> KeyColumns<'a> {
    pub fn of(keys: impl IntoIterator<Item = &'a PublicationKey>) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.objects.push(key.object.as_str());
            columns.entity_types.push(key.entity.kind.as_str());
            columns.external_ids.push(key.entity.external_id.as_str());
            columns.target_types.push(key.target.as_ref().map_or("", |target| target.kind.as_str()));
            columns.target_ids.push(key.target.as_ref().map_or("", |target| target.external_id.as_str()));
        }
        columns
    }

    /// The part of a key by which pages are ordered within a kind; empty texts, which come first, where there is none.
    pub fn position(after: Option<&PublicationKey>) -> [String; 4] {
        let after = KeyColumns::of(after);
        let first = |column: &[&str]| column.first().copied().unwrap_or_default().to_owned();
        [first(&after.entity_types), first(&after.external_ids), first(&after.target_types), first(&after.target_ids)]
    }
}
