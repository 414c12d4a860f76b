//! Pages as the plan makes them: a small shop's project, release, run and report, in both languages.

use hub_confluence::{TEMPLATE_REVISION, encode::PageWrite};
use hub_domain::{
    EntityKind, ExternalId, Label, Marker, ProjectKey,
    entity::{Counts, Coverage, Identity, Report, Run},
    facts::{Desired, Destination, PageBody, PageFacts, PageProperties, ResultLine, SuiteLine},
    insight::{
        Incident, RequirementLine, RequirementStatus, RunInsight, Traceability, Trend, TrendCase, TrendCases, TrendRun,
    },
    label::Dimension,
    record::DeclaredCounts,
    vocabulary::{FailureCause, Locale, ResultStatus},
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

fn properties() -> PageProperties {
    PageProperties { project: "shop".to_owned(), run_id: None, env: None, status: None, coverage: None, date: None }
}

fn page(kind: EntityKind, external_id: &str, locale: Locale, title: &str, body: PageBody) -> PageFacts {
    let project = Identity { kind: EntityKind::Project, external_id: id("shop") };
    PageFacts {
        external_id: id(external_id),
        locale,
        title: title.to_owned(),
        parent: (kind != EntityKind::Project).then_some(project),
        labels: vec![label(Dimension::Project, "shop")],
        properties: properties(),
        jira_project: "CTB".to_owned(),
        body,
    }
}

pub fn project(locale: Locale) -> PageWrite {
    let body = PageBody::Project { name: "Shop".to_owned(), jira_project: "CTB".to_owned(), requirements: None };
    write(EntityKind::Project, page(EntityKind::Project, "shop", locale, "Shop [shop]", body))
}

pub fn index(locale: Locale) -> PageWrite {
    let title = "Shop · Report index [shop/index]";
    write(EntityKind::Index, page(EntityKind::Index, "shop", locale, title, PageBody::ReportIndex))
}

pub fn release(locale: Locale) -> PageWrite {
    let body = PageBody::Release { name: "2.4.0".to_owned() };
    write(EntityKind::Release, page(EntityKind::Release, "2.4.0", locale, "2.4.0 [shop/release/2.4.0]", body))
}

fn line(case: Option<&str>, name: &str, status: ResultStatus, message: Option<&str>) -> ResultLine {
    ResultLine {
        test_case: case.map(id),
        name: name.to_owned(),
        device: some("Pixel 7"),
        status,
        duration_ms: Some(12_345),
        message: message.map(str::to_owned),
        evidence: Vec::new(),
        more_evidence: 0,
    }
}

fn run_facts() -> Run {
    Run {
        title: "Nightly".to_owned(),
        release: Some(id("2.4.0")),
        environment: some("production"),
        source_environment: some("mcprod"),
        platform: some("android"),
        devices: vec!["Desktop Chrome".to_owned(), "Pixel 7".to_owned()],
        started_at: Some(datetime!(2026-11-24 09:30:15 UTC)),
        duration_ms: 7_380_000,
        counts: Counts { passed: 12, failed: 1, timeout: 1, ..Counts::default() },
        coverage: Coverage { executed: 14, known: 40 },
        insight: RunInsight::default(),
    }
}

fn run_properties() -> PageProperties {
    PageProperties {
        project: "shop".to_owned(),
        run_id: some("run-1"),
        env: some("production"),
        status: some("failed"),
        coverage: Some(Coverage { executed: 14, known: 40 }),
        date: some("2026-11-24"),
    }
}

pub fn run_page(locale: Locale) -> PageFacts {
    let body = PageBody::Run {
        run: run_facts(),
        suites: vec![
            SuiteLine {
                name: "Cart".to_owned(),
                counts: Counts { passed: 2, failed: 1, timeout: 1, ..Counts::default() },
            },
            SuiteLine { name: "Home › Nav".to_owned(), counts: Counts { passed: 10, ..Counts::default() } },
        ],
        failures: vec![
            line(Some("TC_1"), "Filter by price", ResultStatus::Failed, Some("expected 3 products, saw 5")),
            line(None, "Pays by card", ResultStatus::Timeout, None),
        ],
        more: 3,
    };
    let mut facts = page(EntityKind::Run, "run-1", locale, "Nightly [shop/run/run-1]", body);
    facts.parent = Some(Identity { kind: EntityKind::Release, external_id: id("2.4.0") });
    facts.labels = vec![label(Dimension::Env, "production"), label(Dimension::Project, "shop")];
    facts.properties = run_properties();
    facts
}

pub fn run(locale: Locale) -> PageWrite {
    write(EntityKind::Run, run_page(locale))
}

pub fn report_page(locale: Locale) -> PageFacts {
    let report = Report {
        title: "results.xml".to_owned(),
        run: id("run-1"),
        format: "junit".to_owned(),
        file_name: "results.xml".to_owned(),
        digest: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262".to_owned(),
        counts: Counts { passed: 12, failed: 1, timeout: 1, ..Counts::default() },
        declared: DeclaredCounts { tests: Some(15), failures: Some(1), errors: None, skipped: Some(0) },
        problems: vec![("HUB-1011".to_owned(), 2), ("HUB-1013".to_owned(), 1)],
    };
    let results = vec![
        line(Some("TC_1"), "Filter by price", ResultStatus::Failed, Some("expected 3 products, saw 5")),
        line(Some("TC_2"), "Sort by name", ResultStatus::Passed, None),
    ];
    let body = PageBody::Report { report, results, more: 12 };
    let title = "results.xml [shop/report/run-1/results.xml]";
    let mut facts = page(EntityKind::Report, "run-1/results.xml", locale, title, body);
    facts.parent = Some(Identity { kind: EntityKind::Run, external_id: id("run-1") });
    facts.labels = vec![label(Dimension::Env, "production"), label(Dimension::Project, "shop")];
    facts.properties = run_properties();
    facts
}

pub fn report(locale: Locale) -> PageWrite {
    write(EntityKind::Report, report_page(locale))
}

/// One page of each kind.
pub fn every_kind(locale: Locale) -> [(&'static str, PageWrite); 5] {
    [
        ("project", project(locale)),
        ("index", index(locale)),
        ("release", release(locale)),
        ("run", run(locale)),
        ("report", report(locale)),
    ]
}

/// The facts as an attempt writes them.
pub fn write(kind: EntityKind, facts: PageFacts) -> PageWrite {
    let project = ProjectKey::new("shop").unwrap();
    let marker = Marker::of("acme", &project, Destination::Confluence, kind, &facts.external_id);
    let hash = Desired::Page(Box::new(facts.clone())).hash(TEMPLATE_REVISION).unwrap();
    PageWrite { facts, kind, marker, hash }
}

/// The run's page with another duration: its next version.
pub fn changed_run() -> PageWrite {
    let mut facts = run_page(Locale::En);
    let PageBody::Run { run, .. } = &mut facts.body else { panic!("not a run") };
    run.duration_ms = 65_000;
    write(EntityKind::Run, facts)
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
