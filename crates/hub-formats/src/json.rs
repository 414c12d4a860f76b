//! JSON files as a stream: [`walk`] goes through a document and hands a format the values it asks for, [`lines`] through
//! a file with a document on each line. A string without end, a value as large as the file and a number that a tool
//! overwrote cost neither the memory nor the rest of the file.

use std::cell::Cell;
use std::io::BufRead as _;
use std::ops::ControlFlow;
use std::rc::Rc;

use hub_domain::codes;
use serde_json::Value;

use crate::input::Input;
use crate::limits;
use crate::reporter::{At, Reporter};

pub(crate) mod fill;
mod filter;
pub(crate) mod late_suites;
mod outline;
pub(crate) mod step_tree;
mod tree;
pub(crate) mod values;
mod walk;

pub(crate) use outline::Outline;
pub(crate) use walk::{Visit, Want};

use filter::Filter;

/// A place in a document: keys from the root, `[]` for an item of an array.
pub(crate) type Path = [String];

/// Whether a path is written so: `is(path, "suites[].specs[]")`; `**` at the beginning stands for any beginning.
pub(crate) fn is(path: &Path, pattern: &str) -> bool {
    let (any, pattern) = pattern.strip_prefix("**").map_or((false, pattern), |rest| (true, rest));
    let mut rest = pattern;
    for segment in path.iter().rev() {
        let Some(before) = rest.strip_suffix(segment.as_str()) else { return false };
        let is_item = segment == "[]";
        match before.strip_suffix('.') {
            Some(outer) if !is_item => rest = outer,
            Some(_) => return false,
            None => rest = before,
        }
        if rest.is_empty() {
            break;
        }
    }
    let parts =
        pattern.matches("[]").count() + pattern.split(['.', '[']).filter(|p| !p.is_empty() && *p != "]").count();
    rest.is_empty() && if any { path.len() >= parts } else { path.len() == parts }
}

/// The last places of a path; empty where it is shorter.
pub(crate) fn tail<const N: usize>(path: &Path) -> [&str; N] {
    let skipped = path.len().saturating_sub(N);
    std::array::from_fn(|index| {
        let place = (skipped + index + path.len().min(N)).checked_sub(N).filter(|place| *place >= skipped);
        place.and_then(|place| path.get(place)).map(String::as_str).unwrap_or_default()
    })
}

/// Goes through a document. A damage ends it with a fatal problem; what was complete before it is at the sink.
pub(crate) fn walk(input: &mut Input<'_>, reporter: &mut Reporter<'_>, visit: &mut dyn Visit) -> ControlFlow<()> {
    let place = Rc::new(Cell::new(input.at()));
    let mut filter = Filter::new(input, Rc::clone(&place));
    let outcome = walk::document(&mut filter, &place, reporter, visit);
    filter.report(reporter);
    match outcome {
        Ok(ControlFlow::Continue(())) => visit.finish(true, reporter),
        Ok(ControlFlow::Break(())) => ControlFlow::Break(()),
        Err(error) => {
            visit.finish(false, reporter)?;
            let (code, message) = if error.is_io() {
                (&codes::UNREADABLE_FILE, format!("reading the file failed: {error}"))
            } else if error.is_eof() {
                (&codes::NOT_WELL_FORMED, "the JSON ends too early".to_owned())
            } else if error.to_string().starts_with("recursion limit") {
                (&codes::TOO_MUCH_MARKUP, "the JSON is nested deeper than 127 levels".to_owned())
            } else {
                (&codes::NOT_WELL_FORMED, without_place(&error.to_string()))
            };
            reporter.fatal(code, Some(place.get()), &message, None)
        }
    }
}

/// serde_json names a place of its own at the end; the reporter's is the one in the file.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what).to_owned()
}

/// Bytes of one line: the largest string with room for what stands around it.
const LINE_BYTES: usize = limits::JSON_STRING_BYTES + (1 << 20);

/// One line of a file with a document on each.
pub(crate) enum Line {
    /// A document.
    Value(Value),
    /// Something else: a line that the tool's output got mixed with, cut to 8,192 bytes.
    Other(String),
}

/// Hands every line that is not blank to `each`. A line larger than any message needs is rejected and passed over.
pub(crate) fn lines(
    input: &mut Input<'_>,
    reporter: &mut Reporter<'_>,
    each: &mut dyn FnMut(Line, At, &mut Reporter<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut line = Vec::new();
    loop {
        let at = input.at();
        let too_long = match next_line(input, &mut line) {
            Ok(None) => return ControlFlow::Continue(()),
            Ok(Some(whole)) => !whole,
            Err(error) => {
                let message = format!("reading the file failed: {error}");
                return reporter.fatal(&codes::UNREADABLE_FILE, Some(at), &message, None);
            }
        };
        if too_long {
            let message = format!("a line is longer than {LINE_BYTES} bytes");
            reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), &message, None);
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let repaired = filter::repair(&line);
        if repaired.is_some() {
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(at), "a number that begins with `+` was left empty");
        }
        let document = repaired.as_deref().unwrap_or(&line);
        let value = match serde_json::from_slice(document) {
            Ok(value) => Line::Value(value),
            Err(_) => {
                let kept = String::from_utf8_lossy(&line);
                Line::Other(kept.chars().take(limits::MESSAGE_CHARS).collect())
            }
        };
        each(value, at, reporter)?;
    }
}

/// The documents on the first lines of a file, for recognising a format; other lines may stand between them.
pub(crate) fn first_lines<'h>(head: &crate::head::Head<'h>) -> impl Iterator<Item = Value> + use<'h> {
    const LINES: usize = 100;
    let whole = head.text.split_inclusive('\n').take(LINES).map(str::trim);
    whole.filter(|line| line.starts_with(['{', '['])).filter_map(|line| serde_json::from_str(line).ok())
}

/// Reads a line without its end into `line`; `Some(false)` where it was too long and passed over, nothing at the end.
pub(crate) fn next_line(input: &mut Input<'_>, line: &mut Vec<u8>) -> std::io::Result<Option<bool>> {
    line.clear();
    let (mut any, mut whole) = (false, true);
    loop {
        let ahead = input.fill_buf()?;
        if ahead.is_empty() {
            return Ok(any.then_some(whole));
        }
        any = true;
        let end = memchr::memchr(b'\n', ahead);
        let part = ahead.get(..end.unwrap_or(ahead.len())).unwrap_or_default();
        if line.len() + part.len() > LINE_BYTES {
            whole = false;
        } else if whole {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(whole));
        }
    }
}

/// A string at a path below a value, where it says something.
pub(crate) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    at(value, path)?.as_str().filter(|text| !text.trim().is_empty())
}

/// The value at a path below a value.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |inner, key| inner.get(key))
}

/// The items of an array; none where it is no array.
pub(crate) fn items<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A value that is neither an object nor an array, as text; nothing for `null`.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number of milliseconds from a number or a text that holds one; `per_second` where the source counts seconds.
/// Negative and absurd values (more than ten years) are none.
pub(crate) fn duration_ms(value: Option<&Value>, factor: f64) -> Option<u64> {
    let number = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    milliseconds(number * factor)
}

/// A whole number of milliseconds; negative and absurd values (more than ten years) are none.
pub(crate) fn milliseconds(value: f64) -> Option<u64> {
    const TEN_YEARS: f64 = 3.2e11;
    if !(0.0..TEN_YEARS).contains(&value) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    Some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_as_they_are_written() {
        let path = |text: &str| text.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (place, pattern, expect) in [
            ("suites/[]/specs/[]", "suites[].specs[]", true),
            ("suites/[]/specs", "suites[].specs[]", false),
            ("a/suites/[]/specs/[]", "suites[].specs[]", false),
            ("a/suites/[]/specs/[]", "**suites[].specs[]", true),
            ("suites/[]/suites/[]/specs/[]", "**specs[]", true),
            ("xspecs/[]", "**specs[]", false),
            ("[]/id", "[].id", true),
            ("stats", "stats", true),
            ("", "", true),
            ("stats", "", false),
            ("my.key/b", "my.key.b", false),
        ] {
            assert_eq!(is(&path(place), pattern), expect, "{place} {pattern}");
        }
    }

    #[test]
    fn the_end_of_a_path_is_what_tells_a_place() {
        let path: Vec<String> = ["a", "b", "[]"].map(str::to_owned).to_vec();
        assert_eq!(tail::<2>(&path), ["b", "[]"]);
        assert_eq!(tail::<3>(&path), ["a", "b", "[]"]);
        assert_eq!(tail::<4>(&path), ["", "a", "b", "[]"]);
        assert_eq!(tail::<2>(&[]), ["", ""]);
    }

    #[test]
    fn durations_are_whole_and_sane() {
        assert_eq!(duration_ms(Some(&serde_json::json!(1.2346)), 1_000.0), Some(1_235));
        assert_eq!(duration_ms(Some(&serde_json::json!("12")), 1.0), Some(12));
        for bad in [serde_json::json!(-1), serde_json::json!(1e300), serde_json::json!("x"), serde_json::json!(null)] {
            assert_eq!(duration_ms(Some(&bad), 1.0), None, "{bad}");
        }
    }
}
