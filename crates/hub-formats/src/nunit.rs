//! What the report formats of NUnit 2 and NUnit 3 share: suites in suites with tests at any depth, categories,
//! properties, a reason or a failure at a suite or test, the environment. A [`Dialect`] says how one of them writes it.
//!
//! A suite that failed by itself and not by a test in it (its last clean-up failed, or it could not be run at all and so
//! holds no test) is handed on as a result that is named after it, because no test tells of that failure.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::element::{Element, Visit, Want};
use crate::junit::counts::{Counts, Declared};
use crate::junit::values::Group;
use crate::open_suites::OpenSuites;
use crate::parts;
use crate::reporter::{At, Field, Reporter};

mod case;

/// What differs between the two formats.
pub(crate) trait Dialect {
    /// The root element.
    const ROOT: &'static str;
    /// The attribute that holds a duration in seconds.
    const DURATION: &'static str;

    /// The numbers in the header of the root or a suite.
    fn declared(head: &Element) -> Declared;

    /// The start time in the header of the root or a suite.
    fn started_at(head: &Element) -> Option<String>;

    /// The class, where it is known, and the name of a test inside the suites of `path`.
    fn class_and_name(case: &Element, path: &[String]) -> (Option<String>, String);

    /// The outcome of a test or suite, in the tool's word.
    fn status(element: &Element) -> String;

    /// The kind of a test's outcome, as the tool counts it in headers.
    fn group(case: &Element) -> Group;

    /// The header's numbers, once the environment and the number of tests in the file are known.
    fn settle(declared: Declared, environment: Option<&Element>, not_run: Option<u64>, rows: u64) -> Declared;
}

/// What is remembered of an open suite.
#[derive(Debug)]
struct Suite {
    name: Option<String>,
    head: Element,
    tags: Vec<String>,
    platform: Option<String>,
    /// Its own reason or failure.
    message: Option<String>,
    details: Option<String>,
    /// How many results the file had when it began.
    before: u64,
}

/// The reader of both formats.
#[derive(Debug)]
pub(crate) struct Nunit<D> {
    suites: OpenSuites<Suite>,
    counts: Counts,
    declared: Option<Declared>,
    not_run: Option<u64>,
    results: u64,
    dialect: std::marker::PhantomData<D>,
}

impl<D> Default for Nunit<D> {
    fn default() -> Self {
        Self {
            suites: OpenSuites::default(),
            counts: Counts::default(),
            declared: None,
            not_run: None,
            results: 0,
            dialect: std::marker::PhantomData,
        }
    }
}

impl<D: Dialect> Visit for Nunit<D> {
    fn want(&self, name: &str, _: &[String]) -> Want {
        match name {
            "test-case" | "environment" | "culture-info" | "properties" | "categories" | "failure" | "reason" => {
                Want::Whole
            }
            "settings" | "filter" | "command-line" | "output" | "assertions" | "attachments" => Want::Nothing,
            _ => Want::Enter,
        }
    }

    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let outermost = self.suites.states().next().is_none();
        if outermost {
            self.counts.root(head.at, reporter);
        }
        if head.name != D::ROOT && head.name != "test-suite" {
            return ControlFlow::Continue(());
        }
        self.suites.hand_on(reporter)?;
        let declared = D::declared(&head);
        if outermost {
            self.declared = Some(declared);
            self.not_run = parts::count(&head, "not-run");
        }
        self.begin(head, declared, reporter);
        ControlFlow::Continue(())
    }

    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match element.name.as_str() {
            "test-case" => return self.case(&element, reporter),
            "environment" => self.environment(&element),
            "culture-info" => {
                for name in ["current-culture", "current-uiculture"] {
                    self.suites.property(name, element.attribute(name).unwrap_or_default());
                }
            }
            "properties" => {
                for property in element.all("property") {
                    let (name, value) = (property.attribute("name"), property.attribute("value"));
                    match (name, self.suites.state()) {
                        (Some("Category"), Some(suite)) => parts::tag(&mut suite.tags, value.unwrap_or_default()),
                        (name, _) => self.suites.property(name.unwrap_or_default(), value.unwrap_or_default()),
                    }
                }
            }
            "categories" => {
                if let Some(suite) = self.suites.state() {
                    for category in element.all("category") {
                        parts::tag(&mut suite.tags, category.attribute("name").unwrap_or_default());
                    }
                }
            }
            _ => {
                let message = element.text_of("message");
                let details = element.text_of("stack-trace");
                if let Some(suite) = self.suites.state() {
                    suite.message = message.or(suite.message.take());
                    suite.details = details.or(suite.details.take());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if name == D::ROOT || name == "test-suite" {
            self.suites.hand_on(reporter)?;
            self.failed_by_itself(reporter)?;
            self.suites.close();
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        if complete {
            if let Some(declared) = self.declared {
                self.counts.declare_report(D::settle(declared, None, self.not_run, self.counts.tests()));
            }
            self.counts.report(reporter);
        }
        ControlFlow::Continue(())
    }
}

impl<D: Dialect> Nunit<D> {
    /// Begins a suite or the report.
    fn begin(&mut self, head: Element, declared: Declared, reporter: &mut Reporter<'_>) {
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
        } else if let Some(written) = &written
            && let Some(file) = assembly_file(&head, written)
        {
            // The folder in which an assembly was built says nothing of the test and differs between machines.
            name = file.rsplit(['/', '\\']).next().map(str::to_owned);
            record.file = Some(file.to_owned());
        }
        for property in ["type", "description", "label", "site"] {
            record.properties.extend(head.filled(property).map(|value| (property.to_owned(), value)));
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
    fn environment(&mut self, element: &Element) {
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

    fn case(&mut self, element: &Element, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        let mut record = Box::new(ResultRecord {
            suite: self.suites.path().to_vec(),
            status: D::status(element),
            duration_ms: parts::seconds(element, D::DURATION, reporter),
            started_at: element.filled("start-time"),
            platform: self.suites.states().rev().find_map(|suite| suite.platform.clone()),
            line: Some(element.at.line),
            ..ResultRecord::default()
        });
        let (class, name) = D::class_and_name(element, self.suites.path());
        record.class_name = class.and_then(|class| parts::name(&class, element.at, reporter));
        record.name = parts::name(&name, element.at, reporter).unwrap_or_default();
        for tag in self.suites.states().flat_map(|suite| &suite.tags) {
            parts::tag(&mut record.tags, tag);
        }
        case::describe(&mut record, element, reporter);
        self.counts.row_as(D::group(element));
        self.results += 1;
        if record.name.is_empty() {
            let subject = record.class_name.as_deref();
            reporter.rejected(&codes::NO_NAME, Some(element.at), "a test-case has no name", subject);
            return ControlFlow::Continue(());
        }
        reporter.record(Record::Result(record))
    }

    /// Hands on the failure of the innermost suite, where no test tells of it.
    fn failed_by_itself(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let path = self.suites.path().to_vec();
        let empty = self.suites.state().is_some_and(|suite| suite.before == self.results);
        let Some(suite) = self.suites.state() else { return ControlFlow::Continue(()) };
        let status = D::status(&suite.head);
        let message = suite.message.take().unwrap_or_default();
        let cleaning = suite.head.attribute("site") == Some("TearDown") || in_clean_up(&message);
        let failed = ["Failed", "Failure", "Error", "Invalid", "NotRunnable", "Cancelled"].contains(&status.as_str());
        let (Some(name), true) = (suite.name.clone(), failed && (empty || cleaning)) else {
            return ControlFlow::Continue(());
        };
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

/// The path of the assembly or project that a suite is, as far as it is written.
fn assembly_file<'e>(head: &'e Element, name: &'e str) -> Option<&'e str> {
    let kind = head.attribute("type").unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let like_file = extension.is_some_and(|extension| ["dll", "exe", "nunit", "csproj"].contains(&extension.as_str()));
    let is_file = matches!(kind, "Assembly" | "Project") || (kind.is_empty() && like_file);
    let is_path = |text: &&str| text.contains(['/', '\\']);
    head.attribute("fullname").filter(is_path).or(Some(name).filter(is_path)).filter(|_| is_file)
}

fn in_clean_up(message: &str) -> bool {
    ["TearDown :", "OneTimeTearDown:", "TestFixtureTearDown"].iter().any(|start| message.trim().starts_with(start))
}
