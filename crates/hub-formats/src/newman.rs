//! Newman's JSON report (`newman run --reporters json`).
//!
//! A result for each assertion of each request and iteration: its suite is the collection, the folders and the request.
//! A request without assertions is one result, and so is a script that threw, because the assertions behind the error were
//! never made. Where the request itself failed (`ENOTFOUND`, `ECONNREFUSED`), what its assertions found is a consequence:
//! they have the status `error` and the request's error as theirs.
//!
//! Headers, bodies, cookies, query and environment are never read into memory: they carry tokens and card numbers.
//! Of an address the parts without credentials and query are kept.
//!
//! Folders stand in `collection`, which Newman writes before the executions; where it stands behind, tests wait for it
//! within a bound.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Path, Visit, Want};
use crate::limits;
use crate::record::held::Held;
use crate::record::report::Report;
use crate::record::rows;
use crate::reporter::{At, Reporter};

mod collection;
mod execution;

use collection::Collection;
use execution::Execution;

pub(crate) const FORMAT: Format =
    Format { name: "newman-json", title: "Newman JSON", holds: Holds::Results, spread: false, sniff, read };

/// Assertions of one request that are kept.
const ASSERTIONS: usize = 10_000;

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let of_run = outline.has("run.executions") || outline.has_all(&["run.stats.assertions", "run.timings"]);
    // The collection stands first and may be longer than what is looked at here.
    let goes_on = !head.complete && outline.has("collection.item");
    outline.is_object && !outline.is_lines && (of_run || goes_on)
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let at = input.at();
    let mut newman = Newman {
        report: Report::new(at),
        collection: Collection::default(),
        held: Held::default(),
        execution: Execution::default(),
        at,
        stats: None,
        assertions: [0; 2],
        waits: true,
        has_run: false,
    };
    let _ = json::walk(input, reporter, &mut newman);
}

struct Newman {
    report: Report,
    collection: Collection,
    held: Held,
    execution: Execution,
    at: At,
    /// `run.stats.assertions`.
    stats: Option<Value>,
    /// Rows that are assertions, and those of them that failed.
    assertions: [u64; 2],
    /// Whether rows wait for the collection.
    waits: bool,
    has_run: bool,
}

impl Newman {
    fn end_execution(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let execution = std::mem::take(&mut self.execution);
        for row in execution.rows() {
            if row.is_assertion {
                self.assertions[0] += 1;
                self.assertions[1] += u64::from(row.failed);
            }
            let Some(record) = rows::tidied(row.record, self.at, reporter) else { continue };
            if !self.waits {
                let mut record = record;
                self.collection.place(&mut record);
                self.report.tidy_row(record, reporter)?;
            } else if let Some(mut record) = self.held.push(record) {
                let message = "more tests than can wait stand before the collection; they were taken without folders";
                reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(self.at), message);
                self.hand_on(reporter)?;
                self.collection.place(&mut record);
                self.report.tidy_row(record, reporter)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.waits = false;
        for mut record in self.held.take() {
            self.collection.place(&mut record);
            self.report.tidy_row(Box::new(record), reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn stats(&mut self, value: Value) {
        let count = |key: &str| json::at(&value, &["assertions", key]).and_then(Value::as_u64);
        self.report.suite.declared =
            DeclaredCounts { tests: count("total"), failures: count("failed"), ..DeclaredCounts::default() };
        for part in ["iterations", "requests", "testScripts", "prerequestScripts"] {
            let of = |key: &str| json::at(&value, &[part, key]).and_then(values::scalar);
            if let (Some(total), Some(failed)) = (of("total"), of("failed")) {
                self.report.property(part, Some(format!("{total} ({failed} failed)")));
            }
        }
        self.stats = json::at(&value, &["assertions"]).cloned();
    }

    fn execution_value(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) {
        let inner: Vec<&str> = path.iter().skip(3).map(String::as_str).collect();
        let execution = &mut self.execution;
        match inner.as_slice() {
            ["id"] | ["item", "id"] => execution.id = execution.id.take().or_else(|| values::scalar(&value)),
            ["item", "name"] => execution.name = values::scalar(&value),
            ["cursor"] => execution.cursor(&value),
            ["request", "method"] => execution.method = values::scalar(&value),
            ["request", "url"] => execution.url = execution::address(&value),
            ["response", "code"] => execution.code = values::scalar(&value),
            ["response", "status"] => execution.status = values::scalar(&value),
            ["response", "responseTime"] => execution.time = json::duration_ms(Some(&value), 1.0),
            ["requestError"] if !value.is_null() => execution.request_error = Some(value),
            ["assertions", "[]"] if execution.assertions.len() < ASSERTIONS => execution.assertions.push(value),
            ["assertions", "[]"] => {
                let message = format!("a request has more than {ASSERTIONS} assertions");
                reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), &message, execution.name.as_deref());
            }
            [script @ ("testScript" | "prerequestScript"), "[]"] if execution.scripts.len() < limits::STEPS => {
                if let Some(error) = json::at(&value, &["error"]).filter(|error| !error.is_null()) {
                    execution.scripts.push(((*script).to_owned(), error.clone()));
                }
            }
            _ => {}
        }
    }
}

impl Visit for Newman {
    fn want(&self, path: &Path) -> Want {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys.as_slice() {
            [] | ["collection" | "run"] | ["run", "executions"] | ["run", "executions", "[]"] => Want::Enter,
            ["collection", "info"] => Want::Enter,
            ["collection", "info", "name"] | ["run", "stats" | "timings"] => Want::Whole,
            ["run", "executions", "[]", inner @ ..] => match inner {
                ["item" | "request" | "response" | "assertions" | "testScript" | "prerequestScript"] => Want::Enter,
                ["id" | "cursor" | "requestError"] => Want::Whole,
                ["item", "id" | "name"] | ["request", "method" | "url"] => Want::Whole,
                ["response", "code" | "status" | "responseTime"] => Want::Whole,
                ["assertions" | "testScript" | "prerequestScript", "[]"] => Want::Whole,
                _ => Want::Nothing,
            },
            ["collection", ..] => collection::want(path),
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "run.executions[]") {
            self.execution = Execution::default();
            self.at = at;
        } else if json::is(path, "run.executions") {
            self.has_run = true;
        } else if path.first().is_some_and(|first| first == "collection") {
            self.collection.enter(path);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "run.stats") {
            self.stats(value);
        } else if json::is(path, "run.timings") {
            self.report.suite.started_at = values::moment(json::at(&value, &["started"]));
            for key in ["responseAverage", "responseMax"] {
                self.report.property(key, json::at(&value, &[key]).and_then(values::scalar));
            }
        } else if path.first().is_some_and(|first| first == "collection") {
            self.collection.whole(path, &value);
        } else {
            self.execution_value(path, value, at, reporter);
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "run.executions[]") {
            return self.end_execution(reporter);
        }
        if json::is(path, "collection") {
            self.report.property("collection", self.collection.name().map(str::to_owned));
            return self.hand_on(reporter);
        }
        if path.first().is_some_and(|first| first == "collection") {
            self.collection.leave(path);
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on(reporter)?;
        if complete && !self.has_run {
            let message = "a collection without `run.executions`: this is no report of a run";
            reporter.rejected(&codes::NOT_A_REPORT, None, message, None);
        }
        let count = |key: &str| self.stats.as_ref().and_then(|stats| json::at(stats, &[key])).and_then(Value::as_u64);
        let [made, failed] = self.assertions;
        let said = [("assertions", count("total"), made), ("failed", count("failed"), failed)];
        self.report.finish(complete, &said, reporter)
    }
}
