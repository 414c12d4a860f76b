//! The sections that issues and pages share: result tables, counts, steps, labelled facts. Both destinations write them
//! the same way, so that a reader finds the same table on a Jira issue and on a Confluence page.

use hub_domain::{
    entity::Counts,
    facts::{ResultLine, SuiteLine},
    phrases::{self, Phrase},
    vocabulary::{Locale, ResultStatus, RunStatus},
};

use crate::{Block, Content, Document, Inline, StatusColour, Table, paragraphs_from_text};

/// The longest message inside a table cell: longer ones belong into the details of the report.
const MAX_CELL_CHARS: usize = 300;

/// The longest name of evidence inside a table cell.
const MAX_NAME_CHARS: usize = 60;

/// The lozenge of a result.
#[must_use]
pub fn result_lozenge(status: ResultStatus, locale: Locale) -> Inline {
    let colour = match status {
        ResultStatus::Passed => StatusColour::Green,
        ResultStatus::Failed | ResultStatus::Broken | ResultStatus::Timeout => StatusColour::Red,
        ResultStatus::Flaky | ResultStatus::Blocked => StatusColour::Yellow,
        ResultStatus::Skipped | ResultStatus::NotRun => StatusColour::Neutral,
    };
    Inline::status(phrases::result_status(status, locale), colour)
}

/// The lozenge of a run.
#[must_use]
pub fn run_lozenge(status: RunStatus, locale: Locale) -> Inline {
    let colour = match status {
        RunStatus::Passed => StatusColour::Green,
        RunStatus::Failed => StatusColour::Red,
        RunStatus::NotExecuted => StatusColour::Neutral,
    };
    Inline::status(phrases::run_status(status, locale), colour)
}

/// A duration for people: `350 ms`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
#[must_use]
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", ms / 60_000, ms % 60_000 / 1_000),
        3_600_000.. => format!("{} h {:02} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// A table of labelled facts; facts without a value are left out, and without any there is no table.
#[must_use]
pub fn facts(locale: Locale, rows: impl IntoIterator<Item = (Phrase, Option<Inline>)>) -> Option<Block> {
    let mut table = Table::new().with_header_column();
    for (label, value) in rows {
        if let Some(value) = value {
            table.push_row([Content::from(label.text(locale)), Content::from(value)]);
        }
    }
    (table.row_count() > 0).then_some(Block::Table(table))
}

/// A heading and a text below it; nothing where there is no text.
pub fn text(document: &mut Document, locale: Locale, heading: Phrase, text: Option<&str>) {
    let Some(text) = text.filter(|t| !t.trim().is_empty()) else { return };
    document.push(Block::heading(2, [Inline::text(heading.text(locale))]));
    document.extend(paragraphs_from_text(text));
}

/// A heading and numbered steps; nothing where there are none.
pub fn steps(document: &mut Document, locale: Locale, steps: &[String]) {
    if !steps.is_empty() {
        document.push(Block::heading(2, [Inline::text(Phrase::Steps.text(locale))]));
        document.push(Block::ordered_list(steps.iter().map(String::as_str)));
    }
}

/// Further facts of the source, as a table of names and values.
pub fn other(document: &mut Document, locale: Locale, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    document.push(Block::heading(2, [Inline::text(Phrase::Other.text(locale))]));
    let mut table = Table::new().with_header_column();
    for (name, value) in pairs {
        table.push_row([name.as_str(), value.as_str()]);
    }
    document.push(Block::Table(table));
}

/// The counts of a run or report: always the same columns, so that two versions compare.
#[must_use]
pub fn counts(locale: Locale, counts: &Counts) -> Block {
    let header = ResultStatus::ALL
        .iter()
        .map(|s| Content::from(phrases::result_status(*s, locale)))
        .chain([Content::from(Phrase::Total.text(locale))]);
    let row = ResultStatus::ALL.iter().map(|s| counts.get(*s)).chain([counts.total()]);
    Block::Table(Table::new().header(header).row(row.map(|n| Content::from(n.to_string()))))
}

/// Results by suite.
#[must_use]
pub fn suites(locale: Locale, suites: &[SuiteLine]) -> Block {
    let header =
        [Phrase::Suite, Phrase::Status, Phrase::Total, Phrase::Failures].map(|p| Content::from(p.text(locale)));
    let mut table = Table::new().header(header);
    for suite in suites {
        table.push_row([
            Content::from(suite.name.as_str()),
            Content::from(run_lozenge(suite.counts.status(), locale)),
            Content::from(suite.counts.total().to_string()),
            Content::from(suite.counts.unsuccessful().to_string()),
        ]);
    }
    Block::Table(table)
}

/// Results one by one; `more` counts those that are not among `lines`.
#[must_use]
pub fn results(locale: Locale, lines: &[ResultLine], more: u64) -> Vec<Block> {
    // A column only where there is something in it: its cells would take room that an issue's results need.
    let with_evidence = lines.iter().any(|line| !line.evidence.is_empty());
    let columns = [Phrase::TestCase, Phrase::Test, Phrase::Device, Phrase::Result, Phrase::Duration, Phrase::Message];
    let columns = columns.into_iter().chain(with_evidence.then_some(Phrase::Evidence));
    let mut table = Table::new().header(columns.map(|p| Content::from(p.text(locale))));
    for line in lines {
        let (message, _) = crate::clip(line.message.as_deref().unwrap_or_default(), MAX_CELL_CHARS);
        let cells = [
            Content::from(line.test_case.as_ref().map_or("", |id| id.as_str())),
            Content::from(line.name.as_str()),
            Content::from(line.device.as_deref().unwrap_or_default()),
            Content::from(result_lozenge(line.status, locale)),
            Content::from(line.duration_ms.map(duration).unwrap_or_default()),
            Content::from(message.as_ref()),
        ];
        table.push_row(cells.into_iter().chain(with_evidence.then(|| evidence(locale, line))));
    }
    let mut blocks = vec![Block::Table(table)];
    if more > 0 {
        blocks.push(Block::text(&Phrase::MoreRows.with_number(locale, more)));
    }
    blocks
}

/// What a test left behind, as links with its names; what cannot be linked is named. A picture of the hub's store stands small
/// beside its link where the destination shows pictures from the web: issues and pages hold no file of the store.
fn evidence(locale: Locale, line: &ResultLine) -> Content {
    let mut inlines = Vec::new();
    for piece in &line.evidence {
        if !inlines.is_empty() {
            inlines.push(Inline::text(", "));
        }
        let (name, _) = crate::clip(&piece.name, MAX_NAME_CHARS);
        match &piece.link {
            Some(link) if piece.shown => inlines.push(Inline::picture(link, &name)),
            Some(link) => inlines.push(Inline::link(link, &name)),
            None => inlines.push(Inline::text(&name)),
        }
        if piece.absent {
            inlines.push(Inline::text(&format!(" ({})", Phrase::NotHandedOver.text(locale))));
        }
    }
    if line.more_evidence > 0 {
        inlines.push(Inline::text(&format!(", {}", Phrase::MoreEvidence.with_number(locale, line.more_evidence))));
    }
    Content::from(inlines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_watch() {
        let cases =
            [(0, "0 ms"), (999, "999 ms"), (12_345, "12.3 s"), (245_000, "4 min 05 s"), (7_380_000, "2 h 03 min")];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn a_table_of_counts_has_the_same_columns_whatever_it_counts() {
        let table = |c: &Counts| {
            let Block::Table(table) = counts(Locale::Es, c) else { panic!("no table") };
            table.width()
        };
        assert_eq!(table(&Counts::default()), 9);
        assert_eq!(table(&Counts { failed: 3, ..Counts::default() }), 9);
    }
}
