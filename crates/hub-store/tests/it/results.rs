//! Results: where they are kept, hash first, pruning, and what is read of them.

use hub_domain::{TestResult, vocabulary::ResultStatus};
use hub_store::{ProjectRow, ResultFilter, ResultsWritten, Store, WorkerTx};
use hub_testkit::TestDatabase;
use time::{
    Date, OffsetDateTime,
    macros::{date, datetime},
};

use crate::sample::{id, project, result};

async fn opened(database: &TestDatabase) -> (Store, ProjectRow, WorkerTx) {
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    (store, project, tx)
}

fn first_of_month(day: Date) -> Date {
    day.replace_day(1).unwrap()
}

#[tokio::test]
async fn a_run_stays_in_the_month_in_which_it_was_first_seen() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let today = OffsetDateTime::now_utc().date();
    let last_year = today.replace_year(today.year() - 1).unwrap_or(today);
    let old = tx.ensure_run(project.id, &id("old"), Some(last_year)).await.unwrap();
    assert_eq!(old.first_day(), first_of_month(last_year));
    assert_eq!(tx.ensure_run(project.id, &id("old"), Some(today)).await.unwrap(), old);
    // A clock that was wrong makes no partition of another century.
    for wrong in [None, Some(date!(1970 - 01 - 01)), Some(date!(2999 - 05 - 05))] {
        let run = id(&format!("run {wrong:?}"));
        let month = tx.ensure_run(project.id, &run, wrong).await.unwrap();
        assert_eq!(month.first_day(), first_of_month(today), "{wrong:?}");
    }
    assert_eq!(tx.run_month(project.id, &id("unknown")).await.unwrap(), None);
    tx.upsert_results(project.id, old, &id("old"), &[result("1", None, ResultStatus::Passed)]).await.unwrap();
    assert_eq!(tx.run_counts(project.id, &id("old")).await.unwrap().passed, 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn two_transactions_make_the_same_new_month_once() {
    let database = TestDatabase::fresh().await;
    let (store, project, first) = opened(&database).await;
    let hint = Some(OffsetDateTime::now_utc().date() - time::Duration::days(400));
    let month = first.ensure_run(project.id, &id("a"), hint).await.unwrap();
    let second = tokio::spawn({
        let project = project.clone();
        async move {
            let tx = store.worker(project.tenant_id).await.unwrap();
            let month = tx.ensure_run(project.id, &id("b"), hint).await.unwrap();
            tx.commit().await.unwrap();
            month
        }
    });
    // Whether the second waits for the first or comes after it, both find the partition.
    tokio::task::yield_now().await;
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), month);
}

#[tokio::test]
async fn reading_the_same_report_again_writes_nothing() {
    let database = TestDatabase::fresh().await;
    let (store, project, tx) = opened(&database).await;
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    let mut results: Vec<TestResult> =
        (0..2_100).map(|n| result(&format!("k{n}"), None, ResultStatus::Passed)).collect();
    let written = tx.upsert_results(project.id, month, &run, &results).await.unwrap();
    assert_eq!(written, ResultsWritten { inserted: 2_100, ..ResultsWritten::default() });
    tx.commit().await.unwrap();
    let client = database.client().await;
    let traces = "select string_agg(ctid || ' ' || xmin || ' ' || xmax, ',' order by tableoid, ctid) from hub.results";
    let before: String = client.query_typed(traces, &[]).await.unwrap()[0].get(0);

    let tx = store.worker(project.tenant_id).await.unwrap();
    let again = tx.upsert_results(project.id, month, &run, &results).await.unwrap();
    assert_eq!(again, ResultsWritten { unchanged: 2_100, ..ResultsWritten::default() });
    tx.commit().await.unwrap();
    assert_eq!(client.query_typed(traces, &[]).await.unwrap()[0].get::<_, String>(0), before);

    results[3].status = ResultStatus::Failed;
    results.push(result("new", None, ResultStatus::Blocked));
    results.push(result("new", None, ResultStatus::Skipped));
    let tx = store.worker(project.tenant_id).await.unwrap();
    let changed = tx.upsert_results(project.id, month, &run, &results).await.unwrap();
    assert_eq!(changed, ResultsWritten { inserted: 1, updated: 1, unchanged: 2_099, repeated: 1 });
    let counts = tx.run_counts(project.id, &run).await.unwrap();
    assert_eq!((counts.passed, counts.failed, counts.skipped, counts.total()), (2_099, 1, 1, 2_101));
}

#[tokio::test]
async fn a_new_version_of_a_report_leaves_nothing_of_the_old_one() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    let other = TestResult { report: id("report-2"), ..result("z", None, ResultStatus::Passed) };
    let first = [
        result("a", None, ResultStatus::Passed),
        result("b", None, ResultStatus::Failed),
        result("c", None, ResultStatus::Failed),
        other,
    ];
    tx.upsert_results(project.id, month, &run, &first).await.unwrap();
    let second = [result("a", None, ResultStatus::Passed), result("d", None, ResultStatus::Passed)];
    tx.upsert_results(project.id, month, &run, &second).await.unwrap();
    let keys: Vec<&str> = second.iter().map(|result| result.result_key.as_str()).collect();
    assert_eq!(
        tx.prune_results(project.id, month, &run, &id("report-1"), keys.len() as u64, |key| keys.contains(&key))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        tx.prune_results(project.id, month, &run, &id("report-1"), keys.len() as u64, |key| keys.contains(&key))
            .await
            .unwrap(),
        0
    );
    let counts = tx.run_counts(project.id, &run).await.unwrap();
    assert_eq!((counts.passed, counts.failed), (3, 0));
    assert_eq!(tx.report_counts(project.id, &run, &id("report-2")).await.unwrap().total(), 1);
    // An empty new version leaves nothing at all.
    assert_eq!(tx.prune_results(project.id, month, &run, &id("report-1"), 0, |_| false).await.unwrap(), 2);
}

#[tokio::test]
async fn what_pages_show_of_a_run_is_in_a_fixed_order() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    let mut results = vec![
        result("1", Some("TC_2"), ResultStatus::Passed),
        result("2", None, ResultStatus::Timeout),
        result("3", Some("TC_9"), ResultStatus::Failed),
        result("4", Some("TC_1"), ResultStatus::Broken),
        result("5", Some("TC_1"), ResultStatus::Skipped),
        result("6", None, ResultStatus::Flaky),
    ];
    results[0].notes = Some("\n  seen twice \nmore".into());
    results[2].message = Some("expected 3 to equal 4\r\nat line 7".into());
    results[2].notes = Some("not shown".into());
    results[2].device = Some("iPhone 15".into());
    results[3].message = Some("  ".into());
    results[3].suite = None;
    results[3].device = None;
    results[4].suite = Some("Ágil".into());
    results[4].duration_ms = None;
    results[4].started_at = Some(datetime!(2026-11-01 10:00 UTC));
    results[5].started_at = Some(datetime!(2026-11-01 09:00 +2));
    results[5].report = id("report-2");
    tx.upsert_results(project.id, month, &run, &results).await.unwrap();

    let lines = tx.result_lines(project.id, &run, &ResultFilter::All, 100).await.unwrap();
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["test 4", "test 3", "test 2", "test 5", "test 1", "test 6"]);
    let messages: Vec<Option<&str>> = lines.iter().map(|line| line.message.as_deref()).collect();
    assert_eq!(messages, [None, Some("expected 3 to equal 4"), None, None, Some("seen twice"), None]);
    assert_eq!(lines[1].test_case, Some(id("TC_9")));
    assert_eq!((lines[3].duration_ms, lines[4].duration_ms), (None, Some(1_500)));

    let failed = tx.result_lines(project.id, &run, &ResultFilter::Unsuccessful, 2).await.unwrap();
    assert_eq!(failed.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["test 4", "test 3"]);
    let of_report = tx.result_lines(project.id, &run, &ResultFilter::Report(id("report-2")), 9).await.unwrap();
    assert_eq!(of_report.len(), 1);

    let suites = tx.suite_counts(project.id, &run).await.unwrap();
    let suites: Vec<(&str, u64)> = suites.iter().map(|line| (line.name.as_str(), line.counts.total())).collect();
    assert_eq!(suites, [("", 1), ("Home", 4), ("Ágil", 1)]);
    assert_eq!(tx.run_devices(project.id, &run).await.unwrap(), ["Pixel 8", "iPhone 15"]);
    assert_eq!(tx.run_duration_ms(project.id, &run).await.unwrap(), 7_500);
    assert_eq!(tx.run_started(project.id, &run).await.unwrap(), Some(datetime!(2026-11-01 07:00 UTC)));
    assert_eq!(tx.run_started(project.id, &id("none")).await.unwrap(), None);
    assert_eq!(tx.run_duration_ms(project.id, &id("none")).await.unwrap(), 0);
}

/// The second compares before the first is committed, finds every row new and in the way, and goes on with the same
/// transaction.
#[tokio::test]
async fn the_same_results_from_two_transactions_are_saved_once_and_the_later_ones_count() {
    let database = TestDatabase::fresh().await;
    let (store, project, tx) = opened(&database).await;
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    tx.commit().await.unwrap();
    let results = |status: ResultStatus, order: &mut dyn Iterator<Item = usize>| -> Vec<TestResult> {
        order.map(|n| result(&format!("k{n:04}"), None, status)).collect()
    };
    let first = store.worker(project.tenant_id).await.unwrap();
    first
        .upsert_results(project.id, month, &run, &results(ResultStatus::Passed, &mut (0..1_200).step_by(2)))
        .await
        .unwrap();
    let second = tokio::spawn({
        let (store, run, project) = (store.clone(), run.clone(), project.clone());
        let results = results(ResultStatus::Failed, &mut (0..1_200).rev());
        async move {
            let tx = store.worker(project.tenant_id).await.unwrap();
            let written = tx.upsert_results(project.id, month, &run, &results).await.unwrap();
            tx.commit().await.unwrap();
            written
        }
    });
    let client = database.client().await;
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !client.query_typed(waits, &[]).await.unwrap()[0].get::<_, bool>(0) {
        assert!(!second.is_finished(), "the second import did not wait");
    }
    // Rows that the second has by now, were its order another one than the first's.
    first.upsert_results(project.id, month, &run, &results(ResultStatus::Passed, &mut (1_100..1_300))).await.unwrap();
    first.commit().await.unwrap();
    let written = second.await.unwrap();
    assert_eq!(written.inserted + written.updated, 1_200);
    let tx = store.worker(project.tenant_id).await.unwrap();
    let counts = tx.run_counts(project.id, &run).await.unwrap();
    assert_eq!((counts.failed, counts.passed), (1_200, 100));
}
