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
use hub_domain::record::{AttachmentRecord, Record, ResultRecord, SuiteRecord};

use crate::declared::{Group, Rows};
use crate::element::{self, Element, Visit, Want};
use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::held::Held;
use crate::input::Input;
use crate::limits;
use crate::reporter::{At, Field, Reporter};
use crate::steps::Steps;
use crate::xml::Xml;
use crate::{clock, naming};

pub(crate) const FORMAT: Format =
    Format { name: "allure1", title: "Allure 1 test suites", holds: Holds::Results, sniff, read };

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

/// A test that is read.
struct Test {
    record: Box<ResultRecord>,
    at: At,
    title: Option<String>,
    steps: Steps,
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
                self.suite.started_at = moment(&head, "start", reporter).map(clock::rfc3339);
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
            "name" => self.name = text.map(|text| naming::one_line(text, element.at, reporter)),
            "title" => self.title = text.map(|text| naming::one_line(text, element.at, reporter)),
            "description" => {
                let text = text.map(|text| naming::within(text.to_owned(), Field::Property, element.at, reporter));
                self.suite.properties.extend(text.map(|text| ("description".to_owned(), text)));
            }
            _ => {
                if let Some(label) = label(element)
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
                apply(&mut row, name, value);
            }
            reporter.record(Record::Result(Box::new(row)))?;
        }
        ControlFlow::Continue(())
    }
}

impl Test {
    fn open(head: &Element, reporter: &mut Reporter<'_>) -> Self {
        let (start, stop) = (moment(head, "start", reporter), moment(head, "stop", reporter));
        let mut record = Box::new(ResultRecord {
            status: head.filled("status").unwrap_or_default(),
            started_at: start.map(clock::rfc3339),
            duration_ms: stop.zip(start).and_then(|(stop, start)| u64::try_from(stop - start).ok()),
            line: Some(head.at.line),
            ..ResultRecord::default()
        });
        if record.status.is_empty() {
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(head.at), "a test says no status; it counts as not run");
        }
        if let Some(severity) = head.filled("severity") {
            naming::property(&mut record, "severity", &severity);
        }
        Self { record, at: head.at, title: None, steps: Steps::default() }
    }

    fn open_step(&mut self, head: &Element) {
        self.steps.open("");
        let [start, stop] = ["start", "stop"].map(|name| head.attribute(name).and_then(|text| clock::epoch(text).ok()));
        if let Some(step) = self.steps.innermost() {
            step.status = head.filled("status");
            step.duration_ms = stop.zip(start).and_then(|(stop, start)| u64::try_from(stop - start).ok());
        }
    }

    /// What an element says of the innermost step.
    fn of_step(&mut self, element: &Element, titled: &mut bool) {
        match element.name.as_str() {
            "attachment" => self.attach(element),
            "name" if !*titled => self.steps.name("", element.text.trim()),
            "title" if !element.text.trim().is_empty() => {
                *titled = true;
                if let Some(step) = self.steps.innermost() {
                    step.name.clear();
                }
                self.steps.name("", element.text.trim());
            }
            _ => {}
        }
    }

    /// What an element says of the test.
    fn take(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        let text = Some(element.text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let attribute = |name| element.attribute(name).unwrap_or_default();
        match element.name.as_str() {
            "name" => {
                self.record.name = naming::one_line(&text.unwrap_or_default(), element.at, reporter);
            }
            "title" => self.title = text.map(|text| naming::one_line(&text, element.at, reporter)),
            "description" => {
                if let Some(text) = text {
                    let text = naming::within(text, Field::Property, element.at, reporter);
                    naming::property(&mut self.record, "description", &text);
                }
            }
            "failure" => {
                let message = element.text_of("message");
                self.record.message = message.map(|text| naming::within(text, Field::Message, element.at, reporter));
                let details = element.child("stack-trace").map(|trace| trace.text.clone());
                self.record.details = details.filter(|text| !text.trim().is_empty());
            }
            "label" => {
                if let Some((name, value)) = label(element) {
                    apply(&mut self.record, &name, &value);
                }
            }
            "parameter" => {
                let (name, value) = (attribute("name").to_owned(), attribute("value").to_owned());
                if matches!(attribute("kind"), "system-property" | "environment-variable") {
                    naming::property(&mut self.record, &name, &value);
                } else if self.record.parameters.len() < limits::PROPERTIES {
                    self.record.parameters.push((name, value));
                }
            }
            "attachment" => self.attach(element),
            _ => {}
        }
    }

    fn attach(&mut self, element: &Element) {
        let attachment = AttachmentRecord {
            name: element.filled("title"),
            path: element.filled("source").unwrap_or_default(),
            content_type: element.filled("type"),
            body: None,
        };
        naming::attach(&mut self.record, attachment);
    }

    fn close(self, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let mut record = self.record;
        record.steps = self.steps.take(self.at, reporter);
        if let Some(title) = self.title {
            let name = std::mem::replace(&mut record.name, title);
            if !name.is_empty() {
                naming::property(&mut record, "name", &name);
            }
        }
        record
    }
}

/// A label that says something.
fn label(element: &Element) -> Option<(String, String)> {
    Some((element.filled("name")?, element.filled("value")?))
}

/// Gives a test a label. What the test says itself goes before what its suite says.
fn apply(record: &mut ResultRecord, name: &str, value: &str) {
    match name {
        "historyId" if record.history_id.is_none() => record.history_id = Some(value.to_owned()),
        "testClass" if record.class_name.is_none() => record.class_name = Some(value.to_owned()),
        "tag" => naming::tag(record, value),
        _ => {
            if !record.properties.iter().any(|(known, said)| known == name && said == value) {
                naming::property(record, name, value);
            }
        }
    }
}

/// A moment in milliseconds since 1970. A counter that was never set is reported and left out.
fn moment(head: &Element, name: &str, reporter: &mut Reporter<'_>) -> Option<i64> {
    let text = head.filled(name)?;
    match clock::epoch(&text) {
        Ok(ms) => Some(ms),
        Err(odd) => {
            let message = format!("{name}=\"{}\" {}", text.chars().take(60).collect::<String>(), odd.says());
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(head.at), &message);
            None
        }
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
