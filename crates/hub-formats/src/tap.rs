//! TAP, the Test Anything Protocol: versions 12 (which names none), 13 and 14, with what node, Perl and bats add.
//!
//! A result for each test point. A point behind subtests is their sum: it names their suite and is no result of its own,
//! unless it says what they do not (it failed and none of them did, or it has a directive). `not ok` with TODO has the
//! status `todo`, SKIP the status `skipped`. `Bail out!` is a result with the status `error`: the run ended there.
//! A plan is the number of points on its own level. Comments and other lines behind a point are what it printed.

use std::ops::ControlFlow;

use hub_domain::codes;
use hub_domain::record::ResultRecord;

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::json;
use crate::record::report::Report;
use crate::reporter::{At, Reporter};

mod diagnostic;
mod level;
mod line;

use level::{Level, Open};
use line::{Directive, Line, Point};

pub(crate) const FORMAT: Format = Format {
    name: "tap",
    title: "TAP 12 to 14 (Test Anything Protocol)",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

/// Lines in which a version is looked for: package managers print some before it.
const VERSION_WITHIN_LINES: usize = 50;

/// Subtests inside of each other.
const DEPTH: usize = 32;

/// Bytes of rows that wait for the name of their parent.
const HELD_BYTES: usize = 32 << 20;

/// A log is not TAP: without a version line, the first line that is no comment must be a plan or the first test.
fn sniff(head: &Head<'_>) -> bool {
    let versioned = |line: &str| line.starts_with("TAP version ") && matches!(line::parse(line).1, Line::Version(_));
    if head.text.lines().take(VERSION_WITHIN_LINES).any(versioned) {
        return true;
    }
    let lines = || head.text.lines().map(|line| line::parse(line).1);
    let first =
        lines().find(|line| !matches!(line, Line::Comment(_) | Line::Subtest(_) | Line::Nothing | Line::Other("")));
    let points = || lines().filter(|line| matches!(line, Line::Point(_)));
    match first {
        Some(Line::Plan { skip, .. }) => skip.is_some() || points().next().is_some(),
        Some(Line::Version(_)) => points().next().is_some(),
        Some(Line::Point(Point { number: number @ (None | Some(1)), .. })) => {
            let planned = lines().any(|line| matches!(line, Line::Plan { .. }));
            // Without a plan in sight, numbers that follow each other tell a report from a log.
            planned || (number.is_some() && points().count() > 2 && (!head.complete || in_sequence(points())))
        }
        Some(_) | None => false,
    }
}

/// Whether the first points are numbered 1, 2, 3.
fn in_sequence<'l>(points: impl Iterator<Item = Line<'l>>) -> bool {
    points
        .take(3)
        .zip(1..)
        .all(|(line, expect)| matches!(line, Line::Point(Point { number: Some(number), .. }) if number == expect))
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let mut tap = Tap {
        report: Report::new(input.at()),
        levels: vec![Level::default()],
        name: None,
        nested: false,
        told_full: false,
        planned: false,
        bailed: false,
        versioned: false,
    };
    let mut bytes = Vec::new();
    loop {
        let at = input.at();
        let flow = match json::next_line(input, &mut bytes) {
            Ok(Some(true)) => tap.line(&String::from_utf8_lossy(&bytes), at, reporter),
            Ok(Some(false)) => {
                reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), "a line is longer than any report needs", None);
                ControlFlow::Continue(())
            }
            Ok(None) => {
                let _ = tap.finish(at, true, reporter);
                return;
            }
            Err(error) => {
                let _ = tap.finish(at, false, reporter);
                let message = format!("reading the file failed: {error}");
                reporter.fatal(&codes::UNREADABLE_FILE, Some(at), &message, None)
            }
        };
        if flow.is_break() {
            return;
        }
    }
}

struct Tap {
    report: Report,
    /// The open levels, the outermost first; never empty.
    levels: Vec<Level>,
    /// The name in `# Subtest:`, for the level that begins next.
    name: Option<String>,
    nested: bool,
    told_full: bool,
    planned: bool,
    bailed: bool,
    /// Whether a version stands at the outermost level.
    versioned: bool,
}

impl Tap {
    fn line(&mut self, text: &str, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if self.levels.last_mut().is_some_and(|level| level.block(text)) {
            return ControlFlow::Continue(());
        }
        let (indent, line) = line::parse(text);
        match line {
            Line::Other(said) | Line::Comment(said) => {
                if let Some(level) = self.levels.last_mut() {
                    level.print(said, indent);
                }
            }
            Line::Nothing => {}
            Line::Subtest(name) => {
                // The name before it is that of the level in which this one stands.
                if self.name.is_some() {
                    self.enter(indent);
                }
                self.name = Some(name.to_owned());
            }
            Line::Version(version) => {
                self.leave(indent, at, reporter);
                self.versioned |= indent == 0;
                if indent == 0 {
                    self.end_stream(at, reporter)?;
                    let known = self.report.suite.properties.iter().any(|(name, _)| name == "TAP version");
                    self.report.property("TAP version", Some(version.to_string()).filter(|_| !known));
                }
            }
            Line::Plan { count, skip } => {
                self.leave(indent, at, reporter);
                self.enter(indent);
                self.planned |= self.levels.len() == 1;
                if let Some(level) = self.levels.last_mut() {
                    level.plan = Some((level.plan.map_or(0, |(plan, _)| plan).saturating_add(count), at));
                    level.end_point();
                }
                self.report.property("skipped as a whole", skip.map(str::to_owned));
            }
            Line::Point(point) => self.point(&point, indent, at, reporter),
            Line::Close => {
                let inner = self.inner(indent, at, reporter);
                if let Some((record, at)) = self.levels.last_mut().and_then(|level| level.braced.take()) {
                    self.end_parent(record, at, inner);
                }
            }
            Line::BailOut(why) => {
                self.bailed = true;
                let message = Some(why.to_owned());
                let (name, status) = ("Bail out!".to_owned(), "error".to_owned());
                let record = ResultRecord { name, status, message, ..ResultRecord::default() };
                if let Some(level) = self.levels.last_mut() {
                    level.point(Some(Open::new(record, at)));
                    level.end_point();
                }
            }
        }
        self.flush(at, reporter)
    }

    /// Takes the levels deeper than `indent` away, each inside of the next; the outermost of them is returned.
    fn inner(&mut self, indent: usize, at: At, reporter: &mut Reporter<'_>) -> Option<Level> {
        let mut inner: Option<Level> = None;
        while self.levels.len() > 1
            && self.levels.last().is_some_and(|level| level.indent > indent)
            && let Some(mut level) = self.levels.pop()
        {
            level.end_point();
            level.compare(at, reporter);
            if let Some(mut deeper) = inner.take() {
                let name = deeper.name.take();
                level.take_in(deeper, name);
            }
            inner = Some(level);
        }
        inner
    }

    /// Ends the levels deeper than `indent` without a point of their parent.
    fn leave(&mut self, indent: usize, at: At, reporter: &mut Reporter<'_>) {
        if let (Some(mut inner), Some(level)) = (self.inner(indent, at, reporter), self.levels.last_mut()) {
            let name = inner.name.take();
            level.end_point();
            level.take_in(inner, name);
        }
    }

    /// Opens a level where a line is deeper than the last one.
    fn enter(&mut self, indent: usize) {
        if self.levels.last().is_some_and(|level| indent > level.indent) && self.levels.len() < DEPTH {
            if let Some(level) = self.levels.last_mut() {
                level.end_point();
            }
            self.levels.push(Level::new(indent, self.name.take()));
            self.nested = true;
        }
    }

    fn point(&mut self, point: &Point<'_>, indent: usize, at: At, reporter: &mut Reporter<'_>) {
        let inner = self.inner(indent, at, reporter);
        self.enter(indent);
        let Some(level) = self.levels.last_mut() else { return };
        level.points += 1;
        let name = match point.description.as_str() {
            "" => format!("test {}", point.number.unwrap_or(level.points)),
            name => name.to_owned(),
        };
        let (status, why) = match (point.directive, point.ok) {
            (Some((Directive::Skip, why)), _) => ("skipped", Some(why)),
            (Some((Directive::Todo, why)), false) => ("todo", Some(why)),
            (Some((Directive::Todo, why)), true) => ("ok", Some(why)),
            (None, true) => ("ok", None),
            (None, false) => ("not ok", None),
        };
        let mut record = ResultRecord {
            name,
            status: status.to_owned(),
            duration_ms: point.time.and_then(json::milliseconds),
            message: why.filter(|why| !why.is_empty()).map(str::to_owned),
            ..ResultRecord::default()
        };
        if point.ok && matches!(point.directive, Some((Directive::Todo, _))) {
            record.properties.push(("todo".to_owned(), "passed although it is to do".to_owned()));
        }
        if point.opens {
            level.point(None);
            self.name = Some(record.name.clone());
            level.braced = Some((record, at));
            return;
        }
        // A name that nothing followed was that of a subtest without output.
        self.name = None;
        self.end_parent(record, at, inner);
    }

    /// A point, and the subtests that it sums up where there are any.
    fn end_parent(&mut self, record: ResultRecord, at: At, inner: Option<Level>) {
        let Some(level) = self.levels.last_mut() else { return };
        let sums_up = inner.as_ref().is_some_and(|inner| {
            let told = match record.status.as_str() {
                "ok" => true,
                "not ok" => inner.failed,
                _ => false,
            };
            told && inner.has_rows()
        });
        level.end_point();
        if let Some(inner) = inner {
            level.take_in(inner, Some(record.name.clone()));
        }
        level.point((!sums_up).then(|| Open::new(record, at)));
    }

    /// Hands on the rows of the outermost level. Where too many wait inside, they are handed on with the names known.
    fn flush(&mut self, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let full = self.levels.iter().skip(1).map(|level| level.bytes).sum::<usize>() > HELD_BYTES;
        if full && !self.told_full {
            self.told_full = true;
            let message = "more subtests than can wait for the name of their parent; they were taken without it";
            reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), message);
        }
        let mut names: Vec<String> = Vec::new();
        for (depth, level) in self.levels.iter_mut().enumerate() {
            names.extend(level.name.clone());
            if depth > 0 && !full {
                break;
            }
            for (mut record, at) in level.take_rows() {
                record.suite.splice(0..0, names.iter().cloned());
                self.report.row(record, at, reporter)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The outermost stream ends: another one may follow in the same file.
    fn end_stream(&mut self, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        if let Some(level) = self.levels.first_mut() {
            level.end_point();
        }
        self.flush(at, reporter)?;
        let Some(level) = self.levels.first_mut() else { return ControlFlow::Continue(()) };
        level.compare(at, reporter);
        if let Some((plan, _)) = level.plan.take() {
            let sum = self.report.suite.declared.tests.unwrap_or(0);
            self.report.suite.declared.tests = Some(sum.saturating_add(plan));
        }
        level.points = 0;
        ControlFlow::Continue(())
    }

    fn finish(&mut self, at: At, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()> {
        let in_block = self.levels.last().is_some_and(Level::is_in_block);
        // A stream that is indented as a whole is no subtest that its parent was never told of.
        let indented = match self.levels.as_slice() {
            [outer, inner] => !self.versioned && outer.is_untouched() && inner.name.is_none(),
            _ => false,
        };
        let open = (self.levels.len() > 1 && !indented) || in_block;
        self.leave(0, at, reporter);
        self.end_stream(at, reporter)?;
        // A plan counts its own level only: with subtests it is not the number of rows.
        if self.nested {
            let plan = self.report.suite.declared.tests.take();
            self.report.property("plan", plan.map(|plan| plan.to_string()));
        }
        self.report.finish(complete, &[], reporter)?;
        if complete && open && !self.bailed {
            return reporter.fatal(&codes::NOT_WELL_FORMED, Some(at), "the report ends inside of a test", None);
        }
        if complete && !self.planned && !indented && !self.bailed && self.report.words.all() > 0 {
            let message = "there is no plan: the run may have ended before its tests did";
            reporter.repaired(&codes::NOT_WELL_FORMED, Some(at), message);
        }
        ControlFlow::Continue(())
    }
}
