//! Reports wherever they lie: in folders among other files, in archives, packed, behind patterns and on standard input.

use std::{
    io::{Cursor, Write as _},
    process::Stdio,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{Hub, Ran};

fn junit(names: &[&str]) -> Vec<u8> {
    let cases: String = names.iter().map(|name| format!("<testcase name=\"{name}\" classname=\"c\"/>")).collect();
    format!("<testsuite name=\"s\" tests=\"{}\">{cases}</testsuite>", names.len()).into_bytes()
}

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ingest(hub: &Hub, path: &str) -> Ran {
    hub.hub(&["ingest", path, "--project", "shop", "--run", "r1"])
}

fn totals(report: &Value) -> Vec<(String, u64)> {
    let files = report["files"].as_array().unwrap();
    let passed = |file: &Value| file["results"]["passed"].as_u64().unwrap();
    files.iter().map(|f| (f["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned(), passed(f))).collect()
}

fn codes(report: &Value) -> Vec<String> {
    let files = report["files"].as_array().unwrap().iter();
    let problems = files.flat_map(|file| file["problems"].as_array().unwrap());
    problems.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_found_among_other_files_and_one_report_is_one_however_it_is_packed() {
    let hub = Hub::start().await;
    hub.ready();
    let folder = hub.write("out/report.xml", junit(&["TC_A_001 - a", "TC_A_002 - b"])).parent().unwrap().to_owned();
    hub.write("out/shot.png", b"\x89PNG\r\n\x1a\n");
    hub.write("out/notes.md", "# Notes\nnothing here");
    hub.write(
        "out/more.zip",
        zip(&[("deep/more.xml", junit(&["TC_A_003 - c"])), ("deep/video.webm", b"\x1a\x45\xdf\xa3".to_vec())]),
    );
    let report = ingest(&hub, folder.to_str().unwrap()).json(0);
    assert_eq!(totals(&report), [("more.xml".to_owned(), 1), ("report.xml".to_owned(), 2)]);
    assert_eq!(report["others"]["count"], 3, "{report}");

    // The same report packed with gzip, and on standard input, is the same report.
    let packed = hub.write("again.xml.gz", gzip(&junit(&["TC_A_001 - a", "TC_A_002 - b"]))).display().to_string();
    assert_eq!(ingest(&hub, &packed).json(0)["files"][0]["already_taken"], true);
    let mut command = hub.command(&["ingest", "-", "--project", "shop", "--run", "r1"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&junit(&["TC_A_004 - d"])).unwrap();
    let piped = Ran::of(child.wait_with_output().unwrap()).json(0);
    assert_eq!(piped["files"][0]["results"]["passed"], 1);

    // A pattern that the shell did not expand.
    hub.write("shards/1/x.xml", junit(&["TC_A_005 - e"]));
    hub.write("shards/2/x.xml", junit(&["TC_A_006 - f"]));
    let pattern = folder.parent().unwrap().join("shards/*/x.xml");
    let report = ingest(&hub, pattern.to_str().unwrap()).json(0);
    assert_eq!(report["files"].as_array().unwrap().len(), 2);
    assert_eq!(
        hub.hub(&["sync", "--project", "shop", "--wait"]).json(0)["issues"]["created"],
        7,
        "six cases and a run"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dangerous_archives_are_refused_with_a_code_and_cost_the_others_nothing() {
    let hub = Hub::start().await;
    hub.ready();
    let inner = zip(&[("x.xml", junit(&["TC_B_009 - i"]))]);
    let trace = zip(&[("test.trace", b"{}".to_vec())]);
    let archive = hub.write(
        "a.zip",
        zip(&[
            ("good.xml", junit(&["TC_B_001 - a"])),
            ("../../slip.xml", junit(&["TC_B_002 - b"])),
            ("inner.zip", inner),
            ("inner.xml.gz", gzip(&junit(&["TC_B_003 - c"]))),
            ("trace.zip", trace),
        ]),
    );
    let report = ingest(&hub, archive.to_str().unwrap()).json(3);
    let mut found = codes(&report);
    found.sort();
    assert_eq!(found, ["HUB-1023", "HUB-1024", "HUB-1024"], "{report}");
    assert_eq!(report["others"]["count"], 1, "a trace is evidence");
    assert!(totals(&report).contains(&("good.xml".to_owned(), 1)));

    // A gzip file that ends too early: what stands before the cut is taken.
    let many: Vec<String> = (0..4_000).map(|n| format!("TC_C_{n:04} - n")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    let whole = gzip(&junit(&names));
    let cut = hub.write("cut.xml.gz", &whole[..whole.len() / 2]);
    let report = ingest(&hub, cut.to_str().unwrap()).json(3);
    assert_eq!(codes(&report)[0], "HUB-1022");
    assert!(report["files"][0]["results"]["passed"].as_u64().unwrap() > 500, "{report}");
    let broken = hub.write("broken.zip", &zip(&[("x.xml", junit(&names))])[..200]);
    assert_eq!(codes(&ingest(&hub, broken.to_str().unwrap()).json(3)), ["HUB-1022"]);
    assert_eq!(
        codes(
            &ingest(&hub, hub.write("s.xlsx", zip(&[("[Content_Types].xml", b"<Types/>".to_vec())])).to_str().unwrap())
                .json(3)
        ),
        ["HUB-1001"]
    );
}

/// 12 MB of gzip that would be 12 GB of report: refused after the first gigabyte, with the memory of a small file.
#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_refused_in_bounded_time_and_memory() {
    let hub = Hub::start().await;
    hub.ready();
    // One block of zeros packed once and repeated: gzip allows parts one after the other.
    let block = gzip(&vec![b' '; 64 << 20]);
    let mut bomb = gzip(b"<testsuite name=\"s\"><testcase name=\"TC_D_001 - first\"/><system-out>");
    for _ in 0..24 {
        bomb.extend_from_slice(&block);
    }
    let path = hub.write("bomb.xml.gz", bomb);
    let report = ingest(&hub, path.to_str().unwrap()).json(3);
    assert_eq!(codes(&report), ["HUB-1021"], "{report}");
}

/// An Allure folder: a file for each attempt of each test, and what belongs to them. It is one report.
#[tokio::test(flavor = "multi_thread")]
async fn an_allure_folder_is_one_report_and_attempts_are_one_result() {
    let hub = Hub::start().await;
    hub.ready();
    let result = |uuid: &str, test: &str, status: &str, start: u64| {
        format!(
            r#"{{"uuid":"{uuid}","historyId":"h-{test}","name":"{test}","fullName":"s.{test}","status":"{status}",
                "stage":"finished","start":{start},"stop":{},"labels":[{{"name":"suite","value":"checkout"}}]}}"#,
            start + 250
        )
    };
    for (n, (test, status)) in [
        ("TC_F_001 pay", "failed"),
        ("TC_F_002 refund", "passed"),
        ("TC_F_001 pay", "passed"),
        ("TC_F_003 x", "broken"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = result(&format!("u{n}"), test, status, 1_767_600_000_000 + n as u64 * 1_000);
        hub.write(&format!("allure-results/u{n}-result.json"), text);
    }
    hub.write(
        "allure-results/c-container.json",
        r#"{"uuid":"c","name":"f","children":["u0"],"befores":[],"afters":[]}"#,
    );
    hub.write("allure-results/shot-attachment.png", b"\x89PNG\r\n\x1a\n");
    let folder = hub.write("allure-results/environment.properties", "browser=chromium").parent().unwrap().to_owned();
    let report = ingest(&hub, folder.to_str().unwrap()).json(0);
    let files = report["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{report}");
    assert_eq!(files[0]["format"], "allure2");
    let counts = &files[0]["results"];
    assert_eq!((&counts["flaky"], &counts["passed"], &counts["broken"]), (&1.into(), &1.into(), &1.into()), "{counts}");
    assert_eq!(ingest(&hub, folder.to_str().unwrap()).json(0)["files"][0]["already_taken"], true);
    // A fifth result: the folder is the same report, in a new version.
    hub.write("allure-results/u9-result.json", result("u9", "TC_F_004 y", "passed", 1_767_600_009_000));
    let report = ingest(&hub, folder.to_str().unwrap()).json(0);
    assert_eq!(
        (report["files"][0]["results"]["passed"].as_u64(), report["results_changed"].as_u64()),
        (Some(2), Some(1))
    );
}
