//! Speed and memory of the JUnit reader against a bare loop over quick-xml that builds the same records.
//!
//! `cargo bench -p hub-formats`. Both read the same generated file of 100,000 tests, in turn; the exit code is 1 when
//! the reader is slower than 0.7 of the bare loop (median of five), or when the process ever held more than 100 MB.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a benchmark measures time, writes and reads a file of its own, prints, and stops at the first surprise"
)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use hub_domain::problem::Problem;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::Sink;
use quick_xml::XmlVersion::Implicit1_0;
use quick_xml::encoding::DecodingReader;
use quick_xml::events::{BytesStart, Event};

const SUITES: usize = 500;
const CASES_PER_SUITE: usize = 200;
const ROUNDS: usize = 5;
const LEAST_RATIO: f64 = 0.7;
const MOST_MB: u64 = 100;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.xml");
    generate(&path).expect("the report");
    let mb = std::fs::metadata(&path).expect("the report").len() as f64 / 1e6;
    println!("{} tests, {mb:.1} MB", SUITES * CASES_PER_SUITE);

    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let (bare, bare_seconds) = timed(|| read_bare(&path));
        let (ours, our_seconds) = timed(|| read_ours(&path));
        assert_eq!(bare, ours, "both must find the same tests, failures and texts");
        let ratio = bare_seconds / our_seconds;
        let rate = |seconds: f64| {
            format!("{:6.1} MB/s {:9.0} cases/s", mb / seconds, (SUITES * CASES_PER_SUITE) as f64 / seconds)
        };
        println!("{round}: bare {}   hub {}   ratio {ratio:.2}", rate(bare_seconds), rate(our_seconds));
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ROUNDS / 2];
    let peak = peak_mb();
    println!("median ratio {median:.2} (at least {LEAST_RATIO}), peak memory {peak} MB (at most {MOST_MB})");
    if median >= LEAST_RATIO && peak <= MOST_MB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A report as tools write it: a failure in every twentieth test, output in every test.
fn generate(path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let tests = SUITES * CASES_PER_SUITE;
    writeln!(out, "<testsuites name=\"all\" tests=\"{tests}\" failures=\"{}\" time=\"1,234.5\">", tests / 20)?;
    for suite in 0..SUITES {
        writeln!(
            out,
            "  <testsuite name=\"com.example.Suite{suite}\" tests=\"{CASES_PER_SUITE}\" failures=\"{}\" errors=\"0\" skipped=\"0\" timestamp=\"2026-01-05T10:00:00\" hostname=\"build-07\">",
            CASES_PER_SUITE / 20
        )?;
        for case in 0..CASES_PER_SUITE {
            writeln!(
                out,
                "    <testcase name=\"shows the price of café {case} &lt;b&gt;\" classname=\"com.example.Suite{suite}\" file=\"src/suite{suite}.java\" time=\"0.{case:03}\">"
            )?;
            if case % 20 == 0 {
                writeln!(
                    out,
                    "      <failure message=\"expected: 1 &amp; was: {case}\" type=\"java.lang.AssertionError\"><![CDATA[java.lang.AssertionError: expected: 1 & was: {case}"
                )?;
                for line in 0..20 {
                    writeln!(out, "\tat com.example.Suite{suite}.step{line}(Suite{suite}.java:{line})")?;
                }
                writeln!(out, "]]></failure>")?;
            }
            writeln!(
                out,
                "      <system-out>opened the page in {case} ms\nlooked for &quot;price&quot;\nfound it\n</system-out>"
            )?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

/// What both must agree on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    results: usize,
    failures: usize,
    name_bytes: usize,
    message_bytes: usize,
    duration_ms: u64,
    with_output: usize,
}

impl Found {
    fn take(&mut self, result: &ResultRecord) {
        self.results += 1;
        self.failures += usize::from(result.status == "failure" && result.details.is_some());
        self.name_bytes += result.name.len() + result.suite.iter().map(String::len).sum::<usize>();
        self.message_bytes += result.message.as_ref().map_or(0, String::len);
        self.duration_ms += result.duration_ms.unwrap_or(0);
        self.with_output += usize::from(result.output.is_some());
    }
}

impl Sink for Found {
    fn record(&mut self, record: Record) -> ControlFlow<()> {
        if let Record::Result(result) = &record {
            self.take(result);
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        panic!("{problem}");
    }
}

fn read_ours(path: &Path) -> Found {
    let mut found = Found::default();
    hub_formats::read("report.xml", File::open(path).expect("the report"), &mut found);
    found
}

/// The least that builds the same records: no positions, no limits, no cleaning, no counts, no repairs.
fn read_bare(path: &Path) -> Found {
    let file = BufReader::with_capacity(64 * 1024, File::open(path).expect("the report"));
    let mut reader = quick_xml::Reader::from_reader(DecodingReader::new(file));
    let mut found = Found::default();
    let (mut suites, mut buffer, mut text) = (Vec::<String>::new(), Vec::new(), String::new());
    let mut case: Option<Box<ResultRecord>> = None;
    let value = |start: &BytesStart<'_>, wanted: &str| {
        let mut attributes = start.attributes();
        let found =
            attributes.with_checks(false).map(Result::unwrap).find(|attribute| attribute.key.as_ref() == wanted);
        found.map(|attribute| attribute.normalized_value(Implicit1_0).unwrap().into_owned())
    };
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(start) => {
                match start.name().as_ref() {
                    "testsuite" => suites.push(value(&start, "name").unwrap()),
                    "testcase" => {
                        let mut record = Box::new(ResultRecord { suite: suites.clone(), ..ResultRecord::default() });
                        let mut attributes = start.attributes();
                        for attribute in attributes.with_checks(false) {
                            let attribute = attribute.unwrap();
                            let value = attribute.normalized_value(Implicit1_0).unwrap();
                            match attribute.key.as_ref() {
                                "name" => record.name = value.into_owned(),
                                "classname" => record.class_name = Some(value.into_owned()),
                                "file" => record.file = Some(value.into_owned()),
                                "time" => {
                                    #[expect(
                                        clippy::cast_possible_truncation,
                                        clippy::cast_sign_loss,
                                        reason = "small"
                                    )]
                                    let ms = (value.parse::<f64>().unwrap() * 1000.0).round() as u64;
                                    record.duration_ms = Some(ms);
                                }
                                _ => {}
                            }
                        }
                        record.status = "passed".to_owned();
                        case = Some(record);
                    }
                    "failure" => {
                        if let Some(case) = &mut case {
                            case.status = "failure".to_owned();
                            let mut attributes = start.attributes();
                            for attribute in attributes.with_checks(false) {
                                let attribute = attribute.unwrap();
                                let value = attribute.normalized_value(Implicit1_0).unwrap().into_owned();
                                match attribute.key.as_ref() {
                                    "message" => case.message = Some(value),
                                    "type" => case.error_type = Some(value),
                                    _ => {}
                                }
                            }
                        }
                    }
                    _ => {}
                }
                text.clear();
            }
            Event::Text(event) => text.push_str(&event.xml10_content()),
            Event::CData(event) => text.push_str(&event.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(c) => text.push(c),
                None => text.push_str(quick_xml::escape::resolve_xml_entity(&reference).unwrap()),
            },
            Event::End(end) => match end.name().as_ref() {
                "testsuite" => drop(suites.pop()),
                "failure" => {
                    if let Some(case) = &mut case {
                        case.details = Some(text.trim().to_owned());
                    }
                }
                "system-out" => {
                    if let Some(case) = &mut case {
                        case.output = Some(text.trim().to_owned());
                    }
                }
                "testcase" => {
                    if let Some(case) = case.take() {
                        found.take(&case);
                    }
                }
                _ => {}
            },
            Event::Eof => return found,
            _ => {}
        }
        buffer.clear();
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed().as_secs_f64())
}

/// The most memory this process ever held, where the system tells it.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kb| kb / 1024)
}
