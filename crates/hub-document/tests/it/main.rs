//! What the three encoders promise, shown on single nodes and on documents that nobody would write.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a helper of a test fails the test and says what it skips; the lints know test functions only"
)]

mod adf_nodes;
mod contract;
mod draft4;
mod generate;
mod limit;
mod model_text;
mod properties;
mod storage_nodes;
mod storage_reader;
mod wiki_nodes;

use std::path::PathBuf;

/// The folder with the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
