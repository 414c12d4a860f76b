//! pytest's JSON reports: of `pytest-json-report`, and of the older `pytest-json` in both of its shapes.
//!
//! A result for each test, with the stages `setup`, `call` and `teardown` as steps where one of them did not pass. A test
//! that the plugin calls `rerun` passed in the end: its status is that of its last call, and it is flaky. A collector
//! that failed is a result with the status `error`, and one that was skipped is one too: nobody counted the tests in it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Path, Visit, Want};
use crate::record::report::Report;
use crate::reporter::{At, Reporter};

mod test;

pub(crate) const FORMAT: Format =
    Format { name: "pytest-json", title: "pytest JSON reports", holds: Holds::Results, spread: false, sniff, read };

/// Reruns that wait for the test's last attempt.
const RERUNS: usize = 10_000;

/// Warnings that are kept of a run.
const WARNINGS: usize = 50;

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    outline.is_object
        && !outline.is_lines
        && (outline.has_all(&["created", "exitcode", "root"])
            || outline.has_all(&["tests[].nodeid", "tests[].outcome"])
            || outline.has_all(&["report.tests[].name", "report.tests[].outcome"])
            || outline.has("report.summary.num_tests")
            || outline.has("data[].attributes.summary.num_tests")
            || outline.has_all(&["included[].attributes.run_index", "included[].attributes.outcome"]))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut pytest = Pytest {
        report: Report::new(input.at()),
        summary: None,
        created: None,
        duration: None,
        collectors: [0; 2],
        folded: 0,
        reruns: HashMap::new(),
        passed_again: 0,
    };
    let _ = json::walk(input, reporter, &mut pytest);
}

struct Pytest {
    report: Report,
    summary: Option<Value>,
    created: Option<f64>,
    duration: Option<f64>,
    /// Rows that are collectors, by whether they failed or were skipped: the header does not count them.
    collectors: [u64; 2],
    /// Attempts that have no row of their own; the header counts them.
    folded: u64,
    /// Attempts that were repeated, by test: how many, and the last one.
    reruns: HashMap<String, (u32, ResultRecord, At)>,
    /// Tests that the header counts as `rerun` and that passed.
    passed_again: u64,
}

impl Pytest {
    fn header(&mut self, key: &str, value: Value) {
        match key {
            "created" => self.created = value.as_f64(),
            "duration" => self.duration = value.as_f64(),
            "created_at" => self.report.suite.started_at = values::moment(Some(&value)),
            "environment" => self.report.suite.properties.extend(values::pairs(Some(&value))),
            "exitcode" | "root" => self.report.property(key, values::scalar(&value)),
            "summary" => {
                let count =
                    |keys: &[&str]| keys.iter().find_map(|key| json::at(&value, &[key]).and_then(Value::as_u64));
                let declared = &mut self.report.suite.declared;
                declared.tests = count(&["total", "num_tests"]);
                let or_zero = |count: Option<u64>| count.or(declared.tests.map(|_| 0));
                declared.failures = or_zero(count(&["failed"]));
                declared.errors = or_zero(count(&["error"]));
                let left_out = count(&["skipped"]).unwrap_or(0).saturating_add(count(&["xfailed"]).unwrap_or(0));
                declared.skipped = or_zero(Some(left_out));
                self.report.property("deselected", count(&["deselected"]).map(|count| count.to_string()));
                self.summary = Some(value);
            }
            _ => {}
        }
        // `created` is the moment at which the report was written: the end of the run.
        if let (Some(created), Some(duration)) = (self.created, self.duration) {
            self.report.suite.started_at = values::moment(Some(&Value::from((created - duration) * 1_000.0)));
        }
    }

    fn test(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut record = test::record(value);
        let again = record.status == "rerun";
        let key = format!("{}::{}", record.file.as_deref().unwrap_or_default(), record.name);
        if again && json::text(value, &["call", "outcome"]) == Some("passed") {
            record.properties.push(("outcome".to_owned(), "rerun".to_owned()));
            record.status = "passed".to_owned();
            record.flaky = true;
            record.attempt = record.attempt.max(1);
            self.passed_again += 1;
        } else if again && self.reruns.len() < RERUNS {
            let count = self.reruns.remove(&key).map_or(0, |(count, _, _)| count);
            self.reruns.insert(key, (count.saturating_add(1), record, at));
            return ControlFlow::Continue(());
        } else if let Some((count, earlier, _)) = self.reruns.remove(&key) {
            record.attempt = count;
            self.folded = self.folded.saturating_add(u64::from(count));
            record.flaky = record.status == "passed";
            record.message = record.message.or(earlier.message);
            record.details = record.details.or(earlier.details);
            record.error_type = record.error_type.or(earlier.error_type);
        }
        self.report.row(record, at, reporter)
    }

    fn warning(&mut self, value: &Value) {
        let kept = self.report.suite.properties.iter().filter(|(name, _)| name == "warning").count();
        if kept < WARNINGS {
            let part = |key: &str| json::at(value, &[key]).and_then(values::scalar).unwrap_or_default();
            let place = format!("{}:{}", part("filename"), part("lineno"));
            self.report.property("warning", Some(format!("{}: {} ({place})", part("category"), part("message"))));
        }
    }
}

/// A path without the beginning that the older shapes have: `report`, or `data[].attributes` and `included`.
fn plain(path: &Path) -> &Path {
    match path {
        [first, rest @ ..] if first == "report" => rest,
        [first, item, attributes, rest @ ..] if first == "data" && item == "[]" && attributes == "attributes" => rest,
        _ => path,
    }
}

impl Visit for Pytest {
    fn want(&self, path: &Path) -> Want {
        if json::is(path, "data") || json::is(path, "data[]") {
            return Want::Enter;
        }
        match plain(path) {
            [] => Want::Enter,
            [list] if matches!(list.as_str(), "tests" | "collectors" | "warnings" | "included") => Want::Enter,
            [_, item] if item == "[]" => Want::Whole,
            [key] => {
                let header = ["created", "duration", "created_at", "environment", "exitcode", "root", "summary"];
                if header.contains(&key.as_str()) { Want::Whole } else { Want::Nothing }
            }
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, _: &Path, _: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match plain(path) {
            [list, _] => match list.as_str() {
                "tests" => return self.test(&value, at, reporter),
                "included" => {
                    if let Some(inner) = json::at(&value, &["attributes"]).filter(|_| is_test(&value)) {
                        return self.test(inner, at, reporter);
                    }
                }
                "collectors" => {
                    if let Some(record) = test::collector(&value) {
                        let [failed, skipped] = &mut self.collectors;
                        *if record.status == "error" { failed } else { skipped } += 1;
                        return self.report.row(record, at, reporter);
                    }
                }
                "warnings" => self.warning(&value),
                _ => {}
            },
            [key] => self.header(key, value),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, _: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut left: Vec<_> = self.reruns.drain().map(|(_, waiting)| waiting).collect();
        left.sort_by_key(|(_, _, at)| (at.line, at.column));
        for (count, mut record, at) in left {
            record.attempt = count - 1;
            self.folded = self.folded.saturating_add(u64::from(count - 1));
            self.report.row(record, at, reporter)?;
        }
        let words = &self.report.words;
        let said_of = |key: &str| {
            let summary = self.summary.as_ref()?;
            Some(json::at(summary, &[key]).and_then(Value::as_u64).unwrap_or(0))
        };
        let reruns = said_of("rerun").unwrap_or(0).min(self.passed_again);
        let [failed, skipped] = self.collectors;
        let tests = words.all().saturating_sub(failed + skipped) + self.folded;
        let said = [
            ("tests", self.report.suite.declared.tests, tests),
            ("passed", said_of("passed").map(|said| said + reruns), words.of(&["passed"])),
            ("failed", said_of("failed"), words.of(&["failed"])),
            ("error", said_of("error"), words.of(&["error"]).saturating_sub(failed)),
            ("skipped", said_of("skipped"), words.of(&["skipped"]).saturating_sub(skipped)),
            ("xfailed", said_of("xfailed"), words.of(&["xfailed"])),
            ("xpassed", said_of("xpassed"), words.of(&["xpassed"])),
        ];
        self.report.finish(complete, &said, reporter)
    }
}

fn is_test(value: &Value) -> bool {
    json::text(value, &["type"]).is_none_or(|kind| kind == "test")
}
