//! The canonical columns of each stream: the names by which a SELECT says what it reads. docs/sources.md explains them.

use hub_domain::settings::SourceStream;

/// A canonical column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Whether a SELECT without it is refused.
    pub required: bool,
    /// The most characters that are read of it: what a record can hold. A page of long logs then stays a page.
    pub longest: u32,
}

/// What a short text is at most.
const SHORT: u32 = 2_000;
/// What a message or an output is at most.
const MESSAGE: u32 = 8_192;
/// What a text of several paragraphs is at most.
const LONG: u32 = 32_768;

const fn needed(name: &'static str) -> Column {
    Column { name, required: true, longest: SHORT }
}

const fn short(name: &'static str) -> Column {
    Column { name, required: false, longest: SHORT }
}

const fn text(name: &'static str, longest: u32) -> Column {
    Column { name, required: false, longest }
}

/// Columns that every stream may have: the row's own key where its id is another one, and its times.
pub const COMMON: &[Column] = &[short("key"), short("created_at"), short("updated_at")];

const SUITES: &[Column] = &[needed("id"), short("title")];
const CASES: &[Column] = &[
    needed("id"),
    needed("title"),
    short("suite"),
    short("type"),
    short("component"),
    short("module"),
    text("requirements", LONG),
    text("preconditions", LONG),
    text("steps", LONG),
    text("expected_result", LONG),
    short("priority"),
    short("risk"),
    text("tags", LONG),
    short("status"),
];
const EXECUTIONS: &[Column] = &[
    needed("id"),
    needed("status"),
    short("title"),
    short("suite"),
    short("environment"),
    short("platform"),
    short("release"),
    short("trigger"),
    short("started_at"),
    short("completed_at"),
];
const RESULTS: &[Column] = &[
    needed("id"),
    needed("run"),
    needed("title"),
    needed("status"),
    short("case_id"),
    short("suite"),
    short("class"),
    short("file"),
    short("retries"),
    short("flaky"),
    short("duration_ms"),
    short("started_at"),
    short("device"),
    short("browser"),
    short("platform"),
    short("environment"),
    short("error_type"),
    text("message", MESSAGE),
    text("details", LONG),
    text("output", MESSAGE),
    text("notes", MESSAGE),
    text("tags", LONG),
    text("attachments", LONG),
    short("screenshot"),
    short("video"),
    short("trace"),
];
const DEFECTS: &[Column] = &[
    needed("id"),
    needed("title"),
    text("case_ids", LONG),
    short("run"),
    short("severity"),
    short("priority"),
    short("status"),
    text("description", LONG),
    text("steps", LONG),
    text("expected_result", LONG),
    text("actual_result", LONG),
    short("environment"),
    short("device"),
];

/// The canonical columns of a stream, beside [`COMMON`].
#[must_use]
pub fn of(stream: SourceStream) -> &'static [Column] {
    match stream {
        SourceStream::TestSuites => SUITES,
        SourceStream::TestCases => CASES,
        SourceStream::TestExecutions => EXECUTIONS,
        SourceStream::TestResults => RESULTS,
        SourceStream::Defects => DEFECTS,
    }
}

/// Whether columns that have no canonical name are kept as further facts.
#[must_use]
pub fn keeps_others(stream: SourceStream) -> bool {
    match stream {
        SourceStream::TestCases | SourceStream::Defects => true,
        SourceStream::TestSuites | SourceStream::TestExecutions | SourceStream::TestResults => false,
    }
}

/// A canonical column of a stream, by its name.
#[must_use]
pub fn find(stream: SourceStream, name: &str) -> Option<&'static Column> {
    COMMON.iter().chain(of(stream)).find(|column| column.name == name)
}
