//! What results and the fixtures of containers have in common, and a fixture as a record.

use hub_domain::record::{ResultRecord, StepRecord};
use serde_json::Value;

use super::labels;
use crate::json;
use crate::json::fill::{self, ErrorText};
use crate::json::step_tree::StepTree;
use crate::record::clock;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

/// A fixture of a container: a record where it did not pass.
pub(super) fn failed(list: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) -> Option<ResultRecord> {
    let status = json::text(value, &["status"]).and_then(|text| fill::text(text, Field::Name, at, reporter))?;
    let passed = ["passed", "skipped"].iter().any(|word| status.eq_ignore_ascii_case(word));
    if passed {
        return None;
    }
    let name = json::text(value, &["name"]).and_then(|text| fill::text(text, Field::Name, at, reporter));
    let time = |key: &str| json::at(value, &[key]).and_then(Value::as_i64);
    let mut record = ResultRecord {
        name: name.unwrap_or_else(|| "fixture".to_owned()),
        status,
        started_at: time("start").and_then(clock::from_epoch_ms),
        duration_ms: duration(time("start"), time("stop")),
        line: Some(at.line),
        ..ResultRecord::default()
    };
    let fixture = if list == "befores" { "before" } else { "after" };
    record.properties.push(("fixture".to_owned(), fixture.to_owned()));
    if let Some(value) = json::at(value, &["statusDetails"]) {
        details(&mut record, value, at, reporter);
    }
    let mut steps = StepTree::default();
    nested(&mut steps, &mut record, json::items(value, &["steps"]), 0, at, reporter);
    record.steps = steps.take();
    for attachment in json::items(value, &["attachments"]) {
        facts::attach(&mut record, labels::attachment(attachment, at, reporter));
    }
    Some(record)
}

/// What broke outside of tests, as a record.
pub(super) fn outside(value: &Value, at: At, reporter: &mut Reporter<'_>) -> ResultRecord {
    let line = json::text(value, &["message"]).and_then(|message| message.trim().lines().next());
    let name = line.and_then(|line| fill::text(line, Field::Name, at, reporter));
    let mut record = ResultRecord {
        name: name.unwrap_or_else(|| "errors outside of tests".to_owned()),
        status: "broken".to_owned(),
        started_at: json::at(value, &["timestamp"]).and_then(Value::as_i64).and_then(clock::from_epoch_ms),
        line: Some(at.line),
        ..ResultRecord::default()
    };
    details(&mut record, value, at, reporter);
    record
}

/// Takes `statusDetails`; returns whether it says `flaky`.
pub(super) fn details(record: &mut ResultRecord, value: &Value, at: At, reporter: &mut Reporter<'_>) -> bool {
    let says = |key: &str| json::at(value, &[key]).and_then(Value::as_bool).unwrap_or_default();
    ErrorText::new(json::text(value, &["message"]), json::text(value, &["trace"]), at, reporter).put_into(record);
    for key in ["known", "muted"] {
        if says(key) {
            record.properties.push((key.to_owned(), "true".to_owned()));
        }
    }
    says("flaky")
}

/// The steps of a fixture, with the attachments in them.
fn nested(
    steps: &mut StepTree,
    record: &mut ResultRecord,
    items: &[Value],
    depth: u8,
    at: At,
    reporter: &mut Reporter<'_>,
) {
    for item in items {
        let time = |key: &str| json::at(item, &[key]).and_then(Value::as_i64);
        let text = |path: &[&str], field: Field, reporter: &mut Reporter<'_>| {
            json::text(item, path).and_then(|text| fill::text(text, field, at, reporter))
        };
        steps.push(StepRecord {
            depth,
            name: text(&["name"], Field::Name, reporter).unwrap_or_default(),
            status: text(&["status"], Field::Name, reporter),
            duration_ms: duration(time("start"), time("stop")),
            message: text(&["statusDetails", "message"], Field::Message, reporter),
        });
        for attachment in json::items(item, &["attachments"]) {
            facts::attach(record, labels::attachment(attachment, at, reporter));
        }
        nested(steps, record, json::items(item, &["steps"]), depth.saturating_add(1), at, reporter);
    }
}

/// Milliseconds between two times; nothing where one of them is missing or damaged.
pub(super) fn duration(start: Option<i64>, stop: Option<i64>) -> Option<u64> {
    let ms = u64::try_from(stop?.checked_sub(start?)?).ok()?;
    // Ten years: beyond it one of the two is damaged.
    (ms < 320_000_000_000).then_some(ms)
}
