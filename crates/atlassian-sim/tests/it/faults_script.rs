//! The script itself: its two forms, what is refused, and the program's argument.

use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::faults::{play, site_with};
use crate::jira::{Got, Site};

async fn put(site: &Site, kind: Option<&str>, body: &str) -> Got {
    let mut request = site.client.put(format!("{}/_sim/faults", site.running.url)).body(body.to_owned());
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    Site::received(request).await
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_name_and_the_script_in_force_stays() {
    let good = r#"rule = [{ fault = { kind = "server-error", commit = "before" } }]"#;
    let site = site_with(good).await;
    let rule = |when: &str, fault: &str| format!("rule = [{{ match = {{ {when} }}, fault = {{ {fault} }} }}]");
    let error = r#"kind = "server-error", commit = "before""#;
    for (script, words) in [
        ("seeed = 1".to_owned(), vec!["line 1", "`seeed`"]),
        (
            "seed = 1\n\n[[rule]]\nmatches = {}\nfault = { kind = \"anonymous\" }".to_owned(),
            vec!["line 4", "`matches`"],
        ),
        ("seed = 1\n[limits]\nburst = 3".to_owned(), vec!["line 3"]),
        ("[limits]\nburst_rate = 3".to_owned(), vec!["`burst_rate`", "line 2"]),
        (rule("verb = 'GET'", error), vec!["`verb`", "methods"]),
        (rule("", r#"kind = "server-error", commit = "before", code = 5"#), vec!["`code`"]),
        (rule("", r#"kind = "anonymous", commit = "before""#), vec!["`commit`"]),
        (rule("", r#"kind = "sever-error", commit = "before""#), vec!["`sever-error`", "server-error"]),
        (rule("", r#"kind = "server-error""#), vec!["`commit`"]),
        (rule("", r#"commit = "before""#), vec!["`kind`"]),
        (rule("", r#"kind = "timeout", commit = "between""#), vec!["`between`"]),
        (rule("", r#"kind = "too-many-requests", reason = "jira-bust-based""#), vec!["`jira-bust-based`"]),
        (rule("", r#"kind = "server-error", commit = "before", status = 404"#), vec!["rule 1", "404"]),
        (rule("", r#"kind = "page-missing", seconds = -1"#), vec!["rule 1", "seconds"]),
        (rule("", r#"kind = "page-missing", seconds = nan"#), vec!["rule 1", "seconds"]),
        (rule("", r#"kind = "late-commit", within_seconds = 1, at_least_seconds = 2"#), vec!["at_least_seconds"]),
        (rule("", r#"kind = "bulk-partial", elements = [-1]"#), vec!["-1"]),
        (rule("share = 1.5", error), vec!["rule 1", "share"]),
        (rule("share = 0.5, every = 2", error), vec!["rule 1", "one of share, every and first"]),
        (rule("every = 0", error), vec!["every"]),
        (rule("from_seconds = 5, until_seconds = 5", error), vec!["until_seconds"]),
        (rule("from_seconds = 5, repeat_seconds = 5", error), vec!["repeat_seconds"]),
        (rule("methods = ['get']", error), vec!["'get'"]),
        (rule("endpoint = '/api/3/issue'", error), vec!["'/api/3/issue'"]),
        (rule("endpoint = '/rest/a', path = '/rest/b'", error), vec!["one of endpoint and path"]),
        ("[limits]\nburst_per_second = 0".to_owned(), vec!["limits", "0"]),
        ("[limits]\nburst_size = 5".to_owned(), vec!["burst_per_second"]),
        ("rule = [".to_owned(), vec!["line 1"]),
    ] {
        let got = put(&site, None, &script).await;
        let message = got.with(400)["error"].as_str().unwrap().to_owned();
        for word in words {
            assert!(message.contains(word), "{script}\ngives {message}\nwithout {word}");
        }
        assert!(!message.contains('\n'), "{message}");
    }
    for (body, word) in [
        (r#"{"seed": 1, "rules": []}"#, "`rules`"),
        (r#"{"rule": [{"match": {"shore": 1}, "fault": {"kind": "anonymous"}}]}"#, "`shore`"),
        ("{", "EOF"),
        ("[]", "expected"),
    ] {
        let got = put(&site, Some("application/json"), body).await;
        let message = got.with(400)["error"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{message}");
    }
    let request = site.client.put(format!("{}/_sim/faults", site.running.url)).body(vec![0xff, 0xfe]);
    assert_eq!(Site::received(request).await.status, 400);
    assert_eq!(site.get("myself").await.status, 503, "the script in force is gone");
}

#[tokio::test]
async fn a_script_reads_back_as_it_was_written_in_both_forms() {
    let script = r#"
        seed = 18446744073709551

        [limits]
        burst_per_second = 50
        burst = [{ method = "GET", endpoint = "/rest/api/3/myself", per_second = 3 }]

        [[rule]]
        name = "storm"
        match = { product = "jira", share = 0.25, until_seconds = 10, repeat_seconds = 200 }
        fault = { kind = "too-many-requests", reason = "jira-burst-based", retry_after_seconds = 0 }

        [[rule]]
        match = { methods = ["POST"], endpoint = "/rest/api/3/issue/bulk" }
        fault = { kind = "bulk-partial", elements = [2] }

        [[rule]]
        fault = { kind = "reset", after_bytes = 5 }
    "#;
    let site = site_with(script).await;
    let json = site.call(None, Method::GET, "/_sim/faults", None).await.with(200);
    assert_eq!(
        json["rule"][0]["fault"],
        json!({"kind": "too-many-requests", "reason": "jira-burst-based", "retry_after_seconds": 0})
    );
    assert_eq!(json["limits"]["burst_per_second"], 50);
    let asked = || site.client.get(format!("{}/_sim/faults", site.running.url)).header("accept", "application/toml");
    let toml = Site::received(asked()).await;
    assert_eq!(toml.header("content-type"), Some("application/toml"));
    play(&site, "").await;
    assert_eq!(site.get("/_sim/faults").await.with(200)["rule"], json!([]));
    for written in [toml.text.clone(), json.to_string()] {
        play(&site, &written).await;
        assert_eq!(site.get("/_sim/faults").await.with(200), json);
        assert_eq!(Site::received(asked()).await.text, toml.text);
    }
    assert_eq!(site.call(None, Method::DELETE, "/_sim/faults", None).await.status, 204);
    assert_eq!(site.get("/_sim/faults").await.with(200)["rule"], json!([]));
    site.get("myself").await.with(200);
}

#[tokio::test]
async fn the_example_of_the_documentation_is_a_script() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/simulator.md")).unwrap();
    let example = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let site = site_with(example).await;
    assert!(!site.get("/_sim/faults").await.with(200)["rule"].as_array().unwrap().is_empty());
    let kinds = [
        "server-error",
        "timeout",
        "late-commit",
        "reset",
        "html",
        "truncated-json",
        "too-many-requests",
        "bulk-partial",
        "search-lag",
        "page-missing",
        "anonymous",
        "unauthorized",
    ];
    for kind in kinds {
        assert!(text.contains(&format!("| `{kind}` |")), "{kind} is not described");
    }
}

fn program(script: &std::path::Path) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_atlassian-sim"))
        .args(["serve", "--exit-with-parent", "--burst-per-second", "50", "--faults"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_script_that_cannot_be_used_is_one_clear_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("faults.toml");
    std::fs::write(&script, "seed = 1\n\n[[rule]]\nfault = { kind = \"reset\", after = 1 }\n").unwrap();
    let missing = folder.path().join("missing.toml");
    for (path, words) in
        [(&script, vec!["faults.toml", "line 4", "`after`", "after_bytes"]), (&missing, vec!["missing.toml"])]
    {
        let output = program(path).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        for word in words {
            assert!(text.contains(word), "{text} without {word}");
        }
    }
}

#[tokio::test]
async fn the_program_starts_with_its_script() {
    use std::io::{BufRead as _, BufReader};

    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("faults.toml");
    std::fs::write(&script, "[[rule]]\nfault = { kind = \"server-error\", commit = \"before\", status = 599 }\n")
        .unwrap();
    // Any site installs the TLS provider that the client needs.
    let client = Site::new().await.client;
    let mut program = program(&script);
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap();
    let status = client.get(format!("{url}/rest/api/3/serverInfo")).send().await.unwrap().status();
    let stats: Value = client.get(format!("{url}/_sim/stats")).send().await.unwrap().json().await.unwrap();
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    assert_eq!(status.as_u16(), 599);
    assert_eq!(stats["faults"], json!({"server-error": 1}));
}
