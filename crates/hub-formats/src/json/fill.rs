//! Texts, contents and names of a JSON report on their way into a record: cleaned, cut to the field's limit, decoded,
//! and what was put right is counted.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, Embedded, ResultRecord};

use crate::limits;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

/// Tools write base64 with padding or without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

/// What may still be embedded in one test.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(limits::EMBEDDED_BYTES_PER_TEST)
    }
}

impl Room {
    /// The bytes of a content in base64. What is none, and what has no room, is reported and left out.
    pub(crate) fn base64(&mut self, text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        let text = text.trim();
        let text = text.split_once(";base64,").filter(|_| text.starts_with("data:")).map_or(text, |(_, body)| body);
        let plain: String;
        let text = if text.contains(['\n', '\r', ' ']) {
            plain = text.chars().filter(|c| !c.is_whitespace()).collect();
            plain.as_str()
        } else {
            text
        };
        if text.len() / 4 * 3 > limits::EMBEDDED_BYTES || text.len() / 4 * 3 > self.0 {
            return self.full(at, reporter);
        }
        match BASE64.decode(text).or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(text)) {
            Ok(bytes) => {
                self.0 = self.0.saturating_sub(bytes.len());
                Some(Embedded(bytes))
            }
            Err(_) => {
                reporter.repaired(
                    &codes::UNREADABLE_VALUE,
                    Some(at),
                    "an embedded content is no base64 and was left out",
                );
                None
            }
        }
    }

    /// The bytes of a content that is a text.
    pub(crate) fn plain(&mut self, text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        if text.len() > limits::EMBEDDED_BYTES || text.len() > self.0 {
            return self.full(at, reporter);
        }
        self.0 -= text.len();
        Some(Embedded(text.as_bytes().to_vec()))
    }

    fn full(&self, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        let message = format!(
            "an embedded content was left out: at most {} bytes each and {} bytes in a test are kept",
            limits::EMBEDDED_BYTES,
            limits::EMBEDDED_BYTES_PER_TEST
        );
        reporter.repaired(&codes::TOO_LONG, Some(at), &message);
        None
    }
}

/// Adds an attachment that says something and is not there yet.
pub(crate) fn attach(record: &mut ResultRecord, attachment: AttachmentRecord) {
    let says = !attachment.path.trim().is_empty() || attachment.body.is_some();
    if says && record.attachments.len() < limits::ATTACHMENTS && !record.attachments.contains(&attachment) {
        record.attachments.push(attachment);
    }
}

/// Adds a property that has a name; where its name says so, its value is the case's id.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str, at: At, reporter: &mut Reporter<'_>) {
    let Some(name) = text(name, Field::Name, at, reporter) else { return };
    let value = text(value, Field::Property, at, reporter).unwrap_or_default();
    if record.case_id.is_none() && names_a_case(&name) && !value.is_empty() {
        record.case_id = Some(case_id(&value).to_owned());
    } else if record.properties.len() < limits::PROPERTIES {
        record.properties.push((name, value));
    }
}

/// Adds a tag without its `@`, once. A tag may name the case: `@TC_AUTH_001`, `@TestCaseKey=AB-T1`.
pub(crate) fn tag(record: &mut ResultRecord, tag: &str, at: At, reporter: &mut Reporter<'_>) {
    let Some(tag) = text(tag.trim().trim_start_matches('@'), Field::Name, at, reporter) else { return };
    if record.case_id.is_none() {
        let named = tag.split_once(['=', ':']).filter(|(name, _)| names_a_case(name)).map(|(_, value)| value.trim());
        record.case_id =
            named.filter(|id| !id.is_empty()).or_else(|| is_case_tag(&tag).then_some(&tag)).map(str::to_owned);
    }
    if record.tags.len() < limits::PROPERTIES && !record.tags.contains(&tag) {
        record.tags.push(tag);
    }
}

/// Whether a label, annotation or property holds a test case's id: `test_case_id`, `TestCase`, `testId`, `tms`, `AS_ID`.
pub(crate) fn names_a_case(name: &str) -> bool {
    let key: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    matches!(
        key.as_str(),
        "testid"
            | "testkey"
            | "testcaseid"
            | "testcasekey"
            | "testcase"
            | "caseid"
            | "tms"
            | "tmsid"
            | "asid"
            | "allureid"
    )
}

/// The id in what a link or annotation says: the last part of an address, or the text itself.
pub(crate) fn case_id(value: &str) -> &str {
    let value = value.trim();
    let last = value.contains("://").then(|| value.trim_end_matches('/').rsplit('/').next()).flatten();
    last.filter(|last| !last.is_empty()).unwrap_or(value)
}

/// `TC_AUTH_001` and `TC-12`: what teams call cases in tags. Other tags that end in digits are none.
fn is_case_tag(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("TC_").or_else(|| tag.strip_prefix("TC-")) else { return false };
    let parts = || rest.split(['_', '-']);
    parts().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
        && parts().next_back().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
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
    fn contents_are_decoded_within_their_room() {
        let mut room = Room::default();
        for (text, expect) in [
            ("aGk=", Some("hi")),
            ("aGk", Some("hi")),
            ("a\nGk=\n", Some("hi")),
            ("data:text/plain;base64,aGk=", Some("hi")),
            ("!", None),
        ] {
            let (bytes, problems) = with(|reporter| room.base64(text, AT, reporter));
            assert_eq!(bytes.as_ref().map(|bytes| bytes.0.as_slice()), expect.map(str::as_bytes), "{text}");
            assert_eq!(problems.is_empty(), expect.is_some());
        }
        let large = "QUFB".repeat(limits::EMBEDDED_BYTES / 3 + 1);
        assert_eq!(with(|reporter| room.base64(&large, AT, reporter)), (None, vec!["HUB-1008"]));
        let eight = "QUFB".repeat(limits::EMBEDDED_BYTES / 3);
        assert!(with(|reporter| room.base64(&eight, AT, reporter)).0.is_some());
        assert!(
            with(|reporter| room.base64(&eight, AT, reporter)).0.is_none(),
            "8 bytes are gone, the second has no room"
        );
    }

    #[test]
    fn cases_are_named_by_labels_links_and_tags() {
        for name in ["test_case_id", "TestCase", "testId", "AS_ID", "ALLURE_ID", "tms", "Test Case Key"] {
            assert!(names_a_case(name), "{name}");
        }
        for name in ["issue", "tests", "test", "id", ""] {
            assert!(!names_a_case(name), "{name}");
        }
        assert_eq!(case_id("https://tms.example.com/cases/TC-1/"), "TC-1");
        assert_eq!(case_id(" TC_1 "), "TC_1");
        for (text, expect) in [
            ("@TC_AUTH_001", Some("TC_AUTH_001")),
            ("@TC-7", Some("TC-7")),
            ("@TestCaseKey=AB-T1", Some("AB-T1")),
            ("@TC_x_1", None),
            ("@sprint-12", None),
            ("@issue:12", None),
        ] {
            let mut record = ResultRecord::default();
            with(|reporter| tag(&mut record, text, AT, reporter));
            assert_eq!((record.case_id.as_deref(), record.tags.len()), (expect, 1), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_controls_are_counted() {
        let (out, problems) = with(|reporter| text(&"x\0".repeat(limits::RAW_TEXT_BYTES), Field::Output, AT, reporter));
        assert_eq!((out.unwrap().chars().count(), problems), (limits::OUTPUT_CHARS, vec!["HUB-1009", "HUB-1008"]));
        assert_eq!(with(|reporter| text(" \n", Field::Name, AT, reporter)), (None, vec![]));
    }
}
