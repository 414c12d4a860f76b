//! Twelve writers with slow transactions, rollbacks, deletes and clients' own times, read by three readers at once: the one
//! that everybody writes first, which loses rows, the watermark's, and the outbox's.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hub_domain::{
    record::Record,
    settings::{Preset, SourceStream},
};
use hub_source::{FeedPosition, Item, Position, Row, Session, Table, scripts};
use time::OffsetDateTime;
use tokio_postgres::{Client, types::Type};

use crate::support::{Team, V2, connect, settings};

const WRITERS: u64 = 12;
const FOR: Duration = Duration::from_secs(8);

/// What a reader knows: the title by key.
type Known = HashMap<String, String>;

/// Numbers that only look random, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

async fn writer(client: Client, number: u64, suite: String) {
    let mut numbers = Numbers(number * 7_919 + 1);
    let began = Instant::now();
    let mut n = 0;
    while began.elapsed() < FOR {
        client.batch_execute("begin").await.unwrap();
        for _ in 0..=numbers.below(3) {
            n += 1;
            let id = format!("TC_W{number}_{n:05}");
            let sql = match numbers.below(10) {
                0..=3 => format!("insert into test_cases (test_suite_id, test_id, name) values ('{suite}', '{id}', '{id} 0')"),
                4..=5 => {
                    let now = OffsetDateTime::now_utc();
                    format!(
                        "insert into test_cases (test_suite_id, test_id, name, created_at, updated_at)
                         values ('{suite}', '{id}', '{id} 0', to_timestamp({0}), to_timestamp({0}))",
                        now.unix_timestamp_nanos() as f64 / 1e9
                    )
                }
                6..=8 => format!(
                    "update test_cases set name = test_id || ' {n}' where id in
                     (select id from test_cases where test_id like 'TC\\_W{number}\\_%' order by md5(test_id || '{n}') limit 2)"
                ),
                _ => format!(
                    "delete from test_cases where id in
                     (select id from test_cases where test_id like 'TC\\_W{number}\\_%' order by md5(test_id || '{n}') limit 1)"
                ),
            };
            client.batch_execute(&sql).await.unwrap();
        }
        // Mostly fast, now and then up to three seconds.
        let pause = if numbers.below(8) == 0 { numbers.below(3_000) } else { numbers.below(60) };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        client.batch_execute(if numbers.below(20) == 0 { "rollback" } else { "commit" }).await.unwrap();
    }
}

/// The reader that everybody writes first.
#[derive(Default)]
struct Naive {
    behind: Option<(OffsetDateTime, String)>,
    known: Known,
}

impl Naive {
    async fn pull(&mut self, client: &Client) {
        let sql = "select id::text, name, updated_at from test_cases
            where ($1::timestamptz is null or (updated_at, id) > ($1, $2::text::uuid)) order by updated_at, id limit 500";
        let (at, id) = self.behind.clone().unzip();
        let rows = client.query_typed(sql, &[(&at, Type::TIMESTAMPTZ), (&id, Type::TEXT)]).await.unwrap();
        for row in rows {
            self.behind = Some((row.get(2), row.get(0)));
            self.known.insert(row.get(0), row.get(1));
        }
    }
}

fn keep(known: &mut Known, rows: Vec<Row>) {
    for row in rows {
        let Item::Document { record, .. } = row.item else { panic!("a case") };
        let Record::Case(case) = *record else { panic!("a case") };
        known.insert(row.key, case.title);
    }
}

/// Reads what lies below the watermark.
async fn below(session: &Session, table: &Table, behind: &mut Option<Position>, known: &mut Known) -> OffsetDateTime {
    let safe = session.watermark().await.unwrap().safe;
    loop {
        let page = session.page(table, behind.as_ref(), safe).await.unwrap();
        *behind = page.end().or(behind.take());
        let more = page.more;
        keep(known, page.rows);
        if !more {
            return safe;
        }
    }
}

/// Reads what the outbox tells; returns how much that was.
async fn told(session: &Session, table: &Table, behind: &mut FeedPosition, known: &mut Known) -> usize {
    let changes = session.changes(behind).await.unwrap().unwrap();
    let keys: Vec<String> = changes.iter().map(|change| change.key.clone()).collect();
    let rows = session.of_keys(table, &keys).await.unwrap();
    for key in &keys {
        known.remove(key);
    }
    keep(known, rows);
    if let Some(last) = changes.last() {
        *behind = last.position.clone();
    }
    changes.len()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Wrong {
    missing: usize,
    stale: usize,
    ghosts: usize,
}

fn compare(truth: &Known, known: &Known) -> Wrong {
    let missing = truth.keys().filter(|key| !known.contains_key(*key)).count();
    let stale = truth.iter().filter(|(key, title)| known.get(*key).is_some_and(|k| k != *title)).count();
    let ghosts = known.keys().filter(|key| !truth.contains_key(*key)).count();
    Wrong { missing, stale, ghosts }
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_writers_hide_nothing_from_the_watermark_and_the_outbox() {
    let team = Team::with(V2).await;
    team.sql(scripts::OUTBOX).await;
    let rows = team.client.query_typed("select id::text from test_suites", &[]).await.unwrap();
    let suite: String = rows[0].get(0);
    let session = team.open(settings(Some(Preset::V2))).await.unwrap();
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    let start = session.feed_now().await.unwrap();
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let client = connect(&team.database.address()).await;
        writers.push(tokio::spawn(writer(client, number, suite.clone())));
    }
    let over = Arc::new(AtomicBool::new(false));
    let reading = {
        let (over, address) = (Arc::clone(&over), team.database.address());
        tokio::spawn(async move {
            let plain = connect(&address).await;
            let (mut naive, mut safely, mut by_feed) = (Naive::default(), Known::new(), Known::new());
            let (mut behind, mut feed) = (None, start);
            while !over.load(Ordering::Relaxed) {
                naive.pull(&plain).await;
                below(&session, &table, &mut behind, &mut safely).await;
                told(&session, &table, &mut feed, &mut by_feed).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            // What was committed last has to be old enough, and told whole.
            let end = session.watermark().await.unwrap().now;
            while below(&session, &table, &mut behind, &mut safely).await <= end {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Transactions of other databases of the server hold the feed as well.
            let last = "select max(xid::text::numeric)::text from hub_outbox.change_feed";
            let last: String = plain.query_typed(last, &[]).await.unwrap()[0].get(0);
            while feed.xid < last.parse::<u64>().unwrap() {
                told(&session, &table, &mut feed, &mut by_feed).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            naive.pull(&plain).await;
            (naive.known, safely, by_feed)
        })
    };
    for writer in writers {
        writer.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let (naive, safely, by_feed) = reading.await.unwrap();
    let rows = team.client.query_typed("select id::text, name from test_cases", &[]).await.unwrap();
    let truth: Known = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let (naive, safely, by_feed) = (compare(&truth, &naive), compare(&truth, &safely), compare(&truth, &by_feed));
    println!("{} rows: naive {naive:?}, watermark {safely:?}, outbox {by_feed:?}", truth.len());
    assert!(truth.len() > 300, "the writers wrote: {}", truth.len());
    assert!(naive.missing > 0, "the writers are such that a plain cursor loses rows");
    assert_eq!((safely.missing, safely.stale), (0, 0), "{safely:?}");
    assert_eq!(by_feed, Wrong::default());
}
