//! `haida-hub dlq`: the dead letters.

use std::process::ExitCode;

use hub_app::{
    Store,
    dead_letters::{self, DeadLetter, Selection},
    project,
};
use serde_json::json;

use crate::{
    cli::{DlqCommand, DlqSelection},
    output::{Output, table},
    settings::Settings,
};

/// The most letters that `show` looks through; a person reads no more.
const MOST: usize = 100_000;

/// Runs a `dlq` subcommand.
pub async fn run(settings: &Settings, command: DlqCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let tenant = settings.tenant.as_deref();
    match command {
        DlqCommand::List { project, cause, limit } => {
            let row = project::find(&store, tenant, &project).await?;
            let letters = dead_letters::list(&store, &row, cause.as_deref(), limit).await?;
            output.result(&letters, || list(&letters));
        }
        DlqCommand::Show { project, publication } => {
            let row = project::find(&store, tenant, &project).await?;
            let letters = dead_letters::list(&store, &row, None, MOST).await?;
            let letter = letters.into_iter().find(|letter| letter.publication == publication);
            output.result(&letter, || letter.as_ref().map_or_else(|| "there is no such dead letter".to_owned(), show));
        }
        DlqCommand::Retry(arguments) => {
            let (store, row, selection) = select(store, tenant, arguments).await?;
            let revived = dead_letters::retry(&store, &row, &selection).await?;
            output.result(&json!({ "revived": revived }), || {
                format!("{revived} dead letters are due again: `haida-hub sync` publishes them")
            });
        }
        DlqCommand::Discard(arguments) => {
            let (store, row, selection) = select(store, tenant, arguments).await?;
            let discarded = dead_letters::discard(&store, &row, &selection).await?;
            output.result(&json!({ "discarded": discarded }), || {
                format!("{discarded} dead letters are given up until their content changes")
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn select(
    store: Store,
    tenant: Option<&str>,
    arguments: DlqSelection,
) -> anyhow::Result<(Store, hub_app::ProjectRow, Selection)> {
    let row = project::find(&store, tenant, &arguments.project).await?;
    Ok((store, row, Selection { cause: arguments.cause, publications: arguments.publications }))
}

fn list(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return "there are no dead letters".to_owned();
    }
    table(
        ["code", "publication", "what the site said"],
        letters.iter().map(|l| [l.code.clone(), l.publication.clone(), l.message.clone()]),
    )
}

fn show(letter: &DeadLetter) -> String {
    let status = letter.status.map(|s| format!(" (HTTP {s})")).unwrap_or_default();
    let remote = letter.remote.as_ref().map(|r| format!("\nat the site: {r}")).unwrap_or_default();
    format!(
        "{}\n{}{status}: {}\nafter {} attempts{remote}\n{}",
        letter.publication, letter.code, letter.message, letter.attempts, letter.hint
    )
}
