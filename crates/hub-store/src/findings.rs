//! What the audit of the sites found to be other than the ledger says, and how the ledger is told.

use hub_domain::{
    ContentHash, ProjectId,
    entity::Identity,
    facts::{ObjectKind, PublicationKey},
};
use time::OffsetDateTime;
use tokio_postgres::types::{ToSql, Type};

use crate::{
    StoreError, WorkerTx,
    entities::{external_id, kind},
    ledger_rows::{KeyColumns, SAME_KEY, object},
    query::Query,
    tx::BATCH,
};

/// How a site differs from the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// Another live object carries the marker of this one.
    Duplicate,
    /// It was deleted, or the account no longer sees it.
    Gone,
    /// It has another key: it was moved to another project, or its project got another key.
    Moved,
    /// It holds another content than was recorded, or has lost its marker.
    Stale,
    /// A person has edited it since it was published.
    Edited,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Duplicate, Self::Gone, Self::Moved, Self::Stale, Self::Edited];

    /// The kind as the table holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Stale => "stale",
            Self::Edited => "edited",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How the site differs.
    pub kind: FindingKind,
    /// The kind of remote object.
    pub object: ObjectKind,
    /// The entity.
    pub entity: Identity,
    /// The remote object that differs: an issue's key, a page's id.
    pub remote_ref: String,
    /// What a person should know.
    pub detail: String,
    /// Whether the ledger was told, so that nothing is left to do for a person.
    pub is_healed: bool,
}

/// A finding on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// What was found.
    pub finding: Finding,
    /// When it was first met.
    pub found_at: OffsetDateTime,
    /// When it was met last.
    pub seen_at: OffsetDateTime,
}

static NOTE: Query = Query {
    doing: "note what the audit found",
    sql: "insert into hub.findings as f
            (project_id, tenant_id, kind, object, entity_type, external_id, remote_ref, detail, healed_at)
          select $1, $2, u.kind, u.object, u.entity_type, u.external_id, u.remote_ref, u.detail,
                 case when u.healed then now() end
            from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bool[])
            u (kind, object, entity_type, external_id, remote_ref, detail, healed)
          on conflict (project_id, object, entity_type, external_id, kind, remote_ref) do update
            set detail = excluded.detail, seen_at = now(), healed_at = excluded.healed_at",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BOOL_ARRAY,
    ],
};
static CLOSE: Query = Query {
    doing: "close findings that are no longer met",
    sql: "update hub.findings set healed_at = now()
           where project_id = $1 and object = $2 and healed_at is null and seen_at < $3",
    types: &[Type::UUID, Type::TEXT, Type::TIMESTAMPTZ],
};
static OPEN: Query = Query {
    doing: "list findings",
    sql: "select kind, object, entity_type, external_id, remote_ref, detail, found_at, seen_at from hub.findings
           where project_id = $1 and healed_at is null
           order by kind, object, entity_type, external_id, remote_ref limit $2",
    types: &[Type::UUID, Type::INT8],
};
static DISTRUST: Query = Query {
    doing: "take a content for unknown",
    // Only what is still as the audit read it: a row that was written meanwhile is not stale.
    sql: concat!(
        "update hub.publication p set published_hash = decode(repeat('00', 32), 'hex'),
                 state = 'pending', updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
            u (object, entity_type, external_id, target_type, target_id, hash)
           where ",
        SAME_KEY!(),
        "
             and p.published_hash = u.hash and p.remote_id is not null and p.state = 'published'
             and p.desired_hash is not null"
    ),
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
    ],
};
static FOLLOW: Query = Query {
    doing: "follow an issue to its new key",
    sql: "update hub.publication set remote_key = $4, updated_at = now()
           where project_id = $1 and object = $2 and remote_id = $3 and remote_key is distinct from $4",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT],
};

static AUDIT_DUE: Query =
    Query { doing: "ask whether an audit is due", sql: "select hub_private.audit_due($1)", types: &[Type::UUID] };

pub(crate) static QUERIES: &[&Query] = &[&AUDIT_DUE, &NOTE, &CLOSE, &OPEN, &DISTRUST, &FOLLOW];

impl WorkerTx {
    /// Whether the project's sites are to be audited without being asked: once a day, where anything is published.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn audit_due(&self, project: ProjectId) -> Result<bool, StoreError> {
        let rows = self.rows(&AUDIT_DUE, &[&project.0]).await?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    /// Notes what was found; what was on record is seen again.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn note_findings(&self, project: ProjectId, findings: &[Finding]) -> Result<(), StoreError> {
        for batch in findings.chunks(BATCH) {
            let column = |get: fn(&Finding) -> &str| batch.iter().map(get).collect::<Vec<&str>>();
            let healed: Vec<bool> = batch.iter().map(|finding| finding.is_healed).collect();
            self.run(
                &NOTE,
                &[
                    &project.0,
                    &self.tenant().0,
                    &column(|f| f.kind.as_str()),
                    &column(|f| f.object.as_str()),
                    &column(|f| f.entity.kind.as_str()),
                    &column(|f| f.entity.external_id.as_str()),
                    &column(|f| &f.remote_ref),
                    &column(|f| &f.detail),
                    &healed,
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Closes findings about a kind of object that a whole audit, begun at `began_at`, did not meet again.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn close_findings(
        &self,
        project: ProjectId,
        object: ObjectKind,
        began_at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        self.run(&CLOSE, &[&project.0, &object.as_str(), &began_at]).await
    }

    /// Open findings, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn findings(&self, project: ProjectId, limit: usize) -> Result<Vec<FindingRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.rows(&OPEN, &[&project.0, &limit]).await?;
        rows.iter()
            .map(|row| {
                let word: String = row.get(0);
                let finding = Finding {
                    kind: FindingKind::from_word(&word)
                        .ok_or_else(|| StoreError::unreadable("a finding's kind", word))?,
                    object: object(row, 1)?,
                    entity: Identity { kind: kind(row, 2)?, external_id: external_id(row, 3)? },
                    remote_ref: row.get(4),
                    detail: row.get(5),
                    is_healed: false,
                };
                Ok(FindingRow { finding, found_at: row.get(6), seen_at: row.get(7) })
            })
            .collect()
    }

    /// Makes published objects due again whose content at the site is not the one recorded. Rows that have changed since
    /// the audit read them stay. Returns how many.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn distrust(
        &self,
        project: ProjectId,
        rows: &[(PublicationKey, ContentHash)],
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for batch in rows.chunks(BATCH) {
            let c = KeyColumns::of(batch.iter().map(|(key, _)| key));
            let hashes: Vec<&[u8]> = batch.iter().map(|(_, hash)| hash.0.as_slice()).collect();
            let parameters: [&(dyn ToSql + Sync); 7] =
                [&project.0, &c.objects, &c.entity_types, &c.external_ids, &c.target_types, &c.target_ids, &hashes];
            changed += self.run(&DISTRUST, &parameters).await?;
        }
        Ok(changed)
    }

    /// Records the key that a remote object has now.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn follow(
        &self,
        project: ProjectId,
        object: ObjectKind,
        remote_id: &str,
        key: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.run(&FOLLOW, &[&project.0, &object.as_str(), &remote_id, &key]).await? > 0)
    }
}
