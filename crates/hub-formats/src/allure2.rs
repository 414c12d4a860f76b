//! Allure 2's results: a file for each test (`*-result.json`), and for each group of fixtures (`*-container.json`).
//!
//! A result is one record; several results of one test (`historyId`) are its attempts, which [`crate::record::attempts::join`]
//! joins when a whole folder is read. A container holds no test: it is a suite record with the number of its children, and
//! each fixture that failed or broke is a record of its own, because it is why its tests say nothing.
//!
//! A file of what went wrong outside of tests (`*-globals.json`: a hook around all of a file's tests) has `errors`, each of
//! which is a record with the status `broken`, named by its message.
//!
//! A parameter that is `hidden` is left out and of a `masked` one only the name is kept, in tests and steps alike: their
//! values are secrets. A parameter that is `excluded` does not tell one test from another and is a property.
//! `statusDetails.flaky` makes a passed test flaky; a failed one that is called flaky stays failed and has a property.
//! Times are milliseconds since 1970; one that a tool overwrote (`++34600000000`) is left empty and reported.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill;
use crate::json::late_suites::hand_on;
use crate::json::step_tree::StepTree;
use crate::json::{self, Path, Visit, Want};
use crate::limits;
use crate::record::clock;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

mod fixture;
mod labels;

use fixture::{details, duration};
use labels::Labels;

pub(crate) const FORMAT: Format =
    Format { name: "allure2", title: "Allure 2 result or container", holds: Holds::Results, spread: true, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let has_any = |keys: &[&str]| keys.iter().any(|key| outline.has(key));
    let own =
        ["uuid", "historyId", "testCaseId", "fullName", "labels", "statusDetails", "stage", "parameters", "start"];
    let own_too = ["stop", "attachments[].source", "links[].url", "descriptionHtml"];
    let result = outline.has("name")
        && outline.has("status")
        && (has_any(&own) || has_any(&own_too) || outline.has("steps[].name"));
    // A long trace may stand before the status, and fixtures before all else.
    let begun = outline.has("uuid") && has_any(&["historyId", "testCaseId", "labels", "children", "befores", "afters"]);
    // One that was never judged.
    let unjudged = outline.has_all(&["uuid", "name", "start", "stop"]);
    let of_others = ["name", "uuid", "status", "tests", "suites", "results", "config", "data"];
    let of_globals = has_any(&["errors[].message", "errors[].trace", "attachments[].source"]);
    let globals = outline.has_all(&["attachments", "errors"]) && of_globals && !has_any(&of_others);
    let no_globals = head.complete && is_empty_globals(head.text);
    let fixtures = has_any(&["befores[].name", "afters[].name"]) && !has_any(&["tests", "suites"]);
    outline.is_object
        && !outline.is_lines
        && !outline.has("testCases")
        && (result || begun || unjudged || fixtures || globals || no_globals)
}

/// Whether this is what is written where nothing went wrong outside of tests.
fn is_empty_globals(text: &str) -> bool {
    const EMPTY: &str = r#"{"attachments":[],"errors":[]}"#;
    text.chars().filter(|c| !c.is_whitespace()).eq(EMPTY.chars())
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = json::walk(input, reporter, &mut Report::default());
}

#[derive(Default)]
struct Report {
    begin: Option<At>,
    record: Box<ResultRecord>,
    labels: Labels,
    start: Option<i64>,
    stop: Option<i64>,
    stage: Option<String>,
    flaky: bool,
    uuid: Option<String>,
    steps: StepTree,
    step_start: Vec<(Option<i64>, Option<i64>)>,
    /// Whether this is a container, and how many children it has.
    children: Option<usize>,
    fixtures: Vec<ResultRecord>,
    /// Whether this is a file of what went wrong outside of tests.
    is_global: bool,
}

impl Visit for Report {
    fn want(&self, path: &Path) -> Want {
        match json::tail::<3>(path) {
            ["", "", ""] | [_, _, "steps"] | [_, "steps", "[]"] => Want::Enter,
            [_, _, "attachments"] | [_, "attachments", "[]"] if path.first().is_some_and(|key| key == "steps") => {
                if path.last().is_some_and(|key| key == "[]") {
                    Want::Whole
                } else {
                    Want::Enter
                }
            }
            ["steps", "[]", "name" | "status" | "start" | "stop" | "statusDetails"] => Want::Whole,
            ["", "", "befores" | "afters" | "children" | "errors"] => Want::Enter,
            ["", "befores" | "afters" | "children" | "errors", "[]"] => Want::Whole,
            ["", "", _] => Want::Whole,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.begin.get_or_insert(at);
        match json::tail::<2>(path) {
            ["steps", "[]"] => {
                self.steps.enter();
                self.step_start.push((None, None));
            }
            ["", "children" | "befores" | "afters"] => {
                self.children.get_or_insert(0);
            }
            ["", "errors"] => self.is_global = true,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match json::tail::<3>(path) {
            ["steps", "[]", key] => self.step_field(key, &value, at, reporter),
            [_, "attachments", "[]"] => {
                facts::attach(&mut self.record, labels::attachment(&value, at, reporter));
            }
            ["", "children", "[]"] => self.children = Some(self.children.unwrap_or(0) + 1),
            ["", list @ ("befores" | "afters"), "[]"] if self.fixtures.len() < limits::STEPS => {
                self.fixtures.extend(fixture::failed(list, &value, at, reporter));
            }
            ["", "errors", "[]"] if self.fixtures.len() < limits::STEPS => {
                self.fixtures.push(fixture::outside(&value, at, reporter));
            }
            ["", "", key] => self.field(key, &value, at, reporter),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::tail::<2>(path) == ["steps", "[]"] {
            if let (Some((start, stop)), Some(step)) = (self.step_start.pop(), self.steps.current()) {
                step.duration_ms = duration(start, stop);
            }
            self.steps.leave();
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(at) = self.begin else { return ControlFlow::Continue(()) };
        if self.is_global && self.record.name.is_empty() && self.record.status.is_empty() {
            return self.end_globals(at, reporter);
        }
        // Half a result may lack its suite, and would be taken for another test, or its status.
        if !complete && self.children.is_none() && (self.record.case_id.is_none() || self.record.status.is_empty()) {
            let message = "the result is cut, so that neither its test nor its outcome is certain";
            reporter.rejected(&codes::NOT_WELL_FORMED, Some(at), message, Some(&self.record.name));
            return ControlFlow::Continue(());
        }
        if self.children.is_some() { self.end_container(at, reporter) } else { self.end_result(at, reporter) }
    }
}

impl Report {
    fn field(&mut self, key: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let text = |field: Field, reporter: &mut Reporter<'_>| {
            value.as_str().and_then(|text| fill::text(text, field, at, reporter))
        };
        match key {
            "uuid" => self.uuid = text(Field::Name, reporter),
            "historyId" => self.record.history_id = text(Field::Name, reporter),
            "testCaseId" | "fullName" | "description" => {
                if let Some(value) = text(Field::Property, reporter) {
                    // Not by `fill::property`: this `testCaseId` is a hash and no case's id.
                    self.record.properties.push((key.to_owned(), value));
                }
            }
            "name" => self.record.name = text(Field::Name, reporter).unwrap_or_default(),
            "status" => self.record.status = text(Field::Name, reporter).unwrap_or_default(),
            "stage" => self.stage = text(Field::Name, reporter),
            "start" => self.start = value.as_i64(),
            "stop" => self.stop = value.as_i64(),
            "statusDetails" => self.flaky = details(&mut self.record, value, at, reporter),
            "labels" => self.labels.take(&mut self.record, value, at, reporter),
            "links" => labels::links(&mut self.record, value, at, reporter),
            "titlePath" => self.labels.title_path(value, at, reporter),
            "parameters" => labels::parameters(&mut self.record, value, at, reporter),
            "attachments" => {
                for attachment in value.as_array().map(Vec::as_slice).unwrap_or_default() {
                    facts::attach(&mut self.record, labels::attachment(attachment, at, reporter));
                }
            }
            _ => {}
        }
    }

    fn step_field(&mut self, key: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        if let Some((start, stop)) = self.step_start.last_mut() {
            match key {
                "start" => *start = value.as_i64(),
                "stop" => *stop = value.as_i64(),
                _ => {}
            }
        }
        let Some(step) = self.steps.current() else { return };
        let text = value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter));
        match key {
            "name" => step.name = text.unwrap_or_default(),
            "status" => step.status = text,
            "statusDetails" => {
                let message = json::text(value, &["message"]);
                step.message = message.and_then(|message| fill::text(message, Field::Message, at, reporter));
            }
            _ => {}
        }
    }

    fn end_result(&mut self, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut record = std::mem::take(&mut self.record);
        record.line = Some(at.line);
        if record.status.is_empty() {
            let ran = self.stage.take().filter(|stage| !stage.eq_ignore_ascii_case("finished"));
            record.status = ran.unwrap_or_else(|| "unknown".to_owned());
        }
        record.flaky = self.flaky && record.status.eq_ignore_ascii_case("passed");
        if self.flaky && !record.flaky {
            record.properties.push(("flaky".to_owned(), "true".to_owned()));
        }
        record.started_at = self.start.and_then(clock::from_epoch_ms);
        record.duration_ms = duration(self.start, self.stop);
        record.steps = self.steps.take();
        self.labels.put_into(&mut record);
        if let Some(uuid) = self.uuid.take() {
            record.properties.push(("uuid".to_owned(), uuid));
        }
        hand_on(record, at, reporter)
    }

    /// What broke outside of tests; the attachments of the run are those of its first error.
    fn end_globals(&mut self, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut records = std::mem::take(&mut self.fixtures);
        if let Some(first) = records.first_mut() {
            first.attachments.append(&mut self.record.attachments);
        }
        let properties = vec![("errors outside of tests".to_owned(), records.len().to_string())];
        let line = Some(at.line);
        reporter.record(Record::Suite(SuiteRecord { properties, line, ..SuiteRecord::default() }))?;
        records.into_iter().try_for_each(|record| hand_on(Box::new(record), at, reporter))
    }

    fn end_container(&mut self, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let name = std::mem::take(&mut self.record.name);
        let path: Vec<String> = Some(name).filter(|name| !name.is_empty()).into_iter().collect();
        let mut properties = vec![("children".to_owned(), self.children.unwrap_or(0).to_string())];
        properties.extend(self.uuid.take().map(|uuid| ("uuid".to_owned(), uuid)));
        reporter.record(Record::Suite(SuiteRecord {
            path: path.clone(),
            started_at: self.start.and_then(clock::from_epoch_ms),
            properties,
            line: Some(at.line),
            ..SuiteRecord::default()
        }))?;
        for mut record in std::mem::take(&mut self.fixtures) {
            record.suite.clone_from(&path);
            hand_on(Box::new(record), at, reporter)?;
        }
        ControlFlow::Continue(())
    }
}
