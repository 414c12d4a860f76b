//! Real reports of Playwright, Cucumber, Mocha, Mochawesome and Allure 2: each is read or has a problem with a position, and
//! holds as many results as a plain count of its JSON.

use std::collections::BTreeMap;

use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::Collected;
use serde_json::Value;

use crate::corpus::{files, shared};
use crate::fixtures::bytes_of;

const FOLDERS: [(&str, &str); 7] = [
    ("playwright", "playwright"),
    ("cucumber", "cucumber-json"),
    ("cucumber-messages", "cucumber-messages"),
    ("mocha-json", "mocha"),
    ("mochawesome", "mochawesome"),
    ("allure2", "allure2"),
    ("other-json", ""),
];

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The results that a report of a format holds, counted without a reader of ours.
fn count(format: &str, text: &str) -> usize {
    fn playwright(suite: &Value) -> usize {
        let specs = items(suite, "specs").iter().map(|spec| items(spec, "tests").len()).sum::<usize>();
        specs + items(suite, "suites").iter().map(playwright).sum::<usize>()
    }
    fn mochawesome(suite: &Value) -> usize {
        let hooks = ["beforeHooks", "afterHooks"].map(|list| {
            items(suite, list).iter().filter(|hook| hook["state"] == "failed" || hook["fail"] == true).count()
        });
        let inner = items(suite, "suites").iter().map(mochawesome).sum::<usize>();
        items(suite, "tests").len() + hooks.iter().sum::<usize>() + inner
    }
    let document = || serde_json::from_str::<Value>(text).unwrap();
    match format {
        "playwright" => items(&document(), "suites").iter().map(playwright).sum(),
        "cucumber-json" => {
            let features = document();
            let elements = features.as_array().unwrap().iter().flat_map(|feature| items(feature, "elements"));
            elements.filter(|element| element["type"] != "background").count()
        }
        "cucumber-messages" => text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|message| {
                let hook = &message["testRunHookFinished"]["result"]["status"];
                message["testCaseFinished"]["willBeRetried"] == false || hook.is_string() && hook != "PASSED"
            })
            .count(),
        "mocha" => {
            let report = document();
            ["passes", "failures", "pending"].map(|list| items(&report, list).len()).iter().sum()
        }
        "mochawesome" => items(&document(), "results").iter().map(mochawesome).sum(),
        "allure2" => {
            let file = document();
            let fixtures = ["befores", "afters"].map(|list| {
                items(&file, list)
                    .iter()
                    .filter(|fixture| fixture["status"].is_string() && fixture["status"] != "passed")
                    .count()
            });
            if file["children"].is_array() { fixtures.iter().sum() } else { 1 }
        }
        other => panic!("{other} is not counted here"),
    }
}

fn results(read: &Collected) -> Vec<&ResultRecord> {
    fn result(record: &Record) -> Option<&ResultRecord> {
        match record {
            Record::Result(result) => Some(result),
            Record::Suite(_) | Record::Case(_) | Record::Defect(_) => None,
        }
    }
    read.records.iter().filter_map(result).collect()
}

#[test]
fn real_json_reports_are_read_and_counted_right() {
    let Some(root) = shared("reports") else { return };
    let manifest: Value = serde_json::from_slice(&bytes_of(&root.join("manifest.json"))).unwrap();
    let expected: BTreeMap<&str, &Value> = manifest
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["expected"].is_object())
        .map(|entry| (entry["file"].as_str().unwrap(), &entry["expected"]))
        .collect();
    let (mut read_files, mut unknown) = (0, Vec::new());
    println!("{:<72} {:<18} {:>5}  statuses, problems", "file", "format", "tests");
    for (folder, must_be) in FOLDERS {
        for path in files(&root.join(folder)) {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            let bytes = bytes_of(&path);
            let mut read = Collected::default();
            let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map(|format| format.name);
            let Some(format) = format.filter(|format| FOLDERS.iter().any(|(_, ours)| ours == format)) else {
                assert!(must_be.is_empty(), "{name} is not read as {must_be}");
                let placed = |p: &hub_domain::problem::Problem| p.position.line.is_some();
                assert!(format.is_some() || read.problems.iter().any(placed), "{name} is told nothing of");
                unknown.push(name);
                continue;
            };
            assert!(must_be.is_empty() || format == must_be, "{name} was read as {format}");
            assert!(read.problems.iter().all(|p| p.severity == Severity::Repaired), "{name}: {:?}", read.problems);
            let rows = results(&read);
            assert_eq!(rows.len(), count(format, std::str::from_utf8(&bytes).unwrap()), "{name}: a result was lost");
            if let Some(expected) = expected.get(name.as_str()) {
                assert_eq!(expected["runs"].as_u64(), Some(rows.len() as u64), "{name}");
            }
            read_files += 1;
            let mut statuses = BTreeMap::<&str, u32>::new();
            for row in &rows {
                *statuses.entry(&row.status).or_default() += 1;
                assert!(row.line.is_some() && !row.name.is_empty(), "{name}");
            }
            let codes: Vec<&str> = read.problems.iter().map(|problem| problem.code.id).collect();
            println!("{name:<72} {format:<18} {:>5}  {statuses:?} {}", rows.len(), codes.join(" "));
        }
    }
    println!("of no format read here: {}", unknown.join(", "));
    assert!(read_files >= 25, "{read_files}");
}

/// Half of each real file: what stands before the cut is there, the damage has a position, and nothing is made up.
#[test]
fn half_a_real_report_is_told_and_not_half_believed() {
    let Some(root) = shared("reports") else { return };
    for (folder, format) in FOLDERS.into_iter().filter(|(_, format)| !format.is_empty()) {
        for path in files(&root.join(folder)) {
            let whole = bytes_of(&path);
            let name = path.display();
            let half = &whole[..whole.len() / 2];
            let mut read = Collected::default();
            let recognised = hub_formats::read("half", half, &mut read).map(|format| format.name);
            assert!(recognised.is_none_or(|recognised| recognised == format), "{name} was read as {recognised:?}");
            let fatal = read.problems.iter().find(|problem| problem.severity == Severity::Fatal);
            let fatal = fatal.unwrap_or_else(|| panic!("{name}: half a file is not told: {:?}", read.problems));
            assert!(fatal.position.line.is_some(), "{name}: {fatal}");
            assert!(results(&read).len() <= count(format, std::str::from_utf8(&whole).unwrap()), "{name}");
        }
    }
}

/// The same reports with their keys sorted, as a tool that rewrites JSON leaves them: nothing depends on the order.
#[test]
fn the_order_of_keys_changes_nothing() {
    let Some(root) = shared("reports") else { return };
    for (folder, format) in FOLDERS.into_iter().filter(|(_, name)| !name.is_empty() && *name != "cucumber-messages") {
        for path in files(&root.join(folder)) {
            let bytes = bytes_of(&path);
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            let sorted = serde_json::to_vec(&by_key(&document)).unwrap();
            let told = |bytes: &[u8]| {
                let mut read = Collected::default();
                assert_eq!(
                    hub_formats::read("f", bytes, &mut read).map(|f| f.name),
                    Some(format),
                    "{}",
                    path.display()
                );
                let mut rows: Vec<String> = results(&read).into_iter().map(facts).collect();
                rows.sort();
                rows
            };
            assert_eq!(told(&bytes), told(&sorted), "{}", path.display());
        }
    }
}

fn facts(result: &ResultRecord) -> String {
    let mut result = result.clone();
    result.line = None;
    result.properties.sort();
    result.tags.sort();
    format!("{result:?}")
}

/// A document with the keys of each object in their order.
fn by_key(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, Value> = entries.iter().map(|(key, value)| (key, by_key(value))).collect();
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(by_key).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
