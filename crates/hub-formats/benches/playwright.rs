//! Memory and speed of the Playwright reader on a report of 140 MB, with keys as Playwright writes them and sorted, when a
//! suite's title stands behind its specs.
//!
//! `cargo bench -p hub-formats --bench playwright`. The exit code is 1 when the process ever held more than 100 MB, or when
//! a test was lost or stands in the wrong suite.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark measures time, writes and reads a file of its own, prints, and stops at the first surprise"
)]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use hub_domain::problem::Problem;
use hub_domain::record::Record;
use hub_formats::Sink;

const FILES: usize = 130;
const SPECS_PER_FILE: usize = 250;
const MOST_MB: u64 = 100;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut right = true;
    for sorted in [false, true] {
        let path = folder.path().join(format!("report-{sorted}.json"));
        generate(&path, sorted).expect("the report");
        let mb = std::fs::metadata(&path).expect("the report").len() as f64 / 1e6;
        let start = Instant::now();
        let mut found = Found::default();
        hub_formats::read("report.json", File::open(&path).expect("the report"), &mut found);
        let seconds = start.elapsed().as_secs_f64();
        let order = if sorted { "sorted keys" } else { "usual order" };
        println!(
            "{order}: {mb:.0} MB, {} tests, {:.0} MB/s, {} contents, peak memory {} MB (at most {MOST_MB})",
            found.tests,
            mb / seconds,
            found.contents,
            peak_mb()
        );
        right &= mb >= 139.0 && found.tests == FILES * SPECS_PER_FILE && found.misplaced == 0 && found.problems == 0;
    }
    if right && peak_mb() <= MOST_MB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A report as Playwright writes it: a retry in every tenth test, a screenshot of 100 kB in every hundredth.
fn generate(path: &Path, sorted: bool) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write!(out, "{{\"config\":{{\"forbidOnly\":false,\"version\":\"1.50.0\",\"workers\":4}},\"suites\":[")?;
    for file in 0..FILES {
        let comma = if file > 0 { "," } else { "" };
        let title = format!("\"title\":\"suite{file}.spec.ts\"");
        write!(out, "{comma}\n{{\"file\":\"tests/suite{file}.spec.ts\",")?;
        if !sorted {
            write!(out, "{title},")?;
        }
        write!(out, "\"specs\":[")?;
        for spec in 0..SPECS_PER_FILE {
            let comma = if spec > 0 { "," } else { "" };
            write!(out, "{comma}\n{{\"tags\":[\"smoke\"],\"tests\":[{{\"projectName\":\"Pixel 7\",\"results\":[")?;
            if spec.is_multiple_of(10) {
                result(&mut out, spec, "failed", 0)?;
                write!(out, ",")?;
            }
            result(&mut out, spec, "passed", 1)?;
            let status = if spec.is_multiple_of(10) { "flaky" } else { "expected" };
            write!(out, "],\"status\":\"{status}\"}}],\"title\":\"suite{file} shows café {spec}\"}}")?;
        }
        write!(out, "]")?;
        if sorted {
            write!(out, ",{title}")?;
        }
        write!(out, "}}")?;
    }
    let flaky = FILES * SPECS_PER_FILE / 10;
    let expected = FILES * SPECS_PER_FILE - flaky;
    writeln!(
        out,
        "],\"errors\":[],\"stats\":{{\"expected\":{expected},\"flaky\":{flaky},\"skipped\":0,\"unexpected\":0}}}}"
    )?;
    out.flush()
}

fn result(out: &mut impl Write, spec: usize, status: &str, retry: usize) -> io::Result<()> {
    write!(
        out,
        "{{\"status\":\"{status}\",\"retry\":{retry},\"duration\":{spec},\"startTime\":\"2026-01-05T10:00:00.000Z\","
    )?;
    if status == "failed" {
        let frames = "\\n    at step (suite.spec.ts:12:5)".repeat(20);
        write!(
            out,
            "\"error\":{{\"message\":\"Error: expected {spec}\",\"stack\":\"Error: expected {spec}{frames}\"}},"
        )?;
    }
    if spec.is_multiple_of(100) {
        let screenshot = "QUFB".repeat(25_000);
        write!(
            out,
            "\"attachments\":[{{\"name\":\"shot\",\"contentType\":\"image/png\",\"body\":\"{screenshot}\"}}],"
        )?;
    }
    write!(out, "\"stdout\":[")?;
    for line in 0..10 {
        let comma = if line > 0 { "," } else { "" };
        write!(out, "{comma}{{\"text\":\"{spec} opened the page and looked for the price, line {line}\\n\"}}")?;
    }
    write!(out, "],\"steps\":[")?;
    for step in 0..8 {
        let comma = if step > 0 { "," } else { "" };
        write!(
            out,
            "{comma}{{\"title\":\"step {step} of the test\",\"duration\":3,\"steps\":[{{\"title\":\"an inner step of it\",\"duration\":1}}]}}"
        )?;
    }
    write!(out, "]}}")
}

#[derive(Debug, Default)]
struct Found {
    tests: usize,
    misplaced: usize,
    contents: usize,
    problems: usize,
}

impl Sink for Found {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        if let Record::Result(result) = record {
            self.tests += 1;
            let file = result.name.split(' ').next().unwrap_or_default();
            let suite = result.suite.first().and_then(|suite| suite.strip_suffix(".spec.ts"));
            self.misplaced += usize::from(suite != Some(file) || result.steps.len() != 16);
            self.contents += result.attachments.iter().filter(|attachment| attachment.body.is_some()).count();
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        println!("{problem}");
        self.problems += 1;
    }
}

/// The most memory this process ever held, where the system tells it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kb| kb / 1024)
}
