//! The sections on what is concluded about a run: its incident, its requirements and its trend. Each is left out where there
//! is nothing to say, and has the same rows otherwise, so that two versions of a page differ only where the facts do.

use hub_domain::{
    insight::{Incident, RequirementStatus, Traceability, Trend, TrendCase, TrendCases, TrendRun, pass_rate, percent},
    phrases::{self, Phrase},
    vocabulary::Locale,
};

use crate::{Block, Content, Document, Inline, PanelKind, StatusColour, Table, sections};

/// Cases that one cell names; the rest is counted.
const MAX_CASES_IN_CELL: usize = 20;

fn heading(document: &mut Document, locale: Locale, phrase: Phrase) {
    document.push(Block::heading(2, [Inline::text(phrase.text(locale))]));
}

/// The one cause for which a run failed.
pub fn incident(document: &mut Document, locale: Locale, incident: Option<&Incident>) {
    let Some(incident) = incident else { return };
    heading(document, locale, Phrase::Incident);
    let text = Phrase::IncidentText.with_number(locale, incident.failed);
    document.push(Block::panel(PanelKind::Error, [Block::text(&text)]));
    let cause = incident.cause.map(|cause| Inline::text(phrases::failure_cause(cause, locale)));
    document.extend(sections::facts(
        locale,
        [
            (Phrase::Cause, cause),
            (Phrase::Affected, Some(Inline::text(&format!("{}/{}", incident.failed, incident.executed)))),
            (Phrase::Example, incident.example.as_deref().map(Inline::code)),
        ],
    ));
}

fn share(part: u64, whole: u64) -> String {
    percent(part, whole).map_or_else(|| part.to_string(), |percent| format!("{part}/{whole} ({percent} %)"))
}

/// How many requirements were executed, passed and failed.
#[must_use]
pub fn requirement_totals(locale: Locale, said: &Traceability, of_run: Option<&str>) -> Option<Block> {
    let text = |text: String| Some(Inline::text(&text));
    sections::facts(
        locale,
        [
            (Phrase::AsOfRun, of_run.map(Inline::text)),
            (Phrase::RequirementsNamed, text(said.requirements.to_string())),
            (Phrase::RequirementsExecuted, text(share(said.executed, said.requirements))),
            (Phrase::RequirementsPassed, text(share(said.passed, said.requirements))),
            (Phrase::RequirementsFailed, text(share(said.failed, said.requirements))),
            (Phrase::UntracedCases, text(said.untraced_cases.to_string())),
        ],
    )
}

/// The requirements with their cases and what the run says of them; `of_run` names the run where the page is not its own.
pub fn requirements(document: &mut Document, locale: Locale, said: Option<&Traceability>, of_run: Option<&str>) {
    let Some(said) = said else { return };
    heading(document, locale, Phrase::Traceability);
    document.extend(requirement_totals(locale, said, of_run));
    let header = [Phrase::Requirement, Phrase::Status, Phrase::TestCases, Phrase::Executed, Phrase::Failures]
        .map(|phrase| Content::from(phrase.text(locale)));
    let mut table = Table::new().header(header);
    for line in &said.lines {
        let mut cases: Vec<String> = line.cases.iter().map(ToString::to_string).collect();
        let beyond = line.known.saturating_sub(cases.len() as u64);
        if beyond > 0 {
            cases.push(format!("+{beyond}"));
        }
        table.push_row([
            Content::from(line.requirement.as_str()),
            Content::from(requirement_lozenge(line.status, locale)),
            Content::from(cases.join(", ")),
            Content::from(format!("{}/{}", line.executed, line.known)),
            Content::from(line.failed.to_string()),
        ]);
    }
    document.push(Block::Table(table));
    if said.more > 0 {
        document.push(Block::text(&Phrase::MoreRows.with_number(locale, said.more)));
    }
}

fn requirement_lozenge(status: RequirementStatus, locale: Locale) -> Inline {
    let (phrase, colour) = match status {
        RequirementStatus::Failed => (Phrase::RequirementFailed, StatusColour::Red),
        RequirementStatus::NotExecuted => (Phrase::RequirementNotExecuted, StatusColour::Neutral),
        RequirementStatus::Partly => (Phrase::PartlyExecuted, StatusColour::Yellow),
        RequirementStatus::Passed => (Phrase::RequirementPassed, StatusColour::Green),
    };
    Inline::status(phrase.text(locale), colour)
}

/// A run beside the runs before it.
pub fn trend(document: &mut Document, locale: Locale, now: &TrendRun, said: Option<&Trend>) {
    let Some(said) = said else { return };
    heading(document, locale, Phrase::Trend);
    let header = [Phrase::Run, Phrase::Started, Phrase::Total, Phrase::Executed, Phrase::Failures, Phrase::PassRate]
        .map(|phrase| Content::from(phrase.text(locale)));
    let mut table = Table::new().header(header);
    for (run, own) in std::iter::once((now, true)).chain(said.earlier.iter().map(|run| (run, false))) {
        let name = if own { format!("{} ({})", run.run, Phrase::ThisRun.text(locale)) } else { run.run.to_string() };
        table.push_row([
            Content::from(name),
            Content::from(run.began_at.map(|at| at.date().to_string()).unwrap_or_default()),
            Content::from(run.counts.total().to_string()),
            Content::from(run.counts.executed().to_string()),
            Content::from(run.counts.unsuccessful().to_string()),
            Content::from(pass_rate(&run.counts).map(|rate| format!("{rate} %")).unwrap_or_default()),
        ]);
    }
    document.push(Block::Table(table));
    let change = said.pass_rate_change.map(|points| Inline::text(&format!("{points:+} %")));
    document.extend(sections::facts(locale, [(Phrase::PassRateChange, change)]));
    let header = [Phrase::TestCases, Phrase::Number, Phrase::Test].map(|phrase| Content::from(phrase.text(locale)));
    let mut table = Table::new().header(header);
    for (phrase, cases) in [
        (Phrase::NewlyFailing, &said.newly_failing),
        (Phrase::StillFailing, &said.still_failing),
        (Phrase::Fixed, &said.fixed),
        (Phrase::FlakyCases, &said.flaky),
    ] {
        table.push_row([
            Content::from(phrase.text(locale)),
            Content::from(cases.count.to_string()),
            Content::from(names(cases)),
        ]);
    }
    document.push(Block::Table(table));
}

fn names(cases: &TrendCases) -> String {
    let mut names: Vec<String> =
        cases.first.iter().take(MAX_CASES_IN_CELL).map(|TrendCase { case, .. }| case.to_string()).collect();
    let beyond = cases.count.saturating_sub(names.len() as u64);
    if beyond > 0 {
        names.push(format!("+{beyond}"));
    }
    names.join(", ")
}
