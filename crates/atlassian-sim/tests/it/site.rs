//! The simulator itself: its own endpoints, the exchange log, and the program.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use atlassian_sim::Options;
use atlassian_sim::faults::{Call, Script};
use axum::response::Response;
use reqwest::Method;
use serde_json::{Value, json};

use crate::jira::{Site, doc, fields, merged};

#[tokio::test]
async fn the_log_holds_every_api_exchange_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let site = Site::with(Options { log: Some(log.clone()), ..Options::default() }).await;
    site.create("Task", "ñ", json!({})).await;
    site.get("issue/CTB-9?fields=summary").await;
    site.call(Some("a wrong secret"), Method::GET, "myself", None).await;
    site.get("/wiki/api/v2/spaces").await;
    // Pages and the simulator's own endpoints are not exchanges with Atlassian.
    site.get("/browse/CTB-1").await;
    site.get("/_sim/state").await;
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("sim-token") && !text.contains("cWFAZXhhbXBsZS5jb20") && !text.contains("a wrong secret"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    let first = &lines[0];
    assert_eq!(first["method"], "POST");
    assert_eq!(first["url"], format!("{}/rest/api/3/issue", site.running.url));
    assert_eq!(first["request_headers"]["authorization"], "Basic ***");
    assert_eq!(first["request_body"]["fields"]["summary"], "ñ");
    assert_eq!(first["status"], 201);
    assert_eq!(first["response_headers"]["content-type"], "application/json;charset=UTF-8");
    assert_eq!(first["response_body"]["key"], "CTB-1");
    assert!(first["ms"].is_u64() && first["ts"].as_str().unwrap().ends_with('Z'));
    assert!(lines[1]["url"].as_str().unwrap().ends_with("issue/CTB-9?fields=summary"));
    assert_eq!(lines[1]["request_body"], Value::Null);
    assert_eq!(lines[2]["status"], 401);
}

#[tokio::test]
async fn calls_are_counted_by_endpoint_and_status() {
    let site = Site::new().await;
    site.create("Task", "s", json!({})).await;
    site.get("issue/CTB-1").await;
    site.get("issue/10001").await;
    site.get("issue/CTB-9").await;
    site.get("nothing").await;
    site.get("/browse/CTB-1").await;
    let stats = site.get("/_sim/stats").await.with(200);
    assert_eq!(stats["total"], 5);
    assert_eq!(
        stats["endpoints"]["GET /rest/api/3/issue/{issue}"],
        json!({"total": 3, "by_status": {"200": 2, "404": 1}})
    );
    assert_eq!(stats["endpoints"]["POST /rest/api/3/issue"]["total"], 1);
    assert_eq!(stats["endpoints"]["GET (no such endpoint)"]["by_status"]["404"], 1);
}

#[tokio::test]
async fn the_ground_truth_needs_no_account_and_a_reset_goes_back_to_the_start() {
    let site = Site::new().await;
    for summary in ["one", "two"] {
        let body =
            json!({"fields": fields("Task", summary), "properties": [{"key": "haida.hub", "value": {"m": "same"}}]});
        site.post("issue", body).await.with(201);
    }
    site.post("issueLinkType", json!({"name": "Tests", "inward": "i", "outward": "o"})).await.with(201);
    let truth = site.call(None, Method::GET, "/_sim/state", None).await.with(200);
    assert_eq!(truth["markers"], json!({"same": 2}));
    assert_eq!(truth["issues"][0]["properties"]["haida.hub"]["m"], "same");
    assert!(truth["confluence"].is_object());
    assert_eq!(site.call(None, Method::POST, "/_sim/reset", None).await.status, 204);
    let truth = site.truth().await;
    assert_eq!((&truth["issues"], &truth["markers"]), (&json!([]), &json!({})));
    assert_eq!(site.get("/_sim/stats").await.with(200)["total"], 0);
    assert_eq!(site.get("issueLinkType").await.with(200)["issueLinkTypes"].as_array().unwrap().len(), 4);
    assert_eq!(site.create("Task", "s", json!({})).await, "CTB-1");
}

#[tokio::test]
async fn latency_is_added_to_every_call() {
    let site = Site::with(Options { latency: Duration::from_millis(120), ..Options::default() }).await;
    let started = Instant::now();
    site.get("myself").await.with(200);
    assert!(started.elapsed() >= Duration::from_millis(120));
}

/// Refuses the first create before it lands, and loses the answer of the second after it landed.
#[derive(Debug, Default)]
struct TwoFaults {
    creates: AtomicUsize,
}

impl Script for TwoFaults {
    fn before(&self, call: &Call) -> Option<Response> {
        let create = call.method == "POST" && call.template == "/rest/api/3/issue";
        let first = create && self.creates.fetch_add(1, Ordering::SeqCst) == 0;
        first.then(|| Response::builder().status(503).body("not now".into()).unwrap())
    }

    fn after(&self, call: &Call, answer: Response) -> Response {
        if call.method == "POST" && self.creates.load(Ordering::SeqCst) == 2 {
            return Response::builder().status(504).body("lost".into()).unwrap();
        }
        answer
    }
}

#[tokio::test]
async fn a_script_can_prevent_a_write_or_lose_its_answer() {
    let site = Site::new().await;
    site.running.sim.set_script(Some(Arc::new(TwoFaults::default())));
    assert_eq!(site.try_create("Task", "prevented", json!({})).await.status, 503);
    assert_eq!(site.count().await, 0);
    let got = site.try_create("Task", "landed", json!({})).await;
    assert_eq!((got.status, got.text.as_str()), (504, "lost"));
    assert_eq!(site.count().await, 1);
    site.try_create("Task", "usual", json!({})).await.with(201);
    site.running.sim.set_script(None);
    assert_eq!(
        site.get("/_sim/stats").await.with(200)["endpoints"]["POST /rest/api/3/issue"]["by_status"],
        json!({"201": 1, "503": 1, "504": 1})
    );
}

#[tokio::test]
async fn a_large_body_is_read() {
    let site = Site::new().await;
    let updates: Vec<Value> = (0..50)
        .map(|n| {
            json!({"fields": merged(fields("Task", &format!("n{n}")), json!({"description": doc(&"x".repeat(32_000))})),
            "properties": [{"key": "k", "value": "y".repeat(32_000)}]})
        })
        .collect();
    let body = json!({"issueUpdates": updates});
    assert!(body.to_string().len() > 3_000_000);
    site.post("issue/bulk", body).await.with(201);
}

#[tokio::test]
async fn calls_at_the_same_time_lose_nothing() {
    let site = Arc::new(Site::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let site = site.clone();
        tasks.spawn(async move {
            for m in 0..10 {
                site.create("Task", &format!("{n}.{m}"), json!({})).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let truth = site.truth().await;
    let mut keys: Vec<&str> =
        truth["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 200);
}

#[tokio::test]
async fn a_stopped_site_answers_no_more() {
    let site = Site::new().await;
    let Site { running, client } = site;
    let url = format!("{}/rest/api/3/serverInfo", running.url);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    drop(client);
    running.stop().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(&url).send().await.unwrap_err().is_connect());
}

/// The program, killed when the test ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn program(arguments: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlassian-sim"));
    command.arg("serve").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Program(command.spawn().unwrap())
}

fn address(program: &mut Program) -> String {
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned()
}

#[tokio::test]
async fn the_program_serves_what_its_arguments_say() {
    // Any site installs the TLS provider that the client needs.
    let client = Site::new().await.client;
    let mut program = program(&[
        "--project",
        "QA:Quality",
        "--project",
        "WEB",
        "--space",
        "QA",
        "--email",
        "me@x.test",
        "--token",
        "t",
        "--issue-type-missing",
        "Test Case",
    ]);
    let url = address(&mut program);
    let get = async |path: &str| {
        let response = client.get(format!("{url}{path}")).basic_auth("ME@x.test", Some("t")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json::<Value>().await.unwrap()
    };
    assert_eq!(get("/rest/api/3/project/QA").await["name"], "Quality");
    assert_eq!(get("/rest/api/3/project").await.as_array().unwrap().len(), 2);
    assert_eq!(get("/rest/api/3/issue/createmeta/WEB/issuetypes").await["total"], 6);
    assert_eq!(get("/wiki/api/v2/spaces").await["results"][0]["key"], "QA");
}

#[test]
fn a_taken_port_is_one_clear_line_and_exit_code_1() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_atlassian-sim"))
        .args(["serve", "--port", &port])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&port) && text.contains("choose another --port"), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_log_that_cannot_be_written_is_one_clear_line_and_exit_code_1() {
    let output = Command::new(env!("CARGO_BIN_EXE_atlassian-sim"))
        .args(["serve", "--log", "/nonexistent/folder/calls.jsonl"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "it announced a site that it could not serve");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.lines().count() == 1 && text.contains("/nonexistent/folder/calls.jsonl"), "{text}");
}

#[test]
fn it_ends_with_its_parent_where_asked() {
    let mut program = program(&["--exit-with-parent"]);
    address(&mut program);
    drop(program.0.stdin.take());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            assert!(status.success());
            return;
        }
        assert!(Instant::now() < deadline, "it is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn the_program_plays_data_center_where_asked() {
    let client = Site::new().await.client;
    let mut program = program(&["--dialect", "data-center", "--nodes", "3", "--token", "pat"]);
    let url = address(&mut program);
    let answer = client.get(format!("{url}/rest/api/2/serverInfo")).bearer_auth("pat").send().await.unwrap();
    assert!(answer.headers().contains_key("x-anodeid"));
    assert_eq!(answer.json::<Value>().await.unwrap()["deploymentType"], "Server");
}
