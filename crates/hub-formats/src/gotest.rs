//! The events of `go test -json`, one on each line, also with other lines between them.
//!
//! A result for each test and each of its subtests, as gotestsum counts them: a parent is a test of its own, which can
//! fail where its subtests pass, and it says how many subtests it has. The suite is the package. A test without an end
//! (a panic, a timeout, a process that was killed) is a result when its package ends or the file does: `fail` where it
//! panicked, else `error`. A package that failed without a failed test (its build, its `TestMain`) is a result as well.
//! Packages without tests are suites without results. Repetitions (`-count`, reruns) are results of their own.

use std::collections::HashMap;
use std::ops::ControlFlow;

use hub_domain::codes;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Line};
use crate::limits;
use crate::record::printed::Printed;
use crate::record::report::Report;
use crate::reporter::{At, Reporter};

mod ends;
mod failure;
mod history;

use history::History;

pub(crate) const FORMAT: Format =
    Format { name: "gotest-json", title: "go test -json", holds: Holds::Results, spread: false, sniff, read };

const ACTIONS: &[&str] = &[
    "start",
    "run",
    "pause",
    "cont",
    "pass",
    "bench",
    "fail",
    "output",
    "skip",
    "build-output",
    "build-fail",
    "attr",
    "artifacts",
];

/// Packages, builds or tests that are open at a time.
const OPEN: usize = 100_000;

fn sniff(head: &Head<'_>) -> bool {
    json::first_lines(head).next().is_some_and(|line| is_event(&line))
}

fn is_event(line: &Value) -> bool {
    let named = json::text(line, &["Package"]).or_else(|| json::text(line, &["ImportPath"])).is_some();
    named && json::text(line, &["Action"]).is_some_and(|action| ACTIONS.contains(&action))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut go = Go::new(input.at());
    let flow = json::lines(input, reporter, &mut |line, at, reporter| go.line(line, at, reporter));
    if flow.is_continue() || reporter.is_fatal() {
        let _ = go.finish(reporter);
    }
}

struct Go {
    report: Report,
    packages: HashMap<String, Package>,
    /// What building a package printed, by its import path.
    builds: HashMap<String, Printed>,
    history: History,
    /// Lines that are no events, and the first one's place.
    stray: u64,
    first_stray: Option<At>,
    /// What these lines said since the last package that they ended.
    text: Printed,
    last: At,
    order: u64,
}

/// A package that has begun and not ended.
#[derive(Default)]
struct Package {
    started: Option<String>,
    output: Printed,
    tests: HashMap<String, Test>,
    failed: u64,
    subtests: HashMap<String, u64>,
    cached: bool,
    /// Whether it printed that it failed, which is the last that it prints.
    printed_end: bool,
    coverage: Option<String>,
    order: u64,
}

struct Test {
    at: At,
    order: u64,
    started: Option<String>,
    output: Printed,
    attributes: Vec<(String, String)>,
}

impl Go {
    fn new(at: At) -> Self {
        Self {
            report: Report::new(at),
            packages: HashMap::new(),
            builds: HashMap::new(),
            history: History::default(),
            stray: 0,
            first_stray: None,
            text: Printed::default(),
            last: at,
            order: 0,
        }
    }

    fn line(&mut self, line: Line, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.last = at;
        match line {
            Line::Value(event) if is_event(&event) => self.event(&event, at, reporter),
            Line::Value(_) => self.stray(None, at, reporter),
            Line::Other(text) => self.stray(Some(&text), at, reporter),
        }
    }

    fn stray(&mut self, text: Option<&str>, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let damaged = |text: &str| {
            text.starts_with("{\"Time\"") || text.starts_with("{\"Action\"") || text.starts_with("{\"ImportPath\"")
        };
        if text.is_some_and(damaged) {
            reporter.rejected(&codes::NOT_WELL_FORMED, Some(at), "an event is damaged or ends too early", None);
            return ControlFlow::Continue(());
        }
        self.stray += 1;
        self.first_stray.get_or_insert(at);
        let Some(text) = text else { return ControlFlow::Continue(()) };
        self.text.line(text);
        // Before Go 1.24 a build that fails says so in plain text only.
        let mut words = text.split_whitespace();
        let (Some("FAIL"), Some(package)) = (words.next(), words.next()) else { return ControlFlow::Continue(()) };
        if text.contains("[build failed]") || text.contains("[setup failed]") {
            let printed = std::mem::take(&mut self.text).into_text();
            return self.broken_package(package, printed, None, at, reporter);
        }
        ControlFlow::Continue(())
    }

    fn event(&mut self, event: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let action = json::text(event, &["Action"]).unwrap_or_default();
        let output = event.get("Output").and_then(Value::as_str).unwrap_or_default();
        if action == "build-output" {
            let build = json::text(event, &["ImportPath"]).unwrap_or_default();
            if self.builds.len() < OPEN || self.builds.contains_key(build) {
                self.builds.entry(build.to_owned()).or_default().push(output);
            }
            return ControlFlow::Continue(());
        }
        let Some(name) = json::text(event, &["Package"]) else { return ControlFlow::Continue(()) };
        self.order += 1;
        let order = self.order;
        let full = self.packages.len() >= OPEN && !self.packages.contains_key(name);
        if full {
            reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), "too many packages are open at once", Some(name));
            return ControlFlow::Continue(());
        }
        let time = json::text(event, &["Time"]);
        let package = self.packages.entry(name.to_owned()).or_insert_with(|| Package { order, ..Package::default() });
        if package.started.is_none() {
            package.started = time.map(str::to_owned);
        }
        let Some(test) = json::text(event, &["Test"]) else {
            return match action {
                "output" => {
                    package.printed_end |= is_end(output, name);
                    package.output(output);
                    ControlFlow::Continue(())
                }
                "pass" | "fail" | "skip" => self.end_package(name, action, event, at, reporter),
                _ => ControlFlow::Continue(()),
            };
        };
        if package.tests.len() >= OPEN && !package.tests.contains_key(test) {
            reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), "too many tests are open at once", Some(test));
            return ControlFlow::Continue(());
        }
        let new = || Test::new(at, order, time);
        match action {
            // A benchmark has no end of its own.
            "bench" if test.starts_with("Benchmark") => {
                package.tests.entry(test.to_owned()).or_insert_with(new).output.push(output);
                ControlFlow::Continue(())
            }
            "output" => {
                // A panic ends the package inside of its test, and before Go 1.20 no event follows.
                package.printed_end |= is_end(output, name);
                // What a test says after its end must not open it again.
                match package.tests.get_mut(test) {
                    Some(open) => open.output.push(output),
                    None => package.output.push(output),
                }
                ControlFlow::Continue(())
            }
            "attr" => {
                let open = package.tests.entry(test.to_owned()).or_insert_with(new);
                let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                if open.attributes.len() < limits::PROPERTIES {
                    open.attributes.push((text("Key"), text("Value")));
                }
                ControlFlow::Continue(())
            }
            "pass" | "fail" | "skip" => {
                let open = package.tests.remove(test).unwrap_or_else(new);
                let elapsed = event.get("Elapsed");
                let elapsed = values::told(elapsed, json::duration_ms(elapsed, 1_000.0), "Elapsed", at, reporter);
                self.end_test(name, test, open, action, elapsed, reporter)
            }
            "run" => {
                if let Some(unended) = package.tests.insert(test.to_owned(), new()) {
                    return self.end_test(name, test, unended, "", None, reporter);
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Whether a text is the line with which a package that failed ends.
fn is_end(text: &str, package: &str) -> bool {
    text.strip_prefix("FAIL\t").and_then(|rest| rest.strip_prefix(package)).is_some_and(|rest| rest.starts_with('\t'))
}

impl Package {
    fn output(&mut self, text: &str) {
        self.cached |= text.starts_with("ok") && text.contains("(cached)");
        if let Some((_, covered)) = text.split_once("coverage: ") {
            self.coverage = Some(covered.trim().to_owned());
        }
        self.output.push(text);
    }
}

impl Test {
    fn new(at: At, order: u64, started: Option<&str>) -> Self {
        let started = started.map(str::to_owned);
        Self { at, order, started, output: Printed::default(), attributes: Vec::new() }
    }
}
