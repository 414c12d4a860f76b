//! One test of a CTRF report.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_domain::record::{AttachmentRecord, Embedded, ResultRecord, StepRecord};
use serde_json::Value;

use crate::json::values;
use crate::record::rows;
use crate::{json, limits};

/// Fields that a row has no place for and that say something to a person.
const KEPT: &[&str] = &["type", "line", "threadId", "snippet", "id"];

/// The row of one test.
pub(super) fn record(value: &Value) -> ResultRecord {
    let text = |key: &str| json::text(value, &[key]).map(str::to_owned);
    let said = text("status").unwrap_or_else(|| "unknown".to_owned());
    let raw = text("rawStatus").filter(|raw| !raw.eq_ignore_ascii_case(&said));
    let mut properties: Vec<(String, String)> = KEPT
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), json::at(value, &[key]).and_then(values::scalar)?)))
        .collect();
    properties.extend(labels(value));
    properties.extend(values::pairs(json::at(value, &["extra"])));
    let status = match raw {
        Some(raw) if said == "other" => raw,
        Some(raw) => {
            properties.push(("rawStatus".to_owned(), raw));
            said
        }
        None => said,
    };
    let attempts = json::items(value, &["retryAttempts"]);
    let retries = json::at(value, &["retries"]).and_then(Value::as_u64);
    let earlier = u64::try_from(attempts.len()).unwrap_or(u64::MAX);
    let file = text("filePath").or_else(|| text("filepath"));
    ResultRecord {
        suite: suite(value),
        class_name: file.as_deref().and_then(rows::file_name),
        file,
        name: text("name").unwrap_or_default(),
        flaky: json::at(value, &["flaky"]).and_then(Value::as_bool) == Some(true) && status != "failed",
        attempt: u32::try_from(retries.unwrap_or(earlier)).unwrap_or(u32::MAX),
        device: text("device"),
        browser: text("browser"),
        parameters: values::pairs(json::at(value, &["parameters"])),
        tags: json::items(value, &["tags"]).iter().filter_map(values::scalar).collect(),
        steps: steps(value),
        message: text("message"),
        details: details(text("trace"), attempts),
        output: output(value, attempts),
        attachments: attachments(value, attempts),
        properties,
        status,
        ..ResultRecord::default()
    }
}

/// The suite: an array, or in older reports one text with `>` between the parts.
fn suite(value: &Value) -> Vec<String> {
    match json::at(value, &["suite"]) {
        Some(Value::Array(parts)) => parts.iter().filter_map(values::scalar).collect(),
        Some(Value::String(text)) => text.split(" > ").map(|part| part.trim().to_owned()).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => Vec::new(),
    }
}

/// Labels: a value or a list of values each.
fn labels(value: &Value) -> Vec<(String, String)> {
    let Some(Value::Object(labels)) = json::at(value, &["labels"]) else { return Vec::new() };
    let joined = |value: &Value| match value {
        Value::Array(items) => Some(items.iter().filter_map(values::scalar).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => values::scalar(value),
    };
    labels.iter().filter_map(|(name, value)| Some((name.clone(), joined(value)?))).collect()
}

fn steps(value: &Value) -> Vec<StepRecord> {
    let step = |step: &Value| StepRecord {
        name: json::text(step, &["name"]).unwrap_or_default().to_owned(),
        status: json::text(step, &["status"]).map(str::to_owned),
        duration_ms: json::duration_ms(json::at(step, &["duration"]), 1.0),
        message: json::text(step, &["message"]).or_else(|| json::text(step, &["extra", "message"])).map(str::to_owned),
        ..StepRecord::default()
    };
    json::items(value, &["steps"]).iter().take(limits::STEPS).map(step).collect()
}

/// The trace of the test, and what its earlier attempts said.
fn details(trace: Option<String>, attempts: &[Value]) -> Option<String> {
    let mut details = trace.unwrap_or_default();
    for attempt in attempts.iter().take(limits::STEPS) {
        let text = |key: &str| json::text(attempt, &[key]).unwrap_or_default();
        if text("message").is_empty() && text("trace").is_empty() {
            continue;
        }
        let number = json::at(attempt, &["attempt"]).and_then(values::scalar).unwrap_or_default();
        for part in ["\n\n[attempt ", &number, " ", text("status"), "] ", text("message"), "\n", text("trace")] {
            details.push_str(part);
        }
    }
    Some(details)
}

fn output(value: &Value, attempts: &[Value]) -> Option<String> {
    let lines = |value: &Value| {
        ["stdout", "stderr"]
            .iter()
            .flat_map(|stream| json::items(value, &[stream]))
            .filter_map(values::scalar)
            .collect::<Vec<_>>()
    };
    let mut all = lines(value);
    if all.is_empty() {
        all = attempts.iter().flat_map(lines).collect();
    }
    Some(all.join("\n"))
}

fn attachments(value: &Value, attempts: &[Value]) -> Vec<AttachmentRecord> {
    let of = |value: &Value| {
        json::items(value, &["attachments"])
            .iter()
            .map(|item| AttachmentRecord {
                name: json::text(item, &["name"]).map(str::to_owned),
                path: json::text(item, &["path"]).unwrap_or_default().to_owned(),
                content_type: json::text(item, &["contentType"]).map(str::to_owned),
                body: None,
            })
            .collect::<Vec<_>>()
    };
    let mut all = of(value);
    all.extend(attempts.iter().flat_map(of));
    all.extend(json::text(value, &["screenshot"]).and_then(screenshot));
    all
}

/// The one picture that a test embeds.
fn screenshot(text: &str) -> Option<AttachmentRecord> {
    let (head, encoded) = text.split_once("base64,").map_or((None, text), |(head, rest)| (Some(head), rest));
    let named = head.and_then(|head| head.strip_prefix("data:")).map(|kind| kind.trim_end_matches(';').to_owned());
    let bytes = STANDARD.decode(encoded.trim()).ok().filter(|bytes| bytes.len() <= limits::EMBEDDED_BYTES)?;
    Some(AttachmentRecord {
        name: Some("screenshot".to_owned()),
        path: String::new(),
        content_type: Some(named.unwrap_or_else(|| "image/png".to_owned())),
        body: Some(Embedded(bytes)),
    })
}
