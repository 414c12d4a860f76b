//! The subcommands: each opens what it needs, calls one use case and shows what came of it.

mod audit;
mod demo;
mod demo_site;
mod dlq;
mod evidence;
mod failures;
mod formats;
mod ingest;
mod migrate;
mod project;
mod rejects;
mod serve;
mod source;
mod status;
mod sync;
mod token;
mod work;

use std::process::ExitCode;

use hub_app::{
    Store,
    database::{self, DatabaseSettings},
    evidence::Home,
};

use crate::{
    cli::{Cli, Command, ProjectCommand},
    output::Output,
    settings::Settings,
};

/// Runs the command.
pub async fn run(cli: Cli, output: &Output) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(cli.data_dir.clone(), cli.tenant.clone());
    match cli.command {
        Command::Demo(arguments) => demo::run(&settings, arguments, output).await,
        Command::Migrate => migrate::run(&settings, output).await,
        Command::Project(ProjectCommand::Add(arguments)) => project::add(&settings, arguments, output).await,
        Command::Project(ProjectCommand::Archive { project }) => {
            project::archive(&settings, &project, true, output).await
        }
        Command::Project(ProjectCommand::Unarchive { project }) => {
            project::archive(&settings, &project, false, output).await
        }
        Command::Project(ProjectCommand::Configure { project, file }) => {
            project::configure(&settings, &project, file.as_deref(), output).await
        }
        Command::Work(arguments) => work::run(&settings, arguments, output).await,
        Command::Ingest(arguments) => ingest::run(&settings, arguments, output).await,
        Command::Source(command) => source::run(&settings, command, output).await,
        Command::Sync(arguments) => sync::run(&settings, arguments, output).await,
        Command::Audit(arguments) => audit::run(&settings, arguments, output).await,
        Command::Status(arguments) => status::run(&settings, arguments, output).await,
        Command::Dlq(command) => dlq::run(&settings, command, output).await,
        Command::Failures(command) => failures::run(&settings, command, output).await,
        Command::Rejects(command) => rejects::run(&settings, command, output).await,
        Command::Evidence(command) => evidence::run(&settings, command, output).await,
        Command::Serve(arguments) => serve::run(&settings, arguments, output).await,
        Command::Token(command) => token::run(&settings, command, output).await,
        Command::Formats => Ok(formats::run(output)),
    }
}

fn database_settings(settings: &Settings) -> DatabaseSettings {
    DatabaseSettings {
        url: settings.database_url.clone(),
        data_dir: settings.data_dir.clone(),
        pg_bin: settings.pg_bin.clone(),
        temp_dir: settings.temp_dir.clone(),
    }
}

/// Where evidence goes that has no store of its own.
fn evidence_home(settings: &Settings) -> Home {
    Home::below(&settings.data_dir)
}

async fn open(settings: &Settings) -> anyhow::Result<Store> {
    Ok(database::open(&database_settings(settings)).await?)
}
