//! What happens in a world, line by line, for whoever replays a seed: `HUB_TRACE=1`.

use std::{cell::Cell, sync::OnceLock};

use tokio::time::Instant;

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The moment from which lines are counted.
pub fn begin(at: Instant) {
    BEGAN.set(Some(at));
}

/// Writes a line where a trace is wanted.
pub fn trace(line: impl FnOnce() -> String) {
    static WANTED: OnceLock<bool> = OnceLock::new();
    if *WANTED.get_or_init(|| std::env::var_os("HUB_TRACE").is_some()) {
        let at = BEGAN.get().map(|began| began.elapsed().as_secs_f64()).unwrap_or_default();
        println!("{at:9.3} {}", line());
    }
}
