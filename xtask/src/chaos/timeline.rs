//! When what goes wrong, drawn from the seed before anything starts. What the site does is in its own script.

use std::time::Duration;

use super::{random::Random, size::Mix};

/// How long a full disk stays full.
const FULL_FOR: Duration = Duration::from_secs(6);

/// Something that happens to the hubs or to their database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// `kill -9` of the hub process with this number, counted around those that there are.
    Kill(usize),
    /// Postgres ends without a checkpoint and starts again.
    Restart,
    /// Postgres comes back without its last three seconds, on a new timeline.
    Restore,
    /// Nothing more can be written to the database's disk.
    FillDisk,
    /// It can again.
    FreeDisk,
}

/// An event with its time after the beginning of the faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Duration,
    pub event: Event,
}

/// Draws the events of a mix in the order of their times. Kills fall anywhere; what happens to Postgres is spread evenly
/// in a drawn order, because one such event needs some seconds to be over.
pub fn draw(seed: u64, mix: &Mix) -> Vec<Moment> {
    let mut random = Random::new(seed);
    let window = u64::try_from(mix.window.as_millis()).unwrap_or(u64::MAX);
    let mut moments: Vec<Moment> = (0..mix.kills)
        .map(|_| {
            let at = Duration::from_millis(random.below(window));
            Moment { at, event: Event::Kill(usize::try_from(random.below(1 << 20)).unwrap_or(0)) }
        })
        .collect();
    let mut database =
        [vec![Event::Restart; mix.restarts], vec![Event::Restore; mix.restores], vec![Event::FillDisk; mix.full_disks]]
            .concat();
    random.shuffle(&mut database);
    // The first share is left out, so that there is something to lose, and the last, so that the last event is over.
    let share = window / (database.len() as u64 + 2).max(1);
    for (index, event) in database.into_iter().enumerate() {
        let at = Duration::from_millis(share * (index as u64 + 1) + random.below(share / 2));
        moments.push(Moment { at, event });
        if event == Event::FillDisk {
            moments.push(Moment { at: at + FULL_FOR, event: Event::FreeDisk });
        }
    }
    moments.sort_by_key(|moment| moment.at);
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::size::Size;

    #[test]
    fn a_timeline_holds_what_the_mix_says_within_its_window() {
        for size in [Size::Full, Size::Tenth, Size::Small] {
            let mix = size.mix();
            for seed in 0..20 {
                let moments = draw(seed, &mix);
                let count = |event: Event| moments.iter().filter(|moment| moment.event == event).count();
                assert_eq!(moments.iter().filter(|m| matches!(m.event, Event::Kill(_))).count(), mix.kills);
                assert_eq!(count(Event::Restart), mix.restarts);
                assert_eq!(count(Event::Restore), mix.restores);
                assert_eq!((count(Event::FillDisk), count(Event::FreeDisk)), (mix.full_disks, mix.full_disks));
                assert!(moments.iter().all(|moment| moment.at <= mix.window), "{size:?} {seed}");
                assert!(moments.is_sorted_by_key(|moment| moment.at));
                assert_eq!(moments, draw(seed, &mix));
            }
        }
        assert_ne!(draw(1, &Size::Small.mix()), draw(2, &Size::Small.mix()));
    }
}
