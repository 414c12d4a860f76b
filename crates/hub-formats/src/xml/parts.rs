//! What readers of whole test elements share: texts cut to their field, numbers, properties, output, attachments.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::junit::values::{self, PropertyKind};
use crate::limits;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::Element;
use crate::xml::text;

/// A text without blank lines around it, cut to its field's limit, where it says something.
pub(crate) fn bounded(text: &str, field: Field, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    let mut text = hygiene::trim_blank_lines(text).trim_end().to_owned();
    if hygiene::cut(&mut text, field.limit()) {
        reporter.cut(field, at);
    }
    Some(text).filter(|text| !text.trim().is_empty())
}

/// A name in one line, where it says something.
pub(crate) fn name(text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    bounded(&text.trim().replace(['\n', '\t'], " "), Field::Name, at, reporter)
}

/// A duration in milliseconds from an attribute that holds seconds.
pub(crate) fn seconds(element: &Element, attribute: &str, reporter: &mut Reporter<'_>) -> Option<u64> {
    let raw = element.attribute(attribute)?;
    values::milliseconds(raw).unwrap_or_else(|why| unreadable(element, attribute, raw, why, reporter))
}

/// A duration from an attribute that holds milliseconds.
pub(crate) fn milliseconds(element: &Element, attribute: &str, reporter: &mut Reporter<'_>) -> Option<u64> {
    let raw = element.attribute(attribute).filter(|raw| !raw.trim().is_empty())?;
    match raw.trim().parse::<u64>() {
        // A century, as in `values::milliseconds`: beyond it the value is a time of day.
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
    element.attribute(attribute).and_then(values::count)
}

/// Takes a property of a test: a case's id, an attachment, or a fact that is kept as it is.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str) {
    if name.trim().is_empty() || value.trim().is_empty() {
        return;
    }
    match values::property_kind(name) {
        PropertyKind::CaseId if record.case_id.is_none() => record.case_id = Some(value.trim().to_owned()),
        PropertyKind::Attachment => {
            attach(record, AttachmentRecord { path: value.trim().to_owned(), ..AttachmentRecord::default() });
        }
        PropertyKind::CaseId | PropertyKind::Other => {
            if record.properties.len() < limits::PROPERTIES {
                record.properties.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Takes a tag once.
pub(crate) fn tag(tags: &mut Vec<String>, tag: &str) {
    let tag = tag.trim().trim_start_matches('@');
    if !tag.is_empty() && tags.len() < limits::PROPERTIES && !tags.iter().any(|known| known == tag) {
        tags.push(tag.to_owned());
    }
}

/// Takes a tag of a test. One that names a case (`test_id:CP_1`, `test_key=CP_1`) is its id.
pub(crate) fn own_tag(record: &mut ResultRecord, written: &str) {
    match written.split_once([':', '=']) {
        Some((name, id)) if values::property_kind(name) == PropertyKind::CaseId && !id.trim().is_empty() => {
            property(record, name, id);
        }
        Some(_) | None => tag(&mut record.tags, written),
    }
}

/// Takes an attachment once.
pub(crate) fn attach(record: &mut ResultRecord, attachment: AttachmentRecord) {
    let known = record.attachments.iter().any(|known| known.path == attachment.path);
    if !known && !attachment.path.is_empty() && record.attachments.len() < limits::ATTACHMENTS {
        record.attachments.push(attachment);
    }
}

/// Takes what a test printed; attachment marks in it become attachments.
pub(crate) fn output(record: &mut ResultRecord, printed: &str, at: At, reporter: &mut Reporter<'_>) {
    let mut paths = Vec::new();
    let printed = text::without_marks(printed, &mut paths);
    record.output = bounded(&printed, Field::Output, at, reporter);
    for path in paths {
        attach(record, AttachmentRecord { path, ..AttachmentRecord::default() });
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
