//! The ledger under thousands of random operations: whatever the order, the CHECKs of the table hold, an open send is never
//! due, and a recorded answer belongs to the present send.

use std::time::Duration;

use hub_domain::{
    ContentHash, EntityKind, codes,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{Failure, FailureState, LedgerRow, PublicationState, Published, Wanted};
use hub_testkit::TestDatabase;

use crate::sample::{id, project};

/// A small generator of numbers, so that a failure can be repeated from its seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn check(row: &LedgerRow) {
    let differs = row.desired_hash != row.published_hash;
    let is_open = matches!(row.state, PublicationState::Sending | PublicationState::Uncertain);
    assert_eq!(row.sent_at.is_some(), is_open, "{row:?}");
    match row.state {
        PublicationState::Published => assert!(!differs, "{row:?}"),
        PublicationState::Pending | PublicationState::Waiting => assert!(differs, "{row:?}"),
        PublicationState::Sending | PublicationState::Uncertain | PublicationState::Dead => {}
    }
}

#[tokio::test]
async fn any_order_of_operations_keeps_the_rules() {
    const SEED: u64 = 20_261_124;
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let keys: Vec<PublicationKey> =
        (0..3).map(|n| PublicationKey::issue(EntityKind::TestCase, id(&format!("TC_{n}")))).collect();
    let mut numbers = Numbers(SEED);
    let mut reached = std::collections::HashSet::new();
    for step in 0..3_000 {
        let index = usize::try_from(numbers.below(3)).unwrap();
        let key = keys[index].clone();
        let before = tx.ledger_rows(project.id, std::slice::from_ref(&key)).await.unwrap().pop();
        let fence = before.as_ref().map_or(0, |row| row.fence);
        let is_late = numbers.below(8) == 0;
        let used = if is_late { fence + 1 } else { fence };
        let failed = |state| Failure {
            key: key.clone(),
            fence: used,
            state,
            code: &codes::REMOTE_FAILED,
            message: "failed".into(),
            remote_status: None,
            spends_attempt: true,
            remote: None,
        };
        let recorded = match numbers.below(7) {
            0 | 1 => {
                let hash = [None, Some(ContentHash([1; 32])), Some(ContentHash([2; 32]))];
                let desired_hash = hash[usize::try_from(numbers.below(3)).unwrap()];
                let rank = u8::try_from(numbers.below(2)).unwrap();
                tx.want(project.id, &[Wanted { key: key.clone(), rank, desired_hash }]).await.unwrap();
                None
            }
            2 => {
                let claim = tx.mark_sending(project.id, std::slice::from_ref(&key), Some(1)).await.unwrap();
                let was_free = before
                    .as_ref()
                    .is_some_and(|row| matches!(row.state, PublicationState::Pending | PublicationState::Waiting));
                assert_eq!(claim.keys.len() == 1, was_free, "step {step}");
                None
            }
            3 => {
                let hash = before.as_ref().and_then(|row| row.desired_hash);
                let published = Published {
                    key: key.clone(),
                    fence: used,
                    hash,
                    remote_id: Some(format!("{index}")),
                    remote_key: Some(format!("CTB-{index}")),
                    remote_version: None,
                    labels: None,
                    remote_parent: None,
                };
                Some(tx.record_published(project.id, &[published]).await.unwrap())
            }
            4 => Some(tx.record_failure(project.id, &[failed(FailureState::Uncertain)]).await.unwrap()),
            5 => {
                let state = if numbers.below(2) == 0 {
                    FailureState::Waiting { delay: Duration::ZERO }
                } else {
                    FailureState::Dead
                };
                Some(tx.record_failure(project.id, &[failed(state)]).await.unwrap())
            }
            _ => {
                tx.uncertain(project.id, ObjectKind::Issue, Duration::ZERO).await.unwrap();
                if numbers.below(3) == 0 {
                    tx.revive(project.id, hub_store::DeadLetters::All).await.unwrap();
                }
                None
            }
        };
        if is_late && let Some(recorded) = recorded {
            assert_eq!((recorded.recorded, recorded.stale), (0, vec![key.clone()]), "step {step}");
        }
        let rows = tx.ledger_rows(project.id, &keys).await.unwrap();
        rows.iter().for_each(check);
        reached.extend(rows.iter().map(|row| row.state));
        // A row with an open send leaves that state only by an answer.
        let was_open = before
            .as_ref()
            .is_some_and(|row| matches!(row.state, PublicationState::Sending | PublicationState::Uncertain));
        let due = tx.due(project.id, ObjectKind::Issue, 9, tx.now().await.unwrap()).await.unwrap();
        if was_open && is_late {
            assert!(!due.iter().any(|row| row.key == key), "step {step}");
        }
        assert!(due.iter().all(|row| row.sent_at.is_none()), "step {step}");
    }
    assert_eq!(reached.len(), PublicationState::ALL.len(), "{reached:?}");
    tx.commit().await.unwrap();
}
