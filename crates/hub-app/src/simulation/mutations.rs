//! Every guard of the create protocol is needed: without it, worlds in which the fault that it is for is frequent hold
//! duplicates, and the same worlds with all guards hold none.

use std::time::Duration;

use super::{
    memory_ledger::DatabaseFaults,
    random::Random,
    site::WeatherState,
    world::{self, Happening, Settings},
};
use crate::publish::Guard;

/// The most worlds in which a duplicate is looked for.
const WORLDS: u64 = 100;

/// Worlds that must be right with all guards, beside the one that was not without.
const WORLDS_WITH: u64 = 10;

/// A world in which nothing goes wrong but what is added.
fn calm(random: &Random) -> Settings {
    Settings {
        hubs: 3,
        cases: random.between(10, 24),
        pages: false,
        poison: 0,
        faulty: Duration::from_secs(300),
        weather: WeatherState::default(),
        database: DatabaseFaults::default(),
        events: vec![(Happening::Grow, 1)],
        every: 15_000,
        off: None,
    }
}

/// The world that shows what a guard is for.
fn of(guard: Guard, random: &Random) -> Settings {
    let calm = calm(random);
    match guard {
        // Processes die, and answers are lost.
        Guard::Intent => Settings {
            weather: WeatherState { failed_after: 200, resets: 200, ..WeatherState::default() },
            events: vec![(Happening::Grow, 2), (Happening::Kill, 1)],
            ..calm
        },
        // A process is stopped between its announcement and its send for longer than the others wait.
        Guard::Deadline => Settings {
            database: DatabaseFaults { stop_after_announcement: 400, ..DatabaseFaults::default() },
            faulty: Duration::from_secs(500),
            ..calm
        },
        // Creates take effect long after their callers have left.
        Guard::Doubt => Settings {
            weather: WeatherState { timeouts: 300, late_effect: Duration::from_secs(90), ..WeatherState::default() },
            ..calm
        },
        // A process that was told to wait is stopped before it says so, and says it about the send of another.
        Guard::Fence => Settings {
            weather: WeatherState {
                throttled: 300,
                timeouts: 300,
                late_effect: Duration::from_secs(90),
                stops_after_answer: 400,
                ..WeatherState::default()
            },
            faulty: Duration::from_secs(900),
            hubs: 4,
            ..calm
        },
        // What was announced and created is lost from the ledger.
        Guard::Recovery => Settings {
            events: vec![(Happening::Grow, 1), (Happening::Restore, 3)],
            every: 4_000,
            faulty: Duration::from_secs(200),
            ..calm
        },
    }
}

fn check(guard: Guard) {
    let run = |seed, off| world::run(seed, |random| Settings { off, ..of(guard, random) }).broken;
    let is_doubled = |broken: &[String]| broken.iter().any(|rule| rule.starts_with("duplicate"));
    let seed = (0..WORLDS).find(|seed| is_doubled(&run(*seed, Some(guard))));
    let seed = seed.unwrap_or_else(|| panic!("nothing was doubled without {guard:?} in {WORLDS} worlds"));
    println!("without {guard:?} world {seed} holds a duplicate");
    for seed in (0..WORLDS_WITH).chain([seed]) {
        let broken = run(seed, None);
        assert!(broken.is_empty(), "with all guards, world {seed}: {broken:#?}");
    }
}

#[test]
fn without_the_intent_there_are_duplicates() {
    check(Guard::Intent);
}

#[test]
fn without_the_deadline_there_are_duplicates() {
    check(Guard::Deadline);
}

#[test]
fn without_the_doubt_there_are_duplicates() {
    check(Guard::Doubt);
}

#[test]
fn without_the_fence_there_are_duplicates() {
    check(Guard::Fence);
}

#[test]
fn without_recovery_mode_there_are_duplicates() {
    check(Guard::Recovery);
}
