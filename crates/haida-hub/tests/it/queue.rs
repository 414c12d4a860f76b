//! The chaos cells of the queue: real workers, a real Postgres of the test's own, a real site whose calls are the meter. What
//! is published is updates of issues, one call each, so that the rate is smooth and a repeated call does no harm.

use std::{
    collections::{HashSet, VecDeque},
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use atlassian_sim::{Options, Running, start};
use hub_testkit::CrashingServer;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    fleet::{NOT_PUBLISHED, Worker},
    support::{cases, program, run},
};

const PROJECTS: [&str; 4] = ["ALFA", "BETA", "GAMA", "DELTA"];
/// Issues of each project: more calls than any cell lasts.
const CASES: usize = 150;
/// The site's answer to one call: long beside what a busy machine adds to it.
const CALL: Duration = Duration::from_millis(150);
/// The time over which a rate is taken.
const WINDOW: Duration = Duration::from_secs(3);
/// How much of the rate has to be back, and when.
const ENOUGH: f64 = 0.95;
const BACK_WITHIN: Duration = Duration::from_secs(5);

struct Rig {
    server: CrashingServer,
    site: Running,
    folder: TempDir,
    meter: Meter,
}

/// Counts the issues whose update reached the site, by its own log. A repeated update is no progress and does not count.
struct Meter {
    log: BufReader<File>,
    updated: HashSet<String>,
    repeated: usize,
    seen: VecDeque<Instant>,
    line: String,
}

impl Meter {
    fn new(path: &PathBuf) -> Self {
        Self {
            log: BufReader::new(File::open(path).expect("the site's log")),
            updated: HashSet::new(),
            repeated: 0,
            seen: VecDeque::new(),
            line: String::new(),
        }
    }

    /// Begins to count anew.
    fn reset(&mut self) {
        self.look();
        self.updated.clear();
        self.seen.clear();
        self.repeated = 0;
    }

    fn look(&mut self) {
        // A line that is only half there stays in the buffer until its rest comes.
        while self.log.read_line(&mut self.line).expect("a line") > 0 && self.line.ends_with('\n') {
            if self.line.contains("\"PUT\"") {
                let call: Value = serde_json::from_str(&self.line).expect("JSON");
                if self.updated.insert(call["url"].as_str().expect("an address").to_owned()) {
                    self.seen.push_back(Instant::now());
                } else {
                    self.repeated += 1;
                }
            }
            self.line.clear();
        }
    }

    /// Updates a second over a time from now on.
    async fn rate(&mut self, over: Duration) -> f64 {
        self.look();
        let (before, began) = (self.seen.len(), Instant::now());
        tokio::time::sleep(over).await;
        self.look();
        (self.seen.len() - before) as f64 / began.elapsed().as_secs_f64()
    }

    /// The time from now until the rate over a window that begins there is enough, and that rate; at most `patience`.
    async fn recovery(&mut self, enough: f64, patience: Duration) -> (Option<Duration>, f64) {
        // What the fault let through is not counted as what came after it.
        self.look();
        self.seen.clear();
        let (began, mut best) = (Instant::now(), 0.0_f64);
        let step = Duration::from_millis(100);
        while began.elapsed() < patience + WINDOW {
            tokio::time::sleep(step).await;
            self.look();
            let Some(from) = Instant::now().checked_sub(WINDOW).filter(|from| *from >= began) else { continue };
            let rate = self.seen.iter().rev().take_while(|at| **at >= from).count() as f64 / WINDOW.as_secs_f64();
            best = best.max(rate);
            if rate >= enough {
                return (Some(from.duration_since(began)), rate);
            }
        }
        (None, best)
    }
}

impl Rig {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("site.jsonl");
        let keys: Vec<String> = PROJECTS.iter().map(|key| (*key).to_owned()).collect();
        let options = Options {
            projects: keys.clone(),
            spaces: keys,
            latency: CALL,
            log: Some(log.clone()),
            ..Options::default()
        };
        let site = start(options).await.expect("the site starts");
        std::fs::write(folder.path().join("token"), "sim-token").expect("a token");
        let table = folder.path().join("cases.csv");
        std::fs::write(&table, cases(CASES, |n| format!("Case {n}"))).expect("a table");
        let rig = Self { server: CrashingServer::start().await, meter: Meter::new(&log), site, folder };
        let credential = format!("file://{}", rig.folder.path().join("token").display());
        for key in PROJECTS {
            let project = key.to_lowercase();
            rig.hub(&[
                "project",
                "add",
                "--key",
                &project,
                "--site",
                &rig.site.url,
                "--jira-project",
                key,
                "--confluence-space",
                key,
                "--account-email",
                "qa@example.com",
                "--credential",
                &credential,
            ]);
            rig.hub(&["ingest", table.to_str().expect("a path"), "--project", &project]);
        }
        rig
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.env("DATABASE_URL", self.server.address()).arg("--json").args(arguments);
        command
    }

    fn hub(&self, arguments: &[&str]) -> Value {
        run(&mut self.command(arguments)).json(0)
    }

    fn worker(&self, name: &str, hands: &str) -> Worker {
        let log = self.folder.path().join(format!("{name}.log"));
        Worker::spawn(self.command(&["work"]), log, &["--concurrency", hands])
    }

    async fn sql(&self, sql: &str) {
        let client = self.server.client().await.expect("a connection");
        client.batch_execute(sql).await.expect(sql);
    }

    async fn number(&self, sql: &str) -> i64 {
        let client = self.server.client().await.expect("a connection");
        client.query_typed(sql, &[]).await.expect(sql)[0].get(0)
    }

    async fn text(&self, sql: &str) -> String {
        let client = self.server.client().await.expect("a connection");
        client.query_typed(&format!("select {sql}::text"), &[]).await.expect(sql)[0].get(0)
    }

    async fn until_zero(&self, sql: &str, patience: Duration) -> Duration {
        let began = Instant::now();
        loop {
            let left = self.number(sql).await;
            if left == 0 {
                return began.elapsed();
            }
            assert!(began.elapsed() < patience, "after {patience:?} {left} are left of: {sql}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Makes every issue due again, as if the content of each were not known, and rings the lanes.
    async fn arm(&mut self) {
        self.meter.reset();
        self.sql(
            "update hub.publication set published_hash = decode(repeat('00', 32), 'hex'), state = 'pending', attempts = 0
              where object = 'issue' and state = 'published';
             select hub_private.put_bell(id, 'issues', null) from hub.projects order by id",
        )
        .await;
    }

    /// Fills the lanes and takes the rate before the fault, once all of them are at it.
    async fn before(&mut self) -> f64 {
        self.arm().await;
        let idle = "select 4 - count(distinct s.project_id) from hub.sync_jobs s
                      join hub_queue._private_job_queues q on q.queue_name = s.project_id || ':issues'
                     where s.kind = 'drain_issues' and s.state = 'running' and q.locked_at is not null";
        self.until_zero(idle, Duration::from_secs(40)).await;
        self.meter.rate(WINDOW).await
    }

    /// Takes the time until the rate is back, which must be in time.
    async fn after(&mut self, cell: &str, before: f64, patience: Duration) {
        let (back, rate) = self.meter.recovery(before * ENOUGH, patience).await;
        let back_after = back.map_or_else(|| "never".to_owned(), |back| format!("after {:.1} s", back.as_secs_f64()));
        let repeated = self.meter.repeated;
        println!("{cell}: {before:.1} updates/s before, {rate:.1}/s again {back_after}; {repeated} updates repeated");
        assert!(back.is_some_and(|back| back <= patience), "{cell}: only {rate:.1}/s of {before:.1}/s came back");
    }

    /// Everything comes to its end: nothing is lost, nothing is there twice.
    async fn settles(&self, patience: Duration) {
        let took = self.until_zero(NOT_PUBLISHED, patience).await;
        println!("everything was published {:.1} s later", took.as_secs_f64());
        let truth: Value = reqwest::get(format!("{}/_sim/state", self.site.url)).await.unwrap().json().await.unwrap();
        assert_eq!(truth["issues"].as_array().unwrap().len(), PROJECTS.len() * CASES);
        assert!(truth["markers"].as_object().unwrap().values().all(|count| *count == 1), "an object exists twice");
        assert_eq!(self.number("select count(*) from hub.publication where state = 'dead'").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_is_back_when_the_database_is() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut rig = Rig::start().await;
    let _workers = [rig.worker("one", "4"), rig.worker("two", "4")];
    rig.until_zero(NOT_PUBLISHED, Duration::from_secs(60)).await;

    let before = rig.before().await;
    rig.sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'")
        .await;
    rig.after("every backend killed", before, BACK_WITHIN).await;

    let before = rig.before().await;
    rig.server.crash();
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.server.start_again();
    rig.after("database restarted (-m immediate)", before, BACK_WITHIN).await;

    let before = rig.before().await;
    // Connections that somebody else holds: all that there are, and the workers have lost theirs.
    let mut idle = Vec::new();
    while let Some(client) = rig.server.client().await {
        idle.push(client);
    }
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'haida-hub%'";
    idle[0].batch_execute(kill).await.unwrap();
    for _ in 0..40 {
        if let Some(client) = rig.server.client().await {
            idle.push(client);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{} connections are held by others", idle.len());
    drop(idle);
    rig.after("no connection to be had", before, BACK_WITHIN).await;
    rig.settles(Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_lose_nothing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut rig = Rig::start().await;
    // Two hands each: every worker holds two of the four lanes.
    let mut workers = vec![rig.worker("one", "2"), rig.worker("two", "2")];
    rig.until_zero(NOT_PUBLISHED, Duration::from_secs(60)).await;
    let before = rig.before().await;
    let victim =
        format!("(select id from hub_queue._private_workers where metadata ->> 'pid' = '{}')", workers[0].pid());
    let held = "select count(*) from hub_queue._private_job_queues where locked_by = ";
    let victim = rig.text(&victim).await;
    let lanes = rig.number(&format!("{held}'{victim}'")).await;
    assert!(lanes > 0, "the one to be killed holds lanes");
    workers[0].kill();
    let killed = Instant::now();
    workers[0] = rig.worker("instead", "2");
    rig.until_zero(&format!("{held}'{victim}'"), Duration::from_secs(40)).await;
    let seconds = killed.elapsed().as_secs_f64();
    println!("one of two workers killed: its {lanes} lanes were free for others {seconds:.1} s later");
    rig.arm().await;
    rig.after("one of two workers killed and another started", before, BACK_WITHIN).await;

    rig.arm().await;
    for round in 0..4 {
        let next = rig.worker(&format!("round-{round}"), "4");
        next.until_ready().await;
        let mut old = std::mem::replace(&mut workers[1], next);
        old.kill();
    }
    println!("killed five workers");
    rig.settles(Duration::from_secs(75)).await;
}
