//! Projects and connectors: idempotent, checked before SQL and by the tables, and free of secrets.

use hub_domain::ProjectKey;
use hub_store::{ConnectorKind, NewProject, StoreError, credential};
use hub_testkit::TestDatabase;
use serde_json::json;

use crate::sample::{new_project, project};

#[tokio::test]
async fn adding_a_project_twice_is_one_project_and_other_settings_are_told() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let added = project(&store).await;
    assert_eq!(store.add_project(&new_project("acme", "ctb")).await.unwrap(), added);
    assert_eq!(store.project(&added.key).await.unwrap(), Some(added.clone()));
    assert_eq!(store.projects().await.unwrap(), std::slice::from_ref(&added));

    let other =
        NewProject { name: "Other".into(), account_email: "b@example.com".into(), ..new_project("acme", "ctb") };
    let error = store.add_project(&other).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-4005");
    assert!(
        matches!(&error, StoreError::ProjectExists { different, .. } if *different == ["name", "account"]),
        "{error}"
    );

    let changed = store.add_project(&NewProject { update: true, ..other }).await.unwrap();
    assert_eq!((changed.id, changed.name.as_str()), (added.id, "Other"));
    let connectors = store.connectors(added.id).await.unwrap();
    assert!(connectors.iter().all(|c| c.account_email == "b@example.com"));
}

#[tokio::test]
async fn connectors_are_one_site_and_forget_capabilities_when_it_changes() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let connectors = store.connectors(project.id).await.unwrap();
    let kinds: Vec<ConnectorKind> = connectors.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, ConnectorKind::ALL);
    assert!(connectors.iter().all(|c| c.base_url == "https://acme.atlassian.net" && c.capabilities.is_none()));

    let tx = store.worker(project.tenant_id).await.unwrap();
    let before = tx.now().await.unwrap();
    store.save_capabilities(connectors[0].id, &json!({"types": ["Bug"]})).await.unwrap();
    let after = tx.now().await.unwrap();
    let found = store.connectors(project.id).await.unwrap();
    assert_eq!(found[0].capabilities, Some(json!({"types": ["Bug"]})));
    // By the database's clock, as everything that grows old.
    let at = found[0].capabilities_at.unwrap();
    assert!(before <= at && at <= after, "{before} {at} {after}");
    // The same settings keep them, another site does not.
    store.add_project(&NewProject { update: true, ..new_project("acme", "ctb") }).await.unwrap();
    assert!(store.connectors(project.id).await.unwrap()[0].capabilities.is_some());
    let moved = NewProject { update: true, site_url: "http://127.0.0.1:8080".into(), ..new_project("acme", "ctb") };
    store.add_project(&moved).await.unwrap();
    assert!(store.connectors(project.id).await.unwrap()[0].capabilities.is_none());
}

#[tokio::test]
async fn a_key_that_two_tenants_use_is_asked_for_by_tenant() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let first = project(&store).await;
    let second = store.add_project(&new_project("globex", "ctb")).await.unwrap();
    assert_ne!(first.tenant_id, second.tenant_id);
    let error = store.project(&first.key).await.unwrap_err();
    assert!(error.to_string().contains("acme, globex"), "{error}");
    assert_eq!(store.project_of("globex", &first.key).await.unwrap(), Some(second));
    assert_eq!(store.project(&ProjectKey::new("none").unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn bad_settings_are_refused_together_and_a_token_is_never_stored() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let bad = NewProject {
        tenant_slug: "Acme Inc".into(),
        name: " ".into(),
        jira_project_key: "ctb".into(),
        site_url: "http://acme.atlassian.net".into(),
        account_email: "nobody".into(),
        ..new_project("acme", "ctb")
    };
    let error = store.add_project(&bad).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-4004");
    assert!(matches!(&error, StoreError::Settings(wrong) if wrong.len() == 5), "{error}");
    let raw = NewProject { credential_ref: "ATATT3xFfGF0secret".into(), ..new_project("acme", "ctb") };
    assert_eq!(store.add_project(&raw).await.unwrap_err().code().id, "HUB-4001");
    assert_eq!(store.projects().await.unwrap(), []);
}

/// The table refuses what the program refuses, for whoever writes past the program.
#[tokio::test]
async fn the_tables_check_agrees_with_the_programs_check() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let client = database.client().await;
    for (reference, accepted) in credential::examples() {
        let updated = client
            .execute_typed(
                "update hub.connectors set credential_ref = $1 where project_id = $2 and kind = 'jira_cloud'",
                &[(&reference, tokio_postgres::types::Type::TEXT), (&project.id.0, tokio_postgres::types::Type::UUID)],
            )
            .await;
        assert_eq!(updated.is_ok(), accepted, "{reference:?}");
    }
    let urls = [
        ("https://x.atlassian.net", true),
        ("http://127.0.0.1:80/a", true),
        ("http://[::1]:80", true),
        ("http://localhost", true),
        ("http://x.atlassian.net", false),
        ("http://localhost.evil.example", false),
        ("https://user@x.atlassian.net", false),
        ("https://x.atlassian.net?a", false),
    ];
    for (url, accepted) in urls {
        let updated = client
            .execute_typed("update hub.connectors set base_url = $1", &[(&url, tokio_postgres::types::Type::TEXT)])
            .await;
        assert_eq!(updated.is_ok(), accepted, "{url}");
    }
}
