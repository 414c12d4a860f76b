//! What a site refuses for good: set aside with its cause, the others published, and back when a person or the content says so.

use serde_json::Value;

use crate::support::{Hub, cases};

fn sync(hub: &Hub, code: i32) -> Value {
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(code)
}

fn dlq(hub: &Hub, arguments: &[&str]) -> Value {
    let mut all = vec!["dlq"];
    all.extend(arguments);
    all.extend(["--project", "shop"]);
    hub.hub(&all).json(0)
}

fn table(hub: &Hub, title: &str) -> String {
    let text = cases(60, |n| if n == 7 { title.to_owned() } else { format!("Case {n}") });
    hub.write("cases.csv", text).display().to_string()
}

/// A person deletes an issue: the hub's update of it is refused, and only that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publication_is_a_dead_letter_that_content_or_a_person_revives() {
    let hub = Hub::start().await;
    hub.ready();
    let path = table(&hub, "First");
    hub.hub(&["ingest", &path, "--project", "shop"]).json(0);
    sync(&hub, 0);
    let issues = hub.issues().await;
    let one = issues.iter().find(|i| i["fields"]["summary"] == "TC_X_007 - First").unwrap();
    hub.delete(&format!("/rest/api/3/issue/{}", one["key"].as_str().unwrap())).await;

    let path = table(&hub, "Second");
    hub.hub(&["ingest", &path, "--project", "shop"]).json(0);
    let report = sync(&hub, 4);
    assert_eq!((&report["issues"]["refused"], &report["dead"]), (&1.into(), &1.into()), "{report}");
    let letters = dlq(&hub, &["list"]);
    assert_eq!(letters.as_array().unwrap().len(), 1);
    assert_eq!(letters[0]["publication"], "issue/test_case/TC_X_007");
    assert_eq!(letters[0]["code"], "HUB-2004");
    assert_eq!(letters[0]["status"], 404);
    assert!(!letters[0]["message"].as_str().unwrap().is_empty() && !letters[0]["hint"].as_str().unwrap().is_empty());
    assert_eq!(dlq(&hub, &["list", "--cause", "HUB-2001"]).as_array().unwrap().len(), 0);
    assert_eq!(dlq(&hub, &["show", "issue/test_case/TC_X_007"])["code"], "HUB-2004");
    let silent = sync(&hub, 4);
    assert_eq!(silent["calls"]["reads"].as_u64().unwrap() + silent["calls"]["writes"].as_u64().unwrap(), 0);

    assert_eq!(dlq(&hub, &["retry", "--cause", "HUB-2004"])["revived"], 1);
    assert_eq!(dlq(&hub, &["retry", "--cause", "HUB-2004"])["revived"], 0, "a letter retried twice is revived once");
    assert_eq!(sync(&hub, 4)["issues"]["refused"], 1, "it is still deleted");

    assert_eq!(dlq(&hub, &["discard", "issue/test_case/TC_X_007"])["discarded"], 1);
    assert_eq!(sync(&hub, 0)["dead"], 0);
    let path = table(&hub, "Third");
    hub.hub(&["ingest", &path, "--project", "shop"]).json(0);
    assert_eq!(sync(&hub, 4)["issues"]["refused"], 1, "a new content is tried by itself");

    let ran = hub.hub(&["dlq", "retry", "--project", "shop", "nonsense"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{}", ran.stdout);
}
