//! What a page says, as a neutral document. Stable: two versions of a page differ only where the facts differ, and a
//! change here raises [`TEMPLATE_REVISION`], by which `haida-hub migrate`
//! makes every page due once again.

use hub_document::{
    Block, Children, Document, Inline, JiraIssues, PageProperties as PropertiesMacro, PagePropertiesReport, PanelKind,
    sections::{counts, duration, facts, results, suites},
};
use hub_domain::{
    ContentHash, EntityKind, Marker,
    entity::{Coverage, Report, Run},
    facts::{PageBody, PageFacts, ResultLine, SuiteLine},
    phrases::Phrase,
    vocabulary::{Locale, RunStatus},
};

use crate::labels;

/// The revision of these templates. It is part of the desired hash of every page.
pub const TEMPLATE_REVISION: u32 = 2;

/// The id of the visible Page Properties, by which reports collect them.
pub const PROPERTIES_ID: &str = "qa";

/// The id of the hidden Page Properties that hold the marker and the hash: what proves whose a page is, and whether a
/// write has reached its text.
pub const MARKER_ID: &str = "haida-hub";

/// The columns of Page Properties: the same words in every language, because reports match them as text.
const COLUMNS: [&str; 6] = ["project", "run_id", "env", "status", "coverage", "date"];

/// The body of a page.
#[must_use]
pub fn body(page: &PageFacts, marker: &Marker, hash: &ContentHash) -> Document {
    let locale = page.locale;
    let mut document = Document::new().with(properties(page));
    match &page.body {
        PageBody::Project { name: _, jira_project } => project(&mut document, page, jira_project),
        PageBody::ReportIndex => index(&mut document, page, EntityKind::Report, None),
        PageBody::Release { name: _ } => {
            document.push(heading(locale, Phrase::TestRuns));
            index(&mut document, page, EntityKind::Run, Some("ancestor = currentContent()"));
        }
        PageBody::Run { run: facts, suites, failures, more } => {
            run(&mut document, facts, suites, failures, *more, locale);
            document.push(heading(locale, Phrase::Reports));
            document.push(Children::default());
        }
        PageBody::Report { report: facts, results, more } => report(&mut document, facts, results, *more, locale),
    }
    document.push(Block::panel(PanelKind::Info, [Block::text(Phrase::KeptByHub.text(locale))]));
    document.push(
        PropertiesMacro::with_id(MARKER_ID)
            .hidden()
            .row("m", [Inline::text(marker.as_str())])
            .row("hash", [Inline::text(&hash.to_hex())]),
    );
    document
}

fn heading(locale: Locale, phrase: Phrase) -> Block {
    Block::heading(2, [Inline::text(phrase.text(locale))])
}

fn coverage(coverage: Coverage) -> Option<String> {
    coverage.percent().map(|percent| format!("{percent} % ({}/{})", coverage.executed, coverage.known))
}

/// The Page Properties: every page has every row, empty where it has no value, so that indexes and versions compare.
fn properties(page: &PageFacts) -> PropertiesMacro {
    let properties = &page.properties;
    let text = |value: Option<&str>| value.map(Inline::text).into_iter().collect::<Vec<_>>();
    let status = properties.status.as_deref();
    let status = match status.and_then(RunStatus::from_word) {
        Some(status) => vec![hub_document::sections::run_lozenge(status, page.locale)],
        None => text(status),
    };
    let [project, run_id, env, status_column, coverage_column, date] = COLUMNS;
    PropertiesMacro::with_id(PROPERTIES_ID)
        .row(project, text(Some(&properties.project)))
        .row(run_id, text(properties.run_id.as_deref()))
        .row(env, text(properties.env.as_deref()))
        .row(status_column, status)
        .row(coverage_column, text(properties.coverage.and_then(coverage).as_deref()))
        .row(date, properties.date.as_deref().map(Inline::date))
}

/// A Page Properties Report of all pages of a kind, below this page where `scope` says so.
fn index(document: &mut Document, page: &PageFacts, kind: EntityKind, scope: Option<&str>) {
    let Some(label) = labels::of_kind(kind) else { return };
    let mut cql = format!("label = \"{label}\" and space = currentSpace()");
    for project in page.labels.iter().filter(|l| l.as_str().starts_with("project:")) {
        cql.push_str(&format!(" and label = \"{}\"", labels::of_taxonomy(project)));
    }
    if let Some(scope) = scope {
        cql.push_str(" and ");
        cql.push_str(scope);
    }
    let first = match kind {
        EntityKind::Report => Phrase::Report,
        EntityKind::Release => Phrase::Release,
        EntityKind::Project
        | EntityKind::Index
        | EntityKind::Suite
        | EntityKind::TestCase
        | EntityKind::Run
        | EntityKind::Defect => Phrase::Run,
    };
    document.push(
        PagePropertiesReport::new(cql)
            .only_id(PROPERTIES_ID)
            .headings(COLUMNS)
            .first_column(first.text(page.locale))
            .sort_by("date", true),
    );
}

fn project(document: &mut Document, page: &PageFacts, jira_project: &str) {
    let locale = page.locale;
    document.push(heading(locale, Phrase::Releases));
    document.push(Children::default());
    document.push(heading(locale, Phrase::TestRuns));
    index(document, page, EntityKind::Run, None);
    document.push(heading(locale, Phrase::Issues));
    document.push(
        JiraIssues::new(format!("project = \"{jira_project}\" ORDER BY created DESC"))
            .columns(["key", "summary", "type", "status", "priority"])
            .max(20),
    );
}

fn run(document: &mut Document, run: &Run, by_suite: &[SuiteLine], failures: &[ResultLine], more: u64, locale: Locale) {
    let devices = (!run.devices.is_empty()).then(|| Inline::text(&run.devices.join(", ")));
    document.extend(facts(
        locale,
        [
            (Phrase::Release, run.release.as_ref().map(|r| Inline::text(r.as_str()))),
            (Phrase::Device, devices),
            (Phrase::Duration, Some(Inline::text(&duration(run.duration_ms)))),
        ],
    ));
    document.push(counts(locale, &run.counts));
    document.push(heading(locale, Phrase::ResultsBySuite));
    document.push(suites(locale, by_suite));
    document.push(heading(locale, Phrase::Failures));
    if failures.is_empty() {
        document.push(Block::text(Phrase::NoFailures.text(locale)));
    } else {
        document.extend(results(locale, failures, more));
    }
}

fn report(document: &mut Document, report: &Report, lines: &[ResultLine], more: u64, locale: Locale) {
    let declared = &report.declared;
    // In the words of report headers, which are the same in every language.
    let declared: Vec<String> = [
        ("tests", declared.tests),
        ("failures", declared.failures),
        ("errors", declared.errors),
        ("skipped", declared.skipped),
    ]
    .into_iter()
    .filter_map(|(name, number)| Some(format!("{name}={}", number?)))
    .collect();
    let problems: Vec<String> = report.problems.iter().map(|(code, n)| format!("{code}: {n}")).collect();
    document.extend(facts(
        locale,
        [
            (Phrase::File, Some(Inline::code(&report.file_name))),
            (Phrase::Format, Some(Inline::text(&report.format))),
            (Phrase::Digest, Some(Inline::code(&report.digest))),
            (Phrase::Counted, Some(Inline::text(&report.counts.total().to_string()))),
            (Phrase::Declared, (!declared.is_empty()).then(|| Inline::code(&declared.join(" ")))),
            (Phrase::Problems, (!problems.is_empty()).then(|| Inline::text(&problems.join(", ")))),
        ],
    ));
    document.push(counts(locale, &report.counts));
    document.push(heading(locale, Phrase::Results));
    document.extend(results(locale, lines, more));
}
