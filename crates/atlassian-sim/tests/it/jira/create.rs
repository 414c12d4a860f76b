//! Creating one issue: what is stored, and how each value is refused.

use atlassian_sim::Options;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, doc, fields};

#[tokio::test]
async fn an_issue_is_stored_with_fields_properties_and_labels() {
    let site = Site::new().await;
    let mut sent = fields("Test Case", "  Log in with a wrong password ");
    sent["description"] = doc("Do <b>not</b> let anybody in.");
    sent["labels"] = json!(["type:regression", "module:auth", "type:regression"]);
    sent["priority"] = json!({"name": "High"});
    sent["customfield_10101"] = json!("TC_LOGIN_001");
    sent["duedate"] = json!("2026-12-31");
    let body = json!({"fields": sent, "properties": [{"key": "haida.hub", "value": {"m": "abc", "attempt": 1}}]});
    let created = site.post("issue", body).await.with(201);
    assert_eq!(created["key"], "CTB-1");
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["self"], format!("{}/rest/api/3/issue/{id}", site.running.url));

    let issue = site.get(&format!("issue/{id}?properties=*all")).await.with(200);
    let held = &issue["fields"];
    assert_eq!(held["summary"], "Log in with a wrong password");
    assert_eq!(held["description"], doc("Do <b>not</b> let anybody in."));
    assert_eq!(held["labels"], json!(["module:auth", "type:regression"]));
    assert_eq!(held["priority"]["name"], "High");
    assert_eq!(held["customfield_10101"], "TC_LOGIN_001");
    assert_eq!(held["customfield_10102"], Value::Null);
    assert_eq!(held["duedate"], "2026-12-31");
    assert_eq!(held["status"]["statusCategory"]["key"], "new");
    assert_eq!(held["issuetype"]["name"], "Test Case");
    assert_eq!(held["reporter"]["emailAddress"], "qa@example.com");
    assert_eq!(issue["properties"], json!({"haida.hub": {"m": "abc", "attempt": 1}}));
    assert_eq!(site.truth().await["markers"], json!({"abc": 1}));
}

#[tokio::test]
async fn project_and_type_are_found_by_id_as_text_or_number() {
    let site = Site::new().await;
    for (project, kind) in [
        (json!({"id": "10000"}), json!({"id": "10004"})),
        (json!({"id": 10000}), json!({"id": 10004})),
        (json!({"key": "ctb"}), json!({"name": "bug"})),
    ] {
        let sent = json!({"fields": {"project": project, "issuetype": kind, "summary": "s"}});
        site.post("issue", sent).await.with(201);
    }
    assert_eq!(site.count().await, 3);
}

#[tokio::test]
async fn a_missing_project_type_or_summary_is_named() {
    let site = Site::new().await;
    for project in [json!({"id": -100}), json!({"key": "NOPE"}), Value::Null, json!("CTB")] {
        let got = site.try_create("Task", "s", json!({"project": project})).await;
        assert_eq!(got.field_error("project"), "Specify a valid project ID or key");
    }
    for kind in [json!({"name": "Nope"}), json!({"id": "1"}), Value::Null] {
        let got = site.try_create("Task", "s", json!({"issuetype": kind})).await;
        assert_eq!(got.field_error("issuetype"), "Specify a valid issue type");
    }
    for summary in [Value::Null, json!(""), json!("   ")] {
        let got = site.try_create("Task", "s", json!({"summary": summary})).await;
        assert_eq!(got.field_error("summary"), "You must specify a summary of the issue.");
    }
    assert_eq!(site.count().await, 0);
}

#[tokio::test]
async fn a_summary_has_255_characters_and_one_line() {
    let site = Site::new().await;
    site.create("Task", &"x".repeat(255), json!({})).await;
    let got = site.try_create("Task", &"x".repeat(256), json!({})).await;
    assert_eq!(got.field_error("summary"), "Summary can't exceed 255 characters.");
    // A character outside the basic plane counts twice, as in Java.
    let got = site.try_create("Task", &"😀".repeat(128), json!({})).await;
    assert_eq!(got.field_error("summary"), "Summary can't exceed 255 characters.");
    let got = site.try_create("Task", "two\nlines", json!({})).await;
    assert_eq!(got.field_error("summary"), "The summary is invalid because it contains newline characters.");
}

#[tokio::test]
async fn a_field_that_the_create_screen_lacks_is_refused_like_one_that_does_not_exist() {
    let site = Site::new().await;
    let text = |name: &str| format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.");
    // The custom fields stand on the screens of Test Case, Test Execution, Bug and Task only.
    let got = site.try_create("Story", "s", json!({"customfield_10101": "x"})).await;
    assert_eq!(got.field_error("customfield_10101"), text("customfield_10101"));
    let got =
        site.try_create("Task", "s", json!({"customfield_99999": "x", "nonsense": 1, "status": {"id": "1"}})).await;
    for name in ["customfield_99999", "nonsense", "status"] {
        assert_eq!(got.field_error(name), text(name));
    }
    for kind in ["Test Case", "Test Execution", "Bug", "Task"] {
        site.create(kind, "s", json!({"customfield_10101": "x", "customfield_10106": "Pixel"})).await;
    }
    let bad = json!({"fields": fields("Task", "s"), "update": {"nonsense": [{"add": 1}]}});
    assert_eq!(site.post("issue", bad).await.field_error("nonsense"), text("nonsense"));
}

#[tokio::test]
async fn an_edit_does_not_look_at_screens() {
    let site = Site::new().await;
    let key = site.create("Story", "s", json!({})).await;
    site.put(&format!("issue/{key}"), json!({"fields": {"customfield_10101": "x"}})).await.with(204);
    let held = site.get(&format!("issue/{key}?fields=customfield_10101")).await.with(200);
    assert_eq!(held["fields"], json!({"customfield_10101": "x"}));
}

#[tokio::test]
async fn a_type_that_a_project_lacks_cannot_be_used_there() {
    let options = Options {
        projects: vec!["CTB".to_owned(), "QA:Quality".to_owned()],
        missing_issue_types: vec!["Test Case".to_owned(), "QA:Bug".to_owned()],
        ..Options::default()
    };
    let site = Site::with(options).await;
    let names = async |project: &str| -> Vec<String> {
        let body = site.get(&format!("issue/createmeta/{project}/issuetypes")).await.with(200);
        let types = body["issueTypes"].as_array().unwrap();
        types.iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["Epic", "Story", "Task", "Sub-task", "Bug", "Test Execution"];
    assert_eq!(names("CTB").await, all);
    assert_eq!(names("QA").await, ["Epic", "Story", "Task", "Sub-task", "Test Execution"]);
    let got = site.try_create("Test Case", "s", json!({})).await;
    assert_eq!(got.field_error("issuetype"), "Specify a valid issue type");
    let project = site.get("project/QA").await.with(200);
    assert_eq!(project["name"], "Quality");
}

#[tokio::test]
async fn labels_are_words() {
    let site = Site::new().await;
    let refused =
        async |labels: Value| site.try_create("Task", "s", json!({"labels": labels})).await.field_error("labels");
    assert_eq!(refused(json!(["ok", "not ok"])).await, "The label 'not ok' can't contain spaces.");
    assert_eq!(refused(json!([1])).await, "Operation value must be a string");
    assert_eq!(refused(json!("word")).await, "data was not an array");
    let long = "x".repeat(256);
    assert_eq!(
        refused(json!([long])).await,
        format!("The label '{long}' exceeds the maximum length for a single label of 255 characters")
    );
    site.create("Task", "s", json!({"labels": ["x".repeat(255)]})).await;
}

#[tokio::test]
async fn values_of_the_wrong_kind_are_named_together() {
    let site = Site::new().await;
    let more = json!({
        "priority": {"name": "Huge"},
        "duedate": "31.12.2026",
        "assignee": {"accountId": "nobody"},
        "customfield_10101": 7,
        "fixVersions": [{"name": "1.2"}],
        "components": [{"name": "ui"}],
        "issuelinks": [{}],
    });
    let got = site.try_create("Task", "s", more).await;
    assert_eq!(got.field_error("priority"), "The priority selected is invalid.");
    assert_eq!(got.field_error("duedate"), "Error parsing date string: 31.12.2026");
    assert_eq!(got.field_error("assignee"), "User 'nobody' does not exist.");
    assert_eq!(got.field_error("customfield_10101"), "Operation value must be a string");
    assert_eq!(got.field_error("fixVersions"), "Version name '1.2' is not valid");
    assert_eq!(got.field_error("components"), "Component name 'ui' is not valid");
    assert_eq!(got.field_error("issuelinks"), "Field does not support update 'issuelinks'");
    assert_eq!(site.count().await, 0);
}

#[tokio::test]
async fn a_sub_task_needs_a_parent_of_the_right_level() {
    let site = Site::new().await;
    let got = site.try_create("Sub-task", "s", json!({})).await;
    assert!(got.field_error("issuetype").contains("parent issue key or id not specified"));
    let got = site.try_create("Sub-task", "s", json!({"parent": {"key": "CTB-99"}})).await;
    assert_eq!(got.field_error("parentId"), "Could not find issue by id or key.");
    let epic = site.create("Epic", "e", json!({})).await;
    let got = site.try_create("Sub-task", "s", json!({"parent": {"key": epic}})).await;
    assert!(got.field_error("parentId").contains("hierarchy"));
    let story = site.create("Story", "st", json!({"parent": {"key": epic}})).await;
    let sub = site.create("Sub-task", "s", json!({"parent": {"key": story}})).await;
    let above = site.get(&format!("issue/{story}")).await.with(200);
    assert_eq!(above["fields"]["parent"]["key"], epic.as_str());
    assert_eq!(above["fields"]["subtasks"][0]["key"], sub.as_str());
    let got = site.delete(&format!("issue/{story}")).await;
    assert!(got.messages(400)[0].contains("has subtasks"));
    site.delete(&format!("issue/{story}?deleteSubtasks=true")).await.with(204);
    assert_eq!(site.get(&format!("issue/{sub}")).await.status, 404);
}

#[tokio::test]
async fn properties_are_checked_before_anything_is_stored() {
    let site = Site::new().await;
    for properties in [
        json!([{"key": "k", "value": "x".repeat(32_767)}]),
        json!([{"key": "x".repeat(256), "value": 1}]),
        json!([{"key": "k", "value": null}]),
        json!([{"value": 1}]),
        json!({"k": 1}),
    ] {
        let got = site.post("issue", json!({"fields": fields("Task", "s"), "properties": properties})).await;
        assert!(!got.messages(400).is_empty());
    }
    assert_eq!(site.count().await, 0);
    let most = json!([{"key": "x".repeat(255), "value": "x".repeat(32_766)}]);
    site.post("issue", json!({"fields": fields("Task", "s"), "properties": most})).await.with(201);
}

#[tokio::test]
async fn a_create_can_take_a_transition_and_update_verbs() {
    let site = Site::new().await;
    site.create("Bug", "first", json!({})).await;
    let body = json!({
        "fields": fields("Task", "s"),
        "update": {
            "labels": [{"add": "b"}, {"add": "a"}],
            "issuelinks": [{"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": "CTB-1"}}}],
            "comment": [{"add": {"body": doc("hello")}}],
        },
        "transition": {"id": "31"},
    });
    let created = site.post("issue", body).await.with(201);
    assert_eq!(created["transition"]["status"], 204);
    let issue = site.get("issue/CTB-2").await.with(200);
    assert_eq!(issue["fields"]["status"]["name"], "Done");
    assert_eq!(issue["fields"]["resolution"]["name"], "Done");
    assert_eq!(issue["fields"]["labels"], json!(["a", "b"]));
    assert_eq!(issue["fields"]["issuelinks"][0]["outwardIssue"]["key"], "CTB-1");
    assert_eq!(issue["fields"]["comment"]["comments"][0]["body"], doc("hello"));
    let twice = json!({"fields": {"project": {"key": "CTB"}, "issuetype": {"name": "Task"}, "summary": "s", "labels": []},
        "update": {"labels": [{"add": "x"}]}});
    let got = site.post("issue", twice).await;
    assert_eq!(got.field_error("labels"), "Field 'labels' cannot appear in both 'fields' and 'update'");
}

#[tokio::test]
async fn nothing_is_created_without_an_account() {
    let site = Site::new().await;
    let body = json!({"fields": fields("Task", "s")});
    for token in [None, Some("wrong")] {
        let got = site.call(token, Method::POST, "issue", Some(&body)).await;
        assert_eq!(
            got.messages(401),
            ["You are not authenticated. Authentication required to perform this operation."]
        );
        assert_eq!(got.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"));
        let bulk = json!({"issueUpdates": [body]});
        assert_eq!(site.call(token, Method::POST, "issue/bulk", Some(&bulk)).await.status, 401);
    }
    assert_eq!(site.count().await, 0);
}
