//! What readers of whole XML elements share: texts cut to their field, numbers, properties, what a test printed.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::record::hygiene;
use crate::record::{clock, counts, facts};
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::Element;
use crate::xml::text;

/// A text without blank lines around it, cut to its field's limit, where it says something.
pub(crate) fn bounded(text: &str, field: Field, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    let text = hygiene::trim_blank_lines(text).trim_end().to_owned();
    Some(within(text, field, at, reporter)).filter(|text| !text.trim().is_empty())
}

/// A name in one line, where it says something.
pub(crate) fn name(text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    bounded(&text.trim().replace(['\n', '\t'], " "), Field::Name, at, reporter)
}

/// A name in one line, empty where it says nothing.
pub(crate) fn one_line(text: &str, at: At, reporter: &mut Reporter<'_>) -> String {
    name(text, at, reporter).unwrap_or_default()
}

/// A text as it is, within its field's limit; what is cut is counted.
pub(crate) fn within(mut text: String, field: Field, at: At, reporter: &mut Reporter<'_>) -> String {
    if hygiene::cut(&mut text, field.limit()) {
        reporter.cut(field, at);
    }
    text
}

/// A duration in milliseconds from an attribute that holds seconds.
pub(crate) fn seconds(element: &Element, attribute: &str, reporter: &mut Reporter<'_>) -> Option<u64> {
    let raw = element.attribute(attribute)?;
    clock::seconds(raw).unwrap_or_else(|why| unreadable(element, attribute, raw, why, reporter))
}

/// A duration from an attribute that holds milliseconds.
pub(crate) fn milliseconds(element: &Element, attribute: &str, reporter: &mut Reporter<'_>) -> Option<u64> {
    let raw = element.attribute(attribute).filter(|raw| !raw.trim().is_empty())?;
    match raw.trim().parse::<u64>() {
        // A century, as in `clock::seconds`: beyond it the value is a time of day.
        Ok(ms) if ms <= 3_200_000_000_000 => Some(ms),
        Ok(_) => unreadable(element, attribute, raw, "is longer than a century", reporter),
        Err(_) => unreadable(element, attribute, raw, "is not a number of milliseconds", reporter),
    }
}

fn unreadable(element: &Element, attribute: &str, raw: &str, why: &str, reporter: &mut Reporter<'_>) -> Option<u64> {
    let message = format!("{attribute}=\"{}\": {why}", raw.chars().take(60).collect::<String>());
    reporter.repaired(&codes::UNREADABLE_VALUE, Some(element.at), &message);
    None
}

/// A number in a header's attribute.
pub(crate) fn count(element: &Element, attribute: &str) -> Option<u64> {
    counts::number(element.attribute(attribute))
}

/// Whether a property's value is a file, by Testmo's convention: `attachment`, `attachment1` ...
pub(crate) fn names_attachment(name: &str) -> bool {
    name.trim().trim_end_matches(|c: char| c.is_ascii_digit()).eq_ignore_ascii_case("attachment")
}

/// Takes a property of a test that says something: a case's id, an attachment, or a fact that is kept as it is.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str) {
    if value.trim().is_empty() {
        return;
    }
    if names_attachment(name) {
        facts::attach(record, AttachmentRecord { path: value.trim().to_owned(), ..AttachmentRecord::default() });
    } else {
        facts::property(record, name, value);
    }
}

/// Takes what a test printed; attachment marks in it become attachments.
pub(crate) fn output(record: &mut ResultRecord, printed: &str, at: At, reporter: &mut Reporter<'_>) {
    let mut paths = Vec::new();
    let printed = text::without_marks(printed, &mut paths);
    record.output = bounded(&printed, Field::Output, at, reporter);
    for path in paths {
        facts::attach(record, AttachmentRecord { path, ..AttachmentRecord::default() });
    }
}

/// The class of an error that a message begins with, as .NET and Java write it, perhaps behind the name of the phase in
/// which it happened: `System.IO.IOException : no disk`, `SetUp : System.IO.IOException : no disk`.
pub(crate) fn error_type(message: &str) -> Option<String> {
    let (before, _) = message.trim_start().lines().next()?.rsplit_once(':')?;
    let plain = |part: &&str| part.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '+' | '`'));
    let is_class = |part: &&str| part.ends_with("Exception") || part.ends_with("Error");
    before.split(':').map(str::trim).take_while(plain).take(2).find(is_class).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_error_is_found_where_the_message_begins_with_it_and_nowhere_else() {
        for (message, class) in [
            ("System.ApplicationException : broke", Some("System.ApplicationException")),
            ("TearDown : System.IO.IOException : the file is open", Some("System.IO.IOException")),
            ("OneTimeSetUp: A.B+CException : x", Some("A.B+CException")),
            ("java.lang.AssertionError: expected: 1", Some("java.lang.AssertionError")),
            ("  Expected: 1\n  But was: 2", None),
            ("this is an IOException : or not", None),
            ("SetUp : step : IOException : too far", None),
            ("IOException", None),
            ("", None),
        ] {
            assert_eq!(error_type(message).as_deref(), class, "{message}");
        }
    }
}
