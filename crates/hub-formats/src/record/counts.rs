//! The numbers that a header claims against the rows that were read: rows are the truth, and a header that says otherwise
//! is told once per file. Every format compares here.

use std::ops::RangeInclusive;

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;

use crate::reporter::{At, Reporter};

/// What an outcome counts as in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Passed, and whatever else headers count only among all tests.
    Passed,
    /// An expectation failed.
    Failed,
    /// The test broke.
    Broken,
    /// The test was left out.
    LeftOut,
}

/// Rows by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// All.
    pub(crate) tests: u64,
    /// Those that failed.
    pub(crate) failures: u64,
    /// Those that broke.
    pub(crate) errors: u64,
    /// Those left out.
    pub(crate) skipped: u64,
}

impl Rows {
    /// Counts a row.
    pub(crate) fn add(&mut self, group: Group) {
        self.tests += 1;
        match group {
            Group::Passed => {}
            Group::Failed => self.failures += 1,
            Group::Broken => self.errors += 1,
            Group::LeftOut => self.skipped += 1,
        }
    }

    /// Tells what does not agree, at the end of a whole file. `most` are the rows with what some writers count besides: a
    /// number from `self` to `most` agrees.
    pub(crate) fn report(self, most: Self, declared: &DeclaredCounts, at: Option<At>, reporter: &mut Reporter<'_>) {
        let agree = |counted: u64, most: u64| counted..=most.max(counted);
        // Writers count one outcome among the failed or among the broken (`Timeout`, mocha's failures): the sum tells the same.
        let failing = sum(declared.failures, declared.errors).unwrap_or(0);
        let same = agree(self.failures + self.errors, most.failures + most.errors).contains(&failing);
        let said = [
            ("tests", declared.tests, agree(self.tests, most.tests)),
            ("failures", declared.failures.filter(|_| !same), agree(self.failures, most.failures)),
            ("errors", declared.errors.filter(|_| !same), agree(self.errors, most.errors)),
            ("skipped", declared.skipped, agree(self.skipped, most.skipped)),
        ];
        // A report without a test in which something failed beside the tests is not empty.
        let rows = if most.failures + most.errors > 0 { self.tests.max(1) } else { self.tests };
        tell(at, rows, &said, reporter);
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// What a header calls one kind of row, how many it says there are, and how many were counted.
pub(crate) type Said<'a> = (&'a str, Option<u64>, u64);

/// Tells what does not agree, or that a report has no test among its `rows`; for the end of a whole file.
pub(crate) fn compare(at: Option<At>, rows: u64, said: &[Said<'_>], reporter: &mut Reporter<'_>) {
    let said: Vec<_> = said.iter().map(|(what, said, counted)| (*what, *said, *counted..=*counted)).collect();
    tell(at, rows, &said, reporter);
}

/// As [`compare`] for a part of a report, which may be empty.
pub(crate) fn compare_part(at: At, (what, said, counted): Said<'_>, reporter: &mut Reporter<'_>) {
    differ(Some(at), &[(what, said, counted..=counted)], reporter);
}

/// Tells both: an empty report once, whatever its header says; else all numbers that lie outside of what was counted.
fn tell(at: Option<At>, rows: u64, said: &[(&str, Option<u64>, RangeInclusive<u64>)], reporter: &mut Reporter<'_>) {
    if rows == 0 {
        let some = said.iter().find_map(|(what, said, _)| said.filter(|said| *said > 0).map(|said| (what, said)));
        let message = match some {
            Some((what, said)) => format!("the header says {said} {what}, the file holds none"),
            None => "the file holds no test".to_owned(),
        };
        reporter.repaired(&codes::EMPTY_REPORT, at, &message);
    } else {
        differ(at, said, reporter);
    }
}

fn differ(at: Option<At>, said: &[(&str, Option<u64>, RangeInclusive<u64>)], reporter: &mut Reporter<'_>) {
    let differing: Vec<String> = said
        .iter()
        .filter_map(|(what, said, counted)| {
            let said = said.filter(|said| !counted.contains(said))?;
            Some(format!("{what} {said} (counted {})", counted.start()))
        })
        .collect();
    if !differing.is_empty() {
        let message = format!("the header says {}", differing.join(", "));
        reporter.repaired(&codes::COUNTS_DISAGREE, at, &message);
    }
}

/// A number in a header; some tools write it with thousands separators.
pub(crate) fn number(text: Option<&str>) -> Option<u64> {
    let text = text?.trim();
    text.parse().ok().or_else(|| text.replace(',', "").parse().ok())
}

/// The sum of two numbers of which each may be missing.
pub(crate) fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    #[test]
    fn a_number_between_the_two_ways_to_count_agrees() {
        let mut rows = Rows::default();
        rows.add(Group::Passed);
        rows.add(Group::Failed);
        let mut most = rows;
        most.add(Group::Failed);
        for (tests, failures, problems) in [(2, 1, 0), (3, 2, 0), (4, 2, 1), (2, 0, 1)] {
            let declared =
                DeclaredCounts { tests: Some(tests), failures: Some(failures), errors: None, skipped: Some(0) };
            let mut sink = Collected::default();
            rows.report(most, &declared, None, &mut Reporter::new("f", &mut sink));
            assert_eq!(sink.problems.len(), problems, "{tests} {failures}");
        }
    }

    #[test]
    fn an_empty_report_is_told_once_and_with_what_its_header_says() {
        for (said, expect) in [
            (vec![], "the file holds no test"),
            (vec![("tests", Some(0), 0), ("failed", None, 0)], "the file holds no test"),
            (vec![("tests", Some(3), 0), ("failed", Some(1), 0)], "the header says 3 tests, the file holds none"),
            (vec![("assertions", Some(2), 0)], "the header says 2 assertions, the file holds none"),
        ] {
            let mut sink = Collected::default();
            compare(None, 0, &said, &mut Reporter::new("f", &mut sink));
            let found: Vec<_> = sink.problems.iter().map(|problem| (problem.code, problem.message.as_str())).collect();
            assert_eq!(found, [(&codes::EMPTY_REPORT, expect)]);
        }
    }

    #[test]
    fn numbers_of_headers_are_read_with_separators_and_never_guessed() {
        for (text, expect) in [(" 12 ", Some(12)), ("1,234", Some(1_234)), ("-1", None), ("many", None), ("", None)] {
            assert_eq!(number(Some(text)), expect, "{text}");
        }
    }
}
