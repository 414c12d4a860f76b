//! What stands inside a `test-case`, which both formats write alike; NUnit 3 adds output, assertions and attachments.

use hub_domain::record::{AttachmentRecord, ResultRecord, StepRecord};

use crate::limits;
use crate::record::facts;
use crate::reporter::{Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// Attributes that are kept as they are: no other field has room for them.
const KEPT: [&str; 6] = ["description", "label", "site", "seed", "asserts", "runstate"];

/// Fills in what a test says of itself beyond its name and outcome.
pub(super) fn describe(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    for name in KEPT {
        let silent = |value: &String| match name {
            "asserts" => value == "0",
            "runstate" => value == "Runnable",
            "label" => *value == record.status,
            _ => false,
        };
        if let Some(value) = element.filled(name).filter(|value| !silent(value)) {
            parts::property(record, name, &value);
        }
    }
    for category in element.all("categories").flat_map(|categories| categories.all("category")) {
        facts::tag(record, category.attribute("name").unwrap_or_default());
    }
    let mut skip_reason = None;
    for property in element.all("properties").flat_map(|properties| properties.all("property")) {
        let value = property.attribute("value").unwrap_or(&property.text);
        match property.attribute("name").unwrap_or_default() {
            "Category" => facts::tag(record, value),
            // NUnit 2 and its writers say the description twice.
            "Description" if element.filled("description").is_some() => {}
            "_SKIPREASON" => skip_reason = Some(value),
            name => parts::property(record, name, value),
        }
    }
    explain(record, element, reporter);
    // A test that ran out of time has no `failure`; its label says why.
    if record.message.is_none() && record.status == "Failed" {
        let label = element.filled("label");
        record.message = label.and_then(|label| parts::bounded(&label, Field::Message, element.at, reporter));
    }
    if record.message.is_none()
        && let Some(reason) = skip_reason
    {
        record.message = parts::bounded(reason, Field::Message, element.at, reporter);
    }
    assertions(record, element, reporter);
    if let Some(output) = element.child("output") {
        parts::output(record, &output.text, output.at, reporter);
    }
    for attachment in element.all("attachments").flat_map(|attachments| attachments.all("attachment")) {
        let path = attachment.text_of("filePath").unwrap_or_default();
        let name = attachment.text_of("description");
        facts::attach(record, AttachmentRecord { name, path, ..AttachmentRecord::default() });
    }
}

/// The failure or the reason for which it was left out.
fn explain(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    let failure = element.child("failure").or_else(|| element.child("error"));
    let Some(said) = failure.or_else(|| element.child("reason")) else { return };
    // With its indentation: NUnit sets what was expected above what it was.
    let message = &said.child("message").unwrap_or(said).text;
    record.message = parts::bounded(message, Field::Message, said.at, reporter);
    if failure.is_some() {
        record.error_type = parts::error_type(message);
    }
    let details = said.child("stack-trace").map(|trace| trace.text.as_str()).unwrap_or_default();
    record.details = parts::bounded(details, Field::Details, said.at, reporter);
}

/// The assertions, where they say more than the failure does: several of them, or warnings of a test that passed.
fn assertions(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    let all: Vec<&Element> = element.all("assertions").flat_map(|assertions| assertions.all("assertion")).collect();
    let message =
        |assertion: &Element| assertion.child("message").map(|message| message.text.clone()).unwrap_or_default();
    let single =
        matches!(all.as_slice(), [only] if Some(message(only).trim()) == record.message.as_deref().map(str::trim));
    for assertion in all.into_iter().take(limits::STEPS) {
        if !single {
            record.steps.push(StepRecord {
                depth: 0,
                name: "assertion".to_owned(),
                status: assertion.filled("result"),
                duration_ms: None,
                message: parts::bounded(&message(assertion), Field::Message, assertion.at, reporter),
            });
        }
        if record.details.is_none()
            && let Some(trace) = assertion.child("stack-trace")
        {
            record.details = parts::bounded(&trace.text, Field::Details, assertion.at, reporter);
        }
    }
}
