//! Every statement of the crate is understood by the database, as the role that sends it.

use hub_domain::vocabulary::ResultStatus;
use hub_store::query;
use hub_testkit::TestDatabase;

/// Statements that an operator's command sends as the owner of the tables.
const BY_OWNER: &[&str] = &[
    "hub.tenants (slug",
    "hub.projects as p",
    "hub.projects p",
    "hub.projects set",
    "hub.api_tokens a",
    "hub.connectors",
    "migration",
    "pg_advisory",
];
/// Statements of a worker's process about the queue of all tenants, which no role but the owner may send.
const OF_THE_QUEUE: &[&str] = &[
    "hub_private.ring_due(",
    "hub_private.ring_evidence_due(",
    "hub_private.tidy_queue(",
    "hub_private.close_dead_runs(",
    "hub_private.release_worker(",
    "hub_private.release_unknown(",
    "hub_private.queue_load(",
    "hub_private.lane_jobs(",
    "hub_private.ring_sources(",
];

#[tokio::test]
async fn the_database_understands_every_statement() {
    let database = TestDatabase::fresh().await;
    let client = database.client().await;
    let statements = query::statements();
    assert!(statements.len() > 50, "{}", statements.len());
    for query in statements {
        let has = |marks: &[&str]| marks.iter().any(|mark| query.sql.contains(mark));
        let by_owner = (has(BY_OWNER) && !query.sql.contains("hub.publication")) || has(OF_THE_QUEUE);
        client.batch_execute("begin").await.unwrap();
        if !by_owner {
            client.batch_execute("set local role hub_worker").await.unwrap();
        }
        let prepared = client.prepare_typed(query.sql, query.types).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{}: {:?}", query.doing, error.as_db_error()));
        assert_eq!(prepared.params(), query.types, "{}", query.doing);
        // Permissions are checked when a statement is run; EXPLAIN checks them as well and runs nothing.
        let nulls = vec!["null"; query.types.len()].join(", ");
        let name = format!("hub_{}", query.doing.len());
        let types: Vec<String> = query.types.iter().map(|t| sql_name(t.name())).collect();
        let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
        client.batch_execute(&format!("deallocate all; prepare {name} {types} as {}", query.sql)).await.unwrap();
        let arguments = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
        let explained = client.simple_query(&format!("explain execute {name}{arguments}")).await;
        explained.unwrap_or_else(|error| panic!("{}: {:?}", query.doing, error.as_db_error()));
        client.batch_execute("rollback").await.unwrap();
    }
}

/// `_text` is an array of `text`.
fn sql_name(name: &str) -> String {
    name.strip_prefix('_').map_or_else(|| name.to_owned(), |element| format!("{element}[]"))
}

/// A first import fills tables that have no statistics yet. What is compared is then looked up by its key all the same, row
/// by row: a join with everything that the tenant has would take time with the square of the import.
#[tokio::test]
async fn what_is_saved_is_looked_up_by_key_also_before_the_database_knows_its_tables() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = crate::sample::project(&store).await;
    let client = database.client().await;
    for batch in (0..2_000).collect::<Vec<_>>().chunks(1_000) {
        let cases: Vec<_> = batch.iter().map(|n| crate::sample::case(&format!("TC_{n:05}"), "x")).collect();
        let tx = store.worker(project.tenant_id).await.unwrap();
        tx.upsert_entities(project.id, &cases).await.unwrap();
        let run = crate::sample::id("run-1");
        let month = tx.ensure_run(project.id, &run, None).await.unwrap();
        let results: Vec<_> =
            batch.iter().map(|n| crate::sample::result(&format!("k{n}"), None, ResultStatus::Passed)).collect();
        tx.upsert_results(project.id, month, &run, &results).await.unwrap();
        tx.commit().await.unwrap();
    }
    let looked_up =
        ["compare entities by their hashes", "read entities by their ids", "compare results by their hashes"];
    // A run of many reports would otherwise be read whole for each of them.
    let of_report = ["count what is kept of a report", "count the report's results"];
    let asked =
        query::statements().into_iter().filter(|q| looked_up.contains(&q.doing) || of_report.contains(&q.doing));
    for query in asked {
        let types: Vec<&str> = query.types.iter().map(tokio_postgres::types::Type::name).collect();
        // The project and the month say which partition is asked; the rest says nothing.
        let given = |kind: &&str| match *kind {
            "uuid" => format!("'{}'", project.id.0),
            "date" => "date_trunc('month', now())::date".to_owned(),
            _ => "null".to_owned(),
        };
        let given = types.iter().map(given).collect::<Vec<_>>().join(", ");
        let (types, sql) = (types.join(", "), query.sql);
        let asked = format!(
            "begin; set local role hub_worker; select set_config('hub.tenant_id', '{}', true);
             set local plan_cache_mode = force_generic_plan; prepare asked ({types}) as {sql}; explain execute asked ({given})",
            project.tenant_id.0
        );
        let mut plan = String::new();
        for message in client.simple_query(&asked).await.unwrap() {
            if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                plan.push_str(row.get(0).unwrap_or_default());
                plan.push('\n');
            }
        }
        client.batch_execute("rollback; deallocate all").await.unwrap();
        if of_report.contains(&query.doing) {
            assert!(plan.contains("tenant_id_report_id_idx"), "{}:\n{plan}", query.doing);
            continue;
        }
        assert!(plan.contains("_pkey") && !plan.contains("Join Filter"), "{}:\n{plan}", query.doing);
        let others = ["tenant_id_", "updated_at", "Seq Scan on entities", "Seq Scan on results"];
        assert!(others.iter().all(|other| !plan.contains(other)), "{}:\n{plan}", query.doing);
    }
}
