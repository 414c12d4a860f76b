//! `haida-hub rejects`: what of the files could not be taken or does not count.

use std::process::ExitCode;

use hub_app::{
    RejectFilter, project,
    rejects::{self, Details, Reject, Version},
};

use crate::{
    cli::{RejectsCommand, RejectsListArgs},
    output::{Output, table},
    settings::Settings,
};

/// Runs a `rejects` subcommand.
pub async fn run(settings: &Settings, command: RejectsCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let tenant = settings.tenant.as_deref();
    match command {
        RejectsCommand::List(RejectsListArgs { project, code, file, open: _, all, limit }) => {
            let row = project::find(&store, tenant, &project).await?;
            let found = rejects::list(&store, &row, &RejectFilter { code, file, all }, limit).await?;
            output.result(&found, || list(&found));
        }
        RejectsCommand::Show { project, id } => {
            let row = project::find(&store, tenant, &project).await?;
            let details = rejects::show(&store, &row, id).await?;
            output.result(&details, || show(&details));
        }
        RejectsCommand::Resolve { project, ids, take } => {
            let row = project::find(&store, tenant, &project).await?;
            let done = rejects::resolve(&store, &row, &ids, take).await?;
            output.result(&done, || {
                format!(
                    "{} rejects are resolved; {} entities have other facts now; {} publications are due",
                    done.resolved, done.taken, done.publications_due
                )
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(found: &[Reject]) -> String {
    if found.is_empty() {
        return "there are no open rejects".to_owned();
    }
    table(
        ["id", "code", "where", "subject", "what was found", "resolved"],
        found.iter().map(|reject| {
            [
                reject.id.to_string(),
                reject.code.clone(),
                place(reject),
                reject.subject.clone().unwrap_or_default(),
                reject.message.clone(),
                reject.resolved_by.as_ref().map(|who| format!("by {who}")).unwrap_or_default(),
            ]
        }),
    )
}

fn place(reject: &Reject) -> String {
    let mut place = reject.file.clone();
    for number in [reject.line, reject.column.filter(|_| reject.line.is_some())].into_iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    place
}

fn show(details: &Details) -> String {
    let reject = &details.reject;
    let mut text = format!("{} {}: {}", reject.code, place(reject), reject.message);
    for (name, value) in [("about", &reject.subject), ("run", &reject.run), ("resolved by", &reject.resolved_by)] {
        if let Some(value) = value {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    if let Some(versions) = &details.versions {
        match &versions.counts {
            Some(counts) => text.push_str(&version("what counts", counts)),
            None => text.push_str("\nnothing counts now: the entity is deleted"),
        }
        text.push_str(&version("what was rejected", &versions.rejected));
    }
    text.push_str(&format!("\n{}", details.hint));
    text
}

fn version(what: &str, version: &Version) -> String {
    let facts = serde_json::to_string_pretty(&version.facts).unwrap_or_default();
    format!("\n\n{what}, from {}:\n{facts}", version.source)
}
