//! One cell of the rate's measurement: hubs that are processes of their own send as fast as their budget lets them, to one
//! simulator with Jira's token bucket, sharing one database. The simulator's own counts are the judge.
//!
//! Shared by the test `rate` and the benchmark `rate`: each starts itself again as a hub.

use std::{
    io::Read,
    process::Stdio,
    sync::{Arc, Once},
    time::{Duration, Instant},
};

use atlassian_sim::{Options, Running};
use hub_app::budget::SharedBudget;
use hub_destination::{
    Call, Gate, Method, SendFailure, Transport,
    budget::{Budget, LocalBudget},
    jitter::Jitter,
    rates::Rates,
    site::Site,
};
use hub_domain::ProjectId;
use hub_store::{DatabaseConfig, Store};
use hub_testkit::TestDatabase;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

/// The variable that holds a hub's instructions.
pub const INSTRUCTIONS: &str = "HUB_RATE_CELL";
/// What a hub prints when its first call has been accepted.
const READY: &str = "the hub is ready";
/// Issues that are written in turn.
const ISSUES: usize = 50;
/// What waits in each hub: more than a block, so that demand never ends.
const CALLERS: usize = 24;
/// The token bucket that is measured, as the simulator names it.
const BUCKET: &str = "PUT /rest/api/3/issue/{issue}";

/// Which budget the hubs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Budgets {
    /// One for all, in the database.
    Shared,
    /// Each its own, with the whole rate: the baseline.
    Own,
}

/// What a hub is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instructions {
    site: String,
    database: String,
    project: Uuid,
    limit: u32,
    budgets: Budgets,
    callers: usize,
}

/// What the simulator counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Calls that it carried out.
    pub accepted: u64,
    /// Calls that it answered with 429.
    pub refused: u64,
}

/// Counts over a time.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// The calls.
    pub counts: Counts,
    /// The time.
    pub seconds: f64,
    /// The granted rate.
    pub limit: u32,
}

impl Measured {
    /// How much of the granted rate was used, in percent.
    pub fn used(&self) -> f64 {
        100.0 * self.counts.accepted as f64 / (f64::from(self.limit) * self.seconds)
    }

    /// How many of the calls were refused, in percent.
    pub fn refused(&self) -> f64 {
        100.0 * self.counts.refused as f64 / (self.counts.accepted + self.counts.refused).max(1) as f64
    }
}

/// A site, and hubs that send to it. Dropping it ends them.
pub struct Cell {
    site: Running,
    client: reqwest::Client,
    limit: u32,
    hubs: Vec<Child>,
}

impl Cell {
    /// Starts the site and the hubs, each for a project of its own, and waits until each has had a call accepted.
    /// `again` are the arguments that start this program as a hub.
    pub async fn start(database: &TestDatabase, budgets: Budgets, limit: u32, hubs: usize, again: &[&str]) -> Self {
        let projects: Vec<(Uuid, usize)> = (0..hubs).map(|_| (Uuid::now_v7(), CALLERS)).collect();
        Self::of(database, budgets, limit, &projects, again).await
    }

    /// As [`Cell::start`] with a hub for each of these projects and numbers of callers.
    pub async fn of(
        database: &TestDatabase,
        budgets: Budgets,
        limit: u32,
        projects: &[(Uuid, usize)],
        again: &[&str],
    ) -> Self {
        let site = atlassian_sim::start(Options { burst_per_second: Some(limit), ..Options::default() }).await.unwrap();
        // Making a site chooses the TLS provider, without which no other client can be made either.
        drop(Site::new(&site.url, "qa@example.com", &SecretString::from("sim-token")).unwrap());
        let client = reqwest::Client::new();
        let issue = json!({"fields": {
            "project": {"key": "CTB"}, "issuetype": {"name": "Task"}, "summary": "one of many"}});
        let body = json!({"issueUpdates": vec![issue; ISSUES]});
        let request = client.post(format!("{}/rest/api/3/issue/bulk", site.url));
        let answer = request.basic_auth("qa@example.com", Some("sim-token")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let mut cell = Self { site, client, limit, hubs: Vec::new() };
        for (project, callers) in projects {
            let instructions = Instructions {
                site: cell.site.url.clone(),
                database: database.address(),
                project: *project,
                limit,
                budgets,
                callers: *callers,
            };
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(again).env(INSTRUCTIONS, serde_json::to_string(&instructions).unwrap());
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
            cell.hubs.push(command.spawn().unwrap());
        }
        for hub in &mut cell.hubs {
            let mut lines = BufReader::new(hub.stdout.take().unwrap()).lines();
            while !lines.next_line().await.unwrap().expect("a hub ended").contains(READY) {}
        }
        cell
    }

    /// What the simulator has counted so far.
    pub async fn counts(&self) -> Counts {
        let answer = self.client.get(format!("{}/_sim/stats", self.site.url)).send().await.unwrap();
        let stats: Value = answer.json().await.unwrap();
        let by_status = &stats["endpoints"][BUCKET]["by_status"];
        let count = |status: &str| by_status[status].as_u64().unwrap_or(0);
        Counts { accepted: count("204"), refused: count("429") }
    }

    /// Counts over a time, once three buckets have been emptied, so that the full one of the start flatters nobody.
    pub async fn measure(&self, window: Duration) -> Measured {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            let before = self.counts().await;
            if before.accepted >= 3 * u64::from(self.limit) {
                break;
            }
            tick.tick().await;
        }
        let (before, started) = (self.counts().await, Instant::now());
        tokio::time::sleep(window).await;
        let (after, seconds) = (self.counts().await, started.elapsed().as_secs_f64());
        let counts = Counts { accepted: after.accepted - before.accepted, refused: after.refused - before.refused };
        Measured { counts, seconds, limit: self.limit }
    }

    /// Lets the site refuse four fifths of the calls for so long, each with this `Retry-After`, and returns the time from the
    /// end of the last of these waits until a whole second has carried 95 % of the rate.
    pub async fn storm(&self, lasts: Duration, retry_after: Duration) -> Duration {
        let script = json!({
            "seed": 7,
            "limits": {"burst_per_second": self.limit},
            "rule": [{
                "name": "a storm",
                "match": {"methods": ["PUT"], "share": 0.8, "until_seconds": lasts.as_secs()},
                "fault": {"kind": "too-many-requests", "reason": "jira-burst-based",
                    "retry_after_seconds": retry_after.as_secs()},
            }],
        });
        let answer = self.client.put(format!("{}/_sim/faults", self.site.url)).json(&script).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let started = Instant::now();
        let mut seen: Vec<(Instant, Counts)> = Vec::new();
        let mut last_refusal = None;
        let mut tick = tokio::time::interval(Duration::from_millis(25));
        loop {
            tick.tick().await;
            let (at, counts) = (Instant::now(), self.counts().await);
            if seen.last().is_some_and(|(_, before)| counts.refused > before.refused) {
                last_refusal = Some(at);
            }
            seen.push((at, counts));
            let Some(resumes) = last_refusal.map(|at| at + retry_after) else { continue };
            let a_second_ago = seen.iter().rev().find(|(then, _)| at.duration_since(*then) >= Duration::from_secs(1));
            if at < resumes.max(started + lasts) || started.elapsed() < lasts {
                continue;
            }
            if let Some((then, before)) = a_second_ago {
                let rate = (counts.accepted - before.accepted) as f64 / at.duration_since(*then).as_secs_f64();
                if rate >= 0.95 * f64::from(self.limit) {
                    return at.duration_since(resumes);
                }
            }
            assert!(at.duration_since(resumes) < Duration::from_secs(60), "the rate does not come back");
        }
    }
}

/// The other program: a hub that sends until nobody holds its standard input any more.
pub async fn hub(instructions: &str) {
    let told: Instructions = serde_json::from_str(instructions).unwrap();
    let site = Site::new(&told.site, "qa@example.com", &SecretString::from("sim-token")).unwrap();
    let rates = Rates::uniform(f64::from(told.limit));
    let budget: Arc<dyn Budget> = match told.budgets {
        Budgets::Own => Arc::new(LocalBudget::new(rates, Jitter::random())),
        Budgets::Shared => {
            let store = Store::connect(&DatabaseConfig::url(told.database)).await.unwrap();
            Arc::new(SharedBudget::new(store, &told.site, "jira", ProjectId(told.project), rates))
        }
    };
    let gate = Arc::new(Gate::new(Arc::new(site), budget));
    let ready = Arc::new(Once::new());
    for caller in 0..told.callers {
        tokio::spawn(send(Arc::clone(&gate), caller, Arc::clone(&ready)));
    }
    // Ends when the program that started this one ends, in whatever way.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await.unwrap().ok();
}

async fn send(gate: Arc<Gate>, caller: usize, ready: Arc<Once>) {
    for number in 0.. {
        let issue = (caller + number) % ISSUES + 1;
        let path = format!("/rest/api/3/issue/CTB-{issue}");
        let body = json!({"fields": {"summary": format!("{caller} wrote {number}")}});
        match gate.send(Call::write(Method::Put, "/rest/api/3/issue/{id}", path).with_body(body)).await {
            Ok(answer) if answer.is_success() => ready.call_once(|| println!("{READY}")),
            Ok(answer) => assert!(answer.status == 429, "{}", answer.status),
            Err(SendFailure::NoAnswer { .. }) => {}
            Err(failure) => panic!("{failure}"),
        }
    }
}
