//! What a cell holds, once its row is split: a clean text, without line breaks written as two characters and without
//! telephone numbers that a tool put in the place of numbers and dates.

use hub_domain::codes;

use super::columns::{self, Column, Header};
use super::junk;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

/// How names of columns begin that hold moments, durations and shares, folded.
const MEASURES: &[&str] = &[
    "fecha",
    "date",
    "creado",
    "created",
    "actualizado",
    "updated",
    "cerrad",
    "closed",
    "resuelto",
    "resolved",
    "tiempo",
    "totaldetiempo",
    "time",
    "totaltime",
    "spent",
    "estimated",
    "start",
    "due",
    "realizado",
    "done",
    "duracion",
    "duration",
    "horas",
    "hours",
    "esfuerzo",
    "effort",
];

/// A cell without what cannot be published and without space around it.
pub(super) fn tidy(
    header: &Header,
    index: usize,
    cell: &str,
    at: At,
    subject: &str,
    reporter: &mut Reporter<'_>,
) -> String {
    let mut text = String::with_capacity(cell.len());
    if hygiene::clean(cell.trim(), &mut text) {
        reporter.controls(at);
    }
    if holds_text(header.column_at(index))
        && let Some(broken) = with_line_breaks(&text)
    {
        text = broken;
    }
    if is_telephone(&text) && is_measure(header, index) {
        let name = header.names().get(index).map(String::as_str).unwrap_or_default();
        let message = format!("{name} {text:?} is a telephone number where a number or date belongs; left empty");
        let subject = (!subject.is_empty()).then_some(subject);
        reporter.repaired_of(&codes::UNREADABLE_VALUE, Some(at), &message, subject);
        return String::new();
    }
    if hygiene::cut(&mut text, Field::Column.limit()) {
        reporter.cut(Field::Column, at);
    }
    text
}

/// Columns whose text may have several lines.
fn holds_text(column: Option<Column>) -> bool {
    use Column::{ActualResult, Description, ExpectedResult, Notes, Preconditions, Steps};
    matches!(column, Some(Description | Steps | ExpectedResult | ActualResult | Preconditions | Notes))
}

/// A text in which `\n` stands for line breaks, with them. One that has line breaks of its own, or that holds a Windows
/// path, means the two characters.
fn with_line_breaks(text: &str) -> Option<String> {
    if !text.contains("\\n") || text.contains('\n') || text.contains("\\\\") || has_drive(text) {
        return None;
    }
    Some(text.replace("\\r\\n", "\n").replace("\\n", "\n").trim().to_owned())
}

/// Whether a text holds the beginning of a Windows path: a letter by itself, a colon and a backslash.
fn has_drive(text: &str) -> bool {
    text.match_indices(":\\").any(|(at, _)| {
        let mut before = text.get(..at).unwrap_or_default().chars().rev();
        before.next().is_some_and(|c| c.is_ascii_alphabetic()) && before.next().is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Whether a column holds numbers or moments.
fn is_measure(header: &Header, index: usize) -> bool {
    match header.column_at(index) {
        Some(Column::Date | Column::DurationMs | Column::DurationS) => true,
        Some(_) => false,
        None => {
            let name = header.names().get(index).map(|name| columns::fold(name)).unwrap_or_default();
            MEASURES.iter().any(|begin| name.starts_with(begin)) || name.ends_with("date") || name.ends_with("horas")
        }
    }
}

/// `++34600000000` and `+34600000000:35`: what a search for telephone numbers leaves of a date.
fn is_telephone(cell: &str) -> bool {
    let Some(rest) = cell.strip_prefix('+') else { return false };
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let (number, minutes) = rest.split_once(':').unwrap_or((rest, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (9..=12).contains(&number.len())
        && digits(number)
        && digits(&minutes.replace(':', ""))
        && minutes.len() <= "00:00".len()
}

/// Ids in one cell: separated by space, `,`, `;` or a `/` between spaces. Placeholders and words for none are left out.
pub(crate) fn ids(cell: &str) -> Vec<String> {
    let parts = cell.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    let says_none = |part: &str| {
        ["n/a", "na", "none", "ninguno", "ninguna", "null"].iter().any(|none| part.eq_ignore_ascii_case(none))
    };
    let is_id =
        |part: &&str| part.chars().any(char::is_alphanumeric) && !junk::is_placeholder(part) && !says_none(part);
    parts.filter(is_id).map(str::to_owned).collect()
}

/// The number that a subject begins with: letters, `-`, digits (`CTB-001 [WEB] ...`).
pub(super) fn leading_number(title: &str) -> Option<&str> {
    let first = title.split_whitespace().next()?.trim_end_matches(':');
    let (letters, digits) = first.split_once('-')?;
    let fits = !letters.is_empty()
        && letters.bytes().all(|byte| byte.is_ascii_uppercase())
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_told_from_numbers_and_times() {
        for cell in ["++34600000000", "+34600000000", "++34600000000:35", "++34600000000:47:49"] {
            assert!(is_telephone(cell), "{cell}");
        }
        for cell in ["", "+", "34600000000", "+34 600", "2025-12-26", "++346", "++34600000000:x", "+1234567890123"] {
            assert!(!is_telephone(cell), "{cell}");
        }
    }

    #[test]
    fn written_line_breaks_become_line_breaks_and_paths_stay() {
        assert_eq!(with_line_breaks("a\\nb\\r\\nc").as_deref(), Some("a\nb\nc"));
        assert_eq!(with_line_breaks("Pasos:\\n1").as_deref(), Some("Pasos:\n1"));
        for text in ["a", "C:\\new\\notes", "a\nb\\n", "\\\\server\\new"] {
            assert_eq!(with_line_breaks(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_taken_apart_and_placeholders_left_out() {
        assert_eq!(ids("TC_1 / TC_2, TC_3;<TC_ID> CTB-XXX -"), ["TC_1", "TC_2", "TC_3"]);
        assert!(ids("-").is_empty() && ids("N/A").is_empty() && ids("Ninguno").is_empty());
        assert_eq!(leading_number("CTB-001 [WEB] x"), Some("CTB-001"));
        assert_eq!(leading_number("CTB-77: x"), Some("CTB-77"));
        for title in ["", "HOME", "CTB - 113 x", "CTB-148/149 x", "B2C ? x"] {
            assert_eq!(leading_number(title), None, "{title}");
        }
    }
}
