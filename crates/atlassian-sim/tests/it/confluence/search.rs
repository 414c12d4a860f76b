//! CQL over HTTP: what it finds, what it refuses, how it pages, how it lags.

use serde_json::{Value, json};

use super::Site;
use std::time::Duration;

fn encoded(cql: &str) -> String {
    cql.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn found(site: &Site, cql: &str) -> Vec<String> {
    let answer = site.get(&format!("/wiki/rest/api/search?cql={}", encoded(cql))).await.good();
    let results = answer["results"].as_array().unwrap();
    assert_eq!(answer["size"], results.len());
    results.iter().map(|row| row["content"]["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn queries_find_what_they_say() {
    let site = Site::new().await;
    let runs = site.page("Test runs", "<p>index</p>").await;
    let one = site.page_under(&runs, "Run: 1").await;
    site.page_under(&one, "Run: 1 details").await;
    site.page("Deploy runbook", "<p>how to <strong>deploy</strong> it</p>").await;
    site.label(&one, &["qa-run"]).await;
    let archived = site.page("Archived run", "<p/>").await;
    site.post("/wiki/rest/api/content/archive", json!({"pages": [{"id": archived.parse::<u64>().unwrap()}]})).await;
    let cases: Vec<(String, Vec<&str>)> = vec![
        ("label = \"qa-run\"".into(), vec!["Run: 1"]),
        ("label = QA-RUN and space = ctb".into(), vec!["Run: 1"]),
        ("title = \"run: 1\"".into(), vec!["Run: 1"]),
        ("title ~ \"run\" order by title".into(), vec!["Run: 1", "Run: 1 details"]),
        ("title ~ \"run*\" order by title desc".into(), vec!["Test runs", "Run: 1 details", "Run: 1", "Deploy runbook"]),
        (format!("ancestor = {runs} order by title"), vec!["Run: 1", "Run: 1 details"]),
        (format!("parent = {runs}"), vec!["Run: 1"]),
        (format!("id in ({one}, 5)"), vec!["Run: 1"]),
        ("text ~ \"deploy how\" and type = page".into(), vec!["Deploy runbook"]),
        ("text ~ \"deploy nothing\"".into(), vec![]),
        ("type = page and space = NOPE".into(), vec![]),
        ("type = attachment".into(), vec![]),
        ("type in (page, blogpost) and label != qa-run and title !~ details and not title = \"Test runs\" order by id".into(), vec!["CTB Home", "Deploy runbook"]),
        ("title = \"Archived run\"".into(), vec![]),
        ("label = qa-run or title = \"Deploy runbook\" order by title".into(), vec!["Deploy runbook", "Run: 1"]),
        ("created > \"2020-01-01\" and lastmodified < \"2020-01-01\"".into(), vec![]),
    ];
    for (cql, expected) in cases {
        assert_eq!(found(&site, &cql).await, expected, "{cql}");
    }
    site.delete(&format!("/wiki/api/v2/pages/{one}")).await;
    assert_eq!(found(&site, "label = qa-run").await, [""; 0]);
}

#[tokio::test]
async fn queries_that_cannot_be_read_are_refused_in_v1_form() {
    let site = Site::new().await;
    for cql in ["title = \"x\" and status = current", "title", "text = x", "type = page and", ""] {
        let (status, message) = site.get(&format!("/wiki/rest/api/search?cql={}", encoded(cql))).await.v1_refusal();
        assert_eq!(status, 400, "{cql}: {message}");
    }
    let (_, message) =
        site.get(&format!("/wiki/rest/api/search?cql={}", encoded("status = current"))).await.v1_refusal();
    assert!(message.contains("No field exists with the name: 'status'"), "{message}");
    assert_eq!(site.get("/wiki/rest/api/search").await.v1_refusal().0, 400);
    assert_eq!(site.get("/wiki/rest/api/search?cql=type%3Dpage&cursor=x").await.v1_refusal().0, 400);
}

#[tokio::test]
async fn results_are_paged_by_cursor_and_start_does_nothing() {
    let site = Site::new().await;
    for n in 0..4 {
        site.page(&format!("Page {n}"), "<p/>").await;
    }
    let first = site.get("/wiki/rest/api/search?cql=type%3Dpage&limit=2&start=3").await.good();
    assert_eq!((&first["start"], &first["totalSize"], &first["size"]), (&json!(0), &json!(5), &json!(2)));
    assert_eq!(first["results"][0]["content"]["title"], "CTB Home");
    let mut seen = 2;
    let mut next = first["_links"]["next"].as_str().map(str::to_owned);
    while let Some(path) = next {
        assert!(path.starts_with("/rest/api/search?next=true&cursor="), "{path}");
        let page = site.get(&format!("/wiki{path}")).await.good();
        seen += page["results"].as_array().unwrap().len();
        next = page["_links"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, 5);
    let content = site.get("/wiki/rest/api/content/search?cql=type%3Dpage&limit=1&expand=version,body.storage,space,ancestors,metadata.labels,history").await.good();
    let row = &content["results"][0];
    assert_eq!((&row["version"]["number"], &row["space"]["key"]), (&json!(1), &json!("CTB")));
    assert!(row["body"]["storage"].is_object() && row["metadata"]["labels"].is_object() && row["ancestors"].is_array());
}

#[tokio::test]
async fn a_lagging_index_shows_the_past_while_reads_show_the_present() {
    let site = Site::new().await;
    let id = site.page("Old title", "<p/>").await;
    site.behave(json!({"search_lag_ms": 600_000})).await;
    site.try_update(&id, 2, "New title", "<p/>").await.good();
    // The page itself is younger than the lag, so the index knows nothing of it.
    assert_eq!(found(&site, "title ~ title").await, [""; 0]);
    assert_eq!(site.get("/wiki/api/v2/pages?title=new+title").await.good()["results"][0]["id"], id.as_str());
    site.behave(json!({"search_lag_ms": 50})).await;
    let mut last = Value::Null;
    for _ in 0..100 {
        let titles = found(&site, "title ~ title").await;
        if titles == ["New title"] {
            return;
        }
        last = json!(titles);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index never caught up: {last}");
}
