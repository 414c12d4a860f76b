//! The entities of QA truth: suite, test case, run, defect, report and release, with the results below runs. An entity
//! is identified by (project, entity kind, external id); its facts are canonical, its hash decides whether it changed.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    CanonicalJson, ContentHash, ExternalId,
    hash::NotCanonical,
    ids::ProjectId,
    insight::{RunInsight, Sightings},
    record::{DeclaredCounts, StepRecord},
    vocabulary::{CaseStatus, DefectSeverity, DefectStatus, FailureCause, Priority, ResultStatus, Risk, RunStatus},
};

/// What a thing is. `Project` and `Index` have no row in a source: they stand for pages that the hub itself owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// The project itself.
    Project,
    /// A page that lists others.
    Index,
    /// A group of test cases.
    Suite,
    /// A test case.
    TestCase,
    /// A release under test.
    Release,
    /// A test run.
    Run,
    /// A defect.
    Defect,
    /// A report about a run.
    Report,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::Project, Self::Index, Self::Suite, Self::TestCase, Self::Release, Self::Run, Self::Defect, Self::Report];

    /// The kind as tables and markers hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Index => "index",
            Self::Suite => "suite",
            Self::TestCase => "test_case",
            Self::Release => "release",
            Self::Run => "run",
            Self::Defect => "defect",
            Self::Report => "report",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who a thing is, within a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// What it is.
    pub kind: EntityKind,
    /// Its id in the source.
    pub external_id: ExternalId,
}

/// Where facts came from, and whose word counts when two sources differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The format or table (`csv-cases`, `junit`).
    pub source: String,
    /// A higher number wins; equal numbers, the later one.
    pub precedence: u8,
    /// The line of the file at which they stand, where they stand in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// An entity with its facts.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Its id in the source.
    pub external_id: ExternalId,
    /// Where the facts came from.
    pub origin: Origin,
    /// What is true of it.
    pub facts: EntityFacts,
}

/// The facts of each kind of entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntityFacts {
    /// A group of test cases.
    Suite(Suite),
    /// A test case.
    TestCase(TestCase),
    /// A release.
    Release(Release),
    /// A run.
    Run(Run),
    /// A defect.
    Defect(Defect),
    /// A report.
    Report(Report),
}

impl EntityFacts {
    /// The kind of entity that these are facts of.
    #[must_use]
    pub fn kind(&self) -> EntityKind {
        match self {
            Self::Suite(_) => EntityKind::Suite,
            Self::TestCase(_) => EntityKind::TestCase,
            Self::Release(_) => EntityKind::Release,
            Self::Run(_) => EntityKind::Run,
            Self::Defect(_) => EntityKind::Defect,
            Self::Report(_) => EntityKind::Report,
        }
    }

    /// The line by which people know it.
    #[must_use]
    pub fn title(&self) -> &str {
        match self {
            Self::Suite(suite) => &suite.name,
            Self::TestCase(case) => &case.title,
            Self::Release(release) => &release.name,
            Self::Run(run) => &run.title,
            Self::Defect(defect) => &defect.title,
            Self::Report(report) => &report.title,
        }
    }
}

impl Entity {
    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { kind: self.facts.kind(), external_id: self.external_id.clone() }
    }

    /// Its facts as they are hashed; the origin does not count.
    ///
    /// # Errors
    /// [`NotCanonical`], which facts made of texts and whole numbers never cause.
    pub fn canonical(&self) -> Result<CanonicalJson, NotCanonical> {
        CanonicalJson::of(&self.facts)
    }

    /// The hash of its facts.
    ///
    /// # Errors
    /// As of [`Entity::canonical`].
    pub fn content_hash(&self) -> Result<ContentHash, NotCanonical> {
        Ok(self.canonical()?.hash())
    }
}

/// A group of test cases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name.
    pub name: String,
}

/// A test case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// What it tests, in one line, without the id.
    pub title: String,
    /// The suite it belongs to.
    pub suite: Option<ExternalId>,
    /// The component.
    pub component: Option<String>,
    /// The module.
    pub module: Option<String>,
    /// The type of test, as a lower-case word (`e2e`, `smoke`, `data-quality`).
    pub test_type: Option<String>,
    /// Platforms it is meant for, sorted (`android`, `desktop`, `ios`).
    pub platforms: Vec<String>,
    /// Requirement ids, in the source's order.
    pub requirements: Vec<String>,
    /// What must hold before.
    pub preconditions: Option<String>,
    /// The steps, one each.
    pub steps: Vec<String>,
    /// What must hold afterwards.
    pub expected_result: Option<String>,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Its risk.
    pub risk: Option<Risk>,
    /// Where it stands.
    pub status: CaseStatus,
    /// The source's own words for mapped values, by field.
    pub source_words: Vec<(String, String)>,
    /// Facts that the hub has no field for.
    pub other: Vec<(String, String)>,
}

/// A release under test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name or version.
    pub name: String,
}

/// How many results a run or suite has, by status. Counted from rows, never taken from a header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Broken.
    pub broken: u64,
    /// Timed out.
    pub timeout: u64,
    /// Flaky.
    pub flaky: u64,
    /// Skipped.
    pub skipped: u64,
    /// Blocked.
    pub blocked: u64,
    /// Not run.
    pub not_run: u64,
}

impl Counts {
    /// Counts one result.
    pub fn add(&mut self, status: ResultStatus, n: u64) {
        *self.slot(status) += n;
    }

    /// The number of results with a status.
    #[must_use]
    pub fn get(&self, status: ResultStatus) -> u64 {
        let mut copy = *self;
        *copy.slot(status)
    }

    fn slot(&mut self, status: ResultStatus) -> &mut u64 {
        match status {
            ResultStatus::Passed => &mut self.passed,
            ResultStatus::Failed => &mut self.failed,
            ResultStatus::Broken => &mut self.broken,
            ResultStatus::Timeout => &mut self.timeout,
            ResultStatus::Flaky => &mut self.flaky,
            ResultStatus::Skipped => &mut self.skipped,
            ResultStatus::Blocked => &mut self.blocked,
            ResultStatus::NotRun => &mut self.not_run,
        }
    }

    /// All results.
    #[must_use]
    pub fn total(&self) -> u64 {
        ResultStatus::ALL.iter().map(|s| self.get(*s)).sum()
    }

    /// Results of tests that were executed.
    #[must_use]
    pub fn executed(&self) -> u64 {
        ResultStatus::ALL.iter().filter(|s| s.executed()).map(|s| self.get(*s)).sum()
    }

    /// Results that a person has to look at.
    #[must_use]
    pub fn unsuccessful(&self) -> u64 {
        ResultStatus::ALL.iter().filter(|s| s.unsuccessful()).map(|s| self.get(*s)).sum()
    }

    /// How the whole came out.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        if self.unsuccessful() > 0 {
            RunStatus::Failed
        } else if self.executed() > 0 {
            RunStatus::Passed
        } else {
            RunStatus::NotExecuted
        }
    }
}

/// How much of the project's test cases a run executed. Kept as two whole numbers, so that no rounding enters a hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Distinct known cases that the run executed.
    pub executed: u64,
    /// Cases of the project that are not deprecated.
    pub known: u64,
}

impl Coverage {
    /// Whole per cent, rounded down; nothing where there are no cases.
    #[must_use]
    pub fn percent(&self) -> Option<u64> {
        (self.known > 0).then(|| self.executed.saturating_mul(100) / self.known)
    }
}

/// A test run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The line by which people know it.
    pub title: String,
    /// The release it tests.
    pub release: Option<ExternalId>,
    /// The canonical environment (`production`, `staging`, `qa`, `development`, or the source's word in lower case).
    pub environment: Option<String>,
    /// The source's own word for the environment.
    pub source_environment: Option<String>,
    /// The platform, if the run has one.
    pub platform: Option<String>,
    /// Devices and browsers seen, sorted.
    pub devices: Vec<String>,
    /// When it began, if a source says so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// The sum of its results' durations in milliseconds.
    pub duration_ms: u64,
    /// Counted from its results.
    pub counts: Counts,
    /// How much of the project it executed.
    pub coverage: Coverage,
    /// What is concluded from its rows and from the runs before it.
    #[serde(default, skip_serializing_if = "RunInsight::is_empty")]
    pub insight: RunInsight,
}

/// A defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// What is wrong, in one line, without the id.
    pub title: String,
    /// The test cases that show it.
    pub test_cases: Vec<ExternalId>,
    /// Test cases whose own rows name it, in the order of their ids. They are kept beside the list's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named_by: Vec<ExternalId>,
    /// The run in which it was seen.
    pub run: Option<ExternalId>,
    /// How bad it is.
    pub severity: Option<DefectSeverity>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// Where it stands.
    pub status: DefectStatus,
    /// The description.
    pub description: Option<String>,
    /// The steps, one each.
    pub steps: Vec<String>,
    /// What should have happened.
    pub expected_result: Option<String>,
    /// What happened.
    pub actual_result: Option<String>,
    /// The canonical environment.
    pub environment: Option<String>,
    /// The platform, derived from the device.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
    /// The source's own words for mapped values, by field.
    pub source_words: Vec<(String, String)>,
    /// Facts that the hub has no field for.
    pub other: Vec<(String, String)>,
    /// Where the hub saw its failure, for a defect that the hub made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sightings: Option<Sightings>,
}

impl Defect {
    /// Every test case that shows it, each once: its own first, then those whose rows name it.
    pub fn cases(&self) -> impl Iterator<Item = &ExternalId> {
        let named = self.named_by.iter().filter(|case| !self.test_cases.contains(case));
        self.test_cases.iter().chain(named)
    }
}

/// A report: one file that was handed over for a run, with what it claims and what its rows say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The line by which people know it.
    pub title: String,
    /// The run it reports on.
    pub run: ExternalId,
    /// The format's name (`junit`, `csv-results`).
    pub format: String,
    /// The file's name without its folder.
    pub file_name: String,
    /// BLAKE3 of the file's bytes, in hexadecimal.
    pub digest: String,
    /// Counted from its rows.
    pub counts: Counts,
    /// The numbers of its header.
    pub declared: DeclaredCounts,
    /// How many problems its reader found, by code.
    pub problems: Vec<(String, u64)>,
}

/// One execution of one test, as a row below a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Its key within the run: equal when the same file is read again.
    pub result_key: String,
    /// The report it came from.
    pub report: ExternalId,
    /// The test case it executes.
    pub test_case: Option<ExternalId>,
    /// The test's name without the case's id.
    pub name: String,
    /// The suites around it, joined by ` › `.
    pub suite: Option<String>,
    /// What became of it.
    pub status: ResultStatus,
    /// The source's own word.
    pub source_status: String,
    /// The device or browser project.
    pub device: Option<String>,
    /// The platform, derived from the device.
    pub platform: Option<String>,
    /// How often it was repeated.
    pub attempt: u32,
    /// The duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// The class of the error.
    pub error_type: Option<String>,
    /// The error's message.
    pub message: Option<String>,
    /// The error's details.
    pub details: Option<String>,
    /// Notes of a person.
    pub notes: Option<String>,
    /// Files and addresses named as evidence, as text; never fetched.
    pub evidence: Vec<String>,
    /// Facts that not every tool tells.
    #[serde(default, skip_serializing_if = "ResultExtra::is_empty")]
    pub extra: ResultExtra,
    /// What is concluded from its error; none for a result without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureFacts>,
}

/// Facts of a result that not every tool tells. What is empty is left out of its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResultExtra {
    /// The browser: `chrome`, `firefox`, `safari`, `edge`, or the source's word in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The source's own words for the browser and platform, by field, where they differ from the canonical ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_words: Vec<(String, String)>,
    /// What the tool calls the same test in other runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_id: Option<String>,
    /// The parameters that tell this execution from others of the same test, as name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(String, String)>,
    /// Tags without `@`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its steps, outer before inner, in the order of execution.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepRecord>,
    /// What the test printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl ResultExtra {
    /// Whether nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is concluded from the error of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureFacts {
    /// The cause, where it is one of the infrastructure.
    pub cause: Option<FailureCause>,
    /// The failure of this case: equal in the next run that fails in the same way.
    pub fingerprint: String,
    /// The error without its case and place: equal for all tests that fail for one cause. None for a failure that says
    /// nothing of itself.
    pub signature: Option<String>,
}

impl TestResult {
    /// The hash of the row.
    ///
    /// # Errors
    /// [`NotCanonical`], which texts and whole numbers never cause.
    pub fn content_hash(&self) -> Result<ContentHash, NotCanonical> {
        ContentHash::of(self)
    }
}

/// A project as the pipeline needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFacts {
    /// The hub's number of the project.
    pub id: ProjectId,
    /// Its short name.
    pub key: crate::ProjectKey,
    /// Its name for people.
    pub name: String,
    /// The language of its issues and pages.
    pub locale: crate::vocabulary::Locale,
    /// The key of its Jira project.
    pub jira_project: String,
    /// The key of its Confluence space.
    pub confluence_space: crate::SpaceKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_follow_the_status_of_each_row() {
        let mut counts = Counts::default();
        assert_eq!(counts.status(), RunStatus::NotExecuted);
        for status in ResultStatus::ALL {
            counts.add(*status, 2);
        }
        assert_eq!((counts.total(), counts.executed(), counts.unsuccessful()), (16, 10, 6));
        assert_eq!(counts.status(), RunStatus::Failed);
        assert_eq!(Counts { flaky: 1, skipped: 3, ..Counts::default() }.status(), RunStatus::Passed);
    }

    #[test]
    fn coverage_is_whole_and_never_divides_by_nothing() {
        assert_eq!(Coverage { executed: 2, known: 3 }.percent(), Some(66));
        assert_eq!(Coverage { executed: 0, known: 0 }.percent(), None);
    }

    #[test]
    fn facts_survive_a_round_trip_through_json() {
        let facts = EntityFacts::Release(Release { name: "2.4.0".into() });
        let json = serde_json::to_value(&facts).unwrap();
        assert_eq!(json, serde_json::json!({"kind": "release", "name": "2.4.0"}));
        assert_eq!(serde_json::from_value::<EntityFacts>(json).unwrap(), facts);
        for kind in EntityKind::ALL {
            assert_eq!(EntityKind::from_word(kind.as_str()), Some(kind));
        }
    }
}
