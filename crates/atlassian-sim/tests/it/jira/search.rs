//! Searching: the language, pages, the lagging index, and what is refused.

use std::time::Duration;

use atlassian_sim::Options;
use serde_json::{Value, json};

use super::{Site, doc};

async fn library() -> Site {
    let site = Site::new().await;
    site.create(
        "Test Case",
        "Login works",
        json!({"labels": ["module:auth", "type:smoke"], "description": doc("Open the page")}),
    )
    .await;
    site.create(
        "Test Case",
        "Logging out ends the session",
        json!({"labels": ["module:auth"], "priority": {"name": "High"}}),
    )
    .await;
    site.create(
        "Bug",
        "Search crashes on accents",
        json!({"labels": ["module:search"], "customfield_10101": "TC_HOME_010"}),
    )
    .await;
    site.create("Task", "Unlabelled", json!({"duedate": "2026-02-01"})).await;
    site.post("issue/CTB-3/transitions", json!({"transition": {"id": "31"}})).await.with(204);
    site
}

#[tokio::test]
async fn the_language_finds_what_it_says() {
    let site = library().await;
    let cases: &[(&str, &[u32])] = &[
        ("project = CTB", &[4, 3, 2, 1]),
        ("project = ctb ORDER BY key ASC", &[1, 2, 3, 4]),
        ("project in (CTB) and key in (CTB-2, CTB-1) order by created desc", &[2, 1]),
        ("key = CTB-3", &[3]),
        ("id = 10003", &[3]),
        ("key > CTB-2 order by key", &[3, 4]),
        ("labels = \"module:auth\"", &[2, 1]),
        ("labels = module:auth AND labels != type:smoke", &[2]),
        ("labels in (type:smoke, module:search) order by id asc", &[1, 3]),
        ("labels not in (module:auth)", &[3]),
        ("labels is EMPTY", &[4]),
        ("labels is not empty AND issuetype = Bug", &[3]),
        ("labels in (module:search, EMPTY)", &[4, 3]),
        ("issuetype = 'Test Case' or type = Task", &[4, 2, 1]),
        ("NOT (issuetype = \"Test Case\" OR issuetype = Task)", &[3]),
        ("! issuetype = Bug && priority = High", &[2]),
        ("status = Done", &[3]),
        ("statusCategory != Done AND resolution = EMPTY", &[4, 2, 1]),
        ("resolution is not EMPTY", &[3]),
        ("summary ~ login", &[1]),
        ("summary ~ log", &[2]),
        ("summary ~ \"log*\"", &[2, 1]),
        ("summary ~ \"works login\"", &[1]),
        ("summary ~ \"\\\"works login\\\"\"", &[]),
        ("summary !~ login order by key", &[2, 3, 4]),
        ("text ~ page", &[1]),
        ("description ~ \"open page\"", &[1]),
        ("description is EMPTY ORDER BY key", &[2, 3, 4]),
        ("test_case_id ~ TC_HOME_010", &[3]),
        ("cf[10101] ~ \"TC_HOME_010\"", &[3]),
        ("reporter = currentUser() AND assignee is EMPTY", &[4, 3, 2, 1]),
        ("reporter = 'qa@example.com' AND due < 2026-03-01", &[4]),
        ("created > -1d and created <= now()", &[4, 3, 2, 1]),
        ("updated >= startOfDay(-2) AND updated < \"2099/01/01 10:30\"", &[4, 3, 2, 1]),
        ("created < 2020-01-01", &[]),
        ("updated>=1554727910417", &[4, 3, 2, 1]),
        ("priority = Medium ORDER BY status DESC, key ASC", &[3, 1, 4]),
        ("project = CTB ORDER BY priority DESC, key ASC", &[2, 1, 3, 4]),
    ];
    for (jql, numbers) in cases {
        let keys: Vec<String> = numbers.iter().map(|n| format!("CTB-{n}")).collect();
        assert_eq!(site.found(jql).await, keys, "{jql}");
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_in_jiras_words() {
    let site = library().await;
    let cases = [
        ("", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
        (
            "ORDER BY created",
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ),
        ("project = NotExistedProject", "The value 'NotExistedProject' does not exist for the field 'project'."),
        ("nonsense = 1", "Field 'nonsense' does not exist or you do not have permission to view it."),
        (
            "issue.property[haida.hub].m = abc",
            "Field 'issue.property[haida.hub].m' does not exist or you do not have permission to view it.",
        ),
        ("issuetype = Nope", "The value 'Nope' does not exist for the field 'issuetype'."),
        ("status = Nope", "The value 'Nope' does not exist for the field 'status'."),
        ("key = CTB-99", "An issue with key 'CTB-99' does not exist for field 'key'."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("project ~ x", "The operator '~' is not supported by the 'project' field."),
        ("labels = 'a b'", "The label 'a b' can't contain spaces."),
        (
            "created > tomorrow",
            "Date value 'tomorrow' for field 'created' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
        ),
        ("created > someday()", "Unable to find JQL function 'someday()'."),
        ("project = CTB ORDER BY nonsense", "Not able to sort using field 'nonsense'."),
        (
            "project = CTB foo",
            "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'foo'. (line 1, character 15)",
        ),
        (
            "project =",
            "Error in the JQL Query: Expecting either a value, list or function before the end of the query.",
        ),
        (
            "project = \"CTB",
            "Error in the JQL Query: The quoted string 'CTB' has not been completed. (line 1, character 11)",
        ),
        ("(project = CTB", "Error in the JQL Query: Expecting ')' before the end of the query."),
        (
            "reporter = qa@example.com",
            "Error in the JQL Query: The character '@' is a reserved JQL character. You must enclose it in a string or use the escape '\\u0040' instead. (line 1, character 14)",
        ),
    ];
    for (jql, message) in cases {
        let got = site.post("search/jql", json!({"jql": jql})).await;
        assert_eq!(got.messages(400), [message], "{jql}");
        let count = site.post("search/approximate-count", json!({"jql": jql})).await;
        assert_eq!(count.status, 400, "{jql}");
    }
    for jql in [
        "project CTB",
        "and",
        "project in (",
        "project in (CTB",
        "not",
        ")",
        "project = CTB and",
        "= x",
        "project is x",
        "x !",
        "project = CTB order key",
        "''",
    ] {
        let got = site.post("search/jql", json!({"jql": jql})).await;
        assert_eq!(got.messages(400).len(), 1, "{jql}");
    }
    let both = site.post("search/jql", json!({"jql": "project = A OR project = B"})).await;
    assert_eq!(both.messages(400).len(), 2);
}

#[tokio::test]
async fn ids_only_unless_fields_are_asked_for() {
    let site = library().await;
    let got = site.post("search/jql", json!({"jql": "key = CTB-1"})).await.with(200);
    assert_eq!(got, json!({"issues": [{"id": "10001"}], "isLast": true}));
    let got = site.get("search/jql?jql=key%3DCTB-1&fields=summary&fields=labels").await.with(200);
    assert_eq!(got["issues"][0]["key"], "CTB-1");
    assert_eq!(got["issues"][0]["fields"], json!({"labels": ["module:auth", "type:smoke"], "summary": "Login works"}));
    let nulls =
        json!({"jql": "key = CTB-1", "expand": null, "properties": null, "reconcileIssues": [], "fields": ["summary"]});
    site.post("search/jql", nulls).await.with(200);
    let all = site
        .post("search/jql", json!({"jql": "key = CTB-1", "fields": ["*all"], "expand": "names,schema"}))
        .await
        .with(200);
    assert_eq!(all["names"]["summary"], "Summary");
    assert_eq!(all["schema"]["labels"]["type"], "array");
    assert_eq!(
        site.post("search/approximate-count", json!({"jql": "labels = module:auth"})).await.with(200),
        json!({"count": 2})
    );
}

#[tokio::test]
async fn properties_come_with_a_search_but_cannot_be_searched() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    site.put(&format!("issue/{key}/properties/haida.hub"), json!({"m": "a"})).await.with(201);
    let got = site.post("search/jql", json!({"jql": "project = CTB", "properties": ["haida.hub"]})).await.with(200);
    assert_eq!(got["issues"][0]["properties"], json!({"haida.hub": {"m": "a"}}));
    let six = json!({"jql": "project = CTB", "properties": ["a", "b", "c", "d", "e", "f"]});
    assert_eq!(site.post("search/jql", six).await.status, 400);
}

async fn many(site: &Site, count: usize) {
    let updates: Vec<Value> = (0..count).map(|n| json!({"fields": super::fields("Task", &format!("n{n}"))})).collect();
    for chunk in updates.chunks(50) {
        site.post("issue/bulk", json!({"issueUpdates": chunk})).await.with(201);
    }
}

#[tokio::test]
async fn pages_follow_a_token_and_the_last_has_none() {
    let site = Site::new().await;
    many(&site, 130).await;
    let mut token = Value::Null;
    let mut seen: Vec<String> = Vec::new();
    let mut pages = 0;
    loop {
        let mut body = json!({"jql": "project = CTB ORDER BY key ASC", "maxResults": 40, "fields": ["summary"]});
        if token.is_string() {
            body["nextPageToken"] = token.clone();
        }
        let page = site.post("search/jql", body).await.with(200);
        assert!(page.get("total").is_none() && page.get("startAt").is_none());
        pages += 1;
        seen.extend(page["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap().to_owned()));
        if page["isLast"] == true {
            assert!(page.get("nextPageToken").is_none());
            break;
        }
        token = page["nextPageToken"].clone();
        // What happens between two pages does not shift them.
        if pages == 1 {
            site.delete("issue/CTB-1").await.with(204);
        }
    }
    let expected: Vec<String> = (1..=130).map(|n| format!("CTB-{n}")).collect();
    assert_eq!((pages, seen), (4, expected));
}

#[tokio::test]
async fn a_page_is_shorter_with_fields_and_a_foreign_token_is_refused() {
    let site = Site::new().await;
    many(&site, 130).await;
    let size = async |body: Value| site.post("search/jql", body).await.with(200)["issues"].as_array().unwrap().len();
    assert_eq!(size(json!({"jql": "project = CTB"})).await, 50);
    assert_eq!(size(json!({"jql": "project = CTB", "maxResults": 5000})).await, 130);
    assert_eq!(size(json!({"jql": "project = CTB", "maxResults": 5000, "fields": ["summary"]})).await, 100);
    let token = site.post("search/jql", json!({"jql": "project = CTB"})).await.with(200)["nextPageToken"].clone();
    for body in [
        json!({"jql": "project in (CTB)", "nextPageToken": token}),
        json!({"jql": "project = CTB", "nextPageToken": "nonsense"}),
        json!({"jql": "project = CTB", "maxResults": 0}),
        json!({"jql": "project = CTB", "maxResults": -1}),
        json!({"jql": "project = CTB", "startAt": 50}),
        json!({"jql": 1}),
        json!({"jql": "project = CTB", "fields": "summary"}),
    ] {
        assert_eq!(site.post("search/jql", body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn the_removed_search_says_where_to_go() {
    let site = Site::new().await;
    for path in ["/rest/api/3/search", "/rest/api/2/search", "/rest/api/latest/search"] {
        for got in
            [site.get(&format!("{path}?jql=project=CTB")).await, site.post(path, json!({"jql": "project = CTB"})).await]
        {
            assert_eq!(
                got.messages(410),
                [
                    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration \
                  guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
                ]
            );
        }
    }
}

#[tokio::test]
async fn search_lags_behind_and_reads_by_key_do_not() {
    let site = Site::with(Options { search_lag: Duration::from_secs(3_600), ..Options::default() }).await;
    let key = site.create("Task", "fresh", json!({"labels": ["a"]})).await;
    let all = "project = CTB";
    assert_eq!(site.found(all).await, Vec::<String>::new());
    assert_eq!(site.post("search/approximate-count", json!({"jql": all})).await.with(200)["count"], 0);
    assert_eq!(site.get(&format!("issue/{key}")).await.status, 200);
    let fetched = site.post("issue/bulkfetch", json!({"issueIdsOrKeys": [key]})).await.with(200);
    assert_eq!(fetched["issues"].as_array().unwrap().len(), 1);
    let reconciled = async |body: Value| site.post("search/jql", body).await;
    let got = reconciled(json!({"jql": all, "reconcileIssues": [10001], "fields": ["summary"]})).await.with(200);
    assert_eq!(got["issues"][0]["key"], key.as_str());
    // An id that the query does not match is not forced into the result.
    let got = reconciled(json!({"jql": "labels = b", "reconcileIssues": [10001]})).await.with(200);
    assert_eq!(got["issues"], json!([]));
    let many: Vec<u64> = (0..51).collect();
    assert_eq!(reconciled(json!({"jql": all, "reconcileIssues": many})).await.status, 400);
    assert_eq!(reconciled(json!({"jql": all, "reconcileIssues": ["x"]})).await.status, 400);
}

#[tokio::test]
async fn the_index_catches_up() {
    let site = Site::with(Options { search_lag: Duration::from_millis(150), ..Options::default() }).await;
    let key = site.create("Task", "one", json!({"labels": ["a"]})).await;
    let appears = async |jql: &str| {
        for _ in 0..100 {
            if site.found(jql).await == [key.as_str()] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{jql} never found the issue");
    };
    appears("labels = a").await;
    site.put(&format!("issue/{key}"), json!({"fields": {"labels": ["b"]}})).await.with(204);
    // The index still has the old label, and the row read through it the new one.
    let stale = site.post("search/jql", json!({"jql": "labels = a", "fields": ["labels"]})).await.with(200);
    assert_eq!(stale["issues"][0]["fields"]["labels"], json!(["b"]));
    appears("labels = b").await;
}
