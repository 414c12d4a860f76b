//! The rate that several processes have together: the benchmark's goals with short windows.

use std::time::Duration;

use hub_testkit::TestDatabase;

use crate::rate_cell::{Budgets, Cell, INSTRUCTIONS, hub};

/// Starts this test program as a hub.
const AGAIN: &[&str] = &["rate::as_a_hub", "--exact", "--ignored", "--nocapture"];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the other program of the tests here, and does nothing by itself"]
async fn as_a_hub() {
    if let Ok(instructions) = std::env::var(INSTRUCTIONS) {
        hub(&instructions).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_use_the_granted_rate_and_no_more() {
    let database = TestDatabase::fresh().await;
    for limit in [10, 50] {
        let cell = Cell::start(&database, Budgets::Shared, limit, 2, AGAIN).await;
        let measured = cell.measure(Duration::from_secs(8)).await;
        assert!(measured.used() >= 95.0, "{measured:?}: {:.1} % used", measured.used());
        assert!(measured.refused() <= 0.5, "{measured:?}: {:.2} % refused", measured.refused());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_measurement_sees_processes_that_do_not_share_their_budget() {
    let database = TestDatabase::fresh().await;
    let cell = Cell::start(&database, Budgets::Own, 50, 2, AGAIN).await;
    let measured = cell.measure(Duration::from_secs(4)).await;
    assert!(measured.refused() > 0.5, "{measured:?}: {:.2} % refused", measured.refused());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_storm_the_rate_is_back_within_two_seconds() {
    let database = TestDatabase::fresh().await;
    let cell = Cell::start(&database, Budgets::Shared, 50, 2, AGAIN).await;
    let back = cell.storm(Duration::from_secs(4), Duration::from_secs(1)).await;
    assert!(back <= Duration::from_secs(2), "{back:?}");
}
