//! `haida-hub work`: a worker. Any number of them share one database.

use std::process::ExitCode;

use hub_app::lanes::{
    Stop,
    worker::{self, WorkOptions, WorkReport},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{cli::WorkArgs, failure::Coded, output::Output, settings::Settings};

/// Works until it is asked to end: Ctrl-C, `kill`, a service manager, or a terminal that closes.
pub async fn run(settings: &Settings, arguments: WorkArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let stop = Stop::new();
    listen(&stop).map_err(|error| Coded::setting(format!("listen to signals: {error}")))?;
    let store = super::open(settings).await?;
    let options =
        WorkOptions { concurrency: usize::from(arguments.concurrency.get()), until_idle: arguments.until_idle };
    let report = worker::work(store, super::evidence_home(settings), options, stop).await?;
    output.result(&report, || text(&report));
    Ok(ExitCode::SUCCESS)
}

/// Turns signals into the wish to stop. Registered before anything is opened, so that none ends the process by itself.
pub(super) fn listen(stop: &Stop) -> std::io::Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            if signals.recv().await.is_some() {
                tracing::info!("asked to stop: finishing what is on its way");
                stop.ask();
            }
        });
    }
    Ok(())
}

fn text(report: &WorkReport) -> String {
    format!("{} publications were handled in {} runs", report.handled, report.runs)
}
