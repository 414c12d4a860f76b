//! A row of a source as the record that a file's reader would have made of it, in the source's own words.

use hub_domain::{
    record::{AttachmentRecord, CaseRecord, DefectRecord, Record, ResultRecord},
    settings::SourceStream,
};
use time::OffsetDateTime;
use tokio_postgres::types::{FromSql, Type};

use crate::{Table, columns, json};

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its key in the source.
    pub key: String,
    /// The time by which its table is read, where it has one.
    pub at: Option<OffsetDateTime>,
    /// What changes when the row does.
    pub version: String,
    /// What it says.
    pub item: Item,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A test case with the suite that it belongs to, or a defect.
    Document {
        /// The record.
        record: Box<Record>,
        /// The suite's id.
        suite: Option<String>,
    },
    /// A result, with the id of the run that it belongs to.
    Result {
        /// The record.
        record: Box<ResultRecord>,
        /// The run's id.
        run: String,
    },
    /// A run.
    Run(Box<RunItem>),
    /// A suite.
    Suite(SuiteItem),
}

/// A run as a row tells it; what its results say is counted from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunItem {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The release that it tests.
    pub release: Option<String>,
    /// The environment in the source's word.
    pub environment: Option<String>,
    /// The platform in the source's word.
    pub platform: Option<String>,
    /// When it began, as written.
    pub started_at: Option<String>,
    /// Whether it is not over, so that its results may still change.
    pub open: bool,
}

/// A suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuiteItem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The states by which an execution says that it is over.
const OVER: &[&str] = &[
    "completed",
    "complete",
    "finished",
    "done",
    "passed",
    "failed",
    "success",
    "error",
    "errored",
    "cancelled",
    "canceled",
    "aborted",
    "timeout",
    "timed_out",
    "skipped",
    "stopped",
    "interrupted",
];

/// Where the values of a table's rows are, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// In their order. There are some ten or twenty, which are looked through sooner than one is hashed.
    names: Vec<String>,
    /// Those without a canonical name, in the table's order.
    others: Vec<(String, usize)>,
}

impl Places {
    /// The places of values with these names.
    pub(crate) fn of(stream: SourceStream, names: Vec<String>) -> Self {
        let others = names.iter().enumerate().filter(|(_, name)| columns::find(stream, name).is_none());
        Self { others: others.map(|(place, name)| (name.clone(), place)).collect(), names }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// A row's values; an empty one is none.
struct Values<'a> {
    places: &'a Places,
    in_order: Vec<Option<&'a str>>,
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let place = self.places.names.iter().position(|known| known == name)?;
        self.in_order.get(place).copied().flatten()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn owned(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.get(name).map(json::list).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u64> {
        let text = self.get(name)?.trim();
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        whole.parse().ok()
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| matches!(value.trim(), "true" | "t" | "1" | "yes" | "TRUE"))
    }
}

/// Reads a row of a statement that `table` made.
pub(crate) fn read(table: &Table, row: &tokio_postgres::Row, run_title: &str) -> Row {
    let text = |column: usize| row.get::<_, Option<&str>>(column);
    let value = |place: usize| text(place + 3).filter(|value| !value.trim().is_empty());
    let values = Values { places: &table.places, in_order: (0..table.places.len()).map(value).collect() };
    let instant = row.get::<_, Option<Instant>>(1);
    Row {
        key: text(0).unwrap_or_default().to_owned(),
        at: instant.and_then(Instant::moment),
        version: text(2).map_or_else(|| instant.and_then(Instant::version).unwrap_or_default(), str::to_owned),
        item: item(table, &values, run_title),
    }
}

/// A time as the database sends it: microseconds since 2000, with the ends of time at the ends of the number. A program's own
/// type of time cannot hold them all, and a row with a damaged time is still a row.
#[derive(Debug, Clone, Copy)]
struct Instant(i64);

/// Microseconds between 1970 and 2000.
const EPOCH: i64 = 946_684_800_000_000;

impl Instant {
    fn unix(self) -> Option<i64> {
        if self.0 == i64::MAX || self.0 == i64::MIN { None } else { self.0.checked_add(EPOCH) }
    }

    fn moment(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.unix()?) * 1_000).ok()
    }

    fn version(self) -> Option<String> {
        Some(self.unix()?.to_string())
    }
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

fn item(table: &Table, values: &Values<'_>, run_title: &str) -> Item {
    match table.stream {
        SourceStream::TestSuites => {
            let id = values.owned("id");
            Item::Suite(SuiteItem { name: values.text("title").unwrap_or_else(|| id.clone()), id })
        }
        SourceStream::TestCases => {
            Item::Document { suite: values.text("suite"), record: Box::new(Record::Case(Box::new(case(values)))) }
        }
        SourceStream::Defects => {
            Item::Document { suite: None, record: Box::new(Record::Defect(Box::new(defect(values)))) }
        }
        SourceStream::TestExecutions => Item::Run(Box::new(run(values, run_title))),
        SourceStream::TestResults => Item::Result { run: values.owned("run"), record: Box::new(result(values)) },
    }
}

/// The columns without a canonical name, in the table's order.
fn others(values: &Values<'_>) -> Vec<(String, String)> {
    let value = |place: usize| values.in_order.get(place).copied().flatten().map(str::to_owned);
    values.places.others.iter().filter_map(|(name, place)| Some((name.clone(), value(*place)?))).collect()
}

fn case(values: &Values<'_>) -> CaseRecord {
    CaseRecord {
        id: values.owned("id"),
        title: values.owned("title"),
        test_type: values.text("type"),
        component: values.text("component"),
        module: values.text("module"),
        requirements: values.list("requirements"),
        preconditions: values.text("preconditions"),
        steps: values.get("steps").map(json::steps),
        expected_result: values.text("expected_result"),
        priority: values.text("priority"),
        risk: values.text("risk"),
        tags: tags(values),
        status: values.text("status"),
        other: others(values),
        line: None,
    }
}

fn tags(values: &Values<'_>) -> Vec<String> {
    values.list("tags").into_iter().map(|tag| tag.trim_start_matches('@').to_owned()).collect()
}

fn defect(values: &Values<'_>) -> DefectRecord {
    DefectRecord {
        id: values.owned("id"),
        title: values.owned("title"),
        case_ids: values.list("case_ids"),
        run_id: values.text("run"),
        severity: values.text("severity"),
        priority: values.text("priority"),
        status: values.text("status"),
        description: values.text("description"),
        steps: values.get("steps").map(json::steps),
        expected_result: values.text("expected_result"),
        actual_result: values.text("actual_result"),
        environment: values.text("environment"),
        device: values.text("device"),
        derived: false,
        other: others(values),
        line: None,
    }
}

fn run(values: &Values<'_>, run_title: &str) -> RunItem {
    let id = values.owned("id");
    let status = values.owned("status").trim().to_lowercase().replace([' ', '-'], "_");
    let title = values.text("title").unwrap_or_else(|| title_of(run_title, values, &id));
    RunItem {
        title,
        release: values.text("release"),
        environment: values.text("environment"),
        platform: values.text("platform"),
        started_at: values.text("started_at"),
        // A state that is not known may be one of a run that goes on: reading its results again costs little.
        open: !OVER.contains(&status.as_str()),
        id,
    }
}

/// A run's title from a pattern; what is not known is left out, with the space before it.
fn title_of(pattern: &str, values: &Values<'_>, id: &str) -> String {
    let started = values.text("started_at").map(|at| at.chars().take(16).collect::<String>().replace('T', " "));
    let mut title = pattern.to_owned();
    for (name, value) in [
        ("{suite}", values.text("suite")),
        ("{environment}", values.text("environment")),
        ("{platform}", values.text("platform")),
        ("{trigger}", values.text("trigger")),
        ("{started}", started),
        ("{id}", Some(id.to_owned())),
    ] {
        title = title.replace(name, &value.unwrap_or_default());
    }
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() { id.to_owned() } else { title }
}

fn result(values: &Values<'_>) -> ResultRecord {
    let retries = values.number("retries").unwrap_or_default();
    let status = values.owned("status");
    let passed = matches!(status.trim().to_lowercase().as_str(), "passed" | "pass" | "success");
    let named = |name: &str| values.text(name).map(|path| (Some(name.to_owned()), path));
    let listed = values.list("attachments").into_iter().map(|path| (None, path));
    let files = [named("screenshot"), named("video"), named("trace")].into_iter().flatten().chain(listed);
    ResultRecord {
        suite: values.text("suite").into_iter().collect(),
        class_name: values.text("class"),
        file: values.text("file"),
        name: values.owned("title"),
        case_id: values.text("case_id"),
        attempt: u32::try_from(retries).unwrap_or(u32::MAX),
        // It was repeated and passed in the end, so an earlier attempt did not.
        flaky: values.flag("flaky") || (retries > 0 && passed),
        status,
        duration_ms: values.number("duration_ms"),
        started_at: values.text("started_at"),
        device: values.text("device").or_else(|| values.text("browser")),
        browser: values.text("browser"),
        platform: values.text("platform"),
        environment: values.text("environment"),
        tags: tags(values),
        error_type: values.text("error_type"),
        message: values.text("message"),
        details: values.text("details"),
        output: values.text("output"),
        notes: values.text("notes"),
        attachments: files.map(|(name, path)| AttachmentRecord { name, path, ..AttachmentRecord::default() }).collect(),
        ..ResultRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of a table with these columns.
    fn with<T>(pairs: &[(&str, &str)], read: impl Fn(&Values<'_>) -> T) -> T {
        let names = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
        let places = Places::of(SourceStream::TestResults, names);
        read(&Values { places: &places, in_order: pairs.iter().map(|(_, value)| Some(*value)).collect() })
    }

    #[test]
    fn a_run_is_called_by_what_is_known_of_it() {
        let known = [
            ("id", "7"),
            ("status", "Completed"),
            ("environment", "staging"),
            ("started_at", "2026-01-02T03:04:05.000000Z"),
        ];
        let named = with(&known, |values| run(values, "{suite} {environment} {started}"));
        assert_eq!((named.title.as_str(), named.open), ("staging 2026-01-02 03:04", false));
        assert_eq!(with(&[("id", "7"), ("status", "running")], |values| run(values, "{suite}")).title, "7");
        assert!(with(&[("id", "7"), ("status", "whatever")], |values| run(values, "")).open);
    }

    #[test]
    fn a_repeated_result_that_passed_is_flaky_and_its_files_are_attachments() {
        let repeated = with(
            &[
                ("title", "pays"),
                ("status", "passed"),
                ("retries", "2"),
                ("duration_ms", "12.7"),
                ("screenshot", "https://files.example.com/a.png"),
            ],
            result,
        );
        assert!(repeated.flaky);
        assert_eq!((repeated.attempt, repeated.duration_ms), (2, Some(12)));
        assert_eq!(repeated.attachments[0].path, "https://files.example.com/a.png");
        assert!(!with(&[("status", "failed"), ("retries", "2")], result).flaky);
    }
}
