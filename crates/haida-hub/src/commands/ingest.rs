//! `haida-hub ingest`.

use std::process::ExitCode;

use hub_app::{
    evidence::Tally,
    ingest::{self, IngestReport, RunArguments},
    project,
};

use crate::{
    cli::IngestArgs,
    failure::exit,
    output::{Output, table},
    progress::Show,
    settings::Settings,
};

/// Takes files into a project.
pub async fn run(settings: &Settings, arguments: IngestArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), &arguments.project).await?;
    let run = arguments.run.map(|id| RunArguments {
        id,
        title: arguments.title,
        release: arguments.release,
        environment: arguments.env,
        platform: arguments.platform,
    });
    let show = Show::new(*output);
    let home = super::evidence_home(settings);
    let report = ingest::ingest(&store, &row, &arguments.files, run.as_ref(), arguments.again, &home, &show).await;
    show.finish();
    let report = report?;
    output.result(&report, || text(&report));
    Ok(ExitCode::from(if report.incomplete() { exit::INPUT } else { exit::DONE }))
}

/// The report for people: a row a file, then what is wrong.
pub fn text(report: &IngestReport) -> String {
    let rows = report.files.iter().map(|f| {
        let state = match (f.format, f.already_taken, f.stopped) {
            (_, true, _) => "taken before",
            (None, ..) => "not read",
            (Some(_), false, true) => "stopped",
            (Some(_), false, false) => "taken",
        };
        [
            f.file.clone(),
            f.format.unwrap_or("-").to_owned(),
            state.to_owned(),
            f.cases.to_string(),
            f.defects.to_string(),
            f.results.total().to_string(),
            f.results.unsuccessful().to_string(),
            f.rejected.to_string(),
        ]
    });
    let mut text = table(["file", "format", "state", "cases", "defects", "results", "failed", "rejected"], rows);
    for problem in report.files.iter().flat_map(|f| &f.problems) {
        text.push_str(&format!("\n{problem}\n    {}", problem.code.hint));
    }
    if report.others.count > 0 {
        text.push_str(&format!("\n{} files are no reports and were passed over:", report.others.count));
        for other in &report.others.examples {
            text.push_str(&format!("\n    {}: {}", other.file, other.reason));
        }
    }
    let evidence = &report.evidence;
    if *evidence != Tally::default() {
        text.push_str(&format!(
            "\nevidence: {} stored, {} stored before, {} linked, {} not handed over, {} refused, {} waiting",
            evidence.stored, evidence.was_there, evidence.linked, evidence.missing, evidence.refused, evidence.pending
        ));
    }
    if let Some(problem) = &evidence.store_problem {
        text.push_str(&format!("\n{}: {}\n    {}", problem.code, problem.message, problem.hint));
    }
    text.push_str(&format!(
        "\n{} entities and {} results are new or changed; {} publications are due",
        report.entities_changed, report.results_changed, report.publications_due
    ));
    let failures = &report.failures;
    if failures.seen > 0 {
        text.push_str(&format!(
            "\n{} failures: {} have a defect, {} are proposed",
            failures.seen, failures.with_defect, failures.proposed
        ));
    }
    if failures.summed_up > 0 {
        let code = &hub_domain::codes::TOO_MANY_FAILURES;
        text.push_str(&format!("\n{} {}: {}\n    {}", code.id, failures.summed_up, code.title, code.hint));
    }
    text
}
