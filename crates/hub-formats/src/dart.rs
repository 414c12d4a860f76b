//! The events of Dart's and Flutter's test runners (`dart test --reporter json`, `flutter test --machine`): one on each
//! line, other lines and Flutter's daemon messages between them, or all of them in one array.
//!
//! A result for each test that is not hidden; a hidden one too where it did not succeed. Loading a test file is such a
//! test: it is seen only where it failed, and then stands for tests that nobody counted. A test without an end is a
//! result with the status `error`. Names of groups are part of a test's name in the report and are taken off it here:
//! they are its suite.

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Line, Path, Visit, Want};
use crate::record::report::Report;
use crate::reporter::{At, Reporter};

mod test;

use test::{Suite, Test};

pub(crate) const FORMAT: Format = Format {
    name: "dart-json",
    title: "Dart and Flutter test events",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

/// Suites, groups, open tests and ended tests that are remembered, each.
const REMEMBERED: usize = 200_000;

fn sniff(head: &Head<'_>) -> bool {
    let of_line = json::first_lines(head).find(Value::is_object).is_some_and(|line| is_event(&line));
    let outline = head.outline();
    let parts = ["[].protocolVersion", "[].suite.platform", "[].test.suiteID", "[].testID"];
    of_line || (outline.is_array && outline.has("[].type") && parts.iter().any(|part| outline.has(part)))
}

fn is_event(line: &Value) -> bool {
    let parts = ["protocolVersion", "suite", "test", "group", "testID", "count", "suiteID"];
    json::text(line, &["type"]).is_some()
        && line.get("time").is_some_and(Value::is_number)
        && parts.iter().any(|part| line.get(part).is_some())
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut dart = Dart::new(input.at());
    let array = {
        let head = input.head();
        // A daemon message is an array on a line of its own.
        head.text.trim_start().starts_with('[') && !json::first_lines(&head).any(|line| line.is_object())
    };
    if array {
        let _ = json::walk(input, reporter, &mut dart);
        return;
    }
    let flow = json::lines(input, reporter, &mut |line, at, reporter| dart.line(line, at, reporter));
    if flow.is_continue() || reporter.is_fatal() {
        let _ = dart.end(!reporter.is_fatal(), reporter);
    }
}

struct Dart {
    report: Report,
    suites: HashMap<i64, Suite>,
    /// Groups' names and their outer groups.
    groups: HashMap<i64, (String, Option<i64>)>,
    tests: HashMap<i64, Test>,
    /// Tests that have ended, for errors that come later.
    ended: HashMap<i64, Box<ResultRecord>>,
    /// Tests that the outermost groups announce, and rows that are loads of files or late errors.
    announced: Option<u64>,
    besides: u64,
    done: bool,
    stray: u64,
    first_stray: Option<At>,
    last: At,
}

impl Dart {
    fn new(at: At) -> Self {
        Self {
            report: Report::new(at),
            suites: HashMap::new(),
            groups: HashMap::new(),
            tests: HashMap::new(),
            ended: HashMap::new(),
            announced: None,
            besides: 0,
            done: false,
            stray: 0,
            first_stray: None,
            last: at,
        }
    }

    fn line(&mut self, line: Line, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.last = at;
        match line {
            Line::Value(Value::Array(items)) => {
                for item in items.iter().filter(|item| item.get("type").is_some()) {
                    self.event(item, at, reporter)?;
                }
            }
            Line::Value(event) if json::text(&event, &["type"]).is_some() => return self.event(&event, at, reporter),
            Line::Other(text) if text.starts_with("{\"") => {
                reporter.rejected(&codes::NOT_WELL_FORMED, Some(at), "an event is damaged or ends too early", None);
            }
            Line::Value(_) | Line::Other(_) => {
                self.stray += 1;
                self.first_stray.get_or_insert(at);
            }
        }
        ControlFlow::Continue(())
    }

    fn event(&mut self, event: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.last = at;
        let id = |path: &[&str]| json::at(event, path).and_then(Value::as_i64);
        match json::text(event, &["type"]).unwrap_or_default() {
            "start" => {
                self.report.property("runner version", event.get("runnerVersion").and_then(values::scalar));
            }
            "suite" => {
                if let Some(id) = id(&["suite", "id"]).filter(|_| self.suites.len() < REMEMBERED) {
                    self.suites.insert(id, Suite::of(event));
                }
            }
            "group" => {
                let outer = id(&["group", "parentID"]);
                if let (None, Some(count)) = (outer, json::at(event, &["group", "testCount"]).and_then(Value::as_u64)) {
                    self.announced = Some(self.announced.unwrap_or(0).saturating_add(count));
                }
                if let Some(id) = id(&["group", "id"]).filter(|_| self.groups.len() < REMEMBERED) {
                    let name = json::text(event, &["group", "name"]).unwrap_or_default().to_owned();
                    self.groups.insert(id, (name, outer));
                }
            }
            "testStart" => {
                if let Some(id) = id(&["test", "id"]) {
                    if self.tests.len() >= REMEMBERED {
                        let message = "too many tests are open at once";
                        reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), message, None);
                        return ControlFlow::Continue(());
                    }
                    self.tests.insert(id, Test::of(event, at));
                }
            }
            "print" => {
                if let Some(test) = id(&["testID"]).and_then(|id| self.tests.get_mut(&id)) {
                    test.print(event);
                }
            }
            "error" => return self.error(id(&["testID"]), event, at, reporter),
            "testDone" => {
                if let Some((id, test)) = id(&["testID"]).and_then(|id| Some((id, self.tests.remove(&id)?))) {
                    return self.end_test(id, test, Some(event), reporter);
                }
            }
            "done" => {
                self.done = true;
                self.report.property("success", event.get("success").and_then(values::scalar));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn error(&mut self, id: Option<i64>, event: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(id) = id else { return ControlFlow::Continue(()) };
        if let Some(test) = self.tests.get_mut(&id) {
            test.error(event);
            return ControlFlow::Continue(());
        }
        // The test was told to have ended before this error.
        let Some(ended) = self.ended.get(&id) else { return ControlFlow::Continue(()) };
        let mut test = Test::of(event, at);
        test.error(event);
        let record = ResultRecord { line: Some(at.line), ..test.failure("error", (**ended).clone()) };
        self.besides += 1;
        self.report.row(record, at, reporter)
    }

    /// A test ends, or the events do without its end.
    fn end_test(&mut self, id: i64, test: Test, done: Option<&Value>, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let hidden = done.and_then(|done| done.get("hidden")).and_then(Value::as_bool) == Some(true);
        let result = done.map(|done| json::text(done, &["result"]).unwrap_or("unknown"));
        if hidden && result == Some("success") {
            return ControlFlow::Continue(());
        }
        let suite = test.suite_id.and_then(|id| self.suites.get(&id));
        let (groups, name) = test.path(&self.groups);
        let stub = ResultRecord { suite: groups, name, ..suite.map(Suite::stub).unwrap_or_default() };
        if self.ended.len() < REMEMBERED {
            self.ended.insert(id, Box::new(stub.clone()));
        }
        if test.is_load() {
            self.besides += 1;
        }
        let at = test.at;
        let record = test.record(stub, done);
        self.report.row(record, at, reporter)
    }

    fn end(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut open: Vec<(i64, Test)> = self.tests.drain().collect();
        open.sort_by_key(|(id, test)| (test.at.line, test.at.column, *id));
        // A file that was loading when the events ended held tests that nobody will count.
        let unended = open.len();
        for (id, test) in open {
            self.end_test(id, test, None, reporter)?;
        }
        if self.stray > 0 {
            let message = format!("lines that are no events of a test runner: {}", self.stray);
            reporter.repaired(&codes::NOT_WELL_FORMED, self.first_stray, &message);
        }
        self.report.suite.declared.tests = self.announced;
        let rows = self.report.words.all();
        let said = [("tests", self.announced, rows - self.besides.min(rows))];
        self.report.finish(complete && (self.done || rows == 0), &said, reporter)?;
        if complete && !self.done {
            if unended > 0 {
                let message = format!("the events end while tests are open: {unended}");
                return reporter.fatal(&codes::NOT_WELL_FORMED, Some(self.last), &message, None);
            }
            let message = "there is no `done` event: the run may have ended before its tests did";
            reporter.repaired(&codes::NOT_WELL_FORMED, Some(self.last), message);
        }
        ControlFlow::Continue(())
    }
}

/// The array form.
impl Visit for Dart {
    fn want(&self, path: &Path) -> Want {
        match path.len() {
            0 => Want::Enter,
            _ => Want::Whole,
        }
    }

    fn enter(&mut self, _: &Path, _: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn whole(&mut self, _: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.event(&value, at, reporter)
    }

    fn leave(&mut self, _: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.end(complete, reporter)
    }
}
