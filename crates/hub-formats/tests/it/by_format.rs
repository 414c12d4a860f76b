//! Every real file at once, as one table: each is read to its end, or has a problem that says where it stopped and why.
//! That counts agree with those of another program is compared file by file in the `corpus` tests beside this one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hub_domain::problem::Severity;
use hub_domain::record::Record;
use hub_formats::Collected;

use crate::corpus::{files, shared};
use crate::fixtures::bytes_of;

#[derive(Default)]
struct Line {
    files: usize,
    whole: usize,
    stopped: usize,
    results: usize,
    others: usize,
    repaired: usize,
    rejected: usize,
    expected: usize,
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in files(folder) {
        if path.is_dir() {
            below(&path, found);
        } else if path.file_name().is_none_or(|name| name != "manifest.json") {
            found.push(path);
        }
    }
}

#[test]
fn every_real_file_is_read_or_says_why_not() {
    let (Some(reports), Some(samples)) = (shared("reports"), shared("samples")) else { return };
    let manifest: serde_json::Value = serde_json::from_slice(&bytes_of(&reports.join("manifest.json"))).unwrap();
    let entries: BTreeMap<&str, bool> = manifest
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["file"].as_str().unwrap(), entry.get("expected").is_some_and(|counts| !counts.is_null())))
        .collect();
    let mut paths = Vec::new();
    below(&reports, &mut paths);
    assert_eq!(paths.len(), entries.len(), "the list and the folder differ");
    below(&samples, &mut paths);

    let mut lines: BTreeMap<&str, Line> = BTreeMap::new();
    let mut refused = Vec::new();
    for path in &paths {
        let name = path.strip_prefix(&reports).unwrap_or(path).display().to_string();
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes_of(path).as_slice(), &mut read);
        let line = lines.entry(format.map_or("(none)", |format| format.name)).or_default();
        line.files += 1;
        let fatal: Vec<_> = read.problems.iter().filter(|problem| problem.severity == Severity::Fatal).collect();
        let expected = entries.get(name.as_str()).copied().unwrap_or(false);
        match (format, fatal.as_slice()) {
            (Some(_), []) => line.whole += 1,
            (Some(_), [problem]) => {
                line.stopped += 1;
                assert!(problem.position.line.is_some() && problem.position.column.is_some(), "{name}: {problem}");
                assert!(!expected, "{name} was counted whole by another program: {problem}");
            }
            (None, [problem]) => {
                assert!(read.records.is_empty() && !expected, "{name}");
                refused.push(format!("{name}: {problem}"));
            }
            (_, several) => panic!("{name}: {several:?}"),
        }
        for record in &read.records {
            match record {
                Record::Result(_) => line.results += 1,
                Record::Case(_) | Record::Defect(_) => line.others += 1,
                Record::Suite(_) => {}
            }
        }
        line.repaired += read.problems.iter().filter(|problem| problem.severity == Severity::Repaired).count();
        line.rejected += read.problems.iter().filter(|problem| problem.severity == Severity::Rejected).count();
        line.expected += usize::from(expected);
    }

    println!(
        "{:<18} {:>5} {:>5} {:>7} {:>8} {:>12} {:>8} {:>8} {:>8}",
        "format", "files", "whole", "stopped", "results", "cases, bugs", "repaired", "rejected", "compared"
    );
    for (format, line) in &lines {
        println!(
            "{format:<18} {:>5} {:>5} {:>7} {:>8} {:>12} {:>8} {:>8} {:>8}",
            line.files,
            line.whole,
            line.stopped,
            line.results,
            line.others,
            line.repaired,
            line.rejected,
            line.expected
        );
    }
    println!("\nof no format:");
    refused.iter().for_each(|file| println!("  {file}"));
    let sum = |number: fn(&Line) -> usize| lines.values().map(number).sum::<usize>();
    assert_eq!(sum(|line| line.files), paths.len());
    assert_eq!(sum(|line| line.expected), entries.values().filter(|expected| **expected).count());
    // Of the folders of known formats, only two files of another tool with the same root are of none.
    let strange = refused.iter().filter(|file| !file.starts_with("other-")).count();
    assert!(strange <= 2, "{strange} files of a known format were not recognised");
}
