//! One `spec`: what its tests have in common, which may stand behind them.

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::json::fill;
use crate::reporter::{At, Field, Reporter};

/// Tests of one spec that wait for its end: one for each project, of which nobody has as many.
const TESTS: usize = 1_000;

/// A spec that is being read.
#[derive(Debug, Default)]
pub(super) struct Spec {
    at: Option<At>,
    title: Option<String>,
    file: Option<String>,
    id: Option<String>,
    tags: Vec<String>,
    tests: Vec<(Box<ResultRecord>, At)>,
    bytes: usize,
}

impl Spec {
    pub(super) fn new(at: At) -> Self {
        Self { at: Some(at), ..Self::default() }
    }

    pub(super) fn field(&mut self, key: &str, value: &Value, reporter: &mut Reporter<'_>) {
        let Some(at) = self.at else { return };
        let text = value.as_str().and_then(|text| fill::text(text, Field::Name, at, reporter));
        match key {
            "title" => self.title = text,
            "file" => self.file = text,
            "id" => self.id = text,
            "tags" => {
                let tags = value.as_array().map(Vec::as_slice).unwrap_or_default();
                self.tags = tags.iter().filter_map(Value::as_str).take(256).map(str::to_owned).collect();
            }
            _ => {}
        }
    }

    /// Whether its title is known.
    pub(super) fn is_named(&self) -> bool {
        self.title.is_some()
    }

    /// Keeps a test; `false` where the spec holds as many as it may.
    pub(super) fn push(&mut self, record: Box<ResultRecord>, at: At) -> bool {
        self.bytes += record.attachments.iter().filter_map(|a| a.body.as_ref()).map(|body| body.0.len()).sum::<usize>();
        self.tests.push((record, at));
        self.tests.len() < TESTS && self.bytes < crate::limits::EMBEDDED_BYTES_PER_TEST
    }

    /// The tests so far, with what is known of the spec.
    pub(super) fn tests(&mut self, reporter: &mut Reporter<'_>) -> Vec<(Box<ResultRecord>, At)> {
        self.bytes = 0;
        let mut tests = std::mem::take(&mut self.tests);
        for (record, at) in &mut tests {
            record.name = self.title.clone().unwrap_or_default();
            record.file.clone_from(&self.file);
            record.history_id.clone_from(&self.id);
            for tag in &self.tags {
                fill::tag(record, tag, *at, reporter);
            }
        }
        tests
    }
}
