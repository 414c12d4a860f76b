//! `haida-hub migrate`.

use std::process::ExitCode;

use hub_app::database;

use crate::{output::Output, settings::Settings};

/// Brings the database to this version's schema.
pub async fn run(settings: &Settings, output: &Output) -> anyhow::Result<ExitCode> {
    let migrated = database::migrate(&super::database_settings(settings)).await?;
    output.result(&migrated, || {
        let schema = match migrated.applied.as_slice() {
            [] => "the database is current".to_owned(),
            names => format!("applied {}", names.join(", ")),
        };
        match migrated.publications_due {
            0 => schema,
            due => format!("{schema}; {due} publications are due, because this version writes them differently"),
        }
    });
    Ok(ExitCode::SUCCESS)
}
