//! One test file or test of a Dart runner.

use std::collections::HashMap;

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::json;
use crate::json::values;
use crate::record::printed::Printed;
use crate::record::rows;
use crate::reporter::At;

/// Nested groups; a file has rarely more than five.
const GROUPS: usize = 64;

/// A test file on a platform.
#[derive(Debug)]
pub(super) struct Suite {
    path: Option<String>,
    platform: Option<String>,
}

impl Suite {
    pub(super) fn of(event: &Value) -> Self {
        let text = |key: &str| json::text(event, &["suite", key]).map(str::to_owned);
        Self { path: text("path"), platform: text("platform") }
    }

    /// A row of this file.
    pub(super) fn stub(&self) -> ResultRecord {
        let browsers = ["chrome", "firefox", "safari", "edge", "ie"];
        let browser = self.platform.clone().filter(|platform| browsers.contains(&platform.as_str()));
        ResultRecord {
            class_name: self.path.as_deref().and_then(rows::file_name),
            file: self.path.clone(),
            platform: self.platform.clone().filter(|_| browser.is_none()),
            browser,
            ..ResultRecord::default()
        }
    }
}

/// A test that has begun.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) at: At,
    pub(super) suite_id: Option<i64>,
    name: String,
    groups: Vec<i64>,
    begun: Option<f64>,
    line: Option<String>,
    skip_reason: Option<String>,
    printed: Printed,
    errors: Printed,
    first_error: Option<String>,
}

impl Test {
    pub(super) fn of(event: &Value, at: At) -> Self {
        let test = event.get("test").unwrap_or(&Value::Null);
        // `root_line` is the place in the test file where the test's own place is in a package.
        let line = json::at(test, &["root_line"]).filter(|line| !line.is_null()).or_else(|| test.get("line"));
        Self {
            at,
            suite_id: test.get("suiteID").and_then(Value::as_i64),
            name: json::text(test, &["name"]).unwrap_or_default().to_owned(),
            groups: json::items(test, &["groupIDs"]).iter().filter_map(Value::as_i64).take(GROUPS).collect(),
            begun: event.get("time").and_then(Value::as_f64),
            line: line.and_then(values::scalar),
            skip_reason: json::text(test, &["metadata", "skipReason"]).map(str::to_owned),
            printed: Printed::default(),
            errors: Printed::default(),
            first_error: None,
        }
    }

    /// Whether this is the loading of a test file.
    pub(super) fn is_load(&self) -> bool {
        self.groups.is_empty() && self.name.starts_with("loading ")
    }

    pub(super) fn print(&mut self, event: &Value) {
        let Some(message) = json::text(event, &["message"]) else { return };
        if json::text(event, &["messageType"]) == Some("skip") {
            let reason = message.strip_prefix("Skip: ").unwrap_or(message);
            self.skip_reason.get_or_insert_with(|| reason.to_owned());
        } else {
            self.printed.line(message);
        }
    }

    pub(super) fn error(&mut self, event: &Value) {
        let text = |key: &str| json::text(event, &[key]).unwrap_or_default();
        self.first_error.get_or_insert_with(|| text("error").to_owned());
        self.errors.line(text("error"));
        self.errors.line(text("stackTrace"));
    }

    /// The names of its groups and its own: each name in the report begins with that of the outer group.
    pub(super) fn path(&self, groups: &HashMap<i64, (String, Option<i64>)>) -> (Vec<String>, String) {
        let mut path = Vec::new();
        let mut before = "";
        for (name, _) in self.groups.iter().filter_map(|id| groups.get(id)) {
            let own = without(name, before);
            if !own.is_empty() {
                path.push(own.to_owned());
            }
            before = name;
        }
        let own = without(&self.name, before);
        (path, if own.is_empty() { self.name.clone() } else { own.to_owned() })
    }

    /// The row, with the event that ended the test where there is one.
    pub(super) fn record(self, stub: ResultRecord, done: Option<&Value>) -> ResultRecord {
        let ended = done.and_then(|done| done.get("time")).and_then(Value::as_f64);
        let skipped = done.and_then(|done| done.get("skipped")).and_then(Value::as_bool) == Some(true);
        let result = done.map(|done| json::text(done, &["result"]).unwrap_or("unknown"));
        let status = match result {
            _ if skipped => "skipped",
            Some(result) => result,
            None => "error",
        };
        let duration_ms = ended.zip(self.begun).and_then(|(ended, begun)| json::milliseconds(ended - begun));
        let properties = self.line.clone().map(|line| ("line".to_owned(), line)).into_iter().collect();
        let reason = self.skip_reason.clone().filter(|_| skipped);
        let mut record = self.failure(status, ResultRecord { duration_ms, properties, ..stub });
        if result.is_none() {
            record.message.get_or_insert_with(|| "the test did not end".to_owned());
        }
        record.message = record.message.or(reason);
        record
    }

    /// The row with what was said of failures.
    pub(super) fn failure(self, status: &str, stub: ResultRecord) -> ResultRecord {
        let first = self.first_error;
        ResultRecord {
            status: status.to_owned(),
            message: first,
            details: Some(self.errors.into_text()),
            output: Some(self.printed.into_text()),
            ..stub
        }
    }
}

/// A name without the outer group's name and the space behind it.
fn without<'n>(name: &'n str, outer: &str) -> &'n str {
    if outer.is_empty() {
        return name;
    }
    name.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with(' ')).map_or(name, str::trim)
}
