//! The shared budget in front of a real database, without a site: each budget here has a pool of its own, as another process
//! has.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use hub_app::budget::SharedBudget;
use hub_destination::{
    Answer, Method, Throttle,
    budget::{Budget, NoPermit},
    rates::Rates,
};
use hub_domain::ProjectId;
use hub_testkit::TestDatabase;
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

const ENDPOINT: &str = "/rest/api/3/issue/{id}";
const RPS: f64 = 50.0;

async fn budget(database: &TestDatabase, project: u128) -> Arc<SharedBudget> {
    let store = database.store().await;
    let project = ProjectId(Uuid::from_u128(project));
    Arc::new(SharedBudget::new(store, "https://example.atlassian.net", "jira", project, Rates::uniform(RPS)))
}

/// Callers that take permits until they are dropped; each call takes so long.
struct Callers {
    taken: Arc<AtomicU32>,
    _tasks: JoinSet<()>,
}

impl Callers {
    fn start(budget: &Arc<SharedBudget>, callers: usize, call: Duration) -> Self {
        let taken = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (budget, taken) = (Arc::clone(budget), Arc::clone(&taken));
            tasks.spawn(async move {
                loop {
                    budget.permit(ENDPOINT, Method::Put).await.unwrap();
                    taken.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(call).await;
                }
            });
        }
        Self { taken, _tasks: tasks }
    }

    fn taken(&self) -> f64 {
        f64::from(self.taken.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_of_one_site_get_equal_shares_whatever_processes_they_are_in() {
    let database = TestDatabase::fresh().await;
    // The first project works in one process, the second in two.
    let budgets = [budget(&database, 1).await, budget(&database, 2).await, budget(&database, 2).await];
    let callers: Vec<Callers> = budgets.iter().map(|budget| Callers::start(budget, 16, Duration::ZERO)).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before: Vec<f64> = callers.iter().map(Callers::taken).collect();
    let started = Instant::now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let seconds = started.elapsed().as_secs_f64();
    let taken: Vec<f64> = callers.iter().zip(before).map(|(callers, before)| callers.taken() - before).collect();
    let (first, second) = (taken[0], taken[1] + taken[2]);
    let total = first + second;
    assert!((first / total - 0.5).abs() <= 0.05, "{taken:?}");
    assert!((0.95..=1.05).contains(&(total / seconds / RPS)), "{taken:?} in {seconds} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_makes_one_call_at_a_time_is_hardly_slowed_by_an_endless_one() {
    let database = TestDatabase::fresh().await;
    let endless = [budget(&database, 2).await, budget(&database, 2).await];
    let endless: Vec<Callers> = endless.iter().map(|budget| Callers::start(budget, 16, Duration::ZERO)).collect();
    let lane = budget(&database, 1).await;
    // 10 calls a second at most, of a share of 25.
    let lane = Callers::start(&lane, 1, Duration::from_millis(100));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let count = || (lane.taken(), endless.iter().map(Callers::taken).sum::<f64>());
    let (before, started) = (count(), Instant::now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (after, seconds) = (count(), started.elapsed().as_secs_f64());
    let (one, others) = ((after.0 - before.0) / seconds, (after.1 - before.1) / seconds);
    assert!(one >= 7.0, "{one} calls a second beside {others}");
    assert!(
        (0.95..=1.05).contains(&((one + others) / RPS)),
        "{one} and {others} calls a second: nothing is left unused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_at_once_here_and_with_the_next_block_elsewhere() {
    let database = TestDatabase::fresh().await;
    let (here, there) = (budget(&database, 1).await, budget(&database, 1).await);
    let callers = [Callers::start(&here, 8, Duration::ZERO), Callers::start(&there, 8, Duration::ZERO)];
    while callers.iter().any(|callers| callers.taken() < 20.0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = Answer { status: 429, retry_after: Some(Duration::from_secs(2)), ..Answer::default() };
    here.heard(ENDPOINT, Method::Put, &refused);
    let paused = Instant::now();
    let mine = callers[0].taken();
    // A block and the one fetched ahead are in the other's hands at most.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let theirs = callers[1].taken();
    here.permit("/another", Method::Put).await.unwrap();
    assert!(paused.elapsed() < Duration::from_secs(1), "another endpoint goes on");
    tokio::time::sleep(Duration::from_millis(1_900).saturating_sub(paused.elapsed())).await;
    assert!(callers[0].taken() <= mine + 1.0, "one may have been on its way");
    assert_eq!(callers[1].taken(), theirs);
    while callers.iter().any(|callers| callers.taken() <= theirs.max(mine) + 5.0) {
        assert!(paused.elapsed() < Duration::from_secs(4), "it goes on afterwards");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_is_told_to_every_process_and_not_waited_out() {
    let database = TestDatabase::fresh().await;
    let (here, there) = (budget(&database, 1).await, budget(&database, 2).await);
    let quota = Answer {
        status: 429,
        retry_after: Some(Duration::from_secs(1847)),
        rate_limit_reason: Some("jira-quota-tenant-based".into()),
        ..Answer::default()
    };
    here.heard(ENDPOINT, Method::Put, &quota);
    let asked = async || timeout(Duration::from_secs(5), there.permit("/x", Method::Get)).await.unwrap();
    let started = Instant::now();
    let refused = loop {
        match asked().await {
            Ok(()) => assert!(started.elapsed() < Duration::from_secs(5), "the pause does not arrive"),
            Err(refused) => break refused,
        }
    };
    let NoPermit::Paused { throttle: Throttle::Site, wait } = refused else { panic!("{refused}") };
    assert!((1840..=1847).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_takes_nothing_and_an_idle_project_asks_nothing() {
    let database = TestDatabase::fresh().await;
    let budget = budget(&database, 1).await;
    let client = database.client().await;
    let sql = "select coalesce(sum(served), 0)::float8, coalesce(max(asked_at), 'epoch') from hub_private.rate_share";
    let asked = async || {
        let row = client.query_typed(sql, &[]).await.unwrap().remove(0);
        (row.get::<_, f64>(0), row.get::<_, time::OffsetDateTime>(1))
    };
    for _ in 0..40 {
        budget.permit(ENDPOINT, Method::Put).await.unwrap();
    }
    let refused = Answer { status: 429, retry_after: Some(Duration::from_secs(1)), ..Answer::default() };
    budget.heard(ENDPOINT, Method::Put, &refused);
    for _ in 0..20 {
        assert!(timeout(Duration::from_millis(10), budget.permit(ENDPOINT, Method::Put)).await.is_err());
    }
    let (served, at) = asked().await;
    // One block of 2 may have been reserved in advance.
    assert!(served <= 42.0, "{served}");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(asked().await, (served, at));
    budget.permit(ENDPOINT, Method::Put).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_nothing_is_permitted_and_with_it_everything_goes_on() {
    let database = TestDatabase::fresh().await;
    let budget = budget(&database, 1).await;
    budget.permit(ENDPOINT, Method::Put).await.unwrap();
    let name = database.name();
    let other = TestDatabase::empty().await;
    let admin = other.client().await;
    admin.batch_execute(&format!("alter database {name} allow_connections false")).await.unwrap();
    let kill = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    admin.batch_execute(&kill).await.unwrap();
    let permit = timeout(Duration::from_secs(1), budget.permit(ENDPOINT, Method::Put)).await;
    assert!(permit.is_err(), "{permit:?}");
    admin.batch_execute(&format!("alter database {name} allow_connections true")).await.unwrap();
    timeout(Duration::from_secs(10), budget.permit(ENDPOINT, Method::Put)).await.unwrap().unwrap();
}
