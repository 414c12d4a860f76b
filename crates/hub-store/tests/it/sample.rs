//! Projects, entities and results as the tests need them.

use hub_domain::{
    Entity, ExternalId, ProjectKey, SpaceKey, TestResult,
    entity::{Defect, EntityFacts, Origin, ResultExtra, TestCase},
    vocabulary::{CaseStatus, DefectStatus, Locale, ResultStatus},
};
use hub_store::{NewProject, ProjectRow, Store};

pub fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

pub fn new_project(tenant: &str, key: &str) -> NewProject {
    NewProject {
        tenant_slug: tenant.into(),
        key: ProjectKey::new(key).unwrap(),
        name: "City Tour Bookings".into(),
        locale: Locale::Es,
        jira_project_key: "CTB".into(),
        confluence_space_key: SpaceKey::new("CTB").unwrap(),
        site_url: "https://acme.atlassian.net/".into(),
        account_email: "qa@example.com".into(),
        credential_ref: "env://JIRA_TOKEN".into(),
        label_marker: false,
        update: false,
    }
}

pub async fn project(store: &Store) -> ProjectRow {
    store.add_project(&new_project("acme", "ctb")).await.unwrap()
}

pub fn case(external_id: &str, title: &str) -> Entity {
    Entity {
        external_id: id(external_id),
        origin: Origin { source: "csv-cases".into(), precedence: 50, line: None },
        facts: EntityFacts::TestCase(TestCase {
            title: title.into(),
            suite: Some(id("suite-home")),
            component: Some("home".into()),
            module: None,
            test_type: Some("e2e".into()),
            platforms: vec!["android".into(), "ios".into()],
            requirements: vec![],
            preconditions: None,
            steps: vec!["Abrir el menú".into(), "Pulsar «Reservar»".into()],
            expected_result: Some("Se abre la página".into()),
            priority: None,
            risk: None,
            status: CaseStatus::Active,
            source_words: vec![("status".into(), "Activo".into())],
            other: vec![],
        }),
    }
}

pub fn deprecated(external_id: &str) -> Entity {
    let mut entity = case(external_id, "old");
    if let EntityFacts::TestCase(case) = &mut entity.facts {
        case.status = CaseStatus::Deprecated;
    }
    entity
}

pub fn defect(external_id: &str) -> Entity {
    Entity {
        external_id: id(external_id),
        origin: Origin { source: "csv-defects".into(), precedence: 50, line: None },
        facts: EntityFacts::Defect(Defect {
            named_by: Vec::new(),
            title: "Payment is charged twice".into(),
            test_cases: vec![id("TC_1")],
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
        }),
    }
}

pub fn result(key: &str, case: Option<&str>, status: ResultStatus) -> TestResult {
    TestResult {
        result_key: key.into(),
        report: id("report-1"),
        test_case: case.map(id),
        name: format!("test {key}"),
        suite: Some("Home".into()),
        status,
        source_status: status.as_str().to_uppercase(),
        device: Some("Pixel 8".into()),
        platform: Some("android".into()),
        attempt: 0,
        duration_ms: Some(1_500),
        started_at: None,
        error_type: None,
        message: None,
        details: None,
        notes: None,
        evidence: vec!["shots/1.png".into()],
        extra: ResultExtra::default(),
        failure: None,
    }
}
