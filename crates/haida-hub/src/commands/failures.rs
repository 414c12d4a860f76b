//! `haida-hub failures`: failures across runs, and what a person decides of them.

use std::process::ExitCode;

use hub_app::{failures, project};
use hub_domain::failure::{Failure, FailureState};

use crate::{
    cli::FailuresCommand,
    output::{Output, table},
    settings::Settings,
};

/// Runs a `failures` subcommand.
pub async fn run(settings: &Settings, command: FailuresCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let tenant = settings.tenant.as_deref();
    match command {
        FailuresCommand::List { project, state, limit } => {
            let row = project::find(&store, tenant, &project).await?;
            let found = failures::list(&store, &row, state.as_deref(), limit).await?;
            output.result(&found, || list(&found));
        }
        FailuresCommand::Show { project, fingerprint } => {
            let row = project::find(&store, tenant, &project).await?;
            let failure = failures::show(&store, &row, &fingerprint).await?;
            output.result(&failure, || show(&failure));
        }
        FailuresCommand::Accept { project, fingerprint } => {
            let row = project::find(&store, tenant, &project).await?;
            let failure = failures::accept(&store, &row, &fingerprint).await?;
            output.result(&failure, || {
                let defect = failure.defect.as_ref().map_or("none", |id| id.as_str());
                format!("{fingerprint} is the defect {defect}: `haida-hub sync` publishes it")
            });
        }
        FailuresCommand::Ignore { project, fingerprint } => {
            let row = project::find(&store, tenant, &project).await?;
            let failure = failures::ignore(&store, &row, &fingerprint).await?;
            output.result(&failure, || format!("{fingerprint} is ignored, whatever run shows it"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(failures: &[Failure]) -> String {
    if failures.is_empty() {
        return "there are no failures: with `policy = \"off\"` in [defects] none are remembered".to_owned();
    }
    table(
        ["state", "fingerprint", "runs", "last run", "case", "what failed"],
        failures.iter().map(|f| {
            [
                f.state.as_str().to_owned(),
                f.fingerprint.clone(),
                f.runs.to_string(),
                f.last_run.to_string(),
                f.test_case.as_ref().map_or_else(String::new, ToString::to_string),
                f.title.clone(),
            ]
        }),
    )
}

fn show(failure: &Failure) -> String {
    let mut text = format!(
        "{}\n{} {}, {} runs ({} in a row): first {}, last {}",
        failure.title,
        failure.fingerprint,
        failure.state.as_str(),
        failure.runs,
        failure.consecutive,
        failure.first_run,
        failure.last_run
    );
    let defect = failure.defect.as_ref().map(|id| format!("defect {id}"));
    let case = failure.test_case.as_ref().map(|id| format!("case {id}"));
    for said in [case, defect, failure.message.clone(), failure.details.clone()].into_iter().flatten() {
        text.push('\n');
        text.push_str(&said);
    }
    if failure.state == FailureState::Proposed {
        text.push_str("\naccept it as a defect with `haida-hub failures accept`, or let it be with `failures ignore`");
    }
    text
}
