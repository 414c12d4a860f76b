//! `[[tables]]`: a team's own table in files, whose header the hub does not know. The team says what the table holds and
//! which of its columns means what; a column that it leaves out is recognised by its name or kept as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableHolds {
    /// Test cases; a row may tell the case's result and its defect as well.
    Cases,
    /// Results of test cases.
    Results,
    /// Defects.
    Defects,
}

/// What a column of a table means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableField {
    /// The id of what the row is: of the case in a table of cases or results, of the defect in one of defects.
    Id,
    /// A test case's id.
    CaseId,
    /// A defect's id.
    DefectId,
    /// A run's id.
    RunId,
    /// A title.
    Title,
    /// A description.
    Description,
    /// The type of test.
    TestType,
    /// The component.
    Component,
    /// The module.
    Module,
    /// Requirement ids.
    Requirement,
    /// What must hold before.
    Preconditions,
    /// The steps.
    Steps,
    /// What must hold afterwards.
    ExpectedResult,
    /// What happened.
    ActualResult,
    /// The priority.
    Priority,
    /// The risk.
    Risk,
    /// The severity.
    Severity,
    /// Tags.
    Tags,
    /// The state of a case or defect.
    Status,
    /// The outcome of a test.
    Result,
    /// The device.
    Device,
    /// The environment.
    Environment,
    /// Files and addresses.
    Evidence,
    /// Notes of a person.
    Notes,
    /// When a test ran.
    Date,
    /// How long a test ran, in seconds.
    DurationS,
    /// How long a test ran, in milliseconds.
    DurationMs,
    /// Nothing that the hub has a name for: kept beside the facts under the column's own name.
    Other,
}

impl TableField {
    /// The word as settings hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::CaseId => "case_id",
            Self::DefectId => "defect_id",
            Self::RunId => "run_id",
            Self::Title => "title",
            Self::Description => "description",
            Self::TestType => "test_type",
            Self::Component => "component",
            Self::Module => "module",
            Self::Requirement => "requirement",
            Self::Preconditions => "preconditions",
            Self::Steps => "steps",
            Self::ExpectedResult => "expected_result",
            Self::ActualResult => "actual_result",
            Self::Priority => "priority",
            Self::Risk => "risk",
            Self::Severity => "severity",
            Self::Tags => "tags",
            Self::Status => "status",
            Self::Result => "result",
            Self::Device => "device",
            Self::Environment => "environment",
            Self::Evidence => "evidence",
            Self::Notes => "notes",
            Self::Date => "date",
            Self::DurationS => "duration_s",
            Self::DurationMs => "duration_ms",
            Self::Other => "other",
        }
    }
}

/// A team's own table in files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableSettings {
    /// What problems, rejects and the order of precedence call it.
    pub name: String,
    /// What its rows are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<TableHolds>,
    /// How cells are separated: `|`, `;`, `,` or `tab`; whichever fits the header where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Names that must all stand in a header for a file to be this table; the names in `columns` where none is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,
    /// What each column means, by its name in the header. Names are compared without case, accents, spaces and signs.
    pub columns: BTreeMap<String, TableField>,
    /// What holds for every row that says nothing else, by its meaning.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<TableField, String>,
}

impl TableSettings {
    /// The character between cells, where the settings say it.
    #[must_use]
    pub fn delimiter(&self) -> Option<char> {
        match self.separator.as_deref()? {
            "|" => Some('|'),
            ";" => Some(';'),
            "," => Some(','),
            "tab" | "\t" => Some('\t'),
            _ => None,
        }
    }

    /// The names by which a file is recognised as this table.
    pub fn required_names(&self) -> impl Iterator<Item = &str> {
        let (header, columns) = (&self.header, &self.columns);
        header.iter().chain(columns.keys().filter(|_| header.is_empty())).map(String::as_str)
    }

    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        if !super::is_name(&self.name) {
            mistakes.push(format!("tables: {:?} is no name (a-z, 0-9 and '-', at most 63)", self.name));
        }
        let mut wrong = |what: String| mistakes.push(format!("tables {:?}: {what}", self.name));
        if self.columns.is_empty() {
            wrong("columns says of no column what it means".to_owned());
        }
        if let Some(separator) = &self.separator
            && self.delimiter().is_none()
        {
            wrong(format!("the separator {separator:?} is none of \"|\", \";\", \",\" and \"tab\""));
        }
        if self.header.iter().chain(self.columns.keys()).any(|name| name.trim().is_empty()) {
            wrong("a column has no name".to_owned());
        }
        let means = |field: TableField| self.columns.values().any(|meaning| *meaning == field);
        for field in self.columns.values().filter(|field| **field != TableField::Other) {
            if self.columns.values().filter(|other| *other == field).count() > 1 {
                let message = format!("more than one column is {:?}", field.as_str());
                if !mistakes.iter().any(|known| known.ends_with(&message)) {
                    mistakes.push(format!("tables {:?}: {message}", self.name));
                }
            }
        }
        let mut wrong = |what: String| mistakes.push(format!("tables {:?}: {what}", self.name));
        let ids = [TableField::Id, TableField::CaseId, TableField::DefectId, TableField::RunId, TableField::Other];
        for field in self.constants.keys().filter(|field| ids.contains(field)) {
            wrong(format!("{:?} cannot be the same for every row", field.as_str()));
        }
        if self.columns.is_empty() {
            return;
        }
        match self.holds {
            None => wrong("holds is missing: \"cases\", \"results\" or \"defects\"".to_owned()),
            Some(TableHolds::Cases) if !means(TableField::Id) && !means(TableField::CaseId) => {
                wrong("a table of cases needs a column \"id\"".to_owned());
            }
            Some(TableHolds::Defects) if !means(TableField::Id) && !means(TableField::DefectId) => {
                wrong("a table of defects needs a column \"id\"".to_owned());
            }
            Some(TableHolds::Results) => {
                if !means(TableField::Id) && !means(TableField::CaseId) && !means(TableField::Title) {
                    wrong("a table of results needs a column \"id\" or \"title\"".to_owned());
                }
                if !means(TableField::Result) && !means(TableField::Status) {
                    wrong("a table of results needs a column \"result\"".to_owned());
                }
            }
            Some(TableHolds::Cases | TableHolds::Defects) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: serde_json::Value) -> (TableSettings, String) {
        let table: TableSettings = serde_json::from_value(json).unwrap();
        let mut mistakes = Vec::new();
        table.check(&mut mistakes);
        (table, mistakes.join("; "))
    }

    #[test]
    fn a_table_that_says_what_it_means_is_taken() {
        let (table, mistakes) = table(serde_json::json!({
            "name": "plan", "holds": "cases", "separator": "tab",
            "columns": {"Ref": "id", "Qué": "title", "Uno": "other", "Dos": "other"},
            "constants": {"component": "Checkout"}
        }));
        assert_eq!(mistakes, "");
        assert_eq!(table.delimiter(), Some('\t'));
        assert_eq!(table.required_names().collect::<Vec<_>>(), ["Dos", "Qué", "Ref", "Uno"]);
    }

    #[test]
    fn every_mistake_is_named() {
        for (json, expect) in [
            (serde_json::json!({"name": "a"}), "no column"),
            (serde_json::json!({"name": "a", "columns": {"X": "id"}}), "holds is missing"),
            (serde_json::json!({"name": "a", "holds": "cases", "columns": {"X": "title"}}), "needs a column \"id\""),
            (serde_json::json!({"name": "a", "holds": "defects", "columns": {"X": "case_id"}}), "table of defects"),
            (serde_json::json!({"name": "a", "holds": "results", "columns": {"X": "id"}}), "column \"result\""),
            (
                serde_json::json!({"name": "a", "holds": "cases", "columns": {"X": "id", "Y": "id"}}),
                "more than one column is \"id\"",
            ),
            (
                serde_json::json!({"name": "a", "holds": "cases", "separator": "#", "columns": {"X": "id"}}),
                "the separator \"#\"",
            ),
            (
                serde_json::json!({"name": "a", "holds": "cases", "columns": {"X": "id"}, "constants": {"id": "1"}}),
                "cannot be the same",
            ),
            (serde_json::json!({"name": "a", "holds": "cases", "columns": {" ": "id"}}), "has no name"),
        ] {
            let (_, mistakes) = table(json.clone());
            assert!(mistakes.contains(expect), "{json}: {mistakes}");
        }
        assert!(serde_json::from_value::<TableSettings>(serde_json::json!({"columns": {"X": "titel"}})).is_err());
    }
}
