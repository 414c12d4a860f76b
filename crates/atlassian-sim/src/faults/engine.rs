//! A script at work: which rule takes which call, what was counted, and what still waits to happen.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Call;
use super::answers::Throttle;
use super::draw::Draw;
use super::kinds::Fault;
use super::limiters::{Limiters, settles};
use super::limits::Limits;
use super::script::{Product, Scenario, When, seconds};
use crate::humans::Clock;
use crate::world::World;

/// The script and its counts.
#[derive(Debug)]
pub struct Engine {
    /// Limits that the site was started with; a script's own come before them.
    base: Limits,
    run: Mutex<Run>,
    pending: Mutex<Pending>,
    changed: Notify,
}

/// A script at work.
#[derive(Debug)]
struct Run {
    scenario: Scenario,
    limits: Limits,
    started: Instant,
    /// Calls matched and calls taken, by rule.
    counts: Vec<(u64, u64)>,
    kinds: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    limiters: Limiters,
    people: Clock,
}

/// What faults of the past still do; another script does not change it.
#[derive(Debug, Default)]
struct Pending {
    /// Pages that `GET` does not find yet, by id.
    missing: HashMap<String, Instant>,
    /// Commits that are still to come.
    late: Vec<AbortHandle>,
}

/// What a call meets.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The fault that decides the answer, and the draws that belong to it.
    pub answer: Option<(Fault, Draw)>,
    /// How long the call's writes stay invisible to search, or how old the index is that it searches.
    pub search_lag: Option<Duration>,
    /// How long a page that the call creates is not found.
    pub page_missing: Option<Duration>,
}

impl Run {
    fn new(base: &Limits, scenario: Scenario) -> Self {
        let mut limits = scenario.limits.clone();
        limits.burst_per_second = limits.burst_per_second.or(base.burst_per_second);
        limits.per_issue_writes |= base.per_issue_writes;
        limits.points_per_hour = limits.points_per_hour.or(base.points_per_hour);
        Self {
            counts: vec![(0, 0); scenario.rules.len()],
            people: Clock::new(&scenario.humans),
            scenario,
            limits,
            started: Instant::now(),
            kinds: BTreeMap::new(),
            refused: BTreeMap::new(),
            limiters: Limiters::default(),
        }
    }
}

impl Pending {
    fn abandon(&mut self) {
        for task in self.late.drain(..) {
            task.abort();
        }
        self.missing.clear();
    }
}

impl Engine {
    /// An engine with a first script.
    pub fn new(base: Limits, scenario: Scenario) -> Self {
        Self { run: Mutex::new(Run::new(&base, scenario)), base, pending: Mutex::default(), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts another script: clocks, counts and limits begin again. What its forerunner put off still happens, because
    /// a commit on its way to a site does not turn round when the weather changes.
    pub fn play(&self, scenario: Scenario) {
        *self.lock() = Run::new(&self.base, scenario);
        self.changed.notify_one();
    }

    /// Starts the same script again, on a site that `renew` makes as new: commits that are still to come never do, and
    /// nobody acts in between.
    pub fn restart(&self, renew: impl FnOnce()) {
        self.pending().abandon();
        let mut run = self.lock();
        renew();
        *run = Run::new(&self.base, run.scenario.clone());
        self.changed.notify_one();
    }

    /// Lets the people of the script act who are due; returns how long to wait for the next one. The world is locked
    /// inside the engine's own lock, and never the other way round.
    pub fn let_people_act<'a>(&self, world: impl FnOnce() -> MutexGuard<'a, World>) -> Option<Duration> {
        let mut run = self.lock();
        let run = &mut *run;
        if run.scenario.humans.is_empty() {
            return None;
        }
        let since = run.started.elapsed().as_secs_f64();
        run.people.run(&run.scenario.humans, run.scenario.seed, since, &mut world())
    }

    /// Waits until a script is started.
    pub async fn script_changed(&self) {
        self.changed.notified().await;
    }

    /// The script in force.
    pub fn scenario(&self) -> Scenario {
        self.lock().scenario.clone()
    }

    /// Counts a call against the limits, or says how it is refused.
    pub fn admit(&self, call: &Call, issue: Option<u64>) -> Result<(), Throttle> {
        let mut run = self.lock();
        let run = &mut *run;
        run.limiters.admit(&run.limits, call, issue).map_err(|(limit, throttle)| {
            *run.refused.entry(limit).or_default() += 1;
            throttle
        })
    }

    /// Whether the limits ask which issue a call writes to.
    pub fn asks_for_issue(&self) -> bool {
        self.lock().limits.per_issue_writes
    }

    /// Whether [`Engine::settle`] has anything to do.
    pub fn settles(&self) -> bool {
        settles(&self.lock().limits)
    }

    /// Spends the points of an answered call.
    pub fn settle(&self, call: &Call, sent: usize, received: &Value, headers: &mut axum::http::HeaderMap) {
        let mut run = self.lock();
        let run = &mut *run;
        run.limiters.settle(&run.limits, call, sent, received, headers);
    }

    /// What a call meets.
    pub fn choose(&self, call: &Call) -> Chosen {
        let mut run = self.lock();
        let run = &mut *run;
        let mut chosen = Chosen::default();
        let since = run.started.elapsed();
        for (index, rule) in run.scenario.rules.iter().enumerate() {
            let decides = !matches!(rule.fault, Fault::SearchLag { .. } | Fault::PageMissing { .. });
            if decides && chosen.answer.is_some() {
                continue;
            }
            if !looks_at(&rule.when, call) || !applies(&rule.fault, call) || !holds(&rule.when, since) {
                continue;
            }
            let Some(count) = run.counts.get_mut(index) else { continue };
            count.0 += 1;
            let mut draw = Draw::new(run.scenario.seed, u64::try_from(index).unwrap_or(u64::MAX), count.0);
            if !fires(&rule.when, count.0, &mut draw) {
                continue;
            }
            match &rule.fault {
                Fault::SearchLag { seconds: median, sigma, cap_seconds } if chosen.search_lag.is_none() => {
                    let factor = if *sigma > 0.0 { (sigma * draw.normal()).exp() } else { 1.0 };
                    chosen.search_lag = Some(seconds((median * factor).min(cap_seconds.unwrap_or(f64::MAX))));
                }
                Fault::PageMissing { seconds: time } if chosen.page_missing.is_none() => {
                    chosen.page_missing = Some(seconds(*time));
                }
                Fault::SearchLag { .. } | Fault::PageMissing { .. } => continue,
                Fault::ServerError { .. }
                | Fault::Timeout { .. }
                | Fault::LateCommit { .. }
                | Fault::Reset { .. }
                | Fault::Html { .. }
                | Fault::TruncatedJson { .. }
                | Fault::TooManyRequests { .. }
                | Fault::BulkPartial { .. }
                | Fault::Anonymous {}
                | Fault::Unauthorized {} => chosen.answer = Some((rule.fault.clone(), draw)),
            }
            count.1 += 1;
            *run.kinds.entry(rule.fault.kind()).or_default() += 1;
        }
        chosen
    }

    /// Hides a new page from `GET` for a while.
    pub fn hide_page(&self, id: String, time: Duration) {
        let mut pending = self.pending();
        let now = Instant::now();
        pending.missing.retain(|_, until| *until > now);
        pending.missing.insert(id, now + time);
    }

    /// Whether a page is hidden from `GET` now.
    pub fn page_hidden(&self, id: &str) -> bool {
        self.pending().missing.get(id).is_some_and(|until| *until > Instant::now())
    }

    /// Remembers a commit that is still to come.
    pub fn expect_late(&self, task: AbortHandle) {
        let mut pending = self.pending();
        pending.late.retain(|task| !task.is_finished());
        pending.late.push(task);
    }

    /// The counts: faults by kind, refusals by limit, calls by rule, commits still to come.
    pub fn counts(&self) -> Value {
        let late = self.pending().late.iter().filter(|task| !task.is_finished()).count();
        let run = self.lock();
        let rules: Vec<Value> = run
            .scenario
            .rules
            .iter()
            .zip(&run.counts)
            .map(|(rule, (matched, fired))| {
                json!({"name": rule.name, "kind": rule.fault.kind(), "matched": matched, "fired": fired})
            })
            .collect();
        json!({
            "faults": run.kinds,
            "limited": run.refused,
            "fault_rules": rules,
            "humans": run.people.counts(&run.scenario.humans),
            "late_commits_pending": late,
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.abandon();
    }
}

fn looks_at(when: &When, call: &Call) -> bool {
    (when.methods.is_empty() || when.methods.contains(&call.method))
        && when.endpoint.as_ref().is_none_or(|endpoint| *endpoint == call.template)
        && when.path.as_ref().is_none_or(|start| call.path.starts_with(start.as_str()))
        && when.product.is_none_or(|product| product == call.product())
}

/// Whether a fault makes sense for a call: the others are not counted as matched.
fn applies(fault: &Fault, call: &Call) -> bool {
    match fault {
        Fault::BulkPartial { .. } => call.method == "POST" && call.template.ends_with("/issue/bulk"),
        Fault::PageMissing { .. } => call.creates_page(),
        Fault::SearchLag { .. } => match call.product() {
            Product::Jira => call.changes(),
            Product::Confluence => call.template.ends_with("/search"),
        },
        Fault::ServerError { .. }
        | Fault::Timeout { .. }
        | Fault::LateCommit { .. }
        | Fault::Reset { .. }
        | Fault::Html { .. }
        | Fault::TruncatedJson { .. }
        | Fault::TooManyRequests { .. }
        | Fault::Anonymous {}
        | Fault::Unauthorized {} => true,
    }
}

fn holds(when: &When, since: Duration) -> bool {
    let mut at = since.as_secs_f64();
    if let Some(repeat) = when.repeat_seconds {
        at %= repeat;
    }
    at >= when.from_seconds && when.until_seconds.is_none_or(|until| at < until)
}

fn fires(when: &When, number: u64, draw: &mut Draw) -> bool {
    when.share.is_none_or(|share| draw.unit() < share)
        && when.every.is_none_or(|every| number.is_multiple_of(every))
        && when.first.is_none_or(|first| number <= first)
}
