//! The ledger: what is to do, in which order, and what happens to a send.

use std::time::Duration;

use hub_domain::{
    ContentHash, EntityKind, codes,
    entity::Identity,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{
    Failure, FailureState, LedgerRow, ProjectRow, PublicationState, Published, Store, Wanted, WorkerTx, ledger,
};
use hub_testkit::TestDatabase;
use time::{OffsetDateTime, macros::datetime};

use crate::sample::{id, project};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const A: ContentHash = ContentHash([1; 32]);
const B: ContentHash = ContentHash([2; 32]);

async fn opened(database: &TestDatabase) -> (Store, ProjectRow, WorkerTx) {
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    (store, project, tx)
}

fn issue(external_id: &str) -> PublicationKey {
    PublicationKey::issue(EntityKind::TestCase, id(external_id))
}

fn wanted(key: PublicationKey, hash: ContentHash) -> Wanted {
    Wanted { key, rank: 0, desired_hash: Some(hash) }
}

fn published(row: &LedgerRow, hash: ContentHash, remote: &str) -> Published {
    Published {
        key: row.key.clone(),
        fence: row.fence,
        hash: Some(hash),
        remote_id: Some(remote.into()),
        remote_key: Some(format!("CTB-{remote}")),
        remote_version: Some(1),
        labels: Some(vec!["project:ctb".into()]),
        remote_parent: None,
    }
}

fn failure(row: &LedgerRow, state: FailureState) -> Failure {
    Failure {
        key: row.key.clone(),
        fence: row.fence,
        state,
        code: &codes::REMOTE_FAILED,
        message: "x".repeat(3_000),
        remote_status: Some(503),
        spends_attempt: true,
        remote: None,
    }
}

async fn row(tx: &WorkerTx, project: &ProjectRow, key: &PublicationKey) -> LedgerRow {
    tx.ledger_rows(project.id, std::slice::from_ref(key)).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn what_is_wanted_is_due_in_the_order_of_publishing_until_it_is_published() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let low = |key, rank| Wanted { rank, ..wanted(key, A) };
    let defect = PublicationKey::issue(EntityKind::Defect, id("D-1"));
    let from = Identity { kind: EntityKind::Defect, external_id: id("D-1") };
    let to = Identity { kind: EntityKind::TestCase, external_id: id("TC_1") };
    let link = PublicationKey::link(ObjectKind::IssueLink, from, to);
    let all = [
        low(issue("TC_2"), 5),
        low(issue("TC_1"), 5),
        low(defect.clone(), 1),
        low(issue("TC_2"), 4),
        low(link.clone(), 0),
    ];
    assert_eq!(tx.want(project.id, &all).await.unwrap(), 4);
    assert_eq!(tx.want(project.id, &all).await.unwrap(), 0);

    let due = tx.due(project.id, ObjectKind::Issue, 10, NOW).await.unwrap();
    let keys: Vec<&PublicationKey> = due.iter().map(|row| &row.key).collect();
    assert_eq!(keys, [&defect, &issue("TC_2"), &issue("TC_1")]);
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 2, NOW).await.unwrap().len(), 2);
    assert_eq!(tx.due(project.id, ObjectKind::IssueLink, 9, NOW).await.unwrap()[0].key, link);

    let records: Vec<Published> = due.iter().zip(["11", "12", "13"]).map(|(row, id)| published(row, A, id)).collect();
    let recorded = tx.record_published(project.id, &records).await.unwrap();
    assert_eq!((recorded.recorded, recorded.stale.len()), (3, 0));
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 10, NOW).await.unwrap(), []);
    let found = row(&tx, &project, &defect).await;
    assert_eq!((found.state, found.published_hash), (PublicationState::Published, Some(A)));
    assert_eq!((found.remote_key.as_deref(), found.remote_version), (Some("CTB-11"), Some(1)));
    assert_eq!(found.remote_labels, Some(vec!["project:ctb".to_owned()]));
    assert_eq!(tx.highest_key(project.id).await.unwrap(), Some(13));
    let remote = tx.remote(project.id, &[defect.clone(), link.clone(), issue("none")]).await.unwrap();
    assert_eq!(remote.iter().map(|r| r.remote_id.as_str()).collect::<Vec<_>>(), ["11"]);

    // A link has no id at the site.
    let link_row = row(&tx, &project, &link).await;
    let linked = Published { remote_id: None, remote_key: None, labels: None, ..published(&link_row, A, "-") };
    assert_eq!(tx.record_published(project.id, &[linked]).await.unwrap().recorded, 1);
    assert_eq!(tx.due_summary(project.id, NOW).await.unwrap(), []);
    let summary = tx.summary(project.id).await.unwrap();
    let summary: Vec<_> = summary.iter().map(|line| (line.object, line.state, line.rows)).collect();
    let state = PublicationState::Published;
    assert_eq!(summary, [(ObjectKind::Issue, state, 3), (ObjectKind::IssueLink, state, 1)]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_changed_wish_is_due_once_and_a_wish_taken_back_is_not() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let key = issue("TC_1");
    tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap();
    let first = row(&tx, &project, &key).await;
    tx.record_published(project.id, &[published(&first, A, "1")]).await.unwrap();
    assert_eq!(tx.want(project.id, &[wanted(key.clone(), B)]).await.unwrap(), 1);
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap().len(), 1);
    assert_eq!(tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap(), 1);
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap().len(), 0);
    assert_eq!(row(&tx, &project, &key).await.state, PublicationState::Published);
    // It should not exist any more: to do, until that is recorded. What never was wanted makes no row.
    let gone = [
        Wanted { desired_hash: None, ..wanted(key.clone(), A) },
        Wanted { desired_hash: None, ..wanted(issue("never"), A) },
    ];
    assert_eq!(tx.want(project.id, &gone).await.unwrap(), 1);
    let due = tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap();
    assert_eq!((due.len(), due[0].desired_hash), (1, None));
    assert_eq!(tx.wanted_keys(project.id, ObjectKind::Issue, None, 9).await.unwrap(), []);
    let withdrawn = Published { hash: None, ..published(&due[0], A, "1") };
    tx.record_published(project.id, &[withdrawn]).await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap(), []);
}

#[tokio::test]
async fn a_failed_attempt_waits_counts_and_is_given_up_or_revived() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let key = issue("TC_1");
    tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap();
    let now = tx.now().await.unwrap();
    let later = now + time::Duration::minutes(6);
    let first = row(&tx, &project, &key).await;
    let wait = FailureState::Waiting { delay: Duration::from_secs(300) };
    tx.record_failure(project.id, &[failure(&first, wait)]).await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, now).await.unwrap(), []);
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, later).await.unwrap().len(), 1);
    let line = tx.due_summary(project.id, now).await.unwrap()[0];
    assert_eq!((line.due, line.waiting), (0, 1));
    // By the database's clock, whatever the caller's says.
    let next = line.next_attempt_at.unwrap();
    assert!(next >= now + time::Duration::minutes(5) && next < later, "{next} is not five minutes after {now}");
    let waiting = row(&tx, &project, &key).await;
    assert_eq!((waiting.attempts, waiting.remote_status), (1, Some(503)));
    assert_eq!(waiting.error_code.as_deref(), Some("HUB-2009"));
    assert_eq!(waiting.error_message.map(|text| text.len()), Some(2_000));

    tx.record_failure(project.id, &[failure(&first, FailureState::Dead)]).await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, later).await.unwrap(), []);
    assert_eq!(row(&tx, &project, &key).await.attempts, 2);
    assert_eq!(tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap(), 0);
    assert_eq!(tx.revive(project.id, hub_store::DeadLetters::All).await.unwrap(), 1);
    let revived = tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap();
    assert_eq!((revived.len(), revived[0].attempts, revived[0].error_code.clone()), (1, 0, None));
    // A new content revives as well.
    tx.record_failure(project.id, &[failure(&first, FailureState::Dead)]).await.unwrap();
    tx.want(project.id, &[wanted(key.clone(), B)]).await.unwrap();
    assert_eq!(row(&tx, &project, &key).await.state, PublicationState::Pending);
    // Uncertain is only what was sent.
    let refused = tx.record_failure(project.id, &[failure(&first, FailureState::Uncertain)]).await.unwrap();
    assert_eq!((refused.recorded, refused.stale), (0, vec![key]));
}

#[tokio::test]
async fn an_announced_create_is_never_due_again_before_its_fate_is_known() {
    let database = TestDatabase::fresh().await;
    let (store, project, tx) = opened(&database).await;
    let keys = [issue("TC_1"), issue("TC_2")];
    tx.want(project.id, &keys.clone().map(|key| wanted(key, A))).await.unwrap();
    let claim = tx.mark_sending(project.id, &keys, Some(41)).await.unwrap();
    assert_eq!(claim.keys, keys);
    assert!(claim.fence > 0);
    tx.commit().await.unwrap();

    // Another process gets none of them.
    let tx = store.worker(project.tenant_id).await.unwrap();
    let rival = tx.mark_sending(project.id, &keys, None).await.unwrap();
    assert!(rival.keys.is_empty() && rival.fence > claim.fence);
    // The plan changes its mind meanwhile: the send stays open.
    tx.want(project.id, &[wanted(keys[0].clone(), B)]).await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap(), []);
    assert_eq!(tx.uncertain(project.id, ObjectKind::Issue, Duration::from_secs(3_600)).await.unwrap(), []);
    // The process is gone: its sends are uncertain.
    let open = tx.uncertain(project.id, ObjectKind::Issue, Duration::ZERO).await.unwrap();
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|row| row.lowest_key == Some(41) && row.sent_at.is_some() && row.fence == claim.fence));
    tx.want(project.id, &[wanted(keys[1].clone(), B), wanted(keys[1].clone(), A)]).await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, NOW).await.unwrap(), []);

    // One was found: it holds what was sent, and what is wanted now is to do. The other was not: it is sent again.
    tx.record_published(project.id, &[published(&open[0], A, "42")]).await.unwrap();
    let again = FailureState::Waiting { delay: Duration::ZERO };
    tx.record_failure(project.id, &[failure(&open[1], again)]).await.unwrap();
    let due = tx.due(project.id, ObjectKind::Issue, 9, tx.now().await.unwrap()).await.unwrap();
    let states: Vec<_> = due.iter().map(|row| (row.state, row.remote_id.clone(), row.sent_at)).collect();
    assert_eq!(states, [(PublicationState::Pending, Some("42".into()), None), (PublicationState::Waiting, None, None)]);

    // An answer that comes after the fence has moved is not recorded.
    let claim = tx.mark_sending(project.id, &keys[1..], None).await.unwrap();
    let late = tx.record_published(project.id, &[published(&open[1], A, "99")]).await.unwrap();
    assert_eq!((late.recorded, late.stale), (0, vec![keys[1].clone()]));
    let late = tx.record_failure(project.id, &[failure(&open[1], FailureState::Dead)]).await.unwrap();
    assert_eq!(late.recorded, 0);
    let current = row(&tx, &project, &keys[1]).await;
    assert_eq!((current.state, current.fence, current.remote_id), (PublicationState::Sending, claim.fence, None));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_update_without_an_answer_leaves_a_content_that_nobody_knows() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let key = issue("TC_1");
    tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap();
    let first = row(&tx, &project, &key).await;
    tx.record_published(project.id, &[published(&first, A, "1")]).await.unwrap();
    tx.want(project.id, &[wanted(key.clone(), B)]).await.unwrap();
    tx.mark_sending(project.id, std::slice::from_ref(&key), None).await.unwrap();
    // The wish goes back to what was published, but B may have arrived.
    tx.want(project.id, &[wanted(key.clone(), A)]).await.unwrap();
    let sent = row(&tx, &project, &key).await;
    tx.record_failure(project.id, &[failure(&sent, FailureState::Uncertain)]).await.unwrap();
    let open = row(&tx, &project, &key).await;
    assert_eq!((open.state, open.published_hash), (PublicationState::Uncertain, Some(LedgerRow::UNKNOWN_CONTENT)));
    tx.record_failure(project.id, &[failure(&open, FailureState::Waiting { delay: Duration::ZERO })]).await.unwrap();
    let now = tx.now().await.unwrap();
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 9, now).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_remote_object_belongs_to_one_entity() {
    let database = TestDatabase::fresh().await;
    let (store, project, tx) = opened(&database).await;
    let keys = [issue("TC_1"), issue("TC_2")];
    tx.want(project.id, &keys.clone().map(|key| wanted(key, A))).await.unwrap();
    let (one, two) = (row(&tx, &project, &keys[0]).await, row(&tx, &project, &keys[1]).await);
    tx.record_published(project.id, &[published(&one, A, "7")]).await.unwrap();
    let error = tx.record_published(project.id, &[published(&two, A, "7")]).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-3006");
    // A transaction of which a statement failed is not committed without a word.
    assert_eq!(tx.commit().await.unwrap_err().code().id, "HUB-3006");
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.summary(project.id).await.unwrap(), []);
}

#[tokio::test]
async fn published_objects_are_listed_page_by_page() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let keys: Vec<PublicationKey> = (1..=5).map(|n| issue(&format!("TC_{n}"))).collect();
    tx.want(project.id, &keys.iter().map(|key| wanted(key.clone(), A)).collect::<Vec<_>>()).await.unwrap();
    for (n, key) in keys.iter().enumerate().take(4) {
        let current = row(&tx, &project, key).await;
        tx.record_published(project.id, &[published(&current, A, &format!("{}", n + 1))]).await.unwrap();
    }
    let first = tx.published(project.id, ObjectKind::Issue, None, 3).await.unwrap();
    assert_eq!(first.iter().map(|row| &row.key).collect::<Vec<_>>(), [&keys[0], &keys[1], &keys[2]]);
    let rest = tx.published(project.id, ObjectKind::Issue, Some(&first[2].key), 3).await.unwrap();
    assert_eq!(rest.iter().map(|row| &row.key).collect::<Vec<_>>(), [&keys[3]]);
    assert_eq!(tx.wanted_keys(project.id, ObjectKind::Issue, Some(&keys[2]), 9).await.unwrap(), keys[3..]);
}

#[tokio::test]
async fn nothing_to_do_is_found_through_the_partial_index_and_wanting_the_same_writes_nothing() {
    let database = TestDatabase::fresh().await;
    let (_store, project, tx) = opened(&database).await;
    let wishes: Vec<Wanted> = (0..20_000).map(|n| wanted(issue(&format!("TC_{n:06}")), A)).collect();
    assert_eq!(tx.want(project.id, &wishes).await.unwrap(), 20_000);
    tx.commit().await.unwrap();
    let client = database.client().await;
    let publish =
        "update hub.publication set published_hash = desired_hash, state = 'published', remote_id = external_id";
    client.batch_execute(publish).await.unwrap();
    client.batch_execute("vacuum analyze hub.publication").await.unwrap();
    let trace = "select md5(string_agg(ctid || ' ' || xmin || ' ' || xmax, ',' order by ctid)) from hub.publication";
    let before: String = client.query_typed(trace, &[]).await.unwrap()[0].get(0);

    let store = database.store().await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    assert_eq!(tx.want(project.id, &wishes).await.unwrap(), 0);
    assert_eq!(tx.due(project.id, ObjectKind::Issue, 100, NOW).await.unwrap(), []);
    tx.commit().await.unwrap();
    assert_eq!(client.query_typed(trace, &[]).await.unwrap()[0].get::<_, String>(0), before);

    // The statement itself, as the role that sends it.
    let text = ledger::DUE
        .sql
        .replace("$1", &format!("'{}'", project.id))
        .replace("$2", "'issue'")
        .replace("$3", "now()")
        .replace("$4", "100")
        .replace("$5", "'{}'")
        .replace("$6", "null::bool");
    let role = format!("begin; set local role hub_worker; set local hub.tenant_id = '{}'", project.tenant_id);
    client.batch_execute(&role).await.unwrap();
    let plan = client.query_typed(&format!("explain (analyze, costs off) {text}"), &[]).await.unwrap();
    client.batch_execute("rollback").await.unwrap();
    let plan: String = plan.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
    assert!(plan.contains("Index Scan using publication_to_do"), "{plan}");
    assert!(plan.contains("rows=0") && !plan.contains("Seq Scan"), "{plan}");
}
