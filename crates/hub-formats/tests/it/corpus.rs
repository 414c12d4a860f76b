//! Real reports of many tools: each is read or has a problem with a position, and counts agree with those that another
//! program made.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::Collected;

use crate::fixtures::bytes_of;

/// The folder of third-party files beside the project, where there is one.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there are no files at ../shared/{folder}");
    None
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    tests: u64,
    succ: u64,
    skip: u64,
    fail: u64,
    error: u64,
}

impl Counts {
    fn row(&mut self, status: &str) {
        match status {
            "passed" => self.succ += 1,
            "failure" | "failed" => self.fail += 1,
            "error" | "errored" => self.error += 1,
            "skipped" | "disabled" | "notrun" | "suppressed" => self.skip += 1,
            other => panic!("the status {other:?} is counted nowhere"),
        }
    }

    /// As the other program counts: by rows, and for a suite without rows by its header.
    fn of(read: &Collected) -> Self {
        let mut counts = Self::default();
        let mut distinct = HashSet::new();
        let results: Vec<&ResultRecord> = read
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Result(result) => Some(result.as_ref()),
                Record::Suite(_) | Record::Case(_) | Record::Defect(_) => None,
            })
            .collect();
        for result in &results {
            counts.row(&result.status);
            distinct.insert((&result.file, &result.class_name, &result.name));
        }
        counts.tests = distinct.len() as u64;
        for record in &read.records {
            if let Record::Suite(suite) = record
                && !suite.path.is_empty()
                && !results.iter().any(|result| result.suite.starts_with(&suite.path))
                && let Some(tests) = suite.declared.tests
            {
                let [skip, fail, error] =
                    [suite.declared.skipped, suite.declared.failures, suite.declared.errors].map(|n| n.unwrap_or(0));
                counts.tests += tests;
                counts.skip += skip;
                counts.fail += fail;
                counts.error += error;
                counts.succ += tests - skip - fail - error;
            }
        }
        counts
    }
}

#[test]
fn real_junit_reports_are_read_and_counted_right() {
    let Some(root) = shared("reports") else { return };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes_of(&root.join("manifest.json"))).unwrap();
    let entries: BTreeMap<&str, &serde_json::Value> =
        manifest.as_array().unwrap().iter().map(|entry| (entry["file"].as_str().unwrap(), entry)).collect();
    let mut compared = 0;
    println!(
        "{:<72} {:>5} {:>5} {:>5} {:>5} {:>5}  counts  problems",
        "file", "tests", "succ", "skip", "fail", "error"
    );
    for path in files(&root.join("junit")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = bytes_of(&path);
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map(|format| format.name);
        assert_eq!(format, Some("junit"), "{name}");

        let entry = entries.get(format!("junit/{name}").as_str()).unwrap_or_else(|| panic!("{name} is not listed"));
        let damaged = entry["root"].as_str().unwrap().contains("NOT well-formed");
        let fatal: Vec<_> = read.problems.iter().filter(|problem| problem.severity == Severity::Fatal).collect();
        assert_eq!(damaged, !fatal.is_empty(), "{name}: {fatal:?}");
        for problem in &fatal {
            assert_eq!(problem.code, &codes::NOT_WELL_FORMED, "{name}");
            assert!(problem.position.line.is_some() && problem.position.column.is_some(), "{name}: {problem}");
        }

        let counts = Counts::of(&read);
        let is_test = |record: &Record| match record {
            // What a suite says of itself is a row, but no test.
            Record::Result(row) => row.suite.last().is_none_or(|suite| row.name != format!("{suite} ({})", row.status)),
            Record::Suite(_) | Record::Case(_) | Record::Defect(_) => false,
        };
        let rows = read.records.iter().filter(|record| is_test(record)).count();
        let nameless = read.problems.iter().filter(|problem| problem.code == &codes::NO_NAME).count();
        if !damaged {
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(rows + nameless, text.matches("<testcase").count(), "{name}: a testcase was lost");
        }
        let expected = entry.get("expected").filter(|expected| !expected.is_null());
        if let Some(expected) = expected {
            let field = |key: &str| expected[key].as_u64().unwrap();
            let [tests, succ, skip, fail, error] =
                ["tests", "tests_succ", "tests_skip", "tests_fail", "tests_error"].map(field);
            assert_eq!(counts, Counts { tests, succ, skip, fail, error }, "{name}");
            compared += 1;
        }
        let codes: Vec<&str> = read.problems.iter().map(|problem| problem.code.id).collect();
        println!(
            "{name:<72} {:>5} {:>5} {:>5} {:>5} {:>5}  {:<6}  {}",
            counts.tests,
            counts.succ,
            counts.skip,
            counts.fail,
            counts.error,
            if expected.is_some() { "agree" } else { "" },
            codes.join(" ")
        );
    }
    println!("{compared} files compared with counts of another program");
    assert!(compared >= 12, "{compared}");
}

#[test]
fn other_reports_are_told_by_what_they_are() {
    let Some(root) = shared("reports") else { return };
    for folder in files(&root).into_iter().filter(|path| path.is_dir() && !path.ends_with("junit")) {
        for path in files(&folder).into_iter().filter(|path| path.is_file()) {
            let mut read = Collected::default();
            let format = hub_formats::read("file", bytes_of(&path).as_slice(), &mut read);
            assert!(read.records.is_empty() || format.is_some(), "{}", path.display());
            if format.is_none() {
                assert_eq!(read.problems.len(), 1, "{}", path.display());
                println!("{}: {}", path.strip_prefix(&root).unwrap().display(), read.problems[0].message);
            }
        }
    }
}

#[test]
fn the_first_teams_files_are_read_whole() {
    let Some(root) = shared("samples") else { return };
    let mut read_files = 0;
    for path in files(&root) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = bytes_of(&path);
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map(|format| format.name);
        let expect = match name.as_str() {
            "ctb-auth.csv" | "ctb-checkout.csv" | "ctb-search.csv" => "csv-cases",
            "ctb-execution-results-head.csv" => "csv-results",
            "newman-junit.xml" | "playwright-junit.xml" => "junit",
            _ => continue,
        };
        read_files += 1;
        assert_eq!(format, Some(expect), "{name}");
        assert!(read.problems.iter().all(|problem| problem.severity == Severity::Repaired), "{:?}", read.problems);
        if expect != "junit" {
            let rows = String::from_utf8(bytes).unwrap().lines().skip(1).filter(|line| !line.is_empty()).count();
            assert_eq!(read.records.len(), rows, "{name}");
            assert!(read.problems.is_empty(), "{:?}", read.problems);
        }
        println!("{name}: {expect}, {} records, {} problems", read.records.len(), read.problems.len());
        if name == "playwright-junit.xml" {
            let counts = Counts::of(&read);
            assert_eq!(counts, Counts { tests: 10, succ: 5, skip: 4, fail: 1, error: 0 });
            assert!(read.records.iter().all(|record| match record {
                Record::Result(result) => result.device.as_deref() == Some("Desktop Chrome"),
                Record::Suite(_) | Record::Case(_) | Record::Defect(_) => true,
            }));
        }
    }
    assert_eq!(read_files, 6);
}
