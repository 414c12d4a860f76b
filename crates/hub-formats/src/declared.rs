//! The numbers that a header claims against the rows that were read: rows are the truth, and a header that says otherwise
//! is told once per file.

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;

use crate::reporter::{At, Reporter};

/// What an outcome counts as in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Passed, and what headers count with it.
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
        if self.tests == 0 {
            let message = match declared.tests {
                Some(tests) if tests > 0 => format!("the header says {tests} tests, the file holds none"),
                Some(_) | None => "the file holds no test".to_owned(),
            };
            reporter.repaired(&codes::EMPTY_REPORT, at, &message);
            return;
        }
        // Editions of one tool count the same outcome (`Timeout`) among the failed or apart: their sum tells the same.
        let failing = sum(declared.failures, declared.errors).unwrap_or(0);
        let counted = self.failures + self.errors;
        let same_failing = (counted..=counted.max(most.failures + most.errors)).contains(&failing);
        let differing: Vec<String> = [
            ("tests", declared.tests, self.tests, most.tests),
            ("failures", declared.failures.filter(|_| !same_failing), self.failures, most.failures),
            ("errors", declared.errors.filter(|_| !same_failing), self.errors, most.errors),
            ("skipped", declared.skipped, self.skipped, most.skipped),
        ]
        .into_iter()
        .filter_map(|(what, said, counted, most)| {
            let said = said.filter(|said| !(counted..=most.max(counted)).contains(said))?;
            Some(format!("{what} {said} (counted {counted})"))
        })
        .collect();
        if !differing.is_empty() {
            let message = format!("the header says {}", differing.join(", "));
            reporter.repaired(&codes::COUNTS_DISAGREE, at, &message);
        }
    }
}

/// A number in a header.
pub(crate) fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
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
}
