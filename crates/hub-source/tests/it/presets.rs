//! The two known schemas and a team's own SELECT, as records.

use hub_domain::{
    record::Record,
    settings::{Preset, SelectSettings, SourceSettings, SourceStream},
};
use hub_source::{Item, Order, Row};

use crate::support::{Team, V1, V2, settings};

fn case(row: &Row) -> &hub_domain::record::CaseRecord {
    let Item::Document { record, .. } = &row.item else { panic!("{:?}", row.item) };
    let Record::Case(case) = &**record else { panic!("{record:?}") };
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_with_tenants_becomes_records() {
    let team = Team::with(V2).await;
    team.sql(
        "insert into test_cases (test_suite_id, test_id, name, priority, requirement_ids, test_steps, tags, automation_framework)
           select id, 'TC_PAY_001', 'Pay ''it''', 'p1', '{REQ-1,REQ-2}', '[\"Open\", \"Pay\"]', '{@ios}', 'playwright' from test_suites;
         insert into projects (tenant_id, name, slug) select id, 'Other', 'other' from tenants;
         insert into test_suites (project_id, name) select id, 'Elsewhere' from projects where slug = 'other';
         insert into test_cases (test_suite_id, test_id, name) select id, 'TC_X', 'not ours' from test_suites where name = 'Elsewhere';
         insert into test_executions (project_id, test_suite_id, environment, status, started_at)
           select project_id, id, 'staging', 'completed', '2026-01-02 03:04:05+00' from test_suites where name = 'Checkout';
         insert into test_results (test_execution_id, test_case_id, test_name, status, retries, duration_ms, error_message, screenshot_url)
           select e.id, c.id, 'pays', 'passed', 1, 12, 'x', 'https://files.example.com/1.png' from test_executions e, test_cases c
            where c.test_id = 'TC_PAY_001'",
    )
    .await;
    let session =
        team.open(SourceSettings { tenant: Some("acme".into()), ..settings(Some(Preset::V2)) }).await.unwrap();
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    assert_eq!(table.order, Order::Updated);
    let rows = session.all(&table, None).await.unwrap().rows;
    assert_eq!(rows.len(), 1, "another project's case is not ours");
    let read = case(&rows[0]);
    assert_eq!((read.id.as_str(), read.title.as_str()), ("TC_PAY_001", "Pay 'it'"));
    assert_eq!(read.requirements, ["REQ-1", "REQ-2"]);
    assert_eq!(read.tags, ["ios"]);
    assert_eq!(read.steps.as_deref(), Some("1. Open\n2. Pay"));
    assert_eq!(read.other, [("automation_framework".to_owned(), "playwright".to_owned())]);
    assert!(matches!(&rows[0].item, Item::Document { suite: Some(suite), .. } if suite == "Checkout"));

    let table = session.table(SourceStream::TestExecutions).await.unwrap().unwrap();
    let rows = session.all(&table, None).await.unwrap().rows;
    let Item::Run(run) = &rows[0].item else { panic!("a run") };
    assert_eq!((run.title.as_str(), run.open), ("Checkout staging 2026-01-02 03:04", false));
    let table = session.table(SourceStream::TestResults).await.unwrap().unwrap();
    assert_eq!(table.order, Order::Created);
    let results = session.all(&table, None).await.unwrap().rows;
    let Item::Result { record, run: of } = &results[0].item else { panic!("a result") };
    assert_eq!(of, &rows[0].key);
    assert_eq!((record.case_id.as_deref(), record.flaky, record.duration_ms), (Some("TC_PAY_001"), true, Some(12)));
    assert!(session.table(SourceStream::Defects).await.unwrap().is_none(), "this team has no table of defects");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_without_tenants_is_read_though_executions_have_no_time() {
    let team = Team::with(V1).await;
    team.sql(
        "insert into test_executions (project_id, environment, status, started_at) select id, 'dev', 'completed', now() - interval '9 days' from projects;
         insert into test_executions (project_id, environment, status, started_at) select id, 'dev', 'completed', now() - interval '1 day' from projects;
         insert into test_executions (project_id, environment, status) select id, 'qa', 'running' from projects",
    )
    .await;
    let session = team.open(settings(Some(Preset::V1))).await.unwrap();
    for stream in [SourceStream::TestSuites, SourceStream::TestCases, SourceStream::TestResults] {
        assert_ne!(session.table(stream).await.unwrap().unwrap().order, Order::None, "{stream:?}");
    }
    let table = session.table(SourceStream::TestExecutions).await.unwrap().unwrap();
    assert_eq!(table.order, Order::None);
    assert_eq!(session.all(&table, None).await.unwrap().rows.len(), 3);
    assert_eq!(session.open_executions(&table, None).await.unwrap().rows.len(), 2, "the old one is left to the digest");
    // As the other schema it is refused, by the name of what is missing.
    let session = team.open(SourceSettings { project: None, ..settings(Some(Preset::V2)) }).await.unwrap();
    let refused = session.table(SourceStream::TestExecutions).await.unwrap_err();
    assert_eq!(refused.code().id, "HUB-5004");
    assert!(refused.to_string().contains("updated_at"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_column_and_a_wrong_project_are_named() {
    let team = Team::with(V2).await;
    let session = team.open(settings(Some(Preset::V2))).await.unwrap();
    let before = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    team.sql("alter table test_cases rename column test_id to code").await;
    let refused = session.table(SourceStream::TestCases).await.unwrap_err();
    assert!(refused.to_string().contains("test_id"), "{refused}");
    let refused = session.all(&before, None).await.unwrap_err();
    assert_eq!(refused.code().id, "HUB-5004", "between the look and the read: {refused}");
    team.sql(
        "alter table test_cases rename column code to test_id; alter table test_cases rename column priority to prio",
    )
    .await;
    let after = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    assert_ne!(before.reads, after.reads, "a column that is read no more shows");
    let wrong = team.open(SourceSettings { project: Some("shopp".into()), ..settings(Some(Preset::V2)) }).await;
    assert_eq!(wrong.err().unwrap().code().id, "HUB-5009");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_own_select_is_read_by_its_names() {
    let team = Team::with(
        "create type grade as enum ('top', 'low');
         create table cases (no int primary key, code varchar(20), what text, grade grade, steps text[], changed timestamp default now(), owner text);
         insert into cases values (1, 'A-1', 'first; one', 'top', '{go,\"pay, all\"}', '2026-01-01 10:00', 'qa'), (2, 'A-2', 'second', 'low', null, '2026-01-01 10:00', null)",
    )
    .await;
    let own = |sql: &str| SourceSettings {
        preset: None,
        project: Some("O'Brien".into()),
        select: [(SourceStream::TestCases, SelectSettings { sql: sql.into(), table: None })].into(),
        page_rows: 1,
        ..settings(None)
    };
    let sql = "select no as key, code as id, what as title, grade as priority, steps, changed as updated_at, owner, {project} as team from cases -- all";
    let session = team.open(own(sql)).await.unwrap();
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    let safe = session.watermark().await.unwrap().safe;
    let first = session.page(&table, None, safe).await.unwrap();
    assert_eq!((case(&first.rows[0]).id.as_str(), first.more), ("A-1", true));
    assert_eq!(case(&first.rows[0]).priority.as_deref(), Some("top"), "an enum is its word");
    assert_eq!(case(&first.rows[0]).steps.as_deref(), Some("1. go\n2. pay, all"));
    assert_eq!(
        case(&first.rows[0]).other,
        [("owner".to_owned(), "qa".to_owned()), ("team".to_owned(), "O'Brien".to_owned())]
    );
    let second = session.page(&table, first.end().as_ref(), safe).await.unwrap();
    assert_eq!(case(&second.rows[0]).id, "A-2", "the key breaks the tie");
    for (sql, code) in [
        ("select code as id from cases", "HUB-5004"),
        ("select code as id, nothing as title from cases", "HUB-5004"),
        ("select code as id, what as title from nowhere", "HUB-5004"),
        ("select code as id, what as title, what as title from cases", "HUB-5004"),
        ("select code as id, what as title from cases where", "HUB-5007"),
        ("select code as id, what as title, 1/0 as x from cases", "HUB-5007"),
    ] {
        let session = team.open(own(sql)).await.unwrap();
        let refused = match session.table(SourceStream::TestCases).await {
            Ok(Some(table)) => session.all(&table, None).await.err(),
            Ok(None) => None,
            Err(refused) => Some(refused),
        };
        assert_eq!(refused.map(|error| error.code().id), Some(code), "{sql}");
    }
}
