//! `haida-hub project add`, `configure`, `archive` and `unarchive`.

use std::{io::Read as _, path::Path, process::ExitCode};

use hub_app::{
    AppError,
    project::{self, AddProject},
};
use hub_domain::vocabulary::Locale;
use serde_json::json;

use crate::{
    cli::{LocaleArg, ProjectAddArgs},
    output::Output,
    settings::Settings,
};

/// Adds a project.
pub async fn add(settings: &Settings, arguments: ProjectAddArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let add = AddProject {
        tenant: settings.tenant.clone().unwrap_or_else(|| "default".to_owned()),
        key: arguments.key,
        name: arguments.name,
        locale: match arguments.locale {
            LocaleArg::En => Locale::En,
            LocaleArg::Es => Locale::Es,
        },
        site: arguments.site,
        jira_project: arguments.jira_project,
        confluence_space: arguments.confluence_space,
        account_email: arguments.account_email,
        credential: arguments.credential,
        label_marker: arguments.label_marker,
        update: arguments.update,
    };
    // Everything that can be told without a database is told without one.
    project::check(&add)?;
    let store = super::open(settings).await?;
    let row = project::add(&store, &add).await?;
    output.result(&json!({ "project": row.key.as_str(), "id": row.id.to_string(), "tenant": row.tenant_slug }), || {
        format!("project {} is ready (tenant {})", row.key, row.tenant_slug)
    });
    Ok(ExitCode::SUCCESS)
}

/// Sets what the team decides about its project, or shows it.
pub async fn configure(
    settings: &Settings,
    key: &str,
    file: Option<&Path>,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    // A mistake in the file is told without a database.
    let new = file.map(|path| hub_app::settings::parse(&text_of(path)?)).transpose()?;
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), key).await?;
    let Some(new) = new else {
        let current = hub_app::settings::load(&store, &row).await?;
        let text = hub_app::settings::write(&current)?;
        output.result(&serde_json::to_value(&current)?, || text.trim_end().to_owned());
        return Ok(ExitCode::SUCCESS);
    };
    let changed = hub_app::settings::save(&store, &row, &new).await?;
    output.result(&json!({ "project": row.key.as_str(), "changed": changed }), || match changed {
        true => format!("the settings of project {} are saved", row.key),
        false => format!("the settings of project {} are as they were", row.key),
    });
    Ok(ExitCode::SUCCESS)
}

fn text_of(path: &Path) -> Result<String, AppError> {
    let failed = |source| AppError::File { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Archives a project, or takes it up again.
pub async fn archive(settings: &Settings, key: &str, archived: bool, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), key).await?;
    let changed = match archived {
        true => project::archive(&store, &row).await?,
        false => project::unarchive(&store, &row).await?,
    };
    output.result(
        &json!({ "project": row.key.as_str(), "archived": archived, "changed": changed }),
        || match archived {
            true => format!("project {} is archived: nothing of it is published", row.key),
            false => format!("project {} is published again", row.key),
        },
    );
    Ok(ExitCode::SUCCESS)
}
