//! Editing, reading, moving and deleting; properties and comments.

use std::time::Duration;

use atlassian_sim::Options;
use serde_json::{Value, json};

use super::{Site, doc};

#[tokio::test]
async fn an_edit_changes_what_it_names_and_nothing_else() {
    let site = Site::new().await;
    let key = site.create("Task", "before", json!({"labels": ["a", "b"], "description": doc("d")})).await;
    let path = format!("issue/{key}");
    let before = site.get(&path).await.with(200);
    tokio::time::sleep(Duration::from_millis(3)).await;
    let body = json!({
        "fields": {"summary": "after"},
        "update": {"labels": [{"add": "c"}, {"remove": "a"}]},
        "properties": [{"key": "k", "value": 1}],
    });
    let got = site.put(&path, body).await;
    assert_eq!((got.status, got.text.as_str()), (204, ""));
    let after = site.get(&format!("{path}?properties=k,missing")).await.with(200);
    assert_eq!(after["fields"]["summary"], "after");
    assert_eq!(after["fields"]["labels"], json!(["b", "c"]));
    assert_eq!(after["fields"]["description"], doc("d"));
    assert_eq!(after["properties"], json!({"k": 1}));
    assert_eq!(after["fields"]["created"], before["fields"]["created"]);
    assert_ne!(after["fields"]["updated"], before["fields"]["updated"]);
}

#[tokio::test]
async fn an_edit_with_a_fault_changes_nothing() {
    let site = Site::new().await;
    let key = site.create("Task", "before", json!({})).await;
    let path = format!("issue/{key}");
    let body = json!({"fields": {"summary": "after", "description": "text"}, "properties": [{"key": "k", "value": 1}]});
    let got = site.put(&path, body).await;
    assert_eq!(
        got.field_error("description"),
        "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    );
    let body = json!({"fields": {"summary": "after"}, "properties": [{"key": "k", "value": "x".repeat(40_000)}]});
    assert!(!site.put(&path, body).await.messages(400).is_empty());
    let held = site.get(&format!("{path}?properties=*all")).await.with(200);
    assert_eq!(held["fields"]["summary"], "before");
    assert_eq!(held["properties"], json!({}));
    let got = site.put(&path, json!({"fields": {"summary": Value::Null}})).await;
    assert_eq!(got.field_error("summary"), "You must specify a summary of the issue.");
    let got = site.put(&path, json!({"fields": {"nonsense": 1}})).await;
    assert!(got.field_error("nonsense").starts_with("Field 'nonsense' cannot be set."));
    let got = site.put(&path, json!({"fields": {"status": {"name": "Done"}}})).await;
    assert!(got.field_error("status").starts_with("Field 'status' cannot be set."));
}

#[tokio::test]
async fn an_edit_can_give_the_issue_back() {
    let site = Site::new().await;
    let key = site.create("Task", "before", json!({})).await;
    let got = site
        .put(&format!("issue/{key}?returnIssue=true&notifyUsers=false"), json!({"fields": {"summary": "after"}}))
        .await;
    assert_eq!(got.with(200)["fields"]["summary"], "after");
}

#[tokio::test]
async fn null_clears_a_value() {
    let site = Site::new().await;
    let all = json!({"description": doc("d"), "labels": ["a"], "customfield_10101": "x", "duedate": "2026-01-01"});
    let key = site.create("Task", "s", all).await;
    let none = json!({"description": null, "labels": null, "customfield_10101": null, "duedate": null});
    site.put(&format!("issue/{key}"), json!({"fields": none})).await.with(204);
    let held = site.get(&format!("issue/{key}")).await.with(200);
    assert_eq!(held["fields"]["description"], Value::Null);
    assert_eq!(held["fields"]["labels"], json!([]));
    assert_eq!(held["fields"]["customfield_10101"], Value::Null);
    assert_eq!(held["fields"]["duedate"], Value::Null);
}

#[tokio::test]
async fn a_read_shows_the_fields_that_were_asked_for() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let shown = async |query: &str| {
        let body = site.get(&format!("issue/{key}?{query}")).await.with(200);
        body["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(shown("fields=summary,labels,nonsense").await, ["labels", "summary"]);
    assert_eq!(shown("fields=summary&fields=labels").await, ["labels", "summary"]);
    assert!(shown("").await.contains(&"comment".to_owned()));
    let navigable = shown("fields=*navigable").await;
    assert!(navigable.contains(&"summary".to_owned()) && !navigable.contains(&"comment".to_owned()));
    let without = shown("fields=*all,-summary").await;
    assert!(without.contains(&"comment".to_owned()) && !without.contains(&"summary".to_owned()));
    let without = shown("fields=-summary").await;
    assert!(without.contains(&"labels".to_owned()) && !without.contains(&"summary".to_owned()));
    let expanded =
        site.get(&format!("issue/{key}?fields=summary&expand=names,schema,transitions,editmeta")).await.with(200);
    assert_eq!(expanded["names"], json!({"summary": "Summary"}));
    assert_eq!(expanded["schema"]["summary"]["type"], "string");
    assert_eq!(expanded["transitions"].as_array().unwrap().len(), 3);
    assert_eq!(expanded["editmeta"]["fields"]["summary"]["required"], true);
}

#[tokio::test]
async fn properties_are_created_replaced_listed_and_deleted() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let path = format!("issue/{key}/properties");
    let one = format!("{path}/haida.hub");
    site.put(&one, json!({"m": "a"})).await.with(201);
    site.put(&one, json!({"m": "b"})).await.with(200);
    assert_eq!(site.get(&one).await.with(200), json!({"key": "haida.hub", "value": {"m": "b"}}));
    let keys = site.get(&path).await.with(200);
    assert_eq!(keys["keys"][0]["key"], "haida.hub");
    assert!(keys["keys"][0]["self"].as_str().unwrap().ends_with("/properties/haida.hub"));
    site.delete(&one).await.with(204);
    assert_eq!(site.get(&one).await.messages(404), ["The property 'haida.hub' does not exist."]);
    assert_eq!(site.delete(&one).await.status, 404);
    assert_eq!(site.put(&format!("{path}/{}", "k".repeat(256)), json!(1)).await.status, 400);
    assert_eq!(site.put(&format!("{path}/big"), json!("x".repeat(32_767))).await.status, 400);
    assert_eq!(site.put(&format!("{path}/big"), json!("x".repeat(32_766))).await.status, 201);
    assert_eq!(site.put(&format!("{path}/none"), Value::Null).await.status, 400);
}

#[tokio::test]
async fn comments_are_written_listed_changed_and_deleted() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let path = format!("issue/{key}/comment");
    let mut ids = Vec::new();
    for n in 0..3 {
        let body = json!({"body": doc(&format!("c{n}")), "properties": [{"key": "haida.hub", "value": {"m": n}}]});
        let made = site.post(&path, body).await.with(201);
        assert_eq!(made["body"], doc(&format!("c{n}")));
        assert_eq!(made["author"]["emailAddress"], "qa@example.com");
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let page = site.get(&format!("{path}?startAt=1&maxResults=1&expand=properties")).await.with(200);
    assert_eq!((&page["total"], &page["startAt"], &page["maxResults"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!(page["comments"][0]["properties"], json!([{"key": "haida.hub", "value": {"m": 1}}]));
    let newest = site.get(&format!("{path}?orderBy=-created")).await.with(200);
    assert_eq!(newest["comments"][0]["id"], ids[2].as_str());
    let changed = site.put(&format!("{path}/{}", ids[0]), json!({"body": doc("new")})).await.with(200);
    assert_eq!(changed["body"], doc("new"));
    site.delete(&format!("{path}/{}", ids[1])).await.with(204);
    assert!(site.get(&format!("{path}/{}", ids[1])).await.messages(404)[0].contains("Can not find a comment"));
    assert_eq!(site.get(&path).await.with(200)["total"], 2);

    let got = site.post(&path, json!({"body": "text"})).await;
    assert_eq!(
        got.field_error("comment"),
        "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    );
    let got = site.post(&path, json!({"body": {"type": "doc", "version": 1, "content": [{"type": "x"}]}})).await;
    assert_eq!(got.messages(400), ["INVALID_INPUT"]);
    assert_eq!(site.post(&path, json!({})).await.field_error("comment"), "Comment body can not be empty!");
    let got = site.post(&path, json!({"body": doc(&"x".repeat(32_768))})).await;
    assert!(got.field_error("comment").contains("32,767"));
    assert_eq!(site.post("issue/CTB-9/comment", json!({"body": doc("x")})).await.status, 404);
}

#[tokio::test]
async fn transitions_lead_to_every_status_and_done_resolves() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let path = format!("issue/{key}/transitions");
    let listed = site.get(&path).await.with(200);
    let names: Vec<&str> =
        listed["transitions"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["To Do", "In Progress", "Done"]);
    let fields = json!({"transition": {"id": "31"}, "update": {"comment": [{"add": {"body": doc("done")}}]}});
    site.post(&path, fields).await.with(204);
    let issue = site.get(&format!("issue/{key}")).await.with(200);
    assert_eq!(issue["fields"]["status"]["name"], "Done");
    assert!(issue["fields"]["resolutiondate"].is_string());
    assert_eq!(issue["fields"]["comment"]["total"], 1);
    site.post(&path, json!({"transition": {"id": 11}})).await.with(204);
    let issue = site.get(&format!("issue/{key}")).await.with(200);
    assert_eq!(issue["fields"]["resolution"], Value::Null);
    assert_eq!(site.post(&path, json!({"transition": {"id": "99"}})).await.status, 400);
    assert_eq!(site.post(&path, json!({})).await.messages(400), ["Missing 'transition' identifier"]);
}

#[tokio::test]
async fn a_deleted_issue_is_gone_with_its_links_and_its_number_is_not_used_again() {
    let site = Site::new().await;
    let first = site.create("Task", "a", json!({})).await;
    let second = site.create("Task", "b", json!({})).await;
    let link = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": first}, "outwardIssue": {"key": second}});
    site.post("issueLink", link).await.with(201);
    site.delete(&format!("issue/{second}")).await.with(204);
    assert_eq!(site.get(&format!("issue/{second}")).await.status, 404);
    assert_eq!(site.get(&format!("issue/{first}")).await.with(200)["fields"]["issuelinks"], json!([]));
    assert_eq!(site.create("Task", "c", json!({})).await, "CTB-3");
}

#[tokio::test]
async fn files_are_attached_read_and_removed() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let send = |token: bool| {
        let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
        let url = format!("{}/rest/api/3/issue/{key}/attachments", site.running.url);
        let request = site.client.post(url).basic_auth("qa@example.com", Some("sim-token"));
        let request = if token { request.header("x-atlassian-token", "no-check") } else { request };
        Site::received(request.header("content-type", "multipart/form-data; boundary=b").body(body))
    };
    assert_eq!(send(false).await.messages(403), ["XSRF check failed"]);
    let made = send(true).await.with(200);
    let id = made[0]["id"].as_str().unwrap();
    assert_eq!(
        (&made[0]["filename"], &made[0]["size"], &made[0]["mimeType"]),
        (&json!("a.txt"), &json!(5), &json!("text/plain"))
    );
    assert_eq!(site.get(&format!("attachment/content/{id}")).await.text, "hello");
    assert_eq!(site.get(&format!("issue/{key}")).await.with(200)["fields"]["attachment"][0]["id"], id);
    site.delete(&format!("attachment/{id}")).await.with(204);
    assert_eq!(site.get(&format!("attachment/{id}")).await.status, 404);
}

#[tokio::test]
async fn an_issue_holds_5000_comments_where_the_cap_is_on() {
    let site = Site::with(Options { per_issue_caps: true, ..Options::default() }).await;
    let key = site.create("Task", "s", json!({})).await;
    // Thousands of calls would prove no more than filling the issue up by edits.
    let many: Vec<Value> = (0..2_500).map(|_| json!({"add": {"body": doc("c")}})).collect();
    for _ in 0..2 {
        site.put(&format!("issue/{key}"), json!({"update": {"comment": many}})).await.with(204);
    }
    let got = site.post(&format!("issue/{key}/comment"), json!({"body": doc("one more")})).await;
    assert_eq!(got.messages(413).len(), 1);
}

#[tokio::test]
async fn a_burst_above_the_limit_is_told_to_wait() {
    let site = Site::with(Options { burst_per_second: Some(5), ..Options::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(site.get("serverInfo").await);
    }
    let refused = statuses.iter().find(|got| got.status == 429).unwrap();
    assert_eq!(refused.header("ratelimit-reason"), Some("jira-burst-based"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Another endpoint has a bucket of its own.
    assert_eq!(site.get("myself").await.status, 200);
}
