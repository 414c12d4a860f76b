//! Results as a table: `TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS` and its like; a row per case and device.

use hub_domain::record::{AttachmentRecord, Record, ResultRecord};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::limits;
use crate::reporter::Reporter;
use crate::table::columns::Kind;
use crate::table::{self, Column, Ids, Row};

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
    table::read(input, reporter, &[Column::CaseId, Column::Id], Ids::Repeat, make);
}

fn make(id: String, mut row: Row<'_>) -> Record {
    let evidence = row.take(Column::Evidence).unwrap_or_default();
    Record::Result(Box::new(ResultRecord {
        name: row.take(Column::Title).or_else(|| row.take(Column::Description)).unwrap_or_else(|| id.clone()),
        case_id: Some(id),
        status: row.take(Column::Outcome).or_else(|| row.take(Column::Status)).unwrap_or_default(),
        started_at: row.take(Column::Date),
        device: row.take(Column::Device),
        environment: row.take(Column::Environment),
        message: row.take(Column::Actual),
        notes: row.take(Column::Notes),
        attachments: attachments(&evidence),
        line: row.line(),
        properties: row.rest(),
        ..ResultRecord::default()
    }))
}

/// Paths are joined by comma and space; a comma alone may be part of a path.
fn attachments(cell: &str) -> Vec<AttachmentRecord> {
    let paths = cell.split('\n').flat_map(|line| line.split(", ")).map(str::trim).filter(|path| !path.is_empty());
    paths
        .take(limits::ATTACHMENTS)
        .map(|path| AttachmentRecord { path: path.to_owned(), ..AttachmentRecord::default() })
        .collect()
}
