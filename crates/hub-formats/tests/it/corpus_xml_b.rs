//! Real reports of xUnit.net, TRX, Robot Framework and Allure 1: each is read whole, which a bare loop over its tags
//! proves, or has a problem with a position; counts agree with those that another program made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};
use hub_formats::Collected;
use quick_xml::events::Event;

use crate::fixtures::bytes_of;

const FORMATS: [&str; 4] = ["xunitnet", "trx", "robot", "allure1"];

fn reports() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reports");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there are no files at ../shared/reports");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The root, and how many elements of each name the file holds up to its end or its first damage.
fn elements(bytes: &[u8]) -> (Option<String>, BTreeMap<String, usize>) {
    let (mut root, mut counts) = (None, BTreeMap::new());
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut buffer = Vec::new();
    while let Ok(event) = reader.read_event_into(&mut buffer) {
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.local_name().into_inner().to_owned();
                root.get_or_insert_with(|| name.clone());
                *counts.entry(name).or_default() += 1;
            }
            Event::Eof => break,
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
        buffer.clear();
    }
    (root, counts)
}

fn parts(read: &Collected) -> (Vec<&ResultRecord>, Vec<&SuiteRecord>) {
    let (mut results, mut suites) = (Vec::new(), Vec::new());
    for record in &read.records {
        match record {
            Record::Result(result) => results.push(result.as_ref()),
            Record::Suite(suite) => suites.push(suite),
            Record::Case(_) | Record::Defect(_) => panic!("no report of results holds these"),
        }
    }
    (results, suites)
}

/// Whether a result stands for what failed outside of a test.
fn is_fixture(result: &ResultRecord) -> bool {
    result.properties.iter().any(|(name, _)| name == "fixture")
}

/// The outcome as the other program calls it. It takes a TRX result that neither passed nor failed for skipped, unless
/// its outcome is missing or has `Error` in it.
fn outcome(status: &str) -> &'static str {
    match status.to_ascii_lowercase().as_str() {
        "pass" | "passed" => "succ",
        "fail" | "failed" => "fail",
        "error" | "broken" => "error",
        "skip" | "notrun" | "not run" | "notexecuted" | "notrunnable" | "inconclusive" | "aborted" | "pending"
        | "canceled" | "skipped" => "skip",
        other => panic!("the status {other:?} is counted nowhere"),
    }
}

/// Distinct tests and runs by outcome, in the other program's order of gravity where a test had several.
fn counts(results: &[&ResultRecord]) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut tests: BTreeMap<(Option<&str>, &str), BTreeSet<&str>> = BTreeMap::new();
    for result in results.iter().filter(|result| !is_fixture(result)) {
        let outcome = outcome(&result.status);
        *counts.entry("runs".to_owned()).or_default() += 1;
        *counts.entry(format!("runs_{outcome}")).or_default() += 1;
        // The rows of a theory are one test of xUnit.net, by its method.
        let method = result.properties.iter().find(|(name, _)| name == "method").map(|(_, method)| method.as_str());
        let test = (result.class_name.as_deref(), method.unwrap_or(&result.name));
        tests.entry(test).or_default().insert(outcome);
    }
    for outcomes in tests.values() {
        let gravest = ["error", "fail", "succ", "skip"].into_iter().find(|outcome| outcomes.contains(outcome)).unwrap();
        *counts.entry("tests".to_owned()).or_default() += 1;
        *counts.entry(format!("tests_{gravest}")).or_default() += 1;
    }
    counts
}

#[test]
fn real_reports_of_four_formats_are_read_whole_and_counted_right() {
    let Some(root) = reports() else { return };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes_of(&root.join("manifest.json"))).unwrap();
    let expected: BTreeMap<&str, &serde_json::Value> = manifest
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| {
            Some((entry["file"].as_str()?, entry.get("expected").filter(|expected| !expected.is_null())?))
        })
        .collect();
    let mut compared = 0;
    println!("{:<64} {:<9} {:>5} {:>6} {:>6}  problems", "file", "format", "tests", "rows", "suites");
    for path in FORMATS.iter().chain(&["other-xml"]).flat_map(|folder| files(&root.join(folder))) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let bytes = bytes_of(&path);
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map(|format| format.name);
        let (tag, elements) = elements(&bytes);
        let of = |element: &str| elements.get(element).copied().unwrap_or(0);
        let expect = match tag.as_deref() {
            Some("assemblies" | "assembly") => Some("xunitnet"),
            Some("robot") => Some("robot"),
            Some("test-suite") if of("test-cases") > 0 => Some("allure1"),
            // CppUnit's and AUnit's reports have this root too and are another format.
            Some("TestRun") if of("UnitTestResult") > 0 => Some("trx"),
            _ => None,
        };
        assert_eq!(format.filter(|format| FORMATS.contains(format)), expect, "{name}");
        let Some(format) = expect else {
            if read.records.is_empty() {
                let problem = read.problems.iter().find(|problem| problem.severity == Severity::Fatal).unwrap();
                assert!(problem.position.line.is_some(), "{name}: {problem}");
            }
            println!("{name}: {}", read.problems.first().map_or("read", |problem| problem.message.as_str()));
            continue;
        };
        let (results, suites) = parts(&read);
        let tests = match format {
            "xunitnet" | "robot" => of("test"),
            "trx" => of("UnitTestResult"),
            _ => of("test-case"),
        };
        // A result around others is a suite of its own, and a result besides only where nothing inside explains it.
        let around = if format == "trx" { suites.iter().filter(|suite| !suite.path.is_empty()).count() } else { 0 };
        let rows = results.iter().filter(|result| !is_fixture(result)).count();
        let nameless = read.problems.iter().filter(|problem| problem.code == &codes::NO_NAME).count();
        assert_eq!(rows + nameless + around, tests, "{name}: a test was lost");
        assert!(read.problems.iter().all(|problem| problem.severity != Severity::Fatal), "{name}: {:?}", read.problems);
        for result in &results {
            assert!(result.line.is_some() && !result.status.is_empty(), "{name}: {result:?}");
        }
        if let Some(expected) = expected.get(name.as_str()) {
            let counted = counts(&results);
            for (key, value) in expected.as_object().unwrap() {
                if key.starts_with("tests") || key.starts_with("runs") {
                    let counted = counted.get(key).copied().unwrap_or(0);
                    assert_eq!(Some(counted), value.as_u64(), "{name}: {key}");
                }
            }
            compared += 1;
        }
        let problems: Vec<String> = read.problems.iter().map(|p| format!("{} {}", p.code.id, p.message)).collect();
        println!("{name:<64} {format:<9} {tests:>5} {rows:>6} {:>6}  {}", suites.len(), problems.join("; "));
    }
    println!("{compared} files compared with counts of another program");
    assert!(compared >= 7, "{compared}");
}
