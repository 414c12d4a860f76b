//! What the report formats of NUnit 2 and NUnit 3 share: suites in suites with tests at any depth, categories,
//! properties, a reason or a failure at a suite or test, the environment. A [`Dialect`] says how one of them writes it.
//!
//! A suite that failed by itself and not by a test in it (its last clean-up failed, or it could not be run at all and so
//! holds no test) is handed on as a result that is named after it, because no test tells of that failure.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord};

use crate::record::counts::Group;
use crate::record::facts;
use crate::reporter::Reporter;
use crate::xml::element::{Element, Visit, Want};
use crate::xml::header::{Counts, Declared};
use crate::xml::open_suites::OpenSuites;
use crate::xml::parts;

mod case;
mod suite;

use suite::Suite;

/// What differs between the two formats.
pub(crate) trait Dialect {
    /// The root element.
    const ROOT: &'static str;
    /// The attribute that holds a duration in seconds.
    const DURATION: &'static str;

    /// The numbers in the header of the root or a suite.
    fn declared(head: &Element) -> Declared;

    /// The tests that the header counts beside those that ran, where it does.
    fn not_run(head: &Element) -> Option<u64>;

    /// The start time in the header of the root or a suite.
    fn started_at(head: &Element) -> Option<String>;

    /// The class, where it is known, and the name of a test inside the suites of `path`.
    fn class_and_name(case: &Element, path: &[String]) -> (Option<String>, String);

    /// The outcome of a test or suite, in the tool's word.
    fn status(element: &Element) -> String;

    /// The kind of a test's outcome, as the tool counts it in headers.
    fn group(case: &Element) -> Group;

    /// The header's numbers, once the environment and the number of tests in the file are known.
    fn settle(declared: Declared, environment: Option<&Element>, not_run: Option<u64>, rows: u64) -> Declared;
}

/// The reader of both formats.
#[derive(Debug)]
pub(crate) struct Nunit<D> {
    suites: OpenSuites<Suite>,
    counts: Counts,
    declared: Option<Declared>,
    not_run: Option<u64>,
    results: u64,
    dialect: std::marker::PhantomData<D>,
}

impl<D> Default for Nunit<D> {
    fn default() -> Self {
        Self {
            suites: OpenSuites::default(),
            counts: Counts::default(),
            declared: None,
            not_run: None,
            results: 0,
            dialect: std::marker::PhantomData,
        }
    }
}

impl<D: Dialect> Visit for Nunit<D> {
    fn want(&self, name: &str, _: &[String]) -> Want {
        match name {
            "test-case" | "environment" | "culture-info" | "properties" | "categories" | "failure" | "reason" => {
                Want::Whole
            }
            "settings" | "filter" | "command-line" | "output" | "assertions" | "attachments" => Want::Nothing,
            _ => Want::Enter,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let outermost = self.suites.states().next().is_none();
        if outermost {
            self.counts.root(head.at, reporter);
        }
        if head.name != D::ROOT && head.name != "test-suite" {
            return ControlFlow::Continue(());
        }
        self.suites.hand_on(reporter)?;
        let declared = D::declared(&head);
        if outermost {
            self.declared = Some(declared);
            self.not_run = D::not_run(&head);
        }
        self.begin(head, declared, reporter);
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match element.name.as_str() {
            "test-case" => return self.case(&element, reporter),
            "environment" => self.environment(&element),
            "culture-info" => {
                for name in ["current-culture", "current-uiculture"] {
                    self.suites.property(name, element.attribute(name).unwrap_or_default());
                }
            }
            "properties" => {
                for property in element.all("property") {
                    let (name, value) = (property.attribute("name"), property.attribute("value"));
                    match (name, self.suites.state()) {
                        (Some("Category"), Some(suite)) => facts::label(&mut suite.tags, value.unwrap_or_default()),
                        (name, _) => self.suites.property(name.unwrap_or_default(), value.unwrap_or_default()),
                    }
                }
            }
            "categories" => {
                if let Some(suite) = self.suites.state() {
                    for category in element.all("category") {
                        facts::label(&mut suite.tags, category.attribute("name").unwrap_or_default());
                    }
                }
            }
            _ => {
                if let Some(suite) = self.suites.state() {
                    suite.message = element.text_of("message").or(suite.message.take());
                    suite.details = element.text_of("stack-trace").or(suite.details.take());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if name == D::ROOT || name == "test-suite" {
            self.suites.hand_on(reporter)?;
            self.failed_by_itself(reporter)?;
            self.suites.close();
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        if complete {
            if let Some(declared) = self.declared {
                self.counts.declare_report(D::settle(declared, None, self.not_run, self.counts.tests()));
            }
            self.counts.report(reporter);
        }
        ControlFlow::Continue(())
    }
}

impl<D: Dialect> Nunit<D> {
    fn case(&mut self, element: &Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        let mut record = Box::new(ResultRecord {
            suite: self.suites.path().to_vec(),
            status: D::status(element),
            duration_ms: parts::seconds(element, D::DURATION, reporter),
            started_at: element.filled("start-time"),
            platform: self.suites.states().rev().find_map(|suite| suite.platform.clone()),
            line: Some(element.at.line),
            ..ResultRecord::default()
        });
        let (class, name) = D::class_and_name(element, self.places());
        record.class_name = class.and_then(|class| parts::name(&class, element.at, reporter));
        record.name = parts::name(&name, element.at, reporter).unwrap_or_default();
        for tag in self.suites.states().flat_map(|suite| &suite.tags) {
            facts::label(&mut record.tags, tag);
        }
        case::describe(&mut record, element, reporter);
        self.counts.row_as(D::group(element));
        self.results += 1;
        if record.name.is_empty() {
            let subject = record.class_name.as_deref();
            reporter.rejected(&codes::NO_NAME, Some(element.at), "a test-case has no name", subject);
            return ControlFlow::Continue(());
        }
        reporter.record(Record::Result(record))
    }

    /// The suites around a test that may be part of its name: all but the one of a single method around its arguments.
    fn places(&self) -> &[String] {
        let path = self.suites.path();
        let kind = self.suites.states().next_back().and_then(|suite| suite.head.attribute("type"));
        match (kind, path) {
            (Some("ParameterizedTest" | "ParameterizedMethod" | "GenericMethod" | "Theory"), [outer @ .., _]) => outer,
            (_, path) => path,
        }
    }
}
