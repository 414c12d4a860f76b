//! What a row tells of an execution: the columns that a table of cases may have behind its case, and the defect that came
//! of it.

use hub_domain::record::{AttachmentRecord, DefectRecord, Record, ResultRecord};

use super::{Column, Row, ids, outcome};
use crate::limits;

/// The result in a row of a test case, where the case was executed: when nobody has run it, there is none.
pub(crate) fn result_of_case(id: &str, title: &str, row: &mut Row<'_>, out: &mut Vec<Record>) {
    if !row.header().has_executions() {
        return;
    }
    let column = if row.peek(Column::Result).is_some() { Column::Result } else { Column::Status };
    let word = row.peek(column).unwrap_or_default().to_owned();
    match outcome::of(&word) {
        None | Some(outcome::Outcome::NotRun) => {}
        Some(outcome::Outcome::Passed | outcome::Outcome::Skipped | outcome::Outcome::Unsuccessful) => {
            if column == Column::Result {
                row.take(column);
            }
            let mut result = taken(row, word);
            result.name = title.to_owned();
            result.case_id = Some(id.to_owned());
            // The platform of a case is the case's as well: it is named whether or not the case was executed.
            result.device = row.peek(Column::Device).map(str::to_owned);
            defects(&result, row, out);
            out.push(Record::Result(Box::new(result)));
        }
    }
}

/// What a row says of a result, apart from its test and its device.
pub(crate) fn taken(row: &mut Row<'_>, status: String) -> ResultRecord {
    let evidence = row.take(Column::Evidence).unwrap_or_default();
    ResultRecord {
        status,
        started_at: row.take(Column::Date),
        duration_ms: duration_ms(row),
        environment: row.take(Column::Environment),
        message: row.take(Column::ActualResult),
        notes: row.take(Column::Notes),
        attachments: attachments(&evidence),
        line: row.line(),
        ..ResultRecord::default()
    }
}

/// The defects that a result names that was not as it should be. One that passed says nothing of a defect any more.
pub(crate) fn defects(result: &ResultRecord, row: &mut Row<'_>, out: &mut Vec<Record>) {
    if outcome::of(&result.status) != Some(outcome::Outcome::Unsuccessful) {
        return;
    }
    let Some(case) = &result.case_id else { return };
    let named = row.peek(Column::DefectId).map(ids).unwrap_or_default();
    if named.is_empty() {
        return;
    }
    row.take(Column::DefectId);
    for id in named {
        out.push(Record::Defect(Box::new(DefectRecord {
            id,
            title: result.name.clone(),
            case_ids: vec![case.clone()],
            actual_result: result.message.clone(),
            environment: result.environment.clone(),
            device: result.device.clone(),
            derived: true,
            line: result.line,
            ..DefectRecord::default()
        })));
    }
}

/// A duration as its column's name says, with a decimal comma or point; nothing where it is none. It is taken only where
/// it can be read, and stays what it is otherwise.
fn duration_ms(row: &mut Row<'_>) -> Option<u64> {
    for (column, factor) in [(Column::DurationMs, 1.0), (Column::DurationS, 1000.0)] {
        let text = row.peek(column).unwrap_or_default();
        let number = text.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ').replace(',', ".");
        if let Some(ms) = number.parse::<f64>().ok().and_then(|value| whole_ms(value * factor)) {
            row.take(column);
            return Some(ms);
        }
    }
    None
}

/// Milliseconds of at most a century, which is what a duration can be.
fn whole_ms(ms: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3.2e12, checked here")]
    (0.0..=3.2e12).contains(&ms).then(|| ms.round() as u64)
}

/// Paths are joined by comma and space; a comma alone may be part of a path.
fn attachments(cell: &str) -> Vec<AttachmentRecord> {
    let paths = cell.split('\n').flat_map(|line| line.split(", ")).map(str::trim).filter(|path| !path.is_empty());
    paths
        .take(limits::ATTACHMENTS)
        .map(|path| AttachmentRecord { path: path.to_owned(), ..AttachmentRecord::default() })
        .collect()
}
