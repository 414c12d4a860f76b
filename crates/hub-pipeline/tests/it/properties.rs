//! Arbitrary facts and records: no text breaks a plan, and every line fits where it goes.

use hub_domain::{
    Entity, EntityKind, ExternalId, Label,
    entity::{Counts, Coverage, Defect, EntityFacts, Origin, Release, Report, Run, TestCase},
    facts::{Desired, Publication, ResultLine},
    insight::RunInsight,
    record::{DeclaredCounts, Record, ResultRecord},
    vocabulary::{CaseStatus, DefectSeverity, DefectStatus, Locale, Priority, ResultStatus},
};
use hub_pipeline::{
    normalise::{Context, Fact, Normaliser, ReportRef},
    plan::{self, RunView},
    titles::MAX_TITLE,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::team::project;

/// Text as damaged reports hold it: any characters, long runs of wide ones, markup, line ends.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        ("(😀|é|a|\\]\\]>|<script>| |\n|\r|\t|\u{0}|\u{1b}\\[31m){0,6}", 0..80usize)
            .prop_map(|(part, n)| part.repeat(n)),
        Just(String::new()),
    ]
}

fn id() -> impl Strategy<Value = ExternalId> {
    prop_oneof!["[A-Z]{2,4}_[0-9]{3}", "\\PC{1,200}", "(😀|é|/|\\]){1,8}".prop_map(|part| part.repeat(24))]
        .prop_filter_map("an id", |text| ExternalId::new(text.trim()).ok())
}

fn case() -> impl Strategy<Value = TestCase> {
    let texts = (text(), option::of(id()), option::of(text()), option::of(text()), option::of(text()));
    let words = (select(CaseStatus::ALL), option::of(select(Priority::ALL)), vec(text(), 0..4), option::of(text()));
    (texts, words).prop_map(|((title, suite, component, module, test_type), (status, priority, lines, prose))| {
        TestCase {
            title,
            suite,
            component,
            module,
            test_type,
            platforms: lines.clone(),
            requirements: lines.clone(),
            preconditions: prose.clone(),
            steps: lines.clone(),
            expected_result: prose,
            priority,
            risk: None,
            status,
            source_words: Vec::new(),
            other: lines.iter().map(|line| (line.clone(), line.clone())).collect(),
        }
    })
}

fn defect() -> impl Strategy<Value = Defect> {
    let texts = (text(), vec(id(), 0..4), option::of(id()), option::of(text()), option::of(text()));
    let words = (select(DefectStatus::ALL), option::of(select(DefectSeverity::ALL)), vec(text(), 0..3));
    (texts, words).prop_map(|((title, test_cases, run, environment, device), (status, severity, steps))| Defect {
        named_by: Vec::new(),
        title,
        test_cases,
        run,
        severity,
        priority: None,
        status,
        description: device.clone(),
        steps,
        expected_result: None,
        actual_result: None,
        environment: environment.clone(),
        platform: environment,
        device,
        source_words: Vec::new(),
        other: Vec::new(),
        sightings: None,
    })
}

fn run() -> impl Strategy<Value = Run> {
    let texts = (text(), option::of(id()), option::of(text()), option::of(text()), vec(text(), 0..30));
    (texts, any::<[u32; 4]>()).prop_map(|((title, release, environment, platform, devices), numbers)| Run {
        title,
        release,
        source_environment: environment.clone(),
        environment,
        platform,
        devices,
        started_at: None,
        duration_ms: u64::from(numbers[0]),
        counts: Counts { passed: u64::from(numbers[1]), failed: u64::from(numbers[2]), ..Counts::default() },
        coverage: Coverage { executed: u64::from(numbers[3]), known: u64::from(numbers[0]) },
        insight: RunInsight::default(),
    })
}

fn line() -> impl Strategy<Value = ResultLine> {
    (text(), option::of(id()), option::of(text()), select(ResultStatus::ALL)).prop_map(
        |(name, test_case, message, status)| ResultLine {
            test_case,
            name,
            device: message.clone(),
            status,
            duration_ms: None,
            message,
            evidence: Vec::new(),
            more_evidence: 0,
        },
    )
}

fn entity(external_id: ExternalId, facts: EntityFacts) -> Entity {
    Entity { external_id, origin: Origin { source: "junit".to_owned(), precedence: 10, line: None }, facts }
}

fn fits(line: &str) -> Result<(), TestCaseError> {
    prop_assert!(line.encode_utf16().count() <= MAX_TITLE, "{} units: {line:?}", line.encode_utf16().count());
    prop_assert!(!line.is_empty() && line.trim() == line, "{line:?}");
    prop_assert!(!line.chars().any(char::is_control), "{line:?}");
    Ok(())
}

/// Every line fits, labels are controlled, and the facts have a hash, which is the same the second time.
fn check(publications: &[Publication]) -> Result<(), TestCaseError> {
    for publication in publications {
        let labels: &[Label] = match &publication.desired {
            Desired::Issue(issue) => {
                fits(&issue.summary)?;
                &issue.labels
            }
            Desired::Page(page) => {
                fits(&page.title)?;
                prop_assert!(page.title.ends_with(']'), "{}", page.title);
                &page.labels
            }
            Desired::RemoteLink(link) => {
                fits(&link.title)?;
                &[]
            }
            Desired::IssueLink(_) => &[],
        };
        prop_assert!(labels.iter().all(|label| Label::is_controlled(label.as_str()) && label.as_str().len() <= 255));
        prop_assert!(labels.is_sorted());
        prop_assert_eq!(publication.desired.hash(1).unwrap(), publication.desired.clone().hash(1).unwrap());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_entity_is_planned_and_every_line_fits(
        id in id(),
        case in case(),
        defect in defect(),
        name in text(),
        run in run(),
        lines in vec(line(), 0..5),
        spanish in any::<bool>(),
    ) {
        let project = project(if spanish { Locale::Es } else { Locale::En });
        for facts in [EntityFacts::TestCase(case), EntityFacts::Defect(defect), EntityFacts::Release(Release { name })] {
            let planned = plan::standalone(&project, &entity(id.clone(), facts));
            prop_assert!(!planned.is_empty());
            check(&planned)?;
        }
        let view = RunView {
            results: lines.clone(),
            more_results: 3,
            suites: Vec::new(),
            failures: lines.clone(),
            more_failures: 0,
        };
        let of_run = entity(id.clone(), EntityFacts::Run(run.clone()));
        let planned = plan::run(&project, &of_run, &run, view);
        prop_assert_eq!(planned.len(), 3, "an issue, a page, and the link between them");
        check(&planned)?;
        let report = Report {
            title: run.title.clone(),
            run: id.clone(),
            format: "junit".to_owned(),
            file_name: run.title.clone(),
            digest: "0".repeat(64),
            counts: run.counts,
            declared: DeclaredCounts::default(),
            problems: Vec::new(),
        };
        check(&plan::report(&project, &id, &report, &run, lines, 0))?;
    }

    #[test]
    fn two_ids_never_share_a_page_title(one in id(), other in id(), title in text()) {
        prop_assume!(one != other);
        let project = project(Locale::En);
        // The title's white space is folded, so ids that differ in nothing else may meet.
        let folded = |id: &ExternalId| id.as_str().split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        prop_assume!(folded(&one) != folded(&other));
        let title_of = |id: &ExternalId| {
            hub_pipeline::titles::page(&project.key, EntityKind::Run, id, &title).to_lowercase()
        };
        prop_assert_ne!(title_of(&one), title_of(&other));
    }

    #[test]
    fn any_result_is_taken_once_or_rejected_with_a_reason(
        names in vec((text(), text(), option::of(text()), option::of(text())), 1..12),
    ) {
        let run = ExternalId::new("run-1").unwrap();
        let report = ReportRef { run: run.clone(), report: run, platform: None };
        let mut normaliser = Normaliser::new(Context { file: "r.xml".to_owned(), report: Some(report) });
        let mut facts = Vec::new();
        for (name, status, case_id, class_name) in &names {
            let record = ResultRecord {
                name: name.clone(),
                status: status.clone(),
                case_id: case_id.clone(),
                class_name: class_name.clone(),
                started_at: class_name.clone(),
                suite: vec![status.clone()],
                line: Some(1),
                ..ResultRecord::default()
            };
            normaliser.accept(Record::Result(Box::new(record)), &mut facts);
        }
        let mut keys: Vec<&str> = Vec::new();
        let mut rejected = 0;
        for fact in &facts {
            match fact {
                Fact::Result(result) => keys.push(&result.result_key),
                Fact::Problem(problem) if problem.severity == hub_domain::Severity::Rejected => rejected += 1,
                Fact::Problem(_) | Fact::Entity(_) | Fact::Evidence(_) => {}
            }
        }
        prop_assert_eq!(keys.len() + rejected, names.len());
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), all, "keys are distinct");
        prop_assert_eq!(normaliser.finish().counts.total(), all as u64);
    }
}
