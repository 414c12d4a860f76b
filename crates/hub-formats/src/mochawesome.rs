//! Mochawesome's JSON: `stats` and `results`, in each the suites of a file, in them `tests`, `beforeHooks`, `afterHooks` and
//! further suites. A merged report (`mochawesome-merge`) has more results; older versions write the suites as one object.
//!
//! A test's state is its `state`; one without a state did not run because a hook failed, and is `skipped`. A hook that failed
//! is a record of its own, the other hooks are none. A test that ended in its `timedOut` has that word. What `addContext`
//! attached is an address or a text (output), or a value (a property).

use std::ops::ControlFlow;

use hub_domain::record::{AttachmentRecord, DeclaredCounts, Record, ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill::{self, ErrorText};
use crate::json::late_suites::LateSuites;
use crate::json::{self, Path, Visit, Want};
use crate::limits;
use crate::record::counts;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

pub(crate) const FORMAT: Format =
    Format { name: "mochawesome", title: "Mochawesome JSON report", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let keys = ["beforeHooks", "afterHooks", "rootEmpty", "fullFile", "_timeout"];
    let suite = |place: &str| keys.iter().any(|key| outline.has(&format!("{place}.{key}")));
    let counted = ["stats.testsRegistered", "stats.passPercent", "stats.pendingPercent"];
    let counted = counted.iter().any(|key| outline.has(key)) && outline.has("stats.passes");
    outline.is_object && !outline.is_lines && (counted || suite("results[]") || suite("suites"))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = json::walk(input, reporter, &mut Report::default());
}

#[derive(Debug, Default)]
struct Report {
    begin: Option<At>,
    held: LateSuites,
    stats: Value,
    tests: u64,
    passed: u64,
    failed: u64,
    pending: u64,
    /// Tests that a hook kept from running and that some versions count as pending.
    kept: u64,
    rows: u64,
}

/// Whether a path is that of a suite: `results[]`, `suites` of the report, an item of `suites`.
fn is_suite(path: &Path) -> bool {
    path.len() >= 2 && matches!(json::tail::<2>(path), ["results" | "suites", "[]"])
        || path.len() == 1 && path.first().is_some_and(|key| key == "suites")
}

impl Visit for Report {
    fn want(&self, path: &Path) -> Want {
        match json::tail::<2>(path) {
            ["", ""] | ["", "results"] | [_, "suites"] => Want::Enter,
            ["", "stats"] => Want::Whole,
            ["tests" | "beforeHooks" | "afterHooks", "[]"] => Want::Whole,
            [_, "[]"] if is_suite(path) => Want::Enter,
            ["[]" | "suites", "tests" | "beforeHooks" | "afterHooks"] => Want::Enter,
            ["[]" | "suites", "title" | "file"] => Want::Whole,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.begin.get_or_insert(at);
        if is_suite(path) {
            self.held.enter(at);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let text = |value: &Value, reporter: &mut Reporter<'_>| {
            value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter))
        };
        match json::tail::<2>(path) {
            ["", "stats"] => self.stats = value,
            ["tests", "[]"] => return self.test(&value, at, reporter),
            ["beforeHooks" | "afterHooks", "[]"] => return self.hook(&value, at, reporter),
            // Not ready by its title: older versions write the file behind the tests.
            [_, "title"] => self.held.name(text(&value, reporter)),
            [_, "file"] => self.held.file(text(&value, reporter)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if is_suite(path) { self.held.leave(reporter) } else { ControlFlow::Continue(()) }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.held.finish(complete, reporter)?;
        let stats = std::mem::take(&mut self.stats);
        let said = |key: &str| json::at(&stats, &[key]).and_then(Value::as_u64);
        let skipped = [said("pending"), said("skipped")];
        let at = self.begin.unwrap_or(At { line: 1, column: 1 });
        let root = SuiteRecord {
            started_at: fill::word(json::text(&stats, &["start"]), at, reporter),
            declared: DeclaredCounts {
                tests: said("testsRegistered").or_else(|| said("tests")),
                failures: said("failures"),
                errors: None,
                skipped: skipped.into_iter().flatten().fold(None, |sum: Option<u64>, n| Some(sum.unwrap_or(0) + n)),
            },
            line: self.begin.map(|at| at.line),
            ..SuiteRecord::default()
        };
        if root.declared != DeclaredCounts::default() || root.started_at.is_some() {
            reporter.record(Record::Suite(root))?;
        }
        if complete {
            // `failures` counts hooks in older versions and not in newer ones: no more than their sum is wrong.
            let hooks = self.rows.saturating_sub(self.tests);
            let failures = said("failures").filter(|said| *said < self.failed || *said > self.failed + hooks);
            let pairs = [
                ("tests registered", said("testsRegistered"), self.tests),
                ("passes", said("passes"), self.passed),
                ("failures", failures, self.failed),
                ("pending", said("pending").filter(|said| *said != self.pending + self.kept), self.pending),
            ];
            counts::compare(self.begin, self.rows, &pairs, reporter);
        }
        ControlFlow::Continue(())
    }
}

impl Report {
    fn test(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let is = |key: &str| json::at(value, &[key]).and_then(Value::as_bool).unwrap_or_default();
        let state = match json::text(value, &["state"]) {
            // Cypress gives those that a hook kept from running the state of the pending ones.
            Some("pending") if is("skipped") && !is("pending") => {
                self.kept += 1;
                "skipped"
            }
            Some(state) => state,
            None if is("fail") => "failed",
            None if is("pass") => "passed",
            None if is("pending") => "pending",
            None => "skipped",
        };
        self.tests += 1;
        match state {
            "passed" => self.passed += 1,
            "failed" => self.failed += 1,
            "pending" => self.pending += 1,
            _ => {}
        }
        self.push(value, state, at, reporter)
    }

    fn hook(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let failed = json::text(value, &["state"]) == Some("failed")
            || json::at(value, &["fail"]).and_then(Value::as_bool) == Some(true);
        if failed { self.push(value, "failed", at, reporter) } else { ControlFlow::Continue(()) }
    }

    fn push(&mut self, value: &Value, state: &str, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.rows += 1;
        let is = |key: &str| json::at(value, &[key]).and_then(Value::as_bool).unwrap_or_default();
        let status = if state == "failed" && is("timedOut") { "timedOut" } else { state };
        let title = json::text(value, &["title"]).or_else(|| json::text(value, &["fullTitle"]));
        let mut record = Box::new(ResultRecord {
            name: title.and_then(|title| fill::text(title, Field::Name, at, reporter)).unwrap_or_default(),
            status: fill::word(Some(status), at, reporter).unwrap_or_default(),
            duration_ms: json::duration_ms(json::at(value, &["duration"]), 1.0),
            line: Some(at.line),
            ..ResultRecord::default()
        });
        // Cypress writes each try of a test; mochawesome itself does not tell of them.
        let tries = json::at(value, &["currentRetry"]).and_then(Value::as_u64).unwrap_or(0);
        record.attempt = u32::try_from(tries).unwrap_or(u32::MAX);
        record.flaky = state == "passed" && tries > 0;
        if let Some(speed) = json::text(value, &["speed"]) {
            fill::property(&mut record, "speed", speed, at, reporter);
        }
        let error = |key: &str| json::text(value, &["err", key]);
        let message = error("message").or_else(|| error("_message"));
        ErrorText::new(message, error("estack").or_else(|| error("stack")), at, reporter).put_into(&mut record);
        if let Some(name) = error("name") {
            record.error_type = fill::text(name, Field::Name, at, reporter);
        }
        if let Some(diff) = error("diff").and_then(|diff| fill::text(diff, Field::Details, at, reporter)) {
            fill::add_details(&mut record, &["[diff]\n", &diff].concat(), at, reporter);
        }
        context(&mut record, json::at(value, &["context"]), at, reporter);
        self.held.push(record, at, reporter)
    }
}

/// Takes what `addContext` attached: a value or a list of them, written as a JSON text.
fn context(record: &mut ResultRecord, context: Option<&Value>, at: At, reporter: &mut Reporter<'_>) {
    let parsed = match context {
        None | Some(Value::Null) => return,
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        Some(value) => value.clone(),
    };
    let mut output = String::new();
    let items = if let Value::Array(items) = parsed { items } else { vec![parsed] };
    for item in items.into_iter().take(limits::ATTACHMENTS) {
        let (title, value) = match (json::text(&item, &["title"]), json::at(&item, &["value"])) {
            (Some(title), Some(value)) => (Some(title.to_owned()), value.clone()),
            _ => (None, item),
        };
        match value.as_str() {
            Some(text) if is_file(text) => {
                let path = fill::text(text, Field::Name, at, reporter).unwrap_or_default();
                let name = title.and_then(|title| fill::text(&title, Field::Name, at, reporter));
                facts::attach(record, AttachmentRecord { name, path, ..AttachmentRecord::default() });
            }
            Some(text) if title.is_none() => {
                output.push_str(text);
                output.push('\n');
            }
            Some(_) | None if value.is_null() => {}
            Some(_) | None => {
                let text = json::scalar(&value).unwrap_or_else(|| value.to_string());
                fill::property(record, title.as_deref().unwrap_or("context"), &text, at, reporter);
            }
        }
    }
    record.output = fill::text(&output, Field::Output, at, reporter);
}

/// Whether a text is the address or path of a file: one word that ends in what images, videos and documents end in.
fn is_file(text: &str) -> bool {
    let text = text.trim();
    let before_query = text.split(['?', '#']).next().unwrap_or(text);
    let extension = before_query.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let known =
        ["png", "jpg", "jpeg", "gif", "webp", "svg", "mp4", "webm", "html", "txt", "log", "json", "zip", "har", "pdf"];
    let one_line = !text.contains('\n') && text.len() <= limits::NAME_CHARS;
    let named = extension.is_some_and(|extension| known.contains(&extension.as_str()));
    one_line && (named || text.starts_with("https://") || text.starts_with("http://"))
}
