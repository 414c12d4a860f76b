//! Test cases as a table: `TEST_ID|TIPO_PRUEBA|COMPONENTE|...|ESTADO` and its like. A row of a case that was executed
//! gives its result as well, and the defect that came of it.

use hub_domain::record::{CaseRecord, Record};

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::table::columns::Kind;
use crate::table::{self, Column, Ids, Reading, Row, WithoutId};

pub(crate) const FORMAT: Format =
    Format { name: "csv-cases", title: "Test cases as a table (CSV)", holds: Holds::Cases, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    table::is_table(head, Kind::Cases)
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    table::read(input, reporter, &READING);
}

/// How rows become cases, and results of cases that were executed.
pub(crate) const READING: Reading =
    Reading { id: &[Column::CaseId, Column::Id], ids: Ids::Unique, without_id: WithoutId::Rejected, make };

fn make(id: String, mut row: Row<'_>, out: &mut Vec<Record>) {
    // The 13-column table has no title: its description is the one line that says what is tested.
    let title = row.take(Column::Title).or_else(|| row.take(Column::Description)).unwrap_or_default();
    let tags = row.take(Column::Tags).unwrap_or_default();
    let mut executed = Vec::new();
    table::execution::result_of_case(&id, &title, &mut row, &mut executed);
    out.push(Record::Case(Box::new(CaseRecord {
        id,
        title,
        test_type: row.take(Column::TestType),
        component: row.take(Column::Component),
        module: row.take(Column::Module),
        requirements: row.take(Column::Requirement).map(|cell| table::ids(&cell)).unwrap_or_default(),
        preconditions: row.take(Column::Preconditions),
        steps: row.take(Column::Steps),
        expected_result: row.take(Column::ExpectedResult),
        priority: row.take(Column::Priority),
        risk: row.take(Column::Risk),
        tags: split_tags(&tags),
        status: row.take(Column::Status),
        line: row.line(),
        other: row.rest(),
    })));
    out.append(&mut executed);
}

/// Tags stand between spaces or commas, with or without `@`.
fn split_tags(cell: &str) -> Vec<String> {
    let tags = cell.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    tags.map(|tag| tag.trim_start_matches('@')).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}
