//! One result of a TRX file: its attributes, its output, its files, and what its inner results say of it.

use hub_domain::codes;
use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::limits;
use crate::record::clock;
use crate::record::counts::Group;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// A result that is being read.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) record: Box<ResultRecord>,
    pub(super) at: At,
    /// `DataDrivenTest`, `DataDrivenDataRow`.
    pub(super) kind: Option<String>,
    pub(super) inner: Inner,
    /// The folder of its files.
    folder: Option<String>,
    is_row: bool,
}

/// The inner results of a result, as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) count: u64,
    /// Whether one of them failed, at any depth.
    pub(super) failed: bool,
    /// The test of the last one: its id and name.
    last: Option<(Option<String>, String)>,
    attempts: u32,
    attempts_failed: bool,
    last_failed: bool,
}

impl Inner {
    /// An inner result begins; where it repeats the one before, it is another attempt.
    pub(super) fn begins(&mut self, open: &mut Open) {
        self.count += 1;
        let test = (open.record.history_id.clone(), open.record.name.clone());
        let repeats = !open.is_row && self.last.as_ref() == Some(&test);
        if repeats {
            self.attempts += 1;
            self.attempts_failed |= self.last_failed;
            open.record.attempt = self.attempts;
            open.record.flaky = self.attempts_failed && group(&open.record.status) == Group::Passed;
        } else {
            self.attempts = 0;
            self.attempts_failed = false;
        }
        self.last = Some(test);
    }

    /// An inner result ended.
    pub(super) fn ended(&mut self, failed: bool) {
        self.last_failed = failed;
        self.failed |= failed;
    }
}

impl Open {
    /// Begins a result.
    pub(super) fn new(head: &Element, reporter: &mut Reporter<'_>) -> Self {
        let name = head.filled("testName").unwrap_or_default();
        let mut record = Box::new(ResultRecord {
            name: parts::one_line(&name, head.at, reporter),
            status: head.filled("outcome").unwrap_or_else(|| "Error".to_owned()),
            started_at: moment(head, "startTime"),
            history_id: head.filled("testId").map(|id| id.to_ascii_lowercase()),
            line: Some(head.at.line),
            ..ResultRecord::default()
        });
        record.duration_ms = duration(head, reporter);
        let row = head.filled("dataRowInfo");
        if let Some(row) = &row {
            record.parameters.push(("dataRow".to_owned(), row.clone()));
        }
        let kind = head.filled("resultType");
        let folder = head.filled("relativeResultsDirectory").or_else(|| head.filled("executionId"));
        let is_row = row.is_some() || kind.as_deref() == Some("DataDrivenDataRow");
        Self { record, at: head.at, kind, inner: Inner::default(), folder, is_row }
    }

    /// Takes what it printed and what it says of its failure.
    pub(super) fn output(&mut self, output: &Element, reporter: &mut Reporter<'_>) {
        let mut printed = String::new();
        let streams = ["StdOut", "StdErr", "DebugTrace"].into_iter().filter_map(|name| output.child(name));
        let messages = output.child("TextMessages").into_iter().flat_map(|messages| messages.all("Message"));
        for part in streams.chain(messages) {
            // NUnit's adapter repeats what a test printed in its messages.
            if !part.text.trim().is_empty() && !printed.contains(part.text.as_str()) {
                if !printed.is_empty() {
                    printed.push('\n');
                }
                printed.push_str(&part.text);
            }
        }
        if !printed.is_empty() {
            self.record.output = Some(parts::within(printed, Field::Output, output.at, reporter));
        }
        if let Some(error) = output.child("ErrorInfo") {
            self.record.message =
                error.text_of("Message").map(|text| parts::within(text, Field::Message, error.at, reporter));
            self.record.details =
                error.child("StackTrace").map(|trace| trace.text.clone()).filter(|text| !text.trim().is_empty());
        }
    }

    /// Takes `ResultFiles`.
    pub(super) fn files(&mut self, files: &Element, run: Option<&str>) {
        for path in files.all("ResultFile").filter_map(|file| file.filled("path")) {
            self.attach(None, &path, run);
        }
    }

    /// Takes the files of data collectors, such as a video.
    pub(super) fn collected(&mut self, entries: &Element, run: Option<&str>) {
        for (name, path) in collected(entries) {
            self.attach(name, &path, run);
        }
    }

    fn attach(&mut self, name: Option<String>, written: &str, run: Option<&str>) {
        let path = located(written, run, self.folder.as_deref());
        facts::attach(&mut self.record, AttachmentRecord { name, path, ..AttachmentRecord::default() });
    }
}

/// The files of `CollectorDataEntries`, as description and path.
pub(super) fn collected(entries: &Element) -> Vec<(Option<String>, String)> {
    let collectors = entries.all("Collector").chain(entries.all("CollectorDataEntry"));
    let attachments = collectors.flat_map(|one| one.all("UriAttachments")).flat_map(|all| all.all("UriAttachment"));
    attachments
        .flat_map(|attachment| attachment.all("A"))
        .filter_map(|a| Some((Some(a.text.trim().to_owned()).filter(|text| !text.is_empty()), a.filled("href")?)))
        .take(limits::ATTACHMENTS)
        .collect()
}

/// Where a file lies beside the report. An absolute path or an address stays as it is.
pub(super) fn located(written: &str, run: Option<&str>, folder: Option<&str>) -> String {
    let absolute = written.starts_with(['/', '\\']) || written.contains(':');
    match run {
        Some(run) if !absolute => {
            let parts = [Some(run), Some("In"), folder, Some(written)];
            parts.into_iter().flatten().collect::<Vec<_>>().join("/").replace('\\', "/")
        }
        Some(_) | None => written.to_owned(),
    }
}

/// A moment that was set: a test that never ran has the first day of .NET's calendar.
fn moment(head: &Element, name: &str) -> Option<String> {
    head.filled(name).filter(|text| !text.starts_with("0001-"))
}

fn duration(head: &Element, reporter: &mut Reporter<'_>) -> Option<u64> {
    if let Some(text) = head.filled("duration") {
        return clock::span(&text).unwrap_or_else(|what| {
            let message = format!("duration=\"{}\": {what}", text.chars().take(60).collect::<String>());
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(head.at), &message);
            None
        });
    }
    let [start, end] = ["startTime", "endTime"].map(|name| moment(head, name).as_deref().and_then(clock::local));
    u64::try_from(end? - start?).ok()
}

/// What an outcome counts as in the counters.
pub(super) fn group(outcome: &str) -> Group {
    match outcome.trim().to_ascii_lowercase().as_str() {
        "failed" => Group::Failed,
        "error" | "timeout" | "aborted" | "disconnected" => Group::Broken,
        "notexecuted" | "notrunnable" | "inconclusive" | "pending" | "inprogress" => Group::LeftOut,
        _ => Group::Passed,
    }
}

/// Whether a result of this kind is one that failed.
pub(super) fn is_failing(group: Group) -> bool {
    match group {
        Group::Failed | Group::Broken => true,
        Group::Passed | Group::LeftOut => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_beside_the_report() {
        for (written, run, expect) in [
            ("HOST\\a b.png", Some("_run"), "_run/In/f/HOST/a b.png"),
            ("..\\..\\x.png", Some("_run"), "_run/In/f/../../x.png"),
            ("C:\\x.png", Some("_run"), "C:\\x.png"),
            ("https://example.com/x", Some("_run"), "https://example.com/x"),
            ("HOST\\a.png", None, "HOST\\a.png"),
        ] {
            assert_eq!(located(written, run, Some("f")), expect);
        }
    }
}
