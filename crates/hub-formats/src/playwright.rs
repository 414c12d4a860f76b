//! Playwright's JSON reporter: `config`, `suites` (files, in them `describe` blocks), `specs`, their `tests` (one for each
//! project), their `results` (one for each attempt), `errors` outside of tests, `stats`.
//!
//! A record is a test in a project, the device; its last result is the outcome and the earlier ones are attempts, whose
//! errors follow in the details. A test that failed as it was expected to is passed; one that passed against that is
//! failed. `errors` outside of tests (a global setup, a file that does not load) are one result with the status `error`,
//! because a run that could not begin is no empty run. `stats` are kept and compared with the rows.
//!
//! A result is read piece by piece, so neither its output nor its steps are in memory as a whole. Suites wait for their
//! title ([`crate::json::late_suites`]), specs for theirs, each in a bounded amount of memory.

use std::ops::ControlFlow;

use hub_domain::record::{DeclaredCounts, Record, ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill::{self, ErrorText};
use crate::json::late_suites::{LateSuites, hand_on};
use crate::json::{self, Path, Visit, Want};
use crate::record::counts;
use crate::reporter::{At, Field, Reporter};

mod config;
mod spec;
mod test;

use config::Config;
use spec::Spec;
use test::Test;

pub(crate) const FORMAT: Format =
    Format { name: "playwright", title: "Playwright JSON report", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    // `config` comes first in any usual order and may be larger than the head: its settings are Playwright's own.
    let configured = outline.has_all(&["config", "suites"])
        || ["config.forbidOnly", "config.fullyParallel", "config.updateSnapshots"]
            .into_iter()
            .any(|key| outline.has(key));
    let listed = outline.has("suites[].specs") && !outline.has("testResults");
    outline.is_object && !outline.is_lines && (configured || listed)
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = json::walk(input, reporter, &mut Report::default());
}

/// How many tests had each outcome of their own, in the words of `stats`.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    expected: u64,
    skipped: u64,
    unexpected: u64,
    flaky: u64,
    other: u64,
}

#[derive(Default)]
struct Report {
    begin: Option<At>,
    config: Config,
    held: LateSuites,
    spec: Spec,
    test: Option<Test>,
    counted: Counted,
    stats: Option<Value>,
    outside: Option<Box<ResultRecord>>,
}

impl Visit for Report {
    fn want(&self, path: &Path) -> Want {
        match path.first().map(String::as_str) {
            None => Want::Enter,
            Some("config" | "stats") => Want::Whole,
            Some("errors") if path.len() == 1 => Want::Enter,
            Some("errors") => Want::Whole,
            Some("suites") => inside_suites(path),
            Some(_) => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.begin.get_or_insert(at);
        match json::tail::<2>(path) {
            ["suites", "[]"] => self.held.enter(at),
            ["specs", "[]"] => self.spec = Spec::new(at),
            ["tests", "[]"] => self.test = Some(Test::new(at)),
            ["results", "[]"] => {
                if let Some(test) = &mut self.test {
                    test.enter_result();
                }
            }
            ["steps", "[]"] => {
                if let Some(test) = &mut self.test {
                    test.steps().enter();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match (path.first().map(String::as_str), json::tail::<3>(path)) {
            (Some("config"), _) => self.config.take(&value, at, reporter),
            (Some("stats"), _) => self.stats = Some(value),
            (Some("errors"), _) => self.error_outside(&value, at, reporter),
            (_, ["suites", "[]", key]) => self.suite(key, &value, at, reporter),
            (_, ["specs", "[]", key]) => self.spec.field(key, &value, reporter),
            (_, ["tests", "[]", key]) => {
                if let Some(test) = &mut self.test {
                    test.field(key, value);
                }
            }
            (_, ["results", "[]", key]) => {
                if let Some(test) = &mut self.test {
                    test.result_field(key, &value, at, reporter);
                }
            }
            (_, ["steps", "[]", key]) => {
                if let Some(test) = &mut self.test {
                    test.step_field(key, &value, at, reporter);
                }
            }
            (_, [_, list @ ("stdout" | "stderr" | "attachments"), "[]"]) => {
                if let Some(test) = &mut self.test {
                    test.item(list, &value, at, reporter);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match json::tail::<2>(path) {
            ["suites", "[]"] => self.held.leave(reporter),
            ["specs", "[]"] => self.end_spec(reporter),
            ["tests", "[]"] => self.end_test(reporter),
            ["steps", "[]"] => {
                if let Some(test) = &mut self.test {
                    test.steps().leave();
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        // A test whose title stands behind the damage is part of the damage.
        if complete || self.spec.is_named() {
            self.end_spec(reporter)?;
        }
        self.held.finish(complete, reporter)?;
        if let (Some(record), Some(at)) = (self.outside.take(), self.begin) {
            hand_on(record, at, reporter)?;
        }
        self.end_report(complete, reporter)
    }
}

/// What is wanted of a place below `suites`.
fn inside_suites(path: &Path) -> Want {
    match json::tail::<3>(path) {
        [_, "suites" | "specs" | "tests" | "results" | "steps", "[]"] => Want::Enter,
        [_, "stdout" | "stderr" | "attachments", "[]"] => Want::Whole,
        [_, _, "suites" | "specs" | "tests" | "results" | "steps" | "stdout" | "stderr" | "attachments"] => Want::Enter,
        ["suites", "[]", "title" | "file" | "line"]
        | ["specs", "[]", "title" | "file" | "line" | "id" | "tags"]
        | ["tests", "[]", "annotations" | "expectedStatus" | "projectName" | "status"]
        | ["results", "[]", "status" | "duration" | "error" | "errors" | "retry" | "startTime"]
        | ["steps", "[]", "title" | "duration" | "error"] => Want::Whole,
        _ => Want::Nothing,
    }
}

impl Report {
    fn suite(&mut self, key: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let text = value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter));
        match key {
            "title" => {
                self.held.name(text);
                self.held.ready();
            }
            "file" => self.held.file(text),
            _ => {}
        }
    }

    fn end_test(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(test) = self.test.take() else { return ControlFlow::Continue(()) };
        match test.outcome() {
            "expected" => self.counted.expected += 1,
            "skipped" => self.counted.skipped += 1,
            "unexpected" => self.counted.unexpected += 1,
            "flaky" => self.counted.flaky += 1,
            _ => self.counted.other += 1,
        }
        let at = test.at();
        let mut record = test.close(reporter);
        self.config.complete(&mut record);
        if self.spec.push(record, at) {
            return ControlFlow::Continue(());
        }
        // A spec with more tests than any has: those so far are handed on with what is known of it.
        self.hand_on_tests(reporter)
    }

    fn hand_on_tests(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for (record, at) in self.spec.tests(reporter) {
            self.held.push(record, at, reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn end_spec(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on_tests(reporter)?;
        self.spec = Spec::default();
        ControlFlow::Continue(())
    }

    /// Takes an error outside of tests: one result for all of them.
    fn error_outside(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let message = json::text(value, &["message"]).or_else(|| json::text(value, &["value"]));
        let error = ErrorText::new(message, json::text(value, &["stack"]), at, reporter);
        match &mut self.outside {
            Some(record) => fill::add_details(record, &error.block("error"), at, reporter),
            None => {
                let file = json::text(value, &["location", "file"]);
                let mut record = Box::new(ResultRecord {
                    name: "errors outside of tests".to_owned(),
                    status: "error".to_owned(),
                    file: file.and_then(|file| fill::text(file, Field::Name, at, reporter)),
                    line: Some(at.line),
                    ..ResultRecord::default()
                });
                error.put_into(&mut record);
                self.outside = Some(record);
            }
        }
    }

    /// The report's own record and its counts, which stand at its end.
    fn end_report(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let counted = self.counted;
        let rows = counted.expected + counted.skipped + counted.unexpected + counted.flaky + counted.other;
        let stats = self.stats.take().unwrap_or_default();
        let said = |key: &str| json::at(&stats, &[key]).and_then(Value::as_u64);
        let [expected, skipped, unexpected, flaky] = ["expected", "skipped", "unexpected", "flaky"].map(said);
        let all = [expected, skipped, unexpected, flaky];
        let tests =
            all.into_iter().flatten().fold(None, |sum: Option<u64>, n| Some(sum.unwrap_or(0).saturating_add(n)));
        let at = self.begin.unwrap_or(At { line: 1, column: 1 });
        let root = SuiteRecord {
            started_at: fill::word(json::text(&stats, &["startTime"]), at, reporter),
            declared: DeclaredCounts { tests, failures: unexpected, errors: None, skipped },
            properties: self.config.properties(),
            line: self.begin.map(|at| at.line),
            ..SuiteRecord::default()
        };
        if root.declared != DeclaredCounts::default() || !root.properties.is_empty() || root.started_at.is_some() {
            reporter.record(Record::Suite(root))?;
        }
        if complete {
            let pairs = [
                ("expected", expected, counted.expected),
                ("unexpected", unexpected, counted.unexpected),
                ("flaky", flaky, counted.flaky),
                ("skipped", skipped, counted.skipped),
            ];
            counts::compare(self.begin, rows, &pairs, reporter);
        }
        ControlFlow::Continue(())
    }
}
