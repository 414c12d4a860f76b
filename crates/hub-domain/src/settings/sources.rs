//! `[[sources]]`: a team's own Postgres that is read, and never written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A kind of table that a source has. The order is the one in which they are read: what others point to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceStream {
    /// Groups of test cases.
    TestSuites,
    /// Test cases.
    TestCases,
    /// Executions: the hub's runs.
    TestExecutions,
    /// Results of executions.
    TestResults,
    /// Defects.
    Defects,
}

impl SourceStream {
    /// Every stream, in the order in which they are read.
    pub const ALL: [Self; 5] =
        [Self::TestSuites, Self::TestCases, Self::TestExecutions, Self::TestResults, Self::Defects];

    /// The stream as settings and tables name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TestSuites => "test_suites",
            Self::TestCases => "test_cases",
            Self::TestExecutions => "test_executions",
            Self::TestResults => "test_results",
            Self::Defects => "defects",
        }
    }
}

/// A schema that the hub knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Without tenants: executions have no time of change.
    V1,
    /// With tenants.
    V2,
}

/// How changes are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Follow {
    /// By the time of change, below the safe watermark. Needs nothing of the team but a role.
    #[default]
    Watermark,
    /// By the triggers that the team installed (`haida-hub source sql --outbox`).
    Outbox,
}

/// A team's own SELECT for a kind of table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SelectSettings {
    /// One SELECT whose columns have the canonical names. `{project}` and `{tenant}` stand for the source's settings, as
    /// quoted literals.
    pub sql: String,
    /// The table whose triggers tell of its rows, as `schema.name`; only where changes are followed by the outbox.
    pub table: Option<String>,
}

/// A team's database that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceSettings {
    /// What commands and pages call it.
    pub name: String,
    /// Where the database's address is kept: `env://NAME`, `file:///PATH` or `vault://NAME`; never the address itself, which
    /// holds a password.
    pub connection: String,
    /// The schema of the team's tables, where it is one that the hub knows.
    pub preset: Option<Preset>,
    /// The database schema in which a preset's tables are.
    pub schema: String,
    /// The team's project, by its id or slug in the source. A preset without one reads every project.
    pub project: Option<String>,
    /// The team's tenant, by its id or slug in the source.
    pub tenant: Option<String>,
    /// How changes are found.
    pub follow: Follow,
    /// Seconds between two pulls; 10 to 86,400.
    pub every_s: u32,
    /// How far below the present or the oldest open transaction reading ends, in milliseconds; 0 to 600,000.
    pub margin_ms: u32,
    /// How far back every pull reads again where the source does not show its open transactions, in seconds; 1 to 86,400.
    pub overlap_s: u32,
    /// The longest that one statement may take, in seconds; 1 to 600.
    pub timeout_s: u32,
    /// Rows of one page; 1 to 5,000.
    pub page_rows: u32,
    /// Whose word counts where two sources tell of the same thing: the higher number; a file's is 50.
    pub precedence: u8,
    /// How runs are called: `{suite}`, `{environment}`, `{platform}`, `{trigger}`, `{started}` and `{id}` are replaced, and what
    /// is not known is left out. A run whose row has a title keeps that.
    pub run_title: String,
    /// The team's own SELECT by kind of table. One that is given replaces the preset's.
    pub select: BTreeMap<SourceStream, SelectSettings>,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            name: String::new(),
            connection: String::new(),
            preset: None,
            schema: "public".to_owned(),
            project: None,
            tenant: None,
            follow: Follow::Watermark,
            every_s: 300,
            margin_ms: 1_000,
            overlap_s: 300,
            timeout_s: 30,
            page_rows: 500,
            precedence: 50,
            run_title: "{suite} {environment} {started}".to_owned(),
            select: BTreeMap::new(),
        }
    }
}

impl SourceSettings {
    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        let name = &self.name;
        if !super::is_name(name) {
            mistakes.push(format!("sources: {name:?} is no name (a-z, 0-9 and '-', at most 63)"));
        }
        let mut wrong = |what: String| mistakes.push(format!("sources.{name}: {what}"));
        // What is refused is not repeated: it may be an address with its password.
        if !["env://", "file:///", "vault://"].iter().any(|scheme| self.connection.starts_with(scheme)) {
            wrong("connection names where the address is kept (env://NAME, file:///PATH or vault://NAME)".into());
        }
        if self.preset.is_none() && self.select.is_empty() {
            wrong("give a preset (\"v1\" or \"v2\") or a SELECT ([sources.select.test_cases])".into());
        }
        if self.schema.is_empty() || self.schema.len() > 63 || self.schema.contains('\0') {
            wrong(format!("schema {:?} is no name of a schema", self.schema));
        }
        for (field, value, range) in [
            ("every_s", self.every_s, 10..=86_400),
            ("margin_ms", self.margin_ms, 0..=600_000),
            ("overlap_s", self.overlap_s, 1..=86_400),
            ("timeout_s", self.timeout_s, 1..=600),
            ("page_rows", self.page_rows, 1..=5_000),
        ] {
            if !range.contains(&value) {
                wrong(format!("{field} = {value} is not between {} and {}", range.start(), range.end()));
            }
        }
        for (field, value) in [("project", &self.project), ("tenant", &self.tenant)] {
            if value.as_ref().is_some_and(|text| text.is_empty() || text.chars().any(char::is_control)) {
                wrong(format!("{field} is empty or holds control characters"));
            }
        }
        for (stream, select) in &self.select {
            for rule in select.mistakes(self) {
                wrong(format!("select.{}: {rule}", stream.as_str()));
            }
        }
    }
}

impl SelectSettings {
    /// What can be told of a SELECT without the database. That it writes nothing is not told by reading it: its transaction is
    /// read only.
    fn mistakes(&self, source: &SourceSettings) -> Vec<String> {
        let mut mistakes = Vec::new();
        let sql = self.sql.trim();
        let begins = |word: &str| sql.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if !begins("select") && !begins("with") {
            mistakes.push("sql is one SELECT".to_owned());
        }
        if sql.contains([';', '\0']) {
            mistakes.push("sql is one statement, without a semicolon".to_owned());
        }
        for (field, value) in [("project", &source.project), ("tenant", &source.tenant)] {
            if sql.contains(&format!("{{{field}}}")) && value.is_none() {
                mistakes.push(format!("sql uses {{{field}}}, which the source does not set"));
            }
        }
        if source.follow == Follow::Outbox && self.table.is_none() {
            mistakes.push("table names the table that has the outbox's triggers".to_owned());
        }
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(source: &SourceSettings) -> String {
        let mut mistakes = Vec::new();
        source.check(&mut mistakes);
        mistakes.join("; ")
    }

    fn good() -> SourceSettings {
        SourceSettings {
            name: "ours".into(),
            connection: "env://QA_DATABASE".into(),
            preset: Some(Preset::V2),
            ..SourceSettings::default()
        }
    }

    #[test]
    fn a_source_needs_a_place_for_its_address_and_something_to_read() {
        assert_eq!(mistakes(&good()), "");
        let address = format!("postgres://u:{}@db.example.com/x", ["hun", "ter2"].concat());
        let told = mistakes(&SourceSettings { connection: address, ..good() });
        assert!(told.contains("connection") && !told.contains("hunter2"), "{told}");
        assert!(mistakes(&SourceSettings { preset: None, ..good() }).contains("preset"));
        assert!(mistakes(&SourceSettings { every_s: 1, timeout_s: 0, ..good() }).contains("timeout_s"));
        assert!(mistakes(&SourceSettings { project: Some(String::new()), ..good() }).contains("project"));
    }

    #[test]
    fn a_select_is_one_statement_and_its_parameters_are_set() {
        let with = |sql: &str| {
            let select = SelectSettings { sql: sql.into(), table: None };
            mistakes(&SourceSettings { select: [(SourceStream::TestCases, select)].into(), ..good() })
        };
        assert_eq!(with("select id, title from cases"), "");
        assert_eq!(with("WITH c as (select 1) SELECT * from c"), "");
        assert!(with("delete from cases").contains("one SELECT"));
        assert!(with("select 1; drop table x").contains("semicolon"));
        assert!(with("select 1 where p = {project}").contains("{project}"));
    }

    #[test]
    fn settings_are_read_from_their_words() {
        let read = |json| serde_json::from_value::<SourceSettings>(json);
        let source = read(serde_json::json!({
            "name": "ours", "connection": "env://X", "preset": "v1", "follow": "outbox",
            "select": {"test_cases": {"sql": "select 1", "table": "qa.cases"}}
        }))
        .unwrap();
        assert_eq!((source.preset, source.follow), (Some(Preset::V1), Follow::Outbox));
        assert!(read(serde_json::json!({"select": {"cases": {"sql": ""}}})).is_err(), "an unknown stream");
    }
}
