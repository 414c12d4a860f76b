//! One failed assertion of a test.

use hub_domain::record::{ResultRecord, StepRecord};

use crate::limits;
use crate::reporter::{Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// Adds a failed assertion: the first one is the failure's message, all of them are steps and lines of the details.
pub(super) fn assertion(record: &mut ResultRecord, test: &Element, reporter: &mut Reporter<'_>) {
    let condition = test.text_of("CONDITION").unwrap_or_default();
    let file = test.text_of("FILE_NAME");
    let place = match (&file, test.text_of("LINE_NUMBER")) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, _) => String::new(),
    };
    if record.file.is_none() {
        record.file = file.and_then(|file| parts::name(&file, test.at, reporter));
    }
    let message = parts::bounded(&condition, Field::Message, test.at, reporter);
    if record.message.is_none() {
        record.message.clone_from(&message);
    }
    let mut details = record.details.take().unwrap_or_default();
    if details.len() < Field::Details.limit() {
        if !details.is_empty() {
            details.push('\n');
        }
        details.push_str(&place);
        details.push_str(&condition);
    }
    record.details = parts::bounded(&details, Field::Details, test.at, reporter);
    if record.steps.len() < limits::STEPS {
        let name = format!("{place}assertion");
        let status = Some("failure".to_owned());
        record.steps.push(StepRecord { depth: 0, name, status, duration_ms: None, message });
    }
}
