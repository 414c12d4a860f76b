//! What a team decides about its project: TOML in, checked, kept, and read back by whoever needs it.

use hub_domain::settings::ProjectSettings;
use hub_store::{ProjectRow, Store};
use serde_json::Value;

use crate::{AppError, plan};

/// Reads settings from TOML.
///
/// # Errors
/// [`AppError::Settings`], with every mistake in one message.
pub fn parse(text: &str) -> Result<ProjectSettings, AppError> {
    let settings: ProjectSettings =
        toml::from_str(text).map_err(|error| AppError::Settings { mistakes: error.to_string().trim().to_owned() })?;
    let mistakes = settings.mistakes();
    if mistakes.is_empty() { Ok(settings) } else { Err(AppError::Settings { mistakes: mistakes.join("; ") }) }
}

/// The settings of a project; what most teams want where nothing was said.
///
/// # Errors
/// The database's; [`AppError::Settings`] where a newer hub saved a word that this one does not know.
pub async fn load(store: &Store, project: &ProjectRow) -> Result<ProjectSettings, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let saved = tx.settings(project.id).await?;
    tx.commit().await?;
    match saved {
        None => Ok(ProjectSettings::default()),
        Some(saved) => read(saved),
    }
}

/// Settings as they were saved.
pub(crate) fn read(saved: Value) -> Result<ProjectSettings, AppError> {
    serde_json::from_value(saved).map_err(|error| AppError::Settings { mistakes: error.to_string() })
}

/// Saves the settings of a project. Returns whether they changed.
///
/// # Errors
/// The database's.
pub async fn save(store: &Store, project: &ProjectRow, settings: &ProjectSettings) -> Result<bool, AppError> {
    let value: Value =
        serde_json::to_value(settings).map_err(|error| AppError::Settings { mistakes: error.to_string() })?;
    let before = load(store, project).await.unwrap_or_default();
    let tx = store.worker(project.tenant_id).await?;
    let changed = tx.save_settings(project.id, &value).await?;
    if changed {
        // What held a lane up may be what was changed.
        tx.wake_lanes(project.id).await?;
    }
    tx.commit().await?;
    if before.evidence.public_url != settings.evidence.public_url {
        // The address stands in every link on issues and pages.
        plan::everything(store, project).await?;
    }
    Ok(changed)
}

/// Settings as TOML.
///
/// # Errors
/// [`AppError::Settings`], which settings that were read never cause.
pub fn write(settings: &ProjectSettings) -> Result<String, AppError> {
    toml::to_string_pretty(settings).map_err(|error| AppError::Settings { mistakes: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_and_mistakes_are_named_together() {
        let settings = parse(concat!(
            "time_zone = \"Europe/Madrid\"\nprecedence = [\"master*.csv\", \"table:ours\"]\n",
            "[[tables]]\nname = \"ours\"\nholds = \"cases\"\ncolumns = { \"Ref\" = \"id\", \"Qué\" = \"title\" }\n",
            "constants = { component = \"Tienda\" }\n",
        ))
        .unwrap();
        assert_eq!(parse(&write(&settings).unwrap()).unwrap(), settings);
        let error = parse("[[tables]]\nname = \"Ours\"\n[[sources]]\nname = \"\"\n").unwrap_err().to_string();
        assert!(error.contains("Ours") && error.contains("sources"), "{error}");
        let error = parse("[tabels]\n").unwrap_err().to_string();
        assert!(error.contains("tabels"), "{error}");
    }
}
