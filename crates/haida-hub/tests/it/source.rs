//! A team's own tables: pulled, published, compared, and whatever is wrong with them shown while the rest goes on.

use hub_testkit::TestDatabase;
use serde_json::Value;
use tokio_postgres::Client;

use crate::support::{Hub, Ran};

const TABLES: &str = "
create table tenants (id uuid primary key default gen_random_uuid(), slug text unique, name text);
create table projects (id uuid primary key default gen_random_uuid(), tenant_id uuid references tenants, name text, slug text);
create table test_suites (id uuid primary key default gen_random_uuid(), project_id uuid references projects, name text,
  created_at timestamptz default now(), updated_at timestamptz default now());
create table test_cases (id uuid primary key default gen_random_uuid(), test_suite_id uuid references test_suites,
  test_id text unique not null, name text not null, priority text, component text, status text default 'active',
  created_at timestamptz default now(), updated_at timestamptz default now());
create table test_executions (id uuid primary key default gen_random_uuid(), project_id uuid references projects,
  test_suite_id uuid references test_suites, environment text, status text, started_at timestamptz,
  created_at timestamptz default now(), updated_at timestamptz default now());
create table test_results (id uuid primary key default gen_random_uuid(),
  test_execution_id uuid references test_executions on delete cascade, test_case_id uuid references test_cases on delete set null,
  test_name text, status text, duration_ms int, error_message text, started_at timestamptz, created_at timestamptz default now());
create function touch() returns trigger language plpgsql as $$ begin new.updated_at = current_timestamp; return new; end $$;
create trigger touch before update on test_cases for each row execute function touch();
create trigger touch before update on test_executions for each row execute function touch();
insert into tenants (slug, name) values ('acme', 'Acme');
insert into projects (tenant_id, name, slug) select id, 'Shop', 'shop' from tenants;
insert into test_suites (project_id, name) select id, 'Checkout' from projects;
insert into test_cases (test_suite_id, test_id, name, priority) select id, 'TC_PAY_' || to_char(n, 'FM000'), 'Pays ' || n, 'p1'
  from test_suites, generate_series(1, 3) n;
insert into test_executions (project_id, test_suite_id, environment, status, started_at)
  select project_id, id, 'staging', 'running', '2026-01-02 03:04:05+00' from test_suites;
insert into test_results (test_execution_id, test_case_id, test_name, status, error_message)
  select e.id, c.id, c.name, case c.test_id when 'TC_PAY_002' then 'failed' else 'passed' end, 'no'
    from test_executions e, test_cases c;
";

struct Sourced {
    hub: Hub,
    team: TestDatabase,
    client: Client,
}

impl Sourced {
    async fn start(extra: &str) -> Self {
        let hub = Hub::start().await;
        hub.ready();
        let team = TestDatabase::empty().await;
        let client = team.client().await;
        client.batch_execute(TABLES).await.unwrap();
        let this = Self { hub, team, client };
        this.hub.write("address", this.team.address());
        this.configure("preset = \"v2\"\nproject = \"shop\"\n", extra);
        this
    }

    /// Says how the source is read.
    fn configure(&self, how: &str, extra: &str) {
        let address = self.hub.folder.path().join("address").display().to_string();
        let toml = format!(
            "[[sources]]\nname = \"team\"\nconnection = \"file://{address}\"\nmargin_ms = 0\ntimeout_s = 2\n{how}{extra}"
        );
        let path = self.hub.write("project.toml", toml).display().to_string();
        self.hub.hub(&["project", "configure", "--project", "shop", &path]).json(0);
    }

    fn pull(&self, more: &[&str]) -> Ran {
        self.hub.hub(&[&["source", "pull", "--project", "shop"][..], more].concat())
    }

    async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {:?}", error.as_db_error()));
    }

    async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.hub.database.client().await.query_typed(sql, &[]).await.unwrap()[0].get(0)
    }

    fn status(&self) -> Value {
        self.hub.hub(&["source", "status", "--project", "shop"]).json(0)
    }
}

/// A stream of the first source of a pull's answer.
fn stream<'a>(pulled: &'a Value, name: &str) -> &'a Value {
    let streams = pulled["sources"][0]["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["stream"] == name).unwrap_or_else(|| panic!("{name}: {pulled}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_pulled_published_and_followed() {
    let team = Sourced::start("").await;
    let pulled = team.pull(&[]).json(0);
    assert_eq!(pulled["sources"][0]["state"], "ok", "{pulled}");
    assert_eq!(
        (&stream(&pulled, "test_cases")["rows"], &stream(&pulled, "test_results")["rows"]),
        (&3.into(), &3.into())
    );
    assert_eq!(
        team.one::<i64>("select count(*) from hub.entities where entity_type = 'test_case' and source = 'table:team'")
            .await,
        3
    );
    let run: Value = team.one("select payload from hub.entities where entity_type = 'run'").await;
    assert_eq!((&run["counts"]["passed"], &run["counts"]["failed"]), (&2.into(), &1.into()));
    assert_eq!(run["title"], "Checkout staging 2026-01-02 03:04");
    assert_eq!(run["environment"], "staging");
    let suites: i64 = team.one("select count(*) from hub.entities where entity_type = 'suite'").await;
    assert_eq!(suites, 1, "the suite of the table and the suite of its cases are one");
    team.hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(team.hub.issues().await.len(), 4, "three cases and an execution");

    // Nothing changed: nothing is written, nothing is due.
    let pulled = team.pull(&["--full"]).json(0);
    for name in ["test_suites", "test_cases", "test_executions", "test_results"] {
        assert_eq!(stream(&pulled, name)["changed"], 0, "{pulled}");
        assert_eq!(stream(&pulled, name)["rows"], 0, "equal sums are enough: {pulled}");
    }
    assert_eq!(team.one::<i64>("select count(*) from hub.publication where state = 'pending'").await, 0);

    // A result that changes shows nowhere but in the sums of its run, which is not over; a deleted one as well.
    team.sql("update test_results set status = 'passed' where status = 'failed'; insert into test_results (test_execution_id, test_name, status) select id, 'late', 'skipped' from test_executions").await;
    team.sql("delete from test_results where test_name = 'Pays 1'").await;
    let pulled = team.pull(&[]).json(0);
    assert_eq!(stream(&pulled, "test_results")["deleted"], 1, "{pulled}");
    let run: Value = team.one("select payload from hub.entities where entity_type = 'run'").await;
    assert_eq!(
        (&run["counts"]["passed"], &run["counts"]["failed"], &run["counts"]["skipped"]),
        (&2.into(), &0.into(), &1.into())
    );

    // Changed, renamed and deleted cases.
    team.sql("update test_cases set name = 'Pays once' where test_id = 'TC_PAY_001'; update test_cases set test_id = 'TC_PAY_009' where test_id = 'TC_PAY_003'; delete from test_cases where test_id = 'TC_PAY_002'").await;
    team.pull(&[]).json(0);
    let titles: Vec<(String, bool)> = team
        .hub
        .database
        .client()
        .await
        .query_typed("select external_id || ' ' || title, deleted_at is not null from hub.entities where entity_type = 'test_case' and external_id like 'TC%' order by 1", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let expected = [
        ("TC_PAY_001 Pays once", false),
        ("TC_PAY_002 Pays 2", false),
        ("TC_PAY_003 Pays 3", true),
        ("TC_PAY_009 Pays 3", false),
    ];
    assert_eq!(titles, expected.map(|(title, gone)| (title.to_owned(), gone)), "a delete shows in the comparison");
    let pulled = team.pull(&["--full"]).json(0);
    assert_eq!(stream(&pulled, "test_cases")["deleted"], 1);
    team.hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let issues = team.hub.issues().await;
    // Two results name no case any more, so each proves one by its title.
    assert_eq!(issues.len(), 7, "nothing is deleted at the site");
    let marked = |id: &str| {
        let issue = issues.iter().find(|issue| issue.to_string().contains(id)).unwrap();
        issue.to_string().contains("haida-source-deleted")
    };
    assert!(marked("TC_PAY_002") && !marked("TC_PAY_001"), "and what is gone says so");
    let lines = team.status();
    assert!(lines["sources"].as_array().unwrap().iter().all(|line| line["state"] == "ok"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_down_slow_or_changed_is_shown_and_the_others_go_on() {
    let slow = "select test_id as id, name as title, pg_sleep(20)::text as x from test_cases";
    let team = Sourced::start(&format!("[sources.select.defects]\nsql = \"{slow}\"\n")).await;
    let pulled = team.pull(&[]).json(6);
    assert_eq!(stream(&pulled, "defects")["code"], "HUB-5003", "{pulled}");
    assert_eq!(stream(&pulled, "test_cases")["rows"], 3);
    team.configure("preset = \"v2\"\nproject = \"shop\"\n", "");

    team.sql("alter table test_cases rename column test_id to code").await;
    team.sql("update test_results set status = 'blocked' where status = 'failed'").await;
    let pulled = team.pull(&[]).json(6);
    assert_eq!(stream(&pulled, "test_cases")["code"], "HUB-5004", "{pulled}");
    assert!(stream(&pulled, "test_cases")["message"].as_str().unwrap().contains("test_id"), "{pulled}");
    assert_eq!(stream(&pulled, "test_suites")["state"], "ok");
    team.sql(
        "alter table test_cases rename column code to test_id; alter table test_cases rename column component to part",
    )
    .await;
    let pulled = team.pull(&[]).json(6);
    assert!(
        stream(&pulled, "test_cases")["message"].as_str().unwrap().contains("component"),
        "an optional one too: {pulled}"
    );
    team.sql("insert into test_cases (test_suite_id, test_id, name) select id, 'TC_NEW', 'x' from test_suites").await;
    let pulled = team.pull(&["--full"]).json(0);
    assert_eq!(stream(&pulled, "test_cases")["rows"], 1, "what came meanwhile is not lost: {pulled}");

    team.hub.write("address", "host=127.0.0.1 port=1 user=nobody dbname=nothing");
    let pulled = team.pull(&[]).json(6);
    assert_eq!(pulled["sources"][0]["code"], "HUB-5001", "{pulled}");
    let line = &team.status()["sources"][0];
    assert_eq!((&line["stream"], &line["state"], &line["code"]), (&"".into(), &"stopped".into(), &"HUB-5001".into()));
    assert!(line["hint"].as_str().unwrap().contains("address"), "{line}");
    team.hub.write("address", team.team.address());
    team.sql("update test_cases set name = 'y' where test_id = 'TC_NEW'").await;
    assert_eq!(stream(&team.pull(&[]).json(0), "test_cases")["changed"], 1);
    assert_eq!(team.status()["sources"][0]["state"], "ok");
    team.configure("preset = \"v2\"\nproject = \"nowhere\"\n", "");
    assert_eq!(team.pull(&[]).json(6)["sources"][0]["code"], "HUB-5009");
    assert_eq!(team.pull(&["--source", "other"]).json(2)["error"]["code"], "HUB-4004");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_emptied_takes_nothing_with_it() {
    let team = Sourced::start("").await;
    team.sql("insert into test_cases (test_suite_id, test_id, name) select id, 'TC_' || n, 'x' from test_suites, generate_series(1, 200) n").await;
    team.pull(&[]).json(0);
    team.sql("delete from test_results; delete from test_cases where test_id <> 'TC_7'").await;
    let pulled = team.pull(&["--full"]).json(6);
    assert_eq!(stream(&pulled, "test_cases")["code"], "HUB-5005", "{pulled}");
    let gone = "select count(*) from hub.entities where deleted_at is not null";
    assert_eq!(team.one::<i64>(gone).await, 0);
    team.sql("insert into test_cases (test_suite_id, test_id, name) select id, 'TC_AFTER', 'x' from test_suites").await;
    team.pull(&[]).json(0);
    assert_eq!(
        team.one::<i64>("select count(*) from hub.entities where external_id = 'TC_AFTER'").await,
        1,
        "reading goes on"
    );
    assert_eq!(stream(&team.pull(&["--full", "--accept-shrink"]).json(0), "test_cases")["deleted"], 202);
    assert_eq!(team.one::<i64>(gone).await, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_tells_deletes_at_once_and_a_restored_source_is_compared() {
    let team = Sourced::start("").await;
    let printed = team.hub.hub(&["source", "sql", "--outbox"]).json(0)["sql"].as_str().unwrap().to_owned();
    team.configure("preset = \"v2\"\nproject = \"shop\"\nfollow = \"outbox\"\n", "");
    assert_eq!(team.pull(&[]).json(6)["sources"][0]["code"], "HUB-5004", "it is not installed yet");
    team.sql(&printed).await;
    assert_eq!(stream(&team.pull(&[]).json(0), "test_cases")["rows"], 3);
    team.sql("delete from test_cases where test_id = 'TC_PAY_002'; update test_cases set name = 'z' where test_id = 'TC_PAY_001'").await;
    // Transactions of other tests' databases hold the feed as well.
    let mut deleted = 0;
    for _ in 0..100 {
        deleted += stream(&team.pull(&[]).json(0), "test_cases")["deleted"].as_u64().unwrap();
        if deleted > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(deleted, 1);
    assert_eq!(
        team.one::<i64>(
            "select count(*) from hub.entities where external_id = 'TC_PAY_002' and deleted_at is not null"
        )
        .await,
        1
    );
    assert_eq!(team.one::<String>("select title from hub.entities where external_id = 'TC_PAY_001'").await, "z");

    // A position that the source has not reached: it was restored to before it.
    let hub = team.hub.database.client().await;
    hub.batch_execute("update hub.cursors set cur_xid = '99999999999' where stream = 'outbox'").await.unwrap();
    team.sql("alter table test_cases disable trigger all; delete from test_cases where test_id = 'TC_PAY_003'").await;
    let pulled = team.pull(&[]).json(0);
    assert_eq!(pulled["sources"][0]["code"], "HUB-5010", "{pulled}");
    assert_eq!(stream(&pulled, "test_cases")["deleted"], 1);
    assert_eq!(team.pull(&[]).json(0)["sources"][0]["state"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_would_write_are_refused_one_by_one() {
    let team = Sourced::start("").await;
    team.sql("create table odd (id text, title text, grade text, changed timestamptz default now());
              insert into odd values (null, 'no id', 'p1'), ('', 'an empty id', 'p1'), (repeat('x', 900), 'a long id', 'p1'),
                ('A', 'good', 'whatever'), ('B', repeat('y', 100000), 'p1'), ('A', 'the same id again', 'whatever')")
        .await;
    team.configure(
        "page_rows = 1\n",
        "[sources.select.test_cases]\nsql = \"select id, title, grade as priority, changed as updated_at from odd\"\n",
    );
    let pulled = team.pull(&[]).json(0);
    assert_eq!(stream(&pulled, "test_cases")["state"], "ok", "{pulled}");
    let known: i64 = team.one("select count(*) from hub.entities where entity_type = 'test_case'").await;
    assert_eq!(known, 2);
    let open = "select count(*) from hub.import_rejects where file_name = 'team/test_cases' and resolved_at is null and code = 'HUB-1006'";
    assert_eq!(team.one::<i64>(open).await, 2, "the empty and the long one");
    let unknown =
        "select count(*) from hub.import_rejects where subject = 'A' and code = 'HUB-1011' and resolved_at is null";
    assert_eq!(team.one::<i64>(unknown).await, 1);
    team.sql("update odd set grade = 'p2', changed = now() + interval '1 millisecond' where id = 'A'").await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    team.pull(&[]).json(0);
    assert_eq!(team.one::<i64>(unknown).await, 0, "a row that is mended has no problem any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_killed_in_the_middle_of_a_page_has_read_nothing_of_it() {
    let team = Sourced::start("").await;
    let hub = team.hub.database.client().await;
    // The page is saved, its cursor is moved, and nothing is committed yet.
    hub.batch_execute("begin; lock table hub.source_rows in exclusive mode").await.unwrap();
    let mut child = team.hub.spawn(&["source", "pull", "--project", "shop"]);
    let waits =
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%hub.source_rows%'
                 and datname = current_database())";
    let other = team.hub.database.client().await;
    for n in 0.. {
        if other.query_typed(waits, &[]).await.unwrap()[0].get(0) {
            break;
        }
        assert!(n < 2_000, "the pull does not come to its page");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    hub.batch_execute("commit").await.unwrap();
    assert_eq!(team.one::<i64>("select count(*) from hub.cursors where source = 'source:team'").await, 0);
    assert_eq!(
        team.one::<i64>("select count(*) from hub.entities").await,
        0,
        "neither the page nor its cursor is kept"
    );
    team.pull(&[]).json(0);
    assert_eq!(team.one::<i64>("select count(*) from hub.source_rows where stream = 'test_cases'").await, 3);
    assert_eq!(
        team.one::<i64>("select count(*) from hub.cursors where source = 'source:team' and cur_ts is not null").await,
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_sees_no_transactions_says_so_and_reads_the_last_minutes_again() {
    let team = Sourced::start("").await;
    let role = team.hub.hub(&["source", "sql", "--role"]).json(0)["sql"].as_str().unwrap().to_owned();
    // The role belongs to the whole server; another test may change it at this moment.
    for n in 0.. {
        if team.client.batch_execute(&role).await.is_ok() {
            break;
        }
        assert!(n < 100, "the script cannot be applied");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let words = team.team.address();
    let reader: Vec<&str> =
        words.split_whitespace().map(|w| if w.starts_with("user=") { "user=hub_reader" } else { w }).collect();
    team.hub.write("address", reader.join(" "));
    assert_eq!(team.pull(&[]).json(0)["sources"][0]["state"], "ok", "through the function");

    team.sql("revoke execute on function hub_private.safe_watermark(interval) from hub_reader").await;
    let late = team.team.client().await;
    late.batch_execute(
        "begin; insert into test_cases (test_suite_id, test_id, name) select id, 'TC_LATE', 'late' from test_suites",
    )
    .await
    .unwrap();
    team.sql("insert into test_cases (test_suite_id, test_id, name) select id, 'TC_SOON', 'soon' from test_suites")
        .await;
    let pulled = team.pull(&[]).json(0);
    assert_eq!(
        (&pulled["sources"][0]["state"], &pulled["sources"][0]["code"]),
        (&"degraded".into(), &"HUB-5008".into())
    );
    late.batch_execute("commit").await.unwrap();
    team.pull(&[]).json(0);
    let found = "select count(*) from hub.entities where external_id in ('TC_LATE', 'TC_SOON')";
    assert_eq!(team.one::<i64>(found).await, 2, "what appeared behind the cursor is read by the overlap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_pulls_what_is_due_and_publishes_it() {
    let team = Sourced::start("every_s = 10\n").await;
    team.hub.hub_within(60, &["work", "--until-idle"]);
    assert_eq!(team.hub.issues().await.len(), 4);
    assert_eq!(team.status()["sources"][0]["state"], "ok");
}
