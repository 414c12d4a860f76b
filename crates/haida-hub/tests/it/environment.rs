//! When the surroundings are not as they should be: one clear message with what to do, and an exit code that says where.

use std::{net::TcpListener, process::Stdio};

use crate::support::{Hub, Ran, cases, program, run};

#[test]
fn without_postgres_the_message_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(program()
        .env("HUB_PG_BIN", folder.path().join("nowhere"))
        .env("HUB_DATA_DIR", folder.path().join("data"))
        .args(["--json", "status"]));
    assert_eq!((ran.code, ran.error_code().as_str()), (5, "HUB-3001"), "{}", ran.stdout);
    let text = run(program()
        .env("HUB_PG_BIN", folder.path().join("nowhere"))
        .env("HUB_DATA_DIR", folder.path().join("data"))
        .args(["status"]));
    assert!(text.stderr.contains("HUB-3001") && text.stderr.contains("apt-get install postgresql"), "{}", text.stderr);
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let ran = run(program()
        .env("DATABASE_URL", "postgres://hub:hunter2@127.0.0.1:1/none?connect_timeout=2")
        .args(["--json", "status"]));
    assert_eq!((ran.code, ran.error_code().as_str()), (5, "HUB-3003"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_schema_is_refused_and_migrate_mends_it_once() {
    let database = hub_testkit::TestDatabase::empty().await;
    let hub = |arguments: &[&str]| run(program().env("DATABASE_URL", database.address()).arg("--json").args(arguments));
    let ran = hub(&["status"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (5, "HUB-3004"), "{}", ran.stdout);
    assert!(!hub(&["migrate"]).json(0)["applied"].as_array().unwrap().is_empty());
    assert_eq!(hub(&["migrate"]).json(0)["applied"].as_array().unwrap().len(), 0);
    hub(&["status"]).json(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_token_is_refused_before_anything_is_written_and_never_repeated() {
    let hub = Hub::start().await;
    for raw in ["ATATT3xFfGF0secretsecretsecret=AB12", "hunter2hunter2"] {
        let ran = hub.add_project(&hub.site.url, raw);
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4001"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(raw) && !ran.stderr.contains(raw));
    }
    assert_eq!(hub.hub(&["status"]).json(0).as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_name_the_argument() {
    let hub = Hub::start().await;
    let add = |key: &str, site: &str, jira: &str| {
        hub.hub(&[
            "project",
            "add",
            "--key",
            key,
            "--site",
            site,
            "--jira-project",
            jira,
            "--confluence-space",
            "SHOP",
            "--account-email",
            "qa@example.com",
            "--credential",
            "env://TOKEN",
        ])
    };
    for (ran, names) in [
        (add("Shop!", "https://x.atlassian.net", "SHOP"), "--key"),
        (add("shop", "http://x.atlassian.net", "SHOP"), "https"),
        (add("shop", "https://u:p@x.atlassian.net", "SHOP"), "password"),
        (add("shop", "https://x.atlassian.net", "shop"), "--jira-project"),
    ] {
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{}", ran.stdout);
        assert!(ran.stdout.contains(names), "{} does not name {names}", ran.stdout);
    }
    let ran = hub.hub(&["sync", "--project", "nope"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4003"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_creates_nothing_and_buries_nothing() {
    let hub = Hub::start().await;
    let wrong = hub.write("wrong", "not-the-token");
    hub.add_project(&hub.site.url, &format!("file://{}", wrong.display())).json(0);
    let table = hub.write("cases.csv", cases(3, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    for _ in 0..8 {
        let ran = hub.hub(&["sync", "--project", "shop"]);
        assert_eq!((ran.code, ran.error_code().as_str()), (4, "HUB-2002"), "{}", ran.stdout);
    }
    assert_eq!(hub.issues().await.len(), 0);
    // The right token, and everything that waited is published: nothing was given up meanwhile.
    hub.write("wrong", "sim-token");
    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(report["issues"]["created"], 3, "{report}");
    std::fs::remove_file(wrong).unwrap();
    let table = hub.write("cases.csv", cases(3, |n| format!("Other {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let ran = hub.hub(&["sync", "--project", "shop"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4002"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_does_not_answer_is_said_once_and_the_work_is_kept() {
    let hub = Hub::start().await;
    // A port that nobody listens on: taken, and given back.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    hub.add_project(&format!("http://127.0.0.1:{port}"), &hub.credential()).json(0);
    let table = hub.write("cases.csv", cases(3, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let ran = hub.hub(&["sync", "--project", "shop"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (4, "HUB-2001"), "{}", ran.stdout);
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    let issues: u64 = status[0]["publications"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["object"] == "issue" && p["state"] != "dead")
        .map(|p| p["count"].as_u64().unwrap())
        .sum();
    assert_eq!(issues, 3, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_or_space_that_is_not_there_is_named() {
    let hub = Hub::start().await;
    hub.hub(&[
        "project",
        "add",
        "--key",
        "shop",
        "--site",
        &hub.site.url,
        "--jira-project",
        "NOPE",
        "--confluence-space",
        "SHOP",
        "--account-email",
        "qa@example.com",
        "--credential",
        &hub.credential(),
    ])
    .json(0);
    let table = hub.write("cases.csv", cases(1, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let ran = hub.hub(&["sync", "--project", "shop"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (4, "HUB-2004"), "{}", ran.stdout);
}

#[test]
fn a_command_line_that_is_not_one_is_told_in_the_form_that_was_asked_for() {
    for arguments in [&["--json", "sync"][..], &["nonsense", "--json"], &["ingest", "--json", "--project", "shop"]] {
        let ran = run(program().args(arguments));
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{arguments:?}: {}", ran.stdout);
    }
    let ran = run(program().args(["--json", "sync"]));
    assert!(ran.stdout.contains("--project"), "the missing argument is named: {}", ran.stdout);
    let ran = run(program().args(["sync"]));
    assert!(ran.code == 2 && ran.stdout.is_empty() && ran.stderr.contains("Usage"), "{}", ran.stderr);
    let ran = run(program().args(["--json", "--help"]));
    assert!(ran.code == 0 && ran.stdout.contains("Exit codes"), "{}", ran.stdout);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [&["formats"][..], &["--json", "formats"], &["--json", "nonsense"]] {
        let mut child = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert!(matches!(ran.code, 0 | 2) && ran.stderr.is_empty(), "{arguments:?}: {} {}", ran.code, ran.stderr);
    }
}
