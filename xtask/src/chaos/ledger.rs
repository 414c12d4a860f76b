//! What the hub's own tables say, read beside the hub.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::cluster::Cluster;

/// A row of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub tenant: String,
    pub project: String,
    pub object: String,
    pub kind: String,
    pub id: String,
    /// The other end of a link.
    pub target: String,
    pub state: String,
    /// The hash of what it shall be, in hexadecimal digits.
    pub desired: String,
    pub remote_id: String,
    pub remote_key: String,
    /// Code and message of the last failure.
    pub failure: String,
}

impl Row {
    /// `tenant/project/object/kind/id`.
    pub fn name(&self) -> String {
        format!("{}/{}/{}/{}/{}", self.tenant, self.project, self.object, self.kind, self.id)
    }
}

const ROWS: &str = "select coalesce(json_agg(x), '[]') from (
    select t.slug as tenant, j.key as project, p.object, p.entity_type as kind, p.external_id as id, p.target_id as target,
           p.state, encode(p.desired_hash, 'hex') as desired, p.remote_id, p.remote_key,
           p.error_code || ' ' || coalesce(p.error_message, '') as failure
      from hub.publication p join hub.projects j on j.id = p.project_id join hub.tenants t on t.id = p.tenant_id
     where p.desired_hash is not null or p.published_hash is not null) x";
const EXPLAINED: &str = "select coalesce(json_agg(distinct remote_ref), '[]') from hub.audit_log
    where remote_ref is not null and outcome in ('applied', 'unchanged')";

/// Every row.
pub fn rows(cluster: &Cluster) -> Result<Vec<Row>> {
    let answer: Value = serde_json::from_str(&cluster.ask(ROWS)?).context("the ledger is no JSON")?;
    Ok(answer.as_array().into_iter().flatten().map(row).collect())
}

fn row(value: &Value) -> Row {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Row {
        tenant: text("tenant"),
        project: text("project"),
        object: text("object"),
        kind: text("kind"),
        id: text("id"),
        target: text("target"),
        state: text("state"),
        desired: text("desired"),
        remote_id: text("remote_id"),
        remote_key: text("remote_key"),
        failure: text("failure"),
    }
}

/// The remote objects that the audit trail names as written or adopted.
pub fn explained(cluster: &Cluster) -> Result<BTreeSet<String>> {
    let answer: Value = serde_json::from_str(&cluster.ask(EXPLAINED)?).context("the audit trail is no JSON")?;
    Ok(answer.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect())
}
