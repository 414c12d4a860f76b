//! One `test` of xUnit.net, and what failed outside of a test.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::family::dotnet;
use crate::record::facts;
use crate::record::{clock, contents};
use crate::reporter::{Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// Traits that are tags by the custom of .NET, where `[Trait("Category", "smoke")]` is what MSTest calls a category.
const TAGS: [&str; 3] = ["category", "tag", "tags"];

/// The result of a test, without its suites.
pub(super) fn result(test: &Element, reporter: &mut Reporter<'_>) -> ResultRecord {
    let class_name = test.filled("type");
    let method = test.filled("method");
    let display = test.filled("name").or_else(|| method.clone()).unwrap_or_default();
    let short = dotnet::without_class(&display, class_name.as_deref().unwrap_or_default()).to_owned();
    let mut record = ResultRecord {
        parameters: dotnet::arguments(&short, method.as_deref().unwrap_or_default()),
        name: parts::one_line(&short, test.at, reporter),
        class_name,
        file: test.filled("source-file"),
        status: status(test),
        duration_ms: duration(test, reporter),
        started_at: test.filled("start-rtf"),
        line: Some(test.at.line),
        ..ResultRecord::default()
    };
    if let Some(method) = method.filter(|method| *method != record.name) {
        record.properties.push(("method".to_owned(), method));
    }
    if record.status.is_empty() {
        reporter.repaired(&codes::UNREADABLE_VALUE, Some(test.at), "a test says no result; it counts as not run");
    }
    for name in ["id", "source-line", "finish-rtf"] {
        if let Some(value) = test.filled(name) {
            facts::property(&mut record, name, &value);
        }
    }
    for one in test.child("traits").into_iter().flat_map(|traits| traits.all("trait")) {
        let (name, value) = (one.attribute("name").unwrap_or_default(), one.attribute("value").unwrap_or_default());
        if TAGS.iter().any(|tag| name.trim().eq_ignore_ascii_case(tag)) {
            facts::tag(&mut record, value);
        } else {
            facts::property(&mut record, name, value);
        }
    }
    for warning in test.child("warnings").into_iter().flat_map(|warnings| warnings.all("warning")) {
        facts::property(&mut record, "warning", &warning.text);
    }
    if let Some(failure) = test.child("failure") {
        failed(failure, &mut record, reporter);
    } else {
        // v1 puts the reason into an element of its own.
        let reason =
            test.child("reason").and_then(|reason| reason.text_of("message").or_else(|| test.text_of("reason")));
        record.message = reason.map(|text| parts::within(text, Field::Message, test.at, reporter));
    }
    let output = test.child("output").map(|output| output.text.clone()).filter(|text| !text.is_empty());
    record.output = output.map(|text| parts::within(text, Field::Output, test.at, reporter));
    for attachment in test.child("attachments").into_iter().flat_map(|all| all.all("attachment")) {
        attach(attachment, &mut record, reporter);
    }
    record
}

/// The outcome in the source's word. Where a runner leaves it out, what stands inside says it.
fn status(test: &Element) -> String {
    test.filled("result").unwrap_or_else(|| {
        let word = if test.child("failure").is_some() {
            "Fail"
        } else if test.child("reason").is_some() {
            "Skip"
        } else {
            ""
        };
        word.to_owned()
    })
}

fn duration(test: &Element, reporter: &mut Reporter<'_>) -> Option<u64> {
    let (name, text, read) = match (test.filled("time"), test.filled("time-rtf")) {
        (Some(text), _) => ("time", text.clone(), clock::seconds(&text)),
        (None, Some(text)) => ("time-rtf", text.clone(), clock::span(&text)),
        (None, None) => return None,
    };
    read.unwrap_or_else(|what| {
        let message = format!("{name}=\"{}\": {what}", text.chars().take(60).collect::<String>());
        reporter.repaired(&codes::UNREADABLE_VALUE, Some(test.at), &message);
        None
    })
}

/// What a `failure` says.
fn failed(failure: &Element, record: &mut ResultRecord, reporter: &mut Reporter<'_>) {
    record.error_type = failure.filled("exception-type");
    record.message = failure.text_of("message").map(|text| parts::within(text, Field::Message, failure.at, reporter));
    record.details = failure
        .child("stack-trace")
        .or_else(|| failure.children.is_empty().then_some(failure))
        .map(|details| details.text.clone())
        .filter(|text| !text.trim().is_empty());
}

/// What failed outside of a test: an `error` of an assembly, or the `failure` of a class.
pub(super) fn fixture(element: &Element, suite: Option<&String>, reporter: &mut Reporter<'_>) -> ResultRecord {
    let kind = element.filled("type").unwrap_or_else(|| "class".to_owned());
    // The path of an assembly differs between machines.
    let subject = element.filled("name").map(|name| {
        let is_assembly = kind.starts_with("assembly");
        if is_assembly { dotnet::file_name(&name).to_owned() } else { name }
    });
    let subject = subject.or_else(|| suite.cloned());
    let named = subject.map_or_else(|| format!("[{kind}]"), |subject| format!("[{kind}] {subject}"));
    let mut record = ResultRecord {
        name: parts::one_line(&named, element.at, reporter),
        status: "error".to_owned(),
        line: Some(element.at.line),
        properties: vec![("fixture".to_owned(), kind)],
        ..ResultRecord::default()
    };
    failed(element.child("failure").unwrap_or(element), &mut record, reporter);
    record
}

/// An attachment: text as it is, or a file in base64 with its media type.
fn attach(attachment: &Element, record: &mut ResultRecord, reporter: &mut Reporter<'_>) {
    let content_type = attachment.filled("media-type");
    let body =
        if content_type.is_some() { contents::decode(&attachment.text) } else { contents::text(&attachment.text) };
    match body {
        Ok(body) => {
            let content_type = content_type.or_else(|| Some("text/plain".to_owned()));
            let name = attachment.filled("name");
            facts::attach(record, AttachmentRecord { name, path: String::new(), content_type, body: Some(body) });
        }
        Err(what) => {
            let name = attachment.filled("name").unwrap_or_default();
            let message = format!("the content of the attachment {name:?} {what}; it was left out");
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(attachment.at), &message);
        }
    }
}
