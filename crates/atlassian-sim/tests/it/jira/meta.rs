//! What exists on the site: account, projects, fields, create metadata; and what a stranger sees of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, fields};

#[tokio::test]
async fn the_site_says_that_it_is_cloud() {
    let site = Site::new().await;
    let info = site.get("serverInfo").await.with(200);
    assert_eq!(info["deploymentType"], "Cloud");
    assert_eq!(info["versionNumbers"], json!([1001, 0, 0]));
    assert_eq!(info["baseUrl"], site.running.url.as_str());
    let me = site.get("myself").await.with(200);
    assert_eq!(me["emailAddress"], "qa@example.com");
    assert_eq!(me["accountId"].as_str().unwrap().len(), 24);
    let found = site.get(&format!("user?accountId={}", me["accountId"].as_str().unwrap())).await.with(200);
    assert_eq!(found["displayName"], me["displayName"]);
    assert_eq!(site.get("user?accountId=x").await.status, 404);
    assert_eq!(site.get("user/search?query=QA").await.with(200).as_array().unwrap().len(), 1);
    assert_eq!(site.get("user/search?query=zz").await.with(200), json!([]));
}

#[tokio::test]
async fn links_lead_back_to_where_the_caller_came_from_and_keep_the_version() {
    let site = Site::new().await;
    let other = site.running.url.replace("127.0.0.1", "localhost");
    for version in ["2", "3"] {
        let request = site.client.get(format!("{other}/rest/api/{version}/project/CTB"));
        let got = Site::received(request.basic_auth("qa@example.com", Some("sim-token"))).await.with(200);
        assert_eq!(got["self"], format!("{other}/rest/api/{version}/project/10000"));
    }
}

#[tokio::test]
async fn projects_are_listed_paged_and_read_by_id_or_key() {
    let options = atlassian_sim::Options {
        projects: vec!["CTB".to_owned(), "QA:Quality".to_owned(), "WEB".to_owned()],
        ..atlassian_sim::Options::default()
    };
    let site = Site::with(options).await;
    assert_eq!(site.get("project").await.with(200).as_array().unwrap().len(), 3);
    let page = site.get("project/search?maxResults=2").await.with(200);
    assert_eq!((&page["total"], &page["isLast"]), (&json!(3), &json!(false)));
    let page = site.get("project/search?maxResults=2&startAt=2").await.with(200);
    assert_eq!((&page["values"][0]["key"], &page["isLast"]), (&json!("WEB"), &json!(true)));
    let page = site.get("project/search?keys=QA&keys=WEB").await.with(200);
    assert_eq!(page["total"], 2);
    assert_eq!(site.get("project/search?query=qual").await.with(200)["values"][0]["key"], "QA");
    let by_id = site.get("project/10001").await.with(200);
    assert_eq!((&by_id["key"], &by_id["name"]), (&json!("QA"), &json!("Quality")));
    assert_eq!(by_id["issueTypes"].as_array().unwrap().len(), 7);
    assert_eq!(site.get("project/10001/statuses").await.with(200)[0]["statuses"].as_array().unwrap().len(), 3);
    assert_eq!(site.get("project/99999").await.messages(404), ["No project could be found with id '99999'."]);
}

#[tokio::test]
async fn create_metadata_is_paged_and_bounded() {
    let site = Site::new().await;
    let all = site.get("issue/createmeta/CTB/issuetypes").await.with(200);
    assert_eq!((&all["total"], &all["startAt"], &all["maxResults"]), (&json!(7), &json!(0), &json!(50)));
    let page = site.get("issue/createmeta/CTB/issuetypes?startAt=5&maxResults=5").await.with(200);
    let names: Vec<&str> =
        page["issueTypes"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Test Case", "Test Execution"]);
    let case = page["issueTypes"][0]["id"].as_str().unwrap();
    let path = format!("issue/createmeta/CTB/issuetypes/{case}");
    let total = site.get(&path).await.with(200)["total"].as_u64().unwrap();
    let mut seen = Vec::new();
    for start in (0..total).step_by(10) {
        let page = site.get(&format!("{path}?startAt={start}&maxResults=10")).await.with(200);
        for field in page["fields"].as_array().unwrap() {
            assert!(
                field["required"].is_boolean() && field["operations"].is_array() && field["key"] == field["fieldId"],
                "{field}"
            );
            seen.push(field["fieldId"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(seen.len() as u64, total);
    for needed in [
        "summary",
        "project",
        "issuetype",
        "description",
        "labels",
        "environment",
        "customfield_10101",
        "customfield_10106",
    ] {
        assert!(seen.contains(&needed.to_owned()), "{needed}");
    }
    for path in ["issue/createmeta/CTB/issuetypes?maxResults=201".to_owned(), format!("{path}?maxResults=201")] {
        assert_eq!(site.get(&path).await.messages(400), ["Parameter 'maxResults' must not exceed the limit '200'"]);
    }
    assert_eq!(site.get(&format!("{path}?maxResults=200")).await.status, 200);
    assert_eq!(site.get("issue/createmeta/NOPE/issuetypes").await.status, 404);
    assert_eq!(site.get("issue/createmeta/CTB/issuetypes/1").await.status, 404);
    let old = site
        .get("issue/createmeta?projectKeys=CTB&issuetypeNames=Bug&expand=projects.issuetypes.fields")
        .await
        .with(200);
    let types = old["projects"][0]["issuetypes"].as_array().unwrap();
    assert_eq!(types.len(), 1);
    assert_eq!(types[0]["fields"]["summary"]["required"], true);
}

#[tokio::test]
async fn whatever_create_metadata_shows_can_be_set_and_nothing_else() {
    let site = Site::new().await;
    let types = site.get("issue/createmeta/CTB/issuetypes").await.with(200);
    let custom: Vec<String> = (10_101..=10_106).map(|n| format!("customfield_{n}")).collect();
    for kind in types["issueTypes"].as_array().unwrap().iter().filter(|kind| kind["subtask"] == false) {
        let (id, name) = (kind["id"].as_str().unwrap(), kind["name"].as_str().unwrap());
        let shown = site.get(&format!("issue/createmeta/CTB/issuetypes/{id}")).await.with(200);
        let shown = shown["fields"].as_array().unwrap();
        for field in &custom {
            let on_screen = shown.iter().any(|entry| entry["fieldId"] == field.as_str());
            let got = site.try_create(name, "s", json!({field: "x"})).await;
            assert_eq!(got.status, if on_screen { 201 } else { 400 }, "{name} {field}");
        }
    }
}

#[tokio::test]
async fn fields_have_names_types_and_clauses() {
    let site = Site::new().await;
    let listed = site.get("field").await.with(200);
    let listed = listed.as_array().unwrap();
    let named = |id: &str| listed.iter().find(|field| field["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    assert_eq!(named("customfield_10101")["name"], "test_case_id");
    assert_eq!(
        named("customfield_10101")["schema"]["custom"],
        "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
    );
    assert_eq!(named("environment")["custom"], false);
    assert_eq!(named("customfield_10104")["name"], "environment");
    assert_eq!(named("issuekey")["clauseNames"], json!(["id", "issue", "issuekey", "key"]));
}

#[tokio::test]
async fn a_new_field_is_not_unique_and_stands_on_no_screen_until_it_is_put_there() {
    let site = Site::new().await;
    let body = json!({"name": "build", "type": "com.atlassian.jira.plugin.system.customfieldtypes:textfield",
        "searcherKey": "com.atlassian.jira.plugin.system.customfieldtypes:textsearcher"});
    let first = site.post("field", body.clone()).await.with(201);
    let second = site.post("field", body).await.with(201);
    assert_ne!(first["id"], second["id"]);
    let id = first["id"].as_str().unwrap();
    assert_eq!(site.try_create("Task", "s", json!({id: "7"})).await.status, 400);
    site.post(&format!("screens/addToDefault/{id}"), json!({})).await.with(200);
    let key = site.create("Task", "s", json!({id: "7"})).await;
    assert_eq!(site.found("build ~ 7").await, [key]);
    assert_eq!(site.post("field", json!({"name": "x", "type": "nonsense"})).await.status, 400);
    assert_eq!(site.post("field", json!({"type": "x"})).await.field_error("name"), "It must have a value.");
    assert_eq!(site.post("screens/addToDefault/customfield_1", json!({})).await.status, 404);
}

#[tokio::test]
async fn custom_fields_of_every_type_take_their_values() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for kind in ["textarea", "float", "datepicker", "datetime", "labels", "userpicker", "url", "select"] {
        let body = json!({"name": kind, "type": format!("com.atlassian.jira.plugin.system.customfieldtypes:{kind}"), "searcherKey": "x"});
        let id = site.post("field", body).await.with(201)["id"].as_str().unwrap().to_owned();
        site.post(&format!("screens/addToDefault/{id}"), json!({})).await.with(200);
        ids.push(id);
    }
    let me = site.get("myself").await.with(200)["accountId"].clone();
    let good = [
        super::doc("long"),
        json!(1.5),
        json!("2026-01-31"),
        json!("2026-01-31T08:15:00.000+0000"),
        json!(["a", "b"]),
        json!({"accountId": me}),
        json!("https://x.test/"),
    ];
    let mut sent = json!({});
    for (id, value) in ids.iter().zip(&good) {
        sent[id] = value.clone();
    }
    let key = site.create("Task", "s", sent).await;
    let held = site.get(&format!("issue/{key}")).await.with(200);
    for (id, value) in ids.iter().zip(&good).filter(|(_, value)| !value.is_object()) {
        assert_eq!(held["fields"][id], *value);
    }
    assert_eq!(held["fields"][&ids[0]], super::doc("long"));
    assert_eq!(held["fields"][&ids[5]]["accountId"], me);
    for jql in [
        "float > 1",
        "datepicker = 2026-01-31",
        "datetime < now()",
        "labels[Labels] = a",
        "userpicker = currentUser()",
        "textarea ~ long",
    ] {
        assert_eq!(site.found(jql).await, [key.as_str()], "{jql}");
    }
    let bad = [
        json!("text"),
        json!("1"),
        json!("tomorrow"),
        json!("never"),
        json!("a"),
        json!("me"),
        json!("no url"),
        json!({"value": "x"}),
    ];
    for (id, value) in ids.iter().zip(bad) {
        let got = site.try_create("Task", "s", json!({id: value})).await;
        assert!(!got.field_error(id).is_empty());
    }
}

#[tokio::test]
async fn a_stranger_sees_an_empty_site_and_is_told_only_in_a_header() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    for token in [None, Some("wrong")] {
        let get = async |path: &str| site.call(token, Method::GET, path, None).await;
        let post = async |path: &str, body: Value| site.call(token, Method::POST, path, Some(&body)).await;
        let empty = [
            (get("project").await, json!([])),
            (post("issue/bulkfetch", json!({"issueIdsOrKeys": [key]})).await, json!({"issues": [], "issueErrors": []})),
            (post("search/jql", json!({"jql": "project = CTB"})).await, json!({"issues": [], "isLast": true})),
            (get("search/jql?jql=project=CTB").await, json!({"issues": [], "isLast": true})),
            (post("search/approximate-count", json!({"jql": "project = CTB"})).await, json!({"count": 0})),
        ];
        for (got, body) in empty {
            assert_eq!(got.with(200), body);
            assert_eq!(got.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"));
            assert_eq!(got.header("x-aaccountid"), None);
        }
        assert_eq!(get("project/search").await.with(200)["total"], 0);
        assert_eq!(get("project/CTB").await.status, 404);
        assert_eq!(get(&format!("issue/{key}")).await.status, 404);
        assert_eq!(get("myself").await.messages(401), ["Client must be authenticated to access this resource."]);
        assert_eq!(get("serverInfo").await.status, 200);
        for path in
            ["issueLink", "issueLinkType", "field", &format!("issue/{key}/comment"), &format!("issue/{key}/remotelink")]
        {
            assert_eq!(post(path, json!({"fields": fields("Task", "s")})).await.status, 401, "{path}");
        }
        assert_eq!(site.call(token, Method::DELETE, &format!("issue/{key}"), None).await.status, 401);
    }
    let right = site.get("project").await;
    assert_eq!(right.header("x-seraph-loginreason"), None);
    assert!(right.header("x-aaccountid").is_some());
    assert_eq!(right.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(right.header("x-ratelimit-limit"), Some("350"));
}

#[tokio::test]
async fn credentials_of_another_form_are_wrong_ones() {
    let site = Site::new().await;
    let url = format!("{}/rest/api/3/myself", site.running.url);
    for value in ["Bearer sim-token", "Basic", "Basic !!!", "Basic cWFAZXhhbXBsZS5jb20=", "sim-token"] {
        let got = Site::received(site.client.get(&url).header("authorization", value)).await;
        assert_eq!(got.status, 401, "{value}");
    }
}
