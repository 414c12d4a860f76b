//! Failures: which of a run's failures count, what becomes of them by the team's rules, and what a person decides of them.

use std::collections::{BTreeSet, HashMap};

use hub_domain::{
    Entity, EntityKind, ExternalId,
    entity::{EntityFacts, Identity, Origin, Run},
    failure::{Failure, FailureState},
    settings::MAX_THRESHOLD,
    vocabulary::DefectStatus,
};
use hub_pipeline::{
    enrich::{
        defects::{self, Decision, History, Known, RunSeen, Seen},
        trend,
    },
    fingerprint,
    normalise::PRECEDENCE_HUB_DEFECT,
};
use hub_store::{ProjectRow, RunFailure, Store, WorkerTx};
use serde::Serialize;

use crate::{AppError, plan, settings};

/// What became of a run's failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FailuresReport {
    /// Failures of the run that count.
    pub seen: u64,
    /// Of which wait for a person.
    pub proposed: u64,
    /// Of which have a defect.
    pub with_defect: u64,
    /// New ones that were too many for defects of their own, and became one together.
    pub summed_up: u64,
}

impl FailuresReport {
    /// Adds what became of another run's failures.
    pub fn add(&mut self, other: &Self) {
        self.seen += other.seen;
        self.proposed += other.proposed;
        self.with_defect += other.with_defect;
        self.summed_up += other.summed_up;
    }
}

/// Decides what becomes of the failures of a run, and adds the defects that changed to what is planned next. The same run
/// settled twice writes nothing the second time.
///
/// # Errors
/// The database's, and settings that cannot be read.
pub async fn settle(
    store: &Store,
    project: &ProjectRow,
    run: &ExternalId,
    touched: &mut BTreeSet<Identity>,
) -> Result<FailuresReport, AppError> {
    let rules = settings::load(store, project).await?.defects;
    let tx = store.worker(project.tenant_id).await?;
    let identity = Identity { kind: EntityKind::Run, external_id: run.clone() };
    let facts = match tx.entity(project.id, &identity).await?.map(|row| row.entity.facts) {
        Some(EntityFacts::Run(facts)) if defects::counts(&rules, facts.environment.as_deref()) => facts,
        Some(_) | None => {
            tx.commit().await?;
            return Ok(FailuresReport::default());
        }
    };
    let incident = facts.insight.incident.as_ref();
    let seen = tx.run_failures(project.id, run).await?.into_iter().map(seen).collect();
    let sightings = defects::sightings(&rules, incident, seen, project.locale);
    let prints: Vec<&str> = sightings.iter().map(|sighting| sighting.fingerprint.as_str()).collect();
    tx.remember_failures(project.id, run, &prints).await?;
    let cases: Vec<&str> = sightings.iter().filter_map(|s| s.test_case.as_ref()).map(ExternalId::as_str).collect();
    let known = known(&tx, project, run, &facts, &prints, &cases).await?;
    let began_at = tx.run_began(project.id, run).await?.unwrap_or(tx.now().await?);
    let run_seen = RunSeen { id: run, began_at, environment: facts.environment.as_deref(), incident };
    let mut report = FailuresReport { seen: sightings.len() as u64, ..FailuresReport::default() };
    let Decision { failures, defects, summed_up } =
        defects::decide(&rules, &run_seen, sightings, &known, project.locale);
    let count = |state| failures.iter().filter(|failure| failure.state == state).count() as u64;
    report.proposed = count(FailureState::Proposed);
    report.with_defect = count(FailureState::Defect);
    report.summed_up = summed_up;
    tx.save_failures(project.id, &failures).await?;
    touched.extend(tx.upsert_entities(project.id, &defects).await?.into_iter().map(|upserted| upserted.identity));
    tx.commit().await?;
    Ok(report)
}

fn seen(failure: RunFailure) -> Seen {
    let RunFailure { fingerprint, test_case, name, status, repeated_and_passed, platform, device, message, details } =
        failure;
    Seen { fingerprint, test_case, name, status, repeated_and_passed, platform, device, message, details }
}

/// What the tables know of the failures of a run, the run itself included.
async fn known(
    tx: &WorkerTx,
    project: &ProjectRow,
    run: &ExternalId,
    facts: &Run,
    prints: &[&str],
    cases: &[&str],
) -> Result<Known, AppError> {
    let mut known = Known::default();
    let series = trend::series(&facts.title, facts.environment.as_deref(), facts.platform.as_deref());
    let earlier = tx.earlier_runs(project.id, &series, run, MAX_THRESHOLD as usize).await?;
    let row: Vec<ExternalId> = std::iter::once(run.clone()).chain(earlier.into_iter().map(|e| e.run)).collect();
    let shown: BTreeSet<(String, ExternalId)> = tx.shown_by(project.id, prints, &row).await?.into_iter().collect();
    for sighted in tx.sighted(project.id, prints).await? {
        let print = sighted.fingerprint;
        let consecutive = row.iter().take_while(|run| shown.contains(&(print.clone(), (*run).clone()))).count() as u64;
        let history = History {
            runs: sighted.runs,
            consecutive,
            first_run: sighted.first_run,
            last_run: sighted.last_run,
            last_began_at: sighted.last_began_at,
        };
        known.history.insert(print, history);
    }
    let failures = tx.known_failures(project.id, prints).await?;
    let ids: Vec<ExternalId> = failures.iter().filter_map(|failure| failure.defect.clone()).collect();
    let defects = tx.entities_by_ids(project.id, EntityKind::Defect, &ids).await?;
    known.defects = defects
        .into_iter()
        .filter(|row| row.deleted_at.is_none())
        .map(|row| (row.entity.external_id.clone(), row.entity))
        .collect();
    known.failures = failures.into_iter().map(|failure| (failure.fingerprint.clone(), failure)).collect();
    known.of_team = of_team(tx, project, cases).await?;
    Ok(known)
}

/// An open defect of the team's own list for each case that has one: the first in the order of their ids.
async fn of_team(
    tx: &WorkerTx,
    project: &ProjectRow,
    cases: &[&str],
) -> Result<HashMap<ExternalId, ExternalId>, AppError> {
    let mut found = HashMap::new();
    for named in tx.defects_naming(project.id, cases).await? {
        // The hub's own stay its own when a team takes them into its list.
        let own = named.own || named.defect.as_str().starts_with("auto-");
        if !own && matches!(named.status, DefectStatus::Open | DefectStatus::InProgress) {
            for case in named.cases {
                found.entry(case).or_insert_with(|| named.defect.clone());
            }
        }
    }
    Ok(found)
}

/// Failures in a state, or all: proposals first, then the latest.
///
/// # Errors
/// The database's, or a word that is no state.
pub async fn list(
    store: &Store,
    project: &ProjectRow,
    state: Option<&str>,
    limit: usize,
) -> Result<Vec<Failure>, AppError> {
    let state = state
        .map(|word| {
            FailureState::from_word(word).ok_or_else(|| AppError::Argument {
                what: format!("--state {word:?}"),
                rule: "it is one of new, proposed, defect and ignored".to_owned(),
            })
        })
        .transpose()?;
    let tx = store.worker(project.tenant_id).await?;
    let failures = tx.failures(project.id, state, limit).await?;
    tx.commit().await?;
    Ok(failures)
}

/// One failure.
///
/// # Errors
/// The database's; [`AppError::UnknownFailure`].
pub async fn show(store: &Store, project: &ProjectRow, print: &str) -> Result<Failure, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let failure = find(&tx, project, print).await?;
    tx.commit().await?;
    Ok(failure)
}

/// A fingerprint, or the id of the defect that it became.
async fn find(tx: &WorkerTx, project: &ProjectRow, print: &str) -> Result<Failure, AppError> {
    let full =
        print.strip_prefix("auto-").map_or_else(|| print.to_owned(), |hash| format!("{}:{hash}", fingerprint::VERSION));
    let found = tx.known_failures(project.id, &[full.as_str()]).await?.pop();
    found.ok_or_else(|| AppError::UnknownFailure { fingerprint: print.to_owned() })
}

/// Makes a failure a defect. Accepting twice makes one.
///
/// # Errors
/// The database's; [`AppError::UnknownFailure`].
pub async fn accept(store: &Store, project: &ProjectRow, print: &str) -> Result<Failure, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let mut failure = find(&tx, project, print).await?;
    if failure.state == FailureState::Defect {
        tx.commit().await?;
        return Ok(failure);
    }
    let Some(mut defect) = defects::defect(&failure) else {
        return Err(AppError::UnknownFailure { fingerprint: print.to_owned() });
    };
    // What was ignored after it had a defect was rejected with the weight of that; accepting counts as much.
    if let Some(before) = tx.entity(project.id, &defect.identity()).await? {
        defect.origin.precedence = before.entity.origin.precedence.max(PRECEDENCE_HUB_DEFECT);
    }
    failure.state = FailureState::Defect;
    failure.defect = Some(defect.external_id.clone());
    save(&tx, project, &failure, Some(defect)).await?;
    tx.commit().await?;
    Ok(failure)
}

/// Wants no defect of a failure; a defect that the hub made of it is rejected.
///
/// # Errors
/// The database's; [`AppError::UnknownFailure`].
pub async fn ignore(store: &Store, project: &ProjectRow, print: &str) -> Result<Failure, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let mut failure = find(&tx, project, print).await?;
    failure.state = FailureState::Ignored;
    let own = fingerprint::defect_id(&failure.fingerprint).filter(|id| failure.defect.as_ref() == Some(id));
    let mut rejected = None;
    if let Some(external_id) = own {
        let identity = Identity { kind: EntityKind::Defect, external_id };
        rejected = tx.entity(project.id, &identity).await?.map(|row| row.entity).and_then(reject);
    }
    save(&tx, project, &failure, rejected).await?;
    tx.commit().await?;
    Ok(failure)
}

fn reject(entity: Entity) -> Option<Entity> {
    let Entity { external_id, origin, facts: EntityFacts::Defect(mut facts) } = entity else { return None };
    facts.status = DefectStatus::Rejected;
    let origin = Origin { source: "hub".to_owned(), ..origin };
    Some(Entity { external_id, origin, facts: EntityFacts::Defect(facts) })
}

/// Saves a failure and its defect, and plans what follows, in one transaction.
async fn save(tx: &WorkerTx, project: &ProjectRow, failure: &Failure, defect: Option<Entity>) -> Result<(), AppError> {
    tx.save_failures(project.id, std::slice::from_ref(failure)).await?;
    if let Some(defect) = defect {
        let identity = defect.identity();
        tx.upsert_entities(project.id, &[defect]).await?;
        plan::within(tx, project, &[identity]).await?;
    }
    Ok(())
}
