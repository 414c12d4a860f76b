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

    /// Puts the keys in order, each once; to be called before [`Keys::count`] and [`Keys::holds`].
    pub fn sort(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.sorted = true;
    }

    /// How many keys there are.
    pub fn count(&self) -> u64 {
        debug_assert!(self.sorted, "keys are counted in order");
        self.hashes.len() as u64
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
        keys.add("key-7");
        keys.sort();
        assert_eq!(keys.count(), 10_000);
        assert!((0..10_000).all(|n| keys.holds(&format!("key-{n}"))));
        assert!((10_000..20_000).all(|n| !keys.holds(&format!("key-{n}"))));
    }
}
