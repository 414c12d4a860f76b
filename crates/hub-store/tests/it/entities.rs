//! Entities: hash first, precedence, paging, coverage.

use hub_domain::{
    Entity, EntityKind,
    entity::{Counts, Coverage, EntityFacts, Identity, Run},
    insight::RunInsight,
    vocabulary::ResultStatus,
};
use hub_store::{Change, PRECEDENCE_PERSON, ProjectRow, Store};
use hub_testkit::TestDatabase;
use tokio_postgres::Client;

use crate::sample::{case, defect, deprecated, id, project, result};

async fn save(store: &Store, project: &ProjectRow, entities: &[Entity]) -> Vec<Change> {
    let tx = store.worker(project.tenant_id).await.unwrap();
    let done = tx.upsert_entities(project.id, entities).await.unwrap();
    tx.commit().await.unwrap();
    let identities: Vec<Identity> = done.iter().map(|upserted| upserted.identity.clone()).collect();
    assert_eq!(identities, entities.iter().map(Entity::identity).collect::<Vec<_>>());
    done.into_iter().map(|upserted| upserted.changed).collect()
}

/// Where each row is and who wrote or locked it: changes with every write, also with one of the same values.
async fn traces(client: &Client, table: &str) -> Vec<String> {
    let sql = format!("select tableoid::regclass || ' ' || ctid || ' ' || xmin || ' ' || xmax from {table} order by 1");
    client.query_typed(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn importing_the_same_again_writes_nothing() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let client = database.client().await;
    let entities: Vec<Entity> = (0..2_500).map(|n| case(&format!("TC_{n:05}"), "título con ñ")).collect();
    assert!(save(&store, &project, &entities).await.iter().all(|change| *change == Change::Inserted));
    let before = traces(&client, "hub.entities").await;
    assert_eq!(before.len(), 2_500);
    assert!(save(&store, &project, &entities).await.iter().all(|change| *change == Change::Unchanged));
    assert_eq!(traces(&client, "hub.entities").await, before);

    let mut changed = entities.clone();
    changed[1_700] = case("TC_01700", "another title");
    let changes = save(&store, &project, &changed).await;
    assert_eq!(changes.iter().filter(|change| **change == Change::Updated).count(), 1);
    assert_eq!(changes[1_700], Change::Updated);
    let after = traces(&client, "hub.entities").await;
    assert_eq!(after.iter().filter(|trace| !before.contains(trace)).count(), 1);
}

#[tokio::test]
async fn facts_come_back_as_they_were_told() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let entities = [case("TC_1", "emoji 🎉, ]]>, <script>, \" and \\"), defect("D-1")];
    save(&store, &project, &entities).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    for entity in &entities {
        let row = tx.entity(project.id, &entity.identity()).await.unwrap().unwrap();
        assert_eq!(row.entity, *entity);
        assert_eq!(row.content_hash, entity.content_hash().unwrap());
        assert_eq!(row.deleted_at, None);
    }
    let missing = Identity { kind: EntityKind::Defect, external_id: id("TC_1") };
    assert_eq!(tx.entity(project.id, &missing).await.unwrap(), None);
    let counts = tx.entity_counts(project.id).await.unwrap();
    assert_eq!(counts, [(EntityKind::Defect, 1), (EntityKind::TestCase, 1)]);
}

#[tokio::test]
async fn a_lower_precedence_never_overwrites_a_higher_one() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let ranked = |precedence, title| {
        let mut entity = case("TC_1", title);
        entity.origin.precedence = precedence;
        entity.origin.source = format!("source-{precedence}");
        entity
    };
    let steps = [
        (10, "from junit", Change::Inserted, "from junit"),
        (50, "from csv", Change::Updated, "from csv"),
        (10, "from junit", Change::Outranked, "from csv"),
        (50, "from csv, later", Change::Updated, "from csv, later"),
        // A source that counts more says the same: from now on it is its word.
        (90, "from csv, later", Change::Unchanged, "from csv, later"),
        (50, "from csv, again", Change::Outranked, "from csv, later"),
        (10, "from csv, later", Change::Unchanged, "from csv, later"),
    ];
    for (step, (precedence, title, expected, holds)) in steps.into_iter().enumerate() {
        assert_eq!(save(&store, &project, &[ranked(precedence, title)]).await, [expected], "step {step}");
        let tx = store.worker(project.tenant_id).await.unwrap();
        let row = tx.entity(project.id, &ranked(0, "").identity()).await.unwrap().unwrap();
        assert_eq!(row.entity.facts.title(), holds, "step {step}");
    }
}

#[tokio::test]
async fn documents_that_disagree_are_rivals_and_what_a_person_took_follows_its_own_file() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let told = async |file: Option<&str>, title: &str, precedence: u8| {
        let mut entity = case("TC_1", title);
        entity.origin.precedence = precedence;
        let (done, rivals) = tx.upsert_entities_of(project.id, file, &[entity]).await.unwrap();
        let rivals = rivals.first().map(|r| (r.before.source_file.clone().unwrap_or_default(), r.saved));
        (done[0].changed, rivals)
    };
    let of = |file: &str, saved| Some((file.to_owned(), saved));
    assert_eq!(told(Some("a.csv"), "one", 50).await, (Change::Inserted, None));
    assert_eq!(told(Some("a.csv"), "two", 50).await, (Change::Updated, None), "a later version is no rival");
    assert_eq!(told(Some("b.csv"), "two", 50).await, (Change::Unchanged, None), "nor is who says the same");
    assert_eq!(told(Some("r.xml"), "derived", 10).await, (Change::Outranked, None), "nor what is derived");
    assert_eq!(told(Some("b.csv"), "three", 50).await, (Change::Updated, of("a.csv", true)));
    assert_eq!(told(Some("c.csv"), "four", 90).await, (Change::Updated, of("b.csv", true)));
    assert_eq!(told(Some("b.csv"), "three", 50).await, (Change::Outranked, of("c.csv", false)));
    assert_eq!(told(Some("b.csv"), "three", PRECEDENCE_PERSON).await.0, Change::Updated);
    assert_eq!(told(Some("c.csv"), "four", 90).await, (Change::Outranked, of("b.csv", false)));
    assert_eq!(told(Some("b.csv"), "five", 50).await, (Change::Updated, None), "its own file tells it anew");
    assert_eq!(told(Some("c.csv"), "four", 90).await.0, Change::Outranked, "and it is still what a person took");
    assert_eq!(told(None, "six", 90).await, (Change::Outranked, None), "what stands in no file is nobody's rival");
}

/// Two imports at once: the weaker one compares before the stronger one is committed, and then waits for it.
#[tokio::test]
async fn precedence_holds_between_transactions_that_overlap() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let strong = store.worker(project.tenant_id).await.unwrap();
    strong.upsert_entities(project.id, &[case("TC_1", "strong")]).await.unwrap();
    let weak = tokio::spawn({
        let (store, project) = (store.clone(), project.clone());
        async move {
            let mut entity = case("TC_1", "weak");
            entity.origin.precedence = 1;
            save(&store, &project, &[entity]).await
        }
    });
    let client = database.client().await;
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !client.query_typed(waits, &[]).await.unwrap()[0].get::<_, bool>(0) {
        assert!(!weak.is_finished(), "the weaker import did not wait");
    }
    strong.commit().await.unwrap();
    assert_eq!(weak.await.unwrap(), [Change::Outranked]);
    let tx = store.worker(project.tenant_id).await.unwrap();
    let row = tx.entity(project.id, &case("TC_1", "").identity()).await.unwrap().unwrap();
    assert_eq!(row.entity.facts.title(), "strong");
}

/// Two first imports at once, of which each finds nothing near: the slower one is taken back to where it began, and compares.
#[tokio::test]
async fn of_two_first_imports_each_is_whole_and_what_is_equal_is_written_once() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let cases = |which: std::ops::Range<usize>, title: &str| -> Vec<Entity> {
        which.map(|n| case(&format!("TC_{n:04}"), title)).collect()
    };
    let first = store.worker(project.tenant_id).await.unwrap();
    let done = first.upsert_entities(project.id, &cases(300..900, "same")).await.unwrap();
    assert!(done.iter().all(|one| one.changed == Change::Inserted));
    let second = tokio::spawn({
        let (store, project) = (store.clone(), project.clone());
        let cases: Vec<Entity> = cases(0..600, "same").into_iter().chain(cases(600..1_200, "other")).collect();
        async move { save(&store, &project, &cases).await }
    });
    let client = database.client().await;
    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !client.query_typed(waits, &[]).await.unwrap()[0].get::<_, bool>(0) {
        assert!(!second.is_finished(), "the second import did not wait");
    }
    first.commit().await.unwrap();
    let changes = second.await.unwrap();
    let expected = |n| match n {
        0..300 | 900.. => Change::Inserted,
        300..600 => Change::Unchanged,
        _ => Change::Updated,
    };
    assert!(changes.iter().enumerate().all(|(n, change)| *change == expected(n)));
}

#[tokio::test]
async fn an_id_told_twice_in_one_call_is_saved_once() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let mut weak = case("TC_1", "weak");
    weak.origin.precedence = 1;
    let changes = save(&store, &project, &[case("TC_1", "first"), case("TC_1", "second"), weak]).await;
    assert_eq!(changes, [Change::Outranked, Change::Inserted, Change::Outranked]);
    let tx = store.worker(project.tenant_id).await.unwrap();
    let row = tx.entity(project.id, &case("TC_1", "").identity()).await.unwrap().unwrap();
    assert_eq!(row.entity.facts.title(), "second");
}

#[tokio::test]
async fn pages_follow_each_other_and_leave_deleted_ones_out() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let ids = ["a", "B", "Á", "z_1", "z-1", "Z"];
    let mut entities: Vec<Entity> = ids.iter().map(|id| case(id, "x")).collect();
    entities.push(defect("other kind"));
    entities.push(case("gone", "x"));
    save(&store, &project, &entities).await;
    database
        .client()
        .await
        .batch_execute("update hub.entities set deleted_at = now() where external_id = 'gone'")
        .await
        .unwrap();

    let tx = store.worker(project.tenant_id).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = tx.entities(project.id, EntityKind::TestCase, after.as_ref(), 4).await.unwrap();
        seen.extend(page.iter().map(|row| row.entity.external_id.to_string()));
        if page.len() < 4 {
            break;
        }
        after = page.last().map(|row| row.entity.external_id.clone());
    }
    let mut expected = ids.map(str::to_owned);
    expected.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, expected);
    let some = tx.entities_by_ids(project.id, EntityKind::TestCase, &[id("Z"), id("none"), id("gone")]).await.unwrap();
    assert_eq!(some.len(), 2);
    assert!(some.iter().any(|row| row.deleted_at.is_some()));
    drop(tx);
    // Told again, it is back.
    assert_eq!(save(&store, &project, &[case("gone", "x")]).await, [Change::Updated]);
}

#[tokio::test]
async fn coverage_counts_cases_in_use_that_were_executed() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let entities = [case("TC_1", "a"), case("TC_2", "b"), case("TC_3", "c"), deprecated("TC_4"), defect("TC_9")];
    save(&store, &project, &entities).await;
    let tx = store.worker(project.tenant_id).await.unwrap();
    let run = id("run-1");
    let month = tx.ensure_run(project.id, &run, None).await.unwrap();
    let results = [
        result("1", Some("TC_1"), ResultStatus::Failed),
        result("2", Some("TC_1"), ResultStatus::Passed),
        result("3", Some("TC_2"), ResultStatus::Skipped),
        result("4", Some("TC_4"), ResultStatus::Passed),
        result("5", Some("unknown"), ResultStatus::Passed),
        result("6", None, ResultStatus::Passed),
    ];
    tx.upsert_results(project.id, month, &run, &results).await.unwrap();
    let coverage = tx.cases_executed(project.id, &run).await.unwrap();
    assert_eq!((coverage.executed, coverage.known), (1, 3));
    assert_eq!(tx.cases_executed(project.id, &id("other run")).await.unwrap().executed, 0);
    assert!(matches!(entities[0].facts, EntityFacts::TestCase(_)));
}

/// Canonical JSON rounds such numbers; what is kept must not.
#[tokio::test]
async fn numbers_beyond_doubles_are_kept_as_they_are() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = project(&store).await;
    let mut told = case("TC_1", "big");
    told.facts = EntityFacts::Run(Run {
        title: "big".into(),
        release: None,
        environment: None,
        source_environment: None,
        platform: None,
        devices: vec![],
        started_at: None,
        duration_ms: u64::MAX,
        counts: Counts { passed: (1 << 53) + 1, ..Counts::default() },
        coverage: Coverage::default(),
        insight: RunInsight::default(),
    });
    assert_eq!(save(&store, &project, std::slice::from_ref(&told)).await, [Change::Inserted]);
    let tx = store.worker(project.tenant_id).await.unwrap();
    let row = tx.entity(project.id, &told.identity()).await.unwrap().unwrap();
    assert_eq!(row.entity.facts, told.facts);
}
