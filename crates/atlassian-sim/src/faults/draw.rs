//! Numbers that look random and follow from a seed alone, so that a run can be played again.

/// A short sequence of draws (splitmix64).
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    /// The sequence for one call: the same for the same seed, rule and number of the call.
    pub fn new(seed: u64, rule: u64, call: u64) -> Self {
        let mut draw = Self(seed);
        for part in [rule, call] {
            draw.0 = draw.next() ^ part;
        }
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0 and less than 1.
    pub fn unit(&mut self) -> f64 {
        // 32 bits are exact in a double and finer than any share that a script names.
        let top = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(top) / 4_294_967_296.0
    }

    /// A place among so many; 0 where there are none.
    pub fn below(&mut self, count: usize) -> usize {
        let range = u64::try_from(count).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % range).unwrap_or_default()
    }

    /// From a normal distribution around 0 of width 1.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Puts the items in another order; two or more never stay as they were.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let mut moved = false;
        for last in (1..items.len()).rev() {
            let range = u64::try_from(last + 1).unwrap_or(u64::MAX);
            let other = usize::try_from(self.next() % range).unwrap_or(last);
            moved |= other != last;
            items.swap(last, other);
        }
        if !moved && items.len() > 1 {
            items.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn a_seed_gives_the_same_draws_and_another_seed_others() {
        let units = |seed, rule| -> Vec<f64> { (0..50).map(|call| Draw::new(seed, rule, call).unit()).collect() };
        assert_eq!(units(1, 0), units(1, 0));
        assert_ne!(units(1, 0), units(2, 0));
        assert_ne!(units(1, 0), units(1, 1));
    }

    #[test]
    fn draws_are_spread_evenly() {
        let low = (0..10_000).filter(|call| Draw::new(7, 3, *call).unit() < 0.2).count();
        assert!((1_850..2_150).contains(&low), "{low}");
        let mut draws: Vec<f64> = (0..10_001).map(|call| Draw::new(7, 3, call).normal()).collect();
        draws.sort_by(f64::total_cmp);
        assert!(draws[5_000].abs() < 0.05, "median {}", draws[5_000]);
        assert!((0.9..1.1).contains(&draws[8_413]), "one width above {}", draws[8_413]);
    }

    #[test]
    fn a_shuffle_moves_something_and_loses_nothing() {
        for call in 0..200 {
            let mut items = [0, 1, 2];
            Draw::new(1, 1, call).shuffle(&mut items);
            assert_ne!(items, [0, 1, 2]);
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2]);
        }
        let mut one = [5];
        Draw::new(1, 1, 1).shuffle(&mut one);
        assert_eq!(one, [5]);
    }
}
