//! What a format's reader talks to: passes records on, and turns a thousand equal repairs into one line for a person.

use std::ops::ControlFlow;

use hub_domain::codes::{self, Code};
use hub_domain::problem::{Position, Problem, Severity};
use hub_domain::record::Record;

use crate::limits;
use crate::sink::Sink;

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The line.
    pub line: u64,
    /// The column in characters.
    pub column: u64,
}

/// A text that was cut, and where: names the field in the one problem per field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A name, class or path.
    Name,
    /// An error's message.
    Message,
    /// An error's details.
    Details,
    /// What a test printed.
    Output,
    /// A property's value.
    Property,
    /// A column of a table.
    Column,
}

impl Field {
    const ALL: [Self; 6] = [Self::Name, Self::Message, Self::Details, Self::Output, Self::Property, Self::Column];

    /// The most characters that are kept.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Self::Name => limits::NAME_CHARS,
            Self::Message | Self::Property => limits::MESSAGE_CHARS,
            Self::Details | Self::Column => limits::DETAILS_CHARS,
            Self::Output => limits::OUTPUT_CHARS,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Message => "message",
            Self::Details => "details",
            Self::Output => "output",
            Self::Property => "property",
            Self::Column => "column",
        }
    }
}

/// A repair that is counted per file and reported once.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    first: Option<At>,
}

impl Tally {
    fn add(&mut self, at: At) {
        self.count += 1;
        self.first.get_or_insert(at);
    }
}

/// Passes records and problems of one file to its sink and keeps the limits on problems.
pub struct Reporter<'a> {
    file: &'a str,
    sink: &'a mut dyn Sink,
    emitted: usize,
    withheld: u64,
    withheld_worst: Option<(Severity, &'static Code)>,
    cut: [Tally; Field::ALL.len()],
    controls: Tally,
    entities: Tally,
    fatal: bool,
}

impl<'a> Reporter<'a> {
    /// Reports about `file` to `sink`.
    pub fn new(file: &'a str, sink: &'a mut dyn Sink) -> Self {
        Self {
            file,
            sink,
            emitted: 0,
            withheld: 0,
            withheld_worst: None,
            cut: [Tally::default(); Field::ALL.len()],
            controls: Tally::default(),
            entities: Tally::default(),
            fatal: false,
        }
    }

    /// Tells the sink which format the file is of.
    pub fn format(&mut self, format: &'static crate::Format) {
        self.sink.format(format);
    }

    /// Passes a record on.
    pub fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.sink.record(record)
    }

    /// Reports something that was put right.
    pub fn repaired(&mut self, code: &'static Code, at: Option<At>, message: &str) {
        self.one(Severity::Repaired, code, at, message, None);
    }

    /// Reports something of a record that was put right.
    pub fn repaired_of(&mut self, code: &'static Code, at: Option<At>, message: &str, subject: Option<&str>) {
        self.one(Severity::Repaired, code, at, message, subject);
    }

    /// Tells the sink which of the project's tables the file is.
    pub fn table(&mut self, name: &str) {
        self.sink.table(name);
    }

    /// Reports a record that could not be taken.
    pub fn rejected(&mut self, code: &'static Code, at: Option<At>, message: &str, subject: Option<&str>) {
        self.one(Severity::Rejected, code, at, message, subject);
    }

    /// Reports that reading ends here. Never withheld. Returns `Break`, for the reader to return.
    pub fn fatal(
        &mut self,
        code: &'static Code,
        at: Option<At>,
        message: &str,
        subject: Option<&str>,
    ) -> ControlFlow<()> {
        self.fatal = true;
        self.send(Severity::Fatal, code, at, message, subject);
        ControlFlow::Break(())
    }

    /// Whether reading ended with a fatal problem.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Counts a text that was cut to its field's limit.
    pub fn cut(&mut self, field: Field, at: At) {
        for (known, tally) in Field::ALL.into_iter().zip(&mut self.cut) {
            if known == field {
                tally.add(at);
            }
        }
    }

    /// Counts a text from which control characters were removed.
    pub fn controls(&mut self, at: At) {
        self.controls.add(at);
    }

    /// Counts a text that holds an entity or an ampersand which XML does not know; it was kept as written.
    pub fn entity(&mut self, at: At) {
        self.entities.add(at);
    }

    /// Reports what was counted.
    pub fn close(&mut self) {
        let controls = self.controls;
        if controls.count > 0 {
            let message = format!("control characters or escape sequences were removed from {}", texts(controls.count));
            self.send(Severity::Repaired, &codes::CONTROL_CHARACTERS, controls.first, &message, None);
        }
        let entities = self.entities;
        if entities.count > 0 {
            let message =
                format!("unknown entities or lone ampersands were kept as written in {}", texts(entities.count));
            self.send(Severity::Repaired, &codes::NOT_WELL_FORMED, entities.first, &message, None);
        }
        for (field, tally) in Field::ALL.into_iter().zip(self.cut) {
            if tally.count > 0 {
                let message = format!("{}: {} cut to {} characters", field.word(), texts(tally.count), field.limit());
                self.send(Severity::Repaired, &codes::TOO_LONG, tally.first, &message, None);
            }
        }
        if let Some((severity, code)) = self.withheld_worst.take() {
            let message = format!("{} more problems of this file are not listed", self.withheld);
            self.send(severity, code, None, &message, None);
        }
    }

    fn one(&mut self, severity: Severity, code: &'static Code, at: Option<At>, message: &str, subject: Option<&str>) {
        if self.emitted < limits::PROBLEMS_PER_FILE {
            self.emitted += 1;
            self.send(severity, code, at, message, subject);
        } else {
            self.withheld += 1;
            if self.withheld_worst.is_none_or(|(worst, _)| worst < severity) {
                self.withheld_worst = Some((severity, code));
            }
        }
    }

    fn send(&mut self, severity: Severity, code: &'static Code, at: Option<At>, message: &str, subject: Option<&str>) {
        let position =
            Position { file: self.file.to_owned(), line: at.map(|at| at.line), column: at.map(|at| at.column) };
        let subject = subject.map(str::trim).filter(|subject| !subject.is_empty()).map(clip);
        self.sink.problem(Problem { code, message: clip(message), position, subject, severity });
    }
}

fn texts(count: u64) -> String {
    if count == 1 { "1 text".to_owned() } else { format!("{count} texts") }
}

/// A problem's text is shown in a terminal line: one line, clipped, and without what could steer the terminal.
fn clip(text: &str) -> String {
    text.chars().take(limits::PROBLEM_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
