//! Facts of results, what is read to conclude something of a run, and failures across runs.

use hub_domain::{
    Entity, TestResult,
    entity::{Counts, Coverage, EntityFacts, FailureFacts, Origin, ResultExtra, Run},
    failure::{Failure, FailureState},
    insight::{FailureKind, RunInsight},
    vocabulary::{DefectStatus, FailureCause, ResultStatus},
};
use hub_store::{ProjectRow, Store, WorkerTx};
use hub_testkit::TestDatabase;
use time::macros::datetime;

use crate::sample::{case, defect, id, project, result};

async fn opened(database: &TestDatabase) -> (Store, ProjectRow, WorkerTx) {
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    (store, project, tx)
}

fn failing(key: &str, case: &str, print: &str, cause: Option<FailureCause>) -> TestResult {
    let signature = Some(format!("f1:{:0>16}", "5"));
    let status = if cause.is_some() { ResultStatus::Broken } else { ResultStatus::Failed };
    TestResult {
        message: Some(format!("no answer for {key}")),
        failure: Some(FailureFacts { cause, fingerprint: format!("f1:{print:0>16}"), signature }),
        ..result(key, Some(case), status)
    }
}

/// A run with its results, placed in a series.
async fn run(tx: &WorkerTx, project: &ProjectRow, name: &str, day: u8, results: &[TestResult]) {
    let month = tx.ensure_run(project.id, &id(name), None).await.unwrap();
    tx.upsert_results(project.id, month, &id(name), results).await.unwrap();
    let started = datetime!(2026-11-01 8:00 UTC).replace_day(day).unwrap();
    let counts: Counts = tx.run_counts(project.id, &id(name)).await.unwrap();
    let facts = Run {
        title: name.into(),
        release: None,
        environment: None,
        source_environment: None,
        platform: None,
        devices: vec![],
        started_at: Some(started),
        duration_ms: 0,
        counts,
        coverage: Coverage::default(),
        insight: RunInsight::default(),
    };
    let origin = Origin { source: "hub".into(), precedence: 50, line: None };
    let entity = Entity { external_id: id(name), origin, facts: EntityFacts::Run(facts) };
    tx.upsert_entities(project.id, &[entity]).await.unwrap();
    tx.place_in_series(project.id, &id(name), "nightly||", Some(started)).await.unwrap();
}

#[tokio::test]
async fn facts_of_a_result_are_kept_and_count_for_its_hash() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let month = tx.ensure_run(project.id, &id("r1"), None).await.unwrap();
    let plain = failing("a", "TC_1", "1", Some(FailureCause::Dns));
    let save = async |result: &TestResult| {
        tx.upsert_results(project.id, month, &id("r1"), std::slice::from_ref(result)).await.unwrap()
    };
    assert_eq!(save(&plain).await.inserted, 1);
    assert_eq!(save(&plain).await.unchanged, 1);
    let told = TestResult {
        extra: ResultExtra { browser: Some("chrome".into()), tags: vec!["smoke".into()], ..ResultExtra::default() },
        ..plain.clone()
    };
    assert_eq!(save(&told).await.updated, 1, "another fact is another content");
    tx.commit().await.unwrap();
    let row = database
        .client()
        .await
        .query_typed("select extra, fingerprint, signature, cause from hub.results", &[])
        .await
        .unwrap();
    let extra: serde_json::Value = row[0].get(0);
    assert_eq!(extra, serde_json::json!({"browser": "chrome", "tags": ["smoke"]}));
    assert_eq!(row[0].get::<_, &str>(1), "f1:0000000000000001");
    assert_eq!(row[0].get::<_, &str>(3), "dns");
}

#[tokio::test]
async fn causes_requirements_and_earlier_runs_are_read() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let mut traced = case("TC_1", "one");
    let EntityFacts::TestCase(facts) = &mut traced.facts else { panic!("no case") };
    facts.requirements = vec!["REQ-1".into(), "REQ-1".into(), "REQ-2".into()];
    let mut untraced = case("TC_2", "two");
    let EntityFacts::TestCase(facts) = &mut untraced.facts else { panic!("no case") };
    facts.requirements.clear();
    tx.upsert_entities(project.id, &[traced, untraced]).await.unwrap();
    let dns = Some(FailureCause::Dns);
    run(&tx, &project, "r1", 1, &[result("a", Some("TC_1"), Passed), failing("b", "TC_2", "2", dns)]).await;
    let second = [failing("a", "TC_1", "1", dns), failing("b", "TC_2", "2", None), result("c", Some("TC_3"), Flaky)];
    run(&tx, &project, "r2", 2, &second).await;
    run(&tx, &project, "r3", 3, &[]).await;
    let groups = tx.cause_groups(project.id, &id("r2")).await.unwrap();
    let by_cause = groups.iter().find(|group| group.cause == dns).unwrap();
    assert_eq!((by_cause.failed, by_cause.example.as_deref()), (1, Some("no answer for a")));
    assert_eq!(groups.iter().find(|group| group.cause.is_none()).unwrap().failed, 2, "they share a signature");
    let (requirements, without) = tx.requirements(project.id, &id("r2")).await.unwrap();
    let said: Vec<_> = requirements.iter().map(|r| (r.requirement.as_str(), r.known, r.executed, r.failed)).collect();
    assert_eq!(said, [("REQ-1", 1, 1, 1), ("REQ-2", 1, 1, 1)]);
    assert_eq!((without, requirements[0].cases.clone()), (1, vec![id("TC_1")]));
    let earlier = tx.earlier_runs(project.id, "nightly||", &id("r2"), 10).await.unwrap();
    assert_eq!(earlier.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), ["r1"], "a later run is not among them");
    assert_eq!(earlier[0].counts.passed, 1);
    assert!(tx.earlier_runs(project.id, "smoke||", &id("r2"), 10).await.unwrap().is_empty());
    let changed = tx.changed_cases(project.id, &id("r2"), &id("r1")).await.unwrap();
    let changed: Vec<_> = changed.iter().map(|c| (c.case.as_str(), c.before, c.now)).collect();
    use ResultStatus::{Broken, Failed, Flaky, Passed};
    assert_eq!(
        changed,
        [("TC_1", Some(Passed), Some(Broken)), ("TC_2", Some(Broken), Some(Failed)), ("TC_3", None, Some(Flaky))]
    );
    assert_eq!(tx.latest_requirements(project.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_shows_a_failure_once_however_often_it_is_read() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let mended = TestResult { attempt: 1, ..result("b2", Some("TC_2"), ResultStatus::Passed) };
    let results = [
        failing("a", "TC_1", "1", None),
        TestResult { device: Some("iPhone 14".into()), ..failing("a2", "TC_1", "1", None) },
        failing("b", "TC_2", "2", None),
        mended,
        failing("c", "TC_3", "3", Some(FailureCause::Dns)),
    ];
    run(&tx, &project, "r1", 1, &results).await;
    let shown = tx.run_failures(project.id, &id("r1")).await.unwrap();
    let shown: Vec<_> =
        shown.iter().map(|f| (f.fingerprint.trim_start_matches(['f', '1', ':', '0']), f.repeated_and_passed)).collect();
    assert_eq!(shown, [("", false), ("2", true)], "one of each, and none of the infrastructure");
    let (one, two) = ("f1:0000000000000001", "f1:0000000000000002");
    run(&tx, &project, "r2", 2, &[]).await;
    for _ in 0..2 {
        tx.remember_failures(project.id, &id("r2"), &[one, two]).await.unwrap();
        tx.remember_failures(project.id, &id("r1"), &[one]).await.unwrap();
    }
    let sighted = tx.sighted(project.id, &[one, two]).await.unwrap();
    assert_eq!((sighted[0].runs, &sighted[0].first_run, &sighted[0].last_run), (2, &id("r1"), &id("r2")));
    assert_eq!(sighted[1].runs, 1);
    tx.remember_failures(project.id, &id("r2"), &[]).await.unwrap();
    assert_eq!(
        tx.sighted(project.id, &[one, two]).await.unwrap().len(),
        1,
        "what the run no longer shows is forgotten"
    );
    let shown = tx.shown_by(project.id, &[one, two], &[id("r1"), id("r2")]).await.unwrap();
    assert_eq!(shown, [(one.to_owned(), id("r1"))]);
}

#[tokio::test]
async fn failures_keep_what_they_said_first_and_defects_are_found_by_their_cases() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let failure = Failure {
        fingerprint: "f1:00000000000000aa".into(),
        kind: FailureKind::Failure,
        state: FailureState::New,
        test_case: Some(id("TC_1")),
        title: "first".into(),
        message: Some("m".into()),
        details: None,
        environment: None,
        platform: None,
        device: None,
        first_run: id("r1"),
        last_run: id("r1"),
        last_began_at: datetime!(2026-11-01 8:00 UTC),
        runs: 1,
        consecutive: 1,
        defect: None,
    };
    let save = async |failure: &Failure| tx.save_failures(project.id, std::slice::from_ref(failure)).await.unwrap();
    assert_eq!(save(&failure).await, 1);
    assert_eq!(save(&failure).await, 0, "nothing changed");
    let later = Failure { state: FailureState::Proposed, title: "later".into(), runs: 2, ..failure.clone() };
    assert_eq!(save(&later).await, 1);
    let kept = tx.failures(project.id, Some(FailureState::Proposed), 10).await.unwrap();
    assert_eq!(kept, [Failure { title: "first".into(), ..later }]);
    assert!(tx.failures(project.id, Some(FailureState::New), 10).await.unwrap().is_empty());
    tx.upsert_entities(project.id, &[defect("DEF-1")]).await.unwrap();
    let naming = tx.defects_naming(project.id, &["TC_1", "TC_9"]).await.unwrap();
    assert_eq!((&naming[0].defect, naming[0].status, naming[0].own), (&id("DEF-1"), DefectStatus::Open, false));
    assert!(tx.defects_naming(project.id, &["TC_9"]).await.unwrap().is_empty());
    let stateless = Failure { state: FailureState::Defect, fingerprint: "f1:00000000000000bb".into(), ..failure };
    assert!(tx.save_failures(project.id, &[stateless]).await.is_err(), "a defect has an id");
}
