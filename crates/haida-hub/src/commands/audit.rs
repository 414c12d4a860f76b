//! `haida-hub audit`.

use std::process::ExitCode;

use hub_app::{
    audit::{self, AuditReport, FindingLine},
    project,
    publish::{Context, Session},
};

use crate::{
    cli::AuditArgs,
    output::{Output, table},
    progress::Show,
    settings::Settings,
};

/// Compares the sites with the ledger.
pub async fn run(settings: &Settings, arguments: AuditArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), &arguments.project).await?;
    let show = Show::new(*output);
    let context = Context::new(&store, &row, hub_app::new_correlation(), &show);
    let report = audit::run(&store, &context, &mut Session::new()).await;
    show.finish();
    let report = report?;
    output.result(&report, || text(&report));
    Ok(ExitCode::SUCCESS)
}

fn text(report: &AuditReport) -> String {
    let mut text = format!(
        "{} issues and {} pages compared, keys looked through up to {}, {} calls\n",
        report.issues, report.pages, report.keys_upto, report.calls.reads
    );
    if report.findings.is_empty() {
        text.push_str("the sites hold what was published");
    } else {
        text.push_str(&findings(&report.findings));
    }
    text
}

/// Findings as a table.
pub fn findings(lines: &[FindingLine]) -> String {
    let rows = lines.iter().map(|line| {
        [
            line.kind.to_owned(),
            line.entity.clone(),
            line.remote.clone(),
            if line.healed { "healed" } else { "open" }.to_owned(),
            line.detail.clone(),
        ]
    });
    table(["finding", "entity", "object", "state", "what"], rows)
}
