//! One `testcase`: its attributes, its outcomes, its output, and the one record they make.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use super::suite::Suites;
use super::values;
use crate::limits;
use crate::record::clock;
use crate::record::hygiene;
use crate::record::{case_id, facts};
use crate::reporter::{At, Field, Reporter};
use crate::xml::parts;
use crate::xml::text::Text;
use crate::xml::{Fault, Start};

/// What a child of a test says about it, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// `rerunFailure`, `rerunError`: a repetition after a failure that failed too.
    Rerun,
    /// `flakyFailure`, `flakyError`: an attempt before the one that passed.
    Flaky,
    /// `warning` of PHPUnit before 10: it ran, with remarks.
    Warning,
    /// `skipped`, and `ignored` of TestNG.
    Skipped,
    /// `failure`.
    Failure,
    /// `error`.
    Error,
}

impl Mark {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "failure" => Some(Self::Failure),
            "error" => Some(Self::Error),
            "skipped" | "ignored" => Some(Self::Skipped),
            "warning" => Some(Self::Warning),
            "flakyFailure" | "flakyError" => Some(Self::Flaky),
            "rerunFailure" | "rerunError" => Some(Self::Rerun),
            _ => None,
        }
    }

    /// The word by which it is told from others in the details.
    fn word(self) -> &'static str {
        match self {
            Self::Rerun => "rerun",
            Self::Flaky => "flaky",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

#[derive(Debug)]
struct Outcome {
    mark: Mark,
    error_type: Option<String>,
    message: Option<String>,
    details: String,
}

/// A test that is being read.
#[derive(Debug)]
pub(super) struct Case {
    record: Box<ResultRecord>,
    at: At,
    status: Option<String>,
    result: Option<String>,
    attempts_before: u32,
    outcome: Option<Outcome>,
    gravest: Option<Outcome>,
    /// Outcomes besides the gravest, as text for the details.
    others: String,
    output: String,
}

impl Case {
    /// Begins a test.
    ///
    /// # Errors
    /// The tag is damaged.
    pub(super) fn open(start: &Start<'_>, suites: &Suites, reporter: &mut Reporter<'_>) -> Result<Self, Fault> {
        let mut record = Box::new(ResultRecord {
            suite: suites.path().to_vec(),
            line: Some(start.at.line),
            ..ResultRecord::default()
        });
        let (mut status, mut result, mut class) = (None, None, None);
        let mut named = false;
        start.attributes(reporter, |key, raw, reporter| match key {
            "name" if !named => {
                record.name = start.value(raw, Field::Name, reporter);
                named = true;
            }
            "classname" => record.class_name = filled(start.value(raw, Field::Name, reporter)),
            // PHPUnit writes both: the class in PHP's form here, and in Java's form in `classname`.
            "class" => class = filled(start.value(raw, Field::Name, reporter)),
            "file" => record.file = filled(start.value(raw, Field::Name, reporter)),
            "time" => match clock::seconds(raw) {
                Ok(duration) => record.duration_ms = duration,
                Err(what) => {
                    let message = format!("time=\"{}\": {what}", raw.chars().take(60).collect::<String>());
                    reporter.repaired(&codes::UNREADABLE_VALUE, Some(start.at), &message);
                }
            },
            "timestamp" => record.started_at = filled(start.value(raw, Field::Name, reporter)),
            "status" => status = filled(start.value(raw, Field::Name, reporter)),
            "result" => result = filled(start.value(raw, Field::Name, reporter)),
            _ => {}
        })?;
        if record.class_name.is_none() {
            record.class_name = class;
        }
        record.device = suites.device(record.class_name.as_deref());
        Ok(Self { status, result, ..Self::new(record, start.at) })
    }

    /// Begins what a suite says of itself and no test does: its class could not be loaded or prepared.
    pub(super) fn of_suite(start: &Start<'_>, suites: &Suites) -> Self {
        let path = suites.path().to_vec();
        let suite = path.last().map_or("suite without a name", String::as_str);
        let record = ResultRecord {
            name: format!("{suite} ({})", start.name()),
            suite: path,
            line: Some(start.at.line),
            ..ResultRecord::default()
        };
        Self::new(Box::new(record), start.at)
    }

    fn new(record: Box<ResultRecord>, at: At) -> Self {
        Self {
            record,
            at,
            status: None,
            result: None,
            attempts_before: 0,
            outcome: None,
            gravest: None,
            others: String::new(),
            output: String::new(),
        }
    }

    /// The test's name as far as it is known.
    pub(super) fn name(&self) -> &str {
        &self.record.name
    }

    /// Where it begins.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// Begins an outcome.
    ///
    /// # Errors
    /// The tag is damaged.
    pub(super) fn open_outcome(&mut self, start: &Start<'_>, reporter: &mut Reporter<'_>) -> Result<(), Fault> {
        let Some(mark) = Mark::from_name(start.name()) else { return Ok(()) };
        let mut outcome = Outcome { mark, error_type: None, message: None, details: String::new() };
        start.attributes(reporter, |key, raw, reporter| match key {
            "message" => outcome.message = filled(start.value(raw, Field::Message, reporter)),
            "type" => outcome.error_type = filled(start.value(raw, Field::Name, reporter)),
            _ => {}
        })?;
        self.outcome = Some(outcome);
        Ok(())
    }

    /// Takes text of the open outcome.
    pub(super) fn outcome_text(&mut self, text: &mut Text, reporter: &mut Reporter<'_>) {
        if let Some(outcome) = &mut self.outcome {
            text.append_to(&mut outcome.details, Field::Details, reporter);
        }
    }

    /// Ends the open outcome.
    pub(super) fn close_outcome(&mut self) {
        let Some(outcome) = self.outcome.take() else { return };
        if matches!(outcome.mark, Mark::Flaky | Mark::Rerun) {
            self.attempts_before = self.attempts_before.saturating_add(1);
        }
        let other = match &mut self.gravest {
            None => {
                self.gravest = Some(outcome);
                return;
            }
            Some(gravest) if gravest.mark < outcome.mark => std::mem::replace(gravest, outcome),
            Some(_) => outcome,
        };
        if self.others.len() < limits::RAW_TEXT_BYTES {
            let heading = [other.error_type, other.message].into_iter().flatten().collect::<Vec<_>>().join(": ");
            for part in ["\n\n[", other.mark.word(), "] ", &heading, "\n", &other.details] {
                self.others.push_str(part);
            }
        }
    }

    /// Takes text that the test printed.
    pub(super) fn output_text(&mut self, text: &mut Text, reporter: &mut Reporter<'_>) {
        let mut paths = Vec::new();
        text.append_output(&mut self.output, &mut paths, reporter);
        for path in paths {
            self.attach(path);
        }
    }

    /// Takes a property. One without a value is kept: that it is there may say something.
    pub(super) fn property(&mut self, name: String, value: String) {
        if parts::names_attachment(&name) {
            self.attach(value);
        } else if self.record.case_id.is_none() && case_id::is_name(&name) {
            self.record.case_id = filled(value).map(|value| case_id::of(&value).to_owned());
        } else if self.record.properties.len() < limits::PROPERTIES && !name.is_empty() {
            self.record.properties.push((name, value));
        }
    }

    fn attach(&mut self, path: String) {
        facts::attach(&mut self.record, AttachmentRecord { path, ..AttachmentRecord::default() });
    }

    /// The record.
    pub(super) fn close(self, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let mut record = self.record;
        record.attempt = self.attempts_before;
        record.output = filled(self.output);
        record.status = match self.gravest.as_ref().map(|outcome| outcome.mark) {
            Some(mark @ (Mark::Error | Mark::Failure | Mark::Skipped | Mark::Warning)) => mark.word().to_owned(),
            Some(Mark::Flaky) => {
                record.flaky = true;
                "passed".to_owned()
            }
            Some(Mark::Rerun) | None => values::status(self.status.as_deref(), self.result.as_deref()).to_owned(),
        };
        if let Some(outcome) = self.gravest {
            let mut details = outcome.details;
            details.push_str(&self.others);
            details.truncate(details.trim_end().len());
            if hygiene::cut(&mut details, Field::Details.limit()) {
                reporter.cut(Field::Details, self.at);
            }
            record.error_type = outcome.error_type;
            record.message = outcome.message;
            record.details = filled(details);
        }
        record
    }
}

/// A text that says something.
fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}
