//! `haida-hub sync`.

use std::process::ExitCode;

use hub_app::{
    project,
    publish::{self, Context, SyncReport, Tally},
};

use crate::{
    cli::SyncArgs,
    failure::exit,
    output::{Output, table},
    progress::Show,
    settings::Settings,
};

/// Publishes what differs.
pub async fn run(settings: &Settings, arguments: SyncArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), &arguments.project).await?;
    project::refuse_archived(&row)?;
    let show = Show::new(*output);
    let context = Context::new(&store, &row, hub_app::new_correlation(), &show);
    let report = publish::sync(&context, &store, arguments.wait).await;
    show.finish();
    let report = report?;
    output.result(&report, || text(&report));
    Ok(ExitCode::from(if report.dead > 0 { exit::REMOTE } else { exit::DONE }))
}

/// The report for people.
pub fn text(report: &SyncReport) -> String {
    let row = |name: &str, tally: &Tally| {
        [
            name.to_owned(),
            tally.created.to_string(),
            tally.updated.to_string(),
            tally.adopted.to_string(),
            tally.waiting.to_string(),
            tally.uncertain.to_string(),
            tally.refused.to_string(),
        ]
    };
    let rows = [
        row("issues", &report.issues),
        row("pages", &report.pages),
        row("issue links", &report.issue_links),
        row("page links", &report.remote_links),
    ];
    let mut text = table(["", "created", "updated", "adopted", "waiting", "uncertain", "refused"], rows);
    text.push_str(&format!("\n{} calls wrote and {} read", report.calls.writes, report.calls.reads));
    if report.waiting + report.uncertain > 0 {
        text.push_str(&format!(
            "; {} publications wait and {} are uncertain: `haida-hub sync --wait` goes on, `haida-hub status` says why",
            report.waiting, report.uncertain
        ));
    }
    if report.dead > 0 {
        text.push_str(&format!("; {} are refused: `haida-hub status` says why", report.dead));
    }
    text
}
