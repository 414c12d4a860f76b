//! One attempt of a test case, and the attempts before it.

use hub_domain::record::{AttachmentRecord, ResultRecord, StepRecord};
use serde_json::Value;

use super::defined::StepOf;
use super::{error, moment};
use crate::family::gherkin::{self, Embedding, Worst, gravity};
use crate::json;
use crate::json::fill::{self, ErrorText};
use crate::json::step_tree::StepTree;
use crate::limits;
use crate::record::clock;
use crate::record::contents::Room;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

/// An attempt that runs.
#[derive(Debug)]
pub(super) struct Attempt {
    case: String,
    at: At,
    number: u32,
    started: Option<i64>,
    record: Box<ResultRecord>,
    worst: Worst,
    steps: StepTree,
    output: String,
    room: Room,
    again: bool,
}

/// What is kept of the attempts before the last.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    count: u32,
    failed: bool,
    first: Option<ErrorText>,
    blocks: String,
    attachments: Vec<AttachmentRecord>,
}

impl Earlier {
    pub(super) fn take(&mut self, attempt: Attempt) {
        self.count = self.count.saturating_add(1);
        let status = attempt.worst.status.unwrap_or_default();
        self.failed |= gravity(&status) > gravity("skipped");
        let record = *attempt.record;
        let error = ErrorText { error_type: record.error_type, message: record.message, details: record.details };
        if self.blocks.len() < limits::RAW_TEXT_BYTES {
            let gap = if self.blocks.is_empty() { "" } else { "\n\n" };
            self.blocks.push_str(gap);
            self.blocks.push_str(&error.block(&format!("attempt {}, {}", self.count, status.to_ascii_lowercase())));
        }
        self.first.get_or_insert(error);
        let room = limits::ATTACHMENTS.saturating_sub(self.attachments.len());
        self.attachments.extend(record.attachments.into_iter().take(room));
    }
}

impl Attempt {
    pub(super) fn new(case: &str, number: u32, started: Option<i64>, at: At) -> Self {
        Self {
            case: case.to_owned(),
            at,
            number,
            started,
            record: Box::default(),
            worst: Worst::default(),
            steps: StepTree::default(),
            output: String::new(),
            room: Room::default(),
            again: false,
        }
    }

    /// The id of its test case.
    pub(super) fn case(&self) -> &str {
        &self.case
    }

    /// Where it begins.
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// Whether a step said so, as older messages do.
    pub(super) fn will_be_retried(&self) -> bool {
        self.again
    }

    /// The file ended before it did.
    pub(super) fn unfinished(&mut self) {
        if self.worst.status.as_deref().is_none_or(|status| gravity(status) < gravity("unknown")) {
            self.worst.status = Some("UNKNOWN".to_owned());
            self.record.message = Some("the file ends before this test does".to_owned());
        }
    }

    /// A step or hook ended.
    pub(super) fn step(&mut self, of: StepOf, result: &Value, at: At, reporter: &mut Reporter<'_>) {
        let status = json::text(result, &["status"]).unwrap_or("UNKNOWN");
        self.again |= json::at(result, &["willBeRetried"]).and_then(Value::as_bool).unwrap_or_default();
        let error = error(result, at, reporter);
        let message = error.as_ref().and_then(|error| error.message.clone());
        self.worst.step(&mut self.record, status, &of.name, error, at, reporter);
        if of.is_hook && gravity(status) <= gravity("skipped") {
            return;
        }
        self.steps.push(StepRecord {
            depth: 0,
            name: of.name,
            status: fill::text(status, Field::Name, at, reporter),
            duration_ms: moment(json::at(result, &["duration"])).and_then(|ms| u64::try_from(ms).ok()),
            message,
        });
    }

    /// Something was attached; returns the bytes that are kept of it.
    pub(super) fn attach(&mut self, message: &Value, at: At, reporter: &mut Reporter<'_>) -> usize {
        let bytes = |record: &ResultRecord| -> usize {
            record.attachments.iter().filter_map(|attachment| attachment.body.as_ref()).map(|body| body.0.len()).sum()
        };
        let before = bytes(&self.record);
        let embedding = Embedding {
            data: json::text(message, &["body"]).unwrap_or_default(),
            is_base64: Some(json::text(message, &["contentEncoding"]) == Some("BASE64")),
            media_type: json::text(message, &["mediaType"]).unwrap_or_default(),
            name: json::text(message, &["fileName"]),
            url: json::text(message, &["url"]),
        };
        gherkin::embed(&mut self.record, &mut self.output, &mut self.room, &embedding, at, reporter);
        bytes(&self.record).saturating_sub(before)
    }

    /// The record, still without what defines the test case.
    pub(super) fn close(
        mut self,
        ended: Option<i64>,
        earlier: Option<Earlier>,
        reporter: &mut Reporter<'_>,
    ) -> Box<ResultRecord> {
        let at = self.at;
        let mut record = self.record;
        // A scenario without a step is written, and says nothing.
        let status = fill::word(self.worst.status.as_deref(), at, reporter);
        record.status = status.unwrap_or_else(|| "UNDEFINED".to_owned());
        record.attempt = self.number;
        record.started_at = self.started.and_then(clock::from_epoch_ms);
        let took = ended.zip(self.started).and_then(|(end, start)| end.checked_sub(start));
        record.duration_ms = took.and_then(|ms| u64::try_from(ms).ok());
        record.steps = self.steps.take();
        record.output = fill::text(&self.output, Field::Output, at, reporter);
        record.line = Some(at.line);
        if let Some(earlier) = earlier {
            record.attempt = record.attempt.max(earlier.count);
            record.flaky = earlier.failed && gravity(&record.status) == gravity("passed");
            if record.flaky {
                let first = earlier.first.unwrap_or_default();
                ErrorText { details: None, ..first }.put_into(&mut record);
            }
            if !earlier.blocks.is_empty() {
                fill::add_details(&mut record, &earlier.blocks, at, reporter);
            }
            for attachment in earlier.attachments {
                facts::attach(&mut record, attachment);
            }
        }
        record
    }
}
