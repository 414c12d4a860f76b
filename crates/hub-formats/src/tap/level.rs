//! One level of subtests while it is read: its points, the last of them still open for what it prints.

use hub_domain::record::ResultRecord;

use super::diagnostic::Block;
use super::line::{self, Line};
use crate::record::counts;
use crate::record::printed::Printed;
use crate::reporter::{At, Reporter};

/// A point that may still print.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) record: ResultRecord,
    pub(super) at: At,
    printed: Printed,
}

impl Open {
    pub(super) fn new(record: ResultRecord, at: At) -> Self {
        Self { record, at, printed: Printed::default() }
    }
}

/// A level; the outermost has no indentation and no name.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub(super) indent: usize,
    pub(super) name: Option<String>,
    /// Rows of this level and of those inside that have ended.
    rows: Vec<(ResultRecord, At)>,
    /// Bytes of these rows.
    pub(super) bytes: usize,
    open: Option<Open>,
    block: Option<Block>,
    /// Whether a point came last, behind which a block may begin.
    after_point: bool,
    /// A point whose subtests follow in braces.
    pub(super) braced: Option<(ResultRecord, At)>,
    pub(super) plan: Option<(u64, At)>,
    pub(super) points: u64,
    pub(super) failed: bool,
}

impl Level {
    pub(super) fn new(indent: usize, name: Option<String>) -> Self {
        Self { indent, name, ..Self::default() }
    }

    /// Takes a line that belongs to a YAML block, or begins or ends one.
    pub(super) fn block(&mut self, text: &str) -> bool {
        let (indent, kind) = line::parse(text);
        if self.block.is_some() {
            // A block that was never ended stops where a line of the level or of an outer one follows.
            let outside = indent <= self.indent
                && matches!(kind, Line::Point(_) | Line::Plan { .. } | Line::Version(_) | Line::BailOut(_));
            // Text inside of the block may hold a block itself, with its end further to the right.
            let ends = text.trim() == "..." && self.block.as_ref().is_some_and(|block| indent <= block.indent);
            if outside || ends {
                let block = self.block.take();
                if let (Some(block), Some(open)) = (block, &mut self.open) {
                    block.into_row(&mut open.record);
                }
                return !outside;
            }
            if let Some(block) = &mut self.block {
                block.line(text.trim_end());
            }
            return true;
        }
        let begins = self.after_point && indent > self.indent && text.trim() == "---";
        if begins {
            self.block = Some(Block::new(indent));
        }
        begins
    }

    /// Whether nothing was said at this level.
    pub(super) fn is_untouched(&self) -> bool {
        self.points == 0 && self.plan.is_none()
    }

    /// Whether the file ended inside of a block.
    pub(super) fn is_in_block(&self) -> bool {
        self.block.is_some()
    }

    /// Takes a line that the open point printed.
    pub(super) fn print(&mut self, said: &str, indent: usize) {
        if let Some(open) = self.open.as_mut().filter(|_| indent >= self.indent && !is_summary(said)) {
            open.printed.line(said);
        }
    }

    /// Opens a point's row, or passes over a point that is none.
    pub(super) fn point(&mut self, row: Option<Open>) {
        self.end_point();
        if let Some(row) = &row {
            self.failed |= row.record.status == "not ok" || row.record.status == "error";
        }
        self.open = row;
        self.after_point = true;
    }

    /// Ends the open point.
    pub(super) fn end_point(&mut self) {
        self.after_point = false;
        let block = self.block.take();
        let Some(Open { mut record, at, printed }) = self.open.take() else { return };
        if let Some(block) = block {
            block.into_row(&mut record);
        }
        let printed = printed.into_text();
        let failed = record.status == "not ok" || record.status == "error" || record.status == "todo";
        if failed {
            let first = printed.lines().map(str::trim).find(|line| !line.is_empty());
            record.message = record.message.take().or_else(|| first.map(str::to_owned));
            let details = record.details.take().filter(|details| !details.is_empty());
            record.details = Some([details, Some(printed)].into_iter().flatten().collect::<Vec<_>>().join("\n"));
        } else {
            record.output = Some(printed);
        }
        self.push(record, at);
    }

    fn push(&mut self, record: ResultRecord, at: At) {
        let texts = [&record.message, &record.details, &record.output];
        self.bytes += texts.iter().filter_map(|text| text.as_ref()).map(String::len).sum::<usize>() + 512;
        self.rows.push((record, at));
    }

    /// Whether there is a row.
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Takes the rows away.
    pub(super) fn take_rows(&mut self) -> Vec<(ResultRecord, At)> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }

    /// Compares the plan with the points.
    pub(super) fn compare(&self, at: At, reporter: &mut Reporter<'_>) {
        if let Some((plan, at)) = self.plan {
            counts::compare_part(at, ("tests", Some(plan), self.points), reporter);
        } else if self.points > 0 && self.indent > 0 {
            let message = "subtests have no plan: they may have ended too early";
            reporter.repaired(&hub_domain::codes::NOT_WELL_FORMED, Some(at), message);
        }
    }

    /// Takes the rows of a level inside, below `name`.
    pub(super) fn take_in(&mut self, inner: Self, name: Option<String>) {
        self.failed |= inner.failed;
        for (mut record, at) in inner.rows {
            if let Some(name) = &name {
                record.suite.insert(0, name.clone());
            }
            self.push(record, at);
        }
    }
}

/// `# tests 5`, `# Looks like you failed 1 test`: numbers that producers add up at the end.
fn is_summary(said: &str) -> bool {
    let mut words = said.split_whitespace();
    let known = ["tests", "suites", "pass", "fail", "failed", "cancelled", "skipped", "skip", "todo", "duration_ms"];
    let counted = words.next().is_some_and(|word| known.contains(&word))
        && words.next().is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    (counted && words.next().is_none()) || said.starts_with("Looks like you ")
}
