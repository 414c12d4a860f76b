//! The rate budget's rows: exact under load, paused for everybody, fair between projects, by the database's clock.

use std::time::{Duration, Instant};

use hub_domain::ProjectId;
use hub_store::{Block, Paused, RateKey, RateWait, Store, StoreError, Taken};
use hub_testkit::TestDatabase;
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

const SITE: &str = "0123456789abcdef";
const PUT: RateKey<'static> =
    RateKey { site: SITE, product: "jira", endpoint: "/rest/api/3/issue/{id}", method: "PUT" };
const GET: RateKey<'static> = RateKey { method: "GET", ..PUT };
const PAGES: RateKey<'static> = RateKey { product: "confluence", ..PUT };
const WHOLE: RateKey<'static> = RateKey { endpoint: "", method: "", ..PUT };

fn project(number: u128) -> ProjectId {
    ProjectId(Uuid::from_u128(number))
}

async fn take(store: &Store, key: &RateKey<'_>, number: u128, rps: f64, want: u32) -> Taken {
    store.rate_take(key, project(number), rps, want).await.unwrap()
}

async fn block(store: &Store, key: &RateKey<'_>, number: u128, rps: f64, want: u32) -> Block {
    match take(store, key, number, rps, want).await {
        Taken::Block(block) => block,
        other @ (Taken::Later(_) | Taken::Paused(..)) => panic!("{other:?}"),
    }
}

/// Takes until it is told to come back; gives the permits and the wait.
async fn take_all(store: &Store, number: u128, rps: f64) -> (Vec<Block>, Duration) {
    let mut blocks = Vec::new();
    loop {
        match take(store, &PUT, number, rps, 1000).await {
            Taken::Block(block) => blocks.push(block),
            Taken::Later(wait) => return (blocks, wait),
            Taken::Paused(..) => panic!("nobody paused it"),
        }
    }
}

async fn arrival(database: &TestDatabase) -> f64 {
    let sql = "select extract(epoch from tat)::float8 from hub_private.rate where method = 'PUT' and product = 'jira'";
    database.client().await.query_typed(sql, &[]).await.unwrap()[0].get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_never_take_more_than_the_rate_and_hardly_less() {
    const RPS: f64 = 400.0;
    let database = TestDatabase::fresh().await;
    let lasts = Duration::from_secs(2);
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(database.store().await);
    }
    block(&stores[0], &PUT, 0, RPS, 1).await;
    let first = arrival(&database).await;
    let started = Instant::now();
    // Four connections' pools, as four processes have them, and two projects in each.
    let mut clients = JoinSet::new();
    for (i, store) in stores.iter().enumerate() {
        for number in [i as u128 * 2, i as u128 * 2 + 1] {
            let store = store.clone();
            clients.spawn(async move {
                let mut taken = 0;
                while started.elapsed() < lasts {
                    match take(&store, &PUT, number, RPS, 7).await {
                        Taken::Block(block) => taken += block.permits,
                        Taken::Later(wait) => tokio::time::sleep(wait).await,
                        Taken::Paused(..) => panic!("nobody paused it"),
                    }
                }
                taken
            });
        }
    }
    let taken = clients.join_all().await;
    let total = f64::from(taken.iter().sum::<u32>());
    // What the row charges: no permit was given twice, whoever asked at the same moment.
    let charged = (arrival(&database).await - first) * RPS;
    assert!(total <= charged + 0.01, "{total} permits for {charged} of time");
    let time = started.elapsed().as_secs_f64();
    // The horizon, a block and what may be caught up come on top.
    assert!(total <= RPS * (time + 0.25 + 0.1 + 0.3), "{total} in {time} s");
    assert!(total >= RPS * lasts.as_secs_f64() * 0.95, "{total} in {time} s");
}

#[tokio::test]
async fn a_block_is_a_tenth_of_a_second_and_nothing_is_reserved_beyond_the_horizon() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let (blocks, wait) = take_all(&store, 1, 50.0).await;
    assert!(blocks.iter().all(|block| block.permits == 5 && block.step == Duration::from_millis(20)), "{blocks:?}");
    // Due since 0.3 s, up to a block beyond 0.25 s from now.
    let permits: u32 = blocks.iter().map(|block| block.permits).sum();
    assert!((25..=35).contains(&permits), "{permits}");
    assert!(blocks[0].first_before > Duration::from_millis(200), "what nobody took may be caught up: {blocks:?}");
    assert!(blocks.iter().all(|block| block.first_after <= Duration::from_millis(250)), "{blocks:?}");
    assert!(wait <= Duration::from_millis(110), "{wait:?}");
    // At 1 call a second the site's bucket holds one call: next to nothing is caught up, and the wait is a whole one.
    let slow = block(&store, &GET, 1, 1.0, 10).await;
    assert_eq!((slow.permits, slow.step, slow.keep), (1, Duration::from_secs(1), Duration::from_millis(50)));
    let Taken::Later(wait) = take(&store, &GET, 1, 1.0, 10).await else { panic!("a second permit at once") };
    assert!((Duration::from_millis(600)..=Duration::from_millis(750)).contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn a_pause_stops_all_connections_and_only_what_it_names() {
    let database = TestDatabase::fresh().await;
    let (one, other) = (database.store().await, database.store().await);
    let told = |seconds| RateWait::Told(Duration::from_secs(seconds));
    one.rate_pause(&PUT, told(30)).await.unwrap();
    let shorter = one.rate_pause(&PUT, told(2)).await.unwrap();
    assert!(shorter > Duration::from_secs(29), "a pause does not become shorter: {shorter:?}");
    let Taken::Paused(Paused::Endpoint, wait) = take(&other, &PUT, 1, 50.0, 1).await else { panic!("not paused") };
    assert!((Duration::from_secs(29)..=Duration::from_secs(30)).contains(&wait), "{wait:?}");
    block(&other, &GET, 1, 50.0, 1).await;
    block(&other, &PAGES, 1, 50.0, 1).await;
    one.rate_pause(&WHOLE, told(1847)).await.unwrap();
    for key in [PUT, GET] {
        let Taken::Paused(Paused::Site, wait) = take(&other, &key, 1, 50.0, 1).await else { panic!("not paused") };
        assert!(wait > Duration::from_secs(1846), "{wait:?}");
    }
    block(&other, &PAGES, 1, 50.0, 1).await;
    // A pause of another site is none here.
    block(&other, &RateKey { site: "another", ..PUT }, 1, 50.0, 1).await;
}

#[tokio::test]
async fn after_a_pause_nothing_is_caught_up() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    store.rate_pause(&PUT, RateWait::Told(Duration::from_millis(300))).await.unwrap();
    let Taken::Paused(_, wait) = take(&store, &PUT, 1, 50.0, 100).await else { panic!("not paused") };
    let ends = Instant::now() + wait;
    tokio::time::sleep_until(ends.into()).await;
    let (blocks, _) = take_all(&store, 1, 50.0).await;
    let late = ends.elapsed().as_secs_f64();
    let permits: u32 = blocks.iter().map(|block| block.permits).sum();
    assert!(f64::from(permits) <= (late + 0.25 + 0.1) * 50.0 + 1.0, "{permits} permits {late} s after the pause");
}

#[tokio::test]
async fn a_wait_without_a_hint_doubles_while_refusals_go_on() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let wait = async |streak_ms| {
        let wait = RateWait::Backoff {
            first: Duration::from_millis(40),
            longest: Duration::from_millis(100),
            streak: Duration::from_millis(streak_ms),
            factor: 0.5,
        };
        let begun = store.rate_pause(&PUT, wait).await.unwrap();
        let again = store.rate_pause(&PUT, wait).await.unwrap();
        assert!(again <= begun, "calls that were refused together count once");
        tokio::time::sleep(begun + Duration::from_millis(2)).await;
        begun.as_secs_f64() * 1e3
    };
    let waits = [wait(60_000).await, wait(60_000).await, wait(60_000).await, wait(60_000).await];
    for (wait, expected) in waits.iter().zip([20.0, 40.0, 50.0, 50.0]) {
        assert!((wait - expected).abs() < 1.0, "{waits:?}");
    }
    let fresh = wait(0).await;
    assert!((fresh - 20.0).abs() < 1.0, "it begins anew when there was peace: {fresh}");
}

#[tokio::test]
async fn a_project_that_had_less_does_not_queue_behind_what_another_has_reserved() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let (blocks, _) = take_all(&store, 1, 50.0).await;
    assert!(blocks.last().unwrap().first_after > Duration::from_millis(100), "{blocks:?}");
    let before = arrival(&database).await;
    let early = block(&store, &PUT, 2, 50.0, 5).await;
    assert_eq!((early.first_after, early.permits), (Duration::ZERO, 2), "shorter blocks where two share");
    let charged = (arrival(&database).await - before) * 50.0;
    assert!((charged - 2.0).abs() < 1e-3, "early permits make the line longer: {charged}");
    // Early is no more than early: the line is as long as the site's bucket bears.
    let mut early = 2;
    while let Taken::Block(block) = take(&store, &PUT, 2, 50.0, 5).await {
        early += block.permits;
    }
    assert!(early <= 8, "{early}");
}

#[tokio::test]
async fn a_project_that_was_sent_away_is_served_before_one_that_had_more() {
    // At 5 calls a second the site's bucket is too small for early permits: the queue alone decides.
    const RPS: f64 = 5.0;
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    take_all(&store, 1, RPS).await;
    let Taken::Later(hungry) = take(&store, &PUT, 2, RPS, 5).await else { panic!("the line was full") };
    tokio::time::sleep(hungry + Duration::from_millis(1)).await;
    let greedy = take(&store, &PUT, 1, RPS, 5).await;
    assert!(matches!(greedy, Taken::Later(wait) if wait < Duration::from_millis(60)), "{greedy:?}");
    let served = take(&store, &PUT, 2, RPS, 5).await;
    assert!(matches!(served, Taken::Block(_)), "{served:?}");
    // Who does not come back holds nobody up for long.
    let Taken::Later(_) = take(&store, &PUT, 3, RPS, 5).await else { panic!("the line was full") };
    let asked = Instant::now();
    while let Taken::Later(wait) = take(&store, &PUT, 1, RPS, 5).await {
        tokio::time::sleep(wait).await;
    }
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_limit_that_the_site_told_holds_for_its_time_and_never_raises_the_rate() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    store.rate_limit(&PUT, 20.0, Duration::from_millis(400)).await.unwrap();
    let limited = Instant::now();
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(50));
    assert_eq!(block(&store, &GET, 1, 50.0, 9).await.step, Duration::from_millis(20));
    tokio::time::sleep(Duration::from_millis(450).saturating_sub(limited.elapsed())).await;
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(20));
    store.rate_limit(&PUT, 500.0, Duration::from_secs(60)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(20));
}

#[tokio::test]
async fn the_pace_of_a_quota_is_shared_by_every_endpoint() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    store.rate_limit(&WHOLE, 2.0, Duration::from_secs(60)).await.unwrap();
    let first = block(&store, &PUT, 1, 50.0, 9).await;
    assert_eq!((first.permits, first.step), (1, Duration::from_millis(500)));
    // Each endpoint takes from the same half a second; the first was caught up from before.
    let second = block(&store, &GET, 1, 50.0, 9).await;
    assert!(second.first_after >= Duration::from_millis(100), "{second:?}");
    let Taken::Later(wait) = take(&store, &PUT, 1, 50.0, 9).await else { panic!("the pace holds for GET only") };
    assert!((Duration::from_millis(300)..=Duration::from_millis(500)).contains(&wait), "{wait:?}");
    block(&store, &PAGES, 1, 50.0, 9).await;
}

#[tokio::test]
async fn slowing_takes_a_little_and_not_twice() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let (by, every) = (Duration::from_millis(200), Duration::from_secs(60));
    block(&store, &PUT, 1, 50.0, 1).await;
    let before = arrival(&database).await;
    store.rate_slow(&PUT, by, every).await.unwrap();
    let slowed = arrival(&database).await;
    assert!(slowed - before >= 0.2, "{before} {slowed}");
    store.rate_slow(&PUT, by, every).await.unwrap();
    assert_eq!(arrival(&database).await, slowed);
}

#[tokio::test]
async fn time_is_the_databases_at_the_moment_of_the_call() {
    let database = TestDatabase::fresh().await;
    let client = database.client().await;
    // One transaction: its own now() stands still, and nothing that a client says is a time.
    client.batch_execute("begin; set local role hub_worker").await.unwrap();
    let sql = "select granted, wait_ms from hub_private.rate_take('s', 'jira', '/x', 'PUT', gen_random_uuid(), 10, 1)";
    let mut granted = 0;
    let wait: f64 = loop {
        let row = &client.query_typed(sql, &[]).await.unwrap()[0];
        match row.get::<_, i32>(0) {
            0 => break row.get(1),
            permits => granted += permits,
        }
    };
    assert!((5..=8).contains(&granted), "{granted}");
    let pause = format!("select pg_sleep({})", (wait + 160.0) / 1000.0);
    client.batch_execute(&pause).await.unwrap();
    let row = &client.query_typed(sql, &[]).await.unwrap()[0];
    assert_eq!(row.get::<_, i32>(0), 1, "after {wait} ms");
}

#[tokio::test]
async fn nonsense_is_refused_and_users_reach_nothing() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    for (rps, want) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (50.0, 0)] {
        let error = store.rate_take(&PUT, project(1), rps, want).await.unwrap_err();
        let StoreError::Query { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.code(), Some(&SqlState::INVALID_PARAMETER_VALUE), "{rps} {want}: {error:?}");
    }
    let client = database.client().await;
    let take = "select * from hub_private.rate_take('s', 'jira', '/x', 'PUT', gen_random_uuid(), 10, 1)";
    let pause = "select hub_private.rate_pause('s', 'jira', '', '', 1, true, 1, 1, 1)";
    for (role, sql) in [
        ("authenticated", take),
        ("authenticated", pause),
        ("anon", take),
        ("hub_worker", "select * from hub_private.rate"),
        ("hub_worker", "delete from hub_private.rate_share"),
    ] {
        client.batch_execute(&format!("begin; set local role {role}")).await.unwrap();
        let error = client.batch_execute(sql).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role}: {sql}");
        client.batch_execute("rollback").await.unwrap();
    }
}
