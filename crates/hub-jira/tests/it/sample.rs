//! Facts as the plan makes them: a small shop's test cases, a run and a defect, in both languages.

use hub_domain::{
    EntityKind, ExternalId, Label, Marker, ProjectKey,
    entity::{Counts, Coverage, Defect, Identity, Run, TestCase},
    facts::{Desired, Destination, IssueBody, IssueFacts, IssueFields, IssueKind, ResultLine},
    insight::{
        Incident, RequirementLine, RequirementStatus, RunInsight, Traceability, Trend, TrendCase, TrendCases, TrendRun,
    },
    label::Dimension,
    vocabulary::{CaseStatus, DefectSeverity, DefectStatus, FailureCause, Locale, Priority, ResultStatus, Risk},
};
use hub_jira::{
    TEMPLATE_REVISION,
    encode::{IssueWrite, Stamp},
};
use time::macros::datetime;

pub fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

pub fn label(dimension: Dimension, value: &str) -> Label {
    Label::derive(dimension, value).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A test case with every fact that it can have.
pub fn case(external_id: &str, locale: Locale) -> IssueFacts {
    let facts = match locale {
        Locale::En => TestCase {
            title: "Filter by price".to_owned(),
            suite: Some(id("Product list")),
            component: some("Product list"),
            module: some("Catalogue"),
            test_type: some("e2e"),
            platforms: vec!["android".to_owned(), "desktop".to_owned()],
            requirements: vec!["REQ-12".to_owned(), "REQ-40".to_owned()],
            preconditions: some("A category with 30 products.\n\nNobody is signed in."),
            steps: vec!["Open the category".to_owned(), "Set the price to 10 to 20 €".to_owned()],
            expected_result: some("Only products from 10 to 20 € are shown."),
            priority: Some(Priority::P1),
            risk: Some(Risk::Medium),
            status: CaseStatus::Active,
            source_words: vec![("priority".to_owned(), "Alta".to_owned()), ("risk".to_owned(), "medium".to_owned())],
            other: vec![("Data set".to_owned(), "summer".to_owned())],
        },
        Locale::Es => TestCase {
            title: "Filtro por precio".to_owned(),
            suite: Some(id("PLP")),
            component: some("PLP"),
            module: some("Catálogo"),
            test_type: some("e2e"),
            platforms: vec!["ios".to_owned()],
            requirements: Vec::new(),
            preconditions: some("Una categoría con 30 productos."),
            steps: vec!["Abrir la categoría".to_owned(), "Elegir de 10 a 20 €".to_owned()],
            expected_result: some("Solo se ven productos de 10 a 20 €."),
            priority: Some(Priority::P0),
            risk: None,
            status: CaseStatus::Draft,
            source_words: vec![("priority".to_owned(), "Crítica".to_owned())],
            other: Vec::new(),
        },
    };
    IssueFacts {
        kind: IssueKind::TestCase,
        external_id: id(external_id),
        source: "csv-cases".to_owned(),
        locale,
        summary: format!("{external_id} - {}", facts.title),
        labels: vec![label(Dimension::Module, "catalogue"), label(Dimension::Project, "shop")],
        priority: facts.priority,
        fields: IssueFields {
            test_case_id: some(external_id),
            suite_id: facts.suite.as_ref().map(|suite| suite.as_str().to_owned()),
            platform: Some(facts.platforms.join(", ")),
            ..IssueFields::default()
        },
        body: IssueBody::TestCase(facts),
    }
}

fn line(case: &str, name: &str, status: ResultStatus, message: Option<&str>) -> ResultLine {
    ResultLine {
        test_case: Some(id(case)),
        name: name.to_owned(),
        device: some("Pixel 7"),
        status,
        duration_ms: Some(12_345),
        message: message.map(str::to_owned),
        evidence: Vec::new(),
        more_evidence: 0,
    }
}

/// A run with a failure, a flaky test and 12 results that its table does not show.
pub fn execution(run_id: &str, locale: Locale) -> IssueFacts {
    let run = Run {
        title: "Nightly".to_owned(),
        release: Some(id("2.4.0")),
        environment: some("production"),
        source_environment: some("mcprod"),
        platform: some("android"),
        devices: vec!["Desktop Chrome".to_owned(), "Pixel 7".to_owned()],
        started_at: Some(datetime!(2026-11-24 09:30:15 UTC)),
        duration_ms: 245_000,
        counts: Counts { passed: 12, failed: 1, flaky: 1, ..Counts::default() },
        coverage: Coverage { executed: 14, known: 40 },
        insight: RunInsight::default(),
    };
    IssueFacts {
        kind: IssueKind::TestExecution,
        external_id: id(run_id),
        source: "hub".to_owned(),
        locale,
        summary: format!("{run_id} - Nightly"),
        labels: vec![label(Dimension::Env, "production"), label(Dimension::Project, "shop")],
        priority: None,
        fields: IssueFields {
            run_id: some(run_id),
            environment: some("production"),
            platform: some("android"),
            device: some("Desktop Chrome, Pixel 7"),
            ..IssueFields::default()
        },
        body: IssueBody::TestExecution {
            run,
            results: vec![
                line("TC_1", "Filter by price", ResultStatus::Failed, Some("expected 3 products, saw 5")),
                line("TC_2", "Sort by name", ResultStatus::Flaky, None),
            ],
            more: 12,
        },
    }
}

/// A defect that two cases show.
pub fn bug(external_id: &str, locale: Locale) -> IssueFacts {
    let defect = Defect {
        named_by: Vec::new(),
        title: "Prices without VAT".to_owned(),
        test_cases: vec![id("TC_1"), id("TC_2")],
        run: Some(id("run-1")),
        severity: Some(DefectSeverity::High),
        priority: Some(Priority::P2),
        status: DefectStatus::InProgress,
        description: some("The list shows net prices.\nThe cart shows gross prices."),
        steps: vec!["Open the list".to_owned(), "Open the cart".to_owned()],
        expected_result: some("Gross prices everywhere"),
        actual_result: some("Net prices in the list"),
        environment: some("staging"),
        platform: some("ios"),
        device: some("iPhone 14"),
        source_words: vec![
            ("severity".to_owned(), "Mayor".to_owned()),
            ("status".to_owned(), "En curso".to_owned()),
            ("environment".to_owned(), "STG".to_owned()),
        ],
        other: vec![("Browser".to_owned(), "Safari 17".to_owned())],
        sightings: None,
    };
    IssueFacts {
        kind: IssueKind::Bug,
        external_id: id(external_id),
        source: "csv-defects".to_owned(),
        locale,
        summary: format!("{external_id} - {}", defect.title),
        labels: vec![label(Dimension::Env, "staging"), label(Dimension::Project, "shop")],
        priority: defect.priority,
        fields: IssueFields {
            test_case_id: some("TC_1"),
            suite_id: None,
            run_id: some("run-1"),
            environment: some("staging"),
            platform: some("ios"),
            device: some("iPhone 14"),
        },
        body: IssueBody::Bug(defect),
    }
}

fn kind(facts: &IssueFacts) -> EntityKind {
    match facts.kind {
        IssueKind::TestCase => EntityKind::TestCase,
        IssueKind::TestExecution => EntityKind::Run,
        IssueKind::Bug => EntityKind::Defect,
    }
}

/// Who the entity of an issue is.
pub fn identity(facts: &IssueFacts) -> Identity {
    Identity { kind: kind(facts), external_id: facts.external_id.clone() }
}

/// The facts as a first attempt writes them.
pub fn write(facts: IssueFacts) -> IssueWrite {
    let project = ProjectKey::new("shop").unwrap();
    let marker = Marker::of("acme", &project, Destination::Jira, kind(&facts), &facts.external_id);
    let hash = Desired::Issue(Box::new(facts.clone())).hash(TEMPLATE_REVISION).unwrap();
    let stamp =
        Stamp { marker, is_label: false, attempt: 1, fence: 7, hash, last_sync_at: "2026-11-24T09:30:00Z".to_owned() };
    IssueWrite { facts, stamp }
}

/// Cases `TC_1` to `TC_n`.
pub fn cases(n: usize) -> Vec<IssueWrite> {
    (1..=n).map(|number| write(case(&format!("TC_{number}"), Locale::En))).collect()
}

/// What is concluded of a run that failed for one cause, after a run that did not.
pub fn insight() -> RunInsight {
    let case = |name: &str, before, now| TrendCase { case: id(name), before, now };
    let cases = |count, first: Vec<TrendCase>| TrendCases { count, first };
    let line = |name: &str, status, failed| RequirementLine {
        requirement: name.to_owned(),
        status,
        cases: vec![id("TC_1"), id("TC_2")],
        known: 12,
        executed: 2,
        passed: 2 - failed,
        failed,
    };
    RunInsight {
        incident: Some(Incident {
            cause: Some(FailureCause::Dns),
            signature: "dns".to_owned(),
            failed: 13,
            executed: 14,
            example: Some("getaddrinfo ENOTFOUND <api> & more".to_owned()),
        }),
        requirements: Some(Box::new(Traceability {
            requirements: 60,
            executed: 59,
            passed: 40,
            failed: 1,
            untraced_cases: 4,
            lines: vec![line("REQ-1", RequirementStatus::Failed, 1), line("REQ-2", RequirementStatus::Partly, 0)],
            more: 58,
        })),
        trend: Some(Box::new(Trend {
            earlier: vec![TrendRun {
                run: id("run-0"),
                began_at: Some(datetime!(2026-11-23 09:30:15 UTC)),
                counts: Counts { passed: 14, ..Counts::default() },
            }],
            pass_rate_change: Some(-15),
            newly_failing: cases(30, vec![case("TC_1", Some(ResultStatus::Passed), Some(ResultStatus::Broken))]),
            still_failing: TrendCases::default(),
            fixed: cases(1, vec![case("TC_3", Some(ResultStatus::Failed), Some(ResultStatus::Passed))]),
            flaky: TrendCases::default(),
        })),
    }
}
