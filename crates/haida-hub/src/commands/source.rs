//! `haida-hub source pull`, `status` and `sql`.

use std::process::ExitCode;

use hub_app::{
    project,
    source::{self, PullOptions, SourceLine, SourceReport},
};
use hub_domain::codes;
use serde_json::json;

use crate::{
    cli::{SourceCommand, SourcePullArgs},
    failure::{exit, exit_code},
    output::{Output, table},
    settings::Settings,
};

/// Runs the subcommand.
pub async fn run(settings: &Settings, command: SourceCommand, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        SourceCommand::Pull(arguments) => pull(settings, arguments, output).await,
        SourceCommand::Status { project } => status(settings, &project, output).await,
        SourceCommand::Sql(arguments) => {
            let sql = if arguments.outbox { source::OUTBOX } else { source::ROLE };
            output.result(&json!({ "sql": sql }), || sql.trim_end().to_owned());
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn pull(settings: &Settings, arguments: SourcePullArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), &arguments.project).await?;
    let options = PullOptions {
        source: arguments.source.as_deref(),
        full: arguments.full,
        accept_shrink: arguments.accept_shrink,
        due_only: false,
    };
    let reports = source::pull(&store, &row, options, &|| false).await?;
    output.result(&json!({ "sources": reports }), || text(&reports));
    let stopped = reports.iter().find_map(SourceReport::stopped).and_then(codes::find);
    Ok(ExitCode::from(stopped.map_or(exit::DONE, exit_code)))
}

/// What a pull did, for people: a row a stream, then what is wrong.
fn text(reports: &[SourceReport]) -> String {
    if reports.is_empty() {
        return "the project has no sources: name them in its settings (docs/sources.md)".to_owned();
    }
    let rows = reports.iter().flat_map(|report| {
        report.streams.iter().map(|stream| {
            [
                report.source.clone(),
                stream.stream.to_owned(),
                stream.state.to_owned(),
                stream.rows.to_string(),
                stream.changed.to_string(),
                stream.deleted.to_string(),
            ]
        })
    });
    let mut text = table(["source", "stream", "state", "read", "changed", "gone"], rows);
    for report in reports {
        let streams = report.streams.iter().map(|s| (s.stream, s.code, s.message.as_deref()));
        for (stream, code, message) in [("", report.code, report.message.as_deref())].into_iter().chain(streams) {
            if let (Some(code), Some(message)) = (code, message) {
                text.push_str(&problem(&report.source, stream, code, message));
            }
        }
    }
    text
}

fn problem(source: &str, stream: &str, code: &str, message: &str) -> String {
    let hint = codes::find(code).map_or("", |code| code.hint);
    let place = if stream.is_empty() { source.to_owned() } else { format!("{source}, {stream}") };
    format!("\n{code} {place}: {message}\n    {hint}")
}

async fn status(settings: &Settings, project: &str, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let row = project::find(&store, settings.tenant.as_deref(), project).await?;
    let lines = source::status(&store, &row).await?;
    output.result(&json!({ "project": row.key.as_str(), "sources": lines }), || status_text(&lines));
    Ok(ExitCode::SUCCESS)
}

fn status_text(lines: &[SourceLine]) -> String {
    if lines.is_empty() {
        return "the project has no sources: name them in its settings (docs/sources.md)".to_owned();
    }
    let when = |at: Option<hub_domain::Moment>| {
        at.map_or_else(|| "-".to_owned(), |at| at.to_string().chars().take(19).collect())
    };
    let rows = lines.iter().map(|line| {
        [
            line.source.clone(),
            if line.stream.is_empty() { "(all)".to_owned() } else { line.stream.clone() },
            line.state.clone(),
            line.rows.to_string(),
            line.lag_ms.map_or_else(|| "-".to_owned(), |lag| format!("{} s", lag / 1_000)),
            when(line.last_ok),
            when(line.since),
        ]
    });
    let mut text = table(["source", "stream", "state", "rows", "behind", "read last", "since"], rows);
    for line in lines {
        if let (Some(code), Some(message)) = (&line.code, &line.message) {
            text.push_str(&problem(&line.source, &line.stream, code, message));
        }
    }
    text
}
