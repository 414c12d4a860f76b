//! What was seen before in a file of millions of tests, in four to eight bytes each: a set of strings would need more
//! memory than everything else together.

use std::collections::HashMap;

/// Hashes of at most 48 bits, and how often each was met. Among three million tests two different ones are taken for the
/// same with a chance of 2 in 100; the second then gets the key of a repetition, which names it just as well.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By the first 16 bits, the next 32 in order.
    buckets: Vec<Vec<u32>>,
    /// Those met more than once.
    repeated: HashMap<u64, u32>,
}

const BUCKETS: usize = 1 << 16;

impl Seen {
    /// Notes a hash and says how often it has been met, this time included.
    pub(super) fn note(&mut self, hash: u64) -> u32 {
        if self.buckets.is_empty() {
            self.buckets.resize_with(BUCKETS, Vec::new);
        }
        let index = usize::try_from(hash >> 48).unwrap_or_default();
        let rest = u32::try_from((hash >> 16) & u64::from(u32::MAX)).unwrap_or_default();
        let Some(bucket) = self.buckets.get_mut(index) else { return 1 };
        match bucket.binary_search(&rest) {
            Err(place) => {
                bucket.insert(place, rest);
                1
            }
            Ok(_) => {
                let times = self.repeated.entry(hash >> 16).or_insert(1);
                *times += 1;
                *times
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_counted_and_different_hashes_kept_apart() {
        let mut seen = Seen::default();
        let hash = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for n in 0..100_000 {
            assert_eq!(seen.note(hash(n)), 1, "{n}");
        }
        assert_eq!((seen.note(hash(7)), seen.note(hash(7)), seen.note(hash(8))), (2, 3, 2));
        let bytes: usize = seen.buckets.iter().map(|bucket| bucket.capacity() * 4).sum();
        assert!(bytes < 100_000 * 12, "{bytes} bytes for 100,000");
    }
}
