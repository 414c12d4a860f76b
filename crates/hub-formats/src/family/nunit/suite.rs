//! A suite: its header, the machine it ran on, and its own failure where no test tells of it.

use std::ops::ControlFlow;

use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use super::{Dialect, Nunit};
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::Element;
use crate::xml::header::Declared;
use crate::xml::parts;

/// What is remembered of an open suite.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) name: Option<String>,
    pub(super) head: Element,
    pub(super) tags: Vec<String>,
    pub(super) platform: Option<String>,
    /// Its own reason or failure.
    pub(super) message: Option<String>,
    pub(super) details: Option<String>,
    /// How many results the file had when it began.
    pub(super) before: u64,
}

impl<D: Dialect> Nunit<D> {
    /// Begins a suite or the report.
    pub(super) fn begin(&mut self, head: Element, declared: Declared, reporter: &mut Reporter<'_>) {
        let mut record = SuiteRecord {
            started_at: D::started_at(&head),
            declared: declared.into(),
            line: Some(head.at.line),
            ..SuiteRecord::default()
        };
        let written = parts::name(head.attribute("name").unwrap_or_default(), head.at, reporter);
        let mut name = written.clone();
        if head.name == D::ROOT {
            name = None;
            record.properties.extend(written.clone().map(|name| ("name".to_owned(), name)));
            for number in ["total", "passed", "warnings", "inconclusive", "not-run", "ignored", "skipped", "invalid"] {
                record.properties.extend(head.filled(number).map(|value| (number.to_owned(), value)));
            }
        } else if let Some(written) = &written
            && let Some(file) = assembly_file(&head, written)
        {
            // The folder in which an assembly was built says nothing of the test and differs between machines.
            let last = file.rsplit(['/', '\\']).find(|part| !part.trim().is_empty());
            name = last.map_or(name, |last| Some(last.to_owned()));
            record.file = Some(file.to_owned());
        }
        for property in ["type", "description", "label", "site"] {
            // That a test in it failed is no fact of the suite.
            let value = head.filled(property).filter(|value| value != "Child");
            record.properties.extend(value.map(|value| (property.to_owned(), value)));
        }
        let suite = Suite {
            name: name.clone(),
            head,
            tags: Vec::new(),
            platform: None,
            message: None,
            details: None,
            before: self.results,
        };
        self.suites.open(name, record, suite);
    }

    /// The machine. Who was logged in is nobody's business, and the folder holds the name of that person.
    pub(super) fn environment(&mut self, element: &Element) {
        let platform = element.filled("os-version").or_else(|| element.filled("platform"));
        let host = element.filled("machine-name");
        let in_root = self.suites.states().count() == 1;
        if in_root && let Some(declared) = &mut self.declared {
            *declared = D::settle(*declared, Some(element), self.not_run.take(), 0);
        }
        let declared = self.declared.filter(|_| in_root);
        if let Some(record) = self.suites.record() {
            record.host = host;
            record.declared = declared.map_or(record.declared, Into::into);
        }
        for (name, value) in &element.attributes {
            if !["machine-name", "user", "user-domain", "cwd"].contains(&name.as_str()) {
                self.suites.property(name, value);
            }
        }
        if let Some(suite) = self.suites.state() {
            suite.platform = platform;
        }
    }

    /// Hands on the failure of the innermost suite, where no test tells of it.
    pub(super) fn failed_by_itself(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let path = self.suites.path().to_vec();
        let empty = self.suites.state().is_some_and(|suite| suite.before == self.results);
        let Some(suite) = self.suites.state() else { return ControlFlow::Continue(()) };
        let status = D::status(&suite.head);
        let message = suite.message.take().unwrap_or_default();
        let cleaning = suite.head.attribute("site") == Some("TearDown") || in_clean_up(&message);
        let failed = ["Failed", "Failure", "Error", "Invalid", "NotRunnable", "Cancelled"].contains(&status.as_str());
        if suite.head.name == D::ROOT || !failed || !(empty || cleaning) {
            return ControlFlow::Continue(());
        }
        let name = suite.name.clone().unwrap_or_else(|| "suite without a name".to_owned());
        let at: At = suite.head.at;
        let what = if cleaning { "TearDown" } else { status.as_str() };
        let details = suite.details.take().unwrap_or_default();
        let record = ResultRecord {
            suite: path,
            class_name: suite.head.filled("classname"),
            name: format!("{name} ({what})"),
            error_type: parts::error_type(&message),
            message: parts::bounded(&message, Field::Message, at, reporter),
            details: parts::bounded(&details, Field::Details, at, reporter),
            status,
            line: Some(at.line),
            ..ResultRecord::default()
        };
        self.results += 1;
        reporter.record(Record::Result(Box::new(record)))
    }
}

/// Extensions of the files that suites are named after; Pester names one after each script.
const FILES: [&str; 5] = ["dll", "exe", "nunit", "csproj", "ps1"];

/// The path of the assembly, project or script that a suite is, as far as it is written.
fn assembly_file<'e>(head: &'e Element, name: &'e str) -> Option<&'e str> {
    let kind = head.attribute("type").unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let like_file = extension.is_some_and(|extension| FILES.contains(&extension.as_str()));
    let is_file = matches!(kind, "Assembly" | "Project") || like_file;
    let is_path = |text: &&str| text.contains(['/', '\\']);
    head.attribute("fullname").filter(is_path).or(Some(name).filter(is_path)).filter(|_| is_file)
}

fn in_clean_up(message: &str) -> bool {
    ["TearDown :", "OneTimeTearDown:", "TestFixtureTearDown"].iter().any(|start| message.trim().starts_with(start))
}
