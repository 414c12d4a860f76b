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

    /// Hands on the suites that have begun: to be called before a test or an inner suite. One without a name has the path
    /// of the one around it and would be taken for it; only the outermost, the report's header, is handed on without.
    pub(crate) fn hand_on(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.waiting {
            self.waiting = false;
            for (depth, open) in self.open.iter_mut().enumerate() {
                let Some(record) = open.record.take().filter(|_| open.named || depth == 0) else { continue };
                let nothing = SuiteRecord { path: record.path.clone(), line: record.line, ..SuiteRecord::default() };
                if *record != nothing || open.named {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    #[test]
    fn a_suite_is_handed_on_once_and_never_under_the_path_of_another() {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let mut suites = OpenSuites::default();
        let _ = suites.hand_on(&mut reporter);
        let said = |host: &str| SuiteRecord { host: Some(host.to_owned()), ..SuiteRecord::default() };
        for (name, record) in
            [(None, said("root")), (None, said("lost")), (Some("a"), said("a")), (Some("b"), said("b"))]
        {
            suites.open(name.map(str::to_owned), record, name);
            suites.property("k", "v");
            suites.property("nothing", " ");
        }
        for _ in 0..2 {
            let _ = suites.hand_on(&mut reporter);
        }
        suites.property("late", "v");
        assert_eq!(suites.path(), ["a", "b"]);
        assert_eq!(suites.close(), Some(Some("b")));
        assert_eq!(suites.path(), ["a"]);
        let shape: Vec<_> = sink
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Suite(suite) => Some((suite.path.join("/"), suite.host.clone()?, suite.properties.len())),
                Record::Result(_) | Record::Case(_) | Record::Defect(_) => None,
            })
            .collect();
        let expect = [("", "root"), ("a", "a"), ("a/b", "b")].map(|(path, host)| (path.to_owned(), host.to_owned(), 1));
        assert_eq!(shape, expect);
    }
}
