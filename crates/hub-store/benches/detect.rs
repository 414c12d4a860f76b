//! What it costs to find what differs in a ledger of a million rows, beside a baseline of the same run and in turns with it.
//! `cargo bench -p hub-store --bench detect [-- ROWS]`; ends with 1 where a limit is missed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops where it cannot measure, and prints")]

use std::time::{Duration, Instant};

use hub_store::{ProjectRow, Store};
use hub_testkit::TestDatabase;
use tokio_postgres::Client;

#[path = "../tests/it/detect_rows.rs"]
mod detect_rows;
#[expect(dead_code, reason = "the tests use more of the sample")]
#[path = "../tests/it/sample.rs"]
mod sample;

use detect_rows::{baseline_batch, change, fill, first_batch, median};

/// Turns of each measurement, after one that warms the caches. Odd, so that there is a middle.
const ROUNDS: usize = 11;
/// What a slice takes.
const BATCH: usize = 100;
const CHANGED: usize = 10_000;

/// Nothing changed: the question and its empty answer.
const NOTHING_LIMIT: Duration = Duration::from_millis(2);
/// Many changed: the first batch of them.
const FIRST_LIMIT: Duration = Duration::from_millis(10);
/// Counting what differs, in times of touching both hashes of each row.
const DIFF_LIMIT: f64 = 1.5;

/// The columns are read and not compared.
const TOUCH: &str = "select count(*) filter (where desired_hash is not null and published_hash is not null)
                       from hub.publication where project_id = '{project}'";
const DIFF: &str = "select count(*) filter (where desired_hash is distinct from published_hash)
                      from hub.publication where project_id = '{project}'";

struct Line {
    what: &'static str,
    ours: Duration,
    baseline: Duration,
    against: &'static str,
    limit: String,
    holds: bool,
}

fn main() {
    let rows: usize = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    std::process::exit(runtime.block_on(run(rows)));
}

async fn run(rows: usize) -> i32 {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = sample::project(&store).await;
    let client = database.client().await;
    let started = Instant::now();
    fill(&client, &project, rows).await;
    println!("{rows} published rows in {:.1} s; {ROUNDS} turns each, medians", started.elapsed().as_secs_f64());

    let mut lines = vec![nothing_changed(&store, &project, &client).await];
    change(&store, &project, rows, CHANGED.min(rows)).await;
    client.batch_execute("analyze hub.publication").await.unwrap();
    lines.push(first_of_many(&store, &project).await);
    lines.push(full_diff(&client, &project, CHANGED.min(rows)).await);

    println!("{:<28} {:>10} {:>10} {:>7}  {:<34} limit", "", "hub", "baseline", "ratio", "baseline is");
    for line in &lines {
        let ratio = line.ours.as_secs_f64() / line.baseline.as_secs_f64();
        let verdict = if line.holds { "" } else { "  MISSED" };
        let (ours, baseline) = (show(line.ours), show(line.baseline));
        println!(
            "{:<28} {ours:>10} {baseline:>10} {ratio:>7.2}  {:<34} {}{verdict}",
            line.what, line.against, line.limit
        );
    }
    i32::from(lines.iter().any(|line| !line.holds))
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

async fn nothing_changed(store: &Store, project: &ProjectRow, client: &Client) -> Line {
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let started = Instant::now();
        client.batch_execute("begin").await.unwrap();
        client.query_typed("select 1", &[]).await.unwrap();
        client.query_typed("select 1", &[]).await.unwrap();
        client.batch_execute("commit").await.unwrap();
        let bare = started.elapsed();
        let started = Instant::now();
        assert_eq!(first_batch(store, project, BATCH).await.len(), 0);
        if round > 0 {
            baseline.push(bare);
            ours.push(started.elapsed());
        }
    }
    let (ours, baseline) = (median(ours), median(baseline));
    let (holds, limit) = (ours <= NOTHING_LIMIT, show(NOTHING_LIMIT));
    Line { what: "nothing changed", ours, baseline, against: "a transaction of `select 1`", limit, holds }
}

async fn first_of_many(store: &Store, project: &ProjectRow) -> Line {
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let started = Instant::now();
        assert_eq!(baseline_batch(store, project, BATCH).await.len(), BATCH);
        let by_key = started.elapsed();
        let started = Instant::now();
        assert_eq!(first_batch(store, project, BATCH).await.len(), BATCH);
        if round > 0 {
            baseline.push(by_key);
            ours.push(started.elapsed());
        }
    }
    let (ours, baseline) = (median(ours), median(baseline));
    let (holds, limit) = (ours <= FIRST_LIMIT, show(FIRST_LIMIT));
    Line { what: "first 100 of 10,000 changed", ours, baseline, against: "100 rows by their primary key", limit, holds }
}

async fn full_diff(client: &Client, project: &ProjectRow, changed: usize) -> Line {
    // As the worker is seen by row-level security, like everything that the hub reads.
    let role = format!("set role hub_worker; set hub.tenant_id = '{}'", project.tenant_id);
    client.batch_execute(&role).await.unwrap();
    let ask = async |sql: &str| -> (i64, Duration) {
        let sql = sql.replace("{project}", &project.id.to_string());
        let started = Instant::now();
        let rows = client.query_typed(&sql, &[]).await.unwrap();
        (rows.first().map(|row| row.get(0)).unwrap_or_default(), started.elapsed())
    };
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (touched, touch) = ask(TOUCH).await;
        let (differing, diff) = ask(DIFF).await;
        assert!(touched > 0 && usize::try_from(differing) == Ok(changed), "{differing} of {touched} differ");
        if round > 0 {
            baseline.push(touch);
            ours.push(diff);
        }
    }
    let (ours, baseline) = (median(ours), median(baseline));
    let holds = ours.as_secs_f64() <= baseline.as_secs_f64() * DIFF_LIMIT;
    let limit = format!("{DIFF_LIMIT} times the baseline");
    Line { what: "count all that differ", ours, baseline, against: "touching both hashes of each row", limit, holds }
}
