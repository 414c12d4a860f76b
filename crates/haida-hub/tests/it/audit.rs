//! The audit finds what people and late writes did at the sites, mends what it can and shows the rest; afterwards it finds
//! nothing new.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Hub, cases};

fn kinds(report: &Value) -> Vec<(String, String, bool)> {
    let mut all: Vec<_> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|f| {
            let word = |key: &str| f[key].as_str().unwrap_or_default().to_owned();
            (word("kind"), word("remote"), f["healed"] == true)
        })
        .collect();
    all.sort();
    all
}

async fn published(count: usize) -> Hub {
    let hub = Hub::start().await;
    hub.ready();
    hub.write("cases.csv", cases(count, |n| format!("Case {n}")));
    let file = hub.folder.path().join("cases.csv");
    hub.hub(&["ingest", file.to_str().expect("a path"), "--project", "shop"]).json(0);
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_site_differs_in_nothing_and_costs_one_read_for_a_hundred_issues() {
    let hub = published(120).await;
    let report = hub.hub(&["audit", "--project", "shop"]).json(0);
    assert_eq!(kinds(&report), []);
    assert_eq!((&report["issues"], report["pages"].as_u64() >= Some(1)), (&json!(120), true));
    assert_eq!(report["calls"]["writes"], 0);
    // Two for the issues, two blocks with keys and one without, the index, the list of pages, and the login of each kind.
    assert!(report["calls"]["reads"].as_u64() <= Some(9), "{}", report["calls"]);
    // A second audit does not read the known keys again.
    let again = hub.hub(&["audit", "--project", "shop"]).json(0);
    assert!(again["calls"]["reads"].as_u64() <= report["calls"]["reads"].as_u64(), "{}", again["calls"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_doubled_and_stale_issues_are_found_and_what_is_stale_is_written_again() {
    let hub = published(4).await;
    let issues = hub.issues().await;
    let key = |n: usize| issues[n]["key"].as_str().expect("a key").to_owned();
    let property = |n: usize| issues[n]["properties"]["haida.hub"].clone();
    hub.delete(&format!("/rest/api/3/issue/{}", key(0))).await;
    let path = format!("/rest/api/3/issue/{}/properties/haida.hub", key(1));
    let mut old = property(1);
    old["hash"] = json!("0".repeat(64));
    hub.person(Method::PUT, &path, Some(old)).await;
    // A create that took effect long after its time.
    let twin = json!({
        "fields": {"project": {"key": "SHOP"}, "issuetype": {"name": "Task"}, "summary": "late"},
        "properties": [{"key": "haida.hub", "value": property(2)}],
    });
    let made = hub.person(Method::POST, "/rest/api/3/issue", Some(twin)).await;

    let report = hub.hub(&["audit", "--project", "shop"]).json(0);
    let late = made["key"].as_str().expect("a key").to_owned();
    let mut expected = vec![
        ("duplicate".to_owned(), late, false),
        ("gone".to_owned(), key(0), false),
        ("stale".to_owned(), key(1), true),
    ];
    expected.sort();
    assert_eq!(kinds(&report), expected);

    // The status shows what a person has to decide, and the stale one is written again by the next run, with one call.
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    assert_eq!(status[0]["findings"].as_array().map(Vec::len), Some(2), "{}", status[0]["findings"]);
    let sync = hub.hub(&["sync", "--project", "shop"]).json(0);
    assert_eq!((&sync["issues"]["updated"], &sync["issues"]["created"]), (&json!(1), &json!(0)));
    let again = hub.hub(&["audit", "--project", "shop"]).json(0);
    expected.retain(|(kind, _, _)| kind != "stale");
    assert_eq!(kinds(&again), expected, "what a person has to decide stays until it is gone");

    // The person deletes the twin: the finding is closed.
    hub.delete(&format!("/rest/api/3/issue/{}", expected[0].1)).await;
    let healed = hub.hub(&["audit", "--project", "shop"]).json(0);
    assert_eq!(kinds(&healed), [expected[1].clone()]);
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    assert_eq!(status[0]["findings"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_page_is_shown_and_one_with_another_text_is_written_again() {
    let hub = published(1).await;
    let truth = hub.truth().await;
    let pages = truth["confluence"]["pages"].as_array().cloned().expect("pages");
    let id = |page: &Value| page["id"].as_str().map_or_else(|| page["id"].to_string(), str::to_owned);
    let ours: Vec<&Value> =
        pages.iter().filter(|p| p["title"].as_str().is_some_and(|title| title.contains("[shop"))).collect();
    let (deleted, edited) = (id(ours[0]), ours[1]);
    let number = edited["version"]["number"].as_u64().or_else(|| edited["version"].as_u64()).expect("a version");
    let edit = json!({
        "id": id(edited), "status": "current", "title": edited["title"],
        "body": {"representation": "storage", "value": "<p>mine</p>"},
        "version": {"number": number + 1, "message": "a person's"},
    });
    hub.delete(&format!("/wiki/api/v2/pages/{deleted}")).await;
    hub.person(Method::PUT, &format!("/wiki/api/v2/pages/{}", id(edited)), Some(edit)).await;
    let report = hub.hub(&["audit", "--project", "shop"]).json(0);
    // The test's person uses the hub's own account, so the edit counts as a lost write of the hub and is mended.
    let mut expected = [("gone".to_owned(), deleted, false), ("stale".to_owned(), id(edited), true)];
    expected.sort();
    assert_eq!(kinds(&report), expected);
    let sync = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!((&sync["pages"]["updated"], &sync["dead"]), (&json!(1), &json!(0)), "{sync}");
}
