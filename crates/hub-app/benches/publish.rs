//! What publishing costs: calls and wall time for N new issues, beside a bare loop of the same bulk calls against the same
//! simulator in the same run. `cargo bench -p hub-app --bench publish [-- N]`; ends with 1 where a bound is missed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops where it cannot measure, and prints")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use atlassian_sim::Options;
use hub_app::{
    Store,
    evidence::Home,
    ingest,
    progress::Silent,
    project::{self, AddProject},
    publish::{Context, SyncReport},
};
use hub_domain::vocabulary::Locale;
use hub_testkit::TestDatabase;
use serde_json::Value;

/// Calls before the first create that do not grow with N: who we are, the project, its types, three screens.
const PREFLIGHT: u64 = 8;

/// The wall time may be this many times the bare loop's.
const TARGET: f64 = 1.5;

/// The latency of one call at a real site (measured at about 50 ms).
const CALL: Duration = Duration::from_millis(50);

struct Measured {
    report: SyncReport,
    wall: Duration,
}

fn main() {
    let n: usize = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(10_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    std::process::exit(runtime.block_on(run(n)));
}

async fn run(n: usize) -> i32 {
    let mut missed = 0;
    let calls = record(n).await;
    println!("{n} new issues");
    println!(
        "{:>10} {:>8} {:>8} {:>9} {:>9} {:>10} {:>10} {:>6}",
        "a call", "creates", "proofs", "other", "bound", "hub", "bare loop", "ratio"
    );
    for latency in [Duration::ZERO, CALL] {
        let hub = publish(n, options(latency)).await;
        let bare = bare_loop(&calls, latency).await;
        let by = |name: &str| hub.report.calls.by_endpoint.get(name).copied().unwrap_or(0);
        let creates = by("POST /rest/api/3/issue/bulk");
        let proofs = by("POST /rest/api/3/issue/bulkfetch");
        let issue_calls: u64 =
            hub.report.calls.by_endpoint.iter().filter(|(name, _)| name.contains("/rest/api/3/")).map(|(_, n)| n).sum();
        let other = issue_calls - creates - proofs;
        let fewest = (n.div_ceil(50) + n.div_ceil(100)) as f64;
        let bound = 1.05 * fewest + PREFLIGHT as f64;
        let ratio = hub.wall.as_secs_f64() / bare.as_secs_f64();
        println!(
            "{:>10} {creates:>8} {proofs:>8} {other:>9} {bound:>9.0} {:>10} {:>10} {ratio:>6.2}",
            format!("{} ms", latency.as_millis()),
            format!("{:.2} s", hub.wall.as_secs_f64()),
            format!("{:.2} s", bare.as_secs_f64()),
        );
        if issue_calls as f64 > bound || hub.report.issues.created != n as u64 {
            println!("missed: {issue_calls} calls for {} created issues, bound {bound:.0}", hub.report.issues.created);
            missed = 1;
        }
        if latency == CALL && ratio > TARGET {
            println!("missed: {ratio:.2} times the bare loop, target {TARGET}");
            missed = 1;
        }
    }
    missed
}

fn table(n: usize) -> String {
    let mut text =
        "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|RESULTADO_ESPERADO|\
                    PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n"
            .to_owned();
    for i in 1..=n {
        text.push_str(&format!(
            "TC_BENCH_{i:06}|E2E|Cart|Prices|REQ-{i}|The price of item {i} is right|A cart with items|\
             1. Open the cart 2. Read the price 3. Compare|The price is right|P1|Alto|@cart @ios @android|Generado\n"
        ));
    }
    text
}

fn options(latency: Duration) -> Options {
    Options { projects: vec!["BENCH".into()], spaces: vec!["BENCH".into()], latency, ..Options::default() }
}

/// The hub: takes the table, then publishes it; only the publishing is timed, pages of the project included.
async fn publish(n: usize, options: Options) -> Measured {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let folder = tempfile::tempdir().unwrap();
    let site = atlassian_sim::start(options).await.unwrap();
    let row = prepare(&store, folder.path(), &site.url, n).await;
    let silent = Silent;
    let context = Context::new(&store, &row, hub_app::new_correlation(), &silent);
    let started = Instant::now();
    let report = hub_app::publish::sync(&context, &store, true).await.unwrap();
    let wall = started.elapsed();
    let again = hub_app::publish::sync(&context, &store, false).await.unwrap();
    assert_eq!(again.calls.reads + again.calls.writes, 0, "a second run makes no call");
    Measured { report, wall }
}

async fn prepare(store: &Store, folder: &Path, site: &str, n: usize) -> hub_store::ProjectRow {
    let (token, cases) = (folder.join("token"), folder.join("cases.csv"));
    std::fs::write(&token, "sim-token").unwrap();
    std::fs::write(&cases, table(n)).unwrap();
    let add = AddProject {
        tenant: "bench".into(),
        key: "bench".into(),
        name: None,
        locale: Locale::En,
        site: site.into(),
        jira_project: "BENCH".into(),
        confluence_space: "BENCH".into(),
        account_email: "qa@example.com".into(),
        credential: format!("file://{}", token.display()),
        label_marker: false,
        update: false,
    };
    let row = project::add(store, &add).await.unwrap();
    let report =
        ingest::ingest(store, &row, &[cases], None, false, &Home::below(&std::env::temp_dir()), &Silent).await.unwrap();
    assert_eq!(report.files[0].cases, n as u64);
    row
}

/// The bulk calls that the hub makes, as a site recorded them: path and body.
async fn record(n: usize) -> Vec<(String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    publish(n, Options { log: Some(log.clone()), ..options(Duration::ZERO) }).await;
    let text = std::fs::read_to_string(log).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|call| {
            let url = call["url"].as_str().unwrap();
            let path = url.get(url.find("/rest/").unwrap_or(0)..).unwrap().to_owned();
            path.starts_with("/rest/api/3/issue/bulk").then(|| (path, call["request_body"].clone()))
        })
        .collect()
}

/// The bare loop: the very same bulk calls, one after the other, and nothing else.
async fn bare_loop(calls: &[(String, Value)], latency: Duration) -> Duration {
    let site = atlassian_sim::start(options(latency)).await.unwrap();
    let client = reqwest::Client::new();
    let started = Instant::now();
    for (path, body) in calls {
        let request = client.post(format!("{}{path}", site.url)).basic_auth("qa@example.com", Some("sim-token"));
        let answer = request.json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.unwrap();
    }
    started.elapsed()
}
