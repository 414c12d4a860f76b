//! Tokens of the HTTP API: who may hand over reports. A token is a public half, by which its row is found, and a secret half, of
//! which only the SHA-256 is kept.

use hub_domain::{ProjectId, TenantId};
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

use crate::{Store, StoreError, WorkerTx, query::Query};

/// A token as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Its public half.
    pub id: Uuid,
    /// The tenant.
    pub tenant: TenantId,
    /// The project; nothing for every project of the tenant.
    pub project: Option<ProjectId>,
    /// What people call it.
    pub name: String,
    /// The SHA-256 of its secret half.
    pub secret_sha256: [u8; 32],
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it is good.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// Since when it is revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

static ADD: Query = Query {
    doing: "add an API token",
    sql: "insert into hub.api_tokens (id, tenant_id, project_id, name, secret_sha256, expires_at)
          values ($1, $2, $3, $4, $5, now() + make_interval(days => $6))
          on conflict (tenant_id, name) where revoked_at is null do nothing",
    types: &[Type::UUID, Type::UUID, Type::UUID, Type::TEXT, Type::BYTEA, Type::INT4],
};
static LIST: Query = Query {
    doing: "list the API tokens",
    sql: "select id, tenant_id, project_id, name, secret_sha256, created_at, expires_at, last_used_at, revoked_at
            from hub.api_tokens order by created_at, id",
    types: &[],
};
static REVOKE: Query = Query {
    doing: "revoke an API token",
    sql: "update hub.api_tokens set revoked_at = now() where name = $1 and revoked_at is null",
    types: &[Type::TEXT],
};
static FIND: Query = Query {
    doing: "find an API token",
    sql: "select a.id, a.tenant_id, a.project_id, a.name, a.secret_sha256, a.created_at, a.expires_at, a.last_used_at, a.revoked_at
            from hub.api_tokens a where a.id = $1 and a.revoked_at is null and coalesce(a.expires_at > now(), true)",
    types: &[Type::UUID],
};
static USED: Query = Query {
    doing: "note that an API token was used",
    sql: "update hub.api_tokens a set last_used_at = now()
           where a.id = $1 and coalesce(a.last_used_at < now() - interval '1 minute', true)",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] = &[&ADD, &LIST, &REVOKE, &FIND, &USED];

impl WorkerTx {
    /// Adds a token. Returns whether its name was free.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn add_api_token(
        &self,
        id: Uuid,
        project: Option<ProjectId>,
        name: &str,
        secret_sha256: &[u8; 32],
        days: Option<i32>,
    ) -> Result<bool, StoreError> {
        let project = project.map(|project| project.0);
        let added = self.run(&ADD, &[&id, &self.tenant().0, &project, &name, &secret_sha256.as_slice(), &days]).await?;
        Ok(added > 0)
    }

    /// The tenant's tokens, also those that are revoked, in the order in which they were made.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn api_tokens(&self) -> Result<Vec<ApiTokenRow>, StoreError> {
        self.rows(&LIST, &[]).await?.iter().map(token).collect()
    }

    /// Revokes the token of a name. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revoke_api_token(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.run(&REVOKE, &[&name]).await? > 0)
    }
}

impl Store {
    /// Finds a token that is good now by its public half, whosever it is. The owner's statement.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn api_token(&self, id: Uuid) -> Result<Option<ApiTokenRow>, StoreError> {
        FIND.rows(&*self.client().await?, &[&id]).await?.first().map(token).transpose()
    }

    /// Notes that a token was used, at most once a minute.
    ///
    /// # Errors
    /// [`StoreError::Connect`], [`StoreError::Query`].
    pub async fn api_token_used(&self, id: Uuid) -> Result<(), StoreError> {
        USED.run(&*self.client().await?, &[&id]).await.map(|_| ())
    }
}

fn token(row: &Row) -> Result<ApiTokenRow, StoreError> {
    let sum: Vec<u8> = row.get(4);
    Ok(ApiTokenRow {
        id: row.get(0),
        tenant: TenantId(row.get(1)),
        project: row.get::<_, Option<Uuid>>(2).map(ProjectId),
        name: row.get(3),
        secret_sha256: sum.try_into().map_err(|_| StoreError::unreadable("a token's digest", "it is not 32 bytes"))?,
        created_at: row.get(5),
        expires_at: row.get(6),
        last_used_at: row.get(7),
        revoked_at: row.get(8),
    })
}
