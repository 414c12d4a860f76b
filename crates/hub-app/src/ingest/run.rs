//! The run of an ingest: its id, its reports' ids, and the run itself as an entity computed from its rows.

use std::collections::BTreeSet;

use hub_domain::{
    ContentHash, Entity, EntityKind, ExternalId, Moment,
    entity::{EntityFacts, Identity, Origin, Release, Run},
    insight::{MAX_TREND_RUNS, RunInsight},
    settings::ProjectSettings,
};
use hub_formats::{Holds, Look, Options};
use hub_pipeline::{
    enrich::{incident, requirements, trend},
    normalise::PRECEDENCE_DOCUMENT,
    words,
};
use hub_store::{Change, ProjectRow, RunMonth, Store, WorkerTx};

use super::{
    RunArguments,
    files::{Digest, File},
};
use crate::AppError;

/// Reads a run's id.
pub fn id(text: &str) -> Result<ExternalId, AppError> {
    external("--run", text)
}

fn external(argument: &str, text: &str) -> Result<ExternalId, AppError> {
    ExternalId::new(text)
        .map_err(|e| AppError::Argument { what: format!("{argument} {text:?}"), rule: e.rule.to_owned() })
}

/// The run of a table of results for which nobody named one: its content. A table that people keep has no run of its own
/// and no date, and a changed one is another run. Reports of tools need a run that is named.
pub fn of_table(file: &File, digest: &Digest, settings: &ProjectSettings) -> Option<RunArguments> {
    let options = Options { tables: settings.tables.clone() };
    let [part] = file.parts.as_slice() else { return None };
    let (Ok(Look::Report(format)), _) = part.content.with(|read| hub_formats::look(read, &options)).ok()? else {
        return None;
    };
    let is_table = format.holds == Holds::Results && format.name.starts_with("csv-");
    let id = format!("csv-{}", digest.hash.short());
    is_table.then(|| RunArguments { id, title: Some(file.name.clone()), ..RunArguments::default() })
}

/// The id of a report: its run and its file; a long one ends in its hash.
pub fn report_id(run: &ExternalId, name: &str) -> Result<ExternalId, AppError> {
    let plain = format!("{run}/{name}");
    ExternalId::new(plain.as_str()).or_else(|_| {
        let hash = ContentHash::of_bytes(plain.as_bytes()).short();
        external("the file name", &format!("report-{hash}"))
    })
}

/// The month of a run's rows: the one in which it was first seen.
pub async fn month(store: &Store, project: &ProjectRow, run: &ExternalId) -> Result<RunMonth, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let month = tx.ensure_run(project.id, run, Some(Moment::now_utc().date())).await?;
    tx.commit().await?;
    Ok(month)
}

/// Saves the run as its rows say now. What the command leaves out stays as an earlier one said. A run is there once it is
/// reported on; later commands may change what they say of it, although their files were taken before. The environment
/// that rows name counts with the number of rows: a single file read again does not decide for the others. Returns how
/// many entities changed.
pub async fn save(
    store: &Store,
    project: &ProjectRow,
    id: &ExternalId,
    arguments: &RunArguments,
    reported: bool,
    source_environment: Option<(String, u64)>,
    touched: &mut BTreeSet<Identity>,
) -> Result<u64, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let changed = save_within(&tx, project, id, arguments, reported, source_environment, touched).await?;
    tx.commit().await?;
    Ok(changed)
}

/// The same in the transaction that saved its rows.
pub async fn save_within(
    tx: &WorkerTx,
    project: &ProjectRow,
    id: &ExternalId,
    arguments: &RunArguments,
    reported: bool,
    source_environment: Option<(String, u64)>,
    touched: &mut BTreeSet<Identity>,
) -> Result<u64, AppError> {
    let identity = Identity { kind: EntityKind::Run, external_id: id.clone() };
    let before = match tx.entity(project.id, &identity).await?.map(|e| e.entity.facts) {
        Some(EntityFacts::Run(run)) => Some(run),
        Some(_) | None => None,
    };
    if before.is_none() && !reported {
        return Ok(0);
    }
    let kept = |new: Option<String>, old: fn(&Run) -> Option<String>| new.or_else(|| before.as_ref().and_then(old));
    let release = match &arguments.release {
        Some(text) => Some(external("--release", text)?),
        None => before.as_ref().and_then(|r| r.release.clone()),
    };
    let counts = tx.run_counts(project.id, id).await?;
    let known = before.as_ref().and_then(|r| r.source_environment.clone());
    let named = source_environment.filter(|(_, rows)| known.is_none() || rows.saturating_mul(2) > counts.total());
    let word = arguments.environment.clone().or(named.map(|(name, _)| name)).or(known);
    let mut run = Run {
        title: kept(arguments.title.clone(), |r| Some(r.title.clone())).unwrap_or_else(|| id.as_str().to_owned()),
        release: release.clone(),
        environment: word.as_deref().and_then(words::environment),
        source_environment: word,
        platform: kept(arguments.platform.as_deref().map(words::key), |r| r.platform.clone()),
        devices: tx.run_devices(project.id, id).await?,
        started_at: tx.run_started(project.id, id).await?,
        duration_ms: tx.run_duration_ms(project.id, id).await?,
        counts,
        coverage: tx.cases_executed(project.id, id).await?,
        insight: RunInsight::default(),
    };
    run.insight = insight(tx, project, id, &run).await?;
    let origin = || Origin { source: "hub".to_owned(), precedence: PRECEDENCE_DOCUMENT, line: None };
    let mut entities = vec![Entity { external_id: id.clone(), origin: origin(), facts: EntityFacts::Run(run) }];
    if let Some(release) = release {
        let facts = EntityFacts::Release(Release { name: release.as_str().to_owned() });
        entities.push(Entity { external_id: release, origin: origin(), facts });
    }
    let mut changed = 0;
    for upserted in tx.upsert_entities(project.id, &entities).await? {
        changed += u64::from(matches!(upserted.changed, Change::Inserted | Change::Updated));
        touched.insert(upserted.identity);
    }
    Ok(changed)
}

/// What is concluded of the run from its rows and from the runs of its series before it. Kept with the run, so that its page
/// says the same when later runs have come.
async fn insight(tx: &WorkerTx, project: &ProjectRow, id: &ExternalId, run: &Run) -> Result<RunInsight, AppError> {
    let groups: Vec<incident::Group> = tx
        .cause_groups(project.id, id)
        .await?
        .into_iter()
        .map(|g| incident::Group { cause: g.cause, signature: g.signature, failed: g.failed, example: g.example })
        .collect();
    let (rows, untraced) = tx.requirements(project.id, id).await?;
    let traced = rows
        .into_iter()
        .map(|r| requirements::Traced {
            requirement: r.requirement,
            cases: r.cases,
            known: r.known,
            executed: r.executed,
            passed: r.passed,
            failed: r.failed,
        })
        .collect();
    let series = trend::series(&run.title, run.environment.as_deref(), run.platform.as_deref());
    tx.place_in_series(project.id, id, &series, run.started_at).await?;
    let earlier = tx.earlier_runs(project.id, &series, id, MAX_TREND_RUNS).await?;
    let changed = match earlier.first() {
        Some(before) => tx.changed_cases(project.id, id, &before.run).await?,
        None => Vec::new(),
    };
    Ok(RunInsight {
        incident: incident::of(&run.counts, &groups),
        requirements: requirements::of(traced, untraced).map(Box::new),
        trend: trend::compare(&run.counts, earlier, &changed).map(Box::new),
    })
}
