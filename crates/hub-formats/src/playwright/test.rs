//! One test of a spec in one project: its results, of which the last is the outcome.

use hub_domain::record::{AttachmentRecord, ResultRecord};
use serde_json::Value;

use crate::json;
use crate::json::fill::{self, ErrorText};
use crate::json::step_tree::StepTree;
use crate::limits;
use crate::record::contents::Room;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

/// One result of a test: an attempt.
#[derive(Debug, Default)]
struct Attempt {
    status: Option<String>,
    duration_ms: Option<u64>,
    started_at: Option<String>,
    retry: Option<u32>,
    error: Option<ErrorText>,
    errors: Vec<ErrorText>,
    stdout: String,
    stderr: String,
    steps: StepTree,
}

impl Attempt {
    /// The first error, and the others: `errors` repeats `error` without its stack.
    fn take_errors(&mut self) -> (Option<ErrorText>, Vec<ErrorText>) {
        let mut errors = std::mem::take(&mut self.errors);
        match self.error.take() {
            Some(first) => {
                let others = if errors.is_empty() { Vec::new() } else { errors.split_off(1) };
                (Some(first), others)
            }
            None if errors.is_empty() => (None, errors),
            None => {
                let others = errors.split_off(1);
                (errors.pop(), others)
            }
        }
    }
}

/// A test that is being read.
#[derive(Debug)]
pub(super) struct Test {
    at: At,
    status: Option<String>,
    expected: Option<String>,
    project: Option<String>,
    annotations: Vec<Value>,
    /// The result that was read last, and how many were before it.
    last: Option<Attempt>,
    before: u32,
    /// The first error of an earlier attempt, and all of them as blocks.
    first_error: Option<ErrorText>,
    earlier: String,
    attachments: Vec<AttachmentRecord>,
    room: Room,
}

impl Test {
    pub(super) fn new(at: At) -> Self {
        Self {
            at,
            status: None,
            expected: None,
            project: None,
            annotations: Vec::new(),
            last: None,
            before: 0,
            first_error: None,
            earlier: String::new(),
            attachments: Vec::new(),
            room: Room::default(),
        }
    }

    /// Where it begins.
    pub(super) fn at(&self) -> At {
        self.at
    }

    pub(super) fn field(&mut self, key: &str, value: Value) {
        let text = value.as_str().map(str::to_owned);
        match key {
            "status" => self.status = text,
            "expectedStatus" => self.expected = text,
            "projectName" => self.project = text,
            "annotations" => {
                if let Value::Array(annotations) = value {
                    self.annotations = annotations;
                }
            }
            _ => {}
        }
    }

    /// Another result begins: the one before it becomes an earlier attempt.
    pub(super) fn enter_result(&mut self) {
        if let Some(mut attempt) = self.last.replace(Attempt::default()) {
            self.before = self.before.saturating_add(1);
            let heading =
                format!("attempt {}, {}", self.before, attempt.status.as_deref().unwrap_or("without a status"));
            let (first, others) = attempt.take_errors();
            let errors: Vec<ErrorText> = first.into_iter().chain(others).collect();
            if self.earlier.len() < limits::RAW_TEXT_BYTES {
                for error in &errors {
                    self.earlier.push_str("\n\n");
                    self.earlier.push_str(&error.block(&heading));
                }
                if errors.is_empty() && attempt.status.as_deref() != Some("passed") {
                    self.earlier.push_str(&format!("\n\n[{heading}]"));
                }
            }
            if self.first_error.is_none() {
                self.first_error = errors.into_iter().next();
            }
        }
    }

    /// The steps of the result that is being read.
    pub(super) fn steps(&mut self) -> &mut StepTree {
        &mut self.last.get_or_insert_default().steps
    }

    pub(super) fn result_field(&mut self, key: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(attempt) = &mut self.last else { return };
        match key {
            "status" => attempt.status = value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter)),
            "duration" => attempt.duration_ms = json::duration_ms(Some(value), 1.0),
            "startTime" => attempt.started_at = fill::word(value.as_str(), at, reporter),
            "retry" => attempt.retry = value.as_u64().and_then(|retry| u32::try_from(retry).ok()),
            "error" if !value.is_null() => attempt.error = Some(error(value, at, reporter)),
            "errors" => {
                let errors = value.as_array().map(Vec::as_slice).unwrap_or_default();
                attempt.errors = errors.iter().take(16).map(|value| error(value, at, reporter)).collect();
            }
            _ => {}
        }
    }

    pub(super) fn step_field(&mut self, key: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(step) = self.steps().current() else { return };
        match key {
            "title" => {
                let name = value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter));
                step.name = name.unwrap_or_default();
            }
            "duration" => step.duration_ms = json::duration_ms(Some(value), 1.0),
            "error" => step.message = error(value, at, reporter).message,
            _ => {}
        }
    }

    /// An item of `stdout`, `stderr` or `attachments`.
    pub(super) fn item(&mut self, list: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(attempt) = &mut self.last else { return };
        let out = match list {
            "stdout" => &mut attempt.stdout,
            "stderr" => &mut attempt.stderr,
            _ => return self.attachment(value, at, reporter),
        };
        if out.len() < limits::RAW_TEXT_BYTES {
            match (json::text(value, &["text"]).or(value.as_str()), json::text(value, &["buffer"])) {
                (Some(text), _) => out.push_str(text),
                (None, Some(buffer)) => {
                    if let Some(bytes) = Room::default().base64(buffer, at, reporter) {
                        out.push_str(&String::from_utf8_lossy(&bytes.0));
                    }
                }
                (None, None) => {}
            }
        }
    }

    fn attachment(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let name = |key: &str, reporter: &mut Reporter<'_>| {
            json::text(value, &[key]).and_then(|text| fill::text(text, Field::Name, at, reporter))
        };
        let attachment = AttachmentRecord {
            name: name("name", reporter),
            path: name("path", reporter).unwrap_or_default(),
            content_type: name("contentType", reporter),
            body: json::text(value, &["body"]).and_then(|body| self.room.base64(body, at, reporter)),
        };
        if self.attachments.len() < limits::ATTACHMENTS {
            self.attachments.push(attachment);
        }
    }

    /// Its outcome in the words of the report's `stats`.
    pub(super) fn outcome(&self) -> &str {
        let last = self.last.as_ref().and_then(|attempt| attempt.status.as_deref());
        let expected = self.expected.as_deref().unwrap_or("passed");
        match (self.status.as_deref(), last) {
            (Some(status), _) => status,
            (None, None | Some("skipped" | "interrupted")) => "skipped",
            (None, Some(last)) if last != expected => "unexpected",
            (None, Some(_)) if self.before > 0 => "flaky",
            (None, Some(_)) => "expected",
        }
    }

    /// The record, still without what its spec knows.
    pub(super) fn close(mut self, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let at = self.at;
        let outcome = self.outcome().to_owned();
        let mut last = self.last.take().unwrap_or_default();
        let word = last.status.clone();
        let mut record = Box::new(ResultRecord {
            status: fill::word(Some(status(&outcome, word.as_deref())), at, reporter).unwrap_or_default(),
            flaky: outcome == "flaky",
            attempt: last.retry.unwrap_or(self.before).max(self.before),
            duration_ms: last.duration_ms,
            started_at: last.started_at.take(),
            device: self.project.as_deref().and_then(|project| fill::text(project, Field::Name, at, reporter)),
            steps: last.steps.take(),
            line: Some(at.line),
            ..ResultRecord::default()
        });
        let between = if last.stdout.is_empty() || last.stdout.ends_with('\n') { "" } else { "\n" };
        record.output = fill::text(&[&last.stdout, between, &last.stderr].concat(), Field::Output, at, reporter);
        for attachment in self.attachments {
            facts::attach(&mut record, attachment);
        }
        let reason = annotate(&mut record, &self.annotations, at, reporter);
        let (first, others) = last.take_errors();
        match (outcome.as_str(), word.as_deref()) {
            ("skipped", _) => record.message = reason,
            ("expected", _) => {}
            ("unexpected", Some("passed")) => {
                record.message = Some("the test was expected to fail and passed".to_owned());
            }
            // The errors of a flaky test are those of its earlier attempts, which follow below.
            (_, Some("passed")) => {
                let error = self.first_error.take().unwrap_or_default();
                ErrorText { details: None, ..error }.put_into(&mut record);
            }
            _ => {
                first.unwrap_or_default().put_into(&mut record);
                for error in others {
                    fill::add_details(&mut record, &error.block("error"), at, reporter);
                }
            }
        }
        let earlier = self.earlier.trim_start();
        if !earlier.is_empty() {
            fill::add_details(&mut record, earlier, at, reporter);
        }
        record
    }
}

/// The status word of a result: that of its last attempt, unless the test was expected to end so.
fn status<'w>(outcome: &'w str, last: Option<&'w str>) -> &'w str {
    match (outcome, last) {
        ("expected" | "flaky", _) => "passed",
        ("skipped", Some("interrupted")) => "interrupted",
        ("skipped", _) => "skipped",
        ("unexpected", Some(last @ ("failed" | "timedOut" | "interrupted"))) => last,
        ("unexpected", _) => "failed",
        (other, _) => other,
    }
}

/// Keeps annotations as properties; returns why the test was left out.
fn annotate(record: &mut ResultRecord, annotations: &[Value], at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    let mut reason = None;
    for annotation in annotations {
        let kind = json::text(annotation, &["type"]).unwrap_or_default();
        let description = json::text(annotation, &["description"]).unwrap_or_default();
        if matches!(kind, "skip" | "fixme") && reason.is_none() {
            reason = fill::text(description, Field::Message, at, reporter);
        }
        fill::property(record, kind, description, at, reporter);
    }
    reason
}

/// An error: its message, and its stack, which begins with the message.
fn error(value: &Value, at: At, reporter: &mut Reporter<'_>) -> ErrorText {
    let message = json::text(value, &["message"]).or_else(|| json::text(value, &["value"])).or(value.as_str());
    ErrorText::new(message, json::text(value, &["stack"]), at, reporter)
}
