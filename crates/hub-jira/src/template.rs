//! What an issue's description says, as a neutral document. Stable: the same facts give the same document, and a change
//! here raises [`TEMPLATE_REVISION`], by which `haida-hub migrate`
//! makes every issue due once again.

use hub_document::{
    Block, Document, Inline, PanelKind,
    sections::{counts, duration, facts, other, results, run_lozenge, steps, text},
};
use hub_domain::{
    entity::{Defect, Run, TestCase},
    facts::{IssueBody, IssueFacts, ResultLine},
    phrases::{self, Phrase},
    vocabulary::Locale,
};

/// The revision of these templates. It is part of the desired hash of every issue.
pub const TEMPLATE_REVISION: u32 = 2;

/// The description of an issue.
#[must_use]
pub fn description(issue: &IssueFacts) -> Document {
    let locale = issue.locale;
    let mut document = match &issue.body {
        IssueBody::TestCase(case) => test_case(case, locale),
        IssueBody::TestExecution { run, results, more } => execution(run, results, *more, locale),
        IssueBody::Bug(defect) => bug(defect, locale),
    };
    document.push(Block::panel(PanelKind::Info, [Block::text(Phrase::KeptByHub.text(locale))]));
    document
}

fn inline(value: Option<&str>) -> Option<Inline> {
    value.map(Inline::text)
}

/// A value with the source's own word behind it where the two differ.
fn with_source(canonical: Option<&str>, words: &[(String, String)], field: &str) -> Option<Inline> {
    let word = words.iter().find(|(name, _)| name == field).map(|(_, word)| word.as_str());
    match (canonical, word) {
        (Some(value), Some(word)) if !value.eq_ignore_ascii_case(word) => {
            Some(Inline::text(&format!("{value} ({word})")))
        }
        (Some(value), _) => Some(Inline::text(value)),
        (None, word) => inline(word),
    }
}

fn joined(values: &[impl AsRef<str>]) -> Option<Inline> {
    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
    (!values.is_empty()).then(|| Inline::text(&values.join(", ")))
}

fn test_case(case: &TestCase, locale: Locale) -> Document {
    let words = &case.source_words;
    let mut document = Document::new();
    document.extend(facts(
        locale,
        [
            (Phrase::Component, inline(case.component.as_deref())),
            (Phrase::Module, inline(case.module.as_deref())),
            (Phrase::TestType, inline(case.test_type.as_deref())),
            (Phrase::Requirements, joined(&case.requirements)),
            (
                Phrase::Priority,
                with_source(case.priority.map(|p| p.as_str().to_uppercase()).as_deref(), words, "priority"),
            ),
            (Phrase::Risk, with_source(case.risk.map(|r| phrases::risk(r, locale)), words, "risk")),
            (Phrase::Status, with_source(Some(phrases::case_status(case.status, locale)), words, "status")),
            (Phrase::Platforms, joined(&case.platforms)),
        ],
    ));
    text(&mut document, locale, Phrase::Preconditions, case.preconditions.as_deref());
    steps(&mut document, locale, &case.steps);
    text(&mut document, locale, Phrase::ExpectedResult, case.expected_result.as_deref());
    other(&mut document, locale, &case.other);
    document
}

fn execution(run: &Run, lines: &[ResultLine], more: u64, locale: Locale) -> Document {
    let mut document = Document::new();
    let coverage = run
        .coverage
        .percent()
        .map(|percent| Inline::text(&format!("{percent} % ({}/{})", run.coverage.executed, run.coverage.known)));
    document.extend(facts(
        locale,
        [
            (Phrase::Status, Some(run_lozenge(run.counts.status(), locale))),
            (Phrase::Release, inline(run.release.as_ref().map(|r| r.as_str()))),
            (Phrase::Environment, environment(run.environment.as_deref(), run.source_environment.as_deref())),
            (Phrase::Device, joined(&run.devices)),
            (Phrase::Started, run.started_at.map(|at| Inline::text(&moment(at)))),
            (Phrase::Duration, Some(Inline::text(&duration(run.duration_ms)))),
            (Phrase::Coverage, coverage),
        ],
    ));
    document.push(counts(locale, &run.counts));
    document.push(Block::heading(2, [Inline::text(Phrase::Results.text(locale))]));
    document.extend(results(locale, lines, more));
    document
}

fn bug(defect: &Defect, locale: Locale) -> Document {
    let words = &defect.source_words;
    let mut document = Document::new();
    document.extend(facts(
        locale,
        [
            (Phrase::Severity, with_source(defect.severity.map(|s| phrases::severity(s, locale)), words, "severity")),
            (
                Phrase::Priority,
                with_source(defect.priority.map(|p| p.as_str().to_uppercase()).as_deref(), words, "priority"),
            ),
            (Phrase::Status, with_source(Some(phrases::defect_status(defect.status, locale)), words, "status")),
            (Phrase::TestCases, joined(&defect.test_cases.iter().map(|c| c.as_str()).collect::<Vec<_>>())),
            (Phrase::Run, inline(defect.run.as_ref().map(|r| r.as_str()))),
            (Phrase::Environment, with_source(defect.environment.as_deref(), words, "environment")),
            (Phrase::Device, inline(defect.device.as_deref())),
        ],
    ));
    text(&mut document, locale, Phrase::Description, defect.description.as_deref());
    steps(&mut document, locale, &defect.steps);
    text(&mut document, locale, Phrase::ExpectedResult, defect.expected_result.as_deref());
    text(&mut document, locale, Phrase::ActualResult, defect.actual_result.as_deref());
    other(&mut document, locale, &defect.other);
    document
}

fn environment(canonical: Option<&str>, source: Option<&str>) -> Option<Inline> {
    match (canonical, source) {
        (Some(value), Some(word)) if !value.eq_ignore_ascii_case(word) => {
            Some(Inline::text(&format!("{value} ({word})")))
        }
        (value, word) => inline(value.or(word)),
    }
}

/// A moment as `2026-11-24 09:30 UTC`.
fn moment(at: hub_domain::Moment) -> String {
    let date = at.date();
    format!("{date} {:02}:{:02} UTC", at.hour(), at.minute())
}
