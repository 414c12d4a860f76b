//! One report as a whole: its header, its rows counted by the source's words, and what does not agree between them.

use std::ops::ControlFlow;

use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::record::counts::{self, Said};
use crate::record::rows;
use crate::reporter::{At, Reporter};

/// Different words that are counted apart; formats have about ten.
const WORDS: usize = 64;

/// Rows by their status.
#[derive(Debug, Default)]
pub(crate) struct Words {
    all: u64,
    by_word: Vec<(String, u64)>,
}

impl Words {
    /// Counts a row.
    pub(crate) fn add(&mut self, word: &str) {
        self.all += 1;
        if let Some((_, count)) = self.by_word.iter_mut().find(|(known, _)| known == word) {
            *count += 1;
        } else if self.by_word.len() < WORDS {
            self.by_word.push((word.to_owned(), 1));
        }
    }

    /// All rows.
    pub(crate) fn all(&self) -> u64 {
        self.all
    }

    /// Rows with one of these words.
    pub(crate) fn of(&self, words: &[&str]) -> u64 {
        self.by_word.iter().filter(|(word, _)| words.contains(&word.as_str())).map(|(_, count)| count).sum()
    }
}

/// A report while it is read.
#[derive(Debug)]
pub(crate) struct Report {
    /// What its header says; handed on before the first row where the numbers are known by then, and at the end where
    /// they were not or more of it came to be known.
    pub(crate) suite: SuiteRecord,
    /// Its rows.
    pub(crate) words: Words,
    at: At,
    sent: Option<SuiteRecord>,
}

impl Report {
    /// A report that begins here.
    pub(crate) fn new(at: At) -> Self {
        Self { suite: SuiteRecord::default(), words: Words::default(), at, sent: None }
    }

    /// Cleans a row and hands it on.
    pub(crate) fn row(&mut self, record: ResultRecord, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        match rows::tidied(record, at, reporter) {
            Some(record) => self.tidy_row(record, reporter),
            None => ControlFlow::Continue(()),
        }
    }

    /// Hands on a row that was cleaned.
    pub(crate) fn tidy_row(&mut self, record: Box<ResultRecord>, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.sent.is_none() && self.suite.declared.tests.is_some() {
            self.send(reporter)?;
        }
        self.words.add(&record.status);
        reporter.record(Record::Result(record))
    }

    /// Adds a property to the header.
    pub(crate) fn property(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            self.suite.properties.push((name.to_owned(), value));
        }
    }

    /// Ends the report. `said` is compared only where the file is `complete`: half a file holds half its rows.
    pub(crate) fn finish(&mut self, complete: bool, said: &[Said<'_>], reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if *self.sent.as_ref().unwrap_or(&SuiteRecord::default()) != self.suite {
            self.send(reporter)?;
        }
        if complete {
            counts::compare(Some(self.at), self.words.all(), said, reporter);
        }
        ControlFlow::Continue(())
    }

    fn send(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.sent = Some(self.suite.clone());
        rows::suite(self.suite.clone(), self.at, reporter)
    }
}
