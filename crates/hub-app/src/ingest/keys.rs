//! The keys of a report's results, so that what an earlier version of it had and this one has not goes: eight bytes each,
//! because a report may hold millions.

use hub_domain::ContentHash;

/// Keys that a report holds now.
#[derive(Debug, Default)]
pub struct Keys {
    hashes: Vec<u64>,
    sorted: bool,
}

impl Keys {
    /// Adds a key.
    pub fn add(&mut self, key: &str) {
        self.hashes.push(hash(key));
        self.sorted = false;
    }

    /// Puts the keys in order; to be called before [`Keys::holds`].
    pub fn sort(&mut self) {
        self.hashes.sort_unstable();
        self.sorted = true;
    }

    /// Whether a key is held. Of three million keys, a foreign one passes for one of them with a chance of 2 in 10 million
    /// million.
    pub fn holds(&self, key: &str) -> bool {
        debug_assert!(self.sorted, "keys are looked up in order");
        self.hashes.binary_search(&hash(key)).is_ok()
    }
}

fn hash(key: &str) -> u64 {
    let hash = ContentHash::of_bytes(key.as_bytes());
    u64::from_be_bytes(std::array::from_fn(|i| hash.0[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again_and_others_are_not() {
        let mut keys = Keys::default();
        (0..10_000).for_each(|n| keys.add(&format!("key-{n}")));
        keys.sort();
        assert!((0..10_000).all(|n| keys.holds(&format!("key-{n}"))));
        assert!((10_000..20_000).all(|n| !keys.holds(&format!("key-{n}"))));
    }
}
