//! Properties, tags and attachments on their way into a record: each once, within the limits, and the test case's id
//! where one of them names it ([`case_id`]).

use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::limits;
use crate::record::case_id;

/// Takes a property that has a name; one that names the case's id becomes the id, as long as there is none.
pub(crate) fn property(record: &mut ResultRecord, name: &str, value: &str) {
    let (name, value) = (name.trim(), value.trim());
    if record.case_id.is_none() && case_id::is_name(name) && !value.is_empty() {
        record.case_id = Some(case_id::of(value).to_owned());
    } else if !name.is_empty() && record.properties.len() < limits::PROPERTIES {
        record.properties.push((name.to_owned(), value.to_owned()));
    }
}

/// Takes a test's own tag. One that names the case is its id, as long as there is none; written as a name with a value it
/// is no tag besides, while a bare id was meant as one.
pub(crate) fn tag(record: &mut ResultRecord, written: &str) {
    let tag = plain(written);
    if record.case_id.is_none()
        && let Some(id) = case_id::in_tag(tag)
    {
        record.case_id = Some(id.to_owned());
        if id != tag {
            return;
        }
    }
    label(&mut record.tags, tag);
}

/// Takes a tag that says nothing of a case, such as one of a suite.
pub(crate) fn label(tags: &mut Vec<String>, written: &str) {
    let tag = plain(written);
    if !tag.is_empty() && tags.len() < limits::PROPERTIES && !tags.iter().any(|known| known == tag) {
        tags.push(tag.to_owned());
    }
}

fn plain(tag: &str) -> &str {
    tag.trim().trim_start_matches('@')
}

/// Takes an attachment that says something and is not there yet. The path tells it from others; where it has none, its
/// name and content do.
pub(crate) fn attach(record: &mut ResultRecord, attachment: AttachmentRecord) {
    let has_path = !attachment.path.trim().is_empty();
    let known = |other: &AttachmentRecord| {
        other.path == attachment.path
            && other.body == attachment.body
            && (has_path || other.name == attachment.name && other.content_type == attachment.content_type)
    };
    let says = has_path || attachment.body.is_some();
    if says && record.attachments.len() < limits::ATTACHMENTS && !record.attachments.iter().any(known) {
        record.attachments.push(attachment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_names_the_case_is_its_id() {
        let mut record = ResultRecord::default();
        for written in ["@smoke", "smoke", "owner:qa", "Test_ID: TC_1", "TC_3", " "] {
            tag(&mut record, written);
        }
        property(&mut record, "testId", "TC_2");
        property(&mut record, " ", "nothing");
        assert_eq!(record.tags, ["smoke", "owner:qa", "TC_3"]);
        assert_eq!(record.case_id.as_deref(), Some("TC_1"));
        assert_eq!(record.properties, [("testId".to_owned(), "TC_2".to_owned())]);
    }

    #[test]
    fn an_attachment_is_kept_once() {
        let mut record = ResultRecord::default();
        let file = |path: &str, name: &str| AttachmentRecord {
            path: path.to_owned(),
            name: Some(name.to_owned()),
            ..AttachmentRecord::default()
        };
        for (path, name) in [("a.png", "first"), ("a.png", "again"), (" ", "nothing"), ("b.png", "first")] {
            attach(&mut record, file(path, name));
        }
        let paths: Vec<&str> = record.attachments.iter().map(|attachment| attachment.path.as_str()).collect();
        assert_eq!(paths, ["a.png", "b.png"]);
    }
}
