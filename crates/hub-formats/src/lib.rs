//! Report files in, records and problems out. One file per format; a format knows its file's shape and nothing about
//! what a word means, which is `hub-pipeline`'s part. What the formats stand on is below `xml`, `json` and `table` by syntax,
//! and below `record` and `family` where it serves several; the code map in `ARCHITECTURE.md` names each.
//!
//! Reading streams: [`read`] hands every record to a [`Sink`] as soon as it is complete and needs the memory of one
//! record, whatever the file's size ([`limits`]). It never panics on a file, and one bad record never costs the others.
//! Pure: bytes come from the [`Read`] that is handed in, and a path in a report is text that is never opened.

use std::io::{BufRead as _, Read};

use hub_domain::codes;
use hub_domain::settings::TableSettings;

// What the formats stand on.
mod family;
pub mod formats;
pub mod head;
pub mod input;
mod json;
pub mod limits;
mod record;
pub mod reporter;
pub mod sink;
mod table;
mod xml;

// The formats.
mod allure1;
mod allure2;
mod csv_cases;
mod csv_defects;
mod csv_generic;
mod csv_results;
mod ctrf;
mod cucumber_json;
mod cucumber_messages;
mod cunit;
mod dart;
mod gotest;
mod jest;
mod junit;
mod k6;
mod mocha;
mod mochawesome;
mod newman;
mod nunit2;
mod nunit3;
mod playwright;
mod pytest_json;
mod robot;
mod tap;
mod testng;
mod trx;
mod xunitnet;

pub use formats::{FORMATS, Format, Holds};
pub use record::attempts;
pub use sink::{Collected, Sink};

use input::{Input, OpenError};
use reporter::{At, Reporter};

/// What a project says about how its files are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The team's own tables. One whose header fits counts more than what the hub recognises by itself.
    pub tables: Vec<TableSettings>,
}

/// The words of a table's cells that are taken for outcomes: each is in the vocabulary of `hub-pipeline`.
pub fn outcome_words() -> impl Iterator<Item = &'static str> {
    table::outcome::OUTCOMES.iter().map(|(word, _)| *word)
}

/// What a file is, by its beginning.
#[derive(Debug, Clone)]
pub enum Look {
    /// A report of this format.
    Report(&'static Format),
    /// Something else, as a fragment: `a PNG image`.
    Other(String),
    /// Nothing that could be told: it is empty, or its beginning cannot be read as text. [`read`] says what is wrong.
    Nothing,
}

/// Looks at the beginning of a file.
///
/// # Errors
/// The source fails.
pub fn look(mut input: impl Read, options: &Options) -> std::io::Result<Look> {
    let input = match Input::open(&mut input) {
        Ok(input) => input,
        Err(OpenError::Encoding(_)) => return Ok(Look::Nothing),
        Err(OpenError::Io(error)) => return Err(error),
    };
    let head = input.head();
    let own = table::mapping::find(&head, &options.tables).map(|(_, format)| format);
    if let Some(format) = own.or_else(|| formats::recognise(&head).map(|(format, _)| format)) {
        return Ok(Look::Report(format));
    }
    let hidden = head.prolog().root.is_none() && head.prolog().doctype.is_some();
    let empty = head.text.trim().is_empty();
    Ok(if hidden || empty { Look::Nothing } else { Look::Other(head.looks_like()) })
}

/// Reads a file of any known format into `sink`, without anything that a project says.
///
/// Returns what [`read_with`] returns.
pub fn read(file_name: &str, input: impl Read, sink: &mut dyn Sink) -> Option<&'static Format> {
    read_with(file_name, input, &Options::default(), sink)
}

/// Reads a file of any known format, or one of the project's tables, into `sink`.
///
/// Returns its format, or `None` where the file is of no known format or cannot be decoded at all, which is a fatal
/// problem at the sink as well. `file_name` only appears in problems; the format is found by content.
pub fn read_with(
    file_name: &str,
    mut input: impl Read,
    options: &Options,
    sink: &mut dyn Sink,
) -> Option<&'static Format> {
    let mut reporter = Reporter::new(file_name, sink);
    let start = Some(At { line: 1, column: 1 });
    let mut input = match Input::open(&mut input) {
        Ok(input) => input,
        Err(OpenError::Encoding(unknown)) => {
            let _ = reporter.fatal(&codes::UNKNOWN_ENCODING, start, &unknown.to_string(), None);
            return None;
        }
        Err(OpenError::Io(error)) => {
            let message = format!("reading the file failed: {error}");
            let _ = reporter.fatal(&codes::UNREADABLE_FILE, None, &message, None);
            return None;
        }
    };
    let head = input.head();
    if let Some((table, format)) = table::mapping::find(&head, &options.tables) {
        reporter.format(format);
        table::mapping::read(table, &mut input, &mut reporter);
        input.close(&mut reporter);
        reporter.close();
        return Some(format);
    }
    let Some((format, before)) = formats::recognise(&head) else {
        let prolog = head.prolog();
        let hidden = prolog.root.is_none() && prolog.doctype.is_some_and(|name| !name.eq_ignore_ascii_case("html"));
        let (code, message) = if hidden {
            (&codes::DOCTYPE_REFUSED, "a DOCTYPE is refused unread".to_owned())
        } else {
            let what = head.looks_like();
            let hint = if head.is_table() {
                "; [[tables]] in the project's settings can say what its columns mean"
            } else {
                ""
            };
            (&codes::NOT_A_REPORT, format!("it looks like {what}{hint}"))
        };
        let _ = reporter.fatal(code, start, &message, None);
        return None;
    };
    reporter.format(format);
    if before > 0 {
        input.consume(before);
        reporter.repaired(&codes::NOT_WELL_FORMED, start, "lines before the report were passed over");
    }
    (format.read)(&mut input, &mut reporter);
    input.close(&mut reporter);
    reporter.close();
    Some(format)
}
