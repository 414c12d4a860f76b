//! The rate budget's rows: exact under load, paused for everybody, fair between projects, by the database's clock.

use std::time::{Duration, Instant};

use hub_domain::ProjectId;
use hub_store::{Block, Paused, RateKey, RateWait, Store, StoreError, Taken};
use hub_testkit::TestDatabase;
use tokio::task::JoinSet;
use tokio_postgres::{error::SqlState, types::Type};
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
    assert!(total <= RPS * (time + 0.2 + 0.1 + 0.3), "{total} in {time} s");
    assert!(total >= RPS * lasts.as_secs_f64() * 0.95, "{total} in {time} s");
}

#[tokio::test]
async fn a_block_is_a_tenth_of_a_second_and_nothing_is_reserved_beyond_the_horizon() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let started = Instant::now();
    let (blocks, wait) = take_all(&store, 1, 50.0).await;
    let meanwhile = started.elapsed().as_secs_f64() * 50.0;
    assert!(blocks.iter().all(|block| block.permits == 5 && block.step == Duration::from_millis(20)), "{blocks:?}");
    // Due since 0.3 s, up to a block beyond 0.2 s from now; and what fell due while they were taken.
    let permits = f64::from(blocks.iter().map(|block| block.permits).sum::<u32>());
    assert!((25.0..=31.0 + meanwhile).contains(&permits), "{permits}, {meanwhile} of them meanwhile");
    assert!(blocks[0].first_before > Duration::from_millis(200), "what nobody took may be caught up: {blocks:?}");
    assert!(blocks.iter().all(|block| block.first_after <= Duration::from_millis(200)), "{blocks:?}");
    assert!(wait <= Duration::from_millis(110), "{wait:?}");
    // At 1 call a second the site's bucket holds one call: next to nothing is caught up, and the wait is a whole one.
    let started = Instant::now();
    let slow = block(&store, &GET, 1, 1.0, 10).await;
    assert_eq!((slow.permits, slow.step, slow.keep), (1, Duration::from_secs(1), Duration::from_millis(50)));
    match take(&store, &GET, 1, 1.0, 10).await {
        Taken::Later(wait) => assert!(wait <= Duration::from_millis(800), "{wait:?}"),
        Taken::Block(_) => assert!(started.elapsed() >= Duration::from_millis(700), "a second permit at once"),
        Taken::Paused(..) => panic!("nobody paused it"),
    }
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
    assert!(f64::from(permits) <= (late + 0.2 + 0.1) * 50.0 + 1.0, "{permits} permits {late} s after the pause");
}

#[tokio::test]
async fn a_wait_without_a_hint_doubles_while_refusals_go_on() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let client = database.client().await;
    let wait = async |peace: &str| {
        let wait = RateWait::Backoff {
            first: Duration::from_secs(5),
            longest: Duration::from_secs(30),
            streak: Duration::from_secs(30),
            factor: 0.8,
        };
        let begun = store.rate_pause(&PUT, wait).await.unwrap();
        let again = store.rate_pause(&PUT, wait).await.unwrap();
        assert!(again < begun, "calls that were refused together count once");
        // The database's time cannot be moved, so the pause is.
        let over = format!("update hub_private.rate set pause_until = clock_timestamp() - '{peace}'::interval");
        client.batch_execute(&over).await.unwrap();
        begun.as_secs_f64()
    };
    let mut waits = Vec::new();
    for _ in 0..4 {
        waits.push(wait("0").await);
    }
    waits.push(wait("31 seconds").await);
    waits.push(wait("0").await);
    for (wait, expected) in waits.iter().zip([4.0, 8.0, 16.0, 24.0, 24.0, 4.0]) {
        assert!((wait - expected).abs() < 0.001, "{waits:?}");
    }
}

#[tokio::test]
async fn a_project_that_had_less_does_not_queue_behind_what_another_has_reserved() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    take_all(&store, 1, 50.0).await;
    let line = "update hub_private.rate set tat = clock_timestamp() + '220 milliseconds'";
    database.client().await.batch_execute(line).await.unwrap();
    let before = arrival(&database).await;
    let early = block(&store, &PUT, 2, 50.0, 5).await;
    assert_eq!((early.first_after, early.permits), (Duration::ZERO, 2), "shorter blocks where two share");
    let charged = (arrival(&database).await - before) * 50.0;
    assert!((charged - 2.0).abs() < 1e-3, "early permits make the line longer: {charged}");
    // Early is no more than early: the line is as long as the site's bucket bears.
    let mut early = 2;
    let started = Instant::now();
    while let Taken::Block(block) = take(&store, &PUT, 2, 50.0, 5).await {
        early += block.permits;
    }
    let meanwhile = started.elapsed().as_secs_f64() * 50.0;
    assert!(f64::from(early) <= 8.0 + meanwhile, "{early}, {meanwhile} of them meanwhile");
}

#[tokio::test]
async fn a_project_that_was_sent_away_is_served_before_one_that_had_more() {
    // At 5 calls a second the site's bucket is too small for early permits: the queue alone decides.
    const RPS: f64 = 5.0;
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    take_all(&store, 1, RPS).await;
    let client = database.client().await;
    let hungry = "insert into hub_private.rate_share
        select site, product, endpoint, method, $1, served, clock_timestamp() + '1 hour', clock_timestamp()
          from hub_private.rate where method = 'PUT'";
    client.execute_typed(hungry, &[(&Uuid::from_u128(2), Type::UUID)]).await.unwrap();
    client.batch_execute("update hub_private.rate set tat = clock_timestamp()").await.unwrap();
    let greedy = take(&store, &PUT, 1, RPS, 5).await;
    assert!(matches!(greedy, Taken::Later(wait) if wait < Duration::from_millis(60)), "{greedy:?}");
    let served = take(&store, &PUT, 2, RPS, 5).await;
    assert!(matches!(served, Taken::Block(_)), "{served:?}");
    // Who does not come back holds nobody up for long.
    client.execute_typed(hungry, &[(&Uuid::from_u128(3), Type::UUID)]).await.unwrap();
    let asked = Instant::now();
    while let Taken::Later(wait) = take(&store, &PUT, 1, RPS, 5).await {
        tokio::time::sleep(wait).await;
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_limit_that_the_site_told_holds_for_its_time_and_never_raises_the_rate() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    store.rate_limit(&PUT, 20.0, Duration::from_secs(60)).await.unwrap();
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(50));
    assert_eq!(block(&store, &GET, 1, 50.0, 9).await.step, Duration::from_millis(20));
    let over = "update hub_private.rate set limit_until = clock_timestamp(), tat = '-infinity'";
    let client = database.client().await;
    client.batch_execute(over).await.unwrap();
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(20));
    store.rate_limit(&PUT, 500.0, Duration::from_secs(60)).await.unwrap();
    client.batch_execute("update hub_private.rate set tat = '-infinity'").await.unwrap();
    assert_eq!(block(&store, &PUT, 1, 50.0, 9).await.step, Duration::from_millis(20));
}

#[tokio::test]
async fn the_pace_of_a_quota_is_shared_by_every_endpoint() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    store.rate_limit(&WHOLE, 2.0, Duration::from_secs(60)).await.unwrap();
    let first = block(&store, &PUT, 1, 50.0, 9).await;
    assert_eq!((first.permits, first.step), (1, Duration::from_millis(500)));
    // Every endpoint moves the same line on by half a second.
    let client = database.client().await;
    let line = async || -> f64 {
        let sql = "select extract(epoch from tat)::float8 from hub_private.rate where endpoint = ''";
        client.query_typed(sql, &[]).await.unwrap()[0].get(0)
    };
    let before = line().await;
    while let Taken::Later(wait) = take(&store, &GET, 1, 50.0, 9).await {
        tokio::time::sleep(wait).await;
    }
    assert!(line().await - before >= 0.4999, "{before}");
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
    let started = Instant::now();
    let mut granted = 0;
    let wait: f64 = loop {
        let row = &client.query_typed(sql, &[]).await.unwrap()[0];
        match row.get::<_, i32>(0) {
            0 => break row.get(1),
            permits => granted += permits,
        }
    };
    let meanwhile = started.elapsed().as_secs_f64() * 10.0;
    assert!((5.0..=7.0 + meanwhile).contains(&f64::from(granted)), "{granted}, {meanwhile} of them meanwhile");
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
