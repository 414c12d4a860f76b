//! Real reports of go test, CTRF, TAP, Dart and others: each is read, with as many rows as another count of the same
//! file says, or refused with a position.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use hub_domain::problem::Problem;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::{Collected, Sink};
use serde_json::Value;

use crate::fixtures::bytes_of;

/// Files in `other-json` that are no report of a format the hub reads, and what they are.
const NO_REPORT: &[(&str, &str)] = &[
    ("allure2__06_history-trend.json", "numbers of earlier runs that Allure keeps"),
    ("analytics-cli__02_xcrun-xcresulttool-get-test-results-tests-json-schema.json", "a JSON schema"),
    ("ctrf__01_additional-properties.test.json", "documents about CTRF's schema, not a report"),
    ("ctrf__03_enum-constraints.test.json", "documents about CTRF's schema, not a report"),
    ("ctrf__06_type-validation.test.json", "documents about CTRF's schema, not a report"),
    ("gotestsum__01_dots-v1.out", "what gotestsum prints for a person"),
];

/// Files in `other-json` of formats that other tests look at.
const OF_OTHERS: &[&str] = &[
    "allure2__02_sample-testsuite.json",
    "allure2__03_sample-json-testsuite.json",
    "allure2__04_parameters.json",
    "mochawesome-report__02_suite.json",
];

fn reports() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reports");
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: there are no files at ../shared/reports");
    None
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn rows(read: &Collected) -> Vec<&ResultRecord> {
    fn row(record: &Record) -> Option<&ResultRecord> {
        match record {
            Record::Result(result) => Some(result),
            Record::Suite(_) | Record::Case(_) | Record::Defect(_) => None,
        }
    }
    read.records.iter().filter_map(row).collect()
}

/// Rows by what their words mean: passed, skipped, failed, broken.
fn outcomes(read: &Collected) -> [u64; 4] {
    let mut counts = [0; 4];
    for row in rows(read) {
        let kind = match row.status.as_str() {
            "passed" | "pass" | "ok" | "success" => 0,
            "skipped" | "skip" | "pending" | "todo" | "other" => 1,
            "failed" | "fail" | "not ok" | "failure" => 2,
            "error" => 3,
            word => panic!("{word:?} is counted nowhere"),
        };
        counts[kind] += 1;
    }
    counts
}

/// How many rows a file of a format holds, counted without its reader.
fn counted(format: &str, bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let events = || text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let count = match format {
        "ctrf" => serde_json::from_slice::<Value>(bytes).unwrap()["results"]["tests"].as_array().unwrap().len(),
        "tap" => text.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).count(),
        "dart-json" => {
            let seen = |event: &Value| event["hidden"] == false || event["result"] != "success";
            events().filter(|event| event["type"] == "testDone" && seen(event)).count()
        }
        "gotest-json" => {
            let tests = events().filter(|event| event["Action"] == "run" && event["Test"].is_string()).count();
            // A package that failed without a test of its own.
            let broken = events().filter(|event| event["FailedBuild"].is_string()).count();
            tests + broken
        }
        other => panic!("{other} is counted nowhere"),
    };
    count as u64
}

#[test]
fn real_reports_of_these_formats_are_read_whole() {
    let Some(root) = reports() else { return };
    let manifest: Value = serde_json::from_slice(&bytes_of(&root.join("manifest.json"))).unwrap();
    let expected: BTreeMap<&str, &Value> = manifest
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["expected"].is_object())
        .map(|entry| (entry["file"].as_str().unwrap(), &entry["expected"]))
        .collect();
    let (mut read_files, mut compared) = (0, 0);
    for (folder, of_folder) in
        [("gotest-json", "gotest-json"), ("ctrf", "ctrf"), ("tap", "tap"), ("other-json", "dart-json")]
    {
        for path in files(&root.join(folder)) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = bytes_of(&path);
            let mut read = Collected::default();
            let format = hub_formats::read(&name, bytes.as_slice(), &mut read).map(|format| format.name);
            if let Some((_, why)) = NO_REPORT.iter().find(|(file, _)| *file == name) {
                assert_eq!((format, read.problems.len()), (None, 1), "{name}");
                assert!(read.records.is_empty() && read.problems[0].position.line.is_some(), "{name}");
                println!("{name:<64} refused: {why}");
                continue;
            }
            if OF_OTHERS.contains(&name.as_str()) {
                assert!(format.is_some() || !read.problems.is_empty(), "{name}");
                continue;
            }
            read_files += 1;
            assert_eq!(format, Some(of_folder), "{name}: {:?}", read.problems);
            let rows = rows(&read).len() as u64;
            assert_eq!(rows, counted(of_folder, &bytes), "{name}: a row was lost or made up");
            assert!(read.problems.iter().all(|problem| problem.position.line.is_some()), "{name}: {:?}", read.problems);
            let found = outcomes(&read);
            if let Some(expected) = expected.get(format!("{folder}/{name}").as_str()) {
                let said = ["tests_succ", "tests_skip", "tests_fail", "tests_error"].map(|key| expected[key].as_u64());
                assert_eq!(found.map(Some), said, "{name}");
                assert_eq!(Some(rows), expected["tests"].as_u64(), "{name}");
                compared += 1;
            }
            let codes: Vec<&str> = read.problems.iter().map(|problem| problem.code.id).collect();
            println!("{name:<64} {of_folder:<12} {rows:>4} {found:?} {}", codes.join(" "));
        }
    }
    assert_eq!((read_files, compared), (8, 1));
}

#[test]
fn half_of_a_real_report_keeps_its_rows_and_says_so() {
    let Some(root) = reports() else { return };
    for file in ["ctrf/github-test-report__01_ctrf-report.json", "other-json/publish-unit-test-__02_tests.json"] {
        let whole = bytes_of(&root.join(file));
        let half = &whole[..whole.len() / 2];
        let mut read = Collected::default();
        hub_formats::read("half", half, &mut read);
        assert!(!rows(&read).is_empty(), "{file}");
        let told = read.problems.iter().any(|problem| problem.code.id == "HUB-1002" && problem.position.line.is_some());
        assert!(told, "{file}: {:?}", read.problems);
    }
}

/// Takes some rows and says stop.
struct Few {
    limit: usize,
    rows: usize,
    problems: Vec<Problem>,
}

impl Sink for Few {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.rows += usize::from(matches!(record, Record::Result(_)));
        if self.rows >= self.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

/// A text for ever.
struct Endless(&'static [u8], usize);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for (byte, from) in buffer.iter_mut().zip(self.0.iter().cycle().skip(self.1 % self.0.len())) {
            *byte = *from;
        }
        self.1 += buffer.len();
        Ok(buffer.len())
    }
}

#[test]
fn a_file_without_end_is_handed_on_row_by_row() {
    for (format, head, text, told) in [
        ("ctrf", &br#"{"results":{"tool":{"name":"t"},"environment":{},"tests":["#[..], &br#"{"name":"a","status":"passed"},"#[..], 0),
        ("ctrf", br#"{"results":{"tool":{"name":"t"},"tests":["#, br#"{"name":"a","status":"passed"},"#, 1),
        ("pytest-json", br#"{"created":1,"exitcode":0,"root":"/","tests":["#, br#"{"nodeid":"a.py::b","outcome":"passed"},"#, 0),
        ("jest-json", br#"{"numTotalTests":1,"numTotalTestSuites":1,"testResults":["#,
         br#"{"name":"/a.js","assertionResults":[{"title":"t","status":"passed"}]},"#, 0),
        ("newman-json", br#"{"collection":{},"run":{"executions":["#, br#"{"item":{"name":"r"},"assertions":[{"assertion":"a"}]},"#, 0),
        ("gotest-json", b"", b"{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T\"}\n{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"T\"}\n", 0),
        ("dart-json", b"{\"protocolVersion\":\"0.1.1\",\"type\":\"start\",\"time\":0}\n",
         b"{\"test\":{\"id\":1,\"name\":\"t\",\"suiteID\":0,\"groupIDs\":[]},\"type\":\"testStart\",\"time\":0}\n{\"testID\":1,\"result\":\"success\",\"hidden\":false,\"type\":\"testDone\",\"time\":1}\n", 0),
        ("tap", b"TAP version 14\n", b"ok - a\n  ---\n  duration_ms: 1\n  ...\n", 0),
        ("tap", b"TAP version 14\n", b"    ok - inside of a parent that never comes\n", 1),
    ] {
        // Rows that wait for something behind them are handed on when 32 MiB of them wait.
        let limit = if told > 0 { 66_000 } else { 3_000 };
        let mut few = Few { limit, rows: 0, problems: Vec::new() };
        let found = hub_formats::read("file", head.chain(Endless(text, 0)), &mut few).map(|format| format.name);
        assert_eq!((found, few.rows), (Some(format), limit));
        assert_eq!(few.problems.len(), told, "{format}: {:?}", few.problems);
    }
}

#[test]
fn secrets_of_requests_are_never_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for path in files(&folder.join("newman")).into_iter().chain([folder.join("k6/handle-summary.json")]) {
        let bytes = bytes_of(&path);
        let mut read = Collected::default();
        hub_formats::read("file", bytes.as_slice(), &mut read);
        let kept = format!("{read:?}");
        assert!(!kept.contains("never kept") && !kept.contains("Set-Cookie"), "{}", path.display());
    }
}
