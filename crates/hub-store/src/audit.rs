//! The audit trail: every attempt to change something at a destination, and what came of it. Rows are added and never
//! changed; the database refuses anything else to everybody.

use hub_domain::{
    ContentHash, CorrelationId, ProjectId,
    codes::Code,
    entity::Identity,
    facts::{ObjectKind, PublicationKey},
};
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query, tx::BATCH};

/// What was attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A remote object was created.
    Create,
    /// A remote object was changed.
    Update,
    /// Two remote objects were linked.
    Link,
    /// Labels were written.
    Label,
    /// A remote object that carries our marker was found and taken for ours.
    Adopt,
    /// A remote object was marked as no longer true.
    Retire,
    /// A file was read.
    Import,
    /// Settings were changed.
    Configure,
}

impl AuditAction {
    /// The action as the table holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Link => "link",
            Self::Label => "label",
            Self::Adopt => "adopt",
            Self::Retire => "retire",
            Self::Import => "import",
            Self::Configure => "configure",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was done.
    Applied,
    /// It was so already.
    Unchanged,
    /// The site asked to wait.
    Throttled,
    /// It was not done and can be tried again.
    Retryable,
    /// Nobody knows.
    Unknown,
    /// The site refused it.
    Refused,
}

impl AuditOutcome {
    /// The outcome as the table holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Throttled => "throttled",
            Self::Retryable => "retryable",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

/// One entry. The tenant is the transaction's.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The project, where it concerns one.
    pub project: Option<ProjectId>,
    /// The request or command that it belongs to.
    pub correlation: CorrelationId,
    /// Who acted: the hub's part (`hub/sync`) or a user's id.
    pub actor: String,
    /// What was attempted.
    pub action: AuditAction,
    /// The kind of remote object.
    pub object: Option<ObjectKind>,
    /// The entity.
    pub entity: Option<Identity>,
    /// For a link, where it ends.
    pub target: Option<Identity>,
    /// The remote id or key.
    pub remote_ref: Option<String>,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// The code of a failure.
    pub code: Option<&'static Code>,
    /// The HTTP status of the answer.
    pub remote_status: Option<u16>,
    /// What was published before.
    pub before: Option<ContentHash>,
    /// What was to be published.
    pub after: Option<ContentHash>,
    /// More, without bodies, secrets or addresses.
    pub detail: Value,
}

impl AuditRow {
    /// An entry about a publication, to be completed.
    #[must_use]
    pub fn of(
        project: ProjectId,
        correlation: CorrelationId,
        actor: impl Into<String>,
        action: AuditAction,
        key: &PublicationKey,
        outcome: AuditOutcome,
    ) -> Self {
        Self {
            project: Some(project),
            correlation,
            actor: actor.into(),
            action,
            object: Some(key.object),
            entity: Some(key.entity.clone()),
            target: key.target.clone(),
            remote_ref: None,
            outcome,
            code: None,
            remote_status: None,
            before: None,
            after: None,
            detail: Value::Object(serde_json::Map::new()),
        }
    }
}

static ADD: Query = Query {
    doing: "add to the audit trail",
    sql: "insert into hub.audit_log (tenant_id, project_id, correlation_id, actor, action, object, entity_type, external_id,
            target_type, target_id, remote_ref, outcome, error_code, remote_status, before_hash, after_hash, detail)
          select $1, u.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int4[], $15::bytea[], $16::bytea[],
            $17::jsonb[]) u",
    types: &[
        Type::UUID,
        Type::UUID_ARRAY,
        Type::UUID_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::BYTEA_ARRAY,
        Type::BYTEA_ARRAY,
        Type::JSONB_ARRAY,
    ],
};

pub(crate) static QUERIES: &[&Query] = &[&ADD];

impl WorkerTx {
    /// Adds entries, in their order.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn audit(&self, entries: &[AuditRow]) -> Result<(), StoreError> {
        for batch in entries.chunks(BATCH) {
            let text = |get: fn(&AuditRow) -> Option<&str>| batch.iter().map(get).collect::<Vec<Option<&str>>>();
            let id = |identity: &Option<Identity>| identity.as_ref().map(|i| i.external_id.as_str().to_owned());
            let projects: Vec<Option<uuid::Uuid>> = batch.iter().map(|e| e.project.map(|p| p.0)).collect();
            let correlations: Vec<uuid::Uuid> = batch.iter().map(|e| e.correlation.0).collect();
            let actors = text(|e| Some(&e.actor));
            let actions = text(|e| Some(e.action.as_str()));
            let objects = text(|e| e.object.map(ObjectKind::as_str));
            let kinds = text(|e| e.entity.as_ref().map(|i| i.kind.as_str()));
            let ids: Vec<Option<String>> = batch.iter().map(|e| id(&e.entity)).collect();
            let target_kinds = text(|e| e.target.as_ref().map(|i| i.kind.as_str()));
            let target_ids: Vec<Option<String>> = batch.iter().map(|e| id(&e.target)).collect();
            let remotes = text(|e| e.remote_ref.as_deref());
            let outcomes = text(|e| Some(e.outcome.as_str()));
            let codes = text(|e| e.code.map(|code| code.id));
            let statuses: Vec<Option<i32>> = batch.iter().map(|e| e.remote_status.map(i32::from)).collect();
            let before: Vec<Option<&[u8]>> = batch.iter().map(|e| e.before.as_ref().map(|h| h.0.as_slice())).collect();
            let after: Vec<Option<&[u8]>> = batch.iter().map(|e| e.after.as_ref().map(|h| h.0.as_slice())).collect();
            let details: Vec<&Value> = batch.iter().map(|e| &e.detail).collect();
            self.run(
                &ADD,
                &[
                    &self.tenant().0,
                    &projects,
                    &correlations,
                    &actors,
                    &actions,
                    &objects,
                    &kinds,
                    &ids,
                    &target_kinds,
                    &target_ids,
                    &remotes,
                    &outcomes,
                    &codes,
                    &statuses,
                    &before,
                    &after,
                    &details,
                ],
            )
            .await?;
        }
        Ok(())
    }
}
