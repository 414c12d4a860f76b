//! Texts of a JSON report on their way into a record: cleaned, cut to the field's limit, and what was put right is
//! counted.

use hub_domain::record::ResultRecord;

use crate::limits;
use crate::record::facts;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

/// A text without what cannot be published, in the field's limit; nothing where it says nothing.
pub(crate) fn text(text: &str, field: Field, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    // Cleaning only makes a text shorter, so what lies far behind the limit is never kept.
    let begin = text.get(..text.floor_char_boundary(limits::RAW_TEXT_BYTES)).unwrap_or(text);
    let mut out = String::new();
    if hygiene::clean(begin, &mut out) {
        reporter.controls(at);
    }
    let trimmed = hygiene::trim_blank_lines(&out);
    if trimmed.is_empty() {
        return None;
    }
    let mut out = if trimmed.len() == out.len() { out } else { trimmed.to_owned() };
    if hygiene::cut(&mut out, field.limit()) {
        reporter.cut(field, at);
    } else if begin.len() < text.len() {
        hygiene::mark(&mut out, field.limit());
        reporter.cut(field, at);
    }
    Some(out)
}

/// A short text that is not a name a person gave: a status, a time.
pub(crate) fn word(value: Option<&str>, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    value.and_then(|value| text(value.trim(), Field::Name, at, reporter))
}

/// What an error's text says, in the parts that a record has.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ErrorText {
    pub(crate) error_type: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) details: Option<String>,
}

impl ErrorText {
    /// From a message and a stack, of which one may be missing: a stack alone begins with its message.
    pub(crate) fn new(message: Option<&str>, stack: Option<&str>, at: At, reporter: &mut Reporter<'_>) -> Self {
        let clean = |value: Option<&str>, field: Field, reporter: &mut Reporter<'_>| {
            value.and_then(|value| text(value, field, at, reporter))
        };
        let details = clean(stack.or(message), Field::Details, reporter);
        let own = clean(message, Field::Message, reporter);
        let begin = own.as_deref().or(details.as_deref()).unwrap_or_default();
        let before = before_frames(begin);
        let message = text(before, Field::Message, at, reporter);
        let error_type = details.as_deref().and_then(class).or_else(|| message.as_deref().and_then(class));
        let error_type = error_type.map(str::to_owned);
        // What says the same twice is said once.
        let details = details.filter(|details| message.as_ref() != Some(details));
        Self { error_type, message, details }
    }

    /// Puts it into a record.
    pub(crate) fn put_into(self, record: &mut ResultRecord) {
        record.error_type = self.error_type;
        record.message = self.message;
        record.details = self.details;
    }

    /// As a block below other details.
    pub(crate) fn block(&self, heading: &str) -> String {
        let body = self.details.as_ref().or(self.message.as_ref());
        body.map_or_else(|| format!("[{heading}]"), |body| format!("[{heading}] {body}"))
    }
}

/// Adds a block to a record's details, with an empty line before it.
pub(crate) fn add_details(record: &mut ResultRecord, block: &str, at: At, reporter: &mut Reporter<'_>) {
    let details = record.details.get_or_insert_default();
    if !details.is_empty() {
        details.push_str("\n\n");
    }
    details.push_str(block);
    if hygiene::cut(details, Field::Details.limit()) {
        reporter.cut(Field::Details, at);
    }
}

/// The text before the first frame of a stack.
fn before_frames(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let inner = line.trim_start();
        let is_frame = (inner.starts_with("at ") && inner.len() < line.len())
            || inner.starts_with("Traceback (most recent call last)")
            || (inner.starts_with("File \"") && inner.len() < line.len());
        if is_frame && end > 0 {
            return text.get(..end).unwrap_or(text).trim_end();
        }
        end += line.len();
    }
    text
}

/// The class at the beginning of an error: `TypeError: x is not a function`, `java.lang.AssertionError`.
fn class(text: &str) -> Option<&str> {
    let line = text.lines().next()?.trim();
    let end = line.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(line.len());
    let word = line.get(..end)?;
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$');
    let named = ["Error", "Exception", "Failure", "Failed", "Throwable"].iter().any(|kind| word.ends_with(kind));
    (named && word.chars().all(is_path) && word.starts_with(char::is_alphabetic)).then_some(word)
}

/// Adds a property that has a name; where its name says so, its value is the case's id.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str, at: At, reporter: &mut Reporter<'_>) {
    let Some(name) = text(name, Field::Name, at, reporter) else { return };
    let value = text(value, Field::Property, at, reporter).unwrap_or_default();
    facts::property(record, &name, &value);
}

/// Adds a tag without its `@`, once. A tag may name the case.
pub(crate) fn tag(record: &mut ResultRecord, tag: &str, at: At, reporter: &mut Reporter<'_>) {
    let Some(tag) = text(tag.trim().trim_start_matches('@'), Field::Name, at, reporter) else { return };
    facts::tag(record, &tag);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    const AT: At = At { line: 7, column: 2 };

    fn with<T>(work: impl FnOnce(&mut Reporter<'_>) -> T) -> (T, Vec<&'static str>) {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let done = work(&mut reporter);
        reporter.close();
        (done, sink.problems.iter().map(|problem| problem.code.id).collect())
    }

    #[test]
    fn an_errors_text_is_taken_apart() {
        for (message, stack, error_type, says, details) in [
            (
                Some("x is not a function"),
                Some("TypeError: x is not a function\n    at a.js:1"),
                "TypeError",
                "x is not a function",
                Some("TypeError: x is not a function\n    at a.js:1"),
            ),
            (
                Some("java.lang.AssertionError: no\n\tat a.B.c(B.java:1)\n"),
                None,
                "java.lang.AssertionError",
                "java.lang.AssertionError: no",
                Some("java.lang.AssertionError: no\n\tat a.B.c(B.java:1)"),
            ),
            (
                None,
                Some("Error: two\nlines\n    at x"),
                "Error",
                "Error: two\nlines",
                Some("Error: two\nlines\n    at x"),
            ),
            (Some("at the page"), None, "", "at the page", None),
            (Some("Test timeout of 200ms exceeded."), None, "", "Test timeout of 200ms exceeded.", None),
        ] {
            let (error, problems) = with(|reporter| ErrorText::new(message, stack, AT, reporter));
            assert_eq!(error.error_type.as_deref().unwrap_or_default(), error_type);
            assert_eq!((error.message.as_deref(), error.details.as_deref()), (Some(says), details));
            assert!(problems.is_empty());
        }
    }

    #[test]
    fn a_long_text_is_cut_and_controls_are_counted() {
        let (out, problems) = with(|reporter| text(&"x\0".repeat(limits::RAW_TEXT_BYTES), Field::Output, AT, reporter));
        assert_eq!((out.unwrap().chars().count(), problems), (limits::OUTPUT_CHARS, vec!["HUB-1009", "HUB-1008"]));
        assert_eq!(with(|reporter| text(" \n", Field::Name, AT, reporter)), (None, vec![]));
    }
}
