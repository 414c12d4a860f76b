//! Rows on their way from a reader of JSON or plain text to the sink: cleaned, cut to the limits, and with the test
//! case's id where a property or a tag names it.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::limits;
use crate::record::hygiene;
use crate::record::{case_id, facts};
use crate::reporter::{At, Field, Reporter};

/// Cleans a row. A row without a name is rejected.
pub(crate) fn tidied(mut record: ResultRecord, at: At, reporter: &mut Reporter<'_>) -> Option<Box<ResultRecord>> {
    let mut tidy = Tidy { at, reporter };
    tidy.required(&mut record.name, Field::Name);
    for name in &mut record.suite {
        tidy.required(name, Field::Name);
    }
    record.suite.retain(|name| !name.is_empty());
    record.status = record.status.trim().to_owned();
    for (text, field) in [
        (&mut record.class_name, Field::Name),
        (&mut record.file, Field::Name),
        (&mut record.case_id, Field::Name),
        (&mut record.device, Field::Name),
        (&mut record.browser, Field::Name),
        (&mut record.platform, Field::Name),
        (&mut record.environment, Field::Name),
        (&mut record.history_id, Field::Name),
        (&mut record.started_at, Field::Name),
        (&mut record.error_type, Field::Name),
        (&mut record.message, Field::Message),
        (&mut record.details, Field::Details),
        (&mut record.output, Field::Output),
        (&mut record.notes, Field::Message),
    ] {
        tidy.optional(text, field);
    }
    tidy.pairs(&mut record.parameters);
    tidy.pairs(&mut record.properties);
    record.tags.truncate(limits::PROPERTIES);
    record.tags.iter_mut().for_each(|tag| tidy.required(tag, Field::Name));
    record.steps.truncate(limits::STEPS);
    for step in &mut record.steps {
        tidy.required(&mut step.name, Field::Name);
        tidy.optional(&mut step.message, Field::Message);
    }
    record.attachments.truncate(limits::ATTACHMENTS);
    for attachment in &mut record.attachments {
        tidy.required(&mut attachment.path, Field::Name);
        tidy.optional(&mut attachment.name, Field::Name);
        tidy.optional(&mut attachment.content_type, Field::Name);
    }
    record.line.get_or_insert(at.line);
    if record.error_type.is_none() {
        record.error_type = record.message.as_deref().and_then(error_class);
    }
    name_case(&mut record);
    if record.name.is_empty() {
        reporter.rejected(&codes::NO_NAME, Some(at), "a test has no name", None);
        return None;
    }
    Some(Box::new(record))
}

/// Cleans a suite and hands it on.
pub(crate) fn suite(mut record: SuiteRecord, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
    let mut tidy = Tidy { at, reporter };
    record.path.iter_mut().for_each(|name| tidy.required(name, Field::Name));
    tidy.optional(&mut record.file, Field::Name);
    tidy.optional(&mut record.host, Field::Name);
    tidy.pairs(&mut record.properties);
    record.line.get_or_insert(at.line);
    reporter.record(Record::Suite(record))
}

/// The case's id from the first property or tag that names it; every tag once.
fn name_case(record: &mut ResultRecord) {
    let names = |(name, value): &(String, String)| case_id::is_name(name) && !value.is_empty();
    if record.case_id.is_none()
        && let Some(at) = record.properties.iter().position(names)
    {
        let (_, value) = record.properties.remove(at);
        record.case_id = Some(case_id::of(&value).to_owned());
    }
    for tag in std::mem::take(&mut record.tags) {
        facts::tag(record, &tag);
    }
}

struct Tidy<'a, 'r> {
    at: At,
    reporter: &'a mut Reporter<'r>,
}

impl Tidy<'_, '_> {
    fn required(&mut self, text: &mut String, field: Field) {
        let mut cleaned = String::new();
        if hygiene::clean(text, &mut cleaned) {
            self.reporter.controls(self.at);
        }
        let kept = if field == Field::Name { cleaned.trim() } else { hygiene::trim_blank_lines(&cleaned) };
        kept.clone_into(text);
        if hygiene::cut(text, field.limit()) {
            self.reporter.cut(field, self.at);
        }
    }

    fn optional(&mut self, text: &mut Option<String>, field: Field) {
        if let Some(some) = text {
            self.required(some, field);
        }
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            *text = None;
        }
    }

    fn pairs(&mut self, pairs: &mut Vec<(String, String)>) {
        pairs.truncate(limits::PROPERTIES);
        for (name, value) in pairs.iter_mut() {
            self.required(name, Field::Name);
            self.required(value, Field::Property);
        }
        pairs.retain(|(name, _)| !name.is_empty());
    }
}

/// The last part of a path of either kind: what stays the same on another machine.
pub(crate) fn file_name(path: &str) -> Option<String> {
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The first line of a text that says something.
pub(crate) fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// The class in front of an error's message: `TypeError: x is not a function`.
pub(crate) fn error_class(message: &str) -> Option<String> {
    let (class, _) = message.split_once(':')?;
    let named = class.ends_with("Error") || class.ends_with("Exception") || class.ends_with("Failure");
    let plain = class.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'));
    (named && plain).then(|| class.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    const AT: At = At { line: 3, column: 1 };

    fn tidy(record: ResultRecord) -> (Option<Box<ResultRecord>>, Collected) {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let tidied = tidied(record, AT, &mut reporter);
        reporter.close();
        (tidied, sink)
    }

    #[test]
    fn a_row_is_cleaned_and_cut() {
        let (row, sink) = tidy(ResultRecord {
            name: " \u{1b}[31mred\u{1b}[0m ".to_owned(),
            message: Some("m".repeat(9_000)),
            output: Some(" \n".to_owned()),
            tags: vec!["@smoke".to_owned(), " ".to_owned()],
            ..ResultRecord::default()
        });
        let row = row.unwrap();
        assert_eq!((row.name.as_str(), row.output.as_ref(), row.line), ("red", None, Some(3)));
        assert_eq!(row.message.as_ref().unwrap().chars().count(), limits::MESSAGE_CHARS);
        assert_eq!(row.tags, ["smoke"]);
        let found: Vec<&str> = sink.problems.iter().map(|problem| problem.code.id).collect();
        assert_eq!(found, ["HUB-1009", "HUB-1008"]);
    }

    #[test]
    fn properties_and_tags_name_the_case() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let named = |properties: Vec<(String, String)>, tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let name = "t".to_owned();
            tidy(ResultRecord { name, properties, tags, ..ResultRecord::default() }).0.unwrap()
        };
        let row = named(vec![pair("owner", "qa"), pair("test_id", "TC_1")], &["test_id:TC_2"]);
        assert_eq!((row.case_id.as_deref(), row.properties.len()), (Some("TC_1"), 1));
        assert_eq!(named(Vec::new(), &["smoke", "@Test_Key=TC-2"]).case_id.as_deref(), Some("TC-2"));
        assert_eq!(named(Vec::new(), &["bug:12"]).case_id, None);
    }

    #[test]
    fn a_row_without_a_name_is_told_and_not_kept() {
        let (row, sink) = tidy(ResultRecord { name: "\u{1}\n".to_owned(), ..ResultRecord::default() });
        assert!(row.is_none());
        assert_eq!((sink.problems[0].code.id, sink.problems[0].position.line), ("HUB-1006", Some(3)));
    }

    #[test]
    fn classes_of_errors_are_read_and_not_guessed() {
        assert_eq!(error_class("TypeError: x").as_deref(), Some("TypeError"));
        assert_eq!(error_class("java.lang.Exception: x").as_deref(), Some("java.lang.Exception"));
        assert_eq!(error_class("Expected: 1"), None);
        assert_eq!(error_class("an Error: 1"), None);
        assert_eq!(file_name("C:\\a\\b.test.js").as_deref(), Some("b.test.js"));
    }
}
