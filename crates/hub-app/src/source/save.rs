//! Saving a page: what its rows say, what follows from it, and how far the stream was read, in one transaction. A process that
//! dies before its commit has read nothing; one that dies behind it has skipped nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hub_domain::{
    ContentHash, Entity, EntityKind, ExternalId, Moment, Position, Problem, Severity, codes,
    entity::{EntityFacts, Identity, Origin, Suite},
    record::Record,
    settings::SourceStream,
};
use hub_pipeline::normalise::{Context, Fact, Normaliser, PRECEDENCE_DERIVED_TITLE, ReportRef};
use hub_source::{Item, Row, RunItem};
use hub_store::{Change, Cursor, SourceRow, WorkerTx};

use super::{Pull, fault::Fault};
use crate::{
    AppError, failures,
    ingest::{RunArguments, run},
    plan,
};

/// How long the results of an execution that is over may still change.
const SETTLES: time::Duration = time::Duration::hours(24);

/// The longest key of a row, in characters; no table needs more, and an index could not hold it.
const LONGEST_KEY: usize = 500;

/// What saving a page did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Saved {
    /// Entities and results that are new or changed.
    pub changed: u64,
}

/// What the rows of a page say.
#[derive(Default)]
struct Told {
    entities: Vec<Entity>,
    /// Results and problems by run.
    runs: BTreeMap<ExternalId, OfRun>,
    /// Runs as rows tell them.
    items: Vec<(ExternalId, RunItem)>,
    rows: Vec<SourceRow>,
    problems: Vec<Problem>,
    subjects: Vec<String>,
}

struct OfRun {
    normaliser: Normaliser,
    results: Vec<hub_domain::TestResult>,
    problems: Vec<Problem>,
    subjects: Vec<String>,
}

/// The name under which the hub's cursors know a source.
pub fn cursor_name(pull: &Pull<'_>) -> String {
    format!("source:{}", pull.settings.name)
}

/// Saves rows. With `advance` the cursor moves from the one to the other, and nothing is saved where it is elsewhere.
pub async fn save(
    pull: &Pull<'_>,
    stream: SourceStream,
    rows: Vec<Row>,
    advance: Option<(&Cursor, &Cursor)>,
) -> Result<Saved, Fault> {
    let (store, project, source) = (pull.store, pull.project, pull.settings.name.as_str());
    let tx = store.worker(project.tenant_id).await?;
    if let Some((from, to)) = advance
        && !tx.advance_cursor(project.id, &cursor_name(pull), stream.as_str(), from, to).await?
    {
        tx.rollback().await?;
        return Err(Fault::Overtaken);
    }
    let is_key = |row: &Row| (1..=LONGEST_KEY).contains(&row.key.chars().count());
    let (rows, unusable): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_key);
    let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    let known = tx.source_rows(project.id, source, stream.as_str(), &keys).await?;
    let known: HashMap<String, SourceRow> = known.into_iter().map(|row| (row.key.clone(), row)).collect();
    let now = tx.now().await?;
    let mut told = Told::default();
    for row in unusable {
        told.unusable(pull, stream, &row.key);
    }
    for row in rows {
        told.take(pull, stream, row, &known, now);
    }
    let (changed, runs) = told.save(pull, stream, &tx, &known).await?;
    tx.commit().await?;
    // What becomes of failures is decided from what is saved; settled again, it is the same.
    let mut touched = BTreeSet::new();
    for run in &runs {
        failures::settle(store, project, run, &mut touched).await?;
    }
    plan::touched(store, project, &touched).await?;
    Ok(Saved { changed })
}

impl Told {
    fn take(
        &mut self,
        pull: &Pull<'_>,
        stream: SourceStream,
        row: Row,
        known: &HashMap<String, SourceRow>,
        now: Moment,
    ) {
        let before = known.get(&row.key);
        let mut of = SourceRow {
            key: row.key,
            version: row.version,
            kind: kind_of(stream).to_owned(),
            id: String::new(),
            run: None,
            open_until: None,
        };
        match row.item {
            Item::Document { record, suite } => {
                of.id = self.document(pull, stream, *record, suite.as_deref());
            }
            Item::Suite(suite) => {
                if let Some(id) = self.identified(pull, stream, &suite.id) {
                    of.id = id.as_str().to_owned();
                    let facts = EntityFacts::Suite(Suite { name: suite.name });
                    let origin = Origin { source: pull.origin(), precedence: pull.settings.precedence, line: None };
                    self.entities.push(Entity { external_id: id, origin, facts });
                }
            }
            Item::Run(item) => {
                if let Some(id) = self.identified(pull, stream, &item.id) {
                    of.id = id.as_str().to_owned();
                    let is_same = before.is_some_and(|before| before.version == of.version && before.id == of.id);
                    of.open_until = match before {
                        Some(before) if is_same => before.open_until,
                        Some(_) | None if item.open => Some(far_future(now)),
                        Some(_) | None => Some(now + SETTLES),
                    };
                    if !is_same {
                        self.items.push((id, *item));
                    }
                }
            }
            Item::Result { mut record, run } => {
                record.attachments.truncate(100);
                let Some(id) = self.identified(pull, stream, &run) else { return };
                of.run = Some(id.as_str().to_owned());
                of.id = result_key(&pull.settings.name, &of.key);
                self.result(pull, stream, id, *record, &of.id);
            }
        }
        self.rows.push(of);
    }

    /// An id, or the problem that there is none.
    fn identified(&mut self, pull: &Pull<'_>, stream: SourceStream, text: &str) -> Option<ExternalId> {
        let id = ExternalId::new(text.trim()).ok();
        if id.is_none() {
            self.unusable(pull, stream, text);
        }
        id
    }

    fn unusable(&mut self, pull: &Pull<'_>, stream: SourceStream, text: &str) {
        self.problems.push(Problem {
            code: &codes::NO_NAME,
            message: format!("a row of {} has no usable id", stream.as_str()),
            position: Position { file: file_name(pull, stream), line: None, column: None },
            subject: Some(text.chars().take(200).collect()),
            severity: Severity::Rejected,
        });
    }

    /// A test case or defect. Returns its id; an empty one where the record was refused.
    fn document(&mut self, pull: &Pull<'_>, stream: SourceStream, record: Record, suite: Option<&str>) -> String {
        let mut normaliser = Normaliser::new(Context { file: file_name(pull, stream), report: None });
        normaliser.read_as("table");
        if let Record::Case(case) = &record {
            self.subjects.push(case.id.clone());
        }
        if let Record::Defect(defect) = &record {
            self.subjects.push(defect.id.clone());
        }
        let mut facts = Vec::new();
        normaliser.accept(record, &mut facts);
        normaliser.close(&mut facts);
        let mut id = String::new();
        let suite = suite.and_then(|suite| ExternalId::new(suite.trim()).ok());
        for fact in facts {
            match fact {
                Fact::Entity(mut entity) => {
                    let is_own = entity.facts.kind().as_str() == kind_of(stream);
                    entity.origin.source = pull.origin();
                    if is_own {
                        entity.external_id.as_str().clone_into(&mut id);
                        entity.origin.precedence = pull.settings.precedence;
                        if let (EntityFacts::TestCase(case), Some(suite)) = (&mut entity.facts, &suite) {
                            case.suite = Some(suite.clone());
                            self.entities.push(derived_suite(pull, suite));
                        }
                    } else if suite.is_some() {
                        // The suite that a component stands for, where the row names one itself.
                        continue;
                    } else {
                        entity.origin.precedence = PRECEDENCE_DERIVED_TITLE;
                    }
                    self.entities.push(*entity);
                }
                Fact::Problem(problem) => self.problems.push(*problem),
                Fact::Result(_) | Fact::Evidence(_) => {}
            }
        }
        id
    }

    fn result(
        &mut self,
        pull: &Pull<'_>,
        stream: SourceStream,
        id: ExternalId,
        record: hub_domain::record::ResultRecord,
        key: &str,
    ) {
        let origin = pull.origin();
        let of_run = self.runs.entry(id.clone()).or_insert_with(|| {
            let report = run::report_id(&id, &origin).unwrap_or_else(|_| id.clone());
            let report = Some(ReportRef { run: id, report, platform: None });
            let mut normaliser = Normaliser::new(Context { file: file_name(pull, stream), report });
            normaliser.read_as("table");
            OfRun { normaliser, results: Vec::new(), problems: Vec::new(), subjects: Vec::new() }
        });
        of_run.subjects.push(record.name.clone());
        let mut facts = Vec::new();
        of_run.normaliser.accept(Record::Result(Box::new(record)), &mut facts);
        for fact in facts {
            match fact {
                Fact::Entity(mut entity) => {
                    entity.origin.source.clone_from(&origin);
                    entity.origin.precedence = entity.origin.precedence.min(PRECEDENCE_DERIVED_TITLE);
                    self.entities.push(*entity);
                }
                Fact::Result(mut result) => {
                    // The row is the result: two rows of one test are two, and the same row read again is the same.
                    key.clone_into(&mut result.result_key);
                    of_run.results.push(*result);
                }
                Fact::Problem(problem) => of_run.problems.push(*problem),
                // A table names addresses, which the result keeps as text; they are never fetched.
                Fact::Evidence(_) => {}
            }
        }
    }

    async fn save(
        self,
        pull: &Pull<'_>,
        stream: SourceStream,
        tx: &WorkerTx,
        known: &HashMap<String, SourceRow>,
    ) -> Result<(u64, Vec<ExternalId>), AppError> {
        let (project, source) = (pull.project, pull.settings.name.as_str());
        let file = file_name(pull, stream);
        let mut changed = 0;
        let mut touched = BTreeSet::new();
        for upserted in tx.upsert_entities(project.id, &self.entities).await? {
            if matches!(upserted.changed, Change::Inserted | Change::Updated) {
                changed += 1;
                touched.insert(upserted.identity);
            }
        }
        let mut runs: BTreeMap<ExternalId, RunArguments> = BTreeMap::new();
        for (id, mut of_run) in self.runs {
            let mut closing = Vec::new();
            of_run.normaliser.close(&mut closing);
            of_run.problems.extend(closing.into_iter().filter_map(|fact| match fact {
                Fact::Problem(problem) => Some(*problem),
                Fact::Entity(_) | Fact::Result(_) | Fact::Evidence(_) => None,
            }));
            let month =
                tx.ensure_run(project.id, &id, of_run.results.iter().find_map(|r| r.started_at).map(date)).await?;
            let written = tx.upsert_results(project.id, month, &id, &of_run.results).await?;
            changed += written.inserted + written.updated;
            let subjects: Vec<&str> = of_run.subjects.iter().map(String::as_str).collect();
            tx.add_rejects_of(project.id, Some(&id), &file, &subjects, &of_run.problems).await?;
            if written.inserted + written.updated > 0 {
                runs.insert(id, RunArguments::default());
            }
        }
        for (id, item) in self.items {
            let started = item.started_at.as_deref().and_then(date_of);
            tx.ensure_run(project.id, &id, started).await?;
            runs.insert(id, arguments(item));
        }
        let subjects: Vec<&str> = self.subjects.iter().map(String::as_str).collect();
        tx.add_rejects_of(project.id, None, &file, &subjects, &self.problems).await?;
        tx.save_source_rows(project.id, source, stream.as_str(), &self.rows).await?;
        touched.extend(renamed(pull, tx, known, &self.rows).await?);
        for (id, arguments) in &runs {
            changed += run::save_within(tx, project, id, arguments, true, None, &mut touched).await?;
            touched.insert(Identity { kind: EntityKind::Run, external_id: id.clone() });
            let reports = tx.reports_of_run(project.id, id).await?;
            touched.extend(reports.into_iter().map(|id| Identity { kind: EntityKind::Report, external_id: id }));
        }
        let touched: Vec<Identity> = touched.into_iter().collect();
        plan::within(tx, project, &touched).await?;
        Ok((changed, runs.into_keys().collect()))
    }
}

/// Rows that are another thing than they were: what they were is gone, unless another row tells it.
async fn renamed(
    pull: &Pull<'_>,
    tx: &WorkerTx,
    known: &HashMap<String, SourceRow>,
    rows: &[SourceRow],
) -> Result<Vec<Identity>, AppError> {
    let mut left = Vec::new();
    for (before, row) in rows.iter().filter_map(|row| Some((known.get(&row.key)?, row))) {
        if before.run != row.run
            && let Some(run) = before.run.as_deref().and_then(|run| ExternalId::new(run).ok())
            && let Some(month) = tx.run_month(pull.project.id, &run).await?
        {
            tx.remove_results(pull.project.id, month, &run, &[before.id.as_str()]).await?;
        } else if before.id != row.id && before.run.is_none() {
            left.push((before.kind.as_str(), before.id.as_str()));
        }
    }
    if left.is_empty() { Ok(Vec::new()) } else { Ok(tx.tombstone(pull.project.id, &pull.origin(), &left).await?) }
}

fn derived_suite(pull: &Pull<'_>, id: &ExternalId) -> Entity {
    Entity {
        external_id: id.clone(),
        origin: Origin { source: pull.origin(), precedence: PRECEDENCE_DERIVED_TITLE, line: None },
        facts: EntityFacts::Suite(Suite { name: id.as_str().to_owned() }),
    }
}

fn arguments(item: RunItem) -> RunArguments {
    RunArguments {
        id: item.id,
        title: Some(item.title),
        release: item.release.filter(|release| ExternalId::new(release.as_str()).is_ok()),
        environment: item.environment,
        platform: item.platform,
    }
}

/// What a row of a stream becomes.
fn kind_of(stream: SourceStream) -> &'static str {
    match stream {
        SourceStream::TestSuites => EntityKind::Suite.as_str(),
        SourceStream::TestCases => EntityKind::TestCase.as_str(),
        SourceStream::TestExecutions => EntityKind::Run.as_str(),
        SourceStream::TestResults => "result",
        SourceStream::Defects => EntityKind::Defect.as_str(),
    }
}

/// What problems call the place.
fn file_name(pull: &Pull<'_>, stream: SourceStream) -> String {
    format!("{}/{}", pull.settings.name, stream.as_str())
}

/// The key of a result that a row became.
fn result_key(source: &str, row: &str) -> String {
    ContentHash::of_bytes(format!("{source}\u{1f}{row}").as_bytes()).to_hex().chars().take(32).collect()
}

fn far_future(now: Moment) -> Moment {
    now + time::Duration::days(36_500)
}

fn date(moment: Moment) -> time::Date {
    moment.date()
}

/// The day of a time as a source writes it.
fn date_of(text: &str) -> Option<time::Date> {
    let day: String = text.chars().take(10).collect();
    time::Date::parse(&day, time::macros::format_description!("[year]-[month]-[day]")).ok()
}
