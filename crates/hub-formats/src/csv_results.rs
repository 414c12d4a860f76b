//! Results as a table: `TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS` and its like; a row per case and device.

use hub_domain::record::{Record, ResultRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::table::columns::Kind;
use crate::table::{self, Column, Ids, Reading, Row, WithoutId};

pub(crate) const FORMAT: Format = Format {
    name: "csv-results",
    title: "Test results as a table (CSV)",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

fn sniff(head: &Head<'_>) -> bool {
    table::is_table(head, Kind::Results)
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    table::read(input, reporter, &READING);
}

/// How rows become results.
pub(crate) const READING: Reading =
    Reading { id: &[Column::CaseId, Column::Id], ids: Ids::Repeat, without_id: WithoutId::Titled, make };

fn make(id: String, mut row: Row<'_>, out: &mut Vec<Record>) {
    let status = row.take(Column::Result).or_else(|| row.take(Column::Status)).unwrap_or_default();
    let name = row.take(Column::Title).or_else(|| row.take(Column::Description)).unwrap_or_else(|| id.clone());
    let device = row.take(Column::Device);
    let mut result = ResultRecord {
        name,
        case_id: Some(id).filter(|id| !id.is_empty()),
        device,
        ..table::execution::taken(&mut row, status)
    };
    let mut defects = Vec::new();
    table::execution::defects(&result, &mut row, &mut defects);
    result.properties = row.rest();
    out.push(Record::Result(Box::new(result)));
    out.append(&mut defects);
}
