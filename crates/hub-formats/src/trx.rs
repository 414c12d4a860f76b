//! TRX, the results of Visual Studio, vstest and MSTest (`TestRun`), in the namespaces of 2006 and 2010. From the TRX logger
//! of microsoft/vstest and files of the editions before it.
//!
//! - **Definitions behind results.** vstest writes all results first and what they are tests of (class, categories,
//!   properties) behind them, joined by `testId`. Results are held up to [`crate::limits::HELD_BYTES`] and completed when
//!   the definitions come; a result beyond that is handed on at once, without its class, and this is reported. So memory
//!   is bounded, a file of usual size is read whole, and results beyond the bound come before those that are held.
//! - **Results inside results.** A result with `InnerResults` (a data-driven test, an ordered test) is no execution of its
//!   own but a suite: what ran are the results inside. It is a result besides only where it failed and none inside did.
//!   Inner results that repeat one test, and are no data rows, are its attempts.
//! - **A missing outcome is `Error`**: the logger leaves out the first word of its list.
//! - **Counters.** vstest leaves out the result around a data-driven test, Visual Studio counts it, so a total between both
//!   agrees. Tests left out are those that were not executed, and the inconclusive ones.
//! - **Files** lie in `<runDeploymentRoot>/In/<relativeResultsDirectory>` beside the report; paths are joined with it.
//!
//! The run is handed on as a suite with an empty path when the file ends, because its numbers stand there.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::record::counts::Rows;
use crate::reporter::{At, Reporter};
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};

mod definitions;
mod result;
mod run;

use definitions::Definitions;
use result::Open;
use run::Run;

pub(crate) const FORMAT: Format =
    Format { name: "trx", title: "TRX of Visual Studio and vstest", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    if head.prolog().root != Some("TestRun") {
        return false;
    }
    // CppUnit and AUnit write a `TestRun` too, of another shape and in no namespace.
    let tag = head.root_tag();
    let shaped = || {
        let has = |text: &str| head.text.contains(text);
        !tag.contains("xmlns") && has("<UnitTestResult") && !has("<SuccessfulTests") && !has("<FailedTests")
    };
    tag.contains("microsoft.com/schemas/VisualStudio/TeamTest") || shaped()
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Trx::default());
}

/// Whether an element is a result: `UnitTestResult`, and for other kinds of tests `GenericTestResult`, `WebTestResult`,
/// `ManualTestResult`, `TestResultAggregation`.
fn is_result(name: &str) -> bool {
    name.ends_with("Result") || name == "TestResultAggregation"
}

/// The state of one file's reading.
#[derive(Default)]
struct Trx {
    root: Option<At>,
    run: Run,
    /// The names of the results whose inner results are read.
    path: Vec<String>,
    open: Vec<Open>,
    definitions: Definitions,
    rows: Rows,
    /// With the results around others.
    all: Rows,
}

impl Visit for Trx {
    fn want(&self, name: &str, parents: &[String]) -> Want {
        match (parents.last().map(String::as_str), name) {
            (None, "TestRun") | (Some("TestRun"), "Results" | "TestDefinitions") => Want::Enter,
            (Some("Results" | "InnerResults"), name) if is_result(name) => Want::Enter,
            (Some("TestRun"), "Times" | "ResultSummary" | "TestSettings" | "TestRunConfiguration") => Want::Whole,
            (Some("TestDefinitions"), _) => Want::Whole,
            (Some(parent), "InnerResults") if is_result(parent) => Want::Enter,
            (Some(parent), "Output" | "ResultFiles" | "CollectorDataEntries") if is_result(parent) => Want::Whole,
            (_, _) => Want::Nothing,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match head.name.as_str() {
            "TestRun" => {
                self.root.get_or_insert(head.at);
                self.run.open(&head);
            }
            "TestDefinitions" => self.definitions.begin(),
            "InnerResults" => {
                if let Some(outer) = self.open.last_mut() {
                    self.path.push(outer.record.name.clone());
                }
            }
            "Results" => {}
            _ => {
                self.run.ran_at(&head);
                let mut open = Open::new(&head, reporter);
                if let Some(outer) = self.open.last_mut() {
                    outer.inner.begins(&mut open);
                }
                open.record.suite.clone_from(&self.path);
                self.open.push(open);
            }
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match (element.name.as_str(), self.open.last_mut()) {
            ("Output", Some(open)) => open.output(&element, reporter),
            ("ResultFiles", Some(open)) => open.files(&element, self.run.folder()),
            ("CollectorDataEntries", Some(open)) => open.collected(&element, self.run.folder()),
            ("Times", _) => self.run.times(&element),
            ("ResultSummary", _) => self.run.summary(&element, reporter),
            ("TestSettings" | "TestRunConfiguration", _) => self.run.settings(&element),
            (_, _) => self.definitions.take(&element),
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match name {
            "TestRun" | "Results" => ControlFlow::Continue(()),
            "TestDefinitions" => self.hand_on(reporter),
            "InnerResults" => {
                self.path.pop();
                ControlFlow::Continue(())
            }
            _ => match self.open.pop() {
                Some(open) => self.close(open, reporter),
                None => ControlFlow::Continue(()),
            },
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on(reporter)?;
        self.definitions.report(complete, reporter);
        if complete {
            self.rows.report(self.all, &self.run.declared, self.root, reporter);
        }
        match self.run.record() {
            Some(record) => reporter.record(Record::Suite(record)),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Trx {
    /// A result ends.
    fn close(&mut self, open: Open, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let group = result::group(&open.record.status);
        self.all.add(group);
        let failed = result::is_failing(group);
        if let Some(outer) = self.open.last_mut() {
            outer.inner.ended(failed || open.inner.failed);
        }
        if open.inner.count > 0 {
            let unexplained = failed && !open.inner.failed;
            let mut path = open.record.suite.clone();
            path.push(open.record.name.clone());
            reporter.record(Record::Suite(suite(path, &open)))?;
            if !unexplained {
                return ControlFlow::Continue(());
            }
        }
        self.rows.add(group);
        if open.record.name.trim().is_empty() {
            reporter.rejected(&codes::NO_NAME, Some(open.at), "a result has no test name", None);
            return ControlFlow::Continue(());
        }
        self.pass(open.record, open.at, reporter)
    }

    /// Hands a result on, or holds it until its definition comes.
    fn pass(&mut self, record: Box<ResultRecord>, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match self.definitions.join(record, at) {
            Some(record) => reporter.record(Record::Result(record)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Hands on what was held.
    fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for record in self.definitions.end() {
            reporter.record(Record::Result(Box::new(record)))?;
        }
        ControlFlow::Continue(())
    }
}

/// A result around others.
fn suite(path: Vec<String>, open: &Open) -> SuiteRecord {
    let mut properties = vec![("outcome".to_owned(), open.record.status.clone())];
    properties.extend(open.kind.clone().map(|kind| ("resultType".to_owned(), kind)));
    properties.extend(open.record.history_id.clone().map(|id| ("testId".to_owned(), id)));
    SuiteRecord {
        path,
        started_at: open.record.started_at.clone(),
        properties,
        line: open.record.line,
        ..SuiteRecord::default()
    }
}
