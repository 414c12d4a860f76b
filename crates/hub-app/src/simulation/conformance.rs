//! The simulation's ledger is the real one: the same random operations on both, through the publisher's own trait, and after
//! each of them the same answer and the same rows.

use std::time::Duration;

use hub_domain::{
    ContentHash, EntityKind, Moment, ProjectKey, SpaceKey, codes,
    entity::Identity,
    facts::{ObjectKind, PublicationKey},
    vocabulary::Locale,
};
use hub_store::{
    DeadLetters, Failure, FailureState, KeyScan, KeysRead, KnownRemote, LedgerRow, NewProject, Published, Recovery,
    Stray, Wanted,
};
use hub_testkit::TestDatabase;

use super::{memory_ledger::START, random::Random, rows::Rows, truth::id};
use crate::publish::{
    Share,
    ledger::{Announcement, Ledger, Recording, Tables},
};

/// Operations of one test run.
const STEPS: u64 = 3_000;

const HOUR: Duration = Duration::from_secs(3_600);

fn keys() -> Vec<PublicationKey> {
    let identity = |kind, text: &str| Identity { kind, external_id: id(text) };
    let case = identity(EntityKind::TestCase, "TC_1");
    vec![
        PublicationKey::issue(EntityKind::TestCase, id("TC_1")),
        PublicationKey::issue(EntityKind::TestCase, id("TC_2")),
        PublicationKey::issue(EntityKind::TestCase, id("TC_10")),
        PublicationKey::issue(EntityKind::Defect, id("DEF_1")),
        PublicationKey::issue(EntityKind::Run, id("RUN_1")),
        PublicationKey::page(EntityKind::Run, id("RUN_1")),
        PublicationKey::page(EntityKind::Release, id("R1")),
        PublicationKey::link(ObjectKind::IssueLink, identity(EntityKind::Defect, "DEF_1"), case),
    ]
}

/// A row without what two clocks never agree on.
fn shown(row: &LedgerRow) -> LedgerRow {
    let some = |moment: Option<Moment>| moment.map(|_| START);
    LedgerRow {
        next_attempt_at: some(row.next_attempt_at),
        sent_at: some(row.sent_at),
        published_at: some(row.published_at),
        updated_at: START,
        ..row.clone()
    }
}

fn sorted(rows: &[LedgerRow]) -> Vec<LedgerRow> {
    let mut rows: Vec<LedgerRow> = rows.iter().map(shown).collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

fn in_order(rows: &[LedgerRow]) -> Vec<LedgerRow> {
    rows.iter().map(shown).collect()
}

fn hash(random: &Random) -> Option<ContentHash> {
    *random.pick(&[None, Some(ContentHash([1; 32])), Some(ContentHash([2; 32]))])
}

fn some_of(random: &Random) -> Vec<PublicationKey> {
    keys().into_iter().filter(|_| random.chance(400)).collect()
}

/// Answers about some keys, most with the fence that the row has.
fn recording(random: &Random, rows: &Rows) -> Recording {
    let mut recording = Recording::default();
    let keys = some_of(random);
    let is_alone = keys.len() == 1;
    for key in keys {
        let fence = rows.by_keys(std::slice::from_ref(&key)).first().map_or(0, |row| row.fence);
        let fence = if random.chance(120) { fence + 1 } else { fence };
        // An object's id is its own, or another's by mistake; then by itself, since Postgres checks in an order of its own.
        let own = self::keys().iter().position(|k| *k == key).map_or(0, |n| n as u64 + 1);
        let number = if is_alone && random.chance(300) { random.between(1, 8) } else { own };
        let id = random.chance(900).then(|| number.to_string());
        if random.chance(350) {
            recording.published.push(Published {
                key,
                fence,
                hash: hash(random),
                remote_key: id.as_ref().filter(|_| random.chance(800)).map(|_| format!("CTB-{number}")),
                remote_id: id,
                remote_version: random.chance(500).then_some(number),
                labels: random.chance(500).then(|| vec![format!("env:{number}")]),
                remote_parent: random.chance(300).then(|| "900".to_owned()),
            });
        } else {
            let delay = *random.pick(&[Duration::ZERO, HOUR]);
            let states = [FailureState::Waiting { delay }, FailureState::Uncertain, FailureState::Dead];
            let remote = KnownRemote { id: number.to_string(), key: None, version: Some(number), parent: None };
            recording.failures.push(Failure {
                key,
                fence,
                state: *random.pick(&states),
                code: if random.chance(500) { &codes::REMOTE_FAILED } else { &codes::REFUSED },
                message: "x".repeat(usize::try_from(random.pick(&[3_u64, 2_500]).to_owned()).unwrap()),
                remote_status: random.chance(500).then_some(503),
                spends_attempt: random.chance(500),
                remote: random.chance(150).then_some(remote),
            });
        }
    }
    recording
}

#[tokio::test]
async fn the_simulated_ledger_answers_as_postgres_does() {
    let steps = std::env::var("HUB_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(STEPS);
    let random = Random::new(20_261_124);
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = store
        .add_project(&NewProject {
            tenant_slug: "acme".into(),
            key: ProjectKey::new("ctb").unwrap(),
            name: "City Tour Bookings".into(),
            locale: Locale::En,
            jira_project_key: "CTB".into(),
            confluence_space_key: SpaceKey::new("CTB").unwrap(),
            site_url: "https://acme.atlassian.net/".into(),
            account_email: "qa@example.com".into(),
            credential_ref: "env://JIRA_TOKEN".into(),
            label_marker: false,
            update: false,
        })
        .await
        .unwrap();
    let real = Tables::new(&store, &project);
    let (mut model, mut timeline, mut refused) = (Rows::new("CTB"), 1, 0);
    let (mut held, mut scan): (Option<[Recovery; 2]>, Option<[KeyScan; 2]>) = (None, None);
    for step in 0..steps {
        // The memory's clock goes on by itself.
        let now = START + Duration::from_millis(step);
        match random.below(17) {
            0 | 1 => {
                let wanted: Vec<Wanted> = some_of(&random)
                    .into_iter()
                    .map(|key| Wanted { key, rank: u8::from(random.chance(300)), desired_hash: hash(&random) })
                    .collect();
                let tx = store.worker(project.tenant_id).await.unwrap();
                let changed = tx.want(project.id, &wanted).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!(model.want(&wanted, now).unwrap(), changed, "step {step}");
            }
            2..=4 => {
                let (keys, floor) = (some_of(&random), random.chance(300).then_some(7));
                let announced = real.announce(&keys, floor).await.unwrap();
                let expected = match model.recovery(timeline, false, now) {
                    Some(_) => Announcement::Held,
                    None => {
                        let lowest = model.highest_key().max(floor);
                        Announcement::Claimed(model.mark(&keys, lowest, true, now).unwrap())
                    }
                };
                assert_eq!(announced, expected, "step {step}");
            }
            5..=7 => {
                let recording = recording(&random, &model);
                let recorded = real.record(&recording).await.ok();
                let before = model.clone();
                model.recovery(timeline, false, now);
                let expected = model.record_published(&recording.published, now).and_then(|mut published| {
                    let failed = model.record_failure(&recording.failures, now)?;
                    published.recorded += failed.recorded;
                    published.stale.extend(failed.stale);
                    Ok(published)
                });
                if expected.is_err() {
                    model = before;
                    refused += 1;
                }
                assert_eq!(recorded, expected.ok(), "step {step}: {recording:?}");
            }
            8 => {
                let within = *random.pick(&[Duration::ZERO, HOUR]);
                let open = real.open_creates(within).await.unwrap();
                let expected = model.open_creates(ObjectKind::Issue, within, now).unwrap();
                let rows = |open: Vec<hub_store::OpenCreate>| open.into_iter().map(|o| o.row).collect::<Vec<_>>();
                assert_eq!(in_order(&rows(open)), in_order(&rows(expected)), "step {step}");
            }
            9 => {
                let absent = |key: PublicationKey| {
                    let fence = model.by_keys(std::slice::from_ref(&key)).first().map_or(0, |row| row.fence);
                    (key, if random.chance(120) { fence + 1 } else { fence })
                };
                let absent: Vec<_> = some_of(&random).into_iter().map(absent).collect();
                let released = real.release(&absent).await.unwrap();
                assert_eq!(model.release(&absent, now).unwrap(), released, "step {step}");
            }
            10 => {
                let object = *random.pick(&ObjectKind::ALL);
                let some: &[EntityKind] = &[EntityKind::TestCase, EntityKind::Run];
                let entities = if random.chance(500) { some } else { &[] };
                let existing = *random.pick(&[None, Some(true), Some(false)]);
                let limit = random.index(4) + 1;
                let due = real.due(Share { object, entities }, existing, limit, real.now().await.unwrap()).await;
                let expected = model.due(object, entities, existing, limit, now);
                assert_eq!(in_order(&due.unwrap()), in_order(&expected), "step {step}");
                assert_eq!(real.highest_key().await.unwrap(), model.highest_key(), "step {step}");
            }
            11 => {
                let tx = store.worker(project.tenant_id).await.unwrap();
                let revived = tx.revive(project.id, DeadLetters::OfCause(codes::REFUSED.id)).await.unwrap();
                tx.commit().await.unwrap();
                let is_refused = |row: &LedgerRow| row.error_code.as_deref() == Some(codes::REFUSED.id);
                assert_eq!(model.revive(is_refused, now).unwrap(), revived, "step {step}");
            }
            12 => {
                // A restore, as its row of the server shows it; some time later the holding is asked for, and ends.
                if random.chance(250) {
                    let client = database.client().await;
                    client.batch_execute("update hub_private.server set timeline = timeline + 1").await.unwrap();
                    timeline += 1;
                }
                let (real_one, model_one) = (real.recovery().await.unwrap(), model.recovery(timeline, false, now));
                let floor = |recovery: &Option<Recovery>| recovery.as_ref().map(|recovery| recovery.floor);
                assert_eq!(floor(&real_one), floor(&model_one), "step {step}");
                let latest = real_one.zip(model_one).map(|(a, b)| [a, b]);
                // Now and then it is the holding before that is ended, which changes nothing.
                let ended = if random.chance(200) { held.clone() } else { latest.clone() };
                if let Some([a, b]) = ended {
                    assert_eq!(real.recovered(&a, 1).await.unwrap(), model.recovered(&b, now), "step {step}");
                }
                held = latest.or(held);
            }
            14 => {
                let keys = some_of(&random);
                let claimed = real.announce_changes(&keys).await.unwrap();
                assert_eq!(claimed, model.mark(&keys, None, false, now).unwrap(), "step {step}");
            }
            15 => {
                let object = *random.pick(&ObjectKind::ALL);
                let within = *random.pick(&[Duration::ZERO, HOUR]);
                let lost = real.lost_changes(object, within).await.unwrap();
                let expected = model.lost_changes(object, within, now).unwrap();
                assert_eq!(in_order(&lost), in_order(&expected), "step {step}");
            }
            13 => {
                let key = some_of(&random).pop().unwrap_or_else(|| keys().remove(0));
                let number = random.between(30, 60);
                let stray = Stray {
                    key,
                    remote_id: number.to_string(),
                    remote_key: format!("CTB-{number}"),
                    hash: ContentHash([7; 32]),
                    labels: vec!["project:ctb".into()],
                };
                let is_issue = stray.key.object == ObjectKind::Issue;
                let strays: Vec<Stray> = Some(stray).filter(|_| is_issue).into_iter().collect();
                assert_eq!(real.take_in(&strays).await.unwrap(), model.take_in(&strays, now), "step {step}");
            }
            _ => {
                let spacing = *random.pick(&[Duration::ZERO, HOUR]);
                let claimed = (real.claim_scan(spacing).await.unwrap(), model.claim_scan(spacing, now));
                assert_eq!(claimed.0.as_ref().map(|s| &s.read), claimed.1.as_ref().map(|s| &s.read), "step {step}");
                if random.chance(700)
                    && let Some([mut a, mut b]) = scan.take()
                {
                    let read = KeysRead { from: random.below(9), upto: random.between(9, 30), gaps: vec![] };
                    (a.read, b.read) = (read.clone(), read);
                    assert_eq!(real.keep_scan(&a).await.unwrap(), model.keep_scan(&b), "step {step}");
                }
                scan = claimed.0.zip(claimed.1).map(|(a, b)| [a, b]);
            }
        }
        let rows = real.rows(&keys()).await.unwrap();
        let expected: Vec<LedgerRow> = model.all().cloned().collect();
        assert_eq!(sorted(&rows), sorted(&expected), "step {step}");
    }
    println!("{steps} operations with the same end; {refused} recordings refused by both");
    assert!(refused > 0, "no constraint was ever met");
}
