//! `haida-hub token add | list | revoke`.

use std::process::ExitCode;

use hub_app::{api_tokens, project};
use serde_json::json;

use crate::{
    cli::TokenCommand,
    output::{Output, table},
    settings::Settings,
};

/// Runs a `token` subcommand.
pub async fn run(settings: &Settings, command: TokenCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let tenant = settings.tenant.as_deref();
    match command {
        TokenCommand::Add { project, name, whole_tenant, days } => {
            let row = project::find(&store, tenant, &project).await?;
            let token = api_tokens::add(&store, &row, whole_tenant, &name, days).await?;
            output.result(&token, || format!("{}\nIt is not shown again; the hub keeps its digest only.", token.token));
        }
        TokenCommand::List { project } => {
            let row = project::find(&store, tenant, &project).await?;
            let tokens = api_tokens::list(&store, &row).await?;
            output.result(&tokens, || {
                let rows = tokens.iter().map(|token| {
                    [
                        token.name.clone(),
                        token.project.clone().unwrap_or_else(|| "every project".to_owned()),
                        token.created_at.clone(),
                        token.expires_at.clone().unwrap_or_default(),
                        token.last_used_at.clone().unwrap_or_default(),
                        token.revoked_at.clone().unwrap_or_default(),
                    ]
                });
                table(["name", "opens", "made", "good until", "last used", "revoked"], rows)
            });
        }
        TokenCommand::Revoke { project, name } => {
            let row = project::find(&store, tenant, &project).await?;
            let revoked = api_tokens::revoke(&store, &row, &name).await?;
            output.result(&json!({ "name": name, "revoked": revoked }), || match revoked {
                true => format!("the token {name} opens nothing any more"),
                false => format!("there is no token {name}"),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}
