//! Faults that decide an answer: what the client sees of each, and what the site then holds.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use atlassian_sim::Options;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::jira::{Got, Site, fields};

/// Starts a script on a site.
pub async fn play(site: &Site, script: &str) {
    let request = site.client.put(format!("{}/_sim/faults", site.running.url)).body(script.to_owned());
    let got = Site::received(request).await;
    assert_eq!(got.status, 204, "{}", got.text);
}

/// A site with a script at work.
pub async fn site_with(script: &str) -> Site {
    let site = Site::new().await;
    play(&site, script).await;
    site
}

/// How often a kind of fault struck.
pub async fn struck(site: &Site, kind: &str) -> u64 {
    site.get("/_sim/stats").await.with(200)["faults"][kind].as_u64().unwrap_or_default()
}

/// Waits until a site holds so many issues.
async fn until_count(site: &Site, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.count().await != count {
        assert!(Instant::now() < deadline, "{count} issues are never there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn creating(site: &Site, summary: &str) -> reqwest::RequestBuilder {
    site.client
        .post(format!("{}/rest/api/3/issue", site.running.url))
        .basic_auth("qa@example.com", Some("sim-token"))
        .json(&json!({"fields": fields("Task", summary)}))
}

async fn create(site: &Site) -> Got {
    site.try_create("Task", "s", json!({})).await
}

const CREATE: &str = r#"methods = ["POST"], endpoint = "/rest/api/3/issue""#;

#[tokio::test]
async fn a_server_error_before_the_commit_leaves_nothing_and_one_after_it_leaves_the_issue() {
    let site = site_with(&format!(
        r#"
        rule = [
            {{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "server-error", commit = "before", retry_after_seconds = 7 }} }},
            {{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "server-error", commit = "after", status = 504 }} }},
        ]"#
    ))
    .await;
    let got = create(&site).await;
    assert_eq!((got.status, got.header("retry-after")), (503, Some("7")));
    assert!(serde_json::from_str::<Value>(&got.text).is_err(), "a proxy's words, not the product's: {}", got.text);
    assert_eq!(site.count().await, 0);
    let got = create(&site).await;
    assert_eq!((got.status, got.header("retry-after")), (504, None));
    assert_eq!(site.count().await, 1);
    create(&site).await.with(201);
    assert_eq!(struck(&site, "server-error").await, 2);
}

#[tokio::test]
async fn edits_comments_and_pages_land_too_when_their_answer_is_lost() {
    let site = Site::new().await;
    let key = site.create("Task", "old", json!({})).await;
    let spaces = site.get("/wiki/api/v2/spaces").await.with(200);
    play(
        &site,
        r#"rule = [{ match = { methods = ["POST", "PUT"] }, fault = { kind = "server-error", commit = "after" } }]"#,
    )
    .await;
    assert_eq!(site.put(&format!("issue/{key}"), json!({"fields": {"summary": "new"}})).await.status, 503);
    let comment = json!({"body": crate::jira::doc("words")});
    assert_eq!(site.post(&format!("issue/{key}/comment"), comment).await.status, 503);
    let page = json!({"spaceId": spaces["results"][0]["id"], "title": "Lost", "body": {"representation": "storage", "value": "<p/>"}});
    assert_eq!(site.post("/wiki/api/v2/pages", page).await.status, 503);
    let truth = site.truth().await;
    assert_eq!(truth["issues"][0]["fields"]["summary"], "new");
    assert_eq!(truth["issues"][0]["comments"].as_array().map(Vec::len), Some(1));
    let pages = truth["confluence"]["pages"].as_array().unwrap();
    assert!(pages.iter().any(|page| page.to_string().contains("\"Lost\"")), "{pages:?}");
}

#[tokio::test]
async fn a_timeout_hangs_and_then_closes_the_connection_without_an_answer() {
    for (commit, issues) in [("before", 0), ("after", 1)] {
        let site = site_with(&format!(
            r#"rule = [{{ match = {{ {CREATE} }}, fault = {{ kind = "timeout", commit = "{commit}", hang_seconds = 0.3 }} }}]"#
        ))
        .await;
        let started = Instant::now();
        let error = creating(&site, "s").send().await.unwrap_err();
        assert!(error.is_request() && !error.is_timeout() && !error.is_connect(), "{error:?}");
        assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
        assert_eq!(site.count().await, issues, "{commit}");
    }
}

#[tokio::test]
async fn a_client_that_gives_up_during_a_timeout_has_written_all_the_same() {
    let site = site_with(&format!(
        r#"rule = [{{ match = {{ {CREATE} }}, fault = {{ kind = "timeout", commit = "after" }} }}]"#
    ))
    .await;
    let error = creating(&site, "s").timeout(Duration::from_millis(200)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(site.count().await, 1);
    assert_eq!(site.get("/_sim/stats").await.with(200)["endpoints"]["POST /rest/api/3/issue"]["by_status"]["201"], 1);
}

#[tokio::test]
async fn a_late_commit_appears_after_its_caller_was_left() {
    let site = site_with(&format!(
        r#"
        rule = [
            {{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "late-commit", within_seconds = 0.6, at_least_seconds = 0.5 }} }},
            {{ match = {{ {CREATE} }}, fault = {{ kind = "late-commit", within_seconds = 0.6, at_least_seconds = 0.5, answer = "gateway-timeout", answer_after_seconds = 0.1 }} }},
        ]"#
    ))
    .await;
    let started = Instant::now();
    let error = creating(&site, "dropped").send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(site.count().await, 0, "it is there before its time");
    assert_eq!(site.get("/_sim/stats").await.with(200)["late_commits_pending"], 1);
    until_count(&site, 1).await;
    assert!(started.elapsed() >= Duration::from_millis(500));
    let started = Instant::now();
    let got = create(&site).await;
    assert_eq!(got.status, 504);
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(site.count().await, 1);
    until_count(&site, 2).await;
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert_eq!(struck(&site, "late-commit").await, 2);
}

#[tokio::test]
async fn a_reset_of_the_site_drops_the_commits_that_are_still_to_come_and_keeps_the_script() {
    let site = site_with(&format!(
        r#"rule = [{{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "late-commit", within_seconds = 0.3, at_least_seconds = 0.3 }} }}]"#
    ))
    .await;
    creating(&site, "s").send().await.unwrap_err();
    assert_eq!(site.call(None, Method::POST, "/_sim/reset", None).await.status, 204);
    let stats = site.get("/_sim/stats").await.with(200);
    assert_eq!((&stats["late_commits_pending"], &stats["faults"]), (&json!(0), &json!({})));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(site.count().await, 0);
    // The count of the rule began again, so it takes the first call again.
    creating(&site, "s").send().await.unwrap_err();
    until_count(&site, 1).await;
}

#[tokio::test]
async fn another_script_does_not_hold_up_a_late_commit() {
    let site = site_with(&format!(
        r#"rule = [{{ match = {{ {CREATE} }}, fault = {{ kind = "late-commit", within_seconds = 0.3, at_least_seconds = 0.3 }} }}]"#
    ))
    .await;
    creating(&site, "s").send().await.unwrap_err();
    play(&site, "").await;
    assert_eq!(site.get("/_sim/stats").await.with(200)["late_commits_pending"], 1);
    until_count(&site, 1).await;
}

/// Sends a create over a bare connection and reads until it ends.
async fn raw_create(site: &Site) -> (String, Option<ErrorKind>) {
    let body = json!({"fields": fields("Task", "s")}).to_string();
    let mut stream = TcpStream::connect(site.running.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /rest/api/3/issue HTTP/1.1\r\nhost: x\r\nauthorization: Basic cWFAZXhhbXBsZS5jb206c2ltLXRva2Vu\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let mut part = [0; 4096];
    let ended = loop {
        match stream.read(&mut part).await {
            Ok(0) => break None,
            Ok(count) => read.extend_from_slice(&part[..count]),
            Err(error) => break Some(error.kind()),
        }
    };
    (String::from_utf8(read).unwrap(), ended)
}

#[tokio::test]
async fn a_reset_in_mid_body_breaks_the_connection_after_the_commit() {
    let site = site_with(&format!(
        r#"
        rule = [
            {{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "reset", after_bytes = 11 }} }},
            {{ match = {{ {CREATE} }}, fault = {{ kind = "reset" }} }},
        ]"#
    ))
    .await;
    let (read, ended) = raw_create(&site).await;
    let (head, body) = read.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201"), "{head}");
    assert_eq!((body, ended), (r#"{"id":"1000"#, Some(ErrorKind::ConnectionReset)));
    assert_eq!(site.count().await, 1);
    let response = creating(&site, "s").send().await.unwrap();
    assert_eq!(response.status(), 201);
    let error = response.bytes().await.unwrap_err();
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(site.count().await, 2);
    // The rest of the site goes on.
    site.get("issue/CTB-2").await.with(200);
}

#[tokio::test]
async fn a_reset_of_an_answer_without_a_body_loses_the_answer() {
    let site = Site::new().await;
    let key = site.create("Task", "old", json!({})).await;
    play(&site, r#"rule = [{ match = { methods = ["PUT"] }, fault = { kind = "reset" } }]"#).await;
    let url = format!("{}/rest/api/3/issue/{key}", site.running.url);
    let request = site.client.put(url).basic_auth("qa@example.com", Some("sim-token"));
    let sent = request.json(&json!({"fields": {"summary": "new"}})).send().await;
    let failed = match sent {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(failed);
    assert_eq!(site.truth().await["issues"][0]["fields"]["summary"], "new");
}

#[tokio::test]
async fn a_page_for_people_comes_with_200() {
    for (commit, issues) in [("before", 0), ("after", 1)] {
        let site = site_with(&format!(
            r#"rule = [{{ match = {{ {CREATE} }}, fault = {{ kind = "html", commit = "{commit}" }} }}]"#
        ))
        .await;
        let got = create(&site).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some("text/html;charset=UTF-8")));
        assert!(got.text.starts_with("<!DOCTYPE html>"));
        assert_eq!(site.count().await, issues, "{commit}");
    }
}

#[tokio::test]
async fn truncated_json_is_a_complete_answer_that_cannot_be_read() {
    let site = site_with(&format!(
        r#"
        rule = [
            {{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "truncated-json", keep_bytes = 3 }} }},
            {{ match = {{ {CREATE} }}, fault = {{ kind = "truncated-json" }} }},
        ]"#
    ))
    .await;
    let got = create(&site).await;
    assert_eq!((got.status, got.text.as_str(), got.header("content-length")), (201, r#"{"i"#, Some("3")));
    let got = create(&site).await;
    assert!(serde_json::from_str::<Value>(&got.text).unwrap_err().is_eof(), "{}", got.text);
    assert_eq!(site.count().await, 2);
}

#[tokio::test]
async fn a_429_has_the_headers_of_its_reason_and_no_effect() {
    for (reason, limit) in [
        ("jira-burst-based", "100"),
        ("jira-quota-tenant-based", "100000"),
        ("jira-quota-global-based", "65000"),
        ("jira-per-issue-on-write", "20"),
    ] {
        for (retry, header) in
            [("", None), (", retry_after_seconds = 0", Some("0")), (", retry_after_seconds = 1847", Some("1847"))]
        {
            let site = site_with(&format!(
                r#"rule = [{{ fault = {{ kind = "too-many-requests", reason = "{reason}"{retry} }} }}]"#
            ))
            .await;
            let got = create(&site).await;
            assert_eq!(got.messages(429), ["Rate limit exceeded."]);
            assert_eq!(got.header("ratelimit-reason"), Some(reason));
            assert_eq!(got.header("retry-after"), header);
            assert_eq!(got.header("x-ratelimit-reset").is_some(), header.is_some());
            assert_eq!(
                (got.header("x-ratelimit-limit"), got.header("x-ratelimit-remaining")),
                (Some(limit), Some("0"))
            );
            assert!(got.header("ratelimit-policy").is_some_and(|policy| policy.contains(&format!(";q={limit};"))));
            assert!(got.header("ratelimit").is_some_and(|left| left.contains(";r=0;")));
            assert_eq!(site.count().await, 0);
        }
    }
}

#[tokio::test]
async fn a_429_of_a_gateway_gives_no_hint_at_all() {
    let site = site_with(
        r#"rule = [
            { match = { first = 1 }, fault = { kind = "too-many-requests" } },
            { fault = { kind = "too-many-requests", retry_after_seconds = 0 } },
        ]"#,
    )
    .await;
    let got = create(&site).await;
    assert_eq!(got.status, 429);
    let hints: Vec<&str> = got
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| name.contains("ratelimit") || name.contains("retry"))
        .collect();
    assert!(hints.is_empty(), "{hints:?}");
    assert!(serde_json::from_str::<Value>(&got.text).is_err());
    let got = create(&site).await;
    assert_eq!((got.status, got.header("retry-after"), got.header("ratelimit-reason")), (429, Some("0"), None));
    assert_eq!(site.count().await, 0);
}

fn bulk(count: usize) -> Value {
    let element = |n: usize| json!({"fields": fields("Task", &format!("n{n}")), "properties": [{"key": "haida.hub", "value": {"m": format!("m{n}")}}]});
    json!({"issueUpdates": (0..count).map(element).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_bulk_create_fails_in_part_and_answers_in_another_order() {
    let site = site_with(
        r#"rule = [{ fault = { kind = "bulk-partial", elements = [0, 3, 77], status = 500, message = "Down." } }]"#,
    )
    .await;
    let mut body = bulk(8);
    body["issueUpdates"][5]["fields"]["issuetype"]["name"] = json!("No such type");
    let got = site.post("issue/bulk", body).await.with(201);
    let errors = got["errors"].as_array().unwrap();
    let numbers: Vec<u64> = errors.iter().map(|error| error["failedElementNumber"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 3, 5]);
    assert_eq!(
        errors[1],
        json!({"status": 500, "elementErrors": {"errorMessages": ["Down."], "errors": {}}, "failedElementNumber": 3})
    );
    assert_eq!(errors[2]["status"], 400);
    let told: Vec<&str> =
        got["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_ne!(told, sorted, "the order is as sent");
    let truth = site.truth().await;
    assert_eq!(truth["markers"], json!({"m1": 1, "m2": 1, "m4": 1, "m6": 1, "m7": 1}));
    let held: Vec<&str> =
        truth["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    assert_eq!(sorted, held);
    // A single create is another endpoint.
    create(&site).await.with(201);
    assert_eq!(struck(&site, "bulk-partial").await, 1);
}

#[tokio::test]
async fn a_bulk_create_of_which_everything_fails_is_a_400() {
    let site = site_with(r#"rule = [{ fault = { kind = "bulk-partial", elements = [0, 1], shuffle = false } }]"#).await;
    let got = site.post("issue/bulk", bulk(2)).await.with(400);
    assert_eq!((got["issues"].as_array().unwrap().len(), got["errors"].as_array().unwrap().len()), (0, 2));
    assert_eq!(site.count().await, 0);
    let keys = site.post("issue/bulk", bulk(4)).await.with(201)["issues"].clone();
    assert_eq!((&keys[0]["key"], &keys[1]["key"]), (&json!("CTB-1"), &json!("CTB-2")), "not shuffled");
    // What is no bulk create is refused as ever.
    assert_eq!(site.post("issue/bulk", json!({"issueUpdates": "no"})).await.status, 400);
    assert_eq!(site.call(None, Method::POST, "issue/bulk", Some(&bulk(3))).await.status, 401);
    assert_eq!(site.count().await, 2);
}

#[tokio::test]
async fn pages_for_people_and_the_simulators_own_endpoints_meet_no_fault() {
    let site = site_with(r#"rule = [{ fault = { kind = "server-error", commit = "before" } }]"#).await;
    assert_eq!(site.get("/browse").await.status, 200);
    assert_eq!(site.get("/wiki/spaces").await.status, 200);
    assert_eq!(site.get("/_sim/state").await.status, 200);
    assert_eq!(site.get("myself").await.status, 503);
    assert_eq!(site.get("/wiki/api/v2/spaces").await.status, 503);
    assert_eq!(struck(&site, "server-error").await, 2);
}

#[tokio::test]
async fn the_log_names_the_fault_of_an_exchange_whose_answer_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let site = Site::with(Options { log: Some(log.clone()), ..Options::default() }).await;
    play(
        &site,
        &format!(r#"rule = [{{ match = {{ {CREATE}, first = 1 }}, fault = {{ kind = "timeout", commit = "after", hang_seconds = 0 }} }}]"#),
    )
    .await;
    creating(&site, "s").send().await.unwrap_err();
    create(&site).await.with(201);
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["fault"], &lines[0]["response_body"]["key"]), (&json!("timeout"), &json!("CTB-1")));
    assert_eq!(lines[1].get("fault"), None);
}
