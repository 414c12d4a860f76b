//! The suites around a test, for readers that walk trees: their path, what a format remembers of each, and the records
//! that are not handed on yet.

use std::ops::ControlFlow;

use hub_domain::record::{Record, SuiteRecord};

use crate::limits;
use crate::reporter::Reporter;

#[derive(Debug)]
struct Open<T> {
    /// Whether it added its name to the path.
    named: bool,
    /// Not handed on yet.
    record: Option<Box<SuiteRecord>>,
    state: T,
}

/// The open suites, with what a format remembers of each.
#[derive(Debug)]
pub(crate) struct OpenSuites<T> {
    path: Vec<String>,
    open: Vec<Open<T>>,
    waiting: bool,
}

impl<T> Default for OpenSuites<T> {
    fn default() -> Self {
        Self { path: Vec::new(), open: Vec::new(), waiting: false }
    }
}

impl<T> OpenSuites<T> {
    /// The names of the open suites, outermost first.
    pub(crate) fn path(&self) -> &[String] {
        &self.path
    }

    /// Begins a suite. Without a name it adds nothing to the path, as a report's header does.
    pub(crate) fn open(&mut self, name: Option<String>, mut record: SuiteRecord, state: T) {
        let named = name.is_some();
        self.path.extend(name);
        record.path.clone_from(&self.path);
        self.open.push(Open { named, record: Some(Box::new(record)), state });
        self.waiting = true;
    }

    /// The record of the innermost suite, as long as it is not handed on.
    pub(crate) fn record(&mut self) -> Option<&mut SuiteRecord> {
        self.open.last_mut().and_then(|open| open.record.as_deref_mut())
    }

    /// Takes a property of the innermost suite, as long as it is not handed on.
    pub(crate) fn property(&mut self, name: &str, value: &str) {
        if let Some(record) = self.record()
            && record.properties.len() < limits::PROPERTIES
            && !name.trim().is_empty()
            && !value.trim().is_empty()
        {
            record.properties.push((name.to_owned(), value.to_owned()));
        }
    }

    /// What is remembered of the innermost suite.
    pub(crate) fn state(&mut self) -> Option<&mut T> {
        self.open.last_mut().map(|open| &mut open.state)
    }

    /// What is remembered of the open suites, outermost first.
    pub(crate) fn states(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.open.iter().map(|open| &open.state)
    }

    /// Hands on the suites that have begun: to be called before a test or an inner suite. One without a name that says
    /// nothing else is left out.
    pub(crate) fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.waiting {
            self.waiting = false;
            for open in &mut self.open {
                let Some(record) = open.record.take() else { continue };
                let nothing = SuiteRecord { path: record.path.clone(), line: record.line, ..SuiteRecord::default() };
                if open.named || *record != nothing {
                    reporter.record(Record::Suite(*record))?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Ends the innermost suite. What is remembered of it is returned.
    pub(crate) fn close(&mut self) -> Option<T> {
        let closed = self.open.pop()?;
        if closed.named {
            self.path.pop();
        }
        Some(closed.state)
    }
}
