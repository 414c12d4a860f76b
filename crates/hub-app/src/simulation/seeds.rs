//! The seeds that run with every test run, and those that once failed.

use std::time::{Duration, Instant};

use super::world::{self, Outcome, Settings};

/// Seeds that found a fault of the publisher, kept so that it cannot come back.
const SEEDS_THAT_FAILED: &[u64] = &[
    // A row that was adopted while a hub had it in hand was claimed for a second create.
    6, 28, 156, 542,
];

/// Worlds of one test run, over all its parts.
const SEEDS: u64 = 1_000;

/// The tests among which the seeds are divided, so that they run at the same time.
const PARTS: u64 = 4;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn check(seed: u64) -> Outcome {
    let outcome = world::run(seed, Settings::of_seed(seed));
    assert!(
        outcome.broken.is_empty(),
        "seed {seed} broke {} rules; replay it with\n  HUB_SEED={seed} cargo nextest run -p hub-app one_seed --no-capture\n{:#?}",
        outcome.broken.len(),
        outcome.broken,
    );
    outcome
}

fn part(part: u64) {
    if from_environment("HUB_SEED").is_some() {
        return;
    }
    let seeds = from_environment("HUB_SEEDS").unwrap_or(SEEDS);
    let started = Instant::now();
    let mut total = Outcome::default();
    let mut failed = Vec::new();
    let mut worlds = 0_u64;
    for seed in (0..seeds).filter(|seed| seed / 4 % PARTS == part) {
        match std::panic::catch_unwind(|| check(seed)) {
            Ok(outcome) => add(&mut total, &outcome),
            Err(_) => failed.push(seed),
        }
        worlds += 1;
    }
    println!(
        "{worlds} seeds in {:.1} s: {:.1} simulated hours, {} calls, {} kills, {} stops, {} restores; {:.3} creates and \
         {:.3} extra reads an object; {} objects given up by faults, {} contents overtaken; slowest rest {:.0} s after the \
         faults",
        started.elapsed().as_secs_f64(),
        total.simulated.as_secs_f64() / 3_600.0,
        total.calls,
        total.kills,
        total.stops,
        total.restores,
        ratio(total.creates, total.entities),
        ratio(total.extra_reads, total.entities),
        total.exhausted,
        total.overtaken,
        total.converged_in.as_secs_f64(),
    );
    assert!(failed.is_empty(), "{} of {worlds} seeds failed: {failed:?}", failed.len());
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to.max(1) as f64
}

fn add(total: &mut Outcome, one: &Outcome) {
    total.entities += one.entities;
    total.calls += one.calls;
    total.creates += one.creates;
    total.extra_reads += one.extra_reads;
    total.kills += one.kills;
    total.stops += one.stops;
    total.restores += one.restores;
    total.exhausted += one.exhausted;
    total.overtaken += one.overtaken;
    total.simulated += one.simulated;
    total.converged_in = total.converged_in.max(one.converged_in);
}

#[test]
fn seeds_of_part_0() {
    part(0);
}

#[test]
fn seeds_of_part_1() {
    part(1);
}

#[test]
fn seeds_of_part_2() {
    part(2);
}

#[test]
fn seeds_of_part_3() {
    part(3);
}

#[test]
fn seeds_that_failed_once() {
    for seed in SEEDS_THAT_FAILED {
        check(*seed);
    }
}

/// `HUB_SEED=123 cargo nextest run -p hub-app one_seed --no-capture`
#[test]
fn one_seed() {
    let outcome = check(from_environment("HUB_SEED").unwrap_or(1));
    println!("{outcome:#?}");
}

#[test]
fn a_seed_gives_the_same_world_again() {
    for seed in 0..5 {
        let (one, other) = (world::run(seed, Settings::of_seed(seed)), world::run(seed, Settings::of_seed(seed)));
        let figures = |o: &Outcome| (o.calls, o.creates, o.extra_reads, o.kills, o.stops, o.simulated);
        assert_eq!(figures(&one), figures(&other), "seed {seed}");
        assert!(one.simulated > Duration::from_secs(30));
    }
}
