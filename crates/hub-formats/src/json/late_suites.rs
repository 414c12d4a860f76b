//! Suites of a JSON report and the results in them. An object's keys come in any order, so a suite's name may stand behind
//! its tests: results wait until the suites around them are known, in a bounded amount of memory.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;

use hub_domain::codes;
use hub_domain::record::{Record, ResultRecord, SuiteRecord};

use crate::limits;
use crate::record::held::weight;
use crate::reporter::{At, Reporter};

/// A suite that is open, or that waiting results stand in.
#[derive(Debug, Default)]
struct Group {
    name: OnceCell<String>,
    file: OnceCell<String>,
    tags: RefCell<Vec<String>>,
    place: OnceCell<Place>,
    line: u64,
    /// Whether all that its results need is known.
    ready: Cell<bool>,
}

/// Where tests ran.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) device: Option<String>,
    pub(crate) browser: Option<String>,
    pub(crate) platform: Option<String>,
}

/// What waits, with the suites around it, outermost first.
#[derive(Debug)]
enum Waiting {
    Suite(Vec<Rc<Group>>),
    Result(Vec<Rc<Group>>, Box<ResultRecord>, At),
}

/// The open suites and what waits for them.
#[derive(Debug, Default)]
pub(crate) struct LateSuites {
    open: Vec<Rc<Group>>,
    waiting: Vec<Waiting>,
    bytes: usize,
    told: bool,
}

impl LateSuites {
    /// A suite begins.
    pub(crate) fn enter(&mut self, at: At) {
        self.open.push(Rc::new(Group { line: at.line, ..Group::default() }));
        self.waiting.push(Waiting::Suite(self.open.clone()));
        self.bytes += 256;
    }

    /// The innermost suite has this name; the first one counts. An empty name is none, and known.
    pub(crate) fn name(&mut self, name: Option<String>) {
        if let Some(group) = self.open.last() {
            let _ = group.name.set(name.unwrap_or_default());
        }
    }

    /// The innermost suite stands in this file.
    pub(crate) fn file(&mut self, file: Option<String>) {
        if let (Some(group), Some(file)) = (self.open.last(), file) {
            let _ = group.file.set(file);
        }
    }

    /// The innermost suite's tests have this tag as well.
    pub(crate) fn tag(&mut self, tag: &str) {
        if let Some(group) = self.open.last() {
            let mut tags = group.tags.borrow_mut();
            if tags.len() < limits::PROPERTIES {
                tags.push(tag.to_owned());
            }
        }
    }

    /// The innermost suite's tests ran here, where they do not say otherwise.
    pub(crate) fn place(&mut self, place: Place) {
        if let Some(group) = self.open.last() {
            let _ = group.place.set(place);
        }
    }

    /// All that the results of the innermost suite need is known from here on.
    pub(crate) fn ready(&mut self) {
        if let Some(group) = self.open.last() {
            group.ready.set(true);
        }
    }

    /// The innermost suite ends.
    pub(crate) fn leave(&mut self, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.ready();
        self.open.pop();
        self.release(false, reporter)
    }

    /// Takes a result of the innermost suite; `at` is where its test begins.
    pub(crate) fn push(&mut self, record: Box<ResultRecord>, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        self.bytes += weight(&record);
        self.waiting.push(Waiting::Result(self.open.clone(), record, at));
        let full = self.bytes > limits::JSON_HELD_BYTES;
        if full && !self.told && self.open.iter().any(|group| group.name.get().is_none()) {
            self.told = true;
            let message = format!(
                "the name of a suite stands behind more than {} bytes of its results; they were taken without it",
                limits::JSON_HELD_BYTES
            );
            reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), &message);
        }
        self.release(full, reporter)
    }

    /// The file ends. Where it is damaged, a result whose suite is not known is rejected, unless it names its case: it
    /// would be taken for another test.
    pub(crate) fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let unknown = |group: &Rc<Group>| group.name.get().is_none() && group.file.get().is_none();
        if !complete {
            self.waiting.retain(|waiting| match waiting {
                Waiting::Result(groups, record, at) if record.case_id.is_none() && groups.iter().any(unknown) => {
                    let message = "the suite of this test stands behind the damage";
                    reporter.rejected(&codes::NOT_WELL_FORMED, Some(*at), message, Some(&record.name));
                    false
                }
                Waiting::Result(..) | Waiting::Suite(_) => true,
            });
        }
        self.release(true, reporter)?;
        self.open.clear();
        ControlFlow::Continue(())
    }

    fn release(&mut self, forced: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if !forced && !self.open.iter().all(|group| group.ready.get()) {
            return ControlFlow::Continue(());
        }
        self.bytes = 0;
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Suite(groups) => {
                    let Some(group) = groups.last() else { continue };
                    if called(group).is_empty() {
                        continue;
                    }
                    let (path, file) = (path(&groups), group.file.get().cloned());
                    let record = SuiteRecord { path, file, line: Some(group.line), ..SuiteRecord::default() };
                    reporter.record(Record::Suite(record))?;
                }
                Waiting::Result(groups, mut record, at) => {
                    record.suite = path(&groups);
                    if record.file.is_none() {
                        record.file = groups.iter().rev().find_map(|group| group.file.get().cloned());
                    }
                    for group in groups.iter().rev() {
                        if let Some(place) = group.place.get() {
                            record.device = record.device.take().or_else(|| place.device.clone());
                            record.browser = record.browser.take().or_else(|| place.browser.clone());
                            record.platform = record.platform.take().or_else(|| place.platform.clone());
                        }
                        for tag in group.tags.borrow().iter() {
                            crate::json::fill::tag(&mut record, tag, at, reporter);
                        }
                    }
                    hand_on(record, at, reporter)?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Hands a result on; one without a name cannot be told from others and is rejected.
pub(crate) fn hand_on(record: Box<ResultRecord>, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
    if record.name.trim().is_empty() {
        reporter.rejected(&codes::NO_NAME, Some(at), "a test has no name", record.suite.last().map(String::as_str));
        return ControlFlow::Continue(());
    }
    reporter.record(Record::Result(record))
}

/// A suite's name; one that was not found is called by its file.
fn called(group: &Group) -> &str {
    group.name.get().or_else(|| group.file.get()).map(String::as_str).unwrap_or_default()
}

fn path(groups: &[Rc<Group>]) -> Vec<String> {
    groups.iter().map(|group| called(group)).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    const AT: At = At { line: 3, column: 1 };

    fn result(name: &str) -> Box<ResultRecord> {
        Box::new(ResultRecord { name: name.to_owned(), ..ResultRecord::default() })
    }

    fn shape(sink: &Collected) -> Vec<String> {
        sink.records
            .iter()
            .map(|record| match record {
                Record::Suite(suite) => format!("suite {}", suite.path.join("/")),
                Record::Result(result) => {
                    format!("{}/{} {:?} {:?}", result.suite.join("/"), result.name, result.file, result.tags)
                }
                Record::Case(_) | Record::Defect(_) => String::new(),
            })
            .collect()
    }

    #[test]
    fn a_name_behind_its_results_is_still_theirs() {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let mut held = LateSuites::default();
        held.enter(AT);
        let _ = held.push(result("first"), AT, &mut reporter);
        held.enter(AT);
        let _ = held.push(result("second"), AT, &mut reporter);
        held.name(Some("inner".to_owned()));
        let _ = held.leave(&mut reporter);
        held.name(Some("outer".to_owned()));
        held.file(Some("a.js".to_owned()));
        held.tag("@slow");
        let _ = held.leave(&mut reporter);
        let _ = held.push(result(" "), AT, &mut reporter);
        assert_eq!(
            shape(&sink),
            [
                "suite outer",
                "outer/first Some(\"a.js\") [\"slow\"]",
                "suite outer/inner",
                "outer/inner/second Some(\"a.js\") [\"slow\"]"
            ]
        );
        assert_eq!((sink.problems.len(), sink.problems[0].code), (1, &codes::NO_NAME));
    }

    #[test]
    fn a_result_whose_suite_is_lost_is_not_taken_for_another() {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let mut held = LateSuites::default();
        held.enter(AT);
        let _ = held.push(result("lost"), AT, &mut reporter);
        let mut named = result("named");
        named.case_id = Some("TC_1".to_owned());
        let _ = held.push(named, AT, &mut reporter);
        let _ = held.finish(false, &mut reporter);
        assert_eq!(shape(&sink), ["/named None []"]);
        assert_eq!(sink.problems[0].subject.as_deref(), Some("lost"));
    }

    #[test]
    fn a_ready_suite_streams_and_a_late_name_is_bounded() {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let mut held = LateSuites::default();
        held.enter(AT);
        held.name(Some("known".to_owned()));
        held.ready();
        let _ = held.push(result("at once"), AT, &mut reporter);
        assert!(held.waiting.is_empty());
        held.enter(AT);
        held.file(Some("late.js".to_owned()));
        let large = "x".repeat(1 << 20);
        for _ in 0..40 {
            let mut record = result("large");
            record.output = Some(large.clone());
            let _ = held.push(record, AT, &mut reporter);
            assert!(held.bytes <= limits::JSON_HELD_BYTES);
        }
        let _ = held.finish(true, &mut reporter);
        assert_eq!(sink.records.len(), 43);
        assert_eq!(shape(&sink)[3], "known/late.js/large Some(\"late.js\") []");
        assert_eq!((sink.problems.len(), sink.problems[0].code), (1, &codes::TOO_MUCH_MARKUP));
    }
}
