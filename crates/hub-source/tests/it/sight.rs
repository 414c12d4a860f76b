//! How much of the source's open transactions a role sees, and what the reader role may do.

use hub_domain::settings::{Preset, SourceSettings, SourceStream};
use hub_source::{Sight, SourceError, scripts};

use crate::support::{Team, V2, connect, settings, until};

/// The script changes a role, which belongs to the whole server: another test may do the same at this moment.
async fn install(team: &Team) {
    until(async || team.client.batch_execute(scripts::ROLE).await.is_ok()).await;
}

fn as_reader(address: &str) -> String {
    // The test server trusts whoever reaches its socket.
    let mut config = String::new();
    for part in address.split_whitespace() {
        let part = if part.starts_with("user=") { "user=hub_reader" } else { part };
        config.push_str(part);
        config.push(' ');
    }
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_role_sees_through_the_function_only_and_writes_nothing() {
    let team = Team::with(V2).await;
    team.sql("alter table test_cases enable row level security").await;
    install(&team).await;
    install(&team).await;
    team.sql("insert into test_cases (test_suite_id, test_id, name) select id, 'TC_1', 'x' from test_suites").await;
    let address = as_reader(&team.database.address());
    assert!(address.contains("hub_reader"), "{address}");
    let mine = || settings(Some(Preset::V2));
    let session = team.open_as(mine(), &address).await.unwrap();
    assert_eq!(session.sight(), Sight::Function);

    // Somebody's transaction holds the watermark, whether it has written or not, and is named.
    let other = connect(&team.database.address()).await;
    other.batch_execute("begin; select 1").await.unwrap();
    let pid: i32 = other.query_typed("select pg_backend_pid()", &[]).await.unwrap()[0].get(0);
    let first = session.watermark().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let second = session.watermark().await.unwrap();
    assert_eq!(first.safe, second.safe, "it sticks");
    assert!(second.lag() > first.lag());
    assert_eq!(second.oldest, Some((pid, "idle in transaction".to_owned())));
    other.batch_execute("commit").await.unwrap();
    assert!(session.watermark().await.unwrap().safe > first.safe);

    // Row-level security does not hide rows from it, and it may not write, by its grants and by its transaction.
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    assert_eq!(session.all(&table, None).await.unwrap().rows.len(), 1);
    let plain = connect(&address).await;
    assert!(plain.batch_execute("delete from test_cases").await.is_err());

    // Without the function the same role is blind, and says so.
    team.sql("revoke execute on function hub_private.safe_watermark(interval) from hub_reader").await;
    let session = team.open_as(mine(), &address).await.unwrap();
    assert!(matches!(session.sight(), Sight::Blind(_)), "{:?}", session.sight());
    other.batch_execute("begin; select 1").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(session.watermark().await.unwrap().oldest.is_none(), "it cannot see what holds it");

    // And a table that it may not read is a matter of grants, not of columns.
    team.sql("revoke select on test_cases from hub_reader").await;
    let refused = session.table(SourceStream::TestCases).await.unwrap_err();
    assert!(matches!(&refused, SourceError::Refused { reason } if reason.contains("test_cases")), "{refused}");
    assert_eq!(refused.code().id, "HUB-5002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_select_that_writes_is_refused_by_its_transaction() {
    let team = Team::with(V2).await;
    team.sql(
        "create function sneaky() returns text language plpgsql as $$
              begin insert into tenants (slug, name) values ('x', 'x'); return 'x'; end $$",
    )
    .await;
    for sql in [
        "select 'a' as id, sneaky() as title",
        "with w as (insert into tenants (slug, name) values ('y', 'y') returning slug) select slug as id, slug as title from w",
    ] {
        let select = hub_domain::settings::SelectSettings { sql: sql.into(), table: None };
        let settings =
            SourceSettings { preset: None, select: [(SourceStream::TestCases, select)].into(), ..settings(None) };
        let session = team.open(settings).await.unwrap();
        let refused = match session.table(SourceStream::TestCases).await {
            Ok(Some(table)) => session.all(&table, None).await.unwrap_err(),
            Ok(None) => panic!("a table"),
            Err(refused) => refused,
        };
        assert_eq!(refused.code().id, "HUB-5007", "{refused}");
    }
    let rows = team.client.query_typed("select count(*) from tenants", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 1, "nothing was written");
}
