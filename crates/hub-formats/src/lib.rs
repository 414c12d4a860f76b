//! Report files in, records and problems out. One file per format; a format knows its file's shape and nothing about
//! what a word means, which is `hub-pipeline`'s part.
//!
//! Reading streams: [`read`] hands every record to a [`Sink`] as soon as it is complete and needs the memory of one
//! record, whatever the file's size ([`limits`]). It never panics on a file, and one bad record never costs the others.
//! Pure: bytes come from the [`Read`] that is handed in, and a path in a report is text that is never opened.

use std::io::{BufRead as _, Read};

use hub_domain::codes;

mod allure1;
mod allure2;
pub mod attempts;
mod clock;
mod csv_cases;
mod csv_defects;
mod csv_results;
mod ctrf;
mod cucumber_json;
mod cucumber_messages;
mod cunit;
mod dart;
mod declared;
pub mod decode;
mod dotnet;
mod element;
mod embedded;
pub mod entities;
mod fill;
pub mod formats;
mod gherkin;
mod gotest;
pub mod head;
mod held;
pub mod hygiene;
pub mod input;
mod jest;
mod json;
mod junit;
mod k6;
pub mod limits;
mod mocha;
mod mochawesome;
mod naming;
mod newman;
mod nunit;
mod nunit2;
mod nunit3;
mod open_suites;
mod parts;
mod playwright;
mod printed;
mod pytest_json;
mod report;
pub mod reporter;
mod robot;
mod rows;
mod scan;
pub mod sink;
mod steps;
mod table;
mod tap;
mod testng;
mod text;
mod trx;
mod xml;
mod xunitnet;

pub use formats::{FORMATS, Format, Holds};
pub use sink::{Collected, Sink};

use input::{Input, OpenError};
use reporter::{At, Reporter};

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
pub fn look(mut input: impl Read) -> std::io::Result<Look> {
    let input = match Input::open(&mut input) {
        Ok(input) => input,
        Err(OpenError::Encoding(_)) => return Ok(Look::Nothing),
        Err(OpenError::Io(error)) => return Err(error),
    };
    let head = input.head();
    if let Some((format, _)) = formats::recognise(&head) {
        return Ok(Look::Report(format));
    }
    let hidden = head.prolog().root.is_none() && head.prolog().doctype.is_some();
    let empty = head.text.trim().is_empty();
    Ok(if hidden || empty { Look::Nothing } else { Look::Other(head.looks_like()) })
}

/// Reads a file of any known format into `sink`.
///
/// Returns its format, or `None` where the file is of no known format or cannot be decoded at all, which is a fatal
/// problem at the sink as well. `file_name` only appears in problems; the format is found by content.
pub fn read(file_name: &str, mut input: impl Read, sink: &mut dyn Sink) -> Option<&'static Format> {
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
    let Some((format, before)) = formats::recognise(&head) else {
        let prolog = head.prolog();
        let hidden = prolog.root.is_none() && prolog.doctype.is_some_and(|name| !name.eq_ignore_ascii_case("html"));
        let (code, message) = if hidden {
            (&codes::DOCTYPE_REFUSED, "a DOCTYPE is refused unread".to_owned())
        } else {
            (&codes::NOT_A_REPORT, format!("it looks like {}", head.looks_like()))
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
