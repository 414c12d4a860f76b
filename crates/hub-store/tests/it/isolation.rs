//! Row-level security: proven by loops over the catalogue, so that a table that is added later is covered or the test fails.

use hub_domain::{
    ContentHash, CorrelationId, EntityKind, Position, Problem, Severity, codes, facts::PublicationKey,
    vocabulary::ResultStatus,
};
use hub_store::{
    AuditAction, AuditOutcome, AuditRow, DatabaseConfig, Import, JobStart, Lane, LaneKind, LaneStop, ProjectRow, Store,
    Wanted,
};
use hub_testkit::TestDatabase;
use serde_json::json;
use tokio_postgres::{Client, error::SqlState};
use uuid::Uuid;

use crate::sample::{case, id, new_project, result};

const MEMBER: &str = "6f0d3f5e-0000-4000-8000-00000000000a";
const ADMIN: &str = "6f0d3f5e-0000-4000-8000-00000000000b";

/// A row in every table of a tenant.
async fn fill(store: &Store, client: &Client, tenant: &str) -> ProjectRow {
    let project = store.add_project(&new_project(tenant, "ctb")).await.unwrap();
    let tx = store.worker(project.tenant_id).await.unwrap();
    tx.upsert_entities(project.id, &[case("TC_1", tenant)]).await.unwrap();
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    tx.upsert_results(project.id, month, &run, &[result("1", Some("TC_1"), ResultStatus::Passed)]).await.unwrap();
    let key = PublicationKey::issue(EntityKind::TestCase, id("TC_1"));
    tx.want(project.id, &[Wanted { key: key.clone(), rank: 0, desired_hash: Some(ContentHash([1; 32])) }])
        .await
        .unwrap();
    let correlation = CorrelationId(Uuid::from_u128(1));
    let entry = AuditRow::of(project.id, correlation, "test", AuditAction::Create, &key, AuditOutcome::Applied);
    tx.audit(&[entry]).await.unwrap();
    tx.start_job(&JobStart { project: project.id, correlation, kind: "sync" }).await.unwrap();
    let lane = Lane { project: project.id, kind: LaneKind::Pages };
    let stop = LaneStop { code: &codes::AUTHENTICATION, message: "no".into(), correlation };
    tx.stop_lane(lane, &stop).await.unwrap();
    let import = Import {
        run: None,
        file_name: "a.csv".into(),
        path: "/reports/x".into(),
        digest: ContentHash([2; 32]),
        format: "csv-cases".into(),
        bytes: 1,
        counts: json!({}),
        problems: json!({}),
    };
    tx.record_import(project.id, &import).await.unwrap();
    let problem = Problem {
        code: &codes::NO_NAME,
        message: "no name".into(),
        position: Position::default(),
        subject: None,
        severity: Severity::Rejected,
    };
    tx.add_rejects(project.id, None, "a.csv", &[problem]).await.unwrap();
    tx.commit().await.unwrap();
    let (tenant_id, project_id) = (project.tenant_id, project.id);
    let by_hand = format!(
        "insert into hub.findings (project_id, tenant_id, kind, object, entity_type, external_id, remote_ref)
           values ('{project_id}', '{tenant_id}', 'gone', 'issue', 'run', 'r', 'X-1');
         insert into hub.failures (project_id, tenant_id, fingerprint, kind, state, title, first_run, last_run, last_began_at, runs, consecutive)
           values ('{project_id}', '{tenant_id}', 'f1:0123456789abcdef', 'failure', 'new', 't', 'r', 'r', now(), 1, 1);
         insert into hub.failure_runs (project_id, tenant_id, fingerprint, run_id) values ('{project_id}', '{tenant_id}', 'f1:0123456789abcdef', 'r');
         insert into hub.evidence (token, project_id, tenant_id, run_id, report_id, result_key, slot, name, kind, result_status, state)
           values (substr(translate(md5('{tenant_id}'), '0189', 'abcd'), 1, 26), '{project_id}', '{tenant_id}', 'run-1', 'r', '1', 's', 'shot.png',
             'screenshot', 'failed', 'missing_source');
         insert into hub.evidence_holds (project_id, tenant_id, run_id) values ('{project_id}', '{tenant_id}', 'run-1');
         insert into hub.api_tokens (id, tenant_id, project_id, name, secret_sha256)
           values (gen_random_uuid(), '{tenant_id}', '{project_id}', 'ci', sha256('x'));
         insert into hub.key_scans (project_id, tenant_id, began_at) values ('{project_id}', '{tenant_id}', now());
         insert into hub.recoveries (project_id, tenant_id, began_at, reason, floor) values ('{project_id}', '{tenant_id}', now(), 'timeline', 0);
         insert into hub.project_settings (project_id, tenant_id, settings) values ('{project_id}', '{tenant_id}', '{{}}');
         insert into hub.source_rows (project_id, tenant_id, source, stream, row_key, version, entity_type, external_id)
           values ('{project_id}', '{tenant_id}', 's', 'test_cases', 'k', '1', 'test_case', 'TC_1');
         insert into hub.source_state (project_id, tenant_id, source, stream, state) values ('{project_id}', '{tenant_id}', 's', '', 'ok');
         insert into hub.cursors (project_id, tenant_id, source, stream, kind) values ('{project_id}', '{tenant_id}', 's', 't', 'file');"
    );
    client.batch_execute(&by_hand).await.unwrap();
    project
}

struct Filled {
    database: TestDatabase,
    client: Client,
    ours: ProjectRow,
    theirs: ProjectRow,
}

async fn filled() -> Filled {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let client = database.client().await;
    let (ours, theirs) = (fill(&store, &client, "acme").await, fill(&store, &client, "globex").await);
    for (user, role, tenant) in [
        (MEMBER, "viewer", ours.tenant_id),
        (ADMIN, "admin", ours.tenant_id),
        (Uuid::from_u128(9).to_string().as_str(), "owner", theirs.tenant_id),
    ] {
        let member = format!(
            "insert into hub.tenant_members (tenant_id, user_id, role) values ('{tenant}', '{user}', '{role}')"
        );
        client.batch_execute(&member).await.unwrap();
    }
    Filled { database, client, ours, theirs }
}

async fn tables(client: &Client) -> Vec<String> {
    let sql = "select c.relname::text from pg_class c where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p') order by 1";
    client.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn strings(client: &Client, sql: &str) -> Vec<String> {
    client.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Begins a transaction as somebody.
async fn begin(client: &Client, role: &str, setting: Option<(&str, &str)>) {
    client.batch_execute("begin").await.unwrap();
    if let Some((name, value)) = setting {
        client.batch_execute(&format!("set local {name} = '{value}'")).await.unwrap();
    }
    client.batch_execute(&format!("set local role {role}")).await.unwrap();
}

/// What a statement is refused with; nothing where it is not.
async fn refusal(client: &Client, sql: &str) -> Option<SqlState> {
    client.batch_execute("savepoint attempt").await.unwrap();
    let refused = client.batch_execute(sql).await.err().and_then(|error| error.code().cloned());
    client.batch_execute("rollback to savepoint attempt").await.unwrap();
    refused
}

#[tokio::test]
async fn every_table_is_closed_and_no_function_view_or_partition_opens_it() {
    let database = TestDatabase::fresh().await;
    let client = database.client().await;
    assert!(tables(&client).await.len() >= 12);
    let nothing: [String; 0] = [];
    let open = "select c.relname::text from pg_class c where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p')
        and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))";
    assert_eq!(strings(&client, open).await, nothing);
    let granted = "select c.oid::regclass || ' to ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
          from pg_class c cross join lateral aclexplode(c.relacl) a
         where c.relnamespace in ('hub'::regnamespace, 'hub_part'::regnamespace, 'hub_private'::regnamespace)
           and a.grantee <> c.relowner
           and (a.grantee in (0, 'anon'::regrole) or c.relnamespace <> 'hub'::regnamespace)";
    assert_eq!(strings(&client, granted).await, nothing);
    let callable = "select p.oid::regprocedure::text from pg_proc p where p.pronamespace in ('hub'::regnamespace, 'hub_private'::regnamespace)
        and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee in (0, 'anon'::regrole)))";
    assert_eq!(strings(&client, callable).await, nothing);
    let unsafe_definer = "select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace in ('hub'::regnamespace, 'hub_private'::regnamespace) and p.prosecdef
          and not coalesce(p.proconfig @> array['search_path=\"\"'], false)";
    assert_eq!(strings(&client, unsafe_definer).await, nothing);
    let views =
        "select c.relname::text from pg_class c where c.relnamespace = 'hub'::regnamespace and c.relkind in ('v', 'm')
        and not coalesce(c.reloptions @> array['security_invoker=on'], false)";
    assert_eq!(strings(&client, views).await, nothing);
    let schemas = "select n.nspname || ' to ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC')
          from pg_namespace n cross join lateral aclexplode(n.nspacl) a
         where a.grantee <> n.nspowner and ((n.nspname like 'hub%' and a.grantee in (0, 'anon'::regrole)) or n.nspname = 'hub_part')";
    assert_eq!(strings(&client, schemas).await, nothing);
    let strong = "select rolname::text from pg_roles where rolname in ('hub_worker', 'authenticated', 'anon') and (rolsuper or rolbypassrls)";
    assert_eq!(strings(&client, strong).await, nothing);
    // The lookup column of each policy leads an index; members are looked up by user.
    let slow =
        "select c.relname::text from pg_class c join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id'
         where c.relnamespace = 'hub'::regnamespace and c.relkind in ('r', 'p')
           and not exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = t.attnum)";
    assert_eq!(strings(&client, slow).await, nothing);
}

#[tokio::test]
async fn a_worker_sees_the_rows_of_its_tenant_and_none_without_one() {
    let Filled { database: _database, client, ours, theirs } = filled().await;
    let tenant = ours.tenant_id.to_string();
    for table in tables(&client).await {
        let own = if table == "tenants" { "id" } else { "tenant_id" };
        let count = format!("select count(*), count(*) filter (where {own} = '{tenant}') from hub.{table}");
        let all = client.query_typed(&count, &[]).await.unwrap();
        assert!(all[0].get::<_, i64>(0) >= 2 && all[0].get::<_, i64>(1) >= 1, "{table} is not filled");
        let expected: i64 = all[0].get(1);

        begin(&client, "hub_worker", None).await;
        if table == "tenant_members" {
            assert_eq!(refusal(&client, &count).await, Some(SqlState::INSUFFICIENT_PRIVILEGE));
        } else {
            let rows = client.query_typed(&count, &[]).await.unwrap();
            assert_eq!(rows[0].get::<_, i64>(0), 0, "{table} without a tenant");
        }
        client.batch_execute("rollback").await.unwrap();
        if table == "tenant_members" {
            continue;
        }
        begin(&client, "hub_worker", Some(("hub.tenant_id", &tenant))).await;
        let rows = client.query_typed(&count, &[]).await.unwrap();
        assert_eq!((rows[0].get::<_, i64>(0), rows[0].get::<_, i64>(1)), (expected, expected), "{table}");
        client.batch_execute("rollback").await.unwrap();
    }

    begin(&client, "hub_worker", Some(("hub.tenant_id", &tenant))).await;
    let insert = |project: &ProjectRow, tenant: &ProjectRow| {
        format!(
            "insert into hub.runs (project_id, tenant_id, run_id, run_month) values ('{}', '{}', 'x', '2026-11-01')",
            project.id, tenant.tenant_id
        )
    };
    assert_eq!(refusal(&client, &insert(&ours, &ours)).await, None);
    assert_eq!(refusal(&client, &insert(&theirs, &theirs)).await, Some(SqlState::INSUFFICIENT_PRIVILEGE));
    assert_eq!(refusal(&client, &insert(&theirs, &ours)).await, Some(SqlState::FOREIGN_KEY_VIOLATION));
    let moved = format!("update hub.publication set tenant_id = '{}'", theirs.tenant_id);
    assert_eq!(refusal(&client, &moved).await, Some(SqlState::INSUFFICIENT_PRIVILEGE));
    for denied in [
        "select * from hub_part.entities_p0",
        "delete from hub.entities",
        "delete from hub.publication",
        "update hub.projects set name = 'x'",
        "insert into hub.tenants (slug, name) values ('x', 'x')",
        "select * from hub_private.migration_checksums",
        "truncate hub.results",
        "create table hub.mine (id int)",
    ] {
        assert_eq!(refusal(&client, denied).await, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{denied}");
    }
    client.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn a_user_sees_the_rows_of_tenants_that_count_the_user_as_a_member() {
    let Filled { database: _database, client, ours, .. } = filled().await;
    let claims = |user: &str| format!(r#"{{"sub": "{user}"}}"#);
    let seen = async |user: Option<&str>, table: &str| -> i64 {
        let claims = user.map(claims);
        begin(&client, "authenticated", claims.as_deref().map(|claims| ("request.jwt.claims", claims))).await;
        // connectors hide a column, so nothing is counted with `*` there.
        let rows = client.query_typed(&format!("select count(tenant_id) from hub.{table}"), &[]).await.unwrap();
        client.batch_execute("rollback").await.unwrap();
        rows[0].get(0)
    };
    let for_admins = [
        "api_tokens",
        "audit_log",
        "connectors",
        "cursors",
        "import_rejects",
        "key_scans",
        "lanes",
        "recoveries",
        "source_rows",
        "source_state",
        "sync_jobs",
    ];
    for table in tables(&client).await.iter().filter(|table| *table != "tenants") {
        let sql = format!("select count(*) from hub.{table} where tenant_id = '{}'", ours.tenant_id);
        let all: i64 = client.query_typed(&sql, &[]).await.unwrap()[0].get(0);
        // A member sees his own membership only.
        let all = if table == "tenant_members" { 1 } else { all };
        let is_for_admins = for_admins.contains(&table.as_str());
        assert_eq!(seen(Some(MEMBER), table).await, if is_for_admins { 0 } else { all }, "{table}");
        assert_eq!(seen(Some(ADMIN), table).await, all, "{table}");
        assert_eq!(seen(Some(&Uuid::from_u128(77).to_string()), table).await, 0, "{table}");
        assert_eq!(seen(None, table).await, 0, "{table}");
    }
    assert_eq!(seen(Some(MEMBER), "run_counts").await, 1);

    begin(&client, "authenticated", Some(("request.jwt.claims", &claims(ADMIN)))).await;
    assert_eq!(strings(&client, "select slug from hub.tenants").await, ["acme"]);
    for denied in [
        "select credential_ref from hub.connectors",
        "select * from hub.connectors",
        "select secret_sha256 from hub.api_tokens",
        "select origin from hub.evidence",
        "update hub.publication set state = 'dead'",
        "insert into hub.tenant_members (tenant_id, user_id, role) select id, gen_random_uuid(), 'owner' from hub.tenants",
        "select * from hub_part.entities_p0",
        "select hub_private.place_run(null)",
    ] {
        assert_eq!(refusal(&client, denied).await, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{denied}");
    }
    client.batch_execute("rollback").await.unwrap();
    begin(&client, "anon", Some(("request.jwt.claims", &claims(ADMIN)))).await;
    assert_eq!(refusal(&client, "select * from hub.tenants").await, Some(SqlState::INSUFFICIENT_PRIVILEGE));
    client.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn nobody_changes_the_audit_trail() {
    let Filled { database: _database, client, ours, .. } = filled().await;
    let leaves = strings(
        &client,
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'hub.audit_log'::regclass",
    )
    .await;
    assert!(leaves.len() >= 4);
    let leaf = strings(&client, "select distinct tableoid::regclass::text from hub.audit_log").await;
    let owner = strings(&client, "select current_user::text").await.remove(0);
    for role in [owner.as_str(), "service_role", "hub_worker", "authenticated"] {
        begin(&client, role, Some(("hub.tenant_id", &ours.tenant_id.to_string()))).await;
        for table in ["hub.audit_log", leaf[0].as_str()] {
            for attempt in
                [format!("update {table} set actor = 'x'"), format!("delete from {table}"), format!("truncate {table}")]
            {
                assert_eq!(
                    refusal(&client, &attempt).await,
                    Some(SqlState::INSUFFICIENT_PRIVILEGE),
                    "{role}: {attempt}"
                );
            }
        }
        for leaf in &leaves {
            let attempt = format!("truncate {leaf}");
            assert_eq!(refusal(&client, &attempt).await, Some(SqlState::INSUFFICIENT_PRIVILEGE), "{role}: {attempt}");
        }
        client.batch_execute("rollback").await.unwrap();
    }
    let rows = client.query_typed("select count(*) from hub.audit_log", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 2);
}

#[tokio::test]
async fn role_and_tenant_end_with_the_transaction_on_a_shared_connection() {
    let database = TestDatabase::fresh().await;
    let config = DatabaseConfig { max_connections: 1, ..database.config() };
    let store = Store::connect(&config).await.unwrap();
    let client = database.client().await;
    let (ours, theirs) = (fill(&store, &client, "acme").await, fill(&store, &client, "globex").await);
    for project in [&ours, &theirs, &ours] {
        let tx = store.worker(project.tenant_id).await.unwrap();
        let titles = tx.entities(project.id, EntityKind::TestCase, None, 9).await.unwrap();
        assert_eq!(titles.len(), 1);
        let other = if project.id == ours.id { &theirs } else { &ours };
        assert_eq!(tx.entities(other.id, EntityKind::TestCase, None, 9).await.unwrap(), []);
        tx.commit().await.unwrap();
        // The owner's statements work on the same connection.
        assert_eq!(store.projects().await.unwrap().len(), 2);
    }
    // A transaction that is dropped, or rolled back, leaves nothing and does not hold the only connection.
    for explicitly in [false, true] {
        let tx = store.worker(ours.tenant_id).await.unwrap();
        tx.upsert_entities(ours.id, &[case("TC_LOST", "x")]).await.unwrap();
        if explicitly {
            tx.rollback().await.unwrap()
        } else {
            drop(tx)
        }
        let tx = store.worker(ours.tenant_id).await.unwrap();
        assert_eq!(tx.known_cases(ours.id).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}
