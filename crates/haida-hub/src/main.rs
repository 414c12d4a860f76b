//! `haida-hub`: publishes QA truth from Postgres to Jira and Confluence. One program, a subcommand per task, each a file
//! under `commands`; settings are read once (`settings`), failures become exit codes in one place (`failure`).

mod cli;
mod commands;
mod failure;
mod output;
mod progress;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, output::Output};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    telemetry::start(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.unexpected(&error.into()),
    };
    match runtime.block_on(commands::run(cli, &output)) {
        Ok(code) => code,
        Err(error) => output.unexpected(&error),
    }
}
