//! Log lines on standard error: warnings by default, more with -v. `RUST_LOG` overrides. Standard output is for results.

use tracing_subscriber::EnvFilter;

/// What a worker says of itself by default. The queue's engine and the pools repeat each lost connection many times over,
/// and the engine says jobs with their arguments; the worker says each once, with its code.
const WORKER: &str = "warn,haida_hub=info,hub_app=info,hub_api=info,hub_store=info,graphile_worker=off,deadpool=error";

/// Starts logging. A worker's log is its only voice: it says more, and as JSON lines where `json` asks for it.
pub fn start(verbose: u8, worker: bool, json: bool) {
    let level = match verbose {
        0 if worker => WORKER,
        0 => "warn",
        1 => "info",
        2.. => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second start, as in tests, keeps the first.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if worker && json { log.json().flatten_event(true).try_init() } else { log.try_init() };
}
