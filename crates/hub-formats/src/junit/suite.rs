//! The suites around a test: their path, their host, and the records that are not handed on yet.

use std::ops::ControlFlow;

use hub_domain::record::{DeclaredCounts, Record, SuiteRecord};

use crate::limits;
use crate::record::counts;
use crate::reporter::{Field, Reporter};
use crate::xml::header::Declared;
use crate::xml::{Fault, Start};

#[derive(Debug, Default)]
struct Suite {
    /// Whether it added its name to the path.
    named: bool,
    name: String,
    host: Option<String>,
    /// Not handed on yet.
    record: Option<Box<SuiteRecord>>,
}

/// The open suites.
#[derive(Debug, Default)]
pub(super) struct Suites {
    path: Vec<String>,
    open: Vec<Suite>,
    waiting: bool,
    /// The report's element has both `id` and `name`, as Playwright always writes it.
    like_playwright: bool,
}

impl Suites {
    /// The names of the open suites, outermost first.
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// Begins a suite, or the report itself; returns the numbers in its header.
    ///
    /// # Errors
    /// The tag is damaged.
    pub(super) fn open(
        &mut self,
        start: &Start<'_>,
        is_report: bool,
        reporter: &mut Reporter<'_>,
    ) -> Result<Declared, Fault> {
        let mut suite = Suite::default();
        let mut record = Box::new(SuiteRecord { line: Some(start.at.line), ..SuiteRecord::default() });
        let mut declared = Declared::default();
        let (mut has_id, mut has_name, mut started) = (false, false, false);
        start.attributes(reporter, |key, raw, reporter| match key {
            "name" => {
                has_name = true;
                suite.name = start.value(raw, Field::Name, reporter);
            }
            "id" => has_id = true,
            "hostname" => suite.host = Some(start.value(raw, Field::Name, reporter)),
            "file" | "filepath" => record.file = Some(start.value(raw, Field::Name, reporter)),
            "timestamp" => {
                started = true;
                record.started_at = Some(start.value(raw, Field::Name, reporter));
            }
            "tests" => declared.tests = counts::number(Some(raw)),
            "failures" => declared.failures = counts::number(Some(raw)),
            "errors" => declared.errors = counts::number(Some(raw)),
            "ignored" => declared.ignored = counts::number(Some(raw)),
            "skipped" | "skips" | "skip" => declared.skipped = counts::number(Some(raw)),
            "disabled" => declared.disabled = counts::number(Some(raw)),
            _ => {}
        })?;
        suite.host = suite.host.filter(|host| !host.trim().is_empty());
        record.file = record.file.filter(|file| !file.trim().is_empty());
        record.started_at = record.started_at.filter(|time| !time.trim().is_empty());
        record.host.clone_from(&suite.host);
        record.declared = DeclaredCounts {
            tests: declared.tests,
            failures: declared.failures,
            errors: declared.errors,
            skipped: declared.left_out(),
        };
        let named = !suite.name.trim().is_empty();
        if is_report {
            self.like_playwright = has_id && has_name;
            if named {
                record.properties.push(("name".to_owned(), suite.name.clone()));
            }
        } else if named {
            suite.named = true;
            self.path.push(suite.name.clone());
        }
        record.path.clone_from(&self.path);
        // A bare `<testsuites>` says nothing.
        if !is_report || named || started || declared != Declared::default() {
            suite.record = Some(record);
            self.waiting = true;
        }
        self.open.push(suite);
        Ok(declared)
    }

    /// Takes a property of the innermost suite.
    pub(super) fn property(&mut self, name: String, value: String) {
        if let Some(record) = self.open.last_mut().and_then(|suite| suite.record.as_mut())
            && record.properties.len() < limits::PROPERTIES
            && !name.is_empty()
        {
            record.properties.push((name, value));
        }
    }

    /// Hands on the suites that have begun.
    pub(super) fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.waiting {
            self.waiting = false;
            for suite in &mut self.open {
                if let Some(record) = suite.record.take() {
                    reporter.record(Record::Suite(*record))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Ends the innermost suite.
    pub(super) fn close(&mut self) {
        if self.open.pop().is_some_and(|suite| suite.named) {
            self.path.pop();
        }
    }

    /// The device of a test: the suite's `hostname` where that is a browser project of Playwright and not a machine.
    ///
    /// It is a project where it holds a character that no host name can hold (`Desktop Chrome`), or where the report
    /// has Playwright's shape: `id` and `name` at `testsuites`, and tests whose class is their suite's name (vitest,
    /// which also names suites by file and writes a true host name, has no `id`).
    pub(super) fn device(&self, class_name: Option<&str>) -> Option<String> {
        let suite = self.open.last()?;
        let host = suite.host.as_deref()?;
        let impossible = host.chars().any(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')));
        let shape = self.like_playwright && class_name == Some(suite.name.as_str());
        (impossible || shape).then(|| host.to_owned())
    }
}
