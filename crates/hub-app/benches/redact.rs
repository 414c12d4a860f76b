//! What redaction costs beside reading the file: a JUnit report whose every tenth test failed with a stack trace, read with and
//! without redaction. `cargo bench -p hub-app --bench redact [-- CASES]`; ends with 1 where redaction takes more than 30 % of
//! the time of reading.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark stops where it cannot measure, and prints")]

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use hub_domain::{Problem, record::Record};
use hub_formats::Sink;
use hub_pipeline::redact;

/// The most that redaction may take of the time of reading, in per cent.
const MOST_PERCENT: f64 = 30.0;

#[derive(Default)]
struct Kept(Vec<Record>);

impl Sink for Kept {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        self.0.push(record);
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {}
}

fn main() {
    let cases = std::env::args().filter_map(|a| a.parse::<usize>().ok()).next().unwrap_or(100_000);
    let report = report(cases);
    let (mut reading, mut redacting) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let mut kept = Kept::default();
        let started = Instant::now();
        hub_formats::read("bench.xml", report.as_bytes(), &mut kept).unwrap();
        reading = reading.min(started.elapsed());
        let mut found = redact::Found::default();
        let started = Instant::now();
        for record in &mut kept.0 {
            redact::record(record, &mut found);
        }
        redacting = redacting.min(started.elapsed());
        assert!(found.get(redact::Kind::Email) > 0, "something is found");
    }
    let megabytes = report.len() as f64 / 1e6;
    let percent = redacting.as_secs_f64() * 100.0 / reading.as_secs_f64();
    println!("{cases} cases, {megabytes:.1} MB");
    println!("reading   {:8.1} ms  {:7.1} MB/s", reading.as_secs_f64() * 1e3, megabytes / reading.as_secs_f64());
    println!("redacting {:8.1} ms  {percent:7.1} % of reading", redacting.as_secs_f64() * 1e3);
    if percent > MOST_PERCENT {
        println!("more than {MOST_PERCENT} %");
        std::process::exit(1);
    }
}

fn report(cases: usize) -> String {
    let trace =
        "Error: expect(locator).toHaveText(expected)\n\nLocator: locator('#total')\nExpected string: \"12,50 €\"\n\
                 Received string: \"13,75 €\"\nuser qa@shop.example.com password: field is required\n\
                 at CartPage.total (/builds/runner/work/shop/tests/pages/cart.ts:88:11)\n\
                 at /builds/runner/work/shop/tests/cart.spec.ts:42:23\n\
                 at processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
            .repeat(4);
    let mut text = String::from("<testsuites>\n<testsuite name=\"cart.spec.ts\" hostname=\"Desktop Chrome\">\n");
    for n in 0..cases {
        text.push_str(&format!(
            "<testcase name=\"Cart › TC_CART_{n:06} - adds item {n} and shows the total\" classname=\"cart.spec.ts\" time=\"1.{n:03}\""
        ));
        if n % 10 == 0 {
            text.push_str(&format!(">\n<failure message=\"expected 3, saw {n}\" type=\"Error\"><![CDATA[{trace}]]></failure>\n</testcase>\n"));
        } else {
            text.push_str("/>\n");
        }
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}
