//! The project's own commands: `cargo xtask demo | test | chaos | ci | tidy`.
//!
//! They live in the workspace, so that a newcomer needs Rust and nothing else, and so that what runs at home is what CI
//! runs. This crate knows no hub crate: it starts the programs like any user would.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod chaos;
mod ci;
mod demo;
mod prerequisites;
mod process;
mod summary;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What `cargo xtask` understands.
#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the hub and the simulator, and publish the sample team on embedded parts.
    Demo(demo::Arguments),
    /// Run every test, with cargo-nextest where it is installed.
    Test(test::Arguments),
    /// Publish under faults: kills, lost answers, restarts and restores; judged by what the site holds.
    Chaos(chaos::Arguments),
    /// Everything that has to hold before a change lands: format, tidy, lints, tests, documentation, licences.
    Ci,
    /// The project's own fast checks: allowed dependencies, file headers, error pages, names.
    Tidy,
}

fn main() -> ExitCode {
    let root = workspace_root();
    let done = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&root, &arguments),
        Command::Test(arguments) => test::command(&root, &arguments),
        Command::Chaos(arguments) => chaos::command(&root, &arguments),
        Command::Ci => Ok(ci::run(&root)),
        Command::Tidy => tidy::command(&root),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder above `xtask`. `cargo run` says at run time where the manifest is, which stays right when a checkout is
/// moved after it was built; the path known at build time serves a binary that is started without cargo.
fn workspace_root() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
