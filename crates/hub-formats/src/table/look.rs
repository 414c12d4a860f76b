//! A table whose header nobody knows, by its look: one column has a name that speaks of a result and words of results
//! below it, and another names the test. Anything less is no report.

use super::columns::{Column, Header, fold};
use super::rows::{Dialect, split_line};
use super::{HEADER_WITHIN_LINES, Reading, header_of, outcome, read_found};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::{At, Reporter};
use hub_domain::codes;

/// Rows below a header that are looked at.
const ROWS: usize = 100;

/// What names of columns hold that speak of a result, the likelier first.
const RESULTS: &[&str] =
    &["resultado", "result", "outcome", "verdict", "veredicto", "passfail", "status", "estado", "state"];

/// What names of columns hold that name a test.
const TESTS: &[&str] = &[
    "title",
    "titulo",
    "name",
    "nombre",
    "scenario",
    "escenario",
    "testcase",
    "casodeprueba",
    "caso",
    "case",
    "test",
    "prueba",
    "description",
    "descripcion",
    "summary",
    "resumen",
    "check",
];

/// A table that was recognised by its look.
pub(crate) struct Look {
    /// The line of its header.
    line: u64,
    dialect: Dialect,
    header: Header,
}

/// Looks for a header that no kind of table has and that has rows with results below it.
pub(crate) fn look(head: &Head<'_>) -> Option<Look> {
    let text = head.text.trim_start();
    if text.starts_with(['<', '{', '[']) || head.text.lines().take(HEADER_WITHIN_LINES).any(|l| header_of(l).is_some())
    {
        return None;
    }
    let lines: Vec<&str> = head.text.lines().take(HEADER_WITHIN_LINES + ROWS).collect();
    for (index, line) in lines.iter().enumerate().take(HEADER_WITHIN_LINES) {
        let below = lines.get(index + 1..).unwrap_or_default();
        let looks = Dialect::ALL.into_iter().filter_map(|dialect| columns(dialect, line, below).map(|h| (dialect, h)));
        if let Some((dialect, header)) = looks.max_by_key(|(_, header)| header.names().len()) {
            return Some(Look { line: index as u64 + 1, dialect, header });
        }
    }
    None
}

/// The header in a line, where its columns and the rows below say that it is one of results.
fn columns(dialect: Dialect, line: &str, below: &[&str]) -> Option<Header> {
    let cells = split_line(dialect, line);
    let folded: Vec<String> = cells.iter().map(|cell| fold(cell)).collect();
    if cells.len() < 2 || folded.iter().filter(|name| !name.is_empty()).count() < 2 {
        return None;
    }
    let rows: Vec<Vec<String>> =
        below.iter().map(|line| split_line(dialect, line)).filter(|row| row.len() == cells.len()).collect();
    let result = RESULTS
        .iter()
        .filter_map(|word| folded.iter().position(|name| name.contains(word)))
        .find(|index| holds_results(&rows, *index))?;
    let known = Header::new(cells.clone());
    let id = [Column::CaseId, Column::Id].into_iter().find_map(|column| known.index_of(column)).or_else(|| {
        let is_id = |name: &String| name != "id" && (name.ends_with("id") || name.starts_with("id"));
        folded.iter().position(|name| is_id(name) && TESTS.iter().any(|word| name.contains(word)))
    });
    let named = |word: &&str| folded.iter().position(|name| name.contains(*word));
    let title = known
        .index_of(Column::Title)
        .into_iter()
        .chain(TESTS.iter().filter_map(named))
        .find(|index| *index != result && Some(*index) != id);
    if id.is_none() && title.is_none() {
        return None;
    }
    let place = |index: Option<usize>| index.and_then(|index| folded.get(index)).cloned().unwrap_or_default();
    let (result, id, title) = (place(Some(result)), place(id), place(title));
    let meaning = |name: &str| match name {
        "" => None,
        name if name == result => Some(Column::Result),
        name if name == id => Some(Column::CaseId),
        name if name == title => Some(Column::Title),
        _ => None,
    };
    Some(Header::with(cells, meaning, Vec::new()))
}

/// Whether a column holds words of results: two of three that are there, and one of a test that ran.
fn holds_results(rows: &[Vec<String>], index: usize) -> bool {
    let cells = || rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let words: Vec<outcome::Outcome> = cells().filter_map(outcome::of).collect();
    let ran = words.iter().any(|word| matches!(word, outcome::Outcome::Passed | outcome::Outcome::Unsuccessful));
    ran && words.len() * 3 >= cells().count() * 2
}

/// Reads the table, and says how its columns were taken.
pub(crate) fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>, reading: &Reading) {
    let Some(found) = look(&input.head()) else {
        let _ = reporter.fatal(&codes::NOT_A_REPORT, None, "no header was found", None);
        return;
    };
    let names = found.header.names();
    let taken: Vec<String> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| Some(format!("{name:?} as {}", found.header.column_at(index)?.as_str())))
        .collect();
    let others = if taken.len() < names.len() { "; the others are kept as they are" } else { "" };
    let message = format!("the columns were taken by their look: {}{others}", taken.join(", "));
    reporter.repaired(&codes::COLUMNS_ASSUMED, Some(At { line: found.line, column: 1 }), &message);
    read_found(input, reporter, reading, |line, _| (line == found.line).then(|| (found.dialect, found.header.clone())));
}
