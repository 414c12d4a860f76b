//! Numbers in headers against rows: rows are the truth, and a header that says otherwise is told once per file.

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;

use super::values::{self, Group};
use crate::declared;
use crate::reporter::{At, Reporter};

/// The numbers in the header of a suite or report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) tests: Option<u64>,
    pub(crate) failures: Option<u64>,
    pub(crate) errors: Option<u64>,
    pub(crate) skipped: Option<u64>,
    /// GoogleTest counts these apart from `skipped`; among the rows both are tests left out.
    pub(crate) disabled: Option<u64>,
    /// TestNG's own JUnit reports count these neither in `tests` nor in `skipped`.
    pub(crate) ignored: Option<u64>,
}

impl Declared {
    /// Tests left out. `disabled` counts among them, but alone it says nothing about those that were skipped.
    pub(crate) fn left_out(&self) -> Option<u64> {
        let skipped = declared::sum(self.skipped, self.ignored);
        skipped.map(|skipped| skipped.saturating_add(self.disabled.unwrap_or(0)))
    }
}

impl From<Declared> for DeclaredCounts {
    fn from(declared: Declared) -> Self {
        let skipped = declared.left_out();
        Self { tests: declared.tests, failures: declared.failures, errors: declared.errors, skipped }
    }
}

/// The numbers of one file.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    report: Option<Declared>,
    suites: Declared,
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    /// What failed outside of tests, and what ran around them: some writers count it and others do not.
    beside: Beside,
    roots: u32,
    root: Option<At>,
}

#[derive(Debug, Default)]
struct Beside {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Counts {
    /// A root element begins. Reports are sometimes written one behind the other into one file.
    pub(crate) fn root(&mut self, at: At, reporter: &mut Reporter<'_>) {
        self.roots = self.roots.saturating_add(1);
        self.root.get_or_insert(at);
        if self.roots == 2 {
            let message = "a second root element follows the first; it was read as well";
            reporter.repaired(&codes::NOT_WELL_FORMED, Some(at), message);
        }
    }

    /// The report's header says this.
    pub(crate) fn declare_report(&mut self, declared: Declared) {
        if declared.tests.is_some() && self.roots == 1 {
            self.report = Some(declared);
        }
    }

    /// A suite that is in no other suite says this.
    pub(crate) fn declare_suite(&mut self, declared: Declared) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0).saturating_add(more));
            }
        };
        add(&mut self.suites.tests, declared.tests);
        add(&mut self.suites.failures, declared.failures);
        add(&mut self.suites.errors, declared.errors);
        add(&mut self.suites.skipped, declared.skipped);
        add(&mut self.suites.disabled, declared.disabled);
        add(&mut self.suites.ignored, declared.ignored);
    }

    /// The tests so far.
    pub(crate) fn tests(&self) -> u64 {
        self.tests
    }

    /// A test had this status.
    pub(crate) fn row(&mut self, status: &str) {
        self.row_as(values::group(status));
    }

    /// A test's outcome counts as this.
    pub(crate) fn row_as(&mut self, group: Group) {
        self.tests += 1;
        match group {
            Group::Failed => self.failures += 1,
            Group::Broken => self.errors += 1,
            Group::LeftOut => self.skipped += 1,
            Group::Other => {}
        }
    }

    /// Something that is no test had this outcome.
    pub(crate) fn beside(&mut self, group: Group) {
        self.beside.tests += 1;
        match group {
            Group::Failed => self.beside.failures += 1,
            Group::Broken => self.beside.errors += 1,
            Group::LeftOut => self.beside.skipped += 1,
            Group::Other => {}
        }
    }

    /// Tells what does not agree; to be called at the end of a whole file.
    pub(crate) fn report(&self, reporter: &mut Reporter<'_>) {
        // With a second root the first report's header speaks for its own part only.
        let declared = self.report.filter(|_| self.roots == 1).unwrap_or(self.suites);
        let failed_beside = self.beside.failures + self.beside.errors > 0;
        if self.tests == 0 && !failed_beside {
            let message = match declared.tests {
                Some(tests) if tests > 0 => format!("the header says {tests} tests, the file holds none"),
                Some(_) | None => "the file holds no testcase".to_owned(),
            };
            reporter.repaired(&codes::EMPTY_REPORT, self.root, &message);
            return;
        }
        let Beside { tests, failures, errors, skipped } = self.beside;
        // Mocha counts each `failure` among the errors, others each `error` among the failures: their sum tells the same.
        let failing = declared::sum(declared.failures, declared.errors).unwrap_or(0);
        let counted = self.failures + self.errors;
        let same_failing = (counted..=counted + failures + errors).contains(&failing);
        let all = declared::sum(declared.tests, declared.ignored).unwrap_or(0);
        let without_ignored = (self.tests..=self.tests + tests).contains(&all);
        let differing: Vec<String> = [
            ("tests", declared.tests.filter(|_| !without_ignored), self.tests, tests),
            ("failures", declared.failures.filter(|_| !same_failing), self.failures, failures),
            ("errors", declared.errors.filter(|_| !same_failing), self.errors, errors),
            ("skipped", declared.left_out(), self.skipped, skipped),
        ]
        .into_iter()
        .filter_map(|(what, said, counted, beside)| {
            let said = said.filter(|said| !(counted..=counted + beside).contains(said))?;
            Some(format!("{what} {said} (counted {counted})"))
        })
        .collect();
        if !differing.is_empty() {
            let message = format!("the header says {}", differing.join(", "));
            reporter.repaired(&codes::COUNTS_DISAGREE, self.root, &message);
        }
    }
}
