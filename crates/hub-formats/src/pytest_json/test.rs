//! One test or collector of a pytest report.

use hub_domain::record::{ResultRecord, StepRecord};
use serde_json::Value;

use crate::json;
use crate::json::values;
use crate::record::rows;

const STAGES: [&str; 3] = ["setup", "call", "teardown"];

/// Marks that say how a test is run and not what it belongs to, and what the function's own attributes add.
const NO_TAGS: &[&str] =
    &["", "()", "pytestmark", "parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail", "__wrapped__"];

/// The row of one test.
pub(super) fn record(value: &Value) -> ResultRecord {
    let node = json::text(value, &["nodeid"]).or_else(|| json::text(value, &["name"])).unwrap_or_default();
    let parts = Parts::of(node);
    let outcome = json::text(value, &["outcome"]).unwrap_or("unknown").to_owned();
    let stages: Vec<(&str, &Value)> =
        STAGES.iter().filter_map(|stage| Some((*stage, json::at(value, &[stage])?))).collect();
    let mut record = ResultRecord {
        suite: parts.suite(),
        class_name: parts.classes.last().map(|class| (*class).to_owned()),
        file: parts.file.map(str::to_owned),
        name: parts.name.to_owned(),
        parameters: parts.parameters.iter().map(|text| ("parameters".to_owned(), (*text).to_owned())).collect(),
        tags: tags(value, &parts),
        properties: properties(value),
        duration_ms: duration(value, &stages),
        status: outcome,
        ..ResultRecord::default()
    };
    failures(&mut record, &stages);
    record.output = output(&stages);
    if stages.iter().any(|(_, stage)| json::text(stage, &["outcome"]).is_some_and(|outcome| outcome == "failed")) {
        record.steps = stages.iter().map(|(name, stage)| step(name, stage)).collect();
    }
    record
}

/// The row of a collector that failed or was skipped.
pub(super) fn collector(value: &Value) -> Option<ResultRecord> {
    let status = match json::text(value, &["outcome"])? {
        "failed" => "error",
        "skipped" => "skipped",
        _ => return None,
    };
    let node = json::text(value, &["nodeid"]).unwrap_or("collection");
    let long = json::text(value, &["longrepr"]).unwrap_or_default();
    let message = reason(long).or_else(|| error_line(long)).or_else(|| rows::first_line(long));
    Some(ResultRecord {
        name: node.to_owned(),
        file: Some(node.split("::").next().unwrap_or(node).to_owned()),
        status: status.to_owned(),
        message,
        details: (status == "error").then(|| long.to_owned()),
        ..ResultRecord::default()
    })
}

/// A node id: `tests/test_a.py::TestClass::test_name[parameters]`.
struct Parts<'n> {
    file: Option<&'n str>,
    classes: Vec<&'n str>,
    name: &'n str,
    parameters: Option<&'n str>,
}

impl<'n> Parts<'n> {
    fn of(node: &'n str) -> Self {
        let Some((file, rest)) = node.split_once("::") else {
            return Self { file: None, classes: Vec::new(), name: node, parameters: None };
        };
        let bracket = rest.find('[').filter(|_| rest.ends_with(']')).unwrap_or(rest.len());
        let (plain, parameters) = rest.split_at(bracket);
        let mut classes: Vec<&str> = plain.split("::").filter(|class| !class.is_empty() && *class != "()").collect();
        let function = classes.pop().unwrap_or_default();
        let name = rest.get(plain.len() - function.len()..).unwrap_or(rest);
        let parameters = parameters.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        Self { file: Some(file), classes, name, parameters: parameters.filter(|text| !text.is_empty()) }
    }

    fn suite(&self) -> Vec<String> {
        self.file.iter().chain(&self.classes).map(|part| (*part).to_owned()).collect()
    }
}

/// Marks among the keywords: pytest lists the test with its marks, its classes with theirs, its file, then folders.
fn tags(value: &Value, parts: &Parts<'_>) -> Vec<String> {
    let keywords = json::items(value, &["keywords"]);
    let file = parts.file.unwrap_or_default();
    let base = file.rsplit('/').next().unwrap_or(file);
    let function = parts.name.split('[').next().unwrap_or(parts.name);
    let before = keywords.iter().filter_map(Value::as_str).take_while(|word| *word != base && *word != file);
    before
        .filter(|word| {
            !NO_TAGS.contains(word)
                && *word != parts.name
                && *word != function
                && Some(*word) != parts.parameters
                && !parts.classes.contains(word)
        })
        .map(str::to_owned)
        .collect()
}

fn properties(value: &Value) -> Vec<(String, String)> {
    let mut properties = values::pairs(json::at(value, &["metadata"]));
    for property in json::items(value, &["user_properties"]) {
        match property {
            Value::Array(pair) => {
                if let [name, value] = pair.as_slice()
                    && let (Some(name), Some(value)) = (values::scalar(name), values::scalar(value))
                {
                    properties.push((name, value));
                }
            }
            Value::Object(_) => properties.extend(values::pairs(Some(property))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    if let Some(line) = json::at(value, &["lineno"]).and_then(Value::as_u64) {
        // pytest counts lines from 0 here.
        properties.push(("line".to_owned(), line.saturating_add(1).to_string()));
    }
    properties
}

fn duration(value: &Value, stages: &[(&str, &Value)]) -> Option<u64> {
    let seconds = |value: &Value| json::at(value, &["duration"]).and_then(Value::as_f64);
    let of_stages: Vec<f64> = stages.iter().filter_map(|(_, stage)| seconds(stage)).collect();
    let whole = if of_stages.is_empty() { seconds(value)? } else { of_stages.iter().sum() };
    json::milliseconds(whole * 1_000.0)
}

fn step(name: &str, stage: &Value) -> StepRecord {
    StepRecord {
        name: name.to_owned(),
        status: json::text(stage, &["outcome"]).map(str::to_owned),
        duration_ms: json::duration_ms(json::at(stage, &["duration"]), 1_000.0),
        message: message(stage),
        ..StepRecord::default()
    }
}

/// What the stages say of a failure or a skip; the first one gives the message, all of them the details.
fn failures(record: &mut ResultRecord, stages: &[(&str, &Value)]) {
    let mut details = String::new();
    for (name, stage) in stages {
        let Some(message) = message(stage) else { continue };
        if record.message.is_none() {
            record.error_type = error_type(stage, &message);
            record.message = Some(message);
        }
        if let Some(long) = json::text(stage, &["longrepr"]).filter(|long| reason(long).is_none()) {
            for part in ["[", name, "]\n", long, "\n\n"] {
                details.push_str(part);
            }
        }
    }
    record.details = Some(details).filter(|details| !details.is_empty());
}

fn message(stage: &Value) -> Option<String> {
    let crash = json::text(stage, &["crash", "message"]).map(str::to_owned);
    let long = || {
        let long = json::text(stage, &["longrepr"])?;
        reason(long).or_else(|| error_line(long)).or_else(|| rows::first_line(long))
    };
    crash.or_else(long)
}

fn error_type(stage: &Value, message: &str) -> Option<String> {
    let raised = json::items(stage, &["traceback"]).last().and_then(|entry| json::text(entry, &["message"]));
    let is_class = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    rows::error_class(message).or_else(|| raised.filter(is_class).map(str::to_owned))
}

/// Why a test was skipped: pytest writes a tuple of file, line and `Skipped: reason`.
fn reason(long: &str) -> Option<String> {
    let inner = long.strip_prefix('(')?.strip_suffix(')')?;
    let mut parts = inner.splitn(3, ", ");
    let (_, line, said) = (parts.next()?, parts.next()?, parts.next()?);
    line.parse::<u64>().ok()?;
    let said = said.trim().trim_matches(['\'', '"']);
    Some(said.strip_prefix("Skipped: ").unwrap_or(said).to_owned()).filter(|said| !said.is_empty())
}

/// The first line that pytest marks as the error's.
fn error_line(long: &str) -> Option<String> {
    long.lines().find_map(|line| line.strip_prefix("E ")).map(|line| line.trim().to_owned())
}

fn output(stages: &[(&str, &Value)]) -> Option<String> {
    let mut out = String::new();
    for (name, stage) in stages {
        for stream in ["stdout", "stderr"] {
            if let Some(text) = json::text(stage, &[stream]) {
                for part in ["[", name, " ", stream, "]\n", text.trim_end(), "\n"] {
                    out.push_str(part);
                }
            }
        }
        for entry in json::items(stage, &["log"]) {
            let level = json::text(entry, &["levelname"]).unwrap_or("LOG");
            if let Some(text) = json::text(entry, &["msg"]).or(entry.as_str()) {
                for part in ["[", name, " log] ", level, " ", text, "\n"] {
                    out.push_str(part);
                }
            }
        }
    }
    Some(out).filter(|out| !out.is_empty())
}
