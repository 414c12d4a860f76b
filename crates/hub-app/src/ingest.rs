//! Ingest: files become entities and results. A file is read in a thread of its own and passes through a short channel in
//! batches, so one of any size takes constant memory; each batch is saved in one transaction. What stands before a damage
//! is kept, and every problem is kept with its position.

pub mod beside;
mod files;
mod keys;
mod reader;
pub(crate) mod run;
mod together;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use self::beside::Beside;
use hub_domain::{
    ExternalId, Problem, Severity,
    entity::{Counts, Entity, EntityFacts, Identity, Origin, Report},
    settings::{Precedence, ProjectSettings},
};
use hub_formats::Options;
use hub_pipeline::normalise::{Fact, LeftBehind, PRECEDENCE_DOCUMENT, ReportRef, Summary};
use hub_store::{Change, Import, ProjectRow, RunMonth, Store};
use serde::Serialize;
use serde_json::Value;

use crate::{
    AppError,
    evidence::{
        Home,
        take::{OfReport, Taking, Tally},
    },
    plan,
    progress::{Progress, Step},
    settings,
};
pub use files::{Other, Others, STANDARD_INPUT};
use keys::Keys;

/// The run that results belong to, as the command names it.
#[derive(Debug, Clone, Default)]
pub struct RunArguments {
    /// The run's id.
    pub id: String,
    /// Its title; its id where none was ever given.
    pub title: Option<String>,
    /// The release it tests.
    pub release: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The platform.
    pub platform: Option<String>,
}

/// What became of one file.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// The file as the user named it.
    pub file: String,
    /// The format it was read as.
    pub format: Option<&'static str>,
    /// Whether the same content was taken before, so that nothing was done.
    pub already_taken: bool,
    /// Its results by status.
    pub results: Counts,
    /// Test cases that it describes.
    pub cases: u64,
    /// Defects that it describes.
    pub defects: u64,
    /// Problems that cost nothing.
    pub repaired: u64,
    /// Records that could not be taken.
    pub rejected: u64,
    /// Whether reading stopped before the end.
    pub stopped: bool,
    /// The first problems, worst first; all of them are in the database.
    pub problems: Vec<Problem>,
}

/// What became of an ingest.
#[derive(Debug, Clone, Default, Serialize)]
pub struct IngestReport {
    /// Each file.
    pub files: Vec<FileReport>,
    /// Files of folders and archives that are no reports.
    pub others: Others,
    /// Entities that are new or changed.
    pub entities_changed: u64,
    /// Results that are new or changed.
    pub results_changed: u64,
    /// What became of the run's failures.
    pub failures: crate::failures::FailuresReport,
    /// Publications that are due because of it.
    pub publications_due: u64,
    /// What became of the files that reports name as evidence.
    pub evidence: Tally,
}

impl IngestReport {
    /// Whether anything could not be taken.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.files.iter().any(|f| f.stopped || f.rejected > 0)
    }
}

/// The most problems that a report shows for one file.
const SHOWN_PROBLEMS: usize = 20;

/// Takes files or folders into a project. A file whose content was taken before is left alone, unless `again` is set.
///
/// # Errors
/// The database's, a bad argument, or a folder that cannot be listed. Problems of single files are no errors.
pub async fn ingest(
    store: &Store,
    project: &ProjectRow,
    paths: &[PathBuf],
    run: Option<&RunArguments>,
    again: bool,
    home: &Home,
    progress: &dyn Progress,
) -> Result<IngestReport, AppError> {
    ingest_spooled(store, project, paths, None, run, again, home, progress).await
}

/// A folder in which files lie only as long as they are taken: they are known by their place in it.
#[derive(Debug, Clone)]
pub struct Spool {
    /// The folder, without links in its path.
    pub folder: PathBuf,
}

/// Takes files as [`ingest`] does, from a spool where one is named.
///
/// # Errors
/// As of [`ingest`].
#[expect(clippy::too_many_arguments, reason = "those of `ingest`, and the spool")]
pub async fn ingest_spooled(
    store: &Store,
    project: &ProjectRow,
    paths: &[PathBuf],
    spool: Option<&Spool>,
    run: Option<&RunArguments>,
    again: bool,
    home: &Home,
    progress: &dyn Progress,
) -> Result<IngestReport, AppError> {
    let run_id = run.map(|r| run::id(&r.id)).transpose()?;
    let settings = settings::load(store, project).await?;
    let mut report = IngestReport::default();
    let mut touched = BTreeSet::new();
    let mut environments = BTreeMap::<String, u64>::new();
    let mut reported = false;
    let mut taken = Vec::new();
    let tx = store.worker(project.tenant_id).await?;
    let recorded = tx.imported_files(project.id, run_id.as_ref()).await?;
    tx.commit().await?;
    let mut digests = BTreeSet::new();
    let listing = list(paths, recorded, &settings, spool).await?;
    report.others = listing.others;
    let mut evidence = Taking::begin(store, project, home, spool.is_none()).await?;
    let mut found = Vec::new();
    for mut file in listing.files {
        found.push((file.shown.clone(), (!file.named).then(|| file.origin.clone())));
        progress.step(Step::File { name: file.shown.clone() });
        let digest = match file.digest() {
            Ok(digest) => digest,
            Err(refusal) => {
                report.files.push(FileReport::unreadable(&file, &refusal));
                continue;
            }
        };
        if !digests.insert(digest.hash) {
            let report_of_copy = FileReport { already_taken: true, ..FileReport::empty(&file, Counts::default()) };
            report.files.push(report_of_copy);
            continue;
        }
        let own = if run.is_none() { run::of_table(&file, &digest, &settings) } else { None };
        let own_id = own.as_ref().map(|own| run::id(&own.id)).transpose()?;
        let named = run_id.as_ref().or(own_id.as_ref());
        let before = if again { None } else { taken_before(store, project, named, &file, &digest).await? };
        let known = before.is_some();
        if let Some((name, before)) = before {
            if !lacks_evidence(store, project, named, &name).await? {
                report.files.push(before);
                continue;
            }
            // The same report, read again for what it left behind.
            file.name = name;
        }
        let run = run.or(own.as_ref()).zip(named);
        let beside = beside::of(paths, &file);
        let mut one = take(
            store,
            project,
            &settings,
            &file,
            digest,
            run,
            &mut evidence,
            beside,
            &mut touched,
            &mut report,
            progress,
        )
        .await?;
        one.report.already_taken = known;
        if let Some(environment) = one.environment {
            *environments.entry(environment).or_default() += one.report.results.total();
        }
        if let (Some(own), Some(id)) = (&own, &own_id) {
            report.entities_changed += run::save(store, project, id, own, one.reported, None, &mut touched).await?;
            report.failures.add(&crate::failures::settle(store, project, id, &mut touched).await?);
        }
        reported |= one.reported;
        taken.extend(one.import);
        report.files.push(one.report);
    }
    if let (Some(arguments), Some(id)) = (run, run_id.as_ref()) {
        let environment = environments.into_iter().max_by_key(|(_, rows)| *rows);
        report.entities_changed +=
            run::save(store, project, id, arguments, reported, environment, &mut touched).await?;
        report.failures.add(&crate::failures::settle(store, project, id, &mut touched).await?);
    }
    report.evidence = evidence.tally;
    leave_out_evidence(store, project, &found, &evidence.origins, &mut report).await?;
    report.publications_due += plan::touched(store, project, &touched).await?;
    // Only now is a file recorded as taken: after a crash before this line it is read again, and what was saved is found
    // unchanged.
    let tx = store.worker(project.tenant_id).await?;
    for import in &taken {
        tx.record_import(project.id, import).await?;
    }
    tx.commit().await?;
    Ok(report)
}

/// Lists the files behind paths, in a thread that may wait for the disk.
async fn list(
    paths: &[PathBuf],
    recorded: Vec<(String, String)>,
    settings: &ProjectSettings,
    spool: Option<&Spool>,
) -> Result<files::Listing, AppError> {
    let options = Options { tables: settings.tables.clone() };
    let (paths, spool) = (paths.to_vec(), spool.map(|spool| spool.folder.clone()));
    tokio::task::spawn_blocking(move || files::list(&paths, &recorded, &options, spool.as_deref()))
        .await
        .map_err(|source| AppError::Stage { stage: "list the files", source: source.into() })?
}

struct Taken {
    report: FileReport,
    /// Whether it is a report about the run.
    reported: bool,
    import: Option<Import>,
    environment: Option<String>,
}

/// What is on record of a file whose content was taken before.
async fn taken_before(
    store: &Store,
    project: &ProjectRow,
    run: Option<&ExternalId>,
    file: &files::File,
    digest: &files::Digest,
) -> Result<Option<(String, FileReport)>, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let before = tx.find_import(project.id, run, &digest.hash).await?;
    if !before.is_empty() && before.iter().all(|before| before.import.file_name != file.name) {
        // It says by now what another file says: what was wrong with it before is that file's, or over.
        tx.add_rejects(project.id, run, &file.name, &[]).await?;
        tx.settle_conflicts(project.id, &file.name, Some(&[])).await?;
    }
    tx.commit().await?;
    Ok(before.into_iter().next().map(|before| {
        let counts = serde_json::from_value(before.import.counts).unwrap_or_default();
        (before.import.file_name, FileReport { already_taken: true, ..FileReport::empty(file, counts) })
    }))
}

/// Whether a report on record lacks evidence that may have been handed over this time.
async fn lacks_evidence(
    store: &Store,
    project: &ProjectRow,
    run: Option<&ExternalId>,
    name: &str,
) -> Result<bool, AppError> {
    let Some(run) = run else { return Ok(false) };
    let tx = store.worker(project.tenant_id).await?;
    let lacks = tx.lacks_evidence(project.id, run, &run::report_id(run, name)?).await?;
    tx.commit().await?;
    Ok(lacks)
}

/// Leaves out the files of folders that are no report and that some report names as evidence: nothing is wrong with them.
async fn leave_out_evidence(
    store: &Store,
    project: &ProjectRow,
    found: &[(String, Option<String>)],
    taken: &HashSet<String>,
    report: &mut IngestReport,
) -> Result<(), AppError> {
    let unread: BTreeSet<String> =
        report.files.iter().filter(|f| f.format.is_none() && !f.already_taken).map(|f| f.file.clone()).collect();
    let walked: Vec<(&str, &str)> = found
        .iter()
        .filter(|(shown, _)| unread.contains(shown))
        .filter_map(|(shown, origin)| Some((shown.as_str(), origin.as_deref()?)))
        .collect();
    if walked.is_empty() {
        return Ok(());
    }
    let origins: Vec<&str> = walked.iter().map(|(_, origin)| *origin).collect();
    let tx = store.worker(project.tenant_id).await?;
    let named: BTreeSet<String> = tx.evidence_origins(project.id, &origins).await?.into_iter().collect();
    tx.commit().await?;
    let left_out: BTreeSet<&str> = walked
        .iter()
        .filter(|(_, origin)| taken.contains(*origin) || named.contains(*origin))
        .map(|(shown, _)| *shown)
        .collect();
    report.files.retain(|f| f.format.is_some() || !left_out.contains(f.file.as_str()));
    Ok(())
}

/// Takes one file.
#[expect(clippy::too_many_arguments, reason = "one call site; the file and the whole that it adds to")]
async fn take(
    store: &Store,
    project: &ProjectRow,
    settings: &ProjectSettings,
    file: &files::File,
    digest: files::Digest,
    run: Option<(&RunArguments, &ExternalId)>,
    evidence: &mut Taking,
    beside: Arc<dyn Beside>,
    touched: &mut BTreeSet<Identity>,
    total: &mut IngestReport,
    progress: &dyn Progress,
) -> Result<Taken, AppError> {
    let run_key = run.map(|(_, id)| id);
    let report_ref = match run {
        Some((arguments, id)) => Some(ReportRef {
            run: id.clone(),
            report: run::report_id(id, &file.name)?,
            platform: arguments.platform.as_deref().map(hub_pipeline::words::key),
        }),
        None => None,
    };
    let month = match run_key {
        Some(id) => Some(run::month(store, project, id).await?),
        None => None,
    };
    let mut reading = reader::start(file, report_ref.clone(), settings);
    let mut one = FileReport::empty(file, Counts::default());
    let mut found = Found::default();
    while let Some(batch) = reading.next().await {
        let records = batch.len() as u64;
        save(store, project, &settings.precedence, file, run_key.zip(month), batch, total, &mut found).await?;
        if let Some(reference) = &report_ref {
            let (run, report) = (&reference.run, &reference.report);
            let of = OfReport { run, report, file: &file.shown, beside: beside.clone() };
            let taken = evidence.take(store, project, &of, std::mem::take(&mut found.left_behind)).await?;
            found.tokens.extend(taken.tokens);
            taken.problems.into_iter().for_each(|problem| found.note(problem));
        }
        progress.step(Step::Saved { records });
    }
    let (format, summary) = reading.finish().await?;
    found.result_keys.sort();
    for problem in found.problems.iter().chain(&found.conflicts.problems) {
        one.count(problem);
    }
    one.repaired += found.not_kept;
    one.format = format;
    one.results = summary.counts;
    one.cases = summary.cases;
    one.defects = summary.defects;
    one.problems.sort_by_key(|p| std::cmp::Reverse(p.severity));
    let problems: Vec<(String, u64)> = found.by_code.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect();
    let mut reported = false;
    if let (Some(reference), Some(format)) = (&report_ref, format)
        && ((summary.cases == 0 && summary.defects == 0) || summary.counts.total() > 0)
    {
        let facts = report_facts(reference, format, file, &digest, &summary, &problems);
        let keys = month.map(|month| (month, &found.result_keys));
        total.results_changed += close_report(store, project, reference, facts, keys, touched, total).await?;
        let tx = store.worker(project.tenant_id).await?;
        tx.supersede_evidence(project.id, &reference.run, &reference.report, &found.tokens).await?;
        tx.commit().await?;
        reported = true;
    }
    let tx = store.worker(project.tenant_id).await?;
    tx.add_rejects(project.id, run_key, &file.name, &found.problems).await?;
    let conflicts = (!one.stopped).then_some(found.conflicts.own.as_slice());
    tx.settle_conflicts(project.id, &file.name, conflicts).await?;
    tx.commit().await?;
    let import = format.map(|format| Import {
        run: run_key.cloned(),
        file_name: file.name.clone(),
        path: file.origin.clone(),
        digest: digest.hash,
        format: format.to_owned(),
        bytes: digest.bytes,
        counts: serde_json::to_value(summary.counts).unwrap_or_default(),
        problems: problems.into_iter().map(|(code, n)| (code, Value::from(n))).collect(),
    });
    Ok(Taken { report: one, reported, import, environment: summary.environment })
}

impl FileReport {
    fn empty(file: &files::File, results: Counts) -> Self {
        Self {
            file: file.shown.clone(),
            format: None,
            already_taken: false,
            results,
            cases: 0,
            defects: 0,
            repaired: 0,
            rejected: 0,
            stopped: false,
            problems: Vec::new(),
        }
    }

    /// A file that could not be opened: a problem of this file, and none of the others'.
    fn unreadable(file: &files::File, refusal: &files::Refusal) -> Self {
        let mut report = Self::empty(file, Counts::default());
        report.count(&refusal.problem(&file.shown));
        report
    }

    fn count(&mut self, problem: &Problem) {
        match problem.severity {
            Severity::Repaired => self.repaired += 1,
            Severity::Rejected => self.rejected += 1,
            Severity::Fatal => self.stopped = true,
        }
        if self.problems.len() < SHOWN_PROBLEMS || problem.severity == Severity::Fatal {
            self.problems.push(problem.clone());
        }
    }
}

/// What a file's batches held beside rows.
#[derive(Default)]
struct Found {
    /// Facts that do not count, because another source told others.
    conflicts: told::Conflicts,
    /// Problems, the first [`KEPT_PROBLEMS`].
    problems: Vec<Problem>,
    /// Problems that are only counted.
    not_kept: u64,
    /// All problems by code.
    by_code: BTreeMap<&'static str, u64>,
    /// The keys of its results: what an earlier version of the file had and this one has not goes.
    result_keys: Keys,
    /// What the last batch's results left behind.
    left_behind: Vec<LeftBehind>,
    /// The tokens of all evidence that it names.
    tokens: Vec<String>,
}

impl Found {
    fn note(&mut self, problem: Problem) {
        *self.by_code.entry(problem.code.id).or_default() += 1;
        if self.problems.len() < KEPT_PROBLEMS || problem.severity != Severity::Repaired {
            self.problems.push(problem);
        } else {
            self.not_kept += 1;
        }
    }
}

/// The most problems of one file that are kept one by one; beyond, they are counted by code. Worse ones always count.
const KEPT_PROBLEMS: usize = 2_000;

/// Saves one batch of facts and plans what it describes, in one transaction.
#[expect(
    clippy::too_many_arguments,
    reason = "one call site; the batch, where it belongs and the whole that it adds to"
)]
async fn save(
    store: &Store,
    project: &ProjectRow,
    precedence: &Precedence,
    file: &files::File,
    run: Option<(&ExternalId, RunMonth)>,
    batch: Vec<Fact>,
    total: &mut IngestReport,
    found: &mut Found,
) -> Result<(), AppError> {
    let mut entities = Vec::new();
    let mut results = Vec::new();
    for fact in batch {
        match fact {
            Fact::Entity(entity) => entities.push(*entity),
            Fact::Result(result) => {
                found.result_keys.add(&result.result_key);
                results.push(*result);
            }
            Fact::Evidence(left) => found.left_behind.push(*left),
            Fact::Problem(problem) => found.note(*problem),
        }
    }
    told::declare(&mut entities, &file.name, precedence);
    let tx = store.worker(project.tenant_id).await?;
    let named = told::join_defects(&tx, project, &mut entities).await?;
    let (mut upserted, rivals) = tx.upsert_entities_of(project.id, Some(&file.name), &entities).await?;
    for (file, defect) in named {
        upserted.extend(tx.upsert_entities_of(project.id, file.as_deref(), &[defect]).await?.0);
    }
    told::record(&tx, project, &file.name, &file.shown, rivals, &mut found.conflicts).await?;
    let mut saved = BTreeSet::new();
    for upserted in upserted {
        total.entities_changed += u64::from(matches!(upserted.changed, Change::Inserted | Change::Updated));
        saved.insert(upserted.identity);
    }
    // What a document describes depends on nothing else, so it is planned where it is saved: nothing of it is kept in
    // memory, and nothing of it is forgotten when the process ends here. Runs and reports are planned at their end.
    let saved: Vec<Identity> = saved.into_iter().collect();
    total.publications_due += plan::within(&tx, project, &saved).await?;
    if let Some((run, month)) = run {
        let written = tx.upsert_results(project.id, month, run, &results).await?;
        total.results_changed += written.inserted + written.updated;
    }
    tx.commit().await?;
    Ok(())
}

/// A file of results as an entity.
fn report_facts(
    reference: &ReportRef,
    format: &'static str,
    file: &files::File,
    digest: &files::Digest,
    summary: &Summary,
    problems: &[(String, u64)],
) -> Entity {
    Entity {
        external_id: reference.report.clone(),
        origin: Origin { source: format.to_owned(), precedence: PRECEDENCE_DOCUMENT, line: None },
        facts: EntityFacts::Report(Report {
            title: file.name.clone(),
            run: reference.run.clone(),
            format: format.to_owned(),
            file_name: file.name.clone(),
            digest: digest.hash.to_hex(),
            counts: summary.counts,
            declared: summary.declared,
            problems: problems.to_vec(),
        }),
    }
}

/// Ends a file of results: rows that an earlier version of it had go, and the report itself becomes an entity.
async fn close_report(
    store: &Store,
    project: &ProjectRow,
    reference: &ReportRef,
    entity: Entity,
    keys: Option<(RunMonth, &Keys)>,
    touched: &mut BTreeSet<Identity>,
    total: &mut IngestReport,
) -> Result<u64, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let mut pruned = 0;
    if let Some((month, keep)) = keys {
        let (run, report) = (&reference.run, &reference.report);
        pruned = tx.prune_results(project.id, month, run, report, keep.count(), |key| keep.holds(key)).await?;
    }
    for upserted in tx.upsert_entities(project.id, &[entity]).await? {
        total.entities_changed += u64::from(matches!(upserted.changed, Change::Inserted | Change::Updated));
        touched.insert(upserted.identity);
    }
    tx.commit().await?;
    Ok(pruned)
}

/// The formats that are read: name and title.
#[must_use]
pub fn formats() -> Vec<(&'static str, &'static str)> {
    hub_formats::FORMATS.iter().map(|format| (format.name, format.title)).collect()
}
