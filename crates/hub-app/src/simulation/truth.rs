//! The QA truth of a simulated project: test cases, defects with their links, a run with its pages. What shall be published
//! for it is the pipeline's own plan.

use std::collections::{BTreeMap, BTreeSet};

use hub_domain::{
    ContentHash, Entity, ExternalId, ProjectId, ProjectKey, SpaceKey, TenantId,
    entity::{Counts, Coverage, Defect, EntityFacts, Identity, Origin, Release, Report, Run, TestCase},
    facts::{Desired, Publication, PublicationKey},
    vocabulary::{CaseStatus, DefectStatus, Locale},
};
use hub_pipeline::plan::{self, RunView};
use hub_store::{ProjectRow, Wanted};

use super::random::Random;
use crate::plan::desired_hash;

/// What the simulated Jira refuses in a summary.
pub const POISON: &str = "[refused]";

/// What is true now.
#[derive(Clone)]
pub struct Truth {
    project: ProjectRow,
    entities: BTreeMap<Identity, Entity>,
    wanted: BTreeMap<PublicationKey, (Publication, ContentHash)>,
    /// Every hash that an object was ever to have, the oldest first.
    history: BTreeMap<PublicationKey, Vec<ContentHash>>,
    version: u64,
}

pub fn project() -> ProjectRow {
    ProjectRow {
        id: ProjectId(uuid::Uuid::from_u128(1)),
        tenant_id: TenantId(uuid::Uuid::from_u128(2)),
        tenant_slug: "acme".into(),
        key: ProjectKey::new("ctb").unwrap(),
        name: "City Tour Bookings".into(),
        locale: Locale::En,
        jira_project_key: "CTB".into(),
        confluence_space_key: SpaceKey::new("CTB").unwrap(),
        label_marker: false,
        archived_at: None,
    }
}

pub fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

fn origin() -> Origin {
    Origin { source: "csv-cases".into(), precedence: 50, line: None }
}

fn case(title: String) -> EntityFacts {
    EntityFacts::TestCase(TestCase {
        title,
        suite: None,
        component: None,
        module: Some("home".into()),
        test_type: None,
        platforms: vec![],
        requirements: vec![],
        preconditions: None,
        steps: vec![],
        expected_result: None,
        priority: None,
        risk: None,
        status: CaseStatus::Active,
        source_words: vec![],
        other: vec![],
    })
}

fn defect(title: String, test_cases: Vec<ExternalId>) -> EntityFacts {
    EntityFacts::Defect(Defect {
        named_by: Vec::new(),
        title,
        test_cases,
        run: None,
        severity: None,
        priority: None,
        status: DefectStatus::Open,
        description: None,
        steps: vec![],
        expected_result: None,
        actual_result: None,
        environment: None,
        platform: None,
        device: None,
        source_words: vec![],
        other: vec![],
        sightings: None,
    })
}

fn run(title: String) -> Run {
    Run {
        title,
        release: Some(id("R1")),
        environment: Some("staging".into()),
        source_environment: None,
        platform: None,
        devices: vec![],
        started_at: None,
        duration_ms: 1_000,
        counts: Counts { passed: 3, ..Counts::default() },
        coverage: Coverage { executed: 3, known: 9 },
        insight: hub_domain::insight::RunInsight::default(),
    }
}

impl Truth {
    /// An empty project with its own pages.
    pub fn new() -> Self {
        let mut truth = Self {
            project: project(),
            entities: BTreeMap::new(),
            wanted: BTreeMap::new(),
            history: BTreeMap::new(),
            version: 0,
        };
        truth.plan(plan::project(&truth.project.facts()));
        truth
    }

    /// Adds so many cases, a defect for every fourth, and a run with its pages where `pages`.
    pub fn grow(&mut self, cases: u64, pages: bool, poison_per_mille: u64, random: &Random) {
        let first = self.entities.len() as u64;
        for n in first..first + cases {
            let title = self.title("Book a tour", random.chance(poison_per_mille));
            self.set(id(&format!("TC_{n:03}")), case(title));
            if n % 4 == 1 {
                let mut shows: BTreeSet<u64> = BTreeSet::from([n]);
                shows.insert(random.between(first, n));
                let shows = shows.into_iter().map(|n| id(&format!("TC_{n:03}"))).collect();
                let title = self.title("Charged twice", random.chance(poison_per_mille));
                self.set(id(&format!("DEF_{n:03}")), defect(title, shows));
            }
        }
        if pages {
            let title = self.title("Release", false);
            self.set(id("R1"), EntityFacts::Release(Release { name: title }));
            let title = self.title("Nightly", false);
            self.set(id(&format!("RUN_{first:03}")), EntityFacts::Run(run(title)));
            let title = self.title("Report", false);
            let report = Report {
                title,
                run: id(&format!("RUN_{first:03}")),
                format: "junit".into(),
                file_name: "junit.xml".into(),
                digest: "00".into(),
                counts: Counts { passed: 3, ..Counts::default() },
                declared: hub_domain::record::DeclaredCounts::default(),
                problems: vec![],
            };
            self.set(id(&format!("REPORT_{first:03}")), EntityFacts::Report(report));
        }
    }

    /// Gives an entity a new content. What was refused may be mended by it.
    pub fn change(&mut self, random: &Random) {
        let all: Vec<Identity> = self.entities.keys().cloned().collect();
        let Some(entity) = all.get(random.index(all.len().max(1))).and_then(|id| self.entities.get(id)).cloned() else {
            return;
        };
        let title = self.title("Changed", false);
        let facts = match entity.facts {
            EntityFacts::TestCase(facts) => EntityFacts::TestCase(TestCase { title, ..facts }),
            EntityFacts::Defect(facts) => EntityFacts::Defect(Defect { title, ..facts }),
            EntityFacts::Run(facts) => EntityFacts::Run(Run { duration_ms: self.version, ..facts }),
            EntityFacts::Report(facts) => {
                EntityFacts::Report(Report { counts: Counts { passed: self.version, ..Counts::default() }, ..facts })
            }
            // A release's only fact is its name, which is a page's title.
            unchanged @ (EntityFacts::Release(_) | EntityFacts::Suite(_)) => unchanged,
        };
        self.set(entity.external_id, facts);
    }

    fn title(&mut self, words: &str, poison: bool) -> String {
        self.version += 1;
        format!("{words} v{}{}", self.version, if poison { POISON } else { "" })
    }

    fn set(&mut self, external_id: ExternalId, facts: EntityFacts) {
        let project = self.project.facts();
        let entity = Entity { external_id: external_id.clone(), origin: origin(), facts };
        let publications = match &entity.facts {
            EntityFacts::Run(run) => plan::run(&project, &entity, run, no_results()),
            EntityFacts::Report(report) => {
                let run = self.entities.values().find(|e| e.external_id == report.run).map(|e| &e.facts);
                match run {
                    Some(EntityFacts::Run(run)) => plan::report(&project, &external_id, report, run, vec![], 0),
                    _ => vec![],
                }
            }
            EntityFacts::TestCase(_) | EntityFacts::Defect(_) | EntityFacts::Release(_) | EntityFacts::Suite(_) => {
                plan::standalone(&project, &entity)
            }
        };
        self.plan(publications);
        self.entities.insert(entity.identity(), entity);
    }

    fn plan(&mut self, publications: Vec<Publication>) {
        for publication in publications {
            let hash = desired_hash(&publication).unwrap();
            let history = self.history.entry(publication.key.clone()).or_default();
            if history.last() != Some(&hash) {
                history.push(hash);
            }
            self.wanted.insert(publication.key.clone(), (publication, hash));
        }
    }

    /// What one object shall be.
    pub fn of(&self, key: &PublicationKey) -> Option<&(Publication, ContentHash)> {
        self.wanted.get(key)
    }

    /// Everything that shall be published.
    pub fn all(&self) -> impl Iterator<Item = (&PublicationKey, ContentHash)> {
        self.wanted.iter().map(|(key, (_, hash))| (key, *hash))
    }

    /// The same as the ledger is told.
    pub fn wanted(&self) -> Vec<Wanted> {
        let wanted = |(publication, hash): &(Publication, ContentHash)| Wanted {
            key: publication.key.clone(),
            rank: publication.rank,
            desired_hash: Some(*hash),
        };
        self.wanted.values().map(wanted).collect()
    }

    /// Whether the site refuses the object.
    pub fn is_refused(&self, key: &PublicationKey) -> bool {
        self.of(key).is_some_and(|(publication, _)| match &publication.desired {
            Desired::Issue(facts) => facts.summary.contains(POISON),
            Desired::Page(_) | Desired::IssueLink(_) | Desired::RemoteLink(_) => false,
        })
    }
}

fn no_results() -> RunView {
    RunView { results: vec![], more_results: 0, suites: vec![], failures: vec![], more_failures: 0 }
}
