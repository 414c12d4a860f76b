//! Reads one file in a thread of its own: bytes to records to facts, handed over in batches through a short channel, so
//! that a fast reader waits for the database instead of filling the memory.

use std::{fs, ops::ControlFlow};

use hub_domain::{Position, Problem, Severity, codes, record::Record};
use hub_formats::{Format, Sink};
use hub_pipeline::normalise::{Context, Fact, Normaliser, ReportRef, Summary};
use tokio::sync::mpsc;

use super::files::File;
use crate::AppError;

/// Facts in one batch: the size at which a batch upsert costs least (1,000 rows, and up to three facts for a record).
const BATCH: usize = 1_000;

/// Bytes of attachments that stand in the report itself, in one batch: beyond, it is handed over early.
const EMBEDDED: usize = 4 << 20;

/// Batches on the way at once.
const BATCHES: usize = 2;

/// A file that is being read.
pub struct Reading {
    batches: mpsc::Receiver<Vec<Fact>>,
    done: tokio::task::JoinHandle<(Option<&'static str>, Summary)>,
}

/// Starts reading a file.
pub fn start(file: &File, report: Option<ReportRef>) -> Reading {
    let (sender, batches) = mpsc::channel(BATCHES);
    let (path, shown) = (file.path.clone(), file.shown.clone());
    let done = tokio::task::spawn_blocking(move || {
        let context = Context { file: shown.clone(), report };
        let mut sink =
            Batches { normaliser: Normaliser::new(context), facts: Vec::with_capacity(BATCH), sender, embedded: 0 };
        let format = match fs::File::open(&path) {
            Ok(input) => hub_formats::read(&shown, input, &mut sink),
            Err(error) => {
                sink.problem(Problem {
                    code: &codes::UNREADABLE_FILE,
                    message: error.to_string(),
                    position: Position { file: shown, line: None, column: None },
                    subject: None,
                    severity: Severity::Fatal,
                });
                None
            }
        };
        let _ = sink.flush();
        (format.map(|f| f.name), sink.normaliser.finish())
    });
    Reading { batches, done }
}

impl Reading {
    /// The next batch; nothing at the end of the file.
    pub async fn next(&mut self) -> Option<Vec<Fact>> {
        self.batches.recv().await
    }

    /// What the file as a whole says, once every batch was taken.
    pub async fn finish(self) -> Result<(Option<&'static str>, Summary), AppError> {
        self.done.await.map_err(|source| AppError::Stage { stage: "read the file", source: source.into() })
    }
}

struct Batches {
    normaliser: Normaliser,
    facts: Vec<Fact>,
    sender: mpsc::Sender<Vec<Fact>>,
    /// Bytes of attachments in the batch.
    embedded: usize,
}

impl Batches {
    /// Hands the batch over. `Break` where nobody takes it any more, which ends the reading.
    fn flush(&mut self) -> ControlFlow<()> {
        if self.facts.is_empty() {
            return ControlFlow::Continue(());
        }
        self.embedded = 0;
        let batch = std::mem::replace(&mut self.facts, Vec::with_capacity(BATCH));
        match self.sender.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl Sink for Batches {
    fn format(&mut self, format: &'static Format) {
        self.normaliser.read_as(format.name);
    }

    fn record(&mut self, record: Record) -> ControlFlow<()> {
        if let Record::Result(result) = &record {
            self.embedded +=
                result.attachments.iter().filter_map(|a| a.body.as_ref()).map(|b| b.0.len()).sum::<usize>();
        }
        self.normaliser.accept(record, &mut self.facts);
        if self.facts.len() >= BATCH || self.embedded >= EMBEDDED { self.flush() } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.facts.push(Fact::Problem(Box::new(problem)));
    }
}
