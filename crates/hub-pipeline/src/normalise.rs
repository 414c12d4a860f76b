//! Records of a reader become entities and results in canonical words. One normaliser reads one file; it keeps only what
//! it needs to tell repeated tests apart, so a file of any size passes in constant memory.

mod documents;
mod results;
mod seen;

use std::collections::{BTreeMap, HashSet};

use hub_domain::{
    ContentHash, Entity, ExternalId, Moment, Position, Problem, Severity, TestResult,
    codes::{self, Code},
    entity::{Counts, Origin},
    record::{AttachmentRecord, DeclaredCounts, Record, SuiteRecord},
    vocabulary::ResultStatus,
};

use crate::{dates::Dates, redact};
use seen::Seen;

/// Facts from a team's own document win over facts derived from a result's title.
pub const PRECEDENCE_DOCUMENT: u8 = 50;
/// A defect that the hub made of a failure: a team's own list says more of it.
pub const PRECEDENCE_HUB_DEFECT: u8 = 20;
/// Facts derived from a result's title.
pub const PRECEDENCE_DERIVED_TITLE: u8 = 10;
/// Facts derived from a bare id.
pub const PRECEDENCE_DERIVED_ID: u8 = 5;

/// Ids that are remembered as told already.
const REMEMBERED: usize = 100_000;

/// Remembers an id and says whether it is new. Beyond [`REMEMBERED`] everything is forgotten.
fn is_new(ids: &mut HashSet<ExternalId>, id: &ExternalId) -> bool {
    if ids.contains(id) {
        return false;
    }
    if ids.len() >= REMEMBERED {
        ids.clear();
    }
    ids.insert(id.clone())
}

/// What the normaliser must know about the file.
#[derive(Debug, Clone)]
pub struct Context {
    /// The file as the user named it, for positions.
    pub file: String,
    /// The run that its results belong to, with the report's id in that run; none for documents.
    pub report: Option<ReportRef>,
}

/// The report that results belong to.
#[derive(Debug, Clone)]
pub struct ReportRef {
    /// The run.
    pub run: ExternalId,
    /// The report.
    pub report: ExternalId,
    /// The platform of the run, for results that name no device.
    pub platform: Option<String>,
}

/// One thing that normalising made.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// An entity.
    Entity(Box<Entity>),
    /// A result of the run.
    Result(Box<TestResult>),
    /// What the result before it left behind.
    Evidence(Box<LeftBehind>),
    /// A finding about the record.
    Problem(Box<Problem>),
}

/// What a result left behind, as its report names it; nothing of it is opened here.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftBehind {
    /// The result.
    pub result_key: String,
    /// Its test case.
    pub test_case: Option<ExternalId>,
    /// Its outcome.
    pub result: ResultStatus,
    /// The test's name, for messages.
    pub test: String,
    /// Files and addresses, in the order of the report.
    pub attachments: Vec<AttachmentRecord>,
    /// The line at which the result begins.
    pub line: Option<u64>,
}

/// What the file as a whole says, once it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The header's numbers.
    pub declared: DeclaredCounts,
    /// Counted from its rows.
    pub counts: Counts,
    /// The environment that most rows name, in the source's word.
    pub environment: Option<String>,
    /// Test cases written as documents.
    pub cases: u64,
    /// Defects.
    pub defects: u64,
}

/// Turns the records of one file into facts.
#[derive(Debug)]
pub struct Normaliser {
    context: Context,
    /// The name of the format that the file is read as.
    format: &'static str,
    /// The project's own table that the file is.
    table: Option<String>,
    /// How moments are read.
    dates: Dates,
    summary: Summary,
    top_level: DeclaredCounts,
    environments: BTreeMap<String, u64>,
    /// How often each test was seen, by the hash of its key: a repeated test is another result, not the same one.
    repeated: Seen,
    /// Cases that were derived already, the last [`REMEMBERED`]: to derive one again costs a comparison and changes nothing.
    derived: HashSet<ExternalId>,
    suites: HashSet<ExternalId>,
    /// The start of the suite that was announced last, for results that name none of their own.
    suite_started: Option<(Vec<String>, Moment)>,
    /// What was redacted, by kind.
    redacted: redact::Found,
}

impl Normaliser {
    /// A normaliser for one file.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            format: "unknown",
            table: None,
            dates: Dates::default(),
            summary: Summary::default(),
            top_level: DeclaredCounts::default(),
            environments: BTreeMap::new(),
            repeated: Seen::default(),
            derived: HashSet::new(),
            suites: HashSet::new(),
            suite_started: None,
            redacted: redact::Found::default(),
        }
    }

    /// Moments are read with a clock and in a time zone.
    pub fn set_dates(&mut self, dates: Dates) {
        self.dates = dates;
    }

    /// The file is one of the project's own tables: facts name it as their source, behind the format.
    pub fn read_table(&mut self, name: &str) {
        self.table = Some(name.to_owned());
    }

    /// The file was recognised as a format: facts name it as their source.
    pub fn read_as(&mut self, format: &'static str) {
        self.format = format;
    }

    /// Goes on with another file of the same report: problems name it.
    pub fn read_file(&mut self, file: &str) {
        file.clone_into(&mut self.context.file);
    }

    /// Takes one record and adds what follows from it to `out`. What must not be kept leaves it first: nothing is derived,
    /// hashed or handed on before.
    pub fn accept(&mut self, mut record: Record, out: &mut Vec<Fact>) {
        redact::record(&mut record, &mut self.redacted);
        match record {
            Record::Suite(suite) => self.suite_header(&suite),
            Record::Result(result) => self.result(*result, out),
            Record::Case(case) => self.case(*case, out),
            Record::Defect(defect) => self.defect(*defect, out),
        }
    }

    /// Takes a problem that the reader found, without what must not be kept.
    pub fn reader_problem(&mut self, mut problem: Problem) -> Fact {
        redact::problem(&mut problem, &mut self.redacted);
        Fact::Problem(Box::new(problem))
    }

    /// Says once for the file what was redacted: how many of which kind, and no value.
    pub fn close(&mut self, out: &mut Vec<Fact>) {
        if !self.redacted.is_empty() {
            let message = format!("{} were removed", self.redacted);
            out.push(self.problem(&codes::REDACTED, Severity::Repaired, None, "", message));
        }
    }

    /// What the file as a whole says.
    #[must_use]
    pub fn finish(mut self) -> Summary {
        if self.summary.declared == DeclaredCounts::default() {
            self.summary.declared = self.top_level;
        }
        self.summary.environment =
            self.environments.into_iter().max_by_key(|(_, rows)| *rows).map(|(environment, _)| environment);
        self.summary
    }

    /// The root's header counts for the whole; without one, the headers of the outermost suites are added.
    fn suite_header(&mut self, suite: &SuiteRecord) {
        let started = suite.started_at.as_deref().and_then(|value| self.moment(value).ok());
        // A suite without a start of its own has its outer suite's.
        let inherited = || self.suite_started.take().filter(|(path, _)| suite.path.starts_with(path)).map(|(_, at)| at);
        self.suite_started = started.or_else(inherited).map(|at| (suite.path.clone(), at));
        if suite.path.is_empty() {
            self.summary.declared = suite.declared;
        } else if suite.path.len() == 1 {
            let add = |sum: &mut Option<u64>, part: Option<u64>| {
                if let Some(part) = part {
                    *sum = Some(sum.unwrap_or(0).saturating_add(part));
                }
            };
            add(&mut self.top_level.tests, suite.declared.tests);
            add(&mut self.top_level.failures, suite.declared.failures);
            add(&mut self.top_level.errors, suite.declared.errors);
            add(&mut self.top_level.skipped, suite.declared.skipped);
        }
    }

    fn origin(&self, precedence: u8, line: Option<u64>) -> Origin {
        let source = match &self.table {
            Some(table) => format!("{}:{table}", self.format),
            None => self.format.to_owned(),
        };
        Origin { source, precedence, line }
    }

    /// Reads a moment as the file's format writes it.
    fn moment(&self, value: &str) -> Result<Moment, &'static str> {
        if self.format.starts_with("csv-") { self.dates.of_table(value) } else { self.dates.of_report(value) }
    }

    fn problem(
        &self,
        code: &'static Code,
        severity: Severity,
        line: Option<u64>,
        subject: &str,
        message: impl Into<String>,
    ) -> Fact {
        let message: String = message.into();
        Fact::Problem(Box::new(Problem {
            code,
            message: message.chars().take(300).collect(),
            position: Position { file: self.context.file.clone(), line, column: None },
            subject: (!subject.is_empty()).then(|| subject.chars().take(200).collect()),
            severity,
        }))
    }

    /// Maps a source's word; a word outside the vocabulary is a problem, and nothing is guessed.
    fn mapped<T>(
        &self,
        map: fn(&str) -> Option<T>,
        field: &str,
        word: Option<&str>,
        at: (Option<u64>, &str),
        out: &mut Vec<Fact>,
    ) -> Option<T> {
        let word = word?.trim();
        if word.is_empty() {
            return None;
        }
        let found = map(word);
        if found.is_none() {
            out.push(self.problem(
                &codes::UNKNOWN_WORD,
                Severity::Repaired,
                at.0,
                at.1,
                format!("{field} {word:?} is not in the vocabulary and was left empty"),
            ));
        }
        found
    }
}

/// A text without space at its ends; nothing where nothing is left.
fn text(value: Option<String>) -> Option<String> {
    value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

/// A lower-case word with `-` between its parts (`Data Quality` becomes `data-quality`).
fn slug(value: Option<&str>) -> Option<String> {
    let slug = crate::words::key(value?).replace('_', "-");
    (!slug.is_empty()).then_some(slug)
}

/// The longest id, in characters.
const MAX_ID: usize = 200;

/// An id from a source's text: trimmed, on one line. A longer one is cut and ends in the hash of its text, so that two
/// that begin alike stay two.
fn external_id(text: &str) -> Option<ExternalId> {
    let line = crate::titles::one_line(text, usize::MAX);
    if line.chars().count() <= MAX_ID {
        return ExternalId::new(line).ok();
    }
    let end = format!("…{}", ContentHash::of_bytes(line.as_bytes()).short());
    let begin: String = line.chars().take(MAX_ID - end.chars().count()).collect();
    ExternalId::new(format!("{}{end}", begin.trim_end())).ok()
}
