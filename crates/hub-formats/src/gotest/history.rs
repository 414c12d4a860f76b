//! Earlier executions of the tests of a file: `-count=2`, or reruns of what failed, write a test twice.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

/// Tests that are remembered, 24 bytes each.
const TESTS: usize = 1 << 20;

/// How often each test was executed, and whether one of these failed.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<u64, (u32, bool)>);

impl History {
    /// Adds an execution; returns how many came before it and whether one of them had another outcome.
    pub(super) fn add(&mut self, package: &str, test: &str, failed: bool) -> (u32, bool) {
        let mut hasher = DefaultHasher::new();
        (package, test).hash(&mut hasher);
        let key = hasher.finish();
        if self.0.len() >= TESTS && !self.0.contains_key(&key) {
            return (0, false);
        }
        let (count, any_failed) = self.0.entry(key).or_default();
        let before = (*count, *any_failed);
        *count = count.saturating_add(1);
        *any_failed |= failed;
        before
    }
}
