//! The header of a report in JUnit's manner: numbers at the root, at each suite, or at both, which [`Counts`] brings
//! together before they are compared with the rows.

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;

use crate::junit::values;
use crate::record::counts::{Group, Rows, sum};
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
        let skipped = sum(self.skipped, self.ignored);
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
    rows: Rows,
    /// What failed outside of tests, and what ran around them: some writers count it and others do not.
    beside: Rows,
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
        let all = &mut self.suites;
        all.tests = sum(all.tests, declared.tests);
        all.failures = sum(all.failures, declared.failures);
        all.errors = sum(all.errors, declared.errors);
        all.skipped = sum(all.skipped, declared.skipped);
        all.disabled = sum(all.disabled, declared.disabled);
        all.ignored = sum(all.ignored, declared.ignored);
    }

    /// The tests so far.
    pub(crate) fn tests(&self) -> u64 {
        self.rows.tests
    }

    /// A test had this status.
    pub(crate) fn row(&mut self, status: &str) {
        self.row_as(values::group(status));
    }

    /// A test's outcome counts as this.
    pub(crate) fn row_as(&mut self, group: Group) {
        self.rows.add(group);
    }

    /// Something that is no test had this outcome.
    pub(crate) fn beside(&mut self, group: Group) {
        self.beside.add(group);
    }

    /// Tells what does not agree; to be called at the end of a whole file.
    pub(crate) fn report(&self, reporter: &mut Reporter<'_>) {
        // With a second root the first report's header speaks for its own part only.
        let declared = self.report.filter(|_| self.roots == 1).unwrap_or(self.suites);
        let most = self.rows.plus(self.beside);
        let mut counts = DeclaredCounts::from(declared);
        // TestNG counts the ignored apart from all tests: with them the number agrees as well.
        let all = sum(declared.tests, declared.ignored);
        if all.is_some_and(|all| (self.rows.tests..=most.tests).contains(&all)) {
            counts.tests = all;
        }
        self.rows.report(most, &counts, self.root, reporter);
    }
}
