//! Mocha's `json` reporter: `stats`, all `tests`, and the same tests once more in `passes`, `failures` and `pending`.
//!
//! Which of the three lists a test stands in is its state, so records are made of them; a hook that failed stands in
//! `failures` alone and is a record too. A test of `tests` that is in none of them (a tool that writes only `tests`) is
//! judged by itself: with an error it failed, without a duration it is pending. The lists come in any order; until the end
//! the reader keeps a hash of each test and, of those that no list has named yet, records in a bounded amount of memory.
//!
//! `currentRetry` is the attempt; a test that passed in a later one is flaky. The path of suites is what stands before the
//! title in `fullTitle`, which does not tell where one suite's name ends and the next begins.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{DeclaredCounts, Record, ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill::{self, ErrorText};
use crate::json::late_suites::hand_on;
use crate::json::{self, Path, Visit, Want};
use crate::limits;
use crate::record::counts;
use crate::reporter::{At, Field, Reporter};

pub(crate) const FORMAT: Format =
    Format { name: "mocha", title: "Mocha JSON report", holds: Holds::Results, spread: false, sniff, read };

/// The lists that tell a test's state, with the state's word.
const STATES: [(&str, &str); 3] = [("failures", "failed"), ("pending", "pending"), ("passes", "passed")];

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let has_test = |list: &str| {
        outline.has(&format!("{list}[].fullTitle"))
            && ["err", "duration", "currentRetry"].iter().any(|key| outline.has(&format!("{list}[].{key}")))
    };
    let listed = ["tests", "passes", "failures", "pending"].into_iter().any(has_test);
    let counted = outline.has_all(&["stats.suites", "stats.passes", "stats.pending"]) && !outline.has("results");
    // One suite of Mochawesome has tests of the same shape.
    let is_suite = outline.has("suites") || outline.has("title") || outline.has("tests[].parentUUID");
    outline.is_object && !outline.is_lines && !is_suite && (listed || counted && outline.has("tests"))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = json::walk(input, reporter, &mut Report::default());
}

/// What is known of the tests with one key.
#[derive(Debug, Default)]
struct Seen {
    /// How many of them `tests` has, and how many the three lists.
    in_tests: u32,
    in_lists: u32,
    failed: bool,
    /// Those of `tests`, until a list names them.
    waiting: Vec<(Box<ResultRecord>, At)>,
}

#[derive(Default)]
struct Report {
    begin: Option<At>,
    seen: HashMap<u64, Seen>,
    held_bytes: usize,
    /// Tests of `tests` that there was no room to keep.
    dropped: u64,
    tests: u64,
    rows: u64,
    /// Entries of the lists, in the order of [`STATES`].
    entries: [u64; 3],
    stats: Value,
}

impl Visit for Report {
    fn want(&self, path: &Path) -> Want {
        match json::tail::<2>(path) {
            ["", ""] | ["", "tests" | "passes" | "failures" | "pending"] => Want::Enter,
            ["", "stats"] | ["tests" | "passes" | "failures" | "pending", "[]"] => Want::Whole,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, _: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.begin.get_or_insert(at);
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match json::tail::<2>(path) {
            ["", "stats"] => self.stats = value,
            ["tests", "[]"] => {
                self.tests += 1;
                return self.test(&value, at, reporter);
            }
            [list, "[]"] => {
                if let Some(index) = STATES.iter().position(|(name, _)| *name == list) {
                    return self.entry(index, &value, at, reporter);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, _: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut left: Vec<_> = self.seen.drain().flat_map(|(_, seen)| seen.waiting).collect();
        left.sort_by_key(|(record, at)| (at.line, at.column, record.name.clone()));
        for (record, at) in left {
            self.rows += 1;
            hand_on(record, at, reporter)?;
        }
        if self.dropped > 0 {
            let message = format!("{} tests stand in no list of passes, failures or pending tests", self.dropped);
            reporter.rejected(&codes::TOO_MUCH_MARKUP, self.begin, &message, None);
        }
        self.end_report(complete, reporter)
    }
}

impl Report {
    /// An item of `tests`.
    fn test(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let key = key(value);
        let seen = self.seen.entry(key).or_default();
        seen.in_tests += 1;
        if seen.in_tests <= seen.in_lists {
            return ControlFlow::Continue(());
        }
        let failed = json::at(value, &["err"]).and_then(Value::as_object).is_some_and(|err| !err.is_empty());
        let ran = json::at(value, &["duration"]).is_some_and(Value::is_number);
        let state = match json::text(value, &["state"]) {
            Some(state) => state,
            None if failed => "failed",
            None if ran => "passed",
            None => "pending",
        };
        let bytes = 1_024 + value.to_string().len();
        if self.held_bytes + bytes > limits::JSON_HELD_BYTES {
            self.dropped += 1;
            return ControlFlow::Continue(());
        }
        self.held_bytes += bytes;
        seen.waiting.push((record(value, state, at, reporter), at));
        ControlFlow::Continue(())
    }

    /// An item of one of the lists.
    fn entry(&mut self, index: usize, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some((_, state)) = STATES.get(index) else { return ControlFlow::Continue(()) };
        if let Some(count) = self.entries.get_mut(index) {
            *count += 1;
        }
        let seen = self.seen.entry(key(value)).or_default();
        // A test that calls back twice passes and fails: it failed.
        if *state == "passed" && seen.failed && seen.in_lists >= seen.in_tests.max(1) {
            return ControlFlow::Continue(());
        }
        seen.in_lists += 1;
        seen.failed |= *state == "failed";
        if seen.in_lists <= seen.in_tests && seen.waiting.pop().is_none() {
            self.dropped = self.dropped.saturating_sub(1);
        }
        self.rows += 1;
        hand_on(record(value, state, at, reporter), at, reporter)
    }

    fn end_report(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let stats = std::mem::take(&mut self.stats);
        let said = |key: &str| json::at(&stats, &[key]).and_then(Value::as_u64);
        let [failures, pending, passes] = self.entries;
        let at = self.begin.unwrap_or(At { line: 1, column: 1 });
        let root = SuiteRecord {
            started_at: fill::word(json::text(&stats, &["start"]), at, reporter),
            declared: DeclaredCounts {
                tests: said("tests"),
                failures: said("failures"),
                errors: None,
                skipped: said("pending"),
            },
            line: self.begin.map(|at| at.line),
            ..SuiteRecord::default()
        };
        if root.declared != DeclaredCounts::default() || root.started_at.is_some() {
            reporter.record(Record::Suite(root))?;
        }
        if complete {
            let lists = failures + pending + passes > 0;
            let list = |key: &str| said(key).filter(|_| lists);
            let pairs = [
                ("tests", said("tests").filter(|_| self.tests > 0), self.tests),
                ("passes", list("passes"), passes),
                ("failures", list("failures"), failures),
                ("pending", list("pending"), pending),
            ];
            counts::compare(self.begin, self.rows, &pairs, reporter);
        }
        ControlFlow::Continue(())
    }
}

/// What tells a test from the others of its file.
fn key(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["file", "fullTitle", "title"] {
        json::text(value, &[name]).hash(&mut hasher);
    }
    hasher.finish()
}

fn record(value: &Value, state: &str, at: At, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
    let text = |key: &str, reporter: &mut Reporter<'_>| {
        json::text(value, &[key]).and_then(|text| fill::text(text, Field::Name, at, reporter))
    };
    let (title, full) = (text("title", reporter), text("fullTitle", reporter));
    let name = title.or_else(|| full.clone()).unwrap_or_default();
    let suite = full.as_deref().and_then(|full| full.strip_suffix(name.as_str())).map(str::trim);
    let attempt = json::at(value, &["currentRetry"]).and_then(Value::as_u64).unwrap_or(0);
    let mut record = Box::new(ResultRecord {
        suite: suite.filter(|suite| !suite.is_empty()).map(str::to_owned).into_iter().collect(),
        name,
        file: text("file", reporter),
        status: fill::word(Some(state), at, reporter).unwrap_or_default(),
        attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
        flaky: state == "passed" && attempt > 0,
        duration_ms: json::duration_ms(json::at(value, &["duration"]), 1.0),
        line: Some(at.line),
        ..ResultRecord::default()
    });
    if let Some(speed) = json::text(value, &["speed"]) {
        fill::property(&mut record, "speed", speed, at, reporter);
    }
    let stack = json::text(value, &["err", "stack"]);
    let message = json::text(value, &["err", "message"]).or_else(|| json::text(value, &["err"]));
    ErrorText::new(message, stack, at, reporter).put_into(&mut record);
    if let Some(name) = json::text(value, &["err", "name"]) {
        record.error_type = fill::text(name, Field::Name, at, reporter);
    }
    if json::text(value, &["err", "code"]) == Some("ERR_MOCHA_TIMEOUT") && state == "failed" {
        record.status = "timedOut".to_owned();
    }
    record
}
