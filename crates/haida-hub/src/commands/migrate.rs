//! `haida-hub migrate`.

use std::process::ExitCode;

use hub_app::database;
use serde_json::json;

use crate::{output::Output, settings::Settings};

/// Brings the database to this version's schema.
pub async fn run(settings: &Settings, output: &Output) -> anyhow::Result<ExitCode> {
    let applied = database::migrate(&super::database_settings(settings)).await?;
    output.result(&json!({ "applied": applied }), || match applied.as_slice() {
        [] => "the database is current".to_owned(),
        names => format!("applied {}", names.join(", ")),
    });
    Ok(ExitCode::SUCCESS)
}
