//! What a team decided about its project: one row of JSON.

use hub_domain::ProjectId;
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::{StoreError, WorkerTx, query::Query};

static READ: Query = Query {
    doing: "read the project's settings",
    sql: "select settings from hub.project_settings where project_id = $1",
    types: &[Type::UUID],
};
static WRITE: Query = Query {
    doing: "save the project's settings",
    sql: "insert into hub.project_settings as s (project_id, tenant_id, settings) values ($1, $2, $3)
          on conflict (project_id) do update set settings = excluded.settings, updated_at = now()
            where s.settings is distinct from excluded.settings",
    types: &[Type::UUID, Type::UUID, Type::JSONB],
};

pub(crate) static QUERIES: &[&Query] = &[&READ, &WRITE];

impl WorkerTx {
    /// The project's settings as they were saved; none where nothing was said.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn settings(&self, project: ProjectId) -> Result<Option<Value>, StoreError> {
        let rows = self.rows(&READ, &[&project.0]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }

    /// Saves the project's settings. Returns whether they changed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn save_settings(&self, project: ProjectId, settings: &Value) -> Result<bool, StoreError> {
        let tenant = self.tenant();
        Ok(self.run(&WRITE, &[&project.0, &tenant.0, settings]).await? > 0)
    }
}
