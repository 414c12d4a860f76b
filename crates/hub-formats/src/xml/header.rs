//! Numbers in headers against rows: rows are the truth, and a header that says otherwise is told once per file.

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;

use crate::junit::values::{self, Group};
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
}

impl Declared {
    /// Tests left out. `disabled` counts among them, but alone it says nothing about those that were skipped.
    pub(crate) fn left_out(&self) -> Option<u64> {
        self.skipped.map(|skipped| skipped.saturating_add(self.disabled.unwrap_or(0)))
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
    roots: u32,
    root: Option<At>,
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

    /// Tells what does not agree; to be called at the end of a whole file.
    pub(crate) fn report(&self, reporter: &mut Reporter<'_>) {
        // With a second root the first report's header speaks for its own part only.
        let declared = self.report.filter(|_| self.roots == 1).unwrap_or(self.suites);
        if self.tests == 0 {
            let message = match declared.tests {
                Some(tests) if tests > 0 => format!("the header says {tests} tests, the file holds none"),
                Some(_) | None => "the file holds no testcase".to_owned(),
            };
            reporter.repaired(&codes::EMPTY_REPORT, self.root, &message);
            return;
        }
        let differing: Vec<String> = [
            ("tests", declared.tests, self.tests),
            ("failures", declared.failures, self.failures),
            ("errors", declared.errors, self.errors),
            ("skipped", declared.left_out(), self.skipped),
        ]
        .into_iter()
        .filter_map(|(what, said, counted)| {
            said.filter(|said| *said != counted).map(|said| format!("{what} {said} (counted {counted})"))
        })
        .collect();
        if !differing.is_empty() {
            let message = format!("the header says {}", differing.join(", "));
            reporter.repaired(&codes::COUNTS_DISAGREE, self.root, &message);
        }
    }
}
