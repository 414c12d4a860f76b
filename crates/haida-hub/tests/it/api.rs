//! The HTTP API as a program: reports in, links out, and everything that must be refused.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Method, Response, StatusCode, redirect::Policy};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::Hub;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n pixels of a cart";
const BOUNDARY: &str = "a-boundary-that-no-file-holds";

struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
}

impl Server {
    fn start(hub: &Hub, more: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = hub.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok) {
            said.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let client = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { child, url: said["listening"].as_str().expect("an address").to_owned(), client }
    }

    async fn post(&self, path: &str, token: &str, body: impl Into<reqwest::Body>) -> Response {
        let form = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.client.post(format!("{}{path}", self.url)).header("content-type", form);
        request.bearer_auth(token).body(body).send().await.expect("an answer")
    }

    async fn get(&self, path: &str) -> Response {
        self.client.request(Method::GET, format!("{}{path}", self.url)).send().await.expect("an answer")
    }

    /// The most memory that the process ever had, in MiB.
    fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
    }

    /// Asks it to end, and waits.
    fn stop(&mut self) -> Option<i32> {
        Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        for _ in 0..500 {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(hub: &Hub, project: &str, name: &str, more: &[&str]) -> String {
    let made = hub.hub(&[&["token", "add", "--project", project, "--name", name][..], more].concat()).json(0);
    made["token"].as_str().expect("a token").to_owned()
}

/// A form of fields and files.
fn form(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (name, content) in files {
        let part =
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(part.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn junit(message: &str, attachment: &str) -> Vec<u8> {
    format!(
        r#"<testsuite name="cart" tests="1"><testcase name="TC_X_001 - adds an item" time="2"><failure message="{message}"/>
<system-out>[[ATTACHMENT|{attachment}]]</system-out></testcase></testsuite>"#
    )
    .into_bytes()
}

async fn json(answer: Response, status: u16) -> Value {
    let found = answer.status().as_u16();
    assert!(answer.headers().contains_key("x-correlation-id"), "every answer names its request");
    let text = answer.text().await.expect("text");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

async fn count(hub: &Hub, sql: &str) -> i64 {
    hub.database.client().await.query_typed(sql, &[]).await.expect("a count")[0].get(0)
}

fn spooled(hub: &Hub) -> usize {
    std::fs::read_dir(hub.folder.path().join("data/spool")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_twice_is_one_report_and_says_so() {
    let hub = Hub::start().await;
    hub.ready();
    let token = token(&hub, "shop", "ci", &[]);
    let mut server = Server::start(&hub, &[]);
    let path = "/api/v1/projects/shop/reports";
    let report = junit("boom", "shots/one.png");
    let files: &[(&str, &[u8])] = &[("junit.xml", &report), ("shots/one.png", PNG)];
    let body = form(&[("run", "nightly-1"), ("title", "Nightly"), ("release", "1.0"), ("environment", "stg")], files);
    let first = json(server.post(path, &token, body.clone()).await, 201).await;
    assert_eq!((&first["already_taken"], &first["incomplete"]), (&false.into(), &false.into()), "{first}");
    assert_eq!(first["files"].as_array().map(Vec::len), Some(1), "the screenshot is evidence: {first}");
    assert_eq!(first["files"][0]["file"], "junit.xml", "no path of the server: {first}");
    assert_eq!(
        (&first["evidence"]["stored"], &first["files"][0]["results"]["failed"]),
        (&1.into(), &1.into()),
        "{first}"
    );
    assert_eq!(first["received"][1]["bytes"], PNG.len(), "{first}");
    assert_eq!(first["received"][1]["sha256"].as_str().map(str::len), Some(64), "{first}");

    let second = json(server.post(path, &token, body).await, 200).await;
    assert_eq!(second["already_taken"], true, "{second}");
    assert_eq!((&second["results_changed"], &second["publications_due"]), (&0.into(), &0.into()), "{second}");
    // The same name with other content is the same report in a newer version.
    let newer =
        form(&[("run", "nightly-1")], &[("junit.xml", &junit("bang", "shots/one.png")), ("shots/one.png", PNG)]);
    let third = json(server.post(path, &token, newer).await, 201).await;
    assert_eq!((&third["results_changed"], &third["evidence"]["was_there"]), (&1.into(), &1.into()), "{third}");
    assert_eq!(count(&hub, "select count(*) from hub.entities where entity_type = 'report'").await, 1);
    assert_eq!(count(&hub, "select count(*) from hub.results").await, 1);
    assert_eq!(count(&hub, "select count(*) from hub.evidence").await, 1);
    assert_eq!(spooled(&hub), 0, "nothing stays on the disk");

    // The body itself, with what it belongs to in the address.
    let raw = server.client.post(format!("{}{path}?run=nightly-2&file=other.xml", server.url));
    let raw = raw.bearer_auth(&token).header("content-type", "application/xml").header("idempotency-key", "job-7");
    let raw = json(raw.body(junit("raw", "none.png")).send().await.unwrap(), 201).await;
    assert_eq!((&raw["files"][0]["file"], &raw["run"]), (&"other.xml".into(), &"nightly-2".into()), "{raw}");
    assert_eq!(raw["evidence"]["missing"], 1, "{raw}");
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(server.stop(), Some(0), "it ends when it is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_the_project_opens_it() {
    let hub = Hub::with_projects(atlassian_sim::Options::default(), &["SHOP", "BANK"]).await;
    for key in ["SHOP", "BANK"] {
        hub.add_project_named(key, &hub.site.url, &hub.credential()).json(0);
    }
    let (shop, all) =
        (token(&hub, "shop", "shop-ci", &[]), token(&hub, "shop", "all", &["--whole-tenant", "--days", "1"]));
    let server = Server::start(&hub, &[]);
    let body = || form(&[("run", "r")], &[("junit.xml", &junit("x", "none.png"))]);
    let (to_shop, to_bank) = ("/api/v1/projects/shop/reports", "/api/v1/projects/bank/reports");
    let without = server.client.post(format!("{}{to_shop}", server.url)).body(body()).send().await.unwrap();
    assert_eq!(without.headers()["www-authenticate"], "Bearer");
    assert_eq!(without.headers()["content-type"], "application/problem+json");
    let without = json(without, 401).await;
    assert_eq!((&without["code"], &without["status"]), (&"HUB-6010".into(), &401.into()), "{without}");
    assert!(without["hint"].is_string() && without["correlation_id"].is_string(), "{without}");
    let forged = format!("{}x", shop.chars().take(shop.len() - 1).collect::<String>());
    for bad in ["nonsense", &forged, ""] {
        json(server.post(to_shop, bad, body()).await, 401).await;
    }
    let other = json(server.post(to_bank, &shop, body()).await, 404).await;
    let none = json(server.post("/api/v1/projects/none/reports", &shop, body()).await, 404).await;
    assert_eq!((&other["code"], &none["code"]), (&"HUB-4003".into(), &"HUB-4003".into()), "which exist is not told");
    json(server.post(to_shop, &shop, body()).await, 201).await;
    json(server.post(to_bank, &all, body()).await, 201).await;

    let secret = shop.rsplit('_').next().unwrap().to_owned();
    let listed = hub.hub(&["token", "list", "--project", "shop"]);
    assert!(!listed.stdout.contains(&secret) && listed.stdout.contains("last_used_at"), "{}", listed.stdout);
    let kept = format!("select count(*) from hub.api_tokens where position('{secret}' in api_tokens::text) > 0");
    assert_eq!(count(&hub, &kept).await, 0, "the database does not hold it");
    assert_eq!(hub.hub(&["token", "add", "--project", "shop", "--name", "all"]).code, 2, "names are used once");
    hub.hub(&["token", "revoke", "shop-ci", "--project", "shop"]).json(0);
    json(server.post(to_shop, &shop, body()).await, 401).await;
    hub.database.client().await.batch_execute("update hub.api_tokens set expires_at = now()").await.unwrap();
    json(server.post(to_bank, &all, body()).await, 401).await;
    assert_eq!(server.get("/nowhere").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(server.get(to_shop).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused_with_a_code_and_leaves_nothing() {
    let hub = Hub::start().await;
    hub.ready();
    let token = token(&hub, "shop", "ci", &[]);
    let server = Server::start(&hub, &["--max-body-bytes", "100000"]);
    let path = "/api/v1/projects/shop/reports";
    let report = junit("x", "none.png");
    let good = form(&[("run", "r")], &[("junit.xml", &report)]);
    let large = vec![b'x'; 120_000];
    let long = "r".repeat(1_001);
    let cases: [(&str, Vec<u8>, u16, &str); 9] = [
        ("a name that leads out", form(&[("run", "r")], &[("../../x.xml", &report)]), 400, "HUB-4004"),
        ("an absolute name", form(&[("run", "r")], &[("/etc/x.xml", &report)]), 400, "HUB-4004"),
        ("a field that there is not", form(&[("runn", "r")], &[("junit.xml", &report)]), 400, "HUB-4004"),
        ("a long field", form(&[("run", &long)], &[("junit.xml", &report)]), 400, "HUB-4004"),
        ("no file", form(&[("run", "r")], &[]), 400, "HUB-4004"),
        ("a bad run", form(&[("run", "a\nb")], &[("junit.xml", &report)]), 400, "HUB-4004"),
        ("no end", good[..good.len() - 60].to_vec(), 400, "HUB-1002"),
        ("too large", form(&[("run", "r")], &[("junit.xml", &large)]), 413, "HUB-6007"),
        ("no report", form(&[("run", "r")], &[("notes.txt", b"not a report")]), 422, "HUB-1001"),
    ];
    for (what, body, status, code) in cases {
        let said = json(server.post(path, &token, body).await, status).await;
        assert_eq!(said["code"], code, "{what}: {said}");
    }
    // The size is not known before: it is counted.
    let pieces = vec![Ok::<_, std::io::Error>(form(&[("run", "r")], &[("junit.xml", &large)]))];
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    assert_eq!(json(server.post(path, &token, body).await, 413).await["code"], "HUB-6007");

    // Half an upload: the sender goes away in its middle.
    let address = server.url.strip_prefix("http://").unwrap();
    let mut half = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 99999\r\n\
         content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    );
    half.write_all(head.as_bytes()).await.unwrap();
    half.write_all(&good[..good.len() - 60]).await.unwrap();
    for _ in 0..500 {
        if spooled(&hub) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(spooled(&hub), 1, "it is on its way");
    half.shutdown().await.unwrap();
    drop(half);
    for _ in 0..1_000 {
        if spooled(&hub) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(spooled(&hub), 0, "its spool goes with it");
    assert_eq!(count(&hub, "select count(*) from hub.results").await, 0);
    assert_eq!(count(&hub, "select count(*) from hub.import_files").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_what_is_safe_and_tells_what_has_expired() {
    let hub = Hub::start().await;
    hub.ready();
    let hostile = b"<!doctype html><script>alert(document.domain)</script>";
    hub.write("run/shot.png", PNG);
    hub.write("run/page.html", hostile);
    hub.write("run/vector.png", b"<svg onload='alert(1)'/>");
    let named = "shot.png]]\n[[ATTACHMENT|page.html]]\n[[ATTACHMENT|vector.png";
    let report = hub.write("run/junit.xml", junit("x", named));
    hub.hub(&["ingest", report.parent().unwrap().to_str().unwrap(), "--project", "shop", "--run", "r"]).json(0);
    let list = hub.hub(&["evidence", "list", "--project", "shop"]).json(0);
    let of = |name: &str| {
        let all = list["evidence"].as_array().unwrap();
        let found = all.iter().find(|e| e["name"] == name).unwrap_or_else(|| panic!("{name}: {list}"));
        format!("/e/{}", found["token"].as_str().unwrap())
    };
    let server = Server::start(&hub, &[]);
    let shot = server.get(&of("shot.png")).await;
    assert_eq!(shot.status(), StatusCode::OK);
    let header = |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header(&shot, "content-type"), "image/png");
    assert!(header(&shot, "content-disposition").starts_with("inline; filename=\"shot.png\""));
    assert_eq!(header(&shot, "cache-control"), "no-store");
    assert_eq!(shot.bytes().await.unwrap(), PNG);
    for name in ["page.html", "vector.png"] {
        let active = server.get(&of(name)).await;
        assert!(header(&active, "content-disposition").starts_with("attachment"), "{name}");
        assert!(header(&active, "content-security-policy").contains("sandbox"), "{name}");
        assert_eq!(header(&active, "x-content-type-options"), "nosniff");
    }
    for unknown in ["/e/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/e/x", "/e/..%2f..%2fetc%2fpasswd"] {
        assert_eq!(server.get(unknown).await.status(), StatusCode::NOT_FOUND, "{unknown}");
    }

    let client = hub.database.client().await;
    client.batch_execute("update hub.evidence set created_at = now() - interval '181 days'").await.unwrap();
    hub.hub(&["evidence", "expire", "--project", "shop"]).json(0);
    let gone = server.get(&of("shot.png")).await;
    assert_eq!(gone.status(), StatusCode::GONE);
    let page = gone.text().await.unwrap();
    for part in ["expired", "shot.png", "screenshot", "<td>r</td>", "TC_X_001"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let as_json = server.client.get(format!("{}{}", server.url, of("shot.png"))).header("accept", "application/json");
    let as_json = json(as_json.send().await.unwrap(), 410).await;
    assert_eq!(as_json["code"], "HUB-6009", "{as_json}");
    assert!(as_json["detail"].as_str().unwrap().contains("shot.png"), "{as_json}");

    // A store with addresses of its own: the link leads to one that is signed for minutes.
    hub.write("key", "any");
    let key = format!("file://{}", hub.folder.path().join("key").display());
    let settings = format!(
        "[evidence]\nstore = \"s3://evidence/qa\"\nendpoint = \"https://store.example.com/storage/v1/s3\"\n\
         access_key = \"{key}\"\nsecret_key = \"{key}\"\nlink_seconds = 300\n"
    );
    let file = hub.write("settings.toml", settings);
    hub.hub(&["project", "configure", "--project", "shop", file.to_str().unwrap()]).json(0);
    let stored = "update hub.evidence set state = 'stored', expired_at = null, deleted_at = null";
    client.batch_execute(stored).await.unwrap();
    let redirect = server.get(&of("shot.png")).await;
    assert_eq!(redirect.status(), StatusCode::FOUND);
    assert_eq!(header(&redirect, "cache-control"), "no-store");
    let to = header(&redirect, "location");
    assert!(
        to.starts_with("https://store.example.com/storage/v1/s3/evidence/qa/") && to.contains("X-Amz-Expires=300"),
        "{to}"
    );
}

/// A film of so many MiB, made as it is sent. `HUB_TEST_UPLOAD_MIB=200` for a larger one.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_upload_takes_constant_memory() {
    let mib = std::env::var("HUB_TEST_UPLOAD_MIB").ok().and_then(|n| n.parse().ok()).unwrap_or(96_u32);
    let hub = Hub::start().await;
    hub.ready();
    let token = token(&hub, "shop", "ci", &[]);
    let server = Server::start(&hub, &[]);
    let whole = form(&[("run", "r")], &[("junit.xml", &junit("x", "film.webm")), ("film.webm", b"\x1a\x45\xdf\xa3")]);
    let at = whole.len() - BOUNDARY.len() - 8;
    let (head, tail) = (whole[..at].to_vec(), whole[at..].to_vec());
    let film = (0..mib).map(|n| (0..1_u32 << 18).flat_map(|i| (i ^ n).to_le_bytes()).collect::<Vec<u8>>());
    let pieces = std::iter::once(head).chain(film).chain(std::iter::once(tail)).map(Ok::<_, std::io::Error>);
    let before = server.peak_mib();
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let taken = json(server.post("/api/v1/projects/shop/reports", &token, body).await, 201).await;
    assert_eq!(taken["evidence"]["stored"], 1, "{taken}");
    assert_eq!(taken["evidence"]["bytes_sent"], u64::from(mib) * (1 << 20) + 4, "{taken}");
    let after = server.peak_mib();
    println!("{mib} MiB: {before} MiB before, {after} MiB at most");
    assert!(after < before + 64, "{mib} MiB took {before} to {after} MiB");
    let mut read = server
        .get(&format!(
            "/e/{}",
            hub.hub(&["evidence", "list", "--project", "shop"]).json(0)["evidence"][0]["token"].as_str().unwrap()
        ))
        .await;
    let mut bytes = 0;
    while let Some(piece) = read.chunk().await.unwrap() {
        bytes += piece.len() as u64;
    }
    assert_eq!(bytes, u64::from(mib) * (1 << 20) + 4);
    assert!(server.peak_mib() < before + 44);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_and_a_silent_sender_are_told() {
    let hub = Hub::start().await;
    hub.ready();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = hub.hub(&["serve", "--listen", &address]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4006"), "{}", ran.stdout);
    // Bytes that are no HTTP end nothing but their own connection.
    let server = Server::start(&hub, &[]);
    let mut odd = tokio::net::TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    odd.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = odd.read_to_end(&mut answer).await;
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
}
