//! What pages cannot tell: times at the edges, digests, the outbox, and limits.

use hub_domain::settings::{Preset, SelectSettings, SourceSettings, SourceStream};
use hub_source::{FeedOperation, FeedPosition, SourceError, digest::BUCKETS, scripts};

use crate::support::{Team, V2, settings, until};

#[tokio::test(flavor = "multi_thread")]
async fn times_at_the_edges_are_read_and_move_no_cursor() {
    let team = Team::with(V2).await;
    team.sql(
        "insert into test_cases (test_id, name, updated_at) values
           ('now', 'x', now() - interval '1 hour'), ('later', 'x', now() + interval '1 hour'), ('never', 'x', null),
           ('end', 'x', 'infinity'), ('start', 'x', '-infinity'), ('far', 'x', '9999-12-31')",
    )
    .await;
    let session =
        team.open(SourceSettings { project: None, page_rows: 2, ..settings(Some(Preset::V2)) }).await.unwrap();
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    let watermark = session.watermark().await.unwrap();
    let page = session.page(&table, None, watermark.safe).await.unwrap();
    assert_eq!(page.rows.len(), 1, "only what is in order is below the watermark");
    let mut odd = Vec::new();
    let mut behind = None;
    loop {
        let page = session.odd(&table, behind.as_deref(), watermark.now).await.unwrap();
        behind = page.last_key().map(str::to_owned);
        odd.extend(page.rows);
        if !page.more {
            break;
        }
    }
    assert_eq!(odd.len(), 5, "and nothing else is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_differ_where_a_row_is_gone_or_changed_and_only_there() {
    let team = Team::with(V2).await;
    team.sql("insert into test_cases (test_id, name) select 'TC_' || n, 'x' from generate_series(1, 2000) n").await;
    let session = team.open(SourceSettings { project: None, ..settings(Some(Preset::V2)) }).await.unwrap();
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    let before = session.buckets(&table).await.unwrap();
    assert_eq!((before.len(), before.iter().map(|bucket| bucket.rows).sum::<u64>()), (BUCKETS, 2_000));
    assert_eq!(before, session.buckets(&table).await.unwrap());
    let versions = session.versions(&table, &(0..256).collect::<Vec<i32>>()).await.unwrap();
    team.sql("delete from test_cases where test_id = 'TC_7'; update test_cases set name = 'y' where test_id = 'TC_8'")
        .await;
    let after = session.buckets(&table).await.unwrap();
    let differ: Vec<i32> = (0..256).filter(|n| before[*n as usize] != after[*n as usize]).collect();
    assert!((1..=2).contains(&differ.len()), "{differ:?}");
    let now = session.versions(&table, &(0..256).collect::<Vec<i32>>()).await.unwrap();
    assert_eq!(versions.iter().filter(|version| !now.contains(version)).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_and_a_digest_give_a_row_the_same_version() {
    let team = Team::with(
        "create table zoned (id int primary key, title text, updated_at timestamptz);
         create table plain (id int primary key, title text, updated_at timestamp);
         create table created (id int primary key, title text, created_at timestamptz default now());
         create table timeless (id int primary key, title text, tags text[], n numeric, f float8)",
    )
    .await;
    for table in ["zoned", "plain"] {
        team.sql(&format!(
            "insert into {table} values (1, 'x', '2026-01-02 03:04:05.123456'), (2, 'x', null), (3, 'x', 'infinity'),
               (4, 'x', '-infinity'), (5, 'x', '0044-03-15 BC'), (6, 'x', '294000-01-01')"
        ))
        .await;
    }
    team.sql("insert into created values (1, 'x'), (2, 'ÿ'); insert into timeless values (1, 'x', '{a,b}', 1.50, 0.1), (2, null, null, null, null)").await;
    for table in ["zoned", "plain", "created", "timeless"] {
        let select = SelectSettings { sql: format!("select * from {table}"), table: None };
        let settings = SourceSettings { select: [(SourceStream::TestCases, select)].into(), ..settings(None) };
        let session = team.open(settings).await.unwrap();
        let read = session.table(SourceStream::TestCases).await.unwrap().unwrap();
        let mut pages: Vec<(String, String)> =
            session.all(&read, None).await.unwrap().rows.into_iter().map(|row| (row.key, row.version)).collect();
        let mut sums = session.versions(&read, &(0..256).collect::<Vec<i32>>()).await.unwrap();
        pages.sort();
        sums.sort();
        assert_eq!(pages, sums, "{table}");
        assert!(pages.len() >= 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_tells_deletes_truncates_and_nothing_of_an_open_transaction() {
    let team = Team::with(V2).await;
    let session = team.open(settings(Some(Preset::V2))).await.unwrap();
    assert_eq!(session.feed_now().await.unwrap_err().code().id, "HUB-5004", "it is not installed");
    team.sql(scripts::OUTBOX).await;
    team.sql(scripts::OUTBOX).await;
    let start = session.feed_now().await.unwrap();
    team.sql("insert into test_cases (test_id, name) values ('a', 'x'), ('b', 'x'); delete from test_cases where test_id = 'a'").await;
    let other = crate::support::connect(&team.database.address()).await;
    other.batch_execute("begin; insert into test_cases (test_id, name) values ('open', 'x')").await.unwrap();
    team.sql("insert into test_cases (test_id, name) values ('behind it', 'x')").await;
    // Transactions of other databases of the server hold the feed as well, so it may take a moment.
    let changes = async |behind: &FeedPosition, count: usize| {
        until(async || session.changes(behind).await.unwrap().unwrap().len() >= count).await;
        session.changes(behind).await.unwrap().unwrap()
    };
    let told = changes(&start, 3).await;
    assert_eq!(told.len(), 3, "nothing that could still be preceded: {told:?}");
    assert_eq!(told[0].table, "public.test_cases");
    other.batch_execute("commit").await.unwrap();
    let told = changes(&told[2].position, 2).await;
    assert_eq!(told.len(), 2);
    team.sql("truncate test_results").await;
    let last = changes(&told[1].position, 1).await;
    assert_eq!(last[0].operation, FeedOperation::Truncate);
    assert_eq!(session.changes(&last[0].position).await.unwrap().unwrap(), []);

    // Cleared entries that were read are no loss; those that were not are, and so is a position from the future.
    team.sql("insert into test_cases (test_id, name) values ('unread', 'x')").await;
    team.sql("select hub_outbox.clear('0 seconds')").await;
    assert_eq!(session.changes(&last[0].position).await.unwrap(), None, "entries were cleared unread");
    let mut future = last[0].position.clone();
    future.xid += 1_000_000;
    assert_eq!(session.changes(&future).await.unwrap(), None, "the database was restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_table_ends_at_its_limit_and_the_connection_goes_on() {
    let team = Team::with(V2).await;
    team.sql("create view slow as select test_id as id, name as title, pg_sleep(30)::text as x from test_cases").await;
    team.sql("insert into test_cases (test_id, name) values ('a', 'x')").await;
    let select = SelectSettings { sql: "select * from slow".into(), table: None };
    let settings =
        SourceSettings { timeout_s: 1, select: [(SourceStream::Defects, select)].into(), ..settings(Some(Preset::V2)) };
    let session = team.open(settings).await.unwrap();
    let slow = session.table(SourceStream::Defects).await.unwrap().unwrap();
    let refused = session.all(&slow, None).await.unwrap_err();
    assert!(matches!(refused, SourceError::Slow { .. }), "{refused}");
    assert_eq!(refused.code().id, "HUB-5003");
    assert!(session.table(SourceStream::TestCases).await.unwrap().is_some(), "others are read");

    // A migration that holds the table is not waited for, and not killed.
    let other = crate::support::connect(&team.database.address()).await;
    other.batch_execute("begin; lock table test_cases in access exclusive mode").await.unwrap();
    let table = session.table(SourceStream::TestCases).await;
    assert_eq!(table.unwrap_err().code().id, "HUB-5003");
}
