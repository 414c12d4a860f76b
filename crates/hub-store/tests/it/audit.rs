//! The audit trail and the jobs.

use hub_domain::{ContentHash, CorrelationId, EntityKind, codes, facts::PublicationKey};
use hub_store::{AuditAction, AuditOutcome, AuditRow, JobEnd, JobStart};
use hub_testkit::TestDatabase;
use serde_json::json;
use uuid::Uuid;

use crate::sample::{id, project};

#[tokio::test]
async fn entries_keep_what_was_tried_and_what_came_of_it() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let correlation = CorrelationId(Uuid::from_u128(7));
    let key = PublicationKey::issue(EntityKind::Defect, id("D-1"));
    let mut entry = AuditRow::of(project.id, correlation, "hub/sync", AuditAction::Create, &key, AuditOutcome::Refused);
    entry.code = Some(&codes::REFUSED);
    entry.remote_status = Some(400);
    entry.after = Some(ContentHash([7; 32]));
    entry.detail = json!({"field": "priority"});
    let plain = AuditRow {
        project: None,
        object: None,
        entity: None,
        action: AuditAction::Configure,
        outcome: AuditOutcome::Applied,
        ..AuditRow::of(project.id, correlation, "cli", AuditAction::Update, &key, AuditOutcome::Applied)
    };
    let tx = store.worker(project.tenant_id).await.unwrap();
    tx.audit(&[entry, plain]).await.unwrap();
    tx.commit().await.unwrap();

    let client = database.client().await;
    let rows = client
        .query_typed(
            "select action, object, entity_type, external_id, outcome, error_code, remote_status, after_hash, detail, occurred_at > now() - interval '1 minute'
               from hub.audit_log order by id",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    let text = |row: usize, column: usize| rows[row].get::<_, Option<String>>(column);
    assert_eq!((text(0, 0), text(0, 1)), (Some("create".into()), Some("issue".into())));
    assert_eq!((text(0, 2), text(0, 3)), (Some("defect".into()), Some("D-1".into())));
    assert_eq!((text(0, 4), text(0, 5)), (Some("refused".into()), Some("HUB-2005".into())));
    assert_eq!(rows[0].get::<_, i32>(6), 400);
    assert_eq!(rows[0].get::<_, Vec<u8>>(7), vec![7; 32]);
    assert_eq!(rows[0].get::<_, serde_json::Value>(8), json!({"field": "priority"}));
    assert!(rows[0].get::<_, bool>(9));
    assert_eq!((text(1, 0), text(1, 1), text(1, 3)), (Some("configure".into()), None, None));
}

#[tokio::test]
async fn a_job_ends_once_and_says_how() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let start = |kind| JobStart { project: project.id, correlation: CorrelationId(Uuid::from_u128(1)), kind };
    let sync = tx.start_job(&start("sync")).await.unwrap();
    let ingest = tx.start_job(&start("ingest")).await.unwrap();
    assert!(tx.finish_job(sync, &JobEnd::Done { metrics: json!({"created": 3}) }).await.unwrap());
    let failed = JobEnd::Failed { metrics: json!({}), code: &codes::SITE_UNREACHABLE, message: "no answer".into() };
    assert!(tx.finish_job(ingest, &failed).await.unwrap());
    assert!(!tx.finish_job(sync, &failed).await.unwrap());
    let jobs = tx.recent_jobs(project.id, 10).await.unwrap();
    let mut states: Vec<(&str, &str)> = jobs.iter().map(|job| (job.kind.as_str(), job.state.as_str())).collect();
    states.sort_unstable();
    assert_eq!(states, [("ingest", "failed"), ("sync", "done")]);
    assert!(jobs.iter().all(|job| job.finished_at.is_some_and(|end| end >= job.started_at)));
    tx.commit().await.unwrap();
}
