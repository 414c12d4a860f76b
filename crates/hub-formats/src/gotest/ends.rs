//! Where tests, packages and the events end: the rows that they make.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{ResultRecord, SuiteRecord};
use serde_json::Value;

use super::{Go, Test, failure};
use crate::json;
use crate::json::values;
use crate::record::printed::Printed;
use crate::record::rows;
use crate::reporter::{At, Reporter};

impl Go {
    /// A test ends, or its package did without it where `action` is empty.
    pub(super) fn end_test(
        &mut self,
        package: &str,
        name: &str,
        test: Test,
        action: &str,
        elapsed: Option<u64>,
        reporter: &mut Reporter<'_>,
    ) -> ControlFlow<()> {
        let printed = failure::without_frames(&test.output.into_text());
        let status = match action {
            "" if failure::is_panic(&printed) => "fail",
            "" => "error",
            action => action,
        };
        let said = failure::Said::of(&printed);
        let failed = status == "fail" || status == "error";
        let mut properties = test.attributes;
        if let Some(open) = self.packages.get_mut(package) {
            open.failed += u64::from(failed);
            if let Some((parent, _)) = name.rsplit_once('/') {
                *open.subtests.entry(parent.to_owned()).or_default() += 1;
            }
            if let Some(subtests) = open.subtests.remove(name) {
                properties.push(("subtests".to_owned(), subtests.to_string()));
            }
        }
        let message = match (action, said.message) {
            ("", None) => Some("the test did not end".to_owned()),
            (_, message) => message.filter(|_| failed || status == "skip"),
        };
        let (attempt, flaky) = self.history.add(package, name, failed);
        let record = ResultRecord {
            suite: vec![package.to_owned()],
            class_name: Some(package.to_owned()),
            name: name.to_owned(),
            attempt,
            flaky: flaky && status == "pass",
            status: status.to_owned(),
            duration_ms: elapsed,
            started_at: test.started,
            error_type: said.kind.filter(|_| failed),
            message,
            details: failed.then(|| printed.clone()),
            output: (!failed).then_some(printed),
            properties,
            ..ResultRecord::default()
        };
        self.report.row(record, test.at, reporter)
    }

    pub(super) fn end_package(
        &mut self,
        name: &str,
        action: &str,
        event: &Value,
        at: At,
        reporter: &mut Reporter<'_>,
    ) -> ControlFlow<()> {
        self.end_tests(name, action == "pass", reporter)?;
        let Some(package) = self.packages.remove(name) else { return ControlFlow::Continue(()) };
        let mut properties: Vec<(String, String)> = Vec::new();
        let elapsed = event.get("Elapsed").and_then(values::scalar);
        let cached = package.cached.then(|| "true".to_owned());
        for (key, value) in [("elapsed", elapsed), ("coverage", package.coverage), ("cached", cached)] {
            properties.extend(value.map(|value| (key.to_owned(), value)));
        }
        let suite = SuiteRecord {
            path: vec![name.to_owned()],
            started_at: package.started.clone(),
            properties,
            ..SuiteRecord::default()
        };
        rows::suite(suite, at, reporter)?;
        if action != "fail" || package.failed > 0 {
            return ControlFlow::Continue(());
        }
        let build = json::text(event, &["FailedBuild"]).and_then(|build| self.builds.remove(build));
        let mut printed = build.map(Printed::into_text).unwrap_or_default();
        printed.push_str(&package.output.into_text());
        self.broken_package(name, printed, package.started, at, reporter)
    }

    /// Ends the tests that a package leaves open.
    fn end_tests(&mut self, package: &str, passed: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(open) = self.packages.get_mut(package) else { return ControlFlow::Continue(()) };
        let mut tests: Vec<(String, Test)> = open.tests.drain().collect();
        tests.sort_by_key(|(_, test)| test.order);
        for (name, test) in tests {
            // A benchmark has no end of its own, only a line with what it measured.
            let ended = name.starts_with("Benchmark") && (passed || test.output.holds(" ns/op"));
            self.end_test(package, &name, test, if ended { "pass" } else { "" }, None, reporter)?;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn broken_package(
        &mut self,
        package: &str,
        printed: String,
        started: Option<String>,
        at: At,
        reporter: &mut Reporter<'_>,
    ) -> ControlFlow<()> {
        let said = failure::Said::of(&failure::without_frames(&printed));
        let (attempt, _) = self.history.add(package, "", true);
        let record = ResultRecord {
            suite: vec![package.to_owned()],
            class_name: Some(package.to_owned()),
            name: package.to_owned(),
            attempt,
            status: "error".to_owned(),
            started_at: started,
            error_type: said.kind,
            message: said.message.or_else(|| Some("the package failed without a failed test".to_owned())),
            details: Some(printed),
            ..ResultRecord::default()
        };
        self.report.row(record, at, reporter)
    }

    pub(super) fn finish(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut open: Vec<(u64, String)> = self.packages.iter().map(|(name, p)| (p.order, name.clone())).collect();
        open.sort();
        for (_, name) in &open {
            self.end_tests(name, false, reporter)?;
            if self.packages.get(name).is_some_and(|package| package.printed_end) {
                self.end_package(name, "fail", &Value::Null, self.last, reporter)?;
            }
        }
        open.retain(|(_, name)| self.packages.contains_key(name));
        if self.stray > 0 {
            let message = format!("lines that are no events of go test: {}", self.stray);
            reporter.repaired(&codes::NOT_WELL_FORMED, self.first_stray, &message);
        }
        self.report.finish(true, &[], reporter)?;
        if let Some((_, first)) = open.first()
            && !reporter.is_fatal()
        {
            let message = format!("the events end while packages are open: {}", open.len());
            return reporter.fatal(&codes::NOT_WELL_FORMED, Some(self.last), &message, Some(first));
        }
        ControlFlow::Continue(())
    }
}
