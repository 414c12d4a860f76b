//! CUnit's file of a run (`CUNIT_TEST_RUN_REPORT`), also of CUnit 1 with its groups and of BCUnit. Its file that lists the
//! tests is no result and is not read.
//!
//! CUnit writes one record for each assertion that failed: those of one test become one result, the assertions its
//! steps. A suite whose initialisation or clean-up failed is a result that is named after it, with the status
//! `suite failure`: no test tells of that. The numbers of the run stand behind the tests, and so does their record.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::limits;
use crate::record::counts::{self, Group};
use crate::reporter::Reporter;
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};
use crate::xml::header::{Counts, Declared};
use crate::xml::open_suites::OpenSuites;
use crate::xml::parts;

mod assertion;

use assertion::assertion;

pub(crate) const FORMAT: Format =
    Format { name: "cunit", title: "CUnit results", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    head.prolog().root.is_some_and(|root| plain(root) == "CUNIT_TEST_RUN_REPORT")
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Cunit::default());
}

/// The name of an element as CUnit writes it.
fn plain(name: &str) -> &str {
    name.strip_prefix('B').filter(|rest| rest.starts_with("CUNIT_")).unwrap_or(name)
}

#[derive(Debug, Default)]
struct Cunit {
    suites: OpenSuites<()>,
    /// A test whose failed assertions may not all be read.
    failing: Option<Box<ResultRecord>>,
    counts: Counts,
    /// Tests that were left out: the summary does not count them among those that ran.
    skipped: u64,
    summary: SuiteRecord,
    declared: Declared,
}

impl Visit for Cunit {
    fn want(&self, name: &str, _: &[String]) -> Want {
        match plain(name) {
            "SUITE_NAME"
            | "GROUP_NAME"
            | "CUNIT_RUN_TEST_RECORD"
            | "CUNIT_RUN_SUITE_FAILURE"
            | "CUNIT_RUN_GROUP_FAILURE"
            | "CUNIT_RUN_SUMMARY_RECORD"
            | "CUNIT_FOOTER" => Want::Whole,
            _ => Want::Enter,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if plain(&head.name) == "CUNIT_TEST_RUN_REPORT" {
            self.counts.root(head.at, reporter);
            self.summary.line.get_or_insert(head.at.line);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match plain(&element.name) {
            "CUNIT_RUN_TEST_RECORD" => {
                for test in &element.children {
                    self.test(test, reporter)?;
                }
                ControlFlow::Continue(())
            }
            "SUITE_NAME" | "GROUP_NAME" => {
                self.leave_suite(reporter)?;
                let name = parts::name(&element.text, element.at, reporter);
                let record = SuiteRecord { line: Some(element.at.line), ..SuiteRecord::default() };
                self.suites.open(name, record, ());
                ControlFlow::Continue(())
            }
            "CUNIT_RUN_SUMMARY_RECORD" => {
                self.summary(&element);
                ControlFlow::Continue(())
            }
            "CUNIT_FOOTER" => {
                let text = parts::name(&element.text, element.at, reporter);
                self.summary.properties.extend(text.map(|text| ("footer".to_owned(), text)));
                ControlFlow::Continue(())
            }
            _ => self.failed_suite(&element, reporter),
        }
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if matches!(plain(name), "CUNIT_RUN_SUITE" | "CUNIT_RUN_GROUP") {
            self.leave_suite(reporter)
        } else {
            ControlFlow::Continue(())
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.leave_suite(reporter)?;
        let said = self.declared.tests.is_some() || !self.summary.properties.is_empty();
        if said {
            let mut summary = std::mem::take(&mut self.summary);
            summary.declared = self.declared.into();
            reporter.record(Record::Suite(summary))?;
        }
        if complete {
            let run = self.declared.tests.map(|run| run.saturating_add(self.skipped));
            self.counts.declare_report(Declared { tests: run, ..self.declared });
            self.counts.report(reporter);
        }
        ControlFlow::Continue(())
    }
}

impl Cunit {
    /// One test that passed or was left out, or one failed assertion of a test.
    fn test(&mut self, test: &Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let status = match plain(&test.name) {
            "CUNIT_RUN_TEST_SUCCESS" => "success",
            "CUNIT_RUN_TEST_FAILURE" => "failure",
            "CUNIT_RUN_TEST_SKIPPED" => "skipped",
            _ => return ControlFlow::Continue(()),
        };
        let name = test.text_of("TEST_NAME").and_then(|name| parts::name(&name, test.at, reporter)).unwrap_or_default();
        if status == "failure"
            && let Some(failing) = &mut self.failing
            && failing.name == name
        {
            assertion(failing, test, reporter);
            return ControlFlow::Continue(());
        }
        self.settle(reporter)?;
        self.suites.hand_on(reporter)?;
        let mut record = Box::new(ResultRecord {
            suite: self.suites.path().to_vec(),
            name,
            status: status.to_owned(),
            line: Some(test.at.line),
            ..ResultRecord::default()
        });
        self.counts.row_as(match status {
            "failure" => Group::Failed,
            "skipped" => Group::LeftOut,
            _ => Group::Passed,
        });
        if record.name.is_empty() {
            let subject = record.suite.last().map(String::as_str);
            reporter.rejected(&codes::NO_NAME, Some(test.at), "a test record has no name", subject);
            return ControlFlow::Continue(());
        }
        match status {
            "failure" => {
                assertion(&mut record, test, reporter);
                self.failing = Some(record);
                return ControlFlow::Continue(());
            }
            "skipped" => self.skipped += 1,
            _ => {}
        }
        reporter.record(Record::Result(record))
    }

    /// Hands on the test that failed.
    fn settle(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(mut record) = self.failing.take() else { return ControlFlow::Continue(()) };
        // A single assertion is the failure itself and not a step.
        if record.steps.len() < 2 {
            record.steps.clear();
        }
        reporter.record(Record::Result(record))
    }

    fn leave_suite(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.settle(reporter)?;
        self.suites.hand_on(reporter)?;
        self.suites.close();
        ControlFlow::Continue(())
    }

    /// A suite that could not be initialised, so that its tests are not in the file, or not be cleaned up.
    fn failed_suite(&mut self, element: &Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.leave_suite(reporter)?;
        let suite = element.text_of("SUITE_NAME").or_else(|| element.text_of("GROUP_NAME"));
        let suite = suite.and_then(|name| parts::name(&name, element.at, reporter));
        let reason = element.text_of("FAILURE_REASON").unwrap_or_else(|| "failed".to_owned());
        let reason = parts::name(&reason, element.at, reporter).unwrap_or_default();
        let record = ResultRecord {
            name: format!("{} ({reason})", suite.as_deref().unwrap_or("suite without a name")),
            suite: suite.into_iter().collect(),
            status: "suite failure".to_owned(),
            message: Some(reason),
            line: Some(element.at.line),
            ..ResultRecord::default()
        };
        reporter.record(Record::Result(Box::new(record)))
    }

    /// One line of the numbers at the end. Languages other than English call them by other names, which are kept.
    fn summary(&mut self, element: &Element) {
        let of = |name: &str| element.text_of(name);
        let number = |name: &str| counts::number(of(name).as_deref());
        let kind = of("TYPE").unwrap_or_default();
        if kind.eq_ignore_ascii_case("Test Cases") {
            self.declared.tests = number("RUN").or_else(|| number("TOTAL"));
            self.declared.failures = number("FAILED");
        }
        for name in ["TOTAL", "RUN", "FAILED", "SKIPPED", "INACTIVE"] {
            if let Some(number) = number(name)
                && self.summary.properties.len() < limits::PROPERTIES
            {
                self.summary.properties.push((format!("{kind} {}", name.to_ascii_lowercase()), number.to_string()));
            }
        }
    }
}
