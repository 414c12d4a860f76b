//! Where records and problems go while a file is read: one at a time, so that a file of any size needs the memory of
//! one record.

use std::ops::ControlFlow;

use hub_domain::problem::Problem;
use hub_domain::record::Record;

use crate::Format;

/// Takes what a reader finds, in the order of the file.
pub trait Sink {
    /// The file was recognised; comes before any record.
    fn format(&mut self, _format: &'static Format) {}

    /// The file is one of the project's own tables; comes after its format.
    fn table(&mut self, _name: &str) {}

    /// Takes a record. `Break` ends the reading early and without a problem.
    fn record(&mut self, record: Record) -> ControlFlow<()>;

    /// Takes a problem.
    fn problem(&mut self, problem: Problem);
}

/// Keeps everything in memory: for tests and small files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collected {
    /// The records in the order of the file.
    pub records: Vec<Record>,
    /// The problems in the order in which they were met; those counted per file stand at the end.
    pub problems: Vec<Problem>,
}

impl Sink for Collected {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.records.push(record);
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}
