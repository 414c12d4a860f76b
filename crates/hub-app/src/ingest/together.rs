//! The files of a folder that are one report together: a test that was repeated has a file for each attempt, and only all
//! of them say how it ended. The folder is read twice: once to count the attempts, once to hand results on, each as soon
//! as all of its attempts are there.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    ops::ControlFlow,
};

use hub_domain::{
    Problem,
    record::{Record, ResultRecord},
};
use hub_formats::{Format, Sink, attempts};

/// Results that wait for their other attempts at once. A folder with more repeated tests than this hands on what it has.
const MAX_WAITING: usize = 10_000;

/// How many attempts each test has.
#[derive(Debug, Default)]
pub struct Attempts {
    counts: HashMap<u64, u32>,
}

impl Sink for Attempts {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        if let Record::Result(result) = record
            && let Some(test) = test(&result)
        {
            *self.counts.entry(test).or_default() += 1;
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {}
}

/// The test that a result is an attempt of.
fn test(result: &ResultRecord) -> Option<u64> {
    let id = result.history_id.as_ref()?;
    let mut hasher = DefaultHasher::new();
    (id, &result.device).hash(&mut hasher);
    Some(hasher.finish())
}

/// Hands results on to another sink, the attempts of a test as one.
pub struct Together<'s, S> {
    sink: &'s mut S,
    attempts: Attempts,
    waiting: HashMap<u64, Vec<ResultRecord>>,
    count: usize,
}

impl<'s, S: Sink> Together<'s, S> {
    /// Hands on to `sink`.
    pub fn new(sink: &'s mut S, attempts: Attempts) -> Self {
        Self { sink, attempts, waiting: HashMap::new(), count: 0 }
    }

    /// The sink.
    pub fn inner(&mut self) -> &mut S {
        self.sink
    }

    /// Hands on what still waits.
    pub fn finish(&mut self) -> ControlFlow<()> {
        self.count = 0;
        let mut groups: Vec<Vec<ResultRecord>> = std::mem::take(&mut self.waiting).into_values().collect();
        groups.sort_by(|one, other| one.first().map(|r| &r.history_id).cmp(&other.first().map(|r| &r.history_id)));
        groups.into_iter().try_for_each(|group| self.hand_on(group))
    }

    fn hand_on(&mut self, group: Vec<ResultRecord>) -> ControlFlow<()> {
        attempts::join(group).into_iter().try_for_each(|result| self.sink.record(Record::Result(Box::new(result))))
    }
}

impl<S: Sink> Sink for Together<'_, S> {
    fn format(&mut self, format: &'static Format) {
        self.sink.format(format);
    }

    fn table(&mut self, name: &str) {
        self.sink.table(name);
    }

    fn record(&mut self, record: Record) -> ControlFlow<()> {
        let Record::Result(result) = record else { return self.sink.record(record) };
        let Some(test) = test(&result) else { return self.sink.record(Record::Result(result)) };
        let of_test = self.attempts.counts.get(&test).copied().unwrap_or(1);
        if of_test < 2 {
            return self.sink.record(Record::Result(result));
        }
        let group = self.waiting.entry(test).or_default();
        group.push(*result);
        self.count += 1;
        if group.len() >= usize::try_from(of_test).unwrap_or(usize::MAX) {
            let group = self.waiting.remove(&test).unwrap_or_default();
            self.count -= group.len();
            return self.hand_on(group);
        }
        if self.count >= MAX_WAITING { self.finish() } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.sink.problem(problem);
    }
}

#[cfg(test)]
mod tests {
    use hub_formats::Collected;

    use super::*;

    fn result(id: Option<&str>, status: &str, start: &str) -> Record {
        Record::Result(Box::new(ResultRecord {
            name: "t".into(),
            history_id: id.map(str::to_owned),
            status: status.into(),
            started_at: Some(start.into()),
            ..ResultRecord::default()
        }))
    }

    #[test]
    fn the_attempts_of_a_test_are_one_result_and_others_pass() {
        let records = || {
            [
                result(Some("a"), "failed", "2026-01-01T10:00:00Z"),
                result(Some("b"), "passed", "2026-01-01T10:00:01Z"),
                result(None, "passed", "2026-01-01T10:00:02Z"),
                result(Some("a"), "passed", "2026-01-01T10:00:03Z"),
            ]
        };
        let mut attempts = Attempts::default();
        records().into_iter().for_each(|record| assert!(attempts.record(record).is_continue()));
        let mut sink = Collected::default();
        let mut together = Together::new(&mut sink, attempts);
        records().into_iter().for_each(|record| assert!(together.record(record).is_continue()));
        let _ = together.finish();
        let seen: Vec<_> = sink
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Result(result) => Some((result.history_id.as_deref(), result.attempt, result.flaky)),
                Record::Suite(_) | Record::Case(_) | Record::Defect(_) => None,
            })
            .collect();
        assert_eq!(seen, [(Some("b"), 0, false), (None, 0, false), (Some("a"), 1, true)]);
    }
}
