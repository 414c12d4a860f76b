//! Single stories, told step by step, where chance would take too long to find them.

use std::time::Duration;

use hub_destination::{Call, Effect, Method, Transport};
use hub_domain::facts::{Destination, ObjectKind, PublicationKey};
use hub_store::Published;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::{
    hub::{self, Surroundings},
    invariants,
    memory_ledger::{Database, DatabaseFaults},
    process::Process,
    random::Random,
    site::{Site, WeatherState, Wire},
    truth::{Truth, id, project},
};
use crate::publish::{
    Context,
    ledger::{Announcement, Recording},
    marker,
};

fn case(number: u32) -> PublicationKey {
    PublicationKey::issue(hub_domain::EntityKind::TestCase, id(&format!("TC_{number:03}")))
}

/// Creates an issue as a hub's bulk create does. Returns its id and key.
async fn create(context: &Context<'_>, wire: &Wire, key: &PublicationKey) -> (String, String) {
    let marker = marker(context, Destination::Jira, key);
    let property = json!({ "m": marker.as_str(), "hash": "00", "external_id": key.entity.external_id.as_str() });
    let element = json!({ "fields": { "summary": "x" }, "properties": [{ "key": "haida.hub", "value": property }] });
    let call = Call::write(Method::Post, "/rest/api/3/issue/bulk", "/rest/api/3/issue/bulk");
    assert_eq!(call.effect, Effect::Write);
    let answer = wire.send(call.with_body(json!({ "issueUpdates": [element] }))).await.unwrap().json().unwrap();
    let text = |name: &str| answer.pointer(&format!("/issues/0/{name}")).unwrap().as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

/// A process that came through the loss records an answer to a send from before it. The number of that issue may lie above
/// one that was announced and created in the lost time, which the search after the loss then must still find.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_recorded_after_a_loss_hides_no_create_of_the_lost_time() {
    let random = Random::new(1);
    let mut truth = Truth::new();
    truth.grow(1, false, 0, &random);
    let surroundings = std::sync::Arc::new(Surroundings {
        project: project(),
        database: Database::new(truth, DatabaseFaults::default(), random.clone()),
        site: Site::new(WeatherState::default(), random.clone()),
        random: random.clone(),
        known: Default::default(),
        off: None,
    });
    let database = surroundings.database.clone();
    let process = Process::default();
    let context = hub::context(&surroundings, process.clone());
    let wire = Wire { site: surroundings.site.clone(), process: process.clone() };

    // One create is announced; then come the backup, and another create that is announced and made at once.
    let Announcement::Claimed(early) = context.ledger.announce(&[case(0)], Some(0)).await.unwrap() else { panic!() };
    database.back_up();
    database.import(|truth| truth.grow(1, false, 0, &random));
    context.ledger.announce(&[case(1)], Some(0)).await.unwrap();
    let (_, lost) = create(&context, &wire, &case(1)).await;
    let (remote_id, remote_key) = create(&context, &wire, &case(0)).await;
    assert_eq!((lost.as_str(), remote_key.as_str()), ("CTB-1", "CTB-2"));
    // The second announcement is lost. The answer to the first is recorded after that.
    database.restore();
    let hash = database.state().truth.of(&case(0)).map(|(_, hash)| *hash);
    let published = Published {
        key: case(0),
        fence: early.fence,
        hash,
        remote_id: Some(remote_id),
        remote_key: Some(remote_key),
        remote_version: None,
        labels: Some(vec![]),
        remote_parent: None,
    };
    let recording = Recording { published: vec![published], ..Recording::default() };
    assert_eq!(context.ledger.record(&recording).await.unwrap().recorded, 1);
    database.import(|_| {});

    let mut hubs = JoinSet::new();
    hubs.spawn(hub::work(surroundings.clone(), Process::default()));
    sleep(Duration::from_secs(600)).await;
    hubs.abort_all();
    assert!(invariants::is_at_rest(&surroundings), "creates go on");
    let mut broken = Vec::new();
    invariants::no_duplicates(&surroundings, &mut broken);
    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(context.ledger.rows(&[case(1)]).await.unwrap()[0].key.object, ObjectKind::Issue);
}

/// What was planned, announced and created in the lost time, and is planned again only when the holding of creates is over:
/// the search met an issue of which the ledger knew nothing.
#[tokio::test(start_paused = true)]
async fn what_is_planned_again_long_after_a_loss_is_found() {
    let random = Random::new(1);
    let surroundings = std::sync::Arc::new(Surroundings {
        project: project(),
        database: Database::new(Truth::new(), DatabaseFaults::default(), random.clone()),
        site: Site::new(WeatherState::default(), random.clone()),
        random: random.clone(),
        known: Default::default(),
        off: None,
    });
    let database = surroundings.database.clone();
    database.back_up();
    database.import(|truth| truth.grow(1, false, 0, &random));
    let mut hubs = JoinSet::new();
    hubs.spawn(hub::work(surroundings.clone(), Process::default()));
    sleep(Duration::from_secs(60)).await;
    assert!(invariants::is_at_rest(&surroundings), "it is published");
    database.restore();
    sleep(Duration::from_secs(600)).await;
    // The report is handed over again.
    database.import(|_| {});
    sleep(Duration::from_secs(300)).await;
    hubs.abort_all();
    let mut broken = Vec::new();
    invariants::no_duplicates(&surroundings, &mut broken);
    assert_eq!(broken, Vec::<String>::new());
}
