//! Every statement of the crate is understood by the database, as the role that sends it.

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
