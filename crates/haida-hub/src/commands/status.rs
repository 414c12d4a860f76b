//! `haida-hub status`.

use std::process::ExitCode;

use hub_app::{
    project,
    status::{self, ProjectStatus},
};

use crate::{
    cli::StatusArgs,
    output::{Output, table},
    settings::Settings,
};

/// Shows what stands where.
pub async fn run(settings: &Settings, arguments: StatusArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let rows = match &arguments.project {
        Some(key) => vec![project::find(&store, settings.tenant.as_deref(), key).await?],
        None => project::all(&store).await?,
    };
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        all.push(status::of(&store, row).await?);
    }
    output.result(&all, || match all.as_slice() {
        [] => "there is no project yet: `haida-hub project add`".to_owned(),
        some => some.iter().map(text).collect::<Vec<_>>().join("\n\n"),
    });
    Ok(ExitCode::SUCCESS)
}

fn text(one: &ProjectStatus) -> String {
    let entities: Vec<String> = one.entities.iter().map(|(kind, n)| format!("{n} {}", kind.as_str())).collect();
    let mut text = format!(
        "{} ({}) at {}: Jira {}, Confluence {}\n{}\n",
        one.project,
        one.name,
        one.site,
        one.jira_project,
        one.confluence_space,
        if entities.is_empty() { "nothing taken yet".to_owned() } else { entities.join(", ") }
    );
    let rows = one.publications.iter().map(|p| [p.object.as_str().to_owned(), p.state.to_owned(), p.count.to_string()]);
    text.push_str(&table(["object", "state", "count"], rows));
    if one.archived {
        text.push_str("\nThe project is archived: nothing of it is published.");
    }
    for lane in one.lanes.iter().filter(|lane| lane.code.is_some()) {
        let code = lane.code.as_deref().unwrap_or_default();
        let hint = hub_domain::codes::find(code).map_or("", |code| code.hint);
        text.push_str(&format!(
            "\n{code} the lane {} waits after {} stops: {}\n    {hint}",
            lane.kind,
            lane.stops,
            lane.message.as_deref().unwrap_or_default()
        ));
    }
    for cause in &one.causes {
        let hint = hub_domain::codes::find(&cause.code).map_or("", |code| code.hint);
        text.push_str(&format!(
            "\n{} {} {} {}: {}\n    {hint}",
            cause.code,
            cause.count,
            cause.object.as_str(),
            cause.state,
            cause.message
        ));
    }
    if let Some(since) = &one.creates_held_since {
        text.push_str(&format!(
            "\ncreates are held since {since}: the database lost its latest commits, as by a restore\n    \
             Keep `haida-hub work` or `sync --wait` running: they look at the site after two minutes and go on."
        ));
    }
    if !one.findings.is_empty() {
        text.push('\n');
        text.push_str(&super::audit::findings(&one.findings));
    }
    text
}
