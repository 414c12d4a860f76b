//! What the queue costs: its own time for a lane's job (claim, run with nothing to do, complete), beside the time of the calls
//! that publish one slice of 100 issues at 50 ms a call, in the same run; and how long a bell takes from its commit to its
//! lane's run. `cargo bench -p hub-app --bench queue [-- LANES]`; ends with 1 where a bound is missed.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops where it cannot measure, and prints")]

use std::time::{Duration, Instant};

use atlassian_sim::Options;
use hub_app::{
    Store,
    evidence::Home,
    ingest,
    lanes::{
        Stop,
        worker::{self, WorkOptions},
    },
    progress::Silent,
    project::{self, AddProject},
    publish::{self, Context, Session},
};
use hub_domain::{Moment, facts::ObjectKind, vocabulary::Locale};
use hub_store::{Lane, LaneKind, ProjectRow};
use hub_testkit::TestDatabase;

/// The latency of one call at a real site (measured at about 50 ms).
const CALL: Duration = Duration::from_millis(50);
/// Rows of one slice.
const ROWS: u32 = 100;
/// The queue's share of the calls' time.
const TARGET: f64 = 0.01;
/// Bells for the latency.
const BELLS: usize = 40;

fn main() {
    let lanes: usize = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(600);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    std::process::exit(runtime.block_on(run(lanes)));
}

async fn run(lanes: usize) -> i32 {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let folder = tempfile::tempdir().unwrap();
    let site = atlassian_sim::start(Options {
        projects: vec!["BENCH".into()],
        spaces: vec!["BENCH".into()],
        latency: CALL,
        ..Options::default()
    })
    .await
    .unwrap();

    // The calls of one slice, without any queue.
    let token = folder.path().join("token");
    std::fs::write(&token, "sim-token").unwrap();
    let cases = folder.path().join("cases.csv");
    std::fs::write(&cases, table(2 * ROWS)).unwrap();
    let row = project::add(&store, &add("bench", &site.url, &token)).await.unwrap();
    ingest::ingest(&store, &row, &[cases], None, false, &Home::below(&std::env::temp_dir()), &Silent).await.unwrap();
    let context = Context::new(&store, &row, hub_app::new_correlation(), &Silent);
    let mut session = Session::new();
    let mut slice = async || {
        let (before, began) = (session.calls(), Instant::now());
        publish::slice(&context, &mut session, ObjectKind::Issue, Moment::now_utc()).await.unwrap().unwrap();
        let after = session.calls();
        ((after.reads + after.writes) - (before.reads + before.writes), began.elapsed())
    };
    // The first one also logs in and learns the screens.
    slice().await;
    let (calls, wall) = slice().await;
    let calls_time = CALL * u32::try_from(calls).unwrap();

    // The queue alone: lanes whose bells find nothing to do.
    let client = database.client().await;
    client
        .batch_execute("update hub.publication set desired_hash = published_hash, state = 'published'")
        .await
        .unwrap();
    let mut rows = vec![row.clone()];
    for n in 1..lanes.div_ceil(LaneKind::ALL.len()) {
        rows.push(project::add(&store, &add(&format!("bench-{n}"), &site.url, &token)).await.unwrap());
    }
    let (job, jobs) = drain_all(&store, &rows, 1).await;
    let (job_16, _) = drain_all(&store, &rows, 16).await;
    let latency = bells(&store, &row).await;

    let per_item = job / ROWS;
    let share = job.as_secs_f64() / calls_time.as_secs_f64();
    println!("{jobs} jobs of lanes, one hand: {:.2} ms a job; 16 hands: {:.2} ms", millis(job), millis(job_16));
    println!(
        "a slice of {ROWS} issues: {calls} calls of {} ms, {:.0} ms of calls, {:.0} ms of wall time",
        CALL.as_millis(),
        millis(calls_time),
        millis(wall)
    );
    println!(
        "queue: {:.4} ms an item, {:.2} % of a call; of the time of its calls {:.2} % where a job has one slice, in a run of {} s {:.3} %",
        millis(per_item),
        100.0 * per_item.as_secs_f64() / CALL.as_secs_f64(),
        share * 100.0,
        hub_app::lanes::drain::RUN_FOR.as_secs(),
        100.0 * job.as_secs_f64() / hub_app::lanes::drain::RUN_FOR.as_secs_f64()
    );
    let at = |share: usize| latency.get((latency.len() - 1) * share / 100).copied().unwrap_or_default();
    println!(
        "commit to run, {} bells: median {:.1} ms, p95 {:.1} ms, longest {:.1} ms",
        latency.len(),
        millis(at(50)),
        millis(at(95)),
        millis(at(100))
    );
    // A lane with a backlog works for a whole run before the queue has to do with it again; a single slice is what a quiet
    // lane has, and there nobody waits for the queue.
    let backlog = job.as_secs_f64() / hub_app::lanes::drain::RUN_FOR.as_secs_f64();
    if per_item.as_secs_f64() / CALL.as_secs_f64() > TARGET || backlog > TARGET {
        println!("missed: the queue takes more than {:.0} % of a call for an item, or of a run", TARGET * 100.0);
        return 1;
    }
    0
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn add(key: &str, site: &str, token: &std::path::Path) -> AddProject {
    AddProject {
        tenant: "bench".into(),
        key: key.into(),
        name: None,
        locale: Locale::En,
        site: site.into(),
        jira_project: "BENCH".into(),
        confluence_space: "BENCH".into(),
        account_email: "qa@example.com".into(),
        credential: format!("file://{}", token.display()),
        label_marker: false,
        update: false,
    }
}

fn table(n: u32) -> String {
    let mut text =
        "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|RESULTADO_ESPERADO|\
                    PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n"
            .to_owned();
    for i in 1..=n {
        text.push_str(&format!(
            "TC_BENCH_{i:06}|E2E|Cart|Prices|REQ-{i}|The price of item {i} is right|A cart|1. Open 2. Read|Right|P1|Alto|@cart|Generado\n"
        ));
    }
    text
}

/// Rings every lane of these projects and lets one process drain them. Returns the time for a job, and how many there were.
async fn drain_all(store: &Store, rows: &[ProjectRow], hands: usize) -> (Duration, u32) {
    for row in rows {
        let tx = store.worker(row.tenant_id).await.unwrap();
        tx.ring(&LaneKind::ALL.map(|kind| Lane { project: row.id, kind }));
        tx.commit().await.unwrap();
    }
    let jobs = count(store).await;
    let stop = Stop::new();
    let options = WorkOptions { concurrency: hands, until_idle: false };
    let work = tokio::spawn(worker::work(store.clone(), Home::below(&std::env::temp_dir()), options, stop.clone()));
    // The first tenth is the engine's start.
    let tenth = jobs / 10;
    while count(store).await > jobs - tenth {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (left, began) = (count(store).await, Instant::now());
    while count(store).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    stop.ask();
    work.await.unwrap().unwrap();
    (took / u32::try_from(left.max(1)).unwrap(), u32::try_from(jobs).unwrap())
}

/// The times from a bell's commit to the moment in which its lane is seen running or done.
async fn bells(store: &Store, row: &ProjectRow) -> Vec<Duration> {
    let stop = Stop::new();
    let options = WorkOptions { concurrency: 4, until_idle: false };
    let work = tokio::spawn(worker::work(store.clone(), Home::below(&std::env::temp_dir()), options, stop.clone()));
    let lane = Lane { project: row.id, kind: LaneKind::Pages };
    let mut times = Vec::with_capacity(BELLS);
    for n in 0..=BELLS {
        let tx = store.worker(row.tenant_id).await.unwrap();
        tx.ring(&[lane]);
        tx.commit().await.unwrap();
        let began = Instant::now();
        while store.queue_load().await.unwrap().due > 0 {
            tokio::task::yield_now().await;
        }
        // The first one waits for the engine's start.
        if n > 0 {
            times.push(began.elapsed());
        }
        while count(store).await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    stop.ask();
    work.await.unwrap().unwrap();
    times.sort();
    times
}

/// Jobs of the queue that are due or running.
async fn count(store: &Store) -> u64 {
    let load = store.queue_load().await.unwrap();
    load.due + load.busy
}
