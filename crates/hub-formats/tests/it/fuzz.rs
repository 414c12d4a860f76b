//! Damaged, spliced and grown versions of every known report: no panic, no more than twice linear time, no memory beyond
//! the cap. A few seconds a format by default; `HUB_FUZZ_SECONDS=600 HUB_FUZZ_SEED=7 cargo nextest run -p hub-formats fuzz`
//! goes on for longer and elsewhere. A failing input is kept in a file that the message names.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hub_domain::problem::Problem;
use hub_domain::record::Record;
use hub_formats::Sink;

use crate::fixtures::{bytes_of, fixture_files};

/// Bytes of the smaller of two grown inputs, beyond what is looked at to recognise a format; the larger has four times as
/// many.
const GROWN: usize = 192 * 1024;

/// Four times the bytes may take at most twice four times the time.
const MAX_GROWTH: f64 = 8.0;

/// Time below which a measurement says nothing.
const NOISE: Duration = Duration::from_millis(10);

/// Peak memory of the whole test process: every limit of a reader together, the inputs and the test itself.
const MAX_PEAK_KIB: u64 = 160 * 1024;

/// The largest seed: larger ones only make the same mutations slower.
const SEED_BYTES: usize = 96 * 1024;

struct Random(u64);

impl Random {
    /// `SplitMix64`: the same numbers for the same seed on every machine.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Counts and forgets, so that only the reader's own memory is measured.
#[derive(Default)]
struct Counting {
    records: u64,
    problems: u64,
    format: Option<&'static str>,
}

impl Sink for Counting {
    fn format(&mut self, format: &'static hub_formats::Format) {
        self.format = Some(format.name);
    }

    fn record(&mut self, _: Record) -> ControlFlow<()> {
        self.records += 1;
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        assert!(!problem.message.is_empty() && !problem.position.file.is_empty(), "{problem}");
        self.problems += 1;
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Fixtures and, where they are, real reports, by format. What no format reads is a seed of `other`.
fn seeds() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut paths = fixture_files();
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reports");
    if real.is_dir() {
        files_below(&real, &mut paths);
    }
    paths.sort();
    let mut seeds: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    for path in paths {
        let mut bytes = bytes_of(&path);
        let mut sink = Counting::default();
        hub_formats::read("seed", bytes.as_slice(), &mut sink);
        bytes.truncate(SEED_BYTES);
        seeds.entry(sink.format.unwrap_or("other")).or_default().push(bytes);
    }
    seeds
}

/// What readers stumble over, put in anywhere.
const TOKENS: &[&[u8]] = &[
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"\"",
    b"'",
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-1",
    b"1e999",
    b"++34600000000",
    b"\r\n",
    b"\n",
    b"|",
    b";",
    b"\xef\xbb\xbf",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&#0;",
    b"ok 1",
    b"not ok",
    b"1..9",
    b"    ",
    b"9999999999999999",
];

/// One to eight changes.
fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        let length = random.below(64).min(bytes.len() - at);
        match random.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + length)),
            2 => {
                let part = bytes[at..at + length].to_vec();
                bytes.splice(at..at, part);
            }
            3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            4 => {
                let from = random.below(other.len() + 1);
                let length = random.below(512).min(other.len() - from);
                bytes.splice(at..at, other[from..from + length].iter().copied());
            }
            5 => {
                let to = random.below(bytes.len() + 1);
                let part: Vec<u8> = bytes.drain(at.min(to)..at.max(to)).collect();
                let place = random.below(bytes.len() + 1);
                bytes.splice(place..place, part);
            }
            _ => drop(bytes.splice(at..at, random.pick(TOKENS).iter().copied())),
        }
    }
    bytes
}

/// The input with one of its parts repeated until it has so many bytes.
fn grow(seed: &[u8], from: usize, length: usize, size: usize) -> Vec<u8> {
    let part = &seed[from..from + length];
    let times = size.saturating_sub(seed.len()) / length.max(1) + 1;
    [&seed[..from], &part.repeat(times), &seed[from + length..]].concat()
}

/// Reads an input and gives the time that this thread was on a processor.
fn read(bytes: &[u8]) -> Duration {
    let before = on_processor();
    let mut sink = Counting::default();
    let format = hub_formats::read("mutant", bytes, &mut sink);
    assert!(format.is_some() || sink.problems > 0, "what is not read is told");
    on_processor().saturating_sub(before)
}

#[expect(clippy::disallowed_methods, reason = "a test asks the system what it used")]
fn text_of(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

/// How long this thread has been on a processor.
pub fn on_processor() -> Duration {
    let stat = text_of("/proc/thread-self/schedstat");
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn peak_kib() -> u64 {
    let status = text_of("/proc/self/status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn keep(bytes: &[u8]) -> PathBuf {
    let (mut file, path) = tempfile::NamedTempFile::new().unwrap().keep().unwrap();
    file.write_all(bytes).unwrap();
    path
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |value| value.to_str().unwrap().parse().unwrap())
}

#[test]
fn mutated_reports_neither_panic_nor_take_more_than_their_share() {
    let seeds = seeds();
    let budget = Duration::from_secs(setting("HUB_FUZZ_SECONDS", 20)) / u32::try_from(seeds.len()).unwrap();
    let mut random = Random(setting("HUB_FUZZ_SEED", 1));
    let all: Vec<&Vec<u8>> = seeds.values().flatten().collect();
    println!("{:<20} {:>8} {:>8} {:>8} {:>8}", "format", "seeds", "mutants", "grown", "worst");
    for (format, seeds) in &seeds {
        #[expect(clippy::disallowed_methods, reason = "a test has a time")]
        let started = Instant::now();
        let (mut mutants, mut grown, mut worst) = (0_u64, 0_u64, 0.0_f64);
        while started.elapsed() < budget {
            let seed = random.pick(seeds).clone();
            let other: &[u8] = all[random.below(all.len())];
            let mutant = mutate(&seed, other, &mut random);
            mutants += 1;
            if catch_unwind(AssertUnwindSafe(|| read(&mutant))).is_err() {
                panic!("{format}: a panic, kept in {}", keep(&mutant).display());
            }
            if mutants % 64 == 0 && !mutant.is_empty() {
                grown += 1;
                let from = random.below(mutant.len());
                let length = 1 + random.below(2_048.min(mutant.len() - from));
                let (small, large) = (grow(&mutant, from, length, GROWN), grow(&mutant, from, length, GROWN * 4));
                // The best of a few: the machine is shared, and a reader that is slow is slow every time.
                let growth = (0..4)
                    .map(|_| (read(&small).max(NOISE), read(&large)))
                    .map(|(small, large)| large.as_secs_f64() / small.as_secs_f64())
                    .fold(f64::MAX, f64::min);
                worst = worst.max(growth);
                assert!(
                    growth <= MAX_GROWTH,
                    "{format}: {growth:.1} x the time for 4 x the bytes: {}",
                    keep(&large).display()
                );
            }
        }
        println!("{format:<20} {:>8} {mutants:>8} {grown:>8} {worst:>7.1}x", seeds.len());
    }
    let peak = peak_kib();
    println!("peak memory {} MiB", peak / 1024);
    assert!(peak <= MAX_PEAK_KIB, "{peak} KiB");
}
