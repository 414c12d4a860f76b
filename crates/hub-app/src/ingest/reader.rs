//! Reads one file in a thread of its own: bytes to records to facts, handed over in batches through a short channel, so
//! that a fast reader waits for the database instead of filling the memory.

use std::ops::ControlFlow;

use hub_domain::{Moment, Problem, codes, record::Record, settings::ProjectSettings};
use hub_formats::{Format, Options, Sink};
use hub_pipeline::{
    dates::Dates,
    normalise::{Context, Fact, Normaliser, ReportRef, Summary},
};
use tokio::sync::mpsc;

use super::{
    files::{File, Part},
    together::{Attempts, Together},
};
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
pub fn start(file: &File, report: Option<ReportRef>, settings: &ProjectSettings) -> Reading {
    let options = Options { tables: settings.tables.clone() };
    let dates = Dates::new(Moment::now_utc(), &settings.time_zone);
    let (sender, batches) = mpsc::channel(BATCHES);
    let (parts, shown) = (file.parts.clone(), file.shown.clone());
    let done = tokio::task::spawn_blocking(move || {
        let mut normaliser = Normaliser::new(Context { file: shown, report });
        normaliser.set_dates(dates);
        let mut sink = Batches { normaliser, facts: Vec::with_capacity(BATCH), sender, unreadable: None, embedded: 0 };
        let format = read(&parts, &options, &mut sink);
        sink.normaliser.close(&mut sink.facts);
        let _ = sink.flush();
        (format, sink.normaliser.finish())
    });
    Reading { batches, done }
}

/// Reads the files of one report.
fn read(parts: &[Part], options: &Options, sink: &mut Batches) -> Option<&'static str> {
    let mut attempts = Attempts::default();
    if parts.len() > 1 {
        for part in parts {
            let _ = part.content.with(|read| hub_formats::read_with(&part.shown, read, options, &mut attempts));
        }
    }
    let mut together = Together::new(sink, attempts);
    let mut format = None;
    for part in parts {
        if let Some(found) = read_part(part, options, &mut together) {
            format = Some(found.name);
        }
    }
    let _ = together.finish();
    format
}

/// Reads one file. Where its bytes ended for a reason of their own, that reason is the problem, at the place reached.
fn read_part(part: &Part, options: &Options, together: &mut Together<'_, Batches>) -> Option<&'static Format> {
    together.inner().normaliser.read_file(&part.shown);
    let (format, refusal) = match part.content.with(|read| hub_formats::read_with(&part.shown, read, options, together))
    {
        Ok((format, refusal)) => (format, refusal),
        Err(refusal) => (None, Some(refusal)),
    };
    let sink = together.inner();
    let unreadable = sink.unreadable.take();
    match (refusal, unreadable) {
        (Some(refusal), reached) => {
            let mut problem = refusal.problem(&part.shown);
            if let Some(reached) = reached {
                problem.position = reached.position;
            }
            sink.problem(problem);
        }
        (None, Some(unreadable)) => {
            let fact = sink.normaliser.reader_problem(unreadable);
            sink.facts.push(fact);
        }
        (None, None) => {}
    }
    format
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
    /// That reading failed, held back until it is known why.
    unreadable: Option<Problem>,
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

    fn table(&mut self, name: &str) {
        self.normaliser.read_table(name);
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
        if problem.code == &codes::UNREADABLE_FILE && self.unreadable.is_none() {
            self.unreadable = Some(problem);
            return;
        }
        let fact = self.normaliser.reader_problem(problem);
        self.facts.push(fact);
    }
}
