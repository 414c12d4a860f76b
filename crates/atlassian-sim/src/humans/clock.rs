//! When people of a script act: the times of each, and the task that waits for them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::act::{Asked, perform};
use super::script::Human;
use crate::faults::Draw;
use crate::server::Sim;
use crate::world::World;

/// Keeps the draws of people apart from those of rules.
const SALT: u64 = 1 << 32;

/// How often each person of a script has acted.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Times that were due, and times that something happened.
    counts: Vec<(u32, u32)>,
}

impl Clock {
    /// Before the first action.
    pub fn new(humans: &[Human]) -> Self {
        Self { counts: vec![(0, 0); humans.len()] }
    }

    /// The next time that somebody acts, in seconds after the script's start, and who.
    fn next(&self, humans: &[Human]) -> Option<(f64, usize)> {
        let times = humans.iter().zip(&self.counts).enumerate();
        let times = times.filter_map(|(index, (human, (happened, _)))| Some((human.due(*happened)?, index)));
        // The first of those at the same moment is the first written.
        times.min_by(|(a, _), (b, _)| a.total_cmp(b))
    }

    /// Lets everybody act who is due, in the order of their times; returns how long to wait for the next.
    pub fn run(&mut self, humans: &[Human], seed: u64, since: f64, world: &mut World) -> Option<Duration> {
        while let Some((at, index)) = self.next(humans) {
            if at > since {
                return Duration::try_from_secs_f64(at - since).ok();
            }
            let (Some(human), Some(count)) = (humans.get(index), self.counts.get_mut(index)) else { return None };
            count.0 += 1;
            let asked = Asked {
                name: human.name.as_deref(),
                person: &human.person,
                victim: &human.victim,
                action: &human.action,
                draw: Draw::new(seed, SALT + u64::try_from(index).unwrap_or_default(), u64::from(count.0)),
            };
            match perform(world, asked) {
                Ok(_) => count.1 += 1,
                Err(miss) => tracing::debug!(?miss, action = human.action.kind(), "a person could do nothing"),
            }
        }
        None
    }

    /// The counts by person.
    pub fn counts(&self, humans: &[Human]) -> Value {
        let row = |(human, (due, done)): (&Human, &(u32, u32))| json!({"name": human.name, "kind": human.action.kind(), "due": due, "done": done});
        humans.iter().zip(&self.counts).map(row).collect()
    }
}

/// Lets people act at their times until it is dropped.
pub(crate) async fn live(sim: Arc<Sim>) {
    loop {
        let wait = sim.faults().let_people_act(|| sim.lock());
        tokio::select! {
            () = sim.faults().script_changed() => {}
            () = tokio::time::sleep(wait.unwrap_or(Duration::from_secs(3_600))) => {}
        }
    }
}
