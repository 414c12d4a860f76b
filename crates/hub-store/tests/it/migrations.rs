//! Migrations: once, in order, by one process at a time, and never over an edited file.

use std::process::Command;

use hub_store::{MIGRATIONS, Migration, PgBinaries, StoreError, migrate::MigrationState};
use hub_testkit::TestDatabase;

const NOTHING: [Migration; 0] = [];

#[tokio::test]
async fn the_second_time_there_is_nothing_to_do() {
    let database = TestDatabase::empty().await;
    let store = database.store().await;
    let error = store.ensure_current().await.unwrap_err();
    assert_eq!(error.code().id, "HUB-3004");
    assert!(matches!(&error, StoreError::NotMigrated { pending } if pending.len() == MIGRATIONS.len()));
    assert!(store.migration_status().await.unwrap().iter().all(|m| m.state == MigrationState::Pending));

    assert_eq!(store.migrate().await.unwrap(), MIGRATIONS);
    assert_eq!(store.migrate().await.unwrap(), NOTHING);
    store.ensure_current().await.unwrap();
    assert!(store.migration_status().await.unwrap().iter().all(|m| m.state == MigrationState::Applied));

    // As the Supabase CLI records it.
    let client = database.client().await;
    let rows = client
        .query_typed(
            "select version, name, cardinality(statements) from supabase_migrations.schema_migrations order by version",
            &[],
        )
        .await
        .unwrap();
    let recorded: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected: Vec<(String, String)> = MIGRATIONS.iter().map(|m| (m.version.into(), m.name.into())).collect();
    assert_eq!(recorded, expected);
    assert!(rows.iter().all(|row| row.get::<_, i32>(2) > 3));
}

#[tokio::test]
async fn an_edited_file_is_refused_before_anything_is_applied() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let mut edited = MIGRATIONS.to_vec();
    edited[1].sql = "create table hub.other (id int)";
    edited.push(Migration { version: "20991231000000", name: "next", sql: "create table hub.next (id int)" });
    let error = store.apply(&edited).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-3005");
    assert!(error.to_string().contains("20261124000100_hub_tables"), "{error}");
    let rows = database.client().await.query_typed("select to_regclass('hub.next') is null", &[]).await.unwrap();
    assert!(rows[0].get::<_, bool>(0));
}

#[tokio::test]
async fn of_two_at_once_one_applies_and_the_other_finds_nothing_to_do() {
    let database = TestDatabase::empty().await;
    let (one, two) = (database.store().await, database.store().await);
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    let mut counts = [first.unwrap().len(), second.unwrap().len()];
    counts.sort_unstable();
    assert_eq!(counts, [0, MIGRATIONS.len()]);
}

#[tokio::test]
async fn a_refused_statement_undoes_its_migration_and_leaves_the_ones_before() {
    let database = TestDatabase::empty().await;
    let store = database.store().await;
    let good = Migration { version: "20200101000000", name: "good", sql: "create table a (id int);" };
    let bad = Migration { version: "20200101000001", name: "bad", sql: "create table b (id int); select 1 / 0;" };
    let error = store.apply(&[good, bad]).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-3006");
    assert!(error.to_string().contains("20200101000001_bad"), "{error}");
    let mended = Migration { sql: "create table b (id int);", ..bad };
    assert_eq!(store.apply(&[good, mended]).await.unwrap(), [mended]);
}

#[tokio::test]
async fn a_first_line_lets_statements_run_without_a_transaction() {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let sql = "-- no-tx\ncreate index concurrently one on hub.runs (run_month);\ncreate index concurrently two on hub.runs (run_month, run_id);\n";
    let index = Migration { version: "20991231000000", name: "index", sql };
    let all = [MIGRATIONS, &[index]].concat();
    assert_eq!(store.apply(&all).await.unwrap(), [index]);
    assert_eq!(store.apply(&all).await.unwrap(), NOTHING);
}

/// `psql` applies the files as they are; once they are recorded as the Supabase CLI does it, the hub accepts them and keeps
/// their checksums.
#[tokio::test]
async fn the_files_are_plain_sql_and_other_tools_work_is_accepted() {
    let database = TestDatabase::empty().await;
    let store = database.store().await;
    let psql = PgBinaries::find(None).unwrap().program("psql");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for migration in MIGRATIONS {
        let file = folder.join(format!("{}_{}.sql", migration.version, migration.name));
        let mut command = Command::new(&psql);
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.address(), "-f"]).arg(file);
        let answer = command.output().unwrap();
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    }
    let client = database.client().await;
    client
        .batch_execute("create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text not null primary key)")
        .await
        .unwrap();
    for migration in MIGRATIONS {
        let insert = format!("insert into supabase_migrations.schema_migrations values ('{}')", migration.version);
        client.batch_execute(&insert).await.unwrap();
    }
    store.ensure_current().await.unwrap();
    assert_eq!(store.migrate().await.unwrap(), NOTHING);
    let rows = client.query_typed("select count(*) from hub_private.migration_checksums", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), i64::try_from(MIGRATIONS.len()).unwrap());
}
