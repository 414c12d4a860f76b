//! Robot Framework's `output.xml`, from 2.x to 7.x (schema versions 1 to 5). From its `result.xsd`, `xmllogger.py`,
//! `xmlelementhandlers.py` and `merger.py`.
//!
//! - Keywords and control structures (`for`, `while`, `if`, `try`, `group`, `variable`, `return` ...) are steps, with their
//!   arguments behind the name. They are read as they come and never held as a tree: a test with a million keywords needs
//!   the memory of its first [`crate::limits::STEPS`], and its status, which stands at its end, is not lost.
//! - Messages are the output, with their level. Pictures and videos that a message shows in HTML are attachments; one that
//!   stands in the message itself is kept with its bytes.
//! - A suite setup or teardown that failed is a result of its own with the property `fixture`. Robot Framework counts a
//!   failed teardown against every test of the suite when it reads the file; the tests themselves say what they were.
//! - `rebot --merge` writes earlier outcomes into the message: they make the attempt, and a flaky test.
//! - `critical="no"` (before 4.0) and a test's documentation, timeout and line are properties.
//! - A time without a zone is written as RFC 3339 without a zone.
//!
//! A suite is handed on when it ends, because only then its times and metadata are known. The totals and the `errors`
//! section follow as a suite with an empty path.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{DeclaredCounts, Record, SuiteRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::limits;
use crate::record::counts::{self, Group, Rows};
use crate::reporter::{At, Field, Reporter};
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};
use crate::xml::parts;

mod body;
mod message;
mod names;
mod times;

use body::Body;

pub(crate) const FORMAT: Format =
    Format { name: "robot", title: "Robot Framework output.xml", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    // The description of a machine for ROS has this root too.
    let says = |tag: &str| ["generator=", "generated=", "schemaversion="].iter().any(|name| tag.contains(name));
    head.prolog().root == Some("robot") && (says(head.root_tag()) || head.text.contains("<suite "))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Robot::default());
}

/// The state of one file's reading.
#[derive(Default)]
struct Robot {
    /// The root, which carries the totals.
    report: SuiteRecord,
    root: Option<At>,
    /// The open suites; their records are handed on when they end.
    suites: Vec<SuiteRecord>,
    /// The test, suite setup or suite teardown that is read.
    body: Option<Body>,
    rows: Rows,
    /// Tests that passed inside of each open suite, and of those that ended below it.
    passed: Vec<u64>,
    /// Tests that Robot Framework counts as failed because a teardown around them failed.
    torn_down: u64,
}

impl Visit for Robot {
    fn want(&self, name: &str, parents: &[String]) -> Want {
        if self.body.is_some() {
            return Body::want(name);
        }
        match (parents.last().map(String::as_str), name) {
            (None, "robot") | (Some("robot"), "suite" | "statistics" | "errors") => Want::Enter,
            (Some("statistics"), "total") => Want::Enter,
            (Some("total"), "stat") | (Some("errors"), "msg") => Want::Whole,
            (Some("suite"), "suite" | "test" | "kw" | "metadata") => Want::Enter,
            (Some("suite"), "doc" | "status" | "meta") | (Some("metadata"), "item") => Want::Whole,
            (_, _) => Want::Nothing,
        }
    }

    fn embeds(&self, name: &str) -> bool {
        name == "msg"
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if let Some(body) = &mut self.body {
            body.enter(&head);
            return ControlFlow::Continue(());
        }
        match head.name.as_str() {
            "robot" => {
                self.root.get_or_insert(head.at);
                let named = ["generator", "rpa"];
                let properties = named.iter().filter_map(|name| Some(((*name).to_owned(), head.filled(name)?)));
                self.report = SuiteRecord {
                    properties: properties.collect(),
                    line: Some(head.at.line),
                    ..SuiteRecord::default()
                };
            }
            "suite" => {
                let mut path = self.path().to_vec();
                path.extend(head.filled("name").map(|name| parts::one_line(&name, head.at, reporter)));
                let file = head.filled("source");
                self.passed.push(0);
                self.suites.push(SuiteRecord { path, file, line: Some(head.at.line), ..SuiteRecord::default() });
            }
            "test" | "kw" => {
                let suite = self.suites.last().cloned().unwrap_or_default();
                self.body = Some(Body::new(&head, suite.path, suite.file, reporter));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if let Some(body) = &mut self.body {
            body.take(element, reporter);
            return ControlFlow::Continue(());
        }
        match (element.name.as_str(), self.suites.last_mut()) {
            ("stat", _) => self.total(&element),
            ("msg", _) => {
                let text = message::plain(&element);
                let text = format!("[{}] {text}", element.filled("level").unwrap_or_default());
                let text = parts::within(text, Field::Property, element.at, reporter);
                property(&mut self.report, "error", text);
            }
            ("status", Some(suite)) => {
                suite.started_at = times::of(&element).started_at;
                property(suite, "status", element.filled("status").unwrap_or_default());
                let text = message::without_markup(element.text.trim());
                if !text.is_empty() {
                    property(suite, "message", parts::within(text, Field::Property, element.at, reporter));
                }
            }
            ("doc", Some(suite)) if !element.text.trim().is_empty() => {
                property(suite, "doc", parts::within(element.text, Field::Property, element.at, reporter));
            }
            ("meta" | "item", Some(suite)) => {
                let name = element.filled("name").unwrap_or_default();
                property(suite, &name, parts::within(element.text, Field::Property, element.at, reporter));
            }
            (_, _) => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if let Some(body) = &mut self.body {
            if body.leave() {
                return self.close(reporter);
            }
            return ControlFlow::Continue(());
        }
        match (name, self.suites.last()) {
            ("suite", Some(_)) => {
                let passed = self.passed.pop().unwrap_or(0);
                if let Some(outer) = self.passed.last_mut() {
                    *outer += passed;
                }
                match self.suites.pop() {
                    Some(suite) => reporter.record(Record::Suite(suite)),
                    None => ControlFlow::Continue(()),
                }
            }
            (_, _) => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if complete {
            let most = Rows { failures: self.rows.failures + self.torn_down, ..self.rows };
            self.rows.report(most, &self.report.declared, self.root, reporter);
        }
        // Suites that the damage left open have tests at the sink already.
        for suite in self.suites.drain(..).rev() {
            reporter.record(Record::Suite(suite))?;
        }
        reporter.record(Record::Suite(std::mem::take(&mut self.report)))
    }
}

impl Robot {
    fn path(&self) -> &[String] {
        self.suites.last().map(|suite| suite.path.as_slice()).unwrap_or_default()
    }

    /// A number of the totals: `All Tests`, in robotic process automation `All Tasks`; before 4.0 the critical ones stand
    /// beside them.
    fn total(&mut self, stat: &Element) {
        let number = |name: &str| counts::number(stat.attribute(name));
        if stat.text.trim().starts_with("Critical") {
            return;
        }
        let (pass, fail, skip) = (number("pass"), number("fail"), number("skip"));
        self.report.declared = DeclaredCounts {
            tests: counts::sum(counts::sum(pass, fail), skip),
            failures: fail,
            errors: None,
            skipped: skip,
        };
    }

    /// A test, suite setup or suite teardown ends.
    fn close(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(body) = self.body.take() else { return ControlFlow::Continue(()) };
        let (at, is_test, failed) = (body.at, body.is_test, body.failed());
        if !is_test && !failed {
            return ControlFlow::Continue(());
        }
        let record = body.close(reporter);
        match self.passed.last_mut() {
            Some(passed) if is_test && body::group(&record.status) == Group::Passed => *passed += 1,
            Some(passed) if record.properties.iter().any(|(_, fixture)| fixture == "suite teardown") => {
                self.torn_down += std::mem::take(passed);
            }
            Some(_) | None => {}
        }
        if is_test {
            self.rows.add(body::group(&record.status));
        }
        if record.name.trim().is_empty() {
            reporter.rejected(&codes::NO_NAME, Some(at), "a test has no name", record.suite.last().map(String::as_str));
            return ControlFlow::Continue(());
        }
        reporter.record(Record::Result(record))
    }
}

fn property(suite: &mut SuiteRecord, name: &str, value: String) {
    let (name, value) = (name.trim(), value.trim());
    if !name.is_empty() && suite.properties.len() < limits::PROPERTIES {
        suite.properties.push((name.to_owned(), value.to_owned()));
    }
}
