//! A large ledger for tests and benchmarks of change detection: a project whose rows are all published, of which some are
//! then wanted with another content.

use std::time::Duration;

use hub_domain::{ContentHash, EntityKind, facts::PublicationKey};
use hub_store::{LedgerRow, ProjectRow, Store, Wanted};
use tokio_postgres::Client;

use crate::sample::id;

/// Fills the ledger of a project with published issues, as the hub's own functions leave them, and lets the database
/// gather its statistics as its autovacuum would (the tests' server runs none).
pub async fn fill(client: &Client, project: &ProjectRow, rows: usize) {
    let sql = format!(
        "insert into hub.publication (project_id, tenant_id, object, entity_type, external_id, rank, desired_hash,
             published_hash, remote_id, remote_key, remote_labels, state, fence, published_at)
         select '{}', '{}', 'issue', 'test_case', 'TC_' || to_char(n, 'FM0000000'), 5, sha256(int4send(n)),
                sha256(int4send(n)), (10000 + n)::text, 'CTB-' || n, array['project:ctb', 'type:e2e'], 'published', n, now()
           from generate_series(1, {rows}) n",
        project.id, project.tenant_id
    );
    client.batch_execute(&sql).await.unwrap();
    client.batch_execute("vacuum (analyze, freeze) hub.publication").await.unwrap();
}

/// Wants `changed` of `rows` filled rows with another content, spread over all of them.
pub async fn change(store: &Store, project: &ProjectRow, rows: usize, changed: usize) {
    let wanted: Vec<Wanted> = (1..=changed)
        .map(|n| Wanted {
            key: PublicationKey::issue(EntityKind::TestCase, id(&format!("TC_{:07}", n * (rows / changed)))),
            rank: 5,
            desired_hash: Some(ContentHash([7; 32])),
        })
        .collect();
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.want(project.id, &wanted).await.unwrap(), changed as u64);
    tx.commit().await.unwrap();
}

/// The first rows to publish, in a transaction of their own as a slice reads them.
pub async fn first_batch(store: &Store, project: &ProjectRow, limit: usize) -> Vec<LedgerRow> {
    let tx = store.worker(project.tenant_id).await.unwrap();
    let now = time::OffsetDateTime::now_utc();
    let due = tx.due(project.id, hub_domain::facts::ObjectKind::Issue, limit, now).await.unwrap();
    tx.commit().await.unwrap();
    due
}

/// As many rows of the same width by the primary key: what a batch costs without looking for what differs.
pub async fn baseline_batch(store: &Store, project: &ProjectRow, limit: usize) -> Vec<LedgerRow> {
    let tx = store.worker(project.tenant_id).await.unwrap();
    let rows = tx.published(project.id, hub_domain::facts::ObjectKind::Issue, None, limit).await.unwrap();
    tx.commit().await.unwrap();
    rows
}

/// The middle of an odd number of measurements.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
