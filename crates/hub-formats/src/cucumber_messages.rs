//! Cucumber messages: a file with one envelope on each line, as every Cucumber writes them with its `message` formatter.
//!
//! A record is a test case, made when its last attempt ends; its status is that of its gravest step or hook. An attempt that
//! `willBeRetried` is kept as text, and a case that passed after one that failed is flaky. A hook of the whole run that
//! failed is a record of its own. A case that had begun when the file ends is `UNKNOWN`, because nobody knows how it ended.
//!
//! Memory: what a run defines (features, pickles, test cases) is kept until its test case has ended, at most
//! [`limits::DEFINED_BYTES`]; contents that running test cases embed at most [`limits::JSON_HELD_BYTES`] together. A pickle that
//! has no room is reported, and so is each test case that refers to it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::family::gherkin::gravity;
use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill::{self, ErrorText};
use crate::json::late_suites::hand_on;
use crate::json::{self, Line};
use crate::limits;
use crate::record::clock;
use crate::record::counts;
use crate::reporter::{At, Field, Reporter};

mod attempt;
mod defined;
mod meta;

use attempt::{Attempt, Earlier};
use defined::{Defined, StepOf};

pub(crate) const FORMAT: Format = Format {
    name: "cucumber-messages",
    title: "Cucumber messages (NDJSON)",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let own = [
        "meta.protocolVersion",
        "source.mediaType",
        "source.uri",
        "gherkinDocument.feature",
        "gherkinDocument.uri",
        "pickle.astNodeIds",
        "parseError.source",
        "stepDefinition.pattern",
        "hook.sourceReference",
        "testRunStarted.timestamp",
    ];
    outline.is_object && own.iter().any(|key| outline.has(key))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let begin = input.at();
    let mut report = Report { begin: Some(begin), ..Report::default() };
    let read = json::lines(input, reporter, &mut |line, at, reporter| report.line(line, at, reporter));
    if read.is_continue() || reporter.is_fatal() {
        let end = input.at();
        let _ = report.finish(end, reporter);
    }
}

#[derive(Debug, Default)]
struct Report {
    begin: Option<At>,
    root: Option<SuiteRecord>,
    platform: Option<String>,
    defined: Defined,
    open: HashMap<String, Attempt>,
    earlier: HashMap<String, Earlier>,
    /// Hooks of the run that have begun, with the hook's id.
    run_hooks: HashMap<String, String>,
    /// Bytes embedded in what is open.
    embedded: usize,
    rows: u64,
    begun: bool,
    ended: bool,
    /// The line read last, where it is no message.
    damaged: Option<At>,
}

impl Report {
    fn line(&mut self, line: Line, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let envelope = match line {
            Line::Value(Value::Object(envelope)) => envelope,
            Line::Value(_) | Line::Other(_) => {
                self.damaged(reporter);
                self.damaged = Some(at);
                return ControlFlow::Continue(());
            }
        };
        self.damaged(reporter);
        for (kind, message) in envelope {
            self.message(&kind, &message, at, reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn message(&mut self, kind: &str, message: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match kind {
            "meta" => {
                let root = self.root.get_or_insert_default();
                root.line = Some(at.line);
                root.properties.extend(meta::properties(message, at, reporter));
                self.platform = meta::platform(message, at, reporter);
            }
            "gherkinDocument" => self.defined.document(message, at, reporter),
            "pickle" => self.defined.pickle(message, at, reporter),
            "hook" => self.defined.hook(message, at, reporter),
            "testCase" => self.defined.case(message, at, reporter),
            "parseError" => {
                let said = json::text(message, &["message"]).unwrap_or("a feature file cannot be read");
                let file = json::text(message, &["source", "uri"]);
                reporter.rejected(
                    &codes::NOT_WELL_FORMED,
                    Some(at),
                    &format!("the tool could not read a feature: {said}"),
                    file,
                );
            }
            "undefinedParameterType" => {
                let name = json::text(message, &["name"]).and_then(|name| fill::text(name, Field::Name, at, reporter));
                let root = self.root.get_or_insert_default();
                root.properties.extend(name.map(|name| ("undefined parameter type".to_owned(), name)));
            }
            "testRunStarted" => {
                self.begun = true;
                let root = self.root.get_or_insert_default();
                root.started_at = moment(json::at(message, &["timestamp"])).and_then(clock::from_epoch_ms);
                return self.hand_on_root(reporter);
            }
            "testRunFinished" => {
                self.ended = true;
                return self.run_error(message, at, reporter);
            }
            "testCaseStarted" => self.start(message, at),
            "testStepFinished" => self.step(message, at, reporter),
            "attachment" => self.attachment(message, at, reporter),
            "testCaseFinished" => return self.end(message, at, reporter),
            "testRunHookStarted" => {
                if let (Some(id), Some(hook)) = (json::text(message, &["id"]), json::text(message, &["hookId"]))
                    && self.run_hooks.len() < limits::STEPS
                {
                    self.run_hooks.insert(id.to_owned(), hook.to_owned());
                }
            }
            "testRunHookFinished" => return self.run_hook(message, at, reporter),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Tells of the line before this one, which was no message. The last line of a file is cut and told otherwise.
    fn damaged(&mut self, reporter: &mut Reporter<'_>) {
        if let Some(at) = self.damaged.take() {
            reporter.rejected(&codes::NOT_WELL_FORMED, Some(at), "a line is no message of Cucumber", None);
        }
    }

    fn hand_on_root(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match self.root.take() {
            Some(root) if !root.properties.is_empty() || root.started_at.is_some() => {
                reporter.record(Record::Suite(root))
            }
            Some(_) | None => ControlFlow::Continue(()),
        }
    }

    fn start(&mut self, message: &Value, at: At) {
        let (Some(id), Some(case)) = (json::text(message, &["id"]), json::text(message, &["testCaseId"])) else {
            return;
        };
        let number = json::at(message, &["attempt"]).and_then(Value::as_u64).unwrap_or(0);
        let started = moment(json::at(message, &["timestamp"]));
        self.open.insert(id.to_owned(), Attempt::new(case, u32::try_from(number).unwrap_or(0), started, at));
    }

    fn step(&mut self, message: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(attempt) = json::text(message, &["testCaseStartedId"]).and_then(|id| self.open.get_mut(id)) else {
            return;
        };
        let id = json::text(message, &["testStepId"]).unwrap_or_default();
        let of = self.defined.step(attempt.case(), id).unwrap_or(StepOf { name: "step".to_owned(), is_hook: false });
        if let Some(result) = json::at(message, &["testStepResult"]).or_else(|| json::at(message, &["testResult"])) {
            attempt.step(of, result, at, reporter);
        }
    }

    fn attachment(&mut self, message: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(attempt) = json::text(message, &["testCaseStartedId"]).and_then(|id| self.open.get_mut(id)) else {
            return;
        };
        let length = json::text(message, &["body"]).map_or(0, str::len);
        if self.embedded + length > limits::JSON_HELD_BYTES {
            let message = "contents of test cases that run at one time are too large; one was left out";
            reporter.repaired(&codes::TOO_LONG, Some(at), message);
            return;
        }
        self.embedded += attempt.attach(message, at, reporter);
    }

    fn end(&mut self, message: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(attempt) = json::text(message, &["testCaseStartedId"]).and_then(|id| self.open.remove(id)) else {
            let subject = json::text(message, &["testCaseStartedId"]);
            reporter.rejected(&codes::UNKNOWN_REFERENCE, Some(at), "a test case ends that has not begun", subject);
            return ControlFlow::Continue(());
        };
        let again = json::at(message, &["willBeRetried"]).and_then(Value::as_bool);
        let ended = moment(json::at(message, &["timestamp"]));
        if again.unwrap_or(attempt.will_be_retried()) {
            let case = attempt.case().to_owned();
            self.earlier.entry(case).or_default().take(attempt);
            return ControlFlow::Continue(());
        }
        self.push(attempt, ended, reporter)
    }

    /// Makes the record of a test case whose last attempt this is.
    fn push(&mut self, attempt: Attempt, ended: Option<i64>, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let (case, at) = (attempt.case().to_owned(), attempt.at());
        let earlier = self.earlier.remove(&case);
        let mut record = attempt.close(ended, earlier, reporter);
        self.embedded = self.embedded.saturating_sub(
            record.attachments.iter().filter_map(|attachment| attachment.body.as_ref()).map(|body| body.0.len()).sum(),
        );
        if self.open.is_empty() && self.earlier.is_empty() {
            self.embedded = 0;
        }
        record.platform.clone_from(&self.platform);
        let Some(suite) = self.defined.describe(&case, &mut record, at, reporter) else {
            let message = "a test case refers to a scenario that is not in the file";
            reporter.rejected(&codes::UNKNOWN_REFERENCE, Some(at), message, Some(&case));
            return ControlFlow::Continue(());
        };
        self.hand_on_root(reporter)?;
        if let Some(suite) = suite {
            reporter.record(Record::Suite(suite))?;
        }
        self.rows += 1;
        hand_on(record, at, reporter)
    }

    /// A hook before or after all test cases: a record where it did not pass.
    fn run_hook(&mut self, message: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let hook = json::text(message, &["testRunHookStartedId"]).and_then(|id| self.run_hooks.remove(id));
        let status = json::text(message, &["result", "status"]).unwrap_or("UNKNOWN");
        if gravity(status) <= gravity("skipped") {
            return ControlFlow::Continue(());
        }
        let mut record = Box::new(ResultRecord {
            name: hook.and_then(|hook| self.defined.hook_name(&hook)).unwrap_or_else(|| "hook of the run".to_owned()),
            status: fill::text(status, Field::Name, at, reporter).unwrap_or_default(),
            duration_ms: moment(json::at(message, &["result", "duration"])).and_then(|ms| u64::try_from(ms).ok()),
            line: Some(at.line),
            ..ResultRecord::default()
        });
        if let Some(error) = json::at(message, &["result"]).and_then(|result| error(result, at, reporter)) {
            error.put_into(&mut record);
        }
        self.rows += 1;
        self.hand_on_root(reporter)?;
        hand_on(record, at, reporter)
    }

    /// What ended the run outside of its tests and hooks: a record, because tests are missing.
    fn run_error(&mut self, finished: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(error) = error(finished, at, reporter) else { return ControlFlow::Continue(()) };
        let name = "errors outside of tests".to_owned();
        let status = "error".to_owned();
        let mut record = Box::new(ResultRecord { name, status, line: Some(at.line), ..ResultRecord::default() });
        error.put_into(&mut record);
        self.rows += 1;
        self.hand_on_root(reporter)?;
        hand_on(record, at, reporter)
    }

    fn finish(&mut self, end: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on_root(reporter)?;
        let mut open: Vec<Attempt> = self.open.drain().map(|(_, attempt)| attempt).collect();
        open.sort_by_key(|attempt| attempt.at().line);
        for mut attempt in open {
            attempt.unfinished();
            self.push(attempt, None, reporter)?;
        }
        if reporter.is_fatal() {
            return ControlFlow::Break(());
        }
        if let Some(at) = self.damaged.filter(|_| !self.ended) {
            return reporter.fatal(&codes::NOT_WELL_FORMED, Some(at), "the file ends inside of a message", None);
        }
        self.damaged(reporter);
        if self.begun && !self.ended {
            return reporter.fatal(&codes::NOT_WELL_FORMED, Some(end), "the file ends before the test run does", None);
        }
        counts::compare(self.begin, self.rows, &[], reporter);
        ControlFlow::Continue(())
    }
}

/// A timestamp or duration of `seconds` and `nanos` in milliseconds; older messages write the seconds as text.
fn moment(value: Option<&Value>) -> Option<i64> {
    let number = |key: &str| {
        let number = value?.get(key)?;
        number.as_i64().or_else(|| number.as_str()?.parse().ok())
    };
    let nanos = number("nanos").unwrap_or(0);
    number("seconds")?.checked_mul(1_000)?.checked_add(nanos / 1_000_000)
}

/// The error of a result, where it has one.
fn error(result: &Value, at: At, reporter: &mut Reporter<'_>) -> Option<ErrorText> {
    let whole = json::text(result, &["message"]);
    let message = json::text(result, &["exception", "message"]).or(whole)?;
    let stack = json::text(result, &["exception", "stackTrace"]).or(whole);
    let mut error = ErrorText::new(Some(message), stack, at, reporter);
    let kind = json::text(result, &["exception", "type"]).and_then(|kind| fill::text(kind, Field::Name, at, reporter));
    error.error_type = kind.or(error.error_type);
    Some(error)
}
