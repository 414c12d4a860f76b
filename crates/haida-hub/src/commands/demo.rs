//! `haida-hub demo`: the whole way on sample data. A private Postgres, a simulated site, the sample's projects taken and
//! published with a progress bar, a summary with addresses, and a second run that finds nothing to do.

mod plan;

use std::process::ExitCode;

use hub_app::{
    Store,
    database::{self, DatabaseSettings},
    evidence::Home,
    ingest, project,
    publish::{self, Context, SyncReport},
    status::{self, Address},
};
use hub_domain::facts::ObjectKind;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::plan::{Plan, PlannedProject};
use super::demo_site::{EMAIL, Site, TOKEN};
use crate::{
    cli::DemoArgs,
    failure::{Coded, exit},
    output::{Output, table},
    progress::Show,
    settings::Settings,
};

/// The most addresses that the summary shows of one project and kind.
const SHOWN: usize = 5;

/// What the demo did with one project.
#[derive(Debug, Serialize)]
struct ProjectSummary {
    project: String,
    name: String,
    cases: u64,
    defects: u64,
    runs: u64,
    results: u64,
    rejected: u64,
    issues: u64,
    pages: u64,
    links: u64,
    first_sync: SyncReport,
    second_sync: SyncReport,
    issue_addresses: Vec<Address>,
    page_addresses: Vec<Address>,
}

/// What the demo did.
#[derive(Debug, Serialize)]
struct Summary {
    site: String,
    projects: Vec<ProjectSummary>,
}

/// The wish to end: Ctrl-C, or the signal that service managers and `kill` send.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Runs the demo.
pub async fn run(settings: &Settings, arguments: DemoArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let plan = Plan::read(&arguments.samples)?;
    let closed = |error: std::io::Error| Coded::setting(format!("make a folder for temporary files: {error}"));
    let folder = tempfile::Builder::new().prefix("haida-hub-demo-").tempdir_in(&settings.temp_dir).map_err(closed)?;
    let token = folder.path().join("token");
    std::fs::write(&token, TOKEN).map_err(closed)?;
    // From here on a signal does not end the process but what it does, so that nothing of it is left.
    let mut end = End::listen()?;
    let log = arguments.log.as_deref();
    let site = Site::start(settings, arguments.port, log, &plan.jira_projects(), &plan.spaces()).await?;
    let database = DatabaseSettings {
        url: settings.database_url.clone(),
        data_dir: folder.path().join("postgres"),
        pg_bin: settings.pg_bin.clone(),
        temp_dir: settings.temp_dir.clone(),
    };
    let outcome = tokio::select! {
        outcome = publish_all(&plan, &database, &site, &token, output) => outcome.map(Some),
        () = end.asked() => Ok(None),
    };
    let code = match outcome {
        Ok(Some((summary, store))) => {
            output.result(&summary, || text(&summary));
            if !arguments.once {
                output.note(format!("\nThe site stays up at {} until Ctrl-C.", site.url));
                end.asked().await;
            }
            drop(store);
            let rejected: u64 = summary.projects.iter().map(|p| p.rejected).sum();
            let dead: u64 = summary.projects.iter().map(|p| p.first_sync.dead).sum();
            Ok(ExitCode::from(match (rejected, dead) {
                (_, 1..) => exit::REMOTE,
                // The samples hold bad records on purpose: they are shown and do not fail the demo.
                (_, 0) => exit::DONE,
            }))
        }
        Ok(None) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    };
    site.stop().await;
    code
}

async fn publish_all(
    plan: &Plan,
    database: &DatabaseSettings,
    site: &Site,
    token: &std::path::Path,
    output: &Output,
) -> anyhow::Result<(Summary, Store)> {
    output.note("starting a private PostgreSQL");
    let store = database::open(database).await?;
    let mut projects = Vec::with_capacity(plan.projects.len());
    for planned in &plan.projects {
        projects.push(publish_one(&store, planned, &site.url, token, output).await?);
    }
    Ok((Summary { site: site.url.clone(), projects }, store))
}

async fn publish_one(
    store: &Store,
    planned: &PlannedProject,
    site: &str,
    token: &std::path::Path,
    output: &Output,
) -> anyhow::Result<ProjectSummary> {
    output.note(format!("\n{} ({})", planned.name, planned.key));
    let row = project::add(store, &planned.add(site, EMAIL, token)).await?;
    let show = Show::new(*output);
    let mut summary = ProjectSummary {
        project: planned.key.clone(),
        name: planned.name.clone(),
        cases: 0,
        defects: 0,
        runs: planned.runs.len() as u64,
        results: 0,
        rejected: 0,
        issues: 0,
        pages: 0,
        links: 0,
        first_sync: SyncReport::default(),
        second_sync: SyncReport::default(),
        issue_addresses: Vec::new(),
        page_addresses: Vec::new(),
    };
    // Beside the token, in the demo's own folder: it goes with the demo.
    let home = Home::below(token.parent().unwrap_or(token));
    for step in planned.steps() {
        let report = ingest::ingest(store, &row, &step.files, step.run.as_ref(), false, &home, &show).await?;
        for file in &report.files {
            summary.cases += file.cases;
            summary.defects += file.defects;
            summary.results += file.results.total();
            summary.rejected += file.rejected + u64::from(file.stopped);
            for problem in &file.problems {
                output.note(format!("  {problem}"));
            }
        }
    }
    let context = |show| Context::new(store, &row, hub_app::new_correlation(), show);
    summary.first_sync = publish::sync(&context(&show), store, true).await?;
    summary.second_sync = publish::sync(&context(&show), store, false).await?;
    show.finish();
    let first = &summary.first_sync;
    summary.issues = first.issues.created + first.issues.adopted;
    summary.pages = first.pages.created;
    summary.links = first.issue_links.created + first.remote_links.created;
    summary.issue_addresses = status::addresses(store, &row, ObjectKind::Issue, usize::MAX).await?;
    summary.page_addresses = status::addresses(store, &row, ObjectKind::Page, usize::MAX).await?;
    Ok(summary)
}

fn text(summary: &Summary) -> String {
    let rows = summary.projects.iter().map(|p| {
        let calls = &p.first_sync.calls;
        let second = &p.second_sync.calls;
        [
            p.project.clone(),
            p.runs.to_string(),
            p.results.to_string(),
            p.issues.to_string(),
            p.pages.to_string(),
            p.links.to_string(),
            p.rejected.to_string(),
            (calls.writes + calls.reads).to_string(),
            (second.writes + second.reads).to_string(),
        ]
    });
    let mut text = table(
        ["project", "runs", "results", "issues", "pages", "links", "rejected", "calls", "calls of a second run"],
        rows,
    );
    for project in &summary.projects {
        text.push_str(&format!("\n\n{} ({})", project.name, project.project));
        for addresses in [&project.issue_addresses, &project.page_addresses] {
            for address in addresses.iter().take(SHOWN) {
                text.push_str(&format!("\n  {}  {}", address.url, address.external_id));
            }
            if addresses.len() > SHOWN {
                text.push_str(&format!("\n  and {} more", addresses.len() - SHOWN));
            }
        }
    }
    text
}
