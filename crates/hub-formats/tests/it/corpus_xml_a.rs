//! Real reports of TestNG, NUnit 2 and NUnit 3: no test element is lost, and counts agree with those that another program
//! made. That program counts a test with all its executions once (`tests_*`) and each execution (`runs_*`).

use std::collections::{BTreeMap, BTreeSet};

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::Collected;
use quick_xml::events::{BytesStart, Event};

use crate::corpus::{files, shared};
use crate::fixtures::bytes_of;

const FORMATS: [&str; 4] = ["testng", "nunit2", "nunit3", "cunit"];

/// An outcome as the other program groups it, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Skip,
    Succ,
    Fail,
    Error,
}

fn outcome(status: &str) -> Outcome {
    match status {
        "Success" | "Passed" | "PASS" => Outcome::Succ,
        "Failure" | "Failed" | "FAIL" | "Configuration Failure" => Outcome::Fail,
        "Error" | "Invalid" | "Cancelled" => Outcome::Error,
        "Ignored" | "Skipped" | "NotRunnable" | "Inconclusive" | "Explicit" | "not-run" | "SKIP" => Outcome::Skip,
        other => panic!("the status {other:?} is counted nowhere"),
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

/// All, passed, skipped, failed, broken: by tests and by executions.
fn counts(read: &Collected) -> [[u64; 5]; 2] {
    let mut runs = [0; 5];
    let mut tests: BTreeMap<(Option<&str>, &str), Outcome> = BTreeMap::new();
    let count = |counts: &mut [u64; 5], outcome| {
        counts[0] += 1;
        counts[match outcome {
            Outcome::Succ => 1,
            Outcome::Skip => 2,
            Outcome::Fail => 3,
            Outcome::Error => 4,
        }] += 1;
    };
    for result in results(read) {
        let outcome = outcome(&result.status);
        count(&mut runs, outcome);
        let worst = tests.entry((result.class_name.as_deref(), &result.name)).or_insert(outcome);
        *worst = outcome.max(*worst);
    }
    let mut distinct = [0; 5];
    tests.into_values().for_each(|outcome| count(&mut distinct, outcome));
    [distinct, runs]
}

/// The tests that a file holds and that stand before its damage, by nothing but their tags.
fn tests_in(bytes: &[u8], format: &str) -> usize {
    let is_true = |tag: &BytesStart<'_>, name: &str| {
        tag.attributes().with_checks(false).flatten().any(|found| found.key.as_ref() == name && &*found.value == "true")
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut found = 0;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                if tag.attributes().with_checks(false).any(|attribute| attribute.is_err()) {
                    return found;
                }
                found += usize::from(match format {
                    "testng" => {
                        tag.name().as_ref() == "test-method" && !is_true(&tag, "is-config") && !is_true(&tag, "retried")
                    }
                    _ => tag.name().as_ref() == "test-case",
                });
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

#[test]
fn real_reports_are_read_whole_and_counted_right() {
    let Some(root) = shared("reports") else { return };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes_of(&root.join("manifest.json"))).unwrap();
    let entries: BTreeMap<&str, &serde_json::Value> =
        manifest.as_array().unwrap().iter().map(|entry| (entry["file"].as_str().unwrap(), entry)).collect();
    let mut compared = 0;
    let mut seen = BTreeSet::new();
    for path in files(&root).iter().filter(|path| path.is_dir()).flat_map(|folder| files(folder)) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let bytes = bytes_of(&path);
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map_or("none", |format| format.name);
        let folder = name.split('/').next().unwrap_or_default();
        if !FORMATS.contains(&format) {
            assert!(!FORMATS.contains(&folder), "{name} is not recognised: {:?}", read.problems);
            continue;
        }
        assert!(folder == format || folder.starts_with("other"), "{name} is taken for {format}");
        seen.insert(format);
        let entry = entries[name.as_str()];
        let damaged = entry["root"].as_str().unwrap().contains("NOT well-formed");
        let fatal: Vec<_> = read.problems.iter().filter(|problem| problem.severity == Severity::Fatal).collect();
        assert_eq!(damaged, !fatal.is_empty(), "{name}: {fatal:?}");
        assert!(fatal.iter().all(|problem| problem.position.line.is_some() && problem.position.column.is_some()));

        let [tests, runs] = counts(&read);
        let nameless = read.problems.iter().filter(|problem| problem.code == &codes::NO_NAME).count();
        let own = results(&read).iter().filter(|result| result.status == "Configuration Failure").count();
        let rows = results(&read).len();
        assert_eq!(rows + nameless - own, tests_in(&bytes, format), "{name}: a test was lost");
        assert!(results(&read).iter().all(|result| !result.name.trim().is_empty() && !result.suite.is_empty()));
        if let Some(expected) = entry.get("expected").filter(|expected| !expected.is_null()) {
            for (unit, counted) in [("tests", tests), ("runs", runs)] {
                let of = |kind: &str| expected[format!("{unit}{kind}")].as_u64().unwrap();
                assert_eq!(counted, ["", "_succ", "_skip", "_fail", "_error"].map(of), "{name}: {unit}");
            }
            compared += 1;
        }
        let problems: Vec<String> =
            read.problems.iter().map(|problem| format!("{} {}", problem.code.id, problem.message)).collect();
        println!("{format:<7} {name:<60} {tests:?} {runs:?}  {}", problems.join("; "));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["nunit2", "nunit3", "testng"]);
    assert!(compared >= 7, "{compared} files compared with counts of another program");
}
