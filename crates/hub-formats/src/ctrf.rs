//! CTRF, the Common Test Report Format: version 1 and the older 0.0 reports, which name no format.
//!
//! The status is the report's `status`; a `rawStatus` that says more stays a property, and it is the status where the
//! report says `other`. `environment` may stand behind the tests, so they wait for it, within a bound.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::DeclaredCounts;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Path, Visit, Want};
use crate::record::held::Held;
use crate::record::report::Report;
use crate::record::rows;
use crate::reporter::{At, Reporter};

mod test;

pub(crate) const FORMAT: Format = Format {
    name: "ctrf",
    title: "CTRF (Common Test Report Format)",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let of_tests = outline.has("results.tests") || outline.has("results.summary.tests");
    outline.is_object
        && !outline.is_lines
        && (outline.text("reportFormat") == Some("CTRF") || (outline.has("results.tool.name") && of_tests))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut ctrf = Ctrf {
        report: Report::new(input.at()),
        summary: None,
        environment: None,
        held: Held::default(),
        waits: true,
        raw: false,
    };
    let _ = json::walk(input, reporter, &mut ctrf);
}

struct Ctrf {
    report: Report,
    summary: Option<Value>,
    environment: Option<Value>,
    held: Held,
    waits: bool,
    /// Whether a row took its status from `rawStatus`.
    raw: bool,
}

impl Ctrf {
    fn header(&mut self, key: &str, value: Value) {
        match key {
            "tool" => {
                self.report.property("tool", json::at(&value, &["name"]).and_then(values::scalar));
                self.report.property("tool version", json::at(&value, &["version"]).and_then(values::scalar));
            }
            "summary" => {
                let count = |key: &str| json::at(&value, &[key]).and_then(Value::as_u64);
                let left_out = count("skipped").map(|skipped| skipped.saturating_add(count("pending").unwrap_or(0)));
                self.report.suite.declared = DeclaredCounts {
                    tests: count("tests"),
                    failures: count("failed"),
                    errors: None,
                    skipped: left_out.or(count("pending")),
                };
                self.report.suite.started_at = values::moment(json::at(&value, &["start"]));
                self.report.property("flaky", count("flaky").map(|count| count.to_string()));
                self.summary = Some(value);
            }
            "environment" => {
                self.report
                    .suite
                    .properties
                    .extend(values::pairs(Some(&value)).into_iter().filter(|(key, _)| key != "extra"));
                self.report.suite.properties.extend(values::pairs(json::at(&value, &["extra"])));
                self.environment = Some(value);
            }
            _ => self.report.property(key, values::scalar(&value)),
        }
    }

    fn test(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let mut record = test::record(value);
        let (duration, start) = (value.get("duration"), value.get("start"));
        record.duration_ms = values::told(duration, json::duration_ms(duration, 1.0), "duration", at, reporter);
        record.started_at = values::told(start, values::moment(start), "start", at, reporter);
        self.raw |= json::text(value, &["status"]).is_some_and(|status| status != record.status);
        let Some(mut record) = rows::tidied(record, at, reporter) else { return ControlFlow::Continue(()) };
        if !self.waits || self.environment.is_some() {
            self.place(&mut record);
            return self.report.tidy_row(record, reporter);
        }
        if let Some(mut record) = self.held.push(record) {
            let message = "more tests than can wait stand before the environment; they were taken without it";
            reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), message);
            self.waits = false;
            self.hand_on(reporter)?;
            self.place(&mut record);
            return self.report.tidy_row(record, reporter);
        }
        ControlFlow::Continue(())
    }

    /// Puts the run's environment into a row.
    fn place(&self, record: &mut hub_domain::record::ResultRecord) {
        let Some(environment) = &self.environment else { return };
        let text = |key: &str| json::text(environment, &[key]).map(|text| text.trim().to_owned());
        record.environment = record.environment.take().or_else(|| text("testEnvironment"));
        record.platform = record.platform.take().or_else(|| text("osPlatform"));
    }

    fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for mut record in self.held.take() {
            self.place(&mut record);
            self.report.tidy_row(Box::new(record), reporter)?;
        }
        ControlFlow::Continue(())
    }
}

impl Visit for Ctrf {
    fn want(&self, path: &Path) -> Want {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys.as_slice() {
            [] | ["results"] | ["results", "tests"] => Want::Enter,
            ["results", "tests", "[]"] | ["results", "tool" | "summary" | "environment"] => Want::Whole,
            ["reportId" | "timestamp" | "specVersion" | "generatedBy"] => Want::Whole,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, _: &Path, _: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if json::is(path, "results.tests[]") {
            return self.test(&value, at, reporter);
        }
        self.header(path.last().map(String::as_str).unwrap_or_default(), value);
        ControlFlow::Continue(())
    }

    fn leave(&mut self, _: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.hand_on(reporter)?;
        let count = |key: &str| self.summary.as_ref().and_then(|s| json::at(s, &[key])).and_then(Value::as_u64);
        let words = &self.report.words;
        let said = |key: &'static str| (key, count(key), words.of(&[key]));
        let mut said = vec![
            ("tests", count("tests"), words.all()),
            said("passed"),
            said("failed"),
            said("skipped"),
            said("pending"),
        ];
        // Rows that say `other` are counted by what they say besides.
        if self.raw {
            said.retain(|(key, _, _)| *key == "tests" || *key == "passed");
        } else {
            said.push(("other", count("other"), words.of(&["other"])));
        }
        self.report.finish(complete, &said, reporter)
    }
}
