//! Paging through a large table by keyset, with its payload, beside COPY OUT of the same rows in the same run; and the last page
//! beside the first. `cargo bench -p hub-source`; the numbers of rows, and of rows a page, may be given. Ends with 1 where a limit is missed.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its numbers and ends where it cannot go on"
)]

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use hub_domain::settings::{SelectSettings, SourceSettings, SourceStream};
use hub_source::{Config, Position, Session};
use hub_testkit::TestDatabase;
use tokio_postgres::NoTls;

/// The most time that paging takes, in times of COPY OUT.
const MOST: f64 = 2.0;
/// The most that the last pages take, in times of the first.
const MOST_AT_END: f64 = 1.5;

/// A round: every page, and how long the first and the last few took each.
struct Round {
    rows: usize,
    bytes: usize,
    whole: Duration,
    first: Duration,
    last: Duration,
}

async fn paging(session: &Session) -> Round {
    let table = session.table(SourceStream::TestCases).await.unwrap().unwrap();
    let safe = session.watermark().await.unwrap().safe;
    let began = Instant::now();
    let mut behind: Option<Position> = None;
    let (mut rows, mut bytes, mut times) = (0, 0, Vec::new());
    loop {
        let page_began = Instant::now();
        let page = session.page(&table, behind.as_ref(), safe).await.unwrap();
        times.push(page_began.elapsed());
        rows += page.rows.len();
        bytes += page.rows.iter().map(|row| row.key.len() + row.version.len()).sum::<usize>();
        behind = page.end().or(behind);
        if !page.more {
            break;
        }
    }
    let whole = began.elapsed();
    // The very last page may hold a few rows only.
    let full = times.len().saturating_sub(1).max(1);
    let mean = |times: &[Duration]| times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(1);
    let some = 20.min(full);
    Round {
        rows,
        bytes,
        whole,
        first: mean(times.get(..some).unwrap_or_default()),
        last: mean(times.get(full - some..full).unwrap_or_default()),
    }
}

async fn copy_out(address: &str) -> (Duration, usize) {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    let began = Instant::now();
    let stream = client.copy_out("copy (select * from cases) to stdout").await.unwrap();
    let bytes = stream.try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) }).await.unwrap();
    (began.elapsed(), bytes)
}

#[tokio::main]
async fn main() {
    // A task, as the hub's commands are.
    let code = tokio::spawn(run()).await.unwrap();
    std::process::exit(code);
}

async fn run() -> i32 {
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let rows = numbers.first().copied().unwrap_or(300_000);
    let page_rows = numbers.get(1).copied().unwrap_or(1_000);
    let database = TestDatabase::empty().await;
    let client = database.client().await;
    client
        .batch_execute(&format!(
            "create table cases (id uuid primary key default gen_random_uuid(), code text, title text, steps text,
               updated_at timestamptz not null);
             insert into cases (code, title, steps, updated_at)
               select 'TC_' || n, 'A test case with the number ' || n, repeat(md5(n::text), 7),
                      now() - interval '30 days' + (n / 3) * interval '1 second' from generate_series(1, {rows}) n;
             create index on cases (updated_at, id)"
        ))
        .await
        .unwrap();
    client.batch_execute("vacuum analyze cases").await.unwrap();
    let sql = "select id as key, code as id, title, steps, updated_at from cases".to_owned();
    let settings = SourceSettings {
        name: "bench".into(),
        select: [(SourceStream::TestCases, SelectSettings { sql, table: None })].into(),
        page_rows,
        ..SourceSettings::default()
    };
    let (connected, connection) = tokio_postgres::connect(&database.address(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let session = Session::open(connected, Config::new(&settings)).await.unwrap();
    println!("{rows} rows of about 300 bytes, pages of {page_rows}");
    let (mut ratios, mut ends) = (Vec::new(), Vec::new());
    for round in 1..=7 {
        let (copy, bytes) = copy_out(&database.address()).await;
        let paged = paging(&session).await;
        assert_eq!(paged.rows, usize::try_from(rows).unwrap());
        let megabytes = bytes as f64 / 1e6;
        println!(
            "round {round}: COPY OUT {:.0} ms ({megabytes:.0} MB) · keyset into records {:.0} ms = {:.2}x ({:.0} bytes of keys and versions) · \
             first pages {:.2} ms, last pages {:.2} ms each",
            copy.as_secs_f64() * 1e3,
            paged.whole.as_secs_f64() * 1e3,
            paged.whole.as_secs_f64() / copy.as_secs_f64(),
            paged.bytes as f64,
            paged.first.as_secs_f64() * 1e3,
            paged.last.as_secs_f64() * 1e3,
        );
        ratios.push(paged.whole.as_secs_f64() / copy.as_secs_f64());
        ends.push(paged.last.as_secs_f64() / paged.first.as_secs_f64());
    }
    let (ratio, end) = (median(ratios), median(ends));
    println!(
        "medians: {ratio:.2} x COPY OUT (at most {MOST:.1}), the last pages {end:.2} x the first (at most {MOST_AT_END:.1})"
    );
    i32::from(ratio > MOST || end > MOST_AT_END)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
