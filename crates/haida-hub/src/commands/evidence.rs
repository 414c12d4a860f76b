//! `haida-hub evidence list | expire | hold | release | check`.

use std::process::ExitCode;

use hub_app::{
    evidence::{
        check::{self, Checked},
        end::{self, Expired},
        list::{self, EvidenceList},
    },
    project,
};
use serde_json::json;

use crate::{
    cli::EvidenceCommand,
    failure::exit,
    output::{Output, table},
    settings::Settings,
};

/// Runs an `evidence` subcommand.
pub async fn run(settings: &Settings, command: EvidenceCommand, output: &Output) -> anyhow::Result<ExitCode> {
    let store = super::open(settings).await?;
    let tenant = settings.tenant.as_deref();
    let home = super::evidence_home(settings);
    match command {
        EvidenceCommand::List { project, run, limit } => {
            let row = project::find(&store, tenant, &project).await?;
            let list = list::list(&store, &row, run.as_deref(), limit).await?;
            output.result(&list, || list_text(&list));
        }
        EvidenceCommand::Expire { project, dry_run } => {
            let row = project::find(&store, tenant, &project).await?;
            let expired = end::expire(&store, &row, &home, dry_run).await?;
            output.result(&expired, || expired_text(&expired));
        }
        EvidenceCommand::Hold { project, run } => {
            let row = project::find(&store, tenant, &project).await?;
            let changed = list::hold(&store, &row, &run, true).await?;
            output.result(&json!({ "run": run, "held": true, "changed": changed }), || {
                format!("the evidence of run {run} is held, {changed} pieces of it since now")
            });
        }
        EvidenceCommand::Release { project, run } => {
            let row = project::find(&store, tenant, &project).await?;
            let changed = list::hold(&store, &row, &run, false).await?;
            output.result(&json!({ "run": run, "held": false, "changed": changed }), || {
                format!("the evidence of run {run} goes by the project's rules again: {changed} pieces")
            });
        }
        EvidenceCommand::Check { project, delete_orphans } => {
            let row = project::find(&store, tenant, &project).await?;
            let checked = check::check(&store, &row, &home, delete_orphans).await?;
            output.result(&checked, || checked_text(&checked));
            let clean = checked.lost_found == 0 && checked.orphans_found == checked.orphans_deleted;
            return Ok(ExitCode::from(if clean { exit::DONE } else { exit::EVIDENCE }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list_text(list: &EvidenceList) -> String {
    if list.totals.is_empty() {
        return "there is no evidence".to_owned();
    }
    let rows = list.evidence.iter().map(|e| {
        let until = e.expired_at.as_ref().or(e.expires_at.as_ref()).cloned().unwrap_or_default();
        [
            e.run.clone(),
            e.test_case.clone().unwrap_or_default(),
            e.name.clone(),
            e.kind.to_owned(),
            e.result.to_owned(),
            if e.legal_hold { format!("{}, held", e.state) } else { e.state.to_owned() },
            e.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
            until.split('T').next().unwrap_or_default().to_owned(),
            e.link.clone().or_else(|| e.error.clone()).unwrap_or_default(),
        ]
    });
    let header = ["run", "test case", "name", "kind", "result", "state", "bytes", "until", "link or reason"];
    let totals: Vec<String> =
        list.totals.iter().map(|(state, n, bytes)| format!("{n} {state} ({bytes} bytes)")).collect();
    format!("{}\nthe whole project: {}", table(header, rows), totals.join(", "))
}

fn expired_text(expired: &Expired) -> String {
    let rows = expired.evidence.iter().map(|e| {
        [e.run.clone(), e.name.clone(), e.kind.to_owned(), e.result.to_owned(), e.created_at.clone(), e.token.clone()]
    });
    let mut text = String::new();
    if !expired.evidence.is_empty() {
        text = table(["run", "name", "kind", "result", "since", "token"], rows);
        text.push('\n');
    }
    let (n, bytes, held) = (expired.expired, expired.bytes, expired.held);
    text.push_str(&if expired.dry_run {
        format!("{n} pieces of {bytes} bytes would go; {held} stay because they are held")
    } else {
        format!(
            "{n} pieces are expired and {} objects deleted; {held} stay because they are held",
            expired.objects_deleted
        )
    });
    text
}

fn checked_text(checked: &Checked) -> String {
    let mut text = format!("{} objects of {} bytes", checked.objects, checked.bytes);
    for (what, found, keys) in [
        ("objects that no row names", checked.orphans_found, &checked.orphans),
        ("rows whose object is not there", checked.lost_found, &checked.lost),
    ] {
        text.push_str(&format!("\n{found} {what}"));
        for key in keys {
            text.push_str(&format!("\n    {key}"));
        }
    }
    if checked.orphans_deleted > 0 {
        text.push_str(&format!("\n{} objects are deleted", checked.orphans_deleted));
    }
    text
}
