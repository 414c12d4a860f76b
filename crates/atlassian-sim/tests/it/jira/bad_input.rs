//! Bodies and values that nobody should send.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, doc, fields};

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_by_every_write() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let writes = [
        (Method::POST, "issue".to_owned()),
        (Method::POST, "issue/bulk".to_owned()),
        (Method::POST, "issue/bulkfetch".to_owned()),
        (Method::PUT, format!("issue/{key}")),
        (Method::PUT, format!("issue/{key}/properties/p")),
        (Method::POST, format!("issue/{key}/comment")),
        (Method::POST, format!("issue/{key}/remotelink")),
        (Method::POST, format!("issue/{key}/transitions")),
        (Method::POST, "issueLink".to_owned()),
        (Method::POST, "issueLinkType".to_owned()),
        (Method::POST, "field".to_owned()),
        (Method::POST, "search/jql".to_owned()),
        (Method::POST, "search/approximate-count".to_owned()),
    ];
    for (method, path) in writes {
        let request = || {
            let url = format!("{}/rest/api/3/{path}", site.running.url);
            site.client.request(method.clone(), url).basic_auth("qa@example.com", Some("sim-token"))
        };
        for body in ["", "{", "\u{0}", "{\"fields\":", "<html>"] {
            let got = Site::received(request().header("content-type", "application/json").body(body)).await;
            assert_eq!(
                got.messages(400),
                ["Invalid request payload. Refer to the REST API documentation and try again."],
                "{path} {body:?}"
            );
        }
        let got = Site::received(request().header("content-type", "text/plain").body("{}")).await;
        assert_eq!(got.status, 415, "{path}");
        if !path.contains("/properties/") {
            for body in ["[]", "1", "null", "\"x\""] {
                let got = Site::received(request().header("content-type", "application/json").body(body)).await;
                assert_eq!(got.status, 400, "{path} {body}");
            }
        }
    }
    assert_eq!(site.count().await, 1);
}

#[tokio::test]
async fn parts_of_the_wrong_shape_are_refused() {
    let site = Site::new().await;
    for body in [
        json!({"fields": []}),
        json!({"fields": "x"}),
        json!({"fields": fields("Task", "s"), "update": []}),
        json!({"fields": fields("Task", "s"), "update": {"labels": {"add": "x"}}}),
        json!({"fields": fields("Task", "s"), "update": {"labels": ["x"]}}),
        json!({"fields": fields("Task", "s"), "update": {"labels": [{"grow": "x"}]}}),
        json!({"fields": fields("Task", "s"), "properties": 1}),
        json!({}),
    ] {
        let got = site.post("issue", body.clone()).await;
        assert_eq!(got.status, 400, "{body}: {}", got.text);
    }
    for body in [json!({}), json!({"issueUpdates": {}}), json!({"issueUpdates": []})] {
        assert_eq!(site.post("issue/bulk", body).await.status, 400);
    }
    assert_eq!(site.count().await, 0);
}

#[tokio::test]
async fn an_element_of_a_bulk_call_may_be_anything() {
    let site = Site::new().await;
    let got = site.post("issue/bulk", json!({"issueUpdates": [1, null, "x", [], {}]})).await.with(400);
    let failed: Vec<u64> =
        got["errors"].as_array().unwrap().iter().map(|error| error["failedElementNumber"].as_u64().unwrap()).collect();
    assert_eq!(failed, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn text_of_every_kind_survives() {
    let site = Site::new().await;
    let text = "<script>alert(1)</script> & ]]> \u{1F600} ñandú \"quotes\" 'q' \\ \u{200b}\u{7}";
    let key = site.create("Bug", text, json!({"description": doc(text), "customfield_10101": text})).await;
    let issue = site.get(&format!("issue/{key}")).await.with(200);
    assert_eq!(issue["fields"]["summary"], text);
    assert_eq!(issue["fields"]["description"], doc(text));
    assert_eq!(issue["fields"]["customfield_10101"], text);
    let rendered = site.get(&format!("issue/{key}?expand=renderedFields")).await.with(200);
    assert!(!rendered["renderedFields"]["description"].as_str().unwrap().contains("<script"));
}

#[tokio::test]
async fn unknown_paths_methods_and_issues_are_404() {
    let site = Site::new().await;
    assert_eq!(site.get("nothing").await.messages(404), ["No endpoint GET /rest/api/3/nothing."]);
    assert_eq!(
        site.put("issue/CTB-1/archive", json!({})).await.messages(404),
        ["No endpoint PUT /rest/api/3/issue/CTB-1/archive."]
    );
    assert_eq!(site.call(Some("sim-token"), Method::PATCH, "issue/CTB-1", None).await.status, 404);
    let gone = "Issue does not exist or you do not have permission to see it.";
    for path in [
        "issue/CTB-1",
        "issue/10001",
        "issue/%20",
        "issue/CTB-1/comment",
        "issue/CTB-1/properties/x",
        "issue/CTB-1/remotelink",
        "issue/CTB-1/transitions",
    ] {
        assert_eq!(site.get(path).await.messages(404), [gone], "{path}");
    }
    for path in ["issue/CTB-1", "issue/CTB-1/properties/k"] {
        assert_eq!(site.put(path, json!({"fields": {}})).await.messages(404), [gone], "{path}");
        assert_eq!(site.delete(path).await.messages(404), [gone], "{path}");
    }
    let value: Value = site.get("project/NOPE").await.with(404);
    assert_eq!(value, json!({"errorMessages": ["No project could be found with key 'NOPE'."], "errors": {}}));
}

#[tokio::test]
async fn a_number_in_the_query_that_is_none_is_refused() {
    let site = Site::new().await;
    for path in [
        "project/search?startAt=x",
        "search/jql?jql=project=CTB&maxResults=-1",
        "issue/createmeta/CTB/issuetypes?maxResults=many",
    ] {
        assert_eq!(site.get(path).await.status, 400, "{path}");
    }
}
