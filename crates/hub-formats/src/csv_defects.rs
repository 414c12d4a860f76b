//! Defects as a table: `DEFECTO_ID|TITULO|TEST_ID|...` and its like, and exports of Redmine.

use hub_domain::record::{DefectRecord, Record};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::table::columns::Kind;
use crate::table::{self, Column, Ids, Reading, Row, WithoutId};

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
    table::read(input, reporter, &READING);
}

/// How rows become defects.
pub(crate) const READING: Reading =
    Reading { id: &[Column::DefectId, Column::Id], ids: Ids::Unique, without_id: WithoutId::Numbered, make };

fn make(id: String, mut row: Row<'_>, out: &mut Vec<Record>) {
    let title = row.take(Column::Title).or_else(|| row.take(Column::Description)).unwrap_or_default();
    let title = without_number(&id, title);
    let mut defect = DefectRecord {
        id,
        title,
        case_ids: row.take(Column::CaseId).map(|cell| table::ids(&cell)).unwrap_or_default(),
        run_id: row.take(Column::RunId),
        severity: row.take(Column::Severity),
        priority: row.take(Column::Priority),
        status: row.take(Column::Status),
        description: row.take(Column::Description),
        steps: row.take(Column::Steps),
        expected_result: row.take(Column::ExpectedResult),
        actual_result: row.take(Column::ActualResult),
        environment: row.take(Column::Environment),
        device: row.take(Column::Device),
        derived: false,
        line: row.line(),
        other: row.rest(),
    };
    table::sections::take_apart(&mut defect);
    out.push(Record::Defect(Box::new(defect)));
}

/// A title without the id that it begins with.
fn without_number(id: &str, title: String) -> String {
    let rest = title.strip_prefix(id).filter(|rest| rest.starts_with([' ', ':']));
    let rest = rest.map(|rest| rest.trim_start_matches([' ', ':', '-']));
    rest.filter(|rest| !rest.is_empty()).map(str::to_owned).unwrap_or(title)
}
