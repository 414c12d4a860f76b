//! TestNG's `testng-results.xml`: suites, tests, classes, methods with their parameters, groups, attributes and output.
//!
//! - A method that was repeated (`retried="true"`) is no result of its own: it counts as an attempt of the one that
//!   followed, whose details name its error.
//! - A configuration method is no test. One that failed is a result with TestNG's own term as its status,
//!   `Configuration Failure`, because the tests behind it were skipped and nothing else says why.
//! - A passed method with an exception expected it; the exception is a property then.
//!
//! What it does not take: output of suites, the signature (it holds an address in memory). Suites that stand in files of
//! their own (`url`) are told and not opened.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, SuiteRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::record::counts::Group;
use crate::reporter::Reporter;
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};
use crate::xml::header::{Counts, Declared};
use crate::xml::open_suites::OpenSuites;
use crate::xml::parts;

mod attempts;
mod groups;
mod method;

use attempts::Attempts;
use groups::Groups;

pub(crate) const FORMAT: Format =
    Format { name: "testng", title: "TestNG results", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    head.prolog().root == Some("testng-results")
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Testng::default());
}

#[derive(Debug, Default)]
struct Testng {
    suites: OpenSuites<()>,
    class: Option<String>,
    groups: Groups,
    attempts: Attempts,
    counts: Counts,
}

impl Visit for Testng {
    fn want(&self, name: &str, _: &[String]) -> Want {
        match name {
            "test-method" | "method" => Want::Whole,
            "reporter-output" => Want::Nothing,
            _ => Want::Enter,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match head.name.as_str() {
            "testng-results" => {
                self.counts.root(head.at, reporter);
                let (declared, properties) = header(&head);
                self.counts.declare_report(declared);
                let line = Some(head.at.line);
                let record = SuiteRecord { declared: declared.into(), properties, line, ..SuiteRecord::default() };
                self.suites.open(None, record, ());
            }
            "suite" | "test" => {
                self.suites.hand_on(reporter)?;
                if let Some(url) = head.filled("url") {
                    let message = format!("the results of a {} stand in another file, {url:?}", head.name);
                    reporter.repaired(&codes::UNKNOWN_REFERENCE, Some(head.at), &message);
                }
                let name = parts::name(head.attribute("name").unwrap_or_default(), head.at, reporter);
                let record = SuiteRecord {
                    started_at: head.filled("started-at"),
                    line: Some(head.at.line),
                    ..SuiteRecord::default()
                };
                self.suites.open(name, record, ());
            }
            "group" => self.groups.begin(&head, reporter),
            "class" => {
                let name = parts::name(head.attribute("name").unwrap_or_default(), head.at, reporter);
                let package = head.filled("package").filter(|package| package != "[default]");
                self.class = match (package, name) {
                    (Some(package), Some(name)) => Some(format!("{package}.{name}")),
                    (_, name) => name,
                };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if element.name == "method" {
            self.groups.member(&element, reporter);
            return ControlFlow::Continue(());
        }
        self.suites.hand_on(reporter)?;
        self.method(&element, reporter)
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match name {
            "class" => {
                self.class = None;
                self.give_up_attempts(reporter)?;
            }
            "testng-results" | "suite" | "test" => {
                self.suites.hand_on(reporter)?;
                self.suites.close();
                if name == "suite" {
                    self.groups.clear();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        self.give_up_attempts(reporter)?;
        if complete {
            self.counts.report(reporter);
        }
        ControlFlow::Continue(())
    }
}

impl Testng {
    fn method(&mut self, element: &Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let is = |name: &str| element.attribute(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let is_config = is("is-config");
        let mut record = method::record(element, self.suites.path(), self.class.as_deref(), reporter);
        if is_config {
            self.counts.beside(group(&record.status));
        }
        if is_config && !record.status.eq_ignore_ascii_case("FAIL") {
            return ControlFlow::Continue(());
        }
        if !is_config {
            // An attempt is counted with the result that it leads to.
            if !is("retried") {
                self.counts.row_as(group(&record.status));
            }
            self.groups.tag(&mut record, element);
        }
        if record.name.is_empty() {
            let subject = record.class_name.as_deref();
            reporter.rejected(&codes::NO_NAME, Some(element.at), "a test-method has no name", subject);
            return ControlFlow::Continue(());
        }
        if is_config {
            record.name.push_str(" (configuration)");
            record.status = "Configuration Failure".to_owned();
            return reporter.record(Record::Result(record));
        }
        let key = attempts::key(&record, element.attribute("signature").unwrap_or_default());
        if is("retried") {
            return match self.attempts.hold(key, record) {
                Some(record) => self.emit_attempt(record, reporter),
                None => ControlFlow::Continue(()),
            };
        }
        self.attempts.join(&key, &mut record, element.at, reporter);
        reporter.record(Record::Result(record))
    }

    /// Attempts that no result follows are results themselves: nothing is left out.
    fn give_up_attempts(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for record in self.attempts.give_up() {
            self.emit_attempt(record, reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn emit_attempt(
        &mut self,
        mut record: Box<hub_domain::record::ResultRecord>,
        reporter: &mut Reporter<'_>,
    ) -> ControlFlow<()> {
        self.counts.row_as(group(&record.status));
        record.properties.push(("retried".to_owned(), "true".to_owned()));
        reporter.record(Record::Result(record))
    }
}

fn group(status: &str) -> Group {
    match status.to_ascii_uppercase().as_str() {
        "FAIL" => Group::Failed,
        "SKIP" => Group::LeftOut,
        _ => Group::Passed,
    }
}

/// The header's numbers. `total` counts methods that are not in the file (`ignored`) and attempts (`retried`), which
/// are no results here; what the header says of them stays among the properties.
fn header(head: &Element) -> (Declared, Vec<(String, String)>) {
    let of = |name: &str| parts::count(head, name);
    let parts_of_total = ["passed", "failed", "skipped", "ignored", "retried"];
    let sum = parts_of_total.iter().filter_map(|name| of(name)).fold(0, u64::saturating_add);
    let beside = of("ignored").unwrap_or(0).saturating_add(of("retried").unwrap_or(0));
    let tests = of("total").map(|total| if total == sum { total - beside } else { total });
    let properties = ["total", "passed", "ignored", "retried"]
        .iter()
        .filter_map(|name| of(name).map(|number| ((*name).to_owned(), number.to_string())))
        .collect();
    (Declared { tests, failures: of("failed"), skipped: of("skipped"), ..Declared::default() }, properties)
}
