//! Faults that go beside an answer (a lagging index, a page that is not found yet) or change who the caller is, and the
//! rules' choice of calls.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::faults::{play, site_with, struck};
use crate::jira::Site;

async fn new_page(site: &Site, title: &str) -> String {
    let spaces = site.get("/wiki/api/v2/spaces").await.with(200);
    let body = json!({"spaceId": spaces["results"][0]["id"], "title": title, "body": {"representation": "storage", "value": "<p/>"}});
    site.post("/wiki/api/v2/pages", body).await.with(200)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn some_writes_stay_out_of_search_for_a_while_and_reads_by_key_see_them() {
    let site = site_with(
        r#"rule = [
            { name = "tail", match = { methods = ["POST"], every = 3 }, fault = { kind = "search-lag", seconds = 600 } },
            { match = { methods = ["POST"] }, fault = { kind = "search-lag", seconds = 0.4 } },
        ]"#,
    )
    .await;
    let started = Instant::now();
    for n in 1..=3 {
        site.create("Task", &format!("n{n}"), json!({})).await;
    }
    let found = site.found("project = CTB").await;
    if started.elapsed() < Duration::from_millis(400) {
        assert!(found.is_empty(), "{found:?}");
    }
    site.get("issue/CTB-1").await.with(200);
    assert_eq!(site.count().await, 3);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(site.found("project = CTB ORDER BY key").await, ["CTB-1", "CTB-2"]);
    let reconciled = json!({"jql": "project = CTB ORDER BY key", "fields": ["summary"], "reconcileIssues": [10_003]});
    assert_eq!(site.post("search/jql", reconciled).await.with(200)["issues"].as_array().unwrap().len(), 3);
    // Searches are sent by POST too, write nothing, and so are no calls of these rules.
    assert_eq!(site.get("/_sim/stats").await.with(200)["fault_rules"][0]["matched"], 3);
    // A write that no rule takes is seen at once, although an older one still lags.
    play(&site, "").await;
    site.create("Task", "n4", json!({})).await;
    assert_eq!(site.found("project = CTB ORDER BY key").await, ["CTB-1", "CTB-2", "CTB-4"]);
}

#[tokio::test]
async fn a_drawn_lag_has_its_median_and_its_cap() {
    let site =
        site_with(r#"rule = [{ fault = { kind = "search-lag", seconds = 3600, sigma = 3.0, cap_seconds = 0.001 } }]"#)
            .await;
    for n in 0..5 {
        site.create("Task", &format!("n{n}"), json!({})).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(site.found("project = CTB").await.len(), 5, "the cap does not hold");
    // Half of the draws are below the median: some of twenty writes show up, and some do not.
    play(&site, r#"rule = [{ fault = { kind = "search-lag", seconds = 1, sigma = 12.0 } }]"#).await;
    for n in 0..20 {
        site.create("Task", &format!("m{n}"), json!({})).await;
    }
    let seen = site.found("project = CTB").await.len() - 5;
    assert!((1..20).contains(&seen), "{seen}");
    assert_eq!(site.count().await, 25);
}

#[tokio::test]
async fn a_confluence_search_sees_the_site_as_it_was() {
    let site =
        site_with(r#"rule = [{ match = { product = "confluence" }, fault = { kind = "search-lag", seconds = 600 } }]"#)
            .await;
    let id = new_page(&site, "Fresh").await;
    let search = "/wiki/rest/api/content/search?cql=title=Fresh";
    assert_eq!(site.get(search).await.with(200)["results"], json!([]));
    site.get(&format!("/wiki/api/v2/pages/{id}")).await.with(200);
    play(&site, "").await;
    assert_eq!(site.get(search).await.with(200)["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_page_is_not_found_for_a_while() {
    let site =
        site_with(r#"rule = [{ match = { first = 1 }, fault = { kind = "page-missing", seconds = 0.5 } }]"#).await;
    let started = Instant::now();
    let id = new_page(&site, "Fresh").await;
    let other = new_page(&site, "Other").await;
    let path = format!("/wiki/api/v2/pages/{id}");
    let got = site.get(&path).await;
    if started.elapsed() < Duration::from_millis(500) {
        assert_eq!(got.with(404)["errors"][0]["title"], format!("Cannot find a page with id [{id}]"));
        assert_eq!(got.json()["errors"][0]["code"], "NOT_FOUND");
    }
    site.get(&format!("/wiki/api/v2/pages/{other}")).await.with(200);
    let listed = site.get("/wiki/api/v2/pages?title=Fresh").await.with(200);
    assert_eq!(listed["results"][0]["id"], id.as_str(), "lists read elsewhere and do see it");
    let truth = site.truth().await;
    assert!(truth["confluence"]["pages"].as_array().unwrap().iter().any(|page| page["id"] == id.as_str()));
    tokio::time::sleep(Duration::from_millis(550)).await;
    site.get(&path).await.with(200);
    assert_eq!(struck(&site, "page-missing").await, 1);
}

#[tokio::test]
async fn a_silently_anonymous_caller_gets_200_with_nothing_in_it() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    new_page(&site, "Page").await;
    play(&site, r#"rule = [{ fault = { kind = "anonymous" } }]"#).await;
    let search = site.post("search/jql", json!({"jql": "project = CTB"})).await;
    assert_eq!(search.with(200)["issues"], json!([]));
    let fetched = site.post("issue/bulkfetch", json!({"issueIdsOrKeys": [key]})).await;
    assert_eq!(fetched.with(200)["issues"], json!([]));
    let pages = site.get("/wiki/api/v2/pages?title=Page").await;
    assert_eq!(pages.with(200)["results"], json!([]));
    for got in [&search, &fetched, &pages] {
        assert_eq!(got.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"));
        assert_eq!(got.header("x-aaccountid"), None);
    }
    assert_eq!(site.get(&format!("issue/{key}")).await.status, 404);
    assert_eq!(site.get("myself").await.status, 401);
    assert_eq!(site.try_create("Task", "s", json!({})).await.status, 401);
    assert_eq!(site.count().await, 1);
    play(&site, "").await;
    assert_eq!(site.get("myself").await.header("x-seraph-loginreason"), None);
}

#[tokio::test]
async fn a_token_is_revoked_at_a_given_time() {
    let site = site_with(r#"rule = [{ match = { from_seconds = 0.6 }, fault = { kind = "unauthorized" } }]"#).await;
    let started = Instant::now();
    let got = site.try_create("Task", "s", json!({})).await;
    assert!(started.elapsed() > Duration::from_millis(550) || got.status == 201, "{}", got.text);
    let before = site.count().await;
    tokio::time::sleep(Duration::from_millis(650)).await;
    let got = site.try_create("Task", "s", json!({})).await;
    assert_eq!(got.messages(401).len(), 1);
    assert!(got.header("www-authenticate").is_some());
    assert_eq!(site.get("/wiki/api/v2/pages").await.with(401)["errors"][0]["code"], "UNAUTHORIZED");
    assert_eq!(site.get("/wiki/rest/api/user/current").await.with(401)["statusCode"], 401);
    assert_eq!(site.count().await, before);
}

#[tokio::test]
async fn a_window_ends_and_comes_back() {
    let site = site_with(
        r#"rule = [{ match = { until_seconds = 0.5, repeat_seconds = 1.0 }, fault = { kind = "server-error", commit = "before" } }]"#,
    )
    .await;
    let started = Instant::now();
    let mut changes = Vec::new();
    while started.elapsed() < Duration::from_millis(2_400) {
        let status = site.get("serverInfo").await.status;
        if changes.last() != Some(&status) {
            changes.push(status);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(changes, [503, 200, 503, 200, 503]);
}

async fn statuses(seed: u64) -> Vec<u16> {
    let site = site_with(&format!(
        r#"
        seed = {seed}
        rule = [{{ match = {{ endpoint = "/rest/api/3/serverInfo", share = 0.3 }}, fault = {{ kind = "server-error", commit = "before" }} }}]"#
    ))
    .await;
    let mut all = Vec::new();
    for _ in 0..200 {
        all.push(site.get("serverInfo").await.status);
        // Calls that the rule does not match leave its draws alone.
        site.get("priority").await.with(200);
    }
    let failed = all.iter().filter(|status| **status == 503).count();
    assert!((35..=85).contains(&failed), "{failed} of 200 at a share of 0.3");
    let stats = site.get("/_sim/stats").await.with(200);
    assert_eq!(stats["fault_rules"][0]["matched"], 200);
    assert_eq!(stats["fault_rules"][0]["fired"], failed);
    all
}

#[tokio::test]
async fn a_share_follows_from_the_seed() {
    let first = statuses(1).await;
    assert_eq!(first, statuses(1).await);
    assert_ne!(first, statuses(2).await);
}

#[tokio::test]
async fn rules_choose_by_method_endpoint_path_and_product_and_the_first_that_fires_wins() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    play(
        &site,
        r#"
        [[rule]]
        name = "reads of one issue"
        match = { methods = ["GET"], endpoint = "/rest/api/3/issue/{issue}", every = 2 }
        fault = { kind = "server-error", commit = "before", status = 500 }

        [[rule]]
        match = { path = "/rest/api/3/issue/CTB-", first = 1 }
        fault = { kind = "server-error", commit = "before", status = 502 }

        [[rule]]
        match = { product = "confluence" }
        fault = { kind = "server-error", commit = "before", status = 504 }
        "#,
    )
    .await;
    let path = format!("issue/{key}");
    assert_eq!(site.get(&path).await.status, 502);
    assert_eq!(site.get(&path).await.status, 500);
    assert_eq!(site.get(&path).await.status, 200);
    assert_eq!(site.get(&path).await.status, 500);
    assert_eq!(site.put(&path, json!({"fields": {"summary": "t"}})).await.status, 204);
    assert_eq!(site.get("/wiki/rest/api/space").await.status, 504);
    assert_eq!(site.call(None, Method::GET, "serverInfo", None).await.status, 200);
    let rules = site.get("/_sim/stats").await.with(200)["fault_rules"].clone();
    assert_eq!(rules[0], json!({"name": "reads of one issue", "kind": "server-error", "matched": 4, "fired": 2}));
    assert_eq!(rules[1]["name"], Value::Null);
}
