//! The record of what was handed over.

use hub_domain::{ContentHash, Position, Problem, Severity, codes};
use hub_store::Import;
use hub_testkit::TestDatabase;
use serde_json::json;

use crate::sample::{id, project};

fn import(name: &str, content: &str) -> Import {
    Import {
        run: Some(id("run-1")),
        file_name: name.into(),
        path: "/reports/x".into(),
        digest: ContentHash::of_bytes(content.as_bytes()),
        format: "junit".into(),
        bytes: 120,
        counts: json!({"results": 3}),
        problems: json!({"HUB-1006": 1}),
    }
}

#[tokio::test]
async fn only_the_latest_content_of_a_file_counts_as_imported() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let (v1, v2) = (import("a.xml", "one"), import("a.xml", "two"));
    tx.record_import(project.id, &v1).await.unwrap();
    let found = tx.find_import(project.id, Some(&id("run-1")), &v1.digest).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].import, found[0].times), (&v1, 1));
    tx.record_import(project.id, &v2).await.unwrap();
    // Going back to the first content must be read again.
    assert_eq!(tx.find_import(project.id, Some(&id("run-1")), &v1.digest).await.unwrap(), []);
    assert_eq!(tx.find_import(project.id, Some(&id("run-1")), &v2.digest).await.unwrap()[0].times, 2);
    assert_eq!(tx.find_import(project.id, Some(&id("run-2")), &v2.digest).await.unwrap(), []);
    let cases = Import { run: None, format: "csv-cases".into(), ..import("cases.csv", "x") };
    tx.record_import(project.id, &cases).await.unwrap();
    assert_eq!(tx.find_import(project.id, None, &cases.digest).await.unwrap()[0].import, cases);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn problems_are_recorded_once_and_resolved_when_the_file_is_mended() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let problem = |line, message: &str| Problem {
        code: &codes::NO_NAME,
        message: message.into(),
        position: Position { file: "a.xml".into(), line: Some(line), column: None },
        subject: Some("TC_1".into()),
        severity: Severity::Rejected,
    };
    let tx = store.worker(project.tenant_id).await.unwrap();
    let run = id("run-1");
    let both = [problem(1, "no name"), problem(2, "no name"), problem(1, "no name")];
    assert_eq!(tx.add_rejects(project.id, Some(&run), "a.xml", &both).await.unwrap(), 2);
    assert_eq!(tx.add_rejects(project.id, Some(&run), "a.xml", &both).await.unwrap(), 0);
    assert_eq!(tx.open_rejects(project.id).await.unwrap(), [("HUB-1006".to_owned(), 2)]);
    assert_eq!(tx.add_rejects(project.id, Some(&run), "a.xml", &both[1..2]).await.unwrap(), 0);
    assert_eq!(tx.open_rejects(project.id).await.unwrap(), [("HUB-1006".to_owned(), 1)]);
    // Another file's problems are its own; what comes back is open again.
    tx.add_rejects(project.id, None, "b.csv", &[]).await.unwrap();
    assert_eq!(tx.add_rejects(project.id, Some(&run), "a.xml", &both).await.unwrap(), 1);
    assert_eq!(tx.open_rejects(project.id).await.unwrap(), [("HUB-1006".to_owned(), 2)]);
    tx.commit().await.unwrap();
}
