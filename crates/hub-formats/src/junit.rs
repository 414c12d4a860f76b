//! JUnit XML, in the dialects that tools write: Ant and Maven Surefire, Gradle, pytest, Playwright, Newman, Jest, PHPUnit,
//! GoogleTest, nextest, gotestsum, xcresult and others. There is no specification; this reader takes
//!
//! - `testsuites`, `testsuite` or suites nested to any depth; tests at each of these levels;
//! - `failure`, `error`, `skipped` (TestNG also `ignored`), `warning`, several of them in one test (the gravest decides,
//!   the others follow in its details), or no child but a `status` or `result` attribute;
//! - `error` or `failure` of a suite, which is a result that is named after it: no test tells of that;
//! - tests without a name, as Surefire writes them where a class failed as a whole: they are called after their class;
//! - Surefire's `flakyFailure`, `flakyError`, `rerunFailure`, `rerunError`;
//! - `properties` of suites and tests, `system-out` and `system-err`, attachment marks in them.
//!
//! What it does not take: output of suites, and the source line of a test. A suite is handed on as soon as its first
//! test or inner suite begins, so `properties` that stand behind the tests are not part of it. The header of
//! `testsuites` is handed on as a suite with an empty path, its name as the property `name`.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::Record;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::{Field, Reporter};
use crate::xml::text::Text;
use crate::xml::{Fault, Start, Tag, Xml};

mod case;
mod suite;
pub(crate) mod values;

use crate::xml::header::Counts;
use case::{Case, Mark};
use suite::Suites;

pub(crate) const FORMAT: Format =
    Format { name: "junit", title: "JUnit XML and its dialects", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    matches!(head.prolog().root, Some("testsuites" | "testsuite")) && !is_of_another_tool(head)
}

/// The results of Check and the test plans of TestLink have these roots too.
fn is_of_another_tool(head: &Head<'_>) -> bool {
    // A suite of TestLink says its place among the others and no number of tests.
    let before = head.text.split_once("<testcase").map_or(head.text, |(before, _)| before);
    head.root_tag().contains("check.sourceforge.net") || before.contains("<node_order")
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = Junit::default().run(&mut Xml::new(input), reporter);
}

/// What an open element is to this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// `testsuites`.
    Report,
    /// `testsuite`.
    Suite,
    /// `testcase`.
    Case,
    /// `properties` of a suite or the report.
    SuiteProperties,
    /// `properties` of a test.
    CaseProperties,
    /// One `property`; its text is its value where it has no attribute for it.
    Property,
    /// `failure` and its like.
    Outcome,
    /// `failure` or `error` of a suite itself.
    SuiteOutcome,
    /// `system-out` or `system-err` of a test.
    Output,
    /// Markup inside a text that is collected; its own text belongs to it.
    Inline,
    /// Anything else, with all that it holds.
    Ignored,
}

impl Inside {
    /// What an element called `name` is inside this one.
    fn open(parent: Option<Self>, name: &str) -> Self {
        match (parent, name) {
            (None | Some(Self::Report), "testsuites") => Self::Report,
            (None | Some(Self::Report | Self::Suite), "testsuite") => Self::Suite,
            (Some(Self::Report | Self::Suite), "testcase") => Self::Case,
            (Some(Self::Report | Self::Suite), "properties") => Self::SuiteProperties,
            (Some(Self::Case), "properties") => Self::CaseProperties,
            (Some(Self::SuiteProperties | Self::CaseProperties), "property") => Self::Property,
            (Some(Self::Suite), "failure" | "error") => Self::SuiteOutcome,
            (Some(Self::Case), name) if Mark::from_name(name).is_some() => Self::Outcome,
            (Some(Self::Case | Self::Outcome), "system-out" | "system-err") => Self::Output,
            (Some(Self::Outcome | Self::SuiteOutcome | Self::Output | Self::Property | Self::Inline), _) => {
                Self::Inline
            }
            (Some(_) | None, _) => Self::Ignored,
        }
    }

    fn has_text(self) -> bool {
        matches!(self, Self::Outcome | Self::SuiteOutcome | Self::Output | Self::Property | Self::Inline)
    }
}

/// The state of one file's reading.
#[derive(Default)]
struct Junit {
    open: Vec<Inside>,
    suites: Suites,
    case: Option<Case>,
    property: Option<(String, Option<String>)>,
    text: Text,
    counts: Counts,
}

impl Junit {
    fn run(&mut self, xml: &mut Xml<'_, '_>, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        loop {
            let collecting = self.open.last().is_some_and(|inside| inside.has_text());
            if let Err(fault) = xml.text(collecting.then_some(&mut self.text)) {
                return self.fail(&fault, reporter);
            }
            let step = match xml.tag() {
                Ok(Tag::Start(start)) => self.start(&start, reporter),
                Ok(Tag::End) => Ok(self.end(reporter)),
                Ok(Tag::Other) => Ok(ControlFlow::Continue(())),
                Ok(Tag::Eof) => {
                    self.counts.report(reporter);
                    return ControlFlow::Continue(());
                }
                Err(fault) => Err(fault),
            };
            match step {
                Ok(flow) => flow?,
                Err(fault) => return self.fail(&fault, reporter),
            }
        }
    }

    /// Ends reading; what was complete is at the sink already.
    fn fail(&mut self, fault: &Fault, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.suites.hand_on(reporter)?;
        let subject = self.case.as_ref().map(|case| case.name());
        reporter.fatal(fault.code, Some(fault.at), &fault.message, subject)
    }

    fn start(&mut self, start: &Start<'_>, reporter: &mut Reporter<'_>) -> Result<ControlFlow<()>, Fault> {
        let parent = self.open.last().copied();
        let inside = Inside::open(parent, start.name());
        if parent.is_none() {
            self.counts.root(start.at, reporter);
        }
        match inside {
            Inside::Report | Inside::Suite => {
                if self.suites.hand_on(reporter).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                let declared = self.suites.open(start, inside == Inside::Report, reporter)?;
                match parent {
                    None | Some(Inside::Report) if inside == Inside::Suite => self.counts.declare_suite(declared),
                    None => self.counts.declare_report(declared),
                    Some(_) => {}
                }
            }
            Inside::Case => {
                if self.suites.hand_on(reporter).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.case = Some(Case::open(start, &self.suites, reporter)?);
            }
            Inside::Property => {
                self.text.begin(start.at);
                self.property = Some(property(start, reporter)?);
            }
            Inside::Outcome => {
                self.text.begin(start.at);
                if let Some(case) = &mut self.case {
                    case.open_outcome(start, reporter)?;
                }
            }
            Inside::SuiteOutcome => {
                if self.suites.hand_on(reporter).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.text.begin(start.at);
                let mut case = Case::of_suite(start, &self.suites);
                case.open_outcome(start, reporter)?;
                self.case = Some(case);
            }
            Inside::Output => {
                // Surefire puts the output of a repetition inside its outcome, whose own text is kept first.
                if let (Some(case), Some(Inside::Outcome)) = (&mut self.case, parent) {
                    case.outcome_text(&mut self.text, reporter);
                }
                self.text.begin(start.at);
            }
            Inside::Inline => self.text.drop_indentation(),
            Inside::SuiteProperties | Inside::CaseProperties | Inside::Ignored => {}
        }
        self.open.push(inside);
        Ok(if start.empty { self.end(reporter) } else { ControlFlow::Continue(()) })
    }

    fn end(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let Some(inside) = self.open.pop() else { return ControlFlow::Continue(()) };
        match inside {
            Inside::Report | Inside::Suite => {
                self.suites.hand_on(reporter)?;
                self.suites.close();
            }
            Inside::Case => {
                if let Some(case) = self.case.take() {
                    return self.finish(case, reporter);
                }
            }
            Inside::Property => self.end_property(reporter),
            Inside::Outcome => {
                if let Some(case) = &mut self.case {
                    case.outcome_text(&mut self.text, reporter);
                    case.close_outcome();
                }
            }
            Inside::SuiteOutcome => {
                if let Some(mut case) = self.case.take() {
                    case.outcome_text(&mut self.text, reporter);
                    case.close_outcome();
                    let record = case.close(reporter);
                    self.counts.beside(values::group(&record.status));
                    return reporter.record(Record::Result(record));
                }
            }
            Inside::Output => {
                if let Some(case) = &mut self.case {
                    case.output_text(&mut self.text, reporter);
                }
            }
            Inside::SuiteProperties | Inside::CaseProperties | Inside::Inline | Inside::Ignored => {}
        }
        ControlFlow::Continue(())
    }

    fn end_property(&mut self, reporter: &mut Reporter<'_>) {
        let Some((name, value)) = self.property.take() else { return };
        let value = value.unwrap_or_else(|| {
            let mut text = String::new();
            self.text.append_to(&mut text, Field::Property, reporter);
            text.trim().to_owned()
        });
        match &mut self.case {
            Some(case) => case.property(name, value),
            None => self.suites.property(name, value),
        }
    }

    fn finish(&mut self, case: Case, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let line = case.at();
        let mut record = case.close(reporter);
        // TestNG writes what it ran around its tests among them, and counts it apart.
        if record.name.starts_with("@Before") || record.name.starts_with("@After") {
            self.counts.beside(values::group(&record.status));
        } else {
            self.counts.row(&record.status);
        }
        if record.name.trim().is_empty()
            && let Some(class) = &record.class_name
        {
            record.name.clone_from(class);
        }
        if record.name.trim().is_empty() {
            let subject = record.class_name.as_deref();
            reporter.rejected(&codes::NO_NAME, Some(line), "a testcase has no name", subject);
            return ControlFlow::Continue(());
        }
        reporter.record(Record::Result(record))
    }
}

/// The name and, where it is an attribute, the value of a property.
fn property(start: &Start<'_>, reporter: &mut Reporter<'_>) -> Result<(String, Option<String>), Fault> {
    let (mut name, mut value) = (String::new(), None);
    start.attributes(reporter, |key, raw, reporter| match key {
        "name" => name = start.value(raw, Field::Name, reporter),
        "value" => value = Some(start.value(raw, Field::Property, reporter)),
        _ => {}
    })?;
    Ok((name, value))
}
