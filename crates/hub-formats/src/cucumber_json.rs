//! Cucumber's JSON reports, in the dialects of cucumber-jvm, -js, -ruby, behave, SpecFlow, Reqnroll, pytest-bdd, godog and
//! Karate: an array of features (or an object that holds it as `features`), in them `elements`, in them `steps`.
//!
//! A feature's `metadata` names device, browser and platform. A scenario is a record; its status is that of its gravest step or hook, or its own where that is graver (behave tells a
//! failed hook so). The steps of a `background` belong to the scenario behind it; a background whose steps have no results
//! is a description (behave) and is passed over. A scenario without a step is `undefined`. Hooks that passed are no steps.
//!
//! Durations are nanoseconds, with two exceptions. A scenario with a `location` and no `line` is behave's, which counts
//! seconds. cucumber-js 2 and 3 counted milliseconds: a file is theirs once a scenario in cucumber-js' shape (`arguments`
//! beside a step, or a `hidden` hook) ran and took less than 5,000 of the unit in all, because no scenario of Node.js
//! ends in 5 microseconds.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json::fill;
use crate::json::late_suites::{LateSuites, Place};
use crate::json::{self, Path, Visit, Want};
use crate::record::counts;
use crate::reporter::{At, Field, Reporter};

mod scenario;

use scenario::{Scenario, Unit};

pub(crate) const FORMAT: Format =
    Format { name: "cucumber-json", title: "Cucumber JSON report", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let outline = head.outline();
    let feature = |place: &str| {
        let has = |key: &str| outline.has(&format!("{place}{key}"));
        let element = ["keyword", "type", "steps", "before", "after"];
        element.iter().any(|key| has(&format!("elements[].{key}")))
            || has("keyword") && (has("uri") || has("location") || has("elements"))
    };
    outline.is_array && feature("[].") || outline.is_object && feature("features[].")
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = json::walk(input, reporter, &mut Report::default());
}

#[derive(Debug, Default)]
struct Report {
    begin: Option<At>,
    held: LateSuites,
    background: Option<(Scenario, At)>,
    /// The name of the scenario before, where nothing else stands between.
    last_name: Option<String>,
    /// Whether a scenario showed that the file counts milliseconds.
    in_ms: bool,
    rows: u64,
}

/// Whether a path is that of a feature.
fn is_feature(path: &Path) -> bool {
    json::is(path, "[]") || json::is(path, "features[]")
}

impl Visit for Report {
    fn want(&self, path: &Path) -> Want {
        if path.is_empty() || json::is(path, "features") || is_feature(path) {
            return Want::Enter;
        }
        match json::tail::<2>(path) {
            ["[]", "elements"] => Want::Enter,
            ["elements", "[]"] | ["[]", "name" | "uri" | "location" | "tags" | "metadata"] => Want::Whole,
            _ => Want::Nothing,
        }
    }

    fn enter(&mut self, path: &Path, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
        self.begin.get_or_insert(at);
        if is_feature(path) {
            self.held.enter(at);
        }
        ControlFlow::Continue(())
    }

    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let text =
            |text: &str, reporter: &mut Reporter<'_>| fill::text(text, Field::Name, at, reporter).unwrap_or_default();
        match (json::tail::<2>(path), &value) {
            (["elements", "[]"], _) => return self.element(&value, at, reporter),
            ([_, "name"], Value::String(name)) => self.held.name(Some(text(name, reporter))),
            ([_, "uri"], Value::String(uri)) => self.held.file(Some(text(uri, reporter))),
            ([_, "location"], Value::String(place)) => {
                let file = place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file);
                self.held.file(Some(text(file, reporter)));
            }
            ([_, "metadata"], Value::Object(_)) => self.held.place(place(&value, at, reporter)),
            ([_, "tags"], Value::Array(tags)) => {
                for tag in tags.iter().filter_map(tag_name) {
                    self.held.tag(tag);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if !is_feature(path) {
            return ControlFlow::Continue(());
        }
        self.lone_background(reporter)?;
        self.held.leave(reporter)
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.lone_background(reporter)?;
        self.held.finish(complete, reporter)?;
        if complete {
            counts::compare(self.begin, self.rows, &[], reporter);
        }
        ControlFlow::Continue(())
    }
}

impl Report {
    fn element(&mut self, element: &Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if !element.is_object() {
            reporter.rejected(&codes::UNREADABLE_VALUE, Some(at), "an element of a feature is no object", None);
            return ControlFlow::Continue(());
        }
        let kind = json::text(element, &["type"]);
        let is_background = kind == Some("background")
            || kind.is_none() && json::text(element, &["keyword"]).is_some_and(|word| word.trim() == "Background");
        let mut scenario = if is_background { None } else { self.background.take() }.map(|(scenario, _)| scenario);
        let mut scenario = scenario.take().unwrap_or_default();
        scenario.take(element, at, reporter);
        // cucumber-rs writes a background behind its scenario and under its name: where it passed it says nothing new,
        // and where it did not the scenario has no steps of its own.
        let name = json::text(element, &["name"]);
        if is_background && name.is_some() && name == self.last_name.as_deref() && !scenario.failed() {
            return ControlFlow::Continue(());
        }
        self.last_name = name.filter(|_| !is_background).map(str::to_owned);
        if is_background {
            // Two backgrounds in a row: that of the feature and that of a rule.
            if let Some((mut before, begin)) = self.background.take() {
                before.take(element, at, reporter);
                self.background = Some((before, begin));
            } else if scenario.ran() {
                self.background = Some((scenario, at));
            }
            return ControlFlow::Continue(());
        }
        self.push(scenario, Some(element), at, reporter)
    }

    /// A background that no scenario followed ran all the same.
    fn lone_background(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match self.background.take() {
            Some((scenario, at)) => self.push(scenario, None, at, reporter),
            None => ControlFlow::Continue(()),
        }
    }

    fn push(
        &mut self,
        scenario: Scenario,
        element: Option<&Value>,
        at: At,
        reporter: &mut Reporter<'_>,
    ) -> ControlFlow<()> {
        self.in_ms |= scenario.shows_ms();
        let unit = if self.in_ms { Unit::Milliseconds } else { Unit::Nanoseconds };
        let mut record: Box<ResultRecord> = scenario.close(unit, at, reporter);
        match element {
            Some(element) => scenario::describe(&mut record, element, at, reporter),
            None => record.name = "Background".to_owned(),
        }
        self.rows += 1;
        self.held.push(record, at, reporter)
    }
}

/// Where a feature ran, as reporters of WebdriverIO, Protractor and Cypress write it: names with versions, and a device.
fn place(metadata: &Value, at: At, reporter: &mut Reporter<'_>) -> Place {
    let mut named = |key: &str| -> Option<String> {
        let name = json::text(metadata, &[key, "name"]).or_else(|| json::text(metadata, &[key]))?;
        let version = json::at(metadata, &[key, "version"]).and_then(json::scalar).unwrap_or_default();
        fill::text(format!("{name} {version}").trim(), Field::Name, at, reporter)
    };
    Place { device: named("device"), browser: named("browser"), platform: named("platform") }
}

/// A tag's name: an object with a name, or a text (behave).
fn tag_name(tag: &Value) -> Option<&str> {
    json::text(tag, &["name"]).or_else(|| tag.as_str())
}
