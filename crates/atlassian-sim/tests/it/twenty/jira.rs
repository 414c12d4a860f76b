//! Behaviours of Jira: lost answers, the index, bulk calls, limits, screens, documents, properties, links, tasks.

use std::time::{Duration, Instant};

use atlassian_sim::Options;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{page_body, sending};
use crate::faults::{play, site_with};
use crate::jira::{Site, doc, fields, merged};

#[tokio::test]
async fn behaviour_01_a_write_is_committed_and_its_answer_lost() {
    let site = Site::new().await;
    let key = site.create("Task", "there", json!({})).await;
    let comment = format!("/rest/api/3/issue/{key}/comment");
    let writes = [
        ("/rest/api/3/issue", json!({"fields": fields("Task", "single")})),
        ("/rest/api/3/issue/bulk", json!({"issueUpdates": [{"fields": fields("Task", "bulk")}]})),
        (comment.as_str(), json!({"body": doc("comment")})),
        ("/wiki/api/v2/pages", page_body(&site, "page", "<p/>").await),
    ];
    for (index, fault) in [
        r#"{ kind = "late-commit", within_seconds = 0 }"#,
        r#"{ kind = "server-error", commit = "after", status = 504 }"#,
        r#"{ kind = "timeout", commit = "after", hang_seconds = 30 }"#,
    ]
    .into_iter()
    .enumerate()
    {
        for (path, body) in &writes {
            let mut body = body.clone();
            if path.ends_with("/pages") {
                body["title"] = json!(format!("page {index}"));
            }
            play(&site, &format!("rule = [{{ match = {{ methods = [\"POST\"] }}, fault = {fault} }}]")).await;
            // Nothing in a request makes it one that can be repeated: a key for that does not exist.
            let sent = sending(&site, path, &body).header("idempotency-key", "1").timeout(Duration::from_millis(300));
            match sent.send().await {
                Ok(answer) => assert_eq!(answer.status(), 504, "{path} {fault}"),
                Err(error) => assert!(error.is_timeout() || error.is_request(), "{path} {fault} {error:?}"),
            }
        }
    }
    play(&site, "").await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.get("/_sim/stats").await.with(200)["late_commits_pending"] != 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let truth = site.truth().await;
    let with = |summary: &str| {
        truth["issues"].as_array().unwrap().iter().filter(|issue| issue["fields"]["summary"] == summary).count()
    };
    assert_eq!((with("single"), with("bulk")), (3, 3));
    assert_eq!(truth["issues"][0]["comments"].as_array().unwrap().len(), 3);
    let pages = truth["confluence"]["pages"].as_array().unwrap();
    assert_eq!(pages.iter().filter(|page| page["title"].as_str().unwrap().starts_with("page ")).count(), 3);
}

#[tokio::test]
async fn behaviour_02_the_index_lags_and_reads_by_id_do_not() {
    let site = Site::with(Options { search_lag: Duration::from_secs(3_600), ..Options::default() }).await;
    let key = site.create("Task", "fresh", json!({})).await;
    let id = site.get(&format!("issue/{key}")).await.with(200)["id"].as_str().unwrap().to_owned();
    let fetched = site.post("issue/bulkfetch", json!({"issueIdsOrKeys": [key]})).await.with(200);
    assert_eq!(fetched["issues"][0]["id"], id);
    assert_eq!(site.found("project = CTB").await, Vec::<String>::new());
    let ask = |ids: Vec<u64>| json!({"jql": "project = CTB", "reconcileIssues": ids});
    let found = site.post("search/jql", ask(vec![id.parse().unwrap()])).await.with(200);
    assert_eq!(found["issues"], json!([{"id": id}]));
    assert!(site.post("search/jql", ask((1..=50).collect())).await.status == 200);
    assert!(site.post("search/jql", ask((1..=51).collect())).await.status == 400);
    // A tail: most writes show up soon, some much later.
    let site = site_with(
        r#"rule = [{ match = { product = "jira" }, fault = { kind = "search-lag", seconds = 0.05, sigma = 12, cap_seconds = 3600 } }]"#,
    )
    .await;
    let bulk: Vec<Value> = (0..40).map(|_| json!({"fields": fields("Task", "s")})).collect();
    for element in bulk {
        site.post("issue", element).await.with(201);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.found("project = CTB").await.len() < 10 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seen = site.found("project = CTB").await.len();
    assert!(seen < 40, "no write is late");
    assert_eq!(site.count().await, 40);
}

#[tokio::test]
async fn behaviour_04_a_bulk_create_fails_in_part_and_its_successes_close_ranks() {
    let site = Site::new().await;
    let good = |summary: &str| json!({"fields": fields("Task", summary)});
    let bad_type = json!({"fields": fields("Nope", "x")});
    let bad_text = json!({"fields": merged(fields("Task", "x"), json!({"description": {"type": "doc"}}))});
    let sent = json!({"issueUpdates": [bad_type, good("a"), bad_text, good("b")]});
    let got = site.post("issue/bulk", sent).await.with(201);
    let numbers: Vec<&Value> =
        got["errors"].as_array().unwrap().iter().map(|error| &error["failedElementNumber"]).collect();
    assert_eq!(numbers, [&json!(0), &json!(2)]);
    assert_eq!(got["errors"][0]["elementErrors"]["errors"]["issuetype"], "Specify a valid issue type");
    assert_eq!(got["errors"][1]["elementErrors"]["errorMessages"], json!(["INVALID_INPUT"]));
    assert_eq!((&got["issues"][0]["key"], &got["issues"][1]["key"]), (&json!("CTB-1"), &json!("CTB-2")));
    let got = site.post("issue/bulk", json!({"issueUpdates": [{"fields": fields("Nope", "x")}]})).await.with(400);
    assert_eq!((&got["issues"], &got["errors"][0]["status"]), (&json!([]), &json!(400)));
    let many = |count: usize| json!({"issueUpdates": vec![good("many"); count]});
    site.post("issue/bulk", many(51)).await.with(400);
    assert_eq!(site.count().await, 2);
    site.post("issue/bulk", many(50)).await.with(201);
}

#[tokio::test]
async fn behaviour_05_three_limits_refuse_for_their_own_reasons_and_a_gateway_for_none() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let edit = async || site.put(&format!("issue/{key}"), json!({"fields": {"summary": "n"}})).await;
    play(&site, "[limits]\nper_issue_writes = true").await;
    for _ in 0..20 {
        edit().await.with(204);
    }
    let got = edit().await;
    let told = |got: &crate::jira::Got| {
        let header = |name: &str| got.header(name).map(str::to_owned);
        (got.status, header("ratelimit-reason"), header("retry-after").is_some())
    };
    assert_eq!(told(&got), (429, Some("jira-per-issue-on-write".to_owned()), true));
    site.get(&format!("issue/{key}")).await.with(200);
    play(&site, "[limits]\nburst_per_second = 3").await;
    let mut last = site.get("myself").await;
    while last.status == 200 {
        last = site.get("myself").await;
    }
    assert_eq!(told(&last), (429, Some("jira-burst-based".to_owned()), true));
    site.get("serverInfo").await.with(200);
    // Points are an app's: whoever calls with an API token spends none.
    play(&site, "[limits]\npoints_per_hour = 2\npoints_oauth_only = true\npoints_hour_seconds = 1000000000").await;
    for _ in 0..5 {
        site.get(&format!("issue/{key}")).await.with(200);
    }
    let app = site.call(None, Method::POST, "/_sim/oauth", None).await.with(200);
    let path = format!("/ex/jira/{}/rest/api/3/issue/{key}", atlassian_sim::CLOUD_ID);
    let token = app["access_token"].as_str().unwrap();
    super::bearer(&site, token, Method::GET, &path, None).await.with(200);
    let got = super::bearer(&site, token, Method::GET, &path, None).await;
    assert_eq!(told(&got), (429, Some("jira-quota-tenant-based".to_owned()), true));
    site.get("myself").await.with(200);
    play(&site, r#"rule = [{ fault = { kind = "too-many-requests" } }]"#).await;
    let got = site.get("myself").await;
    assert_eq!(told(&got), (429, None, false));
    assert!(!got.headers.keys().any(|name| name.as_str().contains("ratelimit")), "{:?}", got.headers);
}

#[tokio::test]
async fn behaviour_08_create_looks_at_the_screen_and_an_edit_does_not() {
    let site = Site::new().await;
    let refused =
        |field: &str| format!("Field '{field}' cannot be set. It is not on the appropriate screen, or unknown.");
    let text = "com.atlassian.jira.plugin.system.customfieldtypes:textfield";
    let made = site.post("field", json!({"name": "off screen", "type": text})).await.with(201);
    let off = made["id"].as_str().unwrap();
    for field in [off, "customfield_99999", "nonsense"] {
        let got = site.try_create("Task", "s", json!({field: "v"})).await;
        assert_eq!(got.field_error(field), refused(field));
    }
    let key = site.create("Task", "s", json!({})).await;
    site.put(&format!("issue/{key}"), json!({"fields": {off: "v"}})).await.with(204);
    let got = site.put(&format!("issue/{key}"), json!({"fields": {"customfield_99999": "v"}})).await;
    assert_eq!(got.field_error("customfield_99999"), refused("customfield_99999"));
}

#[tokio::test]
async fn behaviour_09_documents_are_checked_strictly_and_refused_without_a_word_why() {
    let site = Site::new().await;
    let wrap = |node: Value| json!({"type": "doc", "version": 1, "content": [node]});
    let table = |cell: Value| {
        wrap(
            json!({"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": cell}]}]}),
        )
    };
    let marked = json!({"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [{"type": "code"}, {"type": "strong"}]}]});
    let key = site.create("Task", "s", json!({})).await;
    let edit = async |text: &Value| site.put(&format!("issue/{key}"), json!({"fields": {"description": text}})).await;
    for broken in [
        table(json!([])),
        table(json!([{"type": "text", "text": "bare"}])),
        wrap(marked),
        wrap(json!({"type": "paragraph", "content": [{"type": "text", "text": ""}]})),
        wrap(json!({"type": "paragraph", "content": [{"type": "date", "attrs": {"timestamp": 1}}]})),
        json!({"type": "doc", "content": []}),
    ] {
        assert_eq!(edit(&broken).await.messages(400), ["INVALID_INPUT"], "{broken}");
    }
    let got = edit(&json!("a string")).await;
    let wanted = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";
    assert_eq!(got.field_error("description"), wanted);
    let got = edit(&doc(&"x".repeat(32_768))).await;
    assert!(got.field_error("description").contains("32,767 characters"));
    let v2 = format!("/rest/api/2/issue/{key}");
    let got = site.put(&v2, json!({"fields": {"description": doc("x")}})).await;
    assert_eq!(got.field_error("description"), "Operation value must be a string");
    edit(&json!({"type": "doc", "version": 1, "content": []})).await.with(204);
}

#[tokio::test]
async fn behaviour_11_search_gives_ids_tokens_and_short_pages_and_the_old_one_is_gone() {
    let site = Site::new().await;
    for _ in 0..3 {
        let bulk: Vec<Value> = (0..50).map(|_| json!({"fields": fields("Task", "s")})).collect();
        site.post("issue/bulk", json!({"issueUpdates": bulk})).await.with(201);
    }
    let ask = async |body: Value| site.post("search/jql", merged(json!({"jql": "project = CTB"}), body)).await;
    let first = ask(json!({})).await.with(200);
    assert_eq!(first["issues"].as_array().unwrap().len(), 50);
    assert_eq!(first["issues"][0].as_object().unwrap().len(), 1, "more than the id: {}", first["issues"][0]);
    assert!(first.get("total").is_none() && first.get("startAt").is_none(), "{first}");
    // Asked for five thousand with fields: a page is shorter, and says that it is not the last.
    let short = ask(json!({"fields": ["summary"], "maxResults": 5_000})).await.with(200);
    assert_eq!((short["issues"].as_array().unwrap().len(), &short["isLast"]), (100, &json!(false)));
    let token = short["nextPageToken"].as_str().unwrap();
    let last = ask(json!({"fields": ["summary"], "maxResults": 5_000, "nextPageToken": token})).await.with(200);
    assert_eq!((last["issues"].as_array().unwrap().len(), &last["isLast"]), (50, &json!(true)));
    assert!(last.get("nextPageToken").is_none(), "{last}");
    assert_eq!(ask(json!({"maxResults": 5_000})).await.with(200)["issues"].as_array().unwrap().len(), 150);
    // The token holds the time of its making at its end: eight days earlier, it is over.
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    let (rest, made) = plain.rsplit_once(':').unwrap();
    let aged = |days: i64| URL_SAFE_NO_PAD.encode(format!("{rest}:{}", made.parse::<i64>().unwrap() - days * 86_400));
    ask(json!({"nextPageToken": aged(6)})).await.with(200);
    assert!(ask(json!({"nextPageToken": aged(8)})).await.messages(400)[0].contains("expired"));
    for unbounded in ["", "ORDER BY created"] {
        assert!(ask(json!({"jql": unbounded})).await.messages(400)[0].contains("Unbounded"), "{unbounded}");
    }
    for version in [2, 3] {
        let got = site.get(&format!("/rest/api/{version}/search?jql=project=CTB")).await;
        assert!(got.messages(410)[0].contains("CHANGE-2046"));
    }
    let old = super::data_center(Options::default()).await;
    let token = "sim-token";
    for _ in 0..3 {
        let body = json!({"fields": fields("Task", "s")});
        super::bearer(&old, token, Method::POST, "/rest/api/2/issue", Some(&body)).await.with(201);
    }
    let path = "/rest/api/2/search?jql=project%20%3D%20CTB&startAt=1&maxResults=1";
    let got = super::bearer(&old, token, Method::GET, path, None).await.with(200);
    assert_eq!((&got["startAt"], &got["total"], &got["issues"][0]["key"]), (&json!(1), &json!(3), &json!("CTB-2")));
}

#[tokio::test]
async fn behaviour_12_properties_come_with_a_write_are_bounded_and_searched_only_where_declared() {
    let options = Options { indexed_properties: vec!["declared:m".to_owned()], ..Options::default() };
    let site = Site::with(options).await;
    let property = |key: &str| json!({"key": key, "value": {"m": "Abc"}});
    let body = json!({"fields": fields("Task", "s"), "properties": [property("haida.hub"), property("declared")]});
    let key = site.post("issue", body).await.with(201)["key"].as_str().unwrap().to_owned();
    let path = |name: &str| format!("issue/{key}/properties/{name}");
    site.put(&format!("issue/{key}"), json!({"properties": [{"key": "inline", "value": 1}]})).await.with(204);
    assert_eq!(site.get(&path("inline")).await.with(200)["value"], 1);
    assert_eq!(site.put(&path("inline"), json!(2)).await.status, 200);
    assert_eq!(site.put(&path("new"), json!(2)).await.status, 201);
    assert_eq!(site.get(&path("inline")).await.with(200)["value"], 2, "the last write wins");
    // Quotes count: the value is measured as JSON.
    assert_eq!(site.put(&path("new"), json!("x".repeat(32_766))).await.status, 200);
    assert_eq!(site.put(&path("new"), json!("x".repeat(32_767))).await.status, 400);
    assert_eq!(site.put(&path(&"k".repeat(255)), json!(1)).await.status, 201);
    assert_eq!(site.put(&path(&"k".repeat(256)), json!(1)).await.status, 400);
    assert_eq!(site.found("issue.property[declared].m = abc").await, [key.as_str()]);
    assert_eq!(site.found("issue.property[declared].m = other").await, Vec::<String>::new());
    let got = site.post("search/jql", json!({"jql": "issue.property[haida.hub].m = abc"})).await;
    assert!(got.messages(400)[0].contains("does not exist"), "{}", got.text);
}

#[tokio::test]
async fn behaviour_13_a_remote_link_is_replaced_whole_and_a_repeated_link_only_comments() {
    let site = Site::new().await;
    let (a, b) = (site.create("Bug", "a", json!({})).await, site.create("Task", "b", json!({})).await);
    let remote = format!("issue/{a}/remotelink");
    let object = json!({"url": "https://x.test/", "title": "t", "summary": "s"});
    site.post(&remote, json!({"globalId": "g", "relationship": "report", "object": object})).await.with(201);
    let less = json!({"globalId": "g", "object": {"url": "https://x.test/", "title": "t2"}});
    site.post(&remote, less).await.with(200);
    let links = site.get(&remote).await.with(200);
    assert_eq!(links.as_array().unwrap().len(), 1);
    assert_eq!(links[0]["object"]["title"], "t2");
    assert!(links[0].get("relationship").is_none() && links[0]["object"].get("summary").is_none(), "{links}");
    let link = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": a}, "outwardIssue": {"key": b}, "comment": {"body": doc("again")}});
    for _ in 0..2 {
        site.post("issueLink", link.clone()).await.with(201);
    }
    let truth = site.truth().await;
    assert_eq!(truth["links"].as_array().unwrap().len(), 1);
    let comments: usize =
        truth["issues"].as_array().unwrap().iter().map(|issue| issue["comments"].as_array().unwrap().len()).sum();
    assert_eq!(comments, 2);
    assert_eq!(
        (&truth["issues"][0]["links"][0]["issue"], &truth["issues"][0]["links"][0]["direction"]),
        (&json!(b), &json!("outward"))
    );
    let kind = json!({"name": "Tests", "inward": "is tested by", "outward": "tests"});
    site.post("issueLinkType", kind.clone()).await.with(201);
    site.post("issueLinkType", kind).await.with(404);
}

#[tokio::test]
async fn behaviour_17_bulk_writes_go_on_after_their_answer() {
    let site = Site::new().await;
    for n in 0..2 {
        site.create("Task", &format!("n{n}"), json!({"labels": ["old"]})).await;
    }
    let behave = async |change: Value| site.put("/_sim/jira", change).await.with(200);
    let edit = async |labels: Value, keys: Value| {
        let input =
            json!({"labelsFields": [{"fieldId": "labels", "labels": labels, "bulkEditMultiSelectFieldOption": "ADD"}]});
        let body = json!({"selectedIssueIdsOrKeys": keys, "selectedActions": ["labels"], "editedFieldsInput": input});
        site.post("bulk/issues/fields", body).await
    };
    let id_of = |got: &crate::jira::Got| got.with(201)["taskId"].as_str().unwrap().to_owned();
    let state = async |id: &str| site.get(&format!("bulk/queue/{id}")).await;
    // Enqueued, running, complete; the effect is there at the end and not before.
    behave(json!({"task_waits_ms": 300, "task_runs_ms": 300})).await;
    let id = id_of(&edit(json!([{"name": "new"}]), json!(["CTB-1", "CTB-2", "CTB-9"])).await);
    let mut seen = Vec::new();
    let last = loop {
        // Read before the state is: what is not complete afterwards was not complete then.
        let labels = site.truth().await["issues"][0]["fields"]["labels"].clone();
        let now = state(&id).await.with(200);
        if seen.last() != Some(&now["status"]) {
            seen.push(now["status"].clone());
        }
        if now["status"] == "COMPLETE" {
            break now;
        }
        assert_eq!(labels, json!(["old"]), "{now}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(seen, [json!("ENQUEUED"), json!("RUNNING"), json!("COMPLETE")]);
    assert_eq!(last["processedAccessibleIssues"], json!([10_001, 10_002]));
    assert_eq!((&last["invalidOrInaccessibleIssueCount"], &last["totalIssueCount"]), (&json!(1), &json!(3)));
    assert_eq!(site.truth().await["issues"][0]["fields"]["labels"], json!(["new", "old"]));
    // Five at once, of all callers together.
    behave(json!({"task_waits_ms": 3_600_000})).await;
    for _ in 0..5 {
        edit(json!([{"name": "more"}]), json!(["CTB-1"])).await.with(201);
    }
    let got = edit(json!([{"name": "more"}]), json!(["CTB-1"])).await.with(400);
    assert!(got["errors"][0]["message"].as_str().unwrap().contains('5'), "{got}");
    // Properties: each issue of a task is in no other one.
    let multi = |ids: &[u64]| {
        let issues = ids.iter().map(|id| json!({"issueID": id, "properties": {"k": id}}));
        json!({"issues": issues.collect::<Vec<_>>()})
    };
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let send = async |path: &str, body: Value| {
        let request = client.post(format!("{}/rest/api/3/{path}", site.running.url));
        Site::received(request.basic_auth("qa@example.com", Some("sim-token")).json(&body)).await
    };
    assert_eq!(send("issue/properties/multi", multi(&[10_001])).await.status, 303);
    let got = send("issue/properties/multi", multi(&[10_001, 10_002])).await;
    assert!(got.messages(409)[0].contains("already in progress"), "{}", got.text);
    behave(json!({})).await;
    let got = send("issue/properties/multi", multi(&[10_002, 777])).await;
    let task = got.header("location").unwrap().split("/rest/api/3/").nth(1).unwrap().to_owned();
    let done = site.get(&task).await.with(200);
    assert_eq!((&done["status"], &done["result"]["updated"]), (&json!("COMPLETE"), &json!([10_002])));
    assert!(done["result"]["failed"]["777"].is_array(), "one issue fails alone: {done}");
    let same = json!({"entitiesIds": [10_002, 777], "properties": {"t": 1}});
    let got = send("issue/properties", same).await;
    assert_eq!(got.status, 303);
    assert_eq!(site.truth().await["issues"][1]["properties"], json!({"k": 10_002}), "all or nothing");
    // A bulk edit that fails for one issue says why; dead tasks and failed ones change nothing.
    site.call(None, Method::POST, "/_sim/reset", None).await;
    site.create("Task", "s", json!({})).await;
    let id = id_of(&edit(json!([{"name": "a b"}]), json!(["CTB-1"])).await);
    let done = state(&id).await.with(200);
    assert_eq!(done["processedAccessibleIssues"], json!([]));
    assert!(done["failedAccessibleIssues"]["10001"][0].as_str().unwrap().contains("spaces"), "{done}");
    for (end, status) in [("failed", "FAILED"), ("dead", "DEAD")] {
        behave(json!({"task_ends": end})).await;
        let id = id_of(&edit(json!([{"name": "x"}]), json!(["CTB-1"])).await);
        assert_eq!(state(&id).await.with(200)["status"], status);
    }
    assert_eq!(site.truth().await["issues"][0]["fields"]["labels"], json!([]));
    // Fourteen days, here none at all.
    assert_eq!(site.get("/_sim/jira").await.with(200)["task_kept_seconds"], 14 * 86_400);
    behave(json!({"task_kept_seconds": 0})).await;
    let id = id_of(&edit(json!([{"name": "x"}]), json!(["CTB-1"])).await);
    assert_eq!(state(&id).await.status, 400);
    edit(json!([{"name": "x"}]), json!(vec!["CTB-1"; 1_001])).await.with(400);
}

#[tokio::test]
async fn behaviour_18_an_issue_holds_so_much_a_page_so_much_and_metadata_comes_in_pages_of_200() {
    let site = Site::with(Options { per_issue_caps: true, ..Options::default() }).await;
    let key = site.create("Task", "s", json!({})).await;
    let comments: Vec<Value> = (0..4_999).map(|_| json!({"add": {"body": doc("c")}})).collect();
    site.put(&format!("issue/{key}"), json!({"update": {"comment": comments}})).await.with(204);
    let comment = async || site.post(&format!("issue/{key}/comment"), json!({"body": doc("c")})).await;
    comment().await.with(201);
    assert!(comment().await.messages(413)[0].contains("5000"));
    let remote = async |n: usize| {
        let body = json!({"globalId": n.to_string(), "object": {"url": "https://x.test/", "title": "t"}});
        site.post(&format!("issue/{key}/remotelink"), body).await
    };
    let other = site.create("Task", "holds links", json!({})).await;
    let links: Vec<Value> = (0..40).map(|_| json!({"fields": fields("Task", "end")})).collect();
    let mut ends = Vec::new();
    for _ in 0..50 {
        let made = site.post("issue/bulk", json!({"issueUpdates": links})).await.with(201);
        ends.extend(made["issues"].as_array().unwrap().iter().map(|issue| issue["key"].clone()));
    }
    let verbs: Vec<Value> =
        ends.iter().map(|end| json!({"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": end}}})).collect();
    site.put(&format!("issue/{other}"), json!({"update": {"issuelinks": verbs}})).await.with(204);
    let link = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": other}, "outwardIssue": {"key": key}});
    assert!(site.post("issueLink", link).await.messages(413)[0].contains("2000"));
    // Remote links go in one call each; the comments of the first issue are heavy, so a lighter one carries them.
    let light = site.create("Task", "light", json!({})).await;
    let held = |n: usize| json!({"globalId": n.to_string(), "object": {"url": "https://x.test/", "title": "t"}});
    for n in 0..2_000 {
        site.post(&format!("issue/{light}/remotelink"), held(n)).await.with(201);
    }
    assert!(site.post(&format!("issue/{light}/remotelink"), held(2_000)).await.messages(413)[0].contains("2000"));
    site.post(&format!("issue/{light}/remotelink"), held(1_999)).await.with(200);
    remote(1).await.with(201);
    let large = page_body(&site, "large", &format!("<p>{}</p>", "x".repeat(5_242_880))).await;
    assert_eq!(site.post("/wiki/api/v2/pages", large).await.status, 413);
    let path = |most: usize| format!("issue/createmeta/CTB/issuetypes?maxResults={most}");
    site.get(&path(200)).await.with(200);
    assert_eq!(site.get(&path(201)).await.messages(400), ["Parameter 'maxResults' must not exceed the limit '200'"]);
}
