//! Finding what differs stays an index read, however large the ledger is: the size that fits into a run of the tests. A
//! million rows are measured by `cargo bench -p hub-store --bench detect`.

use std::time::Instant;

use hub_store::ledger;
use hub_testkit::TestDatabase;

use crate::{
    detect_rows::{baseline_batch, change, fill, first_batch, median},
    sample::project,
};

const ROWS: usize = 100_000;
const CHANGED: usize = 1_000;
const BATCH: usize = 100;
const ROUNDS: usize = 7;
/// The first batch may cost so many times reading as many rows by their primary key. Both are some hundred
/// microseconds; a scan of the table would cost a hundred times as much, so that a busy machine does not matter.
const MOST: u32 = 10;

#[tokio::test]
async fn the_first_batch_is_an_index_read_whatever_the_ledger_holds() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let client = database.client().await;
    fill(&client, &project, ROWS).await;
    assert_eq!(first_batch(&store, &project, BATCH).await, []);

    change(&store, &project, ROWS, CHANGED).await;
    client.batch_execute("analyze hub.publication").await.unwrap();
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        assert_eq!(baseline_batch(&store, &project, BATCH).await.len(), BATCH);
        baseline.push(started.elapsed());
        let started = Instant::now();
        let due = first_batch(&store, &project, BATCH).await;
        ours.push(started.elapsed());
        assert_eq!(due.len(), BATCH);
        assert!(due.iter().all(|row| row.desired_hash != row.published_hash));
    }
    let (ours, baseline) = (median(ours), median(baseline));
    assert!(ours <= baseline * MOST, "the first batch took {ours:?}, as many rows by their key {baseline:?}");

    let plan = plan_of_due(&client, &project).await;
    assert!(plan.contains("publication_to_do") && !plan.contains("Seq Scan on publication"), "{plan}");
}

/// The plan as the worker gets it, row-level security included.
async fn plan_of_due(client: &tokio_postgres::Client, project: &hub_store::ProjectRow) -> String {
    let types: Vec<&str> = ledger::DUE.types.iter().map(tokio_postgres::types::Type::name).collect();
    let sql = format!(
        "begin; set local role hub_worker; set local hub.tenant_id = '{}';
         prepare due ({}) as {};
         explain execute due ('{}', 'issue', now(), {BATCH}, '{{}}', null);
         rollback; deallocate due",
        project.tenant_id,
        types.join(", "),
        ledger::DUE.sql,
        project.id
    );
    let rows = client.simple_query(&sql).await.unwrap();
    let lines = rows.iter().filter_map(|message| {
        let tokio_postgres::SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0).map(str::to_owned)
    });
    lines.collect::<Vec<_>>().join("\n")
}
