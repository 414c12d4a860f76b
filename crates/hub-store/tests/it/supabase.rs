//! A database as Supabase hands it out: the owner is no superuser, and the roles and the schema auth are there already.

use hub_domain::EntityKind;
use hub_store::{DatabaseConfig, EmbeddedConfig, EmbeddedServer, MIGRATIONS, Store};
use tokio_postgres::NoTls;

use crate::sample::{case, project};

const STUB: &str = "
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    create role supabase_auth_admin nologin noinherit createrole;
    create role postgres login nosuperuser createdb createrole replication bypassrls;
    grant anon, authenticated, service_role to postgres;
    grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
    create database app owner postgres;";
const AUTH: &str = "
    create schema auth authorization supabase_auth_admin;
    create function auth.uid() returns uuid language sql stable as
        $$ select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'sub', '')::uuid $$;
    alter function auth.uid() owner to supabase_auth_admin;
    grant usage on schema auth to anon, authenticated, service_role, postgres;";
const UNTOUCHED: &str = "
    select (select string_agg(rolname || rolbypassrls || rolinherit || rolcanlogin || rolcreaterole, ',' order by rolname)
              from pg_roles where rolname in ('anon', 'authenticated', 'service_role', 'supabase_auth_admin'))
        || (select md5(prosrc) || proowner::regrole || coalesce(proacl::text, '') from pg_proc where oid = 'auth.uid()'::regprocedure)
        || (select coalesce(nspacl::text, '') || nspowner::regrole from pg_namespace where nspname = 'auth')";

#[tokio::test]
async fn the_migrations_apply_without_superuser_and_touch_nothing_of_supabase() {
    // A server of its own: roles belong to the whole server, and the shared one has them from other tests.
    let dir = tempfile::tempdir().unwrap();
    let server = EmbeddedServer::start(&EmbeddedConfig::new(dir.path().join("server"))).unwrap();
    let connect = async |database: &str| {
        let (client, connection) = tokio_postgres::connect(&server.address(database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    connect("postgres").await.simple_query("select 1").await.unwrap();
    for statement in STUB.split_inclusive(';') {
        connect("postgres").await.batch_execute(statement).await.unwrap();
    }
    let admin = connect("app").await;
    admin.batch_execute(AUTH).await.unwrap();
    let before: String = admin.query_typed(UNTOUCHED, &[]).await.unwrap()[0].get(0);

    let address = server.address("app").replace("user=hub", "user=postgres");
    let store = Store::connect(&DatabaseConfig::url(address)).await.unwrap();
    assert_eq!(store.migrate().await.unwrap(), MIGRATIONS);
    store.ensure_current().await.unwrap();
    assert_eq!(admin.query_typed(UNTOUCHED, &[]).await.unwrap()[0].get::<_, String>(0), before);

    // And the hub works there, as the role that the owner may become.
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    tx.upsert_entities(project.id, &[case("TC_1", "a")]).await.unwrap();
    tx.ensure_run(
        project.id,
        &crate::sample::id("r"),
        Some(time::OffsetDateTime::now_utc().date() - time::Duration::days(300)),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.entity_counts(project.id).await.unwrap(), [(EntityKind::TestCase, 1)]);
    drop(tx);

    // A member sees the tenant through Supabase's own auth.uid().
    let user = "6f0d3f5e-0000-4000-8000-000000000001";
    let member = format!(
        "insert into hub.tenant_members (tenant_id, user_id, role) values ('{}', '{user}', 'viewer')",
        project.tenant_id
    );
    admin.batch_execute(&member).await.unwrap();
    let claims =
        format!("begin; set local role authenticated; set local request.jwt.claims = '{{\"sub\": \"{user}\"}}'");
    admin.batch_execute(&claims).await.unwrap();
    let rows = admin.query_typed("select count(*) from hub.entities", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 1);
    admin.batch_execute("rollback").await.unwrap();
}

#[tokio::test]
async fn an_owner_who_does_not_bypass_row_level_security_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let server = EmbeddedServer::start(&EmbeddedConfig::new(dir.path().join("server"))).unwrap();
    let (client, connection) = tokio_postgres::connect(&server.address("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("create role plain login createrole").await.unwrap();
    client.batch_execute("create database app owner plain").await.unwrap();
    let address = server.address("app").replace("user=hub", "user=plain");
    let store = Store::connect(&DatabaseConfig::url(address)).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    let cause = std::error::Error::source(&error).and_then(std::error::Error::source).map(ToString::to_string);
    assert!(cause.as_deref().is_some_and(|text| text.contains("must bypass row-level security")), "{cause:?}");
}
