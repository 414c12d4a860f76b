//! Defects as a table: `DEFECTO_ID|TITULO|TEST_ID|...` and its like, and exports of Redmine.

use hub_domain::record::{DefectRecord, Record};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::table::columns::Kind;
use crate::table::{self, Column, Ids, Row};

pub(crate) const FORMAT: Format = Format {
    name: "csv-defects",
    title: "Defects as a table (CSV)",
    holds: Holds::Defects,
    spread: false,
    sniff,
    read,
};

fn sniff(head: &Head<'_>) -> bool {
    table::is_table(head, Kind::Defects)
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    table::read(input, reporter, &[Column::DefectId, Column::Id], Ids::Unique, make);
}

fn make(id: String, mut row: Row<'_>) -> Record {
    let title = row.take(Column::Title).or_else(|| row.take(Column::Description)).unwrap_or_default();
    Record::Defect(Box::new(DefectRecord {
        id,
        title,
        case_ids: row.take(Column::CaseId).map(|cell| table::ids(&cell)).unwrap_or_default(),
        run_id: row.take(Column::RunId),
        severity: row.take(Column::Severity),
        priority: row.take(Column::Priority),
        status: row.take(Column::Status),
        description: row.take(Column::Description),
        steps: row.take(Column::Steps),
        expected_result: row.take(Column::Expected),
        actual_result: row.take(Column::Actual),
        environment: row.take(Column::Environment),
        device: row.take(Column::Device),
        line: row.line(),
        other: row.rest(),
    }))
}
