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

use crate::{
    cli::{Cli, Command},
    failure::Coded,
    output::Output,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let output = Output::new(cli.json);
    telemetry::start(cli.verbose, matches!(cli.command, Command::Work(_) | Command::Serve(_)), cli.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.unexpected(&error.into()),
    };
    // As a task beside those of the connections: the runtime keeps who talks to whom on one processor, and a wait for the
    // database does not wake another one for every answer.
    let command = runtime.spawn(async move { commands::run(cli, &output).await });
    match runtime.block_on(command) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => output.unexpected(&error),
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

/// A command line that is not one, in the form that it asks for; help and version are answers, not failures.
fn not_understood(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().skip(1).any(|argument| argument == "--json") {
        let said = error.render().to_string();
        let what = said.lines().map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let what = what.strip_prefix("error: ").unwrap_or(&what);
        return Output::new(true).unexpected(&Coded::setting(format!("read the command line: {what}")).into());
    }
    // Where nobody reads it, there is nobody to tell.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::exit::SETTING))
}
