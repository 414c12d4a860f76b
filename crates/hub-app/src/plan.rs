//! Planning: what shall be published for the entities that a stage touched, computed from what the tables hold now and
//! written into the ledger. Planning the same twice writes nothing.

use std::collections::{BTreeSet, HashMap};

use hub_domain::{
    ContentHash, Entity, EntityKind, ExternalId, Label,
    entity::{EntityFacts, Identity, ProjectFacts, Release, Run},
    facts::{
        Desired, Destination, MAX_REPORT_LINES, MAX_RESULT_LINES, ProjectRequirements, Publication, PublicationKey,
    },
    phrases::Phrase,
};
use hub_pipeline::plan::{self, NO_RELEASE, RunView};
use hub_store::{EntityRow, LedgerRow, ProjectRow, ResultFilter, Store, StoreError, Wanted, WorkerTx};

use crate::{AppError, evidence::lines, lanes};

/// Entities planned in one transaction.
const BATCH: usize = 500;

/// The template revision of a destination.
fn revision(destination: Destination) -> u32 {
    match destination {
        Destination::Jira => hub_jira::TEMPLATE_REVISION,
        Destination::Confluence => hub_confluence::TEMPLATE_REVISION,
    }
}

/// The desired hash of a publication under the present templates.
///
/// # Errors
/// Facts without a canonical form, which texts and whole numbers never are.
pub fn desired_hash(publication: &Publication) -> Result<ContentHash, StoreError> {
    Ok(publication.desired.hash(revision(publication.key.object.destination()))?)
}

/// Plans everything that the project has, as after a change of the project itself: its language and its keys are on every
/// issue and page. Returns how many rows of the ledger changed.
///
/// # Errors
/// The database's.
pub async fn everything(store: &Store, row: &ProjectRow) -> Result<u64, AppError> {
    let mut changed = 0;
    for kind in EntityKind::ALL {
        let mut after = None;
        loop {
            let tx = store.worker(row.tenant_id).await?;
            let page = tx.entities(row.id, kind, after.as_ref(), BATCH).await?;
            tx.commit().await?;
            let Some(last) = page.last() else { break };
            after = Some(last.entity.external_id.clone());
            changed += touched(store, row, &page.iter().map(|e| e.entity.identity()).collect()).await?;
        }
    }
    Ok(changed)
}

/// Plans what was touched, the reports of touched runs, which show facts of their run, and the project's own pages.
/// Returns how many rows of the ledger changed.
///
/// # Errors
/// The database's.
pub async fn touched(store: &Store, row: &ProjectRow, touched: &BTreeSet<Identity>) -> Result<u64, AppError> {
    let facts = row.facts();
    let mut changed = 0;
    let mut identities = touched.clone();
    let tx = store.worker(row.tenant_id).await?;
    for run in touched.iter().filter(|i| i.kind == EntityKind::Run) {
        let reports = tx.reports_of_run(row.id, &run.external_id).await?;
        identities.extend(reports.into_iter().map(|id| Identity { kind: EntityKind::Report, external_id: id }));
    }
    tx.commit().await?;
    let identities: Vec<Identity> = identities.into_iter().collect();
    for batch in identities.chunks(BATCH) {
        let tx = store.worker(row.tenant_id).await?;
        changed += within(&tx, row, batch).await?;
        tx.commit().await?;
    }
    let tx = store.worker(row.tenant_id).await?;
    changed += want(&tx, row, &project_pages(&tx, row, &facts).await?).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Plans entities in the transaction that saved them. Returns how many rows of the ledger changed.
///
/// # Errors
/// The database's.
pub async fn within(tx: &WorkerTx, row: &ProjectRow, identities: &[Identity]) -> Result<u64, AppError> {
    let facts = row.facts();
    let mut publications = Vec::new();
    for loaded in load(tx, row, identities).await? {
        publications.extend(of_entity(tx, row, &facts, &loaded).await?);
    }
    want(tx, row, &publications).await
}

/// Writes publications into the ledger.
async fn want(tx: &WorkerTx, row: &ProjectRow, publications: &[Publication]) -> Result<u64, AppError> {
    let mut wanted = Vec::with_capacity(publications.len());
    for publication in publications {
        wanted.push(Wanted {
            key: publication.key.clone(),
            rank: publication.rank,
            desired_hash: Some(desired_hash(publication)?),
        });
    }
    let changed = tx.want(row.id, &wanted).await?;
    if changed > 0 {
        lanes::ring(tx, row.id, publications.iter().map(|publication| &publication.key));
    }
    Ok(changed)
}

/// Loads entities of mixed kinds.
async fn load(tx: &WorkerTx, row: &ProjectRow, batch: &[Identity]) -> Result<Vec<EntityRow>, AppError> {
    let mut all = Vec::with_capacity(batch.len());
    for kind in EntityKind::ALL {
        let ids: Vec<ExternalId> = batch.iter().filter(|i| i.kind == kind).map(|i| i.external_id.clone()).collect();
        if !ids.is_empty() {
            all.extend(tx.entities_by_ids(row.id, kind, &ids).await?);
        }
    }
    Ok(all)
}

/// What shall be published for an entity, with the results that its issue and pages show.
async fn of_entity(
    tx: &WorkerTx,
    row: &ProjectRow,
    project: &ProjectFacts,
    loaded: &EntityRow,
) -> Result<Vec<Publication>, AppError> {
    let mut publications = of_facts(tx, row, project, &loaded.entity).await?;
    if loaded.deleted_at.is_some() {
        let gone = loaded.entity.identity();
        publications.iter_mut().filter(|publication| publication.key.entity == gone).for_each(mark_gone);
    }
    Ok(publications)
}

/// Says on an issue or page that its source no longer has it. It is a label and no more: what was published stays.
fn mark_gone(publication: &mut Publication) {
    match &mut publication.desired {
        Desired::Issue(issue) => issue.labels.push(Label::source_deleted()),
        Desired::Page(page) => page.labels.push(Label::archived()),
        Desired::IssueLink(_) | Desired::RemoteLink(_) => {}
    }
}

async fn of_facts(
    tx: &WorkerTx,
    row: &ProjectRow,
    project: &ProjectFacts,
    entity: &Entity,
) -> Result<Vec<Publication>, AppError> {
    let id = &entity.external_id;
    match &entity.facts {
        EntityFacts::TestCase(_) | EntityFacts::Defect(_) | EntityFacts::Release(_) | EntityFacts::Suite(_) => {
            Ok(plan::standalone(project, entity))
        }
        EntityFacts::Run(run) => {
            let mut publications = plan::run(project, entity, run, run_view(tx, row, id, run).await?);
            if run.release.is_none() {
                publications.extend(unreleased(project));
            }
            Ok(publications)
        }
        EntityFacts::Report(report) => {
            let Some(run_entity) = tx.entity(row.id, &run_identity(&report.run)).await? else { return Ok(Vec::new()) };
            let EntityFacts::Run(run) = &run_entity.entity.facts else { return Ok(Vec::new()) };
            let filter = ResultFilter::Report(id.clone());
            let settings = lines::settings(tx, row).await?;
            let lines = lines::results(tx, row, &report.run, &filter, MAX_REPORT_LINES, &settings).await?;
            let more = report.counts.total().saturating_sub(lines.len() as u64);
            Ok(plan::report(project, id, report, run, lines, more))
        }
    }
}

/// The project's own pages, with its requirements as its latest run leaves them.
async fn project_pages(tx: &WorkerTx, row: &ProjectRow, facts: &ProjectFacts) -> Result<Vec<Publication>, AppError> {
    let latest = tx.latest_requirements(row.id).await?;
    let requirements = latest.map(|(run, traceability)| ProjectRequirements { run, traceability });
    Ok(plan::project_with(facts, requirements))
}

fn run_identity(id: &ExternalId) -> Identity {
    Identity { kind: EntityKind::Run, external_id: id.clone() }
}

/// The page for runs without a release.
fn unreleased(project: &ProjectFacts) -> Vec<Publication> {
    let release = Release { name: Phrase::Unreleased.text(project.locale).to_owned() };
    ExternalId::new(NO_RELEASE).map(|id| plan::release(project, &id, &release)).unwrap_or_default()
}

async fn run_view(tx: &WorkerTx, row: &ProjectRow, id: &ExternalId, run: &Run) -> Result<RunView, AppError> {
    let settings = lines::settings(tx, row).await?;
    let results = lines::results(tx, row, id, &ResultFilter::All, MAX_RESULT_LINES, &settings).await?;
    let failures = lines::results(tx, row, id, &ResultFilter::Unsuccessful, MAX_RESULT_LINES, &settings).await?;
    Ok(RunView {
        more_results: run.counts.total().saturating_sub(results.len() as u64),
        more_failures: run.counts.unsuccessful().saturating_sub(failures.len() as u64),
        suites: tx.suite_counts(row.id, id).await?,
        results,
        failures,
    })
}

/// A row of the ledger that is due, with what it shall be.
#[derive(Debug)]
pub struct Due {
    /// The row, as the plan of this moment leaves it.
    pub row: LedgerRow,
    /// What it shall be.
    pub desired: Publication,
    /// The hash of that.
    pub hash: ContentHash,
}

impl Due {
    /// Which publication it is.
    #[must_use]
    pub fn key(&self) -> &PublicationKey {
        &self.row.key
    }
}

/// Plans rows that are due once more, because what is sent is what is true now, which may be more than their plan knew.
/// The ledger is told first: a row whose published hash was never wanted would be due for ever. A row that nothing is
/// wanted of any more is wanted as it is, and one that is published as wanted has nothing left to do; both are left out.
///
/// # Errors
/// The database's.
pub async fn current(tx: &WorkerTx, project: &ProjectRow, due: Vec<LedgerRow>) -> Result<Vec<Due>, AppError> {
    let keys: Vec<PublicationKey> = due.iter().map(|row| row.key.clone()).collect();
    let mut by_key: HashMap<PublicationKey, Publication> =
        desired(tx, project, &keys).await?.into_iter().map(|p| (p.key.clone(), p)).collect();
    let mut wanted = Vec::new();
    let mut current = Vec::with_capacity(due.len());
    for mut row in due {
        let desired = by_key.remove(&row.key);
        let hash = desired.as_ref().map(desired_hash).transpose()?;
        let goal = hash.or(row.published_hash);
        if goal != row.desired_hash {
            wanted.push(Wanted { key: row.key.clone(), rank: row.rank, desired_hash: goal });
            row.desired_hash = goal;
            row.attempts = 0;
        }
        if let (Some(desired), Some(hash)) = (desired, hash)
            && goal != row.published_hash
        {
            current.push(Due { row, desired, hash });
        }
    }
    tx.want(project.id, &wanted).await?;
    Ok(current)
}

/// What shall be published now for keys of the ledger; a key whose entity is gone is left out.
async fn desired(tx: &WorkerTx, row: &ProjectRow, keys: &[PublicationKey]) -> Result<Vec<Publication>, AppError> {
    let facts = row.facts();
    let wanted: BTreeSet<&PublicationKey> = keys.iter().collect();
    let identities: BTreeSet<Identity> = keys.iter().map(|k| k.entity.clone()).collect();
    let identities: Vec<Identity> = identities.into_iter().collect();
    let mut publications = match keys.iter().any(|key| key.entity.kind == EntityKind::Project) {
        true => project_pages(tx, row, &facts).await?,
        false => plan::project(&facts),
    };
    publications.extend(unreleased(&facts));
    for loaded in load(tx, row, &identities).await? {
        publications.extend(of_entity(tx, row, &facts, &loaded).await?);
    }
    publications.retain(|p| wanted.contains(&p.key));
    Ok(publications)
}

/// The page facts of a publication, where it is a page.
#[must_use]
pub fn page_of(publication: &Publication) -> Option<&hub_domain::facts::PageFacts> {
    match &publication.desired {
        Desired::Page(page) => Some(page),
        Desired::Issue(_) | Desired::IssueLink(_) | Desired::RemoteLink(_) => None,
    }
}

/// The key of the page above a page; none for a project's root page, and for what is no page.
#[must_use]
pub fn parent_of(publication: &Publication) -> Option<PublicationKey> {
    let parent = page_of(publication)?.parent.clone()?;
    Some(PublicationKey::page(parent.kind, parent.external_id))
}
