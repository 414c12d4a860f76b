//! Files as bad as files get: a coded problem with file and line, the others published, nothing lost, nothing rendered
//! as markup.

use serde_json::Value;

use crate::support::{Hub, Ran, cases};

fn ingest(hub: &Hub, name: &str, content: impl AsRef<[u8]>) -> Ran {
    let path = hub.write(name, content);
    hub.hub(&["ingest", path.to_str().unwrap(), "--project", "shop", "--run", "r1"])
}

/// The codes of a file's problems, each with a position in that file.
fn codes(report: &Value, name: &str) -> Vec<String> {
    let problems = report["files"][0]["problems"].as_array().unwrap();
    for problem in problems {
        assert!(problem["position"]["file"].as_str().unwrap().ends_with(name), "{problem}");
    }
    problems.iter().map(|p| p["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_named_and_costs_the_others_nothing() {
    let hub = Hub::start().await;
    hub.ready();
    let many: String = (0..40_000).map(|n| format!(" a{n}=\"x\"")).collect();
    let files: Vec<(&str, Vec<u8>, &str)> = vec![
        ("page.xml", b"<html><body>not found</body></html>".to_vec(), "HUB-1001"),
        ("empty.xml", Vec::new(), "HUB-1001"),
        ("picture.xml", b"\x89PNG\r\n\x1a\n\x00\x00".to_vec(), "HUB-1001"),
        ("encoding.xml", b"<?xml version=\"1.0\" encoding=\"klingon\"?><testsuites/>".to_vec(), "HUB-1003"),
        (
            "doctype.xml",
            b"<!DOCTYPE t [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><testsuites>&b;</testsuites>".to_vec(),
            "HUB-1004",
        ),
        (
            "attributes.xml",
            format!("<testsuites><testsuite name=\"s\"><testcase name=\"t\"{many}/></testsuite></testsuites>").into(),
            "HUB-1005",
        ),
    ];
    let paths: Vec<String> =
        files.iter().map(|(name, content, _)| hub.write(name, content).display().to_string()).collect();
    let good = hub.write("good.csv", cases(2, |n| format!("Case {n}"))).display().to_string();
    let mut arguments = vec!["ingest", "--project", "shop", "--run", "r1"];
    arguments.extend(paths.iter().map(String::as_str));
    arguments.push(&good);
    let report = hub.hub(&arguments).json(3);
    for ((name, _, code), file) in files.iter().zip(report["files"].as_array().unwrap()) {
        let found: Vec<&str> =
            file["problems"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
        assert!(found.contains(code), "{name}: {found:?}");
        // A tag with too many attributes still names its test; everything else is no report at all.
        assert_eq!(file["stopped"], *code != "HUB-1005", "{name}: {file}");
    }
    let sync = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert!(sync["issues"]["created"].as_u64().unwrap() >= 2, "the good file's cases are published: {sync}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_before_a_damage_is_published() {
    let hub = Hub::start().await;
    hub.ready();
    let truncated = "<testsuites>\n<testsuite name=\"s\" tests=\"3\">\n<testcase name=\"TC_X_001 - first\" time=\"1\"/>\n\
                     <testcase name=\"TC_X_002 - second\" time=\"1\"/>\n<testcase name=\"TC_X_003 - third\"><failure mess";
    let report = ingest(&hub, "half.xml", truncated).json(3);
    assert_eq!(codes(&report, "half.xml")[0], "HUB-1002");
    assert_eq!(report["files"][0]["problems"][0]["position"]["line"], 5, "{report}");
    assert_eq!(report["files"][0]["results"]["passed"], 2);
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let summaries: Vec<String> =
        hub.issues().await.iter().map(|i| i["fields"]["summary"].as_str().unwrap().to_owned()).collect();
    assert!(summaries.contains(&"TC_X_002 - second".to_owned()), "{summaries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_name_or_with_a_taken_id_are_told_and_the_rest_is_taken() {
    let hub = Hub::start().await;
    hub.ready();
    let nameless = "<testsuites><testsuite name=\"s\">\n<testcase time=\"1\"/>\n<testcase name=\"TC_X_001 - named\"/></testsuite></testsuites>";
    let report = ingest(&hub, "nameless.xml", nameless).json(3);
    assert_eq!(codes(&report, "nameless.xml"), ["HUB-1006"]);
    assert_eq!(report["files"][0]["problems"][0]["position"]["line"], 2);
    assert_eq!(report["files"][0]["results"]["passed"], 1);
    let mut twice = cases(2, |n| format!("Case {n}"));
    twice.push_str("TC_X_001|E2E|Cart|Prices|REQ-9|Another text||||P1|Alto||Generado\n");
    twice.push_str("TC_X_009|E2E|too few columns\n");
    let report = ingest(&hub, "twice.csv", twice).json(3);
    let mut found = codes(&report, "twice.csv");
    found.sort();
    assert_eq!(found, ["HUB-1007", "HUB-1010"]);
    assert_eq!(report["files"][0]["cases"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_arrives_as_text_and_long_text_is_cut_and_said() {
    let hub = Hub::start().await;
    hub.ready();
    let hostile = "<script>alert(1)</script> ]]> & \u{1F600} ñandú {{x}} *b* \u{1b}[31mred";
    let escaped = hostile.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\u{1b}', "");
    let long = "lorem ".repeat(5_500);
    let xml = format!(
        "<testsuites><testsuite name=\"s\"><testcase name=\"TC_X_001 - {escaped}\"><failure message=\"{escaped}\">{long}&#27;[0m&#0;</failure></testcase>\
         <testcase name=\"TC_X_002 - fine\"/></testsuite></testsuites>"
    );
    let ran = ingest(&hub, "hostile.xml", xml);
    assert!(ran.code == 0 || ran.code == 3, "{}", ran.stderr);
    let mut table = cases(1, |_| hostile.replace('\u{1b}', "\u{7}"));
    table.push_str(&format!("TC_X_004|E2E|Cart|Prices|REQ-1|Long|{}|1. A|B|P1|Alto||Generado\n", "x".repeat(33_000)));
    let ran = ingest(&hub, "hostile.csv", table);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    let sync = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(sync["dead"], 0, "{sync}");
    let issues = hub.issues().await;
    let one = issues.iter().find(|i| i["fields"]["summary"].as_str().unwrap().starts_with("TC_X_001")).unwrap();
    let summary = one["fields"]["summary"].as_str().unwrap();
    assert!(summary.contains("<script>alert(1)</script> ]]> & \u{1F600} ñandú"), "{summary}");
    let key = one["key"].as_str().unwrap();
    let page = hub.page(&format!("/browse/{key}")).await;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>alert"), "{page}");
    let truth = hub.truth().await;
    let run =
        truth["confluence"]["pages"].as_array().unwrap().iter().find(|p| p["title"] == "r1 [shop/run/r1]").unwrap();
    let body = run["body"].as_str().unwrap();
    assert!(body.contains("&lt;script&gt;") && !body.contains("<script"), "{body}");
}

#[test]
fn a_path_that_is_not_there_is_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let ran = crate::support::run(crate::support::program().env("HUB_DATA_DIR", folder.path().join("data")).args([
        "--json",
        "demo",
        "--once",
        "--samples",
        "/nonexistent/samples",
    ]));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_opened_costs_the_others_nothing() {
    let hub = Hub::start().await;
    hub.ready();
    let pipe = hub.folder.path().join("pipe.xml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let good = hub.write("good.csv", cases(2, |n| format!("Case {n}")));
    let missing = hub.folder.path().join("missing.xml");
    let paths = [&missing, &pipe, &good].map(|p| p.to_str().unwrap());
    let report = hub.hub(&["ingest", paths[0], paths[1], paths[2], "--project", "shop", "--run", "r1"]).json(3);
    for index in [0, 1] {
        assert_eq!(report["files"][index]["problems"][0]["code"], "HUB-1015", "{report}");
    }
    assert_eq!(report["files"][2]["cases"], 2, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_one_name_in_different_folders_are_different_reports_whenever_they_come() {
    let hub = Hub::start().await;
    hub.ready();
    let file = |shard: &str, case: &str| {
        let xml =
            format!("<testsuites><testsuite name=\"{shard}\"><testcase name=\"{case} - a\"/></testsuite></testsuites>");
        hub.write(&format!("{shard}/results.xml"), xml).display().to_string()
    };
    let (one, two) = (file("shard1", "TC_X_001"), file("shard2", "TC_X_002"));
    let ingest = |path: &str| hub.hub(&["ingest", path, "--project", "shop", "--run", "r1"]).json(0);
    ingest(&one);
    ingest(&two);
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let titles = || async {
        let truth = hub.truth().await;
        let pages = truth["confluence"]["pages"].as_array().unwrap().clone();
        let mut titles: Vec<String> = pages.iter().map(|p| p["title"].as_str().unwrap().to_owned()).collect();
        titles.retain(|title| title.contains("/report/"));
        titles.sort();
        titles
    };
    let both = ["results.xml [shop/report/r1/results.xml]", "shard2/results.xml [shop/report/r1/shard2/results.xml]"];
    assert_eq!(titles().await, both);
    // The second shard is written again: its report follows, and the first one's stays.
    ingest(&file("shard2", "TC_X_003"));
    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(titles().await, both, "{report}");
    let run = hub.truth().await["issues"].as_array().unwrap().iter().find(|i| i["type"] == "Test Execution").cloned();
    let text = run.unwrap()["fields"]["description"].to_string();
    assert!(text.contains("TC_X_001") && text.contains("TC_X_003") && !text.contains("TC_X_002"), "{text}");
}
