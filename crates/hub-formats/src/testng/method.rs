//! One `test-method` as a record.

use hub_domain::record::ResultRecord;

use crate::record::facts;
use crate::reporter::{Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// Attributes that are kept as they are.
const KEPT: [&str; 4] = ["description", "depends-on-methods", "depends-on-groups", "data-provider"];

/// The record of a method inside `suite` and `class`.
pub(super) fn record(
    element: &Element,
    suite: &[String],
    class: Option<&str>,
    reporter: &mut Reporter<'_>,
) -> Box<ResultRecord> {
    let name = element.attribute("name").unwrap_or_default();
    let mut record = Box::new(ResultRecord {
        suite: suite.to_vec(),
        class_name: class.map(str::to_owned),
        name: parts::name(name, element.at, reporter).unwrap_or_default(),
        status: element.filled("status").unwrap_or_else(|| "unknown".to_owned()),
        duration_ms: parts::milliseconds(element, "duration-ms", reporter),
        started_at: element.filled("started-at"),
        line: Some(element.at.line),
        ..ResultRecord::default()
    });
    let instance = element.filled("test-instance-name").filter(|instance| *instance != record.name);
    record.parameters.extend(instance.map(|instance| ("test-instance-name".to_owned(), instance)));
    parameters(&mut record, element, reporter);
    for tag in element.attribute("groups").unwrap_or_default().split(',') {
        facts::tag(&mut record, tag);
    }
    for name in KEPT {
        parts::property(&mut record, name, element.attribute(name).unwrap_or_default());
    }
    properties(&mut record, element, reporter);
    exception(&mut record, element, reporter);
    if let Some(output) = element.child("reporter-output") {
        let lines: Vec<&str> = output.all("line").map(|line| line.text.trim()).collect();
        parts::output(&mut record, &lines.join("\n"), output.at, reporter);
    }
    record
}

fn parameters(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    for parameter in element.all("params").flat_map(|params| params.all("param")) {
        let Some(value) = parameter.child("value") else { continue };
        let text = if value.attribute("is-null") == Some("true") { "null" } else { value.text.trim() };
        let text = parts::bounded(text, Field::Property, value.at, reporter).unwrap_or_default();
        record.parameters.push((parameter.attribute("index").unwrap_or_default().to_owned(), text));
    }
}

/// What the test noted of itself, and the attributes of its annotation.
fn properties(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    for attribute in element.all("attributes").flat_map(|attributes| attributes.all("attribute")) {
        let value = parts::bounded(attribute.text.trim(), Field::Property, attribute.at, reporter);
        parts::property(record, attribute.attribute("name").unwrap_or_default(), &value.unwrap_or_default());
    }
    for attribute in element.all("custom-attributes").flat_map(|attributes| &attributes.children) {
        let named = attribute.children.iter().find(|child| child.name.ends_with("name"));
        let valued = attribute.children.iter().find(|child| child.name.ends_with("value"));
        let name = named.and_then(|named| named.attributes.first()).map(|(_, name)| name.as_str());
        let value = valued.map(|valued| valued.text.trim()).unwrap_or_default();
        let value = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')).unwrap_or(value);
        let value = parts::bounded(value, Field::Property, attribute.at, reporter);
        parts::property(record, name.unwrap_or_default(), &value.unwrap_or_default());
    }
}

fn exception(record: &mut ResultRecord, element: &Element, reporter: &mut Reporter<'_>) {
    let Some(exception) = element.child("exception") else { return };
    let class = exception.filled("class");
    let trace = exception.text_of("full-stacktrace").or_else(|| exception.text_of("short-stacktrace"));
    let trace = trace.unwrap_or_default();
    // Old versions leave the message out where the stack trace begins with it.
    let message = exception.text_of("message").or_else(|| {
        let line = trace.lines().next()?;
        line.strip_prefix(class.as_deref()?)?.strip_prefix(':').map(|rest| rest.trim().to_owned())
    });
    let message = message.and_then(|message| parts::bounded(message.trim(), Field::Message, exception.at, reporter));
    if record.status.eq_ignore_ascii_case("PASS") {
        let said = [class, message].into_iter().flatten().collect::<Vec<_>>().join(": ");
        parts::property(record, "expected-exception", &said);
        return;
    }
    record.error_type = class;
    record.message = message;
    record.details = parts::bounded(&trace, Field::Details, exception.at, reporter);
}
