//! Allure 1: a `*-testsuite.xml` for each suite, in the namespace `urn:model.allure.qatools.yandex.ru`. From its
//! `allure.xsd`, and the reader of Allure 2 for what labels mean.
//!
//! - The labels of a suite belong to each of its tests and stand behind them. Tests are held until then, up to
//!   [`crate::limits::HELD_BYTES`]; what is beyond is handed on without them, and this is reported.
//! - A test and a suite are called by their title, where they have one, and by their name. The name of a test with a title
//!   is its property `name`.
//! - `testId` is the case's id, `historyId` the test's in other runs, `tag` a tag, `testClass` the class; other labels are
//!   properties, a label for each of its values. The deprecated attribute `severity` counts as a label.
//! - Parameters of the kind `argument` are parameters; system properties and environment variables are properties.
//! - Attachments of steps belong to the test. Moments are milliseconds since 1970, handed on as RFC 3339.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, SuiteRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::limits;
use crate::record::clock;
use crate::record::counts::{Group, Rows};
use crate::record::held::Held;
use crate::reporter::{At, Field, Reporter};
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};
use crate::xml::parts;

mod test;

use test::Test;

pub(crate) const FORMAT: Format =
    Format { name: "allure1", title: "Allure 1 test suites", holds: Holds::Results, spread: true, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    if head.prolog().root != Some("test-suite") {
        return false;
    }
    let tag = head.root_tag();
    let namespace = tag.contains("urn:model.allure.qatools.yandex.ru");
    // NUnit has this root too, but tests right inside, in `results` or in another suite.
    let shaped = || {
        let before = head.text.split_once("<test-cases").map(|(before, _)| before);
        !tag.contains("xmlns") && tag.contains("start=") && before.is_some_and(|text| !text.contains("<test-case "))
    };
    namespace || shaped()
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Allure1::default());
}

/// The state of one file's reading.
#[derive(Default)]
struct Allure1 {
    suite: SuiteRecord,
    name: Option<String>,
    title: Option<String>,
    root: Option<At>,
    labels: Vec<(String, String)>,
    test: Option<Test>,
    /// Whether the title of the innermost step was read; its name comes before it.
    steps_titled: Vec<bool>,
    held: Held,
    first_refused: Option<At>,
    rows: Rows,
}

impl Visit for Allure1 {
    fn want(&self, name: &str, parents: &[String]) -> Want {
        match (parents.last().map(String::as_str), name) {
            (None, "test-suite") | (Some("test-suite"), "test-cases") | (Some("test-cases"), "test-case") => {
                Want::Enter
            }
            (Some("test-suite" | "test-case"), "labels") | (Some("test-case"), "parameters") => Want::Enter,
            (Some("test-case" | "step"), "steps" | "attachments") | (Some("steps"), "step") => Want::Enter,
            (Some("test-suite" | "test-case" | "step"), "name" | "title") => Want::Whole,
            (Some("test-suite" | "test-case"), "description") | (Some("test-case"), "failure") => Want::Whole,
            (Some("labels"), "label") | (Some("parameters"), "parameter") => Want::Whole,
            (Some("attachments"), "attachment") => Want::Whole,
            (_, _) => Want::Nothing,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match head.name.as_str() {
            "test-suite" => {
                self.root.get_or_insert(head.at);
                self.suite.line = Some(head.at.line);
                self.suite.started_at = test::moment(&head, "start", reporter).map(clock::rfc3339);
            }
            "test-case" => self.test = Some(Test::open(&head, reporter)),
            "step" => {
                if let Some(test) = &mut self.test {
                    test.open_step(&head);
                }
                self.steps_titled.push(false);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match &mut self.test {
            None => self.of_suite(&element, reporter),
            Some(test) => match self.steps_titled.last_mut() {
                Some(titled) => test.of_step(&element, titled),
                None => test.take(&element, reporter),
            },
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match name {
            "step" => {
                self.steps_titled.pop();
                if let Some(test) = &mut self.test {
                    test.steps.close();
                }
                ControlFlow::Continue(())
            }
            "test-case" => match self.test.take() {
                Some(test) => self.close(test, reporter),
                None => ControlFlow::Continue(()),
            },
            "test-suite" => self.hand_on(reporter),
            _ => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.held.refused > 0 {
            let message = format!(
                "the labels of the suite stand behind more tests than can be held; {} tests were taken without them",
                self.held.refused
            );
            reporter.repaired(&codes::UNKNOWN_REFERENCE, self.first_refused, &message);
        }
        if complete {
            self.rows.report(self.rows, &self.suite.declared, self.root, reporter);
            return ControlFlow::Continue(());
        }
        self.hand_on(reporter)
    }
}

impl Allure1 {
    fn path(&self) -> Vec<String> {
        self.title.as_ref().or(self.name.as_ref()).cloned().into_iter().collect()
    }

    fn of_suite(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        let text = Some(element.text.trim()).filter(|text| !text.is_empty());
        match element.name.as_str() {
            "name" => self.name = text.map(|text| parts::one_line(text, element.at, reporter)),
            "title" => self.title = text.map(|text| parts::one_line(text, element.at, reporter)),
            "description" => {
                let text = text.map(|text| parts::within(text.to_owned(), Field::Property, element.at, reporter));
                self.suite.properties.extend(text.map(|text| ("description".to_owned(), text)));
            }
            _ => {
                if let Some(label) = test::label(element)
                    && self.labels.len() < limits::PROPERTIES
                {
                    self.labels.push(label);
                }
            }
        }
    }

    /// A test ends.
    fn close(&mut self, test: Test, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let at = test.at;
        let mut record = test.close(reporter);
        self.rows.add(group(&record.status));
        if record.name.trim().is_empty() {
            let subject = self.name.as_deref();
            reporter.rejected(&codes::NO_NAME, Some(at), "a test-case has no name", subject);
            return ControlFlow::Continue(());
        }
        record.suite = self.path();
        match self.held.push(record) {
            Some(record) => {
                self.first_refused.get_or_insert(at);
                reporter.record(Record::Result(record))
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// The suite with its labels, then the tests that were held.
    fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut suite = std::mem::take(&mut self.suite);
        suite.path = self.path();
        let labels = std::mem::take(&mut self.labels);
        let named = self.title.is_some().then(|| self.name.clone().map(|name| ("name".to_owned(), name))).flatten();
        suite.properties.extend(named.into_iter().chain(labels.clone()));
        reporter.record(Record::Suite(suite))?;
        for mut row in self.held.take() {
            // The title of a suite may stand behind its tests.
            row.suite = self.path();
            for (name, value) in &labels {
                test::apply(&mut row, name, value);
            }
            reporter.record(Record::Result(Box::new(row)))?;
        }
        ControlFlow::Continue(())
    }
}

/// What a status counts as; Allure 1 has no numbers of its own to compare with.
fn group(status: &str) -> Group {
    match status {
        "failed" => Group::Failed,
        "broken" => Group::Broken,
        "passed" => Group::Passed,
        _ => Group::LeftOut,
    }
}
