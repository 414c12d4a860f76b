//! Creates without an answer, as the resolver finds and releases them, and what an operator is told of failures.

use std::time::Duration;

use hub_domain::{
    ContentHash, EntityKind, codes,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{Failure, FailureState, KnownRemote, ProjectRow, PublicationState, Published, Store, Wanted};
use hub_testkit::TestDatabase;
use time::macros::datetime;

use crate::sample::{id, project};

const A: ContentHash = ContentHash([1; 32]);

fn keys(object: fn(EntityKind, hub_domain::ExternalId) -> PublicationKey) -> Vec<PublicationKey> {
    (1..=3).map(|n| object(EntityKind::Run, id(&format!("run-{n}")))).collect()
}

async fn wanting(database: &TestDatabase, keys: &[PublicationKey]) -> (Store, ProjectRow) {
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let wanted: Vec<Wanted> =
        keys.iter().map(|key| Wanted { key: key.clone(), rank: 0, desired_hash: Some(A) }).collect();
    tx.want(project.id, &wanted).await.unwrap();
    tx.commit().await.unwrap();
    (store, project)
}

fn failure(key: &PublicationKey, fence: i64, state: FailureState) -> Failure {
    Failure {
        key: key.clone(),
        fence,
        state,
        code: &codes::REFUSED,
        message: "the site refuses the field".into(),
        remote_status: Some(400),
        spends_attempt: true,
        remote: None,
    }
}

#[tokio::test]
async fn only_creates_are_searched_for_and_only_the_same_send_is_released() {
    let database = TestDatabase::fresh().await;
    let keys = keys(PublicationKey::issue);
    let (store, project) = wanting(&database, &keys).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    // The first exists: an update of it is no create.
    let known = Published {
        key: keys[0].clone(),
        fence: 0,
        hash: Some(ContentHash([9; 32])),
        remote_id: Some("1".into()),
        remote_key: Some("CTB-1".into()),
        remote_version: None,
        labels: None,
        remote_parent: None,
    };
    tx.record_published(project.id, &[known]).await.unwrap();
    let claim = tx.mark_sending(project.id, &keys, Some(1)).await.unwrap();
    assert_eq!(claim.keys.len(), 3);
    assert_eq!(tx.open_creates(project.id, ObjectKind::Issue, Duration::from_secs(600)).await.unwrap(), []);
    let open = tx.open_creates(project.id, ObjectKind::Issue, Duration::ZERO).await.unwrap();
    assert_eq!(open.iter().map(|open| &open.row.key).collect::<Vec<_>>(), [&keys[1], &keys[2]]);
    assert!(open.iter().all(|open| open.age < Duration::from_secs(60) && open.row.lowest_key == Some(1)));

    let absent = [(keys[1].clone(), claim.fence), (keys[2].clone(), claim.fence + 1)];
    assert_eq!(tx.release(project.id, &absent).await.unwrap(), 1);
    let rows = tx.ledger_rows(project.id, &keys[1..]).await.unwrap();
    for row in rows {
        let is_released = row.key == keys[1];
        let state = if is_released { PublicationState::Pending } else { PublicationState::Uncertain };
        assert_eq!((row.state, row.sent_at.is_none(), row.error_code.is_none()), (state, is_released, is_released));
    }
    // What is released is due; releasing it again does nothing.
    let due = tx.due(project.id, ObjectKind::Issue, 9, datetime!(2026-11-24 12:00 UTC)).await.unwrap();
    assert_eq!(due.iter().map(|row| &row.key).collect::<Vec<_>>(), [&keys[1]]);
    assert_eq!(tx.release(project.id, &absent[..1]).await.unwrap(), 0);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_page_that_exists_without_its_labels_keeps_its_id_and_waiting_for_others_spends_no_attempt() {
    let database = TestDatabase::fresh().await;
    let keys = keys(PublicationKey::page);
    let (store, project) = wanting(&database, &keys).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let later = FailureState::Waiting { delay: Duration::from_secs(3_600) };
    let partly = Failure {
        remote: Some(KnownRemote {
            id: "77".into(),
            key: Some("/spaces/CTB/pages/77".into()),
            version: Some(1),
            parent: Some("5".into()),
        }),
        ..failure(&keys[0], 0, later)
    };
    let waits = Failure { spends_attempt: false, ..failure(&keys[1], 0, later) };
    assert_eq!(tx.record_failure(project.id, &[partly, waits]).await.unwrap().recorded, 2);
    let rows = tx.ledger_rows(project.id, &keys).await.unwrap();
    let row = |key: &PublicationKey| rows.iter().find(|row| row.key == *key).unwrap();
    let page = row(&keys[0]);
    assert_eq!((page.remote_id.as_deref(), page.remote_version, page.attempts), (Some("77"), Some(1), 1));
    assert_eq!((page.remote_parent.as_deref(), page.published_hash), (Some("5"), None));
    assert_eq!((row(&keys[1]).attempts, row(&keys[1]).state), (0, PublicationState::Waiting));
    // A failure that knows nothing of the object forgets nothing.
    tx.record_failure(project.id, &[failure(&keys[0], 0, FailureState::Dead)]).await.unwrap();
    let remote = tx.remote(project.id, &keys[..1]).await.unwrap();
    assert_eq!(remote[0].remote_id, "77");
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn causes_are_summed_up_the_most_frequent_first() {
    let database = TestDatabase::fresh().await;
    let keys = keys(PublicationKey::page);
    let (store, project) = wanting(&database, &keys).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let other = Failure { code: &codes::TITLE_TAKEN, ..failure(&keys[2], 0, FailureState::Dead) };
    let failures = [failure(&keys[0], 0, FailureState::Dead), failure(&keys[1], 0, FailureState::Dead), other];
    tx.record_failure(project.id, &failures).await.unwrap();
    let causes = tx.causes(project.id).await.unwrap();
    let causes: Vec<(&str, u64)> = causes.iter().map(|cause| (cause.code.as_str(), cause.rows)).collect();
    assert_eq!(causes, [("HUB-2005", 2), ("HUB-2008", 1)]);
    tx.commit().await.unwrap();
}
