//! A loss of commits is noticed by the transaction that would announce a create, once, for every project, and holds
//! creates until the project was looked at.

use hub_domain::{
    ContentHash, EntityKind,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{DueShare, ServerSeen, Wanted};
use hub_testkit::TestDatabase;

use crate::sample::{id, project};

async fn run(database: &TestDatabase, sql: &str) {
    database.client().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn another_timeline_holds_creates_until_the_project_was_looked_at() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let seen = ServerSeen::default();
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.recovery(project.id, &seen).await.unwrap(), None, "the server is the one of the migration");
    let keys = [PublicationKey::issue(EntityKind::TestCase, id("TC_1"))];
    let hash = Some(ContentHash([1; 32]));
    tx.want(project.id, &[Wanted { key: keys[0].clone(), rank: 0, desired_hash: hash }]).await.unwrap();
    let before = tx.mark_sending(project.id, &keys, None).await.unwrap();
    tx.commit().await.unwrap();

    // As a restore leaves it: the row that came back names the old timeline.
    run(&database, "update hub_private.server set timeline = timeline + 1").await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let held = tx.recovery(project.id, &seen).await.unwrap().expect("the change was not noticed");
    tx.commit().await.unwrap();
    let tx = store.worker(project.tenant_id).await.unwrap();
    let again = tx.recovery(project.id, &ServerSeen::default()).await.unwrap().expect("it was forgotten");
    assert_eq!(again.began_at, held.began_at, "another process joins the same holding");
    let after = tx.mark_sending(project.id, &keys, None).await.unwrap();
    assert!(after.fence > before.fence + 1_000_000, "a lost send's number is never given out again");
    // What exists may still be changed; what would be created is not due.
    let existing = DueShare { object: ObjectKind::Issue, entities: &[], exists: Some(true) };
    let now = tx.now().await.unwrap();
    assert_eq!(tx.due_of(project.id, &existing, 9, now).await.unwrap(), []);
    assert!(tx.recovered(project.id, &held, 3).await.unwrap());
    assert!(!tx.recovered(project.id, &held, 3).await.unwrap(), "it ends once");
    assert_eq!(tx.recovery(project.id, &seen).await.unwrap(), None);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn another_server_and_a_log_that_went_back_are_noticed_too() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let (seen, fresh) = (ServerSeen::default(), ServerSeen::default());
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.recovery(project.id, &seen).await.unwrap(), None);
    tx.commit().await.unwrap();

    run(&database, "update hub_private.server set system_identifier = system_identifier + 1").await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let held = tx.recovery(project.id, &fresh).await.unwrap().expect("another server was not noticed");
    assert!(tx.recovered(project.id, &held, 0).await.unwrap());
    tx.commit().await.unwrap();

    // A process that saw a later position of the log than there is now: a copy of the files was put back.
    seen.saw(i64::MAX);
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert!(tx.recovery(project.id, &seen).await.unwrap().is_some(), "the log went back and nobody noticed");
    tx.commit().await.unwrap();
    let reasons = database
        .client()
        .await
        .query_typed("select reason from hub.recoveries order by began_at", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>();
    assert_eq!(reasons, ["server", "position"]);
    // The process goes on from the present position and does not begin again for ever.
    let tx = store.worker(project.tenant_id).await.unwrap();
    let held = tx.recovery(project.id, &seen).await.unwrap().unwrap();
    assert!(tx.recovered(project.id, &held, 0).await.unwrap());
    assert_eq!(tx.recovery(project.id, &seen).await.unwrap(), None);
}
