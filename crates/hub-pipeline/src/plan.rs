//! What shall be published for an entity: the facts of each issue, page and link, ready for a destination's encoder.
//! Level-triggered: a plan is computed from what is true now and says nothing of what was published before.

use hub_domain::{
    Entity, EntityKind, ExternalId,
    entity::{Defect, EntityFacts, Identity, ProjectFacts, Release, Report, Run, TestCase},
    facts::{
        Desired, IssueBody, IssueFacts, IssueFields, IssueKind, IssueLinkFacts, ObjectKind, PageBody, PageFacts,
        PageProperties, ProjectRequirements, Publication, PublicationKey, Relation, RemoteLinkFacts, ResultLine,
        SuiteLine,
    },
};

use crate::{taxonomy, titles};

/// The external id of the page for runs that name no release.
pub const NO_RELEASE: &str = "unreleased";

/// Ranks of issues: what a person waits for comes before bulk.
mod rank {
    pub const DEFECT: u8 = 0;
    pub const EXECUTION: u8 = 1;
    pub const CASE: u8 = 2;
    pub const PROJECT_PAGE: u8 = 0;
    pub const RELEASE_PAGE: u8 = 1;
    pub const RUN_PAGE: u8 = 2;
    pub const REPORT_PAGE: u8 = 3;
    pub const LINK: u8 = 0;
}

/// A run with what its issue and page show of its results.
#[derive(Debug, Clone)]
pub struct RunView {
    /// Its results, unsuccessful first.
    pub results: Vec<ResultLine>,
    /// How many are not in `results`.
    pub more_results: u64,
    /// Its results by suite.
    pub suites: Vec<SuiteLine>,
    /// Its unsuccessful results.
    pub failures: Vec<ResultLine>,
    /// How many are not in `failures`.
    pub more_failures: u64,
}

fn project_identity(project: &ProjectFacts) -> Option<Identity> {
    Some(Identity { kind: EntityKind::Project, external_id: ExternalId::new(project.key.as_str()).ok()? })
}

/// The release page that a run stands under.
#[must_use]
pub fn release_of(run: &Run) -> Option<ExternalId> {
    run.release.clone().or_else(|| ExternalId::new(NO_RELEASE).ok())
}

/// The pages that every project has, where no run has said anything of its requirements.
#[must_use]
pub fn project(project: &ProjectFacts) -> Vec<Publication> {
    project_with(project, None)
}

/// The pages that every project has: its root, with its requirements as its latest run leaves them, and the report index.
#[must_use]
pub fn project_with(project: &ProjectFacts, requirements: Option<ProjectRequirements>) -> Vec<Publication> {
    let Some(identity) = project_identity(project) else { return Vec::new() };
    let properties = PageProperties {
        project: project.key.as_str().to_owned(),
        run_id: None,
        env: None,
        status: None,
        coverage: None,
        date: None,
    };
    let page = |kind, title: &str, parent, body| PageFacts {
        external_id: identity.external_id.clone(),
        locale: project.locale,
        title: titles::page(&project.key, kind, &identity.external_id, title),
        parent,
        labels: taxonomy::of_project(project.key.as_str()),
        properties: properties.clone(),
        jira_project: project.jira_project.clone(),
        body,
    };
    let root = page(
        EntityKind::Project,
        &project.name,
        None,
        PageBody::Project { name: project.name.clone(), jira_project: project.jira_project.clone(), requirements },
    );
    let index_title = hub_domain::phrases::Phrase::ReportIndex.text(project.locale);
    let index = page(
        EntityKind::Index,
        &format!("{} · {index_title}", project.name),
        Some(identity.clone()),
        PageBody::ReportIndex,
    );
    vec![
        Publication {
            key: PublicationKey::page(EntityKind::Project, identity.external_id.clone()),
            rank: rank::PROJECT_PAGE,
            desired: Desired::Page(Box::new(root)),
        },
        Publication {
            key: PublicationKey::page(EntityKind::Index, identity.external_id.clone()),
            rank: rank::RELEASE_PAGE,
            desired: Desired::Page(Box::new(index)),
        },
    ]
}

/// The issue of a test case.
#[must_use]
pub fn case(project: &ProjectFacts, entity: &Entity, case: &TestCase) -> Vec<Publication> {
    let id = entity.external_id.clone();
    let facts = IssueFacts {
        kind: IssueKind::TestCase,
        external_id: id.clone(),
        source: entity.origin.source.clone(),
        locale: project.locale,
        summary: titles::summary(&id, &case.title),
        labels: taxonomy::of_case(project.key.as_str(), case),
        priority: case.priority,
        fields: IssueFields {
            test_case_id: Some(id.as_str().to_owned()),
            suite_id: case.suite.as_ref().map(|s| s.as_str().to_owned()),
            platform: (!case.platforms.is_empty()).then(|| case.platforms.join(", ")),
            ..IssueFields::default()
        },
        body: IssueBody::TestCase(case.clone()),
    };
    vec![Publication {
        key: PublicationKey::issue(EntityKind::TestCase, id),
        rank: rank::CASE,
        desired: Desired::Issue(Box::new(facts)),
    }]
}

/// The issue of a defect and its links to the cases that show it.
#[must_use]
pub fn defect(project: &ProjectFacts, entity: &Entity, defect: &Defect) -> Vec<Publication> {
    let id = entity.external_id.clone();
    let facts = IssueFacts {
        kind: IssueKind::Bug,
        external_id: id.clone(),
        source: entity.origin.source.clone(),
        locale: project.locale,
        summary: titles::summary(&id, &defect.title),
        labels: taxonomy::of_defect(project.key.as_str(), defect),
        priority: defect.priority,
        fields: IssueFields {
            test_case_id: defect.cases().next().map(|c| c.as_str().to_owned()),
            suite_id: None,
            run_id: defect.run.as_ref().map(|r| r.as_str().to_owned()),
            environment: defect.environment.clone(),
            platform: defect.platform.clone(),
            device: defect.device.clone(),
        },
        body: IssueBody::Bug(defect.clone()),
    };
    let from = Identity { kind: EntityKind::Defect, external_id: id.clone() };
    let links = defect.cases().map(|case| {
        let to = Identity { kind: EntityKind::TestCase, external_id: case.clone() };
        Publication {
            key: PublicationKey::link(ObjectKind::IssueLink, from.clone(), to.clone()),
            rank: rank::LINK,
            desired: Desired::IssueLink(IssueLinkFacts { from: from.clone(), to, relation: Relation::DefectOfCase }),
        }
    });
    let issue = Publication {
        key: PublicationKey::issue(EntityKind::Defect, id),
        rank: rank::DEFECT,
        desired: Desired::Issue(Box::new(facts)),
    };
    std::iter::once(issue).chain(links).collect()
}

/// The page of a release.
#[must_use]
pub fn release(project: &ProjectFacts, id: &ExternalId, release: &Release) -> Vec<Publication> {
    let facts = PageFacts {
        external_id: id.clone(),
        locale: project.locale,
        title: titles::page(&project.key, EntityKind::Release, id, &release.name),
        parent: project_identity(project),
        labels: taxonomy::of_project(project.key.as_str()),
        properties: PageProperties {
            project: project.key.as_str().to_owned(),
            run_id: None,
            env: None,
            status: None,
            coverage: None,
            date: None,
        },
        jira_project: project.jira_project.clone(),
        body: PageBody::Release { name: release.name.clone() },
    };
    vec![Publication {
        key: PublicationKey::page(EntityKind::Release, id.clone()),
        rank: rank::RELEASE_PAGE,
        desired: Desired::Page(Box::new(facts)),
    }]
}

/// The Page Properties of a run, which its page and its reports share.
fn run_properties(project: &ProjectFacts, id: &ExternalId, run: &Run) -> PageProperties {
    PageProperties {
        project: project.key.as_str().to_owned(),
        run_id: Some(id.as_str().to_owned()),
        env: run.environment.clone(),
        status: Some(run.counts.status().as_str().to_owned()),
        coverage: Some(run.coverage),
        date: run.started_at.map(|moment| moment.date().to_string()),
    }
}

/// The Test Execution issue of a run, its page below the release, and the link from the one to the other.
#[must_use]
pub fn run(project: &ProjectFacts, entity: &Entity, run: &Run, view: RunView) -> Vec<Publication> {
    let id = entity.external_id.clone();
    let labels = taxonomy::of_run(project.key.as_str(), run);
    let issue = IssueFacts {
        kind: IssueKind::TestExecution,
        external_id: id.clone(),
        source: entity.origin.source.clone(),
        locale: project.locale,
        summary: titles::summary(&id, &run.title),
        labels: labels.clone(),
        priority: None,
        fields: IssueFields {
            run_id: Some(id.as_str().to_owned()),
            environment: run.environment.clone(),
            platform: run.platform.clone(),
            device: (!run.devices.is_empty()).then(|| titles::one_line(&run.devices.join(", "), 250)),
            ..IssueFields::default()
        },
        body: IssueBody::TestExecution { run: run.clone(), results: view.results, more: view.more_results },
    };
    let page = PageFacts {
        external_id: id.clone(),
        locale: project.locale,
        title: titles::page(&project.key, EntityKind::Run, &id, &run.title),
        parent: release_of(run).map(|external_id| Identity { kind: EntityKind::Release, external_id }),
        labels,
        properties: run_properties(project, &id, run),
        jira_project: project.jira_project.clone(),
        body: PageBody::Run {
            run: run.clone(),
            suites: view.suites,
            failures: view.failures,
            more: view.more_failures,
        },
    };
    let identity = entity.identity();
    vec![
        Publication {
            key: PublicationKey::issue(EntityKind::Run, id.clone()),
            rank: rank::EXECUTION,
            desired: Desired::Issue(Box::new(issue)),
        },
        Publication {
            key: PublicationKey::page(EntityKind::Run, id),
            rank: rank::RUN_PAGE,
            desired: Desired::Page(Box::new(page.clone())),
        },
        Publication {
            key: PublicationKey::link(ObjectKind::RemoteLink, identity.clone(), identity.clone()),
            rank: rank::LINK,
            desired: Desired::RemoteLink(RemoteLinkFacts {
                issue: identity.clone(),
                page: identity,
                title: page.title,
            }),
        },
    ]
}

/// The page of a report, below its run.
#[must_use]
pub fn report(
    project: &ProjectFacts,
    id: &ExternalId,
    report: &Report,
    run: &Run,
    results: Vec<ResultLine>,
    more: u64,
) -> Vec<Publication> {
    let mut properties = run_properties(project, &report.run, run);
    properties.status = Some(report.counts.status().as_str().to_owned());
    let facts = PageFacts {
        external_id: id.clone(),
        locale: project.locale,
        title: titles::page(&project.key, EntityKind::Report, id, &report.title),
        parent: Some(Identity { kind: EntityKind::Run, external_id: report.run.clone() }),
        labels: taxonomy::of_run(project.key.as_str(), run),
        properties,
        jira_project: project.jira_project.clone(),
        body: PageBody::Report { report: report.clone(), results, more },
    };
    vec![Publication {
        key: PublicationKey::page(EntityKind::Report, id.clone()),
        rank: rank::REPORT_PAGE,
        desired: Desired::Page(Box::new(facts)),
    }]
}

/// Plans an entity whose publications depend on nothing but its own facts. Runs and reports show results and are
/// planned by [`run`] and [`report`]; suites are structure inside other objects.
#[must_use]
pub fn standalone(project: &ProjectFacts, entity: &Entity) -> Vec<Publication> {
    match &entity.facts {
        EntityFacts::TestCase(facts) => case(project, entity, facts),
        EntityFacts::Defect(facts) => defect(project, entity, facts),
        EntityFacts::Release(facts) => release(project, &entity.external_id, facts),
        EntityFacts::Suite(_) | EntityFacts::Run(_) | EntityFacts::Report(_) => Vec::new(),
    }
}
