//! Many issues in a call: creating up to 50, reading up to 100.

use serde_json::{Value, json};

use super::{Site, fields};

fn elements(count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            json!({"fields": fields("Task", &format!("issue {n}")), "properties": [{"key": "haida.hub", "value": {"m": format!("m{n}")}}]})
        })
        .collect()
}

#[tokio::test]
async fn fifty_issues_are_created_in_order_with_their_properties() {
    let site = Site::new().await;
    let created = site.post("issue/bulk", json!({"issueUpdates": elements(50)})).await.with(201);
    assert_eq!(created["errors"], json!([]));
    let issues = created["issues"].as_array().unwrap();
    assert_eq!(issues.len(), 50);
    for (n, issue) in issues.iter().enumerate() {
        assert_eq!(issue["key"], format!("CTB-{}", n + 1));
    }
    let truth = site.truth().await;
    assert_eq!(truth["markers"].as_object().unwrap().len(), 50);
    assert_eq!(truth["issues"][49]["fields"]["summary"], "issue 49");
    assert_eq!(truth["projects"][0]["last_number"], 50);
}

#[tokio::test]
async fn fifty_one_are_refused_and_none_is_created() {
    let site = Site::new().await;
    let got = site.post("issue/bulk", json!({"issueUpdates": elements(51)})).await;
    assert_eq!(got.status, 400, "{}", got.text);
    assert_eq!(site.count().await, 0);
}

#[tokio::test]
async fn one_success_makes_201_and_failures_keep_their_place() {
    let site = Site::new().await;
    let mut updates = elements(5);
    updates[0]["fields"]["issuetype"] = json!({"name": "Nope"});
    updates[2]["fields"]["summary"] = json!("x".repeat(256));
    updates[4]["fields"]["description"] = json!({"type": "doc", "version": 1, "content": [{"type": "bogus"}]});
    let got = site.post("issue/bulk", json!({"issueUpdates": updates})).await.with(201);
    let keys: Vec<&str> =
        got["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["CTB-1", "CTB-2"]);
    assert_eq!(
        got["errors"],
        json!([
            {"status": 400, "elementErrors": {"errorMessages": [], "errors": {"issuetype": "Specify a valid issue type"}}, "failedElementNumber": 0},
            {"status": 400, "elementErrors": {"errorMessages": [], "errors": {"summary": "Summary can't exceed 255 characters."}}, "failedElementNumber": 2},
            {"status": 400, "elementErrors": {"errorMessages": ["INVALID_INPUT"], "errors": {}}, "failedElementNumber": 4},
        ])
    );
    // The successes are the elements between.
    assert_eq!(site.get("issue/CTB-1").await.with(200)["fields"]["summary"], "issue 1");
    assert_eq!(site.get("issue/CTB-2").await.with(200)["fields"]["summary"], "issue 3");
}

#[tokio::test]
async fn all_failed_makes_400_in_the_same_shape() {
    let site = Site::new().await;
    let mut updates = elements(2);
    for update in &mut updates {
        update["fields"]["versions"] = json!([{"name": "1.2"}]);
    }
    let got = site.post("issue/bulk", json!({"issueUpdates": updates})).await.with(400);
    let error = |n: u64| json!({"status": 400, "elementErrors": {"errorMessages": [], "errors": {"versions": "Version name '1.2' is not valid"}}, "failedElementNumber": n});
    assert_eq!(got, json!({"issues": [], "errors": [error(0), error(1)]}));
}

#[tokio::test]
async fn a_fetch_gives_known_issues_by_ascending_id_and_is_silent_about_others() {
    let site = Site::new().await;
    site.post("issue/bulk", json!({"issueUpdates": elements(3)})).await.with(201);
    let asked = json!({"issueIdsOrKeys": ["CTB-3", "CTB-99", "10001", "ctb-1", "nonsense"], "fields": ["summary"], "properties": ["haida.hub"]});
    let got = site.post("issue/bulkfetch", asked).await.with(200);
    assert_eq!(got["issueErrors"], json!([]));
    let issues = got["issues"].as_array().unwrap();
    let keys: Vec<&str> = issues.iter().map(|issue| issue["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["CTB-1", "CTB-3"]);
    assert_eq!(issues[1]["fields"], json!({"summary": "issue 2"}));
    assert_eq!(issues[1]["properties"], json!({"haida.hub": {"m": "m2"}}));
}

#[tokio::test]
async fn a_fetch_shows_navigable_fields_unless_asked() {
    let site = Site::new().await;
    site.post("issue/bulk", json!({"issueUpdates": elements(1)})).await.with(201);
    let got = site.post("issue/bulkfetch", json!({"issueIdsOrKeys": ["CTB-1"]})).await.with(200);
    let issue = &got["issues"][0];
    assert_eq!(issue["fields"]["summary"], "issue 0");
    assert!(issue["fields"].get("comment").is_none() && issue["fields"].get("attachment").is_none());
    assert!(issue.get("properties").is_none());
}

#[tokio::test]
async fn a_fetch_is_bounded() {
    let site = Site::new().await;
    let keys: Vec<String> = (1..=101).map(|n| format!("CTB-{n}")).collect();
    assert_eq!(site.post("issue/bulkfetch", json!({"issueIdsOrKeys": keys})).await.status, 400);
    assert_eq!(site.post("issue/bulkfetch", json!({"issueIdsOrKeys": &keys[..100]})).await.status, 200);
    assert_eq!(site.post("issue/bulkfetch", json!({"issueIdsOrKeys": []})).await.status, 400);
    let six = json!({"issueIdsOrKeys": ["CTB-1"], "properties": ["a", "b", "c", "d", "e", "f"]});
    assert_eq!(site.post("issue/bulkfetch", six).await.status, 400);
}
