//! How much of a granted rate is used, by 1, 2 and 4 hubs that are processes of their own, beside the same hubs that each
//! have a budget of their own, in the same minute; and how soon the rate is back after a storm of refusals.
//! `cargo bench -p hub-app --bench rate [-- SECONDS]`, 60 seconds for each cell unless told; ends with 1 where a goal is missed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark stops where it cannot measure, and prints"
)]

#[path = "../tests/it/rate_cell.rs"]
mod rate_cell;

use std::time::Duration;

use hub_testkit::TestDatabase;
use rate_cell::{Budgets, Cell, INSTRUCTIONS, hub};

const LEAST_USED: f64 = 95.0;
const MOST_REFUSED: f64 = 0.5;
const BACK_WITHIN: Duration = Duration::from_secs(2);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(instructions) = std::env::var(INSTRUCTIONS) {
        return runtime.block_on(hub(&instructions));
    }
    let seconds: u64 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(60);
    std::process::exit(runtime.block_on(run(Duration::from_secs(seconds))));
}

async fn run(window: Duration) -> i32 {
    let mut missed = 0;
    println!(
        "each cell over {} s, after the first three buckets; goals: {LEAST_USED} % used, {MOST_REFUSED} % refused",
        window.as_secs()
    );
    println!("{:>9} {:>5}   {:>23}   {:>23}", "", "", "one budget for all", "a budget for each hub");
    println!("{:>9} {:>5}   {:>11} {:>11}   {:>11} {:>11}", "calls/s", "hubs", "used", "refused", "used", "refused");
    for limit in [10, 50, 100] {
        for hubs in [1, 2, 4] {
            let cell = async |budgets| {
                let database = TestDatabase::fresh().await;
                Cell::start(&database, budgets, limit, hubs, &[]).await.measure(window).await
            };
            // At the same time, so that what else the machine does burdens both.
            let (shared, own) = tokio::join!(cell(Budgets::Shared), cell(Budgets::Own));
            println!(
                "{limit:>9} {hubs:>5}   {:>9.1} % {:>9.2} %   {:>9.1} % {:>9.2} %",
                shared.used(),
                shared.refused(),
                own.used(),
                own.refused()
            );
            if shared.used() < LEAST_USED || shared.refused() > MOST_REFUSED {
                println!("missed: {shared:?}");
                missed = 1;
            }
        }
    }
    for hubs in [1, 2, 4] {
        let database = TestDatabase::fresh().await;
        let cell = Cell::start(&database, Budgets::Shared, 50, hubs, &[]).await;
        let back = cell.storm(Duration::from_secs(10), Duration::from_secs(2)).await;
        println!(
            "storm: 80 % of the calls refused for 10 s with Retry-After 2, {hubs} hubs at 50 calls/s: a second with 95 % of the \
             rate has passed {:.2} s after the last wait (goal {} s)",
            back.as_secs_f64(),
            BACK_WITHIN.as_secs()
        );
        if back > BACK_WITHIN {
            missed = 1;
        }
    }
    missed
}
