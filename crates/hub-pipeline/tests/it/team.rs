//! What the tables would hold after a case was loaded, and the plan of it: the rules of the store in a few lines, so that
//! the pure stages can be seen together.

use std::collections::{BTreeMap, BTreeSet};

use hub_domain::{
    Entity, EntityKind, ExternalId, ProjectKey, SpaceKey, TestResult,
    entity::{Counts, Coverage, EntityFacts, Identity, Origin, ProjectFacts, Release, Report, Run},
    facts::{Publication, ResultLine, SuiteLine},
    ids::ProjectId,
    insight::RunInsight,
    phrases::Phrase,
    vocabulary::{CaseStatus, Locale},
};
use hub_pipeline::{
    normalise::{Fact, PRECEDENCE_DOCUMENT},
    plan::{self, NO_RELEASE, RunView},
    words,
};
use uuid::Uuid;

use crate::case::{Case, RunArguments};

/// Everything that a case has told.
#[derive(Default)]
pub struct Team {
    pub entities: BTreeMap<Identity, Entity>,
    pub results: BTreeMap<String, TestResult>,
}

/// The project of every case.
pub fn project(locale: Locale) -> ProjectFacts {
    ProjectFacts {
        id: ProjectId(Uuid::nil()),
        key: ProjectKey::new("shop").unwrap(),
        name: "Shop".to_owned(),
        locale,
        jira_project: "CTB".to_owned(),
        confluence_space: SpaceKey::new("CTB").unwrap(),
    }
}

impl Team {
    /// Loads a case, file by file.
    pub fn of(case: &Case) -> Self {
        let mut team = Self::default();
        let mut reports = Vec::new();
        let mut environment = None;
        for file in &case.files {
            let read = case.read(file);
            for fact in read.facts {
                match fact {
                    Fact::Entity(entity) => team.take(*entity),
                    Fact::Result(result) => {
                        team.results.insert(result.result_key.clone(), *result);
                    }
                    Fact::Problem(_) | Fact::Evidence(_) => {}
                }
            }
            environment = environment.or(read.summary.environment);
            if let Some((run, id)) = case.run.as_ref().zip(case.report_id(file)) {
                let report = Report {
                    title: file.name.clone(),
                    run: run.id.clone(),
                    format: file.format.clone(),
                    file_name: file.name.clone(),
                    digest: "0".repeat(64),
                    counts: read.summary.counts,
                    declared: read.summary.declared,
                    problems: Vec::new(),
                };
                reports.push((id, EntityFacts::Report(report)));
            }
        }
        if let Some(run) = &case.run {
            team.run(run, environment);
        }
        for (id, facts) in reports {
            team.take(hub(id, facts));
        }
        team
    }

    /// A source with a higher precedence wins; equal ones, the later.
    pub fn take(&mut self, entity: Entity) {
        let identity = entity.identity();
        let stays = self.entities.get(&identity).is_some_and(|old| old.origin.precedence > entity.origin.precedence);
        if !stays {
            self.entities.insert(identity, entity);
        }
    }

    /// The facts of an entity.
    pub fn facts(&self, kind: EntityKind, id: &str) -> &EntityFacts {
        let identity = Identity { kind, external_id: ExternalId::new(id).unwrap() };
        &self.entities.get(&identity).unwrap_or_else(|| panic!("no {kind:?} {id}")).facts
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.results.values().for_each(|result| counts.add(result.status, 1));
        counts
    }

    fn coverage(&self) -> Coverage {
        let known: BTreeSet<&ExternalId> = self
            .entities
            .values()
            .filter(
                |entity| matches!(&entity.facts, EntityFacts::TestCase(case) if case.status != CaseStatus::Deprecated),
            )
            .map(|entity| &entity.external_id)
            .collect();
        let executed: BTreeSet<&ExternalId> = self
            .results
            .values()
            .filter(|result| result.status.executed())
            .filter_map(|result| result.test_case.as_ref())
            .filter(|case| known.contains(case))
            .collect();
        Coverage { executed: executed.len() as u64, known: known.len() as u64 }
    }

    fn run(&mut self, arguments: &RunArguments, environment: Option<String>) {
        let devices: BTreeSet<String> = self.results.values().filter_map(|result| result.device.clone()).collect();
        let word = arguments.environment.clone().or(environment);
        let run = Run {
            title: arguments.title.clone().unwrap_or_else(|| arguments.id.as_str().to_owned()),
            release: arguments.release.clone(),
            environment: word.as_deref().and_then(words::environment),
            source_environment: word,
            platform: arguments.platform.as_deref().map(words::key),
            devices: devices.into_iter().collect(),
            started_at: self.results.values().filter_map(|result| result.started_at).min(),
            duration_ms: self.results.values().filter_map(|result| result.duration_ms).sum(),
            counts: self.counts(),
            coverage: self.coverage(),
            insight: RunInsight::default(),
        };
        self.take(hub(arguments.id.clone(), EntityFacts::Run(run)));
        if let Some(release) = &arguments.release {
            let facts = Release { name: release.as_str().to_owned() };
            self.take(hub(release.clone(), EntityFacts::Release(facts)));
        }
    }

    fn lines(&self, keep: impl Fn(&TestResult) -> bool) -> Vec<ResultLine> {
        let mut kept: Vec<&TestResult> = self.results.values().filter(|result| keep(result)).collect();
        kept.sort_by_key(|result| (!result.status.unsuccessful(), &result.test_case, &result.name, &result.device));
        kept.into_iter()
            .map(|result| ResultLine {
                test_case: result.test_case.clone(),
                name: result.name.clone(),
                device: result.device.clone(),
                status: result.status,
                duration_ms: result.duration_ms,
                message: result.message.clone(),
                evidence: Vec::new(),
                more_evidence: 0,
            })
            .collect()
    }

    fn view(&self) -> RunView {
        let mut suites: BTreeMap<&str, Counts> = BTreeMap::new();
        for result in self.results.values() {
            suites.entry(result.suite.as_deref().unwrap_or_default()).or_default().add(result.status, 1);
        }
        RunView {
            results: self.lines(|_| true),
            more_results: 0,
            suites: suites.into_iter().map(|(name, counts)| SuiteLine { name: name.to_owned(), counts }).collect(),
            failures: self.lines(|result| result.status.unsuccessful()),
            more_failures: 0,
        }
    }

    /// What shall be published, in the order of publishing.
    pub fn plan(&self, project: &ProjectFacts) -> Vec<Publication> {
        let mut all = plan::project(project);
        for entity in self.entities.values() {
            match &entity.facts {
                EntityFacts::Run(run) => {
                    all.extend(plan::run(project, entity, run, self.view()));
                    if run.release.is_none() {
                        let release = Release { name: Phrase::Unreleased.text(project.locale).to_owned() };
                        all.extend(plan::release(project, &ExternalId::new(NO_RELEASE).unwrap(), &release));
                    }
                }
                EntityFacts::Report(report) => {
                    let EntityFacts::Run(run) = self.facts(EntityKind::Run, report.run.as_str()) else {
                        panic!("a report without its run")
                    };
                    let lines = self.lines(|result| result.report == entity.external_id);
                    all.extend(plan::report(project, &entity.external_id, report, run, lines, 0));
                }
                EntityFacts::Suite(_) | EntityFacts::TestCase(_) | EntityFacts::Release(_) | EntityFacts::Defect(_) => {
                    all.extend(plan::standalone(project, entity));
                }
            }
        }
        all.sort_by(|a, b| (a.key.object, a.rank, &a.key).cmp(&(b.key.object, b.rank, &b.key)));
        all
    }
}

/// An entity that the hub itself computes.
fn hub(external_id: ExternalId, facts: EntityFacts) -> Entity {
    Entity {
        external_id,
        origin: Origin { source: "hub".to_owned(), precedence: PRECEDENCE_DOCUMENT, line: None },
        facts,
    }
}
