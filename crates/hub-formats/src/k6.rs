//! k6's end-of-test summary: of `--summary-export`, and the `data` that a script's `handleSummary` writes.
//!
//! Thresholds and checks are the tests. A threshold is `failed` or `passed`; the older shape writes whether it failed
//! (`"p(95)<500": false` is a pass), the other `{"ok": true}`. A check is `failed` where one of its executions failed, as
//! k6 marks it, with both numbers in its message. Groups are suites. The values of a metric are properties of its
//! thresholds, and of the whole report where it has none. Setup data is never read: it carries tokens.

use std::ops::ControlFlow;

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::values;
use crate::json::{self, Path, Visit, Want};
use crate::limits;
use crate::record::report::Report;
use crate::reporter::{At, Reporter};

pub(crate) const FORMAT: Format =
    Format { name: "k6-summary", title: "k6 end-of-test summary", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let known =
        ["iterations", "iteration_duration", "http_reqs", "http_req_duration", "vus", "data_received", "checks"];
    let of_k6 = |metric: &&str| outline.has(&format!("metrics.{metric}"));
    let group = outline.has_all(&["root_group.path", "root_group.checks"]);
    outline.is_object
        && !outline.is_lines
        && (group || (outline.has("metrics") && known.iter().filter(|m| of_k6(m)).count() > 1))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut k6 = K6 {
        report: Report::new(input.at()),
        groups: Vec::new(),
        named: Vec::new(),
        said: [None; 2],
        made: [0; 2],
        has_groups: false,
    };
    let _ = json::walk(input, reporter, &mut k6);
}

struct K6 {
    report: Report,
    /// The names of the open groups below the root.
    groups: Vec<Option<String>>,
    /// Checks that wait for the name of their group: in an array a group may say its name behind them.
    named: Vec<(usize, ResultRecord, At)>,
    /// Passes and fails of the metric `checks`, and of the checks themselves.
    said: [Option<u64>; 2],
    made: [u64; 2],
    has_groups: bool,
}

/// How many groups below the root a path is in, and what is left of it.
fn in_group(path: &Path) -> Option<(usize, &Path)> {
    let mut rest = path.strip_prefix(&["root_group".to_owned()])?;
    let mut depth = 0;
    while let [groups, _, inner @ ..] = rest
        && groups == "groups"
    {
        depth += 1;
        rest = inner;
    }
    Some((depth, rest))
}

impl K6 {
    fn metric(&mut self, name: &str, value: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let inner = value.get("values").filter(|values| values.is_object()).unwrap_or(value);
        let mut values = values::pairs(Some(inner));
        values.retain(|(key, _)| !matches!(key.as_str(), "thresholds" | "type" | "contains"));
        for (key, value) in ["type", "contains"].iter().filter_map(|key| Some((*key, value.get(*key)?))) {
            values.extend(values::scalar(value).map(|value| (key.to_owned(), value)));
        }
        if name == "checks" {
            self.said = ["passes", "fails"].map(|key| inner.get(key).and_then(Value::as_u64));
        }
        let thresholds = value.get("thresholds").and_then(Value::as_object).filter(|thresholds| !thresholds.is_empty());
        let Some(thresholds) = thresholds else {
            let texts: Vec<String> = values.iter().map(|(key, value)| format!("{key}={value}")).collect();
            self.report.property(name, Some(texts.join(" ")));
            return ControlFlow::Continue(());
        };
        for (threshold, outcome) in thresholds {
            let ok = match outcome {
                // The older shape says whether it failed.
                Value::Bool(failed) => Some(!failed),
                Value::Object(outcome) => outcome.get("ok").and_then(Value::as_bool),
                Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
            };
            let status = match ok {
                Some(true) => "passed",
                Some(false) => "failed",
                None => "unknown",
            };
            let measured = || {
                let key = threshold.split(['<', '>', '=', '!']).next().unwrap_or_default().trim();
                let value = values.iter().find(|(name, _)| name == key)?;
                Some(format!("{name}: {threshold} was crossed ({key} = {})", value.1))
            };
            let record = ResultRecord {
                suite: vec!["thresholds".to_owned(), name.to_owned()],
                name: format!("{name}: {threshold}"),
                status: status.to_owned(),
                message: (ok == Some(false))
                    .then(|| measured().unwrap_or_else(|| format!("{name}: {threshold} was crossed"))),
                properties: values.clone(),
                ..ResultRecord::default()
            };
            self.report.row(record, at, reporter)?;
        }
        ControlFlow::Continue(())
    }

    fn check(&mut self, key: &str, value: &Value, depth: usize, at: At) {
        let count = |key: &str| value.get(key).and_then(Value::as_u64);
        let (passes, fails) = (count("passes"), count("fails"));
        self.made[0] = self.made[0].saturating_add(passes.unwrap_or(0));
        self.made[1] = self.made[1].saturating_add(fails.unwrap_or(0));
        let status = match (passes, fails) {
            (_, Some(1..)) => "failed",
            (Some(1..), _) => "passed",
            (None, None) => "unknown",
            (_, _) => "skipped",
        };
        let total = passes.unwrap_or(0).saturating_add(fails.unwrap_or(0));
        let properties = [("passes", passes), ("fails", fails)];
        let record = ResultRecord {
            name: json::text(value, &["name"]).unwrap_or(if key == "[]" { "" } else { key }).to_owned(),
            status: status.to_owned(),
            message: (status == "failed").then(|| format!("{} of {total} executions failed", fails.unwrap_or(0))),
            properties: properties
                .into_iter()
                .filter_map(|(name, count)| Some((name.to_owned(), count?.to_string())))
                .collect(),
            ..ResultRecord::default()
        };
        self.named.push((depth, record, at));
    }

    /// Hands on the checks of the groups that end.
    fn end_group(&mut self, depth: usize, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        // Inner groups have ended; those around this one may still get their names.
        if depth > 0 {
            let name = self.groups.get(depth - 1).cloned().flatten();
            for (of, record, _) in self.named.iter_mut().filter(|(of, _, _)| *of >= depth) {
                record.suite.splice(0..0, name.clone());
                *of = depth - 1;
            }
            self.groups.truncate(depth - 1);
            return ControlFlow::Continue(());
        }
        for (_, mut record, at) in std::mem::take(&mut self.named) {
            record.suite.insert(0, "checks".to_owned());
            self.report.row(record, at, reporter)?;
        }
        ControlFlow::Continue(())
    }
}

impl Visit for K6 {
    fn want(&self, path: &Path) -> Want {
        if let Some((depth, rest)) = in_group(path) {
            return match rest {
                [] if depth < limits::DEPTH => Want::Enter,
                [key] if key == "groups" || key == "checks" => Want::Enter,
                [key] if key == "name" => Want::Whole,
                [checks, _] if checks == "checks" && self.named.len() < limits::NODES_PER_ELEMENT => Want::Whole,
                _ => Want::Nothing,
            };
        }
        match path {
            [] => Want::Enter,
            [key] if key == "metrics" => Want::Enter,
            [metrics, _] if metrics == "metrics" => Want::Whole,
            [state, key] if state == "state" && key == "testRunDurationMs" => Want::Whole,
            [state] if state == "state" => Want::Enter,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, _: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.has_groups |= json::is(path, "root_group");
        if let Some((depth @ 1.., [])) = in_group(path) {
            self.groups.truncate(depth - 1);
            let key = path.last().filter(|key| *key != "[]").cloned();
            self.groups.push(key);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match in_group(path) {
            Some((depth @ 1.., [key])) if key == "name" => {
                if let (Some(name), Some(group)) = (values::scalar(&value), self.groups.get_mut(depth - 1)) {
                    *group = Some(name);
                }
            }
            Some((depth, [_, key])) => self.check(key, &value, depth, at),
            Some(_) => {}
            None => match path {
                [metrics, name] if metrics == "metrics" => return self.metric(name, &value, at, reporter),
                [_, key] => self.report.property(key, values::scalar(&value)),
                _ => {}
            },
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match in_group(path) {
            Some((depth, [])) => self.end_group(depth, reporter),
            Some(_) | None => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        for depth in (0..=self.groups.len()).rev() {
            self.end_group(depth, reporter)?;
        }
        // Without groups the report holds no checks to compare.
        let [passes, fails] = if self.has_groups { self.said } else { [None; 2] };
        let said = [("passes of checks", passes, self.made[0]), ("fails of checks", fails, self.made[1])];
        self.report.finish(complete, &said, reporter)
    }
}
