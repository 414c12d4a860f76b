//! XML of xUnit.net: v2 and v3 (`assemblies`), and a single `assembly` as v1 wrote it; Fixie and other .NET runners write
//! the same. From `ExecutionSink` of xunit.v3.runner.common and the writers before it.
//!
//! - An assembly is a suite by its file's name, because its folder differs between machines; the whole path is its file.
//!   A collection, or in v1 a class, is a suite inside it, without the random id that v3 puts behind the name.
//! - A test is called by its display name without its class; `method` is kept where the name differs from it. The
//!   arguments of a data row are parameters.
//! - A failed clean-up (`errors` of an assembly, in v1 the `failure` of a class) is a result with the status `error` and
//!   the property `fixture`: it belongs to no test and is counted by the header's `errors`.
//! - `not-run` are tests marked as explicit; they count as left out.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{DeclaredCounts, Record, ResultRecord, SuiteRecord};

use crate::family::dotnet;
use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::record::counts::{self, Group, Rows};
use crate::reporter::{At, Reporter};
use crate::xml::Xml;
use crate::xml::element::{self, Element, Visit, Want};

mod test;

pub(crate) const FORMAT: Format =
    Format { name: "xunitnet", title: "xUnit.net XML, v1 to v3", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    let Some(root @ ("assembly" | "assemblies")) = head.prolog().root else { return false };
    // Maven's assembly descriptors and the manifests of Windows have this root too, in a namespace.
    let tag = head.root_tag();
    let says = |names: &[&str]| names.iter().any(|name| tag.contains(name));
    let shaped = match root {
        "assembly" => says(&["test-framework", "run-date", "total="]),
        _ => tag.ends_with('/') || says(&["schema-version"]) || head.text.contains("<assembly"),
    };
    shaped && !says(&["xmlns="])
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut XunitNet::default());
}

/// The state of one file's reading.
#[derive(Default)]
struct XunitNet {
    path: Vec<String>,
    root: Option<At>,
    /// The assembly's own numbers, summed over the assemblies.
    declared: DeclaredCounts,
    rows: Rows,
}

impl Visit for XunitNet {
    fn want(&self, name: &str, parents: &[String]) -> Want {
        match (parents.last().map(String::as_str), name) {
            (None, "assemblies" | "assembly") | (Some("assemblies"), "assembly") => Want::Enter,
            (Some("assembly"), "collection" | "class" | "errors") | (Some("collection"), "class") => Want::Enter,
            (Some("assembly" | "collection" | "class"), "test") => Want::Whole,
            (Some("errors"), "error") | (Some("class"), "failure") => Want::Whole,
            (_, _) => Want::Nothing,
        }
    }

    fn embeds(&self, name: &str) -> bool {
        name == "attachment"
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.root.get_or_insert(head.at);
        let suite = match head.name.as_str() {
            "assemblies" => report(&head),
            "assembly" => Some(self.assembly(&head)),
            "collection" | "class" => Some(self.collection(&head)),
            _ => None,
        };
        match suite {
            Some(suite) => reporter.record(Record::Suite(suite)),
            None => ControlFlow::Continue(()),
        }
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let record = match element.name.as_str() {
            "test" => test::result(&element, reporter),
            _ => test::fixture(&element, self.path.last(), reporter),
        };
        if element.name == "error" {
            self.rows.errors += 1;
        } else if element.name == "test" {
            self.rows.add(group(&record.status));
        }
        if record.name.trim().is_empty() {
            reporter.rejected(&codes::NO_NAME, Some(element.at), "a test has no name", record.class_name.as_deref());
            return ControlFlow::Continue(());
        }
        let suite = self.path.clone();
        reporter.record(Record::Result(Box::new(ResultRecord { suite, ..record })))
    }

    fn leave(&mut self, name: &str, _: &mut Reporter<'_>) -> ControlFlow<()> {
        if matches!(name, "assembly" | "collection" | "class") {
            self.path.pop();
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if complete {
            self.rows.report(self.rows, &self.declared, self.root, reporter);
        }
        ControlFlow::Continue(())
    }
}

impl XunitNet {
    fn assembly(&mut self, head: &Element) -> SuiteRecord {
        let file = head.filled("name");
        self.path.push(file.as_deref().map_or("assembly", dotnet::file_name).to_owned());
        let written = head.filled("run-date").map(|date| match head.filled("run-time") {
            Some(time) => format!("{date}T{time}"),
            None => date,
        });
        let declared = counts(head);
        self.declared.tests = counts::sum(self.declared.tests, declared.tests);
        self.declared.failures = counts::sum(self.declared.failures, declared.failures);
        self.declared.errors = counts::sum(self.declared.errors, declared.errors);
        self.declared.skipped = counts::sum(self.declared.skipped, declared.skipped);
        let named = ["environment", "test-framework", "target-framework", "config-file", "configFile"];
        SuiteRecord {
            path: self.path.clone(),
            file,
            started_at: head.filled("start-rtf").or(written),
            host: None,
            declared,
            properties: properties(head, &named),
            line: Some(head.at.line),
        }
    }

    fn collection(&mut self, head: &Element) -> SuiteRecord {
        let name = head.filled("name").unwrap_or_default();
        let stable = match name.rsplit_once(" (id: ") {
            Some((before, id)) if id.len() > 32 && id.ends_with(')') => before,
            Some(_) | None => name.as_str(),
        };
        self.path.push(if stable.is_empty() { head.name.clone() } else { stable.to_owned() });
        SuiteRecord {
            path: self.path.clone(),
            declared: counts(head),
            line: Some(head.at.line),
            ..SuiteRecord::default()
        }
    }
}

/// The header of all assemblies, where it says anything.
fn report(head: &Element) -> Option<SuiteRecord> {
    let properties = properties(head, &["schema-version"]);
    let (host, started_at) = (head.filled("computer"), head.filled("start-rtf"));
    let says = host.is_some() || started_at.is_some();
    says.then(|| SuiteRecord { started_at, host, properties, line: Some(head.at.line), ..SuiteRecord::default() })
}

/// The numbers in a header. v3 counts `not-run` apart from `skipped`; both are tests left out.
fn counts(head: &Element) -> DeclaredCounts {
    let number = |name: &str| counts::number(head.attribute(name));
    DeclaredCounts {
        tests: number("total"),
        failures: number("failed"),
        errors: number("errors"),
        skipped: number("skipped").map(|skipped| skipped.saturating_add(number("not-run").unwrap_or(0))),
    }
}

fn properties(head: &Element, names: &[&str]) -> Vec<(String, String)> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), head.filled(name)?))).collect()
}

/// What a result's word counts as in a header.
fn group(status: &str) -> Group {
    let is = |words: &[&str]| words.iter().any(|word| status.trim().eq_ignore_ascii_case(word));
    if is(&["Fail", "Failed"]) {
        Group::Failed
    } else if is(&["Skip", "Skipped", "NotRun", ""]) {
        Group::LeftOut
    } else {
        Group::Passed
    }
}
