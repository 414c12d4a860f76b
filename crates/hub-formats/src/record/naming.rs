//! What names a test case: a label, trait, tag or property by whose name a team says which case a test is.

use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::limits;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};
use crate::xml::parts;

/// Whether a name is that of a test case's id: `test_id`, `test_key`, `testcase_id`, in any case and with any separator
/// (`testId`, `Test-Case-Id`).
pub(crate) fn names_case(name: &str) -> bool {
    let plain = |c: char| (!matches!(c, '_' | '-' | ' ' | '.')).then(|| c.to_ascii_lowercase());
    let key: String = name.trim().chars().take(32).filter_map(plain).collect();
    matches!(key.as_str(), "testid" | "testkey" | "testcaseid")
}

/// Takes a property; one that names the case's id becomes the id.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str) {
    let (name, value) = (name.trim(), value.trim());
    if record.case_id.is_none() && names_case(name) && !value.is_empty() {
        record.case_id = Some(value.to_owned());
    } else if !name.is_empty() && record.properties.len() < limits::PROPERTIES {
        record.properties.push((name.to_owned(), value.to_owned()));
    }
}

/// Takes a tag; `test_id:TC_1` or `test_id=TC_1` is the case's id.
pub(crate) fn tag(record: &mut ResultRecord, tag: &str) {
    let tag = tag.trim().trim_start_matches('@');
    if let Some((name, id)) = tag.split_once([':', '='])
        && record.case_id.is_none()
        && names_case(name)
        && !id.trim().is_empty()
    {
        record.case_id = Some(id.trim().to_owned());
    } else if !tag.is_empty() && record.tags.len() < limits::PROPERTIES && !record.tags.iter().any(|known| known == tag)
    {
        record.tags.push(tag.to_owned());
    }
}

/// Takes an attachment that is not there yet.
pub(crate) fn attach(record: &mut ResultRecord, attachment: AttachmentRecord) {
    let known = |other: &AttachmentRecord| other.path == attachment.path && other.body == attachment.body;
    let says = !attachment.path.trim().is_empty() || attachment.body.is_some();
    if says && record.attachments.len() < limits::ATTACHMENTS && !record.attachments.iter().any(known) {
        record.attachments.push(attachment);
    }
}

/// A name in one line, empty where it says nothing.
pub(crate) fn one_line(text: &str, at: At, reporter: &mut Reporter<'_>) -> String {
    parts::name(text, at, reporter).unwrap_or_default()
}

/// A text within its field's limit; what is cut is counted.
pub(crate) fn within(mut text: String, field: Field, at: At, reporter: &mut Reporter<'_>) -> String {
    if hygiene::cut(&mut text, field.limit()) {
        reporter.cut(field, at);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_properties_and_tags() {
        let mut record = ResultRecord::default();
        tag(&mut record, "@smoke");
        tag(&mut record, "smoke");
        tag(&mut record, "owner:qa");
        tag(&mut record, "Test_ID: TC_1");
        property(&mut record, "testId", "TC_2");
        assert_eq!(record.tags, ["smoke", "owner:qa"]);
        assert_eq!(record.case_id.as_deref(), Some("TC_1"));
        assert_eq!(record.properties, [("testId".to_owned(), "TC_2".to_owned())]);
        for (name, is) in [("testCaseId", true), ("TEST-KEY", true), ("id", false), ("test", false), ("testidx", false)]
        {
            assert_eq!(names_case(name), is, "{name}");
        }
    }
}
