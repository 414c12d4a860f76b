//! One scenario of a Cucumber JSON report, with the background before it.

use hub_domain::record::{ResultRecord, StepRecord};
use serde_json::Value;

use super::tag_name;
use crate::family::gherkin::{self, Embedding, Worst, gravity};
use crate::json;
use crate::json::fill::{self, ErrorText};
use crate::json::step_tree::StepTree;
use crate::record::contents::Room;
use crate::reporter::{At, Field, Reporter};

/// What a duration counts where the scenario does not say that it is behave's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Nanoseconds,
    Milliseconds,
}

/// A scenario that is being read.
#[derive(Debug, Default)]
pub(super) struct Scenario {
    record: Box<ResultRecord>,
    worst: Worst,
    steps: StepTree,
    /// Durations of the steps that are kept, in the file's unit.
    durations: Vec<Option<f64>>,
    total: f64,
    output: String,
    room: Room,
    /// The shapes that tell the unit.
    is_behave: bool,
    is_js: bool,
}

impl Scenario {
    /// Takes the steps and hooks of an element.
    pub(super) fn take(&mut self, element: &Value, at: At, reporter: &mut Reporter<'_>) {
        let line = json::at(element, &["line"]).is_some_and(Value::is_number);
        self.is_behave |= !line && json::text(element, &["location"]).is_some();
        for hook in json::items(element, &["before"]) {
            self.step(hook, "Before", at, reporter);
        }
        for step in json::items(element, &["steps"]) {
            for hook in json::items(step, &["before"]) {
                self.step(hook, "Before step", at, reporter);
            }
            self.step(step, "", at, reporter);
            for hook in json::items(step, &["after"]) {
                self.step(hook, "After step", at, reporter);
            }
        }
        for hook in json::items(element, &["after"]) {
            self.step(hook, "After", at, reporter);
        }
        // behave: the scenario's own word tells of hooks, which are not listed. A background with a word has that of the
        // scenario before it.
        let is_background = json::text(element, &["type"]) == Some("background");
        if let Some(status) = json::text(element, &["status"]).filter(|_| !is_background)
            && (self.worst.status.is_none() || gravity(status) > gravity("undefined"))
        {
            self.worst.take(status);
            if gravity(status) > gravity("skipped") && self.record.message.is_none() {
                let message = format!("the scenario's own status is {status}, and no step says why");
                self.record.message = fill::text(&message, Field::Message, at, reporter);
            }
        }
    }

    /// Whether any of it has a result.
    pub(super) fn ran(&self) -> bool {
        self.worst.status.is_some()
    }

    /// Whether it is graver than a step that was left out.
    pub(super) fn failed(&self) -> bool {
        self.worst.status.as_deref().is_some_and(|status| gravity(status) > gravity("skipped"))
    }

    /// Whether it can only be counted in milliseconds.
    pub(super) fn shows_ms(&self) -> bool {
        let ran = self.worst.status.as_deref().is_some_and(|status| matches!(status, "passed" | "failed"));
        ran && self.is_js && !self.is_behave && self.total > 0.0 && self.total < 5_000.0
    }

    fn step(&mut self, step: &Value, hook: &str, at: At, reporter: &mut Reporter<'_>) {
        let status = json::text(step, &["result", "status"]).or_else(|| json::text(step, &["status"]));
        let keyword = json::text(step, &["keyword"]).unwrap_or_default();
        let text = json::text(step, &["name"]).unwrap_or_default();
        self.is_js |= json::at(step, &["hidden"]).is_some() || json::at(step, &["arguments"]).is_some();
        let is_hook = !hook.is_empty() || (text.is_empty() && json::at(step, &["hidden"]).is_some());
        let name = if hook.is_empty() {
            gherkin::step_name(keyword, text, &below(step), at, reporter)
        } else {
            let place = json::text(step, &["match", "location"]).unwrap_or_default();
            gherkin::step_name(hook, place, "", at, reporter)
        };
        let name = if name.is_empty() { "step".to_owned() } else { name };
        let duration = json::at(step, &["result", "duration"]).and_then(number);
        self.total += duration.unwrap_or_default();
        let message = self.outcome(step, status, &name, at, reporter);
        if !(is_hook && status.is_none_or(|status| gravity(status) <= gravity("skipped"))) {
            let status = status.and_then(|status| fill::text(status, Field::Name, at, reporter));
            self.steps.push(StepRecord { depth: 0, name, status, duration_ms: None, message });
            self.durations.push(duration);
        }
        for text in json::items(step, &["output"]).iter().filter_map(Value::as_str) {
            if self.output.len() < crate::limits::RAW_TEXT_BYTES {
                self.output.push_str(text);
                self.output.push('\n');
            }
        }
        for embedding in json::items(step, &["embeddings"]) {
            let kind = json::text(embedding, &["mime_type"]).or_else(|| json::text(embedding, &["media", "type"]));
            let embedding = Embedding {
                data: json::text(embedding, &["data"]).unwrap_or_default(),
                is_base64: None,
                media_type: kind.unwrap_or_default(),
                name: json::text(embedding, &["name"]),
                url: None,
            };
            gherkin::embed(&mut self.record, &mut self.output, &mut self.room, &embedding, at, reporter);
        }
    }

    /// Takes a step's status and error; returns the step's message.
    fn outcome(
        &mut self,
        step: &Value,
        status: Option<&str>,
        name: &str,
        at: At,
        reporter: &mut Reporter<'_>,
    ) -> Option<String> {
        let status = status?;
        let error = json::at(step, &["result", "error_message"]).and_then(lines);
        let error = error.map(|error| ErrorText::new(None, Some(&error), at, reporter));
        let message = error.as_ref().and_then(|error| error.message.clone());
        self.worst.step(&mut self.record, status, name, error, at, reporter);
        message
    }

    /// The record, still without its name.
    pub(super) fn close(mut self, unit: Unit, at: At, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let factor = match unit {
            _ if self.is_behave => 1_000.0,
            Unit::Milliseconds => 1.0,
            Unit::Nanoseconds => 1e-6,
        };
        let mut record = self.record;
        let status = fill::word(self.worst.status.as_deref(), at, reporter);
        record.status = status.unwrap_or_else(|| "undefined".to_owned());
        record.duration_ms = json::milliseconds(self.total * factor).filter(|_| self.total > 0.0);
        let mut durations = self.durations.into_iter();
        record.steps = self.steps.take();
        for (step, duration) in record.steps.iter_mut().zip(&mut durations) {
            step.duration_ms = duration.and_then(|duration| json::milliseconds(duration * factor));
        }
        record.output = fill::text(&self.output, Field::Output, at, reporter);
        record.line = Some(at.line);
        record
    }
}

/// Takes what an element says of the scenario: its name, tags, start, and which example it is.
pub(super) fn describe(record: &mut ResultRecord, element: &Value, at: At, reporter: &mut Reporter<'_>) {
    let keyword = json::text(element, &["keyword"]);
    let name = json::text(element, &["name"]).or(keyword).unwrap_or("Scenario");
    record.name = fill::text(name, Field::Name, at, reporter).unwrap_or_default();
    record.started_at = fill::word(json::text(element, &["start_timestamp"]), at, reporter);
    for tag in json::items(element, &["tags"]).iter().filter_map(tag_name) {
        fill::tag(record, tag, at, reporter);
    }
    let id = json::text(element, &["id"]).unwrap_or_default();
    let outline = keyword.is_some_and(|word| word.contains("Outline") || word.contains("Template"));
    if outline || id.contains(";;") {
        let line = json::at(element, &["line"]).and_then(json::scalar);
        let place = line.or_else(|| json::text(element, &["location"]).map(str::to_owned));
        let place = fill::word(place.as_deref(), at, reporter);
        record.parameters.extend(place.map(|place| ("example line".to_owned(), place)));
    }
}

/// The table or text below a step.
fn below(step: &Value) -> String {
    let mut out = String::new();
    let texts = |cells: &Value| -> Vec<String> {
        cells.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(json::scalar).collect()
    };
    let rows = |rows: &[Value], out: &mut String| {
        for row in rows {
            let cells = texts(json::at(row, &["cells"]).unwrap_or(row));
            gherkin::row(cells.iter().map(String::as_str), out);
        }
    };
    rows(json::items(step, &["rows"]), &mut out);
    if let Some(headings) = json::at(step, &["table", "headings"]) {
        rows(std::slice::from_ref(headings), &mut out);
        rows(json::items(step, &["table", "rows"]), &mut out);
    }
    for argument in json::items(step, &["arguments"]) {
        rows(json::items(argument, &["rows"]), &mut out);
        out.push_str(json::text(argument, &["content"]).unwrap_or_default());
    }
    let texts = [json::at(step, &["doc_string", "value"]), json::at(step, &["text"])];
    for text in texts.into_iter().flatten().filter_map(lines) {
        out.push_str(&text);
    }
    out
}

/// A text, or a list of lines (behave).
fn lines(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(lines) => {
            let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            Some(lines.join("\n")).filter(|text| !text.trim().is_empty())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| *number >= 0.0)
}
