//! Jest's JSON report (`jest --json`), and Vitest's, which has the same shape.
//!
//! A result for each of `assertionResults`: its suite is the path of `describe` titles, its class the file's name, which
//! is the same on every machine, and its file the path as written. A passed test that was invoked before is flaky, and so
//! is one that keeps messages of failures (Vitest says nothing else of retries). A file that says it failed without a
//! failed test could not run: it is a result with the status `error`, because it stands for tests that nobody counted.
//! So is what broke in a file outside of its tests (`afterAll`), whether or not tests of it failed too.
//!
//! A file's name stands behind its tests, so they wait for it, within a bound.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{DeclaredCounts, ResultRecord};
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Path, Visit, Want};
use crate::record::held::Held;
use crate::record::report::Report;
use crate::record::rows;
use crate::reporter::{At, Reporter};

pub(crate) const FORMAT: Format =
    Format { name: "jest-json", title: "Jest and Vitest JSON", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    outline.is_object
        && !outline.is_lines
        && (outline.has_all(&["numTotalTests", "numTotalTestSuites"])
            || outline.has("testResults[].assertionResults")
            || outline.has_all(&["testResults[].testResults", "testResults[].testFilePath"]))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let at = input.at();
    let _ = json::walk(input, reporter, &mut Jest::new(at));
}

struct Jest {
    report: Report,
    header: Header,
    file: File,
}

/// Numbers as the header names them.
#[derive(Default)]
struct Header {
    total: Option<u64>,
    failed: Option<u64>,
    pending: Option<u64>,
    todo: Option<u64>,
    broken: Option<u64>,
}

/// One test file while it is read.
struct File {
    at: At,
    held: Held,
    /// Its rows, and how many of them failed.
    rows: u64,
    failed: u64,
    name: Option<String>,
    status: Option<String>,
    message: Option<String>,
    error: Option<Value>,
    started: Option<Value>,
}

impl File {
    fn new(at: At) -> Self {
        let (name, status, message, error, started) = (None, None, None, None, None);
        Self { at, held: Held::default(), rows: 0, failed: 0, name, status, message, error, started }
    }
}

impl Jest {
    fn new(at: At) -> Self {
        Self { report: Report::new(at), header: Header::default(), file: File::new(at) }
    }

    fn header(&mut self, key: &str, value: &Value) {
        let count = value.as_u64();
        match key {
            "numTotalTests" => self.header.total = count,
            "numFailedTests" => self.header.failed = count,
            "numPendingTests" => self.header.pending = count,
            "numTodoTests" => self.header.todo = count,
            "numRuntimeErrorTestSuites" => self.header.broken = count,
            "startTime" => self.report.suite.started_at = values::moment(Some(value)),
            "success" | "wasInterrupted" => self.report.property(key, values::scalar(value)),
            _ => {}
        }
        let left_out = match (self.header.pending, self.header.todo) {
            (None, None) => None,
            (pending, todo) => Some(pending.unwrap_or(0).saturating_add(todo.unwrap_or(0))),
        };
        self.report.suite.declared = DeclaredCounts {
            tests: self.header.total,
            failures: self.header.failed,
            errors: self.header.broken,
            skipped: left_out,
        };
    }

    fn assertion(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut record = assertion(value);
        let (duration, start) = (value.get("duration"), value.get("startAt"));
        record.duration_ms = values::told(duration, json::duration_ms(duration, 1.0), "duration", at, reporter);
        record.started_at = values::told(start, values::moment(start), "startAt", at, reporter);
        let Some(record) = rows::tidied(record, at, reporter) else { return ControlFlow::Continue(()) };
        self.file.rows += 1;
        self.file.failed += u64::from(record.status == "failed");
        if let Some(record) = self.file.held.push(record) {
            if self.file.name.is_none() {
                let message = "a test file holds more than can wait for its name; these tests were taken without it";
                reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), message);
            }
            self.hand_on(reporter)?;
            return self.placed(record, reporter);
        }
        ControlFlow::Continue(())
    }

    fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for record in self.file.held.take() {
            self.placed(Box::new(record), reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn placed(&mut self, mut record: Box<ResultRecord>, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        record.class_name = self.file.name.as_deref().and_then(rows::file_name);
        record.file.clone_from(&self.file.name);
        self.report.tidy_row(record, reporter)
    }

    /// The file ends: its tests, and what kept it from running.
    fn end_file(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on(reporter)?;
        let at = self.file.at;
        let file = std::mem::replace(&mut self.file, File::new(at));
        let error = file.error.as_ref().filter(|error| !error.is_null());
        // What broke outside of the tests stands in the message under a heading of its own, also beside failed tests.
        let outside = file.message.as_deref().and_then(outside_of_tests);
        let unexplained = error.is_some() || file.status.as_deref() == Some("failed");
        let broken = outside.is_some() || file.failed == 0 && unexplained;
        // Reports of older versions have no status of a file.
        let silent = file.status.is_none() && file.rows == 0 && file.message.is_some();
        if !broken && !silent {
            return ControlFlow::Continue(());
        }
        let said = error.and_then(|error| json::text(error, &["message"])).map(str::to_owned);
        let said = said.or_else(|| outside.filter(|_| file.failed > 0).map(str::to_owned)).or(file.message);
        let stack = error.and_then(|error| json::text(error, &["stack"])).map(str::to_owned);
        let base = file.name.as_deref().and_then(rows::file_name);
        let what = said.as_deref().unwrap_or("the test file could not run");
        let line = what.lines().map(|line| line.trim().trim_start_matches('●').trim());
        let mut line = line.filter(|line| !line.is_empty() && *line != "Test suite failed to run");
        let message = line.next().unwrap_or(what).to_owned();
        let record = ResultRecord {
            class_name: base.clone(),
            name: base.unwrap_or_else(|| "a test file without a name".to_owned()),
            file: file.name,
            status: "error".to_owned(),
            started_at: values::moment(file.started.as_ref()),
            message: Some(message),
            details: stack.or(said),
            ..ResultRecord::default()
        };
        self.report.row(record, file.at, reporter)
    }
}

/// The row of one test.
fn assertion(value: &Value) -> ResultRecord {
    let messages: Vec<&str> = json::items(value, &["failureMessages"]).iter().filter_map(Value::as_str).collect();
    let reasons: Vec<&str> = json::items(value, &["retryReasons"]).iter().filter_map(Value::as_str).collect();
    let status = json::text(value, &["status"]).unwrap_or("unknown").to_owned();
    let invocations = json::at(value, &["invocations"]).and_then(Value::as_u64).unwrap_or(1);
    let repeated = invocations.saturating_sub(1).max(reasons.len() as u64);
    let earlier = repeated > 0 || !messages.is_empty();
    let message = messages.first().or(reasons.first()).map(|message| before_stack(message));
    let mut properties = values::pairs(json::at(value, &["meta"]));
    if let Some(line) = json::at(value, &["location", "line"]).and_then(values::scalar) {
        properties.push(("line".to_owned(), line));
    }
    if json::at(value, &["failing"]).and_then(Value::as_bool) == Some(true) {
        properties.push(("expected to fail".to_owned(), "true".to_owned()));
    }
    let texts = |path: &[&str]| json::items(value, path).iter().filter_map(values::scalar).collect::<Vec<_>>();
    let full = || json::text(value, &["fullName"]);
    let mut details = messages.clone();
    if details.first() != reasons.first() {
        details.extend(reasons);
    }
    ResultRecord {
        suite: texts(&["ancestorTitles"]),
        name: json::text(value, &["title"]).or_else(full).unwrap_or_default().to_owned(),
        flaky: status == "passed" && earlier,
        status,
        attempt: u32::try_from(repeated).unwrap_or(u32::MAX),
        tags: texts(&["tags"]),
        message,
        details: Some(details.join("\n\n")),
        properties,
        ..ResultRecord::default()
    }
}

/// The heading of what broke in a file but in none of its tests.
const OUTSIDE: &str = "● Test suite failed to run";

/// The part of a file's message about what broke outside of its tests.
fn outside_of_tests(message: &str) -> Option<&str> {
    let (_, part) = message.split_once(OUTSIDE)?;
    let next = part.find("\n  ● ").unwrap_or(part.len());
    part.get(..next).map(str::trim_end).filter(|part| !part.trim().is_empty())
}

/// A failure's text without the stack that follows it.
fn before_stack(text: &str) -> String {
    text.split_once("\n    at ").map_or(text, |(before, _)| before).to_owned()
}

impl Visit for Jest {
    fn want(&self, path: &Path) -> Want {
        let Some(key) = path.last() else { return Want::Enter };
        let wanted = match path.len() {
            1 if key == "testResults" => return Want::Enter,
            1 => key.starts_with("num") || matches!(key.as_str(), "startTime" | "success" | "wasInterrupted"),
            2 if json::is(path, "testResults[]") => return Want::Enter,
            3 if matches!(key.as_str(), "assertionResults" | "testResults") => return Want::Enter,
            3 => is_of_file(key),
            4 => return Want::Whole,
            _ => false,
        };
        if wanted { Want::Whole } else { Want::Nothing }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "testResults[]") {
            self.file = File::new(at);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let key = path.last().map(String::as_str).unwrap_or_default();
        match path.len() {
            1 => self.header(key, &value),
            3 => match key {
                "name" | "testFilePath" => self.file.name = values::scalar(&value),
                "status" => self.file.status = values::scalar(&value),
                "message" | "failureMessage" => self.file.message = values::scalar(&value),
                "testExecError" => self.file.error = Some(value),
                "startTime" => self.file.started = Some(value),
                _ => {}
            },
            4 => return self.assertion(&value, at, reporter),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "testResults[]") { self.end_file(reporter) } else { ControlFlow::Continue(()) }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on(reporter)?;
        let (words, header) = (&self.report.words, &self.header);
        let broken = words.of(&["error"]);
        let todo = words.of(&["todo"]);
        // Jest 24 does not count what is to do.
        let total = header.total.filter(|total| total.saturating_add(todo) != words.all() - broken);
        let said = [
            ("tests", total, words.all() - broken),
            ("failed", header.failed, words.of(&["failed"])),
            ("pending", header.pending, words.of(&["pending", "skipped", "disabled"])),
            ("todo", header.todo, words.of(&["todo"])),
            ("files that did not run", header.broken, broken),
        ];
        self.report.finish(complete, &said, reporter)
    }
}

fn is_of_file(key: &str) -> bool {
    let keys = ["name", "testFilePath", "status", "message", "failureMessage", "testExecError", "startTime"];
    keys.contains(&key)
}
