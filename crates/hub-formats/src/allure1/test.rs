//! One `test-case` of Allure 1: what stands inside it, its steps, and what labels mean.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::limits;
use crate::record::clock;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;
use crate::xml::steps::Steps;

/// A test that is read.
pub(super) struct Test {
    record: Box<ResultRecord>,
    pub(super) at: At,
    title: Option<String>,
    pub(super) steps: Steps,
}

impl Test {
    pub(super) fn open(head: &Element, reporter: &mut Reporter<'_>) -> Self {
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
            facts::property(&mut record, "severity", &severity);
        }
        Self { record, at: head.at, title: None, steps: Steps::default() }
    }

    pub(super) fn open_step(&mut self, head: &Element) {
        self.steps.open("");
        let [start, stop] = ["start", "stop"].map(|name| head.attribute(name).and_then(|text| clock::epoch(text).ok()));
        if let Some(step) = self.steps.innermost() {
            step.status = head.filled("status");
            step.duration_ms = stop.zip(start).and_then(|(stop, start)| u64::try_from(stop - start).ok());
        }
    }

    /// What an element says of the innermost step.
    pub(super) fn of_step(&mut self, element: &Element, titled: &mut bool) {
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
    pub(super) fn take(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        let text = Some(element.text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let attribute = |name| element.attribute(name).unwrap_or_default();
        match element.name.as_str() {
            "name" => {
                self.record.name = parts::one_line(&text.unwrap_or_default(), element.at, reporter);
            }
            "title" => self.title = text.map(|text| parts::one_line(&text, element.at, reporter)),
            "description" => {
                if let Some(text) = text {
                    let text = parts::within(text, Field::Property, element.at, reporter);
                    facts::property(&mut self.record, "description", &text);
                }
            }
            "failure" => {
                let message = element.text_of("message");
                self.record.message = message.map(|text| parts::within(text, Field::Message, element.at, reporter));
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
                    facts::property(&mut self.record, &name, &value);
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
        facts::attach(&mut self.record, attachment);
    }

    pub(super) fn close(self, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let mut record = self.record;
        record.steps = self.steps.take(self.at, reporter);
        if let Some(title) = self.title {
            let name = std::mem::replace(&mut record.name, title);
            if !name.is_empty() {
                facts::property(&mut record, "name", &name);
            }
        }
        record
    }
}

/// A label that says something.
pub(super) fn label(element: &Element) -> Option<(String, String)> {
    Some((element.filled("name")?, element.filled("value")?))
}

/// Gives a test a label. What the test says itself goes before what its suite says.
pub(super) fn apply(record: &mut ResultRecord, name: &str, value: &str) {
    match name {
        "historyId" if record.history_id.is_none() => record.history_id = Some(value.to_owned()),
        "testClass" if record.class_name.is_none() => record.class_name = Some(value.to_owned()),
        "tag" => facts::tag(record, value),
        _ => {
            if !record.properties.iter().any(|(known, said)| known == name && said == value) {
                facts::property(record, name, value);
            }
        }
    }
}

/// A moment in milliseconds since 1970. A counter that was never set is reported and left out.
pub(super) fn moment(head: &Element, name: &str, reporter: &mut Reporter<'_>) -> Option<i64> {
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
