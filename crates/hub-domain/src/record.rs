//! What a reader of a file found, in the file's own words: the boundary between `hub-formats`, which knows files, and
//! `hub-pipeline`, which knows meanings. Nothing is mapped here; texts are as the source wrote them, apart from
//! characters that no XML can hold, which the reader removes and reports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a reader found, in the order of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A group of tests begins or, where the format says so only at its end, ended.
    Suite(SuiteRecord),
    /// One execution of one test.
    Result(Box<ResultRecord>),
    /// A test case as a document.
    Case(Box<CaseRecord>),
    /// A defect.
    Defect(Box<DefectRecord>),
}

/// The numbers that a report's header claims, kept beside the numbers counted from its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredCounts {
    /// All tests.
    pub tests: Option<u64>,
    /// Tests whose expectation failed.
    pub failures: Option<u64>,
    /// Tests that broke.
    pub errors: Option<u64>,
    /// Tests left out.
    pub skipped: Option<u64>,
}

/// A suite as a report describes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SuiteRecord {
    /// The names from the outermost suite to this one.
    pub path: Vec<String>,
    /// The source file, where named.
    pub file: Option<String>,
    /// The start time as written.
    pub started_at: Option<String>,
    /// The host, which Playwright uses for its project name (`Desktop Chrome`).
    pub host: Option<String>,
    /// The numbers in its header.
    pub declared: DeclaredCounts,
    /// Properties as name and value.
    pub properties: Vec<(String, String)>,
    /// The line at which it begins.
    pub line: Option<u64>,
}

/// A file that a test left behind, as the report names it; never opened by a reader.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttachmentRecord {
    /// What it is called, if other than its path.
    pub name: Option<String>,
    /// The path or address as written; empty where the content stands in the report itself.
    pub path: String,
    /// The media type as the report names it.
    pub content_type: Option<String>,
    /// The content, where it stands in the report itself, at most 8 MiB.
    pub body: Option<Embedded>,
}

/// The bytes of an attachment that stands in the report itself.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedded(pub Vec<u8>);

impl fmt::Debug for Embedded {
    /// Their number: the bytes themselves say nothing to a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// One step of a test's execution.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepRecord {
    /// How many steps it stands inside of; 0 for the outermost.
    pub depth: u8,
    /// What it does.
    pub name: String,
    /// The outcome in the source's word.
    pub status: Option<String>,
    /// The duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// What it says of its failure, at most 8,192 characters.
    pub message: Option<String>,
}

/// One execution of one test as a report describes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResultRecord {
    /// The names of the suites around it, outermost first.
    pub suite: Vec<String>,
    /// The class or file it belongs to.
    pub class_name: Option<String>,
    /// The source file, where named.
    pub file: Option<String>,
    /// The test's name or title; for a result that only names a case, the case's id.
    pub name: String,
    /// The case's id, where the format has a field for it (a CSV column, a property `test_id`).
    pub case_id: Option<String>,
    /// The outcome in the source's word: `passed`, `failure`, `error`, `skipped`, `disabled`, `PASS`, `BLOQUEADO` ...
    pub status: String,
    /// How often it was repeated before this outcome; 0 for the first execution.
    pub attempt: u32,
    /// Whether an earlier attempt of the same test had another outcome.
    pub flaky: bool,
    /// The duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// The start time as written.
    pub started_at: Option<String>,
    /// The device, browser project or host.
    pub device: Option<String>,
    /// The browser, where the report names it beside the device.
    pub browser: Option<String>,
    /// The platform or operating system, where the report names it beside the device.
    pub platform: Option<String>,
    /// The environment in the source's word.
    pub environment: Option<String>,
    /// What the tool calls the same test in other runs (Allure's `historyId`).
    pub history_id: Option<String>,
    /// The parameters that tell this execution from others of the same test, as name and value.
    pub parameters: Vec<(String, String)>,
    /// Tags without `@`.
    pub tags: Vec<String>,
    /// Its steps, outer before inner, in the order of execution.
    pub steps: Vec<StepRecord>,
    /// The class of the error.
    pub error_type: Option<String>,
    /// The error's message, at most 8,192 characters.
    pub message: Option<String>,
    /// The error's details (stack trace), at most 32,768 characters.
    pub details: Option<String>,
    /// What the test printed, at most 8,192 characters.
    pub output: Option<String>,
    /// Notes of a person.
    pub notes: Option<String>,
    /// Files and addresses named as evidence.
    pub attachments: Vec<AttachmentRecord>,
    /// Properties as name and value.
    pub properties: Vec<(String, String)>,
    /// The line at which it begins.
    pub line: Option<u64>,
}

/// A test case as a team's document describes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseRecord {
    /// The case's id.
    pub id: String,
    /// What it tests, in one line.
    pub title: String,
    /// The type of test (`E2E`, `Smoke`, `Data Quality`).
    pub test_type: Option<String>,
    /// The component.
    pub component: Option<String>,
    /// The module.
    pub module: Option<String>,
    /// Requirement ids.
    pub requirements: Vec<String>,
    /// What must hold before.
    pub preconditions: Option<String>,
    /// The steps as one text.
    pub steps: Option<String>,
    /// What must hold afterwards.
    pub expected_result: Option<String>,
    /// The priority in the source's word.
    pub priority: Option<String>,
    /// The risk in the source's word.
    pub risk: Option<String>,
    /// Tags without `@`.
    pub tags: Vec<String>,
    /// The state in the source's word.
    pub status: Option<String>,
    /// Columns that the hub has no name for, as header and value.
    pub other: Vec<(String, String)>,
    /// The line at which it begins.
    pub line: Option<u64>,
}

/// A defect as a team's list describes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefectRecord {
    /// The defect's id.
    pub id: String,
    /// What is wrong, in one line.
    pub title: String,
    /// Ids of the test cases that show it.
    pub case_ids: Vec<String>,
    /// The run in which it was seen.
    pub run_id: Option<String>,
    /// The severity in the source's word.
    pub severity: Option<String>,
    /// The priority in the source's word.
    pub priority: Option<String>,
    /// The state in the source's word.
    pub status: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The steps as one text.
    pub steps: Option<String>,
    /// What should have happened.
    pub expected_result: Option<String>,
    /// What happened.
    pub actual_result: Option<String>,
    /// The environment in the source's word.
    pub environment: Option<String>,
    /// The device.
    pub device: Option<String>,
    /// Whether it is only named, by the row of a test case that shows it: its facts then count less than a list of defects.
    pub derived: bool,
    /// Columns that the hub has no name for, as header and value.
    pub other: Vec<(String, String)>,
    /// The line at which it begins.
    pub line: Option<u64>,
}
