//! What it costs to save entities, new and unchanged, beside COPY of the very same rows into the same table with all its
//! indexes, in the same run and in turns with it, medians of the turns. `cargo bench -p hub-store --bench upsert [-- ROWS]`; ends with 1 where a
//! limit is missed.
//!
//! COPY gets its rows ready made, in one statement, as the table's owner. The hub's side is its real code: facts to
//! canonical JSON and hashes, a comparison by hash, row-level security, a commit for each 1,000 rows. Ids come in their
//! order, as documents list them, and once in none, where no look can tell that a thousand of them are new.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops where it cannot measure, and prints")]

use std::{
    fmt::Write as _,
    pin::pin,
    time::{Duration, Instant},
};

use futures::SinkExt as _;
use hub_domain::{Entity, entity::EntityFacts};
use hub_store::{Change, ProjectRow, Store};
use hub_testkit::TestDatabase;
use tokio_postgres::Client;

#[expect(dead_code, reason = "the tests use more of the sample")]
#[path = "../tests/it/sample.rs"]
mod sample;

/// Turns of each measurement, after one that warms the caches. Odd, so that there is a middle.
const ROUNDS: usize = 7;
/// Rows of one commit, as an import hands them over.
const BATCH: usize = 1_000;
/// Steps through the ids in no order: a prime, so that each is met once.
const STEP: usize = 7_919;
/// New rows: at least so many for each that COPY takes in the same time.
const FRESH_LIMIT: f64 = 0.8;
/// Unchanged rows: at least so many for each that COPY takes in the same time.
const UNCHANGED_LIMIT: f64 = 2.0;

fn main() {
    let rows: usize = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // A task, as the hub's commands are.
    let command = runtime.spawn(run(rows));
    std::process::exit(runtime.block_on(command).unwrap());
}

/// A test case whose row has about a kilobyte, as a team's real ones have.
fn entity(n: usize) -> Entity {
    let mut entity = sample::case(&format!("TC_BENCH_{n:07}"), &format!("Reserva {n}: el visitante paga con tarjeta"));
    if let EntityFacts::TestCase(case) = &mut entity.facts {
        case.steps =
            (1..=6).map(|step| format!("Paso {step} del caso {n}: abrir la página y comprobar el total")).collect();
        case.preconditions = Some(format!("Existe una reserva {} con dos adultos", n % 97));
        case.expected_result = Some("Se muestra el justificante con el importe y la fecha de la visita".to_owned());
    }
    entity
}

async fn run(rows: usize) -> i32 {
    let database = TestDatabase::fresh().await;
    let store = database.store().await;
    let project = sample::project(&store).await;
    let client = database.client().await;
    let entities: Vec<Entity> = (0..rows).map(entity).collect();
    let text = rows_as_text(&project, &entities);
    let mixed: Vec<Entity> = (0..rows).map(|n| entity(n * STEP % rows)).collect();
    let mixed_text = rows_as_text(&project, &mixed);
    println!("{rows} rows of {} bytes; {ROUNDS} turns each, medians", text.len() / rows.max(1));

    let (mut copied, mut fresh, mut unchanged) = (Vec::new(), Vec::new(), Vec::new());
    let (mut mixed_copied, mut mixed_fresh) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        clear(&client).await;
        let copy = copy(&client, &text).await;
        clear(&client).await;
        let (new, written) = save(&store, &project, &entities).await;
        assert_eq!(written, rows);
        let dead = dead_tuples(&client).await;
        let (same, written) = save(&store, &project, &entities).await;
        assert_eq!((written, dead_tuples(&client).await), (0, dead), "an unchanged import writes nothing");
        clear(&client).await;
        let mixed_copy = self::copy(&client, &mixed_text).await;
        clear(&client).await;
        let (mixed_new, written) = save(&store, &project, &mixed).await;
        assert_eq!(written, rows);
        if round > 0 {
            mixed_copied.push(mixed_copy);
            mixed_fresh.push(mixed_new);
            copied.push(copy);
            fresh.push(new);
            unchanged.push(same);
        }
    }
    let copy = median(copied.clone());
    let rate = |time: Duration| rows as f64 / time.as_secs_f64();
    let line = |what: &str, times: Vec<Duration>, limit: f64| {
        // Turn by turn: the machine's speed drifts.
        let ratio = ratio(&copied, &times);
        let time = median(times);
        let verdict = if ratio >= limit { "" } else { "  MISSED" };
        println!("{what:<24} {:>9.0} rows/s {ratio:>6.2} x COPY  at least {limit:.1}{verdict}", rate(time));
        ratio >= limit
    };
    println!("{:<24} {:>9.0} rows/s", "COPY, same indexes", rate(copy));
    let holds = [line("new", fresh, FRESH_LIMIT), line("unchanged", unchanged, UNCHANGED_LIMIT)];
    println!("dead rows after unchanged imports: 0");
    let ratio = ratio(&mixed_copied, &mixed_fresh);
    println!("{:<24} {:>9.0} rows/s", "COPY, ids in no order", rate(median(mixed_copied)));
    println!("{:<24} {:>9.0} rows/s {ratio:>6.2} x COPY", "new, ids in no order", rate(median(mixed_fresh)));
    i32::from(holds.contains(&false))
}

async fn clear(client: &Client) {
    client.batch_execute("truncate hub.entities; checkpoint").await.unwrap();
}

/// The rows in the text form of COPY.
fn rows_as_text(project: &ProjectRow, entities: &[Entity]) -> String {
    let mut text = String::new();
    for entity in entities {
        let payload = serde_json::to_string(&entity.facts).unwrap().replace('\\', "\\\\");
        let hash = entity.content_hash().unwrap().to_hex();
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{payload}\t\\\\x{hash}",
            project.id.0,
            project.tenant_id.0,
            entity.facts.kind().as_str(),
            entity.external_id,
            entity.facts.title(),
            entity.origin.source,
            entity.origin.precedence,
        )
        .unwrap();
    }
    text
}

async fn copy(client: &Client, text: &str) -> Duration {
    let started = Instant::now();
    let columns = "project_id, tenant_id, entity_type, external_id, title, source, precedence, payload, content_hash";
    let sink = client.copy_in::<_, bytes::Bytes>(&format!("copy hub.entities ({columns}) from stdin")).await.unwrap();
    let mut sink = pin!(sink);
    for part in text.as_bytes().chunks(1 << 16) {
        sink.send(bytes::Bytes::copy_from_slice(part)).await.unwrap();
    }
    sink.finish().await.unwrap();
    started.elapsed()
}

async fn save(store: &Store, project: &ProjectRow, entities: &[Entity]) -> (Duration, usize) {
    let started = Instant::now();
    let mut written = 0;
    for batch in entities.chunks(BATCH) {
        let tx = store.worker(project.tenant_id).await.unwrap();
        let saved = tx.upsert_entities(project.id, batch).await.unwrap();
        written += saved.iter().filter(|row| matches!(row.changed, Change::Inserted | Change::Updated)).count();
        tx.commit().await.unwrap();
    }
    (started.elapsed(), written)
}

/// Rows that were updated or deleted, since the statistics began.
async fn dead_tuples(client: &Client) -> i64 {
    client.batch_execute("select pg_stat_force_next_flush()").await.unwrap();
    let rows = client
        .query_typed(
            "select coalesce(sum(n_tup_upd + n_tup_del + n_dead_tup), 0)::int8 from pg_stat_all_tables
              where schemaname = 'hub_part' and relname like 'entities%'",
            &[],
        )
        .await
        .unwrap();
    rows[0].get(0)
}

/// The median, over the turns, of how many times as fast as the baseline something is.
fn ratio(baseline: &[Duration], times: &[Duration]) -> f64 {
    let mut ratios: Vec<f64> = baseline.iter().zip(times).map(|(b, t)| b.as_secs_f64() / t.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
