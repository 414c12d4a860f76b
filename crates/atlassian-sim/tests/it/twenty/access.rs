//! Behaviours about who calls: bad tokens, Data Center's dialect, OAuth.

use std::time::{Duration, Instant};

use atlassian_sim::{CLOUD_ID, Options};
use reqwest::Method;
use serde_json::{Value, json};

use super::{bearer, data_center};
use crate::faults::play;
use crate::jira::{Site, doc, fields};

#[tokio::test]
async fn behaviour_03_a_bad_token_reads_an_empty_site_and_is_told_in_a_header_only() {
    let site = Site::with(Options { scoped_token: Some("scoped".to_owned()), ..Options::default() }).await;
    let key = site.create("Task", "s", json!({})).await;
    let wrong =
        async |method: Method, path: &str, body: Option<&Value>| site.call(Some("expired"), method, path, body).await;
    let search = json!({"jql": "project = CTB"});
    for (method, path, body) in [
        (Method::POST, "search/jql", Some(&search)),
        (Method::POST, "issue/bulkfetch", Some(&json!({"issueIdsOrKeys": [key]}))),
        (Method::GET, "project", None),
    ] {
        let got = wrong(method, path, body).await;
        assert_eq!(got.header("x-seraph-loginreason"), Some("AUTHENTICATED_FAILED"), "{path}");
        let body = got.with(200);
        let list = body.get("issues").unwrap_or(&body);
        assert_eq!(*list, json!([]), "{path}");
    }
    assert_eq!(wrong(Method::GET, "myself", None).await.status, 401);
    assert_eq!(wrong(Method::POST, "issue", Some(&json!({"fields": fields("Task", "x")}))).await.status, 401);
    // A scoped token is refused on the site's own address, and good through the gateway.
    for path in ["search/jql", "issue/bulkfetch"] {
        assert_eq!(site.call(Some("scoped"), Method::POST, path, Some(&search)).await.status, 401, "{path}");
    }
    let cloud = site.call(None, Method::GET, "/_edge/tenant_info", None).await.with(200)["cloudId"].clone();
    let through = |rest: &str| format!("/ex/jira/{}/{rest}", cloud.as_str().unwrap());
    let got =
        site.call(Some("scoped"), Method::GET, &through(&format!("rest/api/3/issue/{key}")), None).await.with(200);
    assert_eq!(got["key"], key);
    assert_eq!(site.call(Some("expired"), Method::GET, &through("rest/api/3/project"), None).await.status, 401);
    let pages = format!("/ex/confluence/{}/wiki/api/v2/pages", cloud.as_str().unwrap());
    site.call(Some("scoped"), Method::GET, &pages, None).await.with(200);
    // Data Center sends a stranger to its login page, with 200.
    let old = data_center(Options::default()).await;
    for path in ["/rest/api/2/search?jql=project=CTB", "/rest/api/2/issue/CTB-1", "/rest/api/content"] {
        let got = bearer(&old, "expired", Method::GET, path, None).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some("text/html;charset=UTF-8")), "{path}");
    }
    assert_eq!(bearer(&old, "expired", Method::GET, "/rest/api/2/myself", None).await.status, 401);
}

#[tokio::test]
async fn behaviour_19_data_center_speaks_a_dialect_of_its_own() {
    let lag = Duration::from_secs(3_600);
    let site = data_center(Options { nodes: 2, search_lag: lag, ..Options::default() }).await;
    let call = async |method: Method, path: &str, body: Option<Value>| {
        bearer(&site, "sim-token", method, &format!("/rest/api/2/{path}"), body.as_ref()).await
    };
    // A personal access token is a bearer's and no password.
    let me = call(Method::GET, "myself", None).await.with(200);
    assert!(me.get("accountId").is_none() && me["name"] == "qa", "{me}");
    assert_eq!(site.get("/rest/api/2/myself").await.status, 401);
    assert_eq!(call(Method::GET, "serverInfo", None).await.with(200)["deploymentType"], "Server");
    // Wiki markup, users by name, and no document.
    let text = "h1. Title\n\n* a\n* b";
    let mut body = json!({"fields": fields("Task", "s")});
    body["fields"]["description"] = json!(text);
    body["fields"]["assignee"] = json!({"name": "qa"});
    body["properties"] = json!([{"key": "haida.hub", "value": {"m": "x"}}]);
    let made = call(Method::POST, "issue", Some(body.clone())).await.with(201);
    let key = made["key"].as_str().unwrap();
    let got = call(Method::GET, &format!("issue/{key}?properties=haida.hub"), None).await;
    let read = got.with(200);
    assert_eq!((&read["fields"]["description"], &read["properties"]["haida.hub"]["m"]), (&json!(text), &json!("x")));
    assert_eq!((&read["fields"]["assignee"]["name"], read.to_string().contains("accountId")), (&json!("qa"), false));
    body["fields"]["description"] = doc("x");
    let refused = call(Method::POST, "issue", Some(body.clone())).await;
    assert_eq!(refused.field_error("description"), "Operation value must be a string");
    body["fields"]["description"] = json!("x");
    body["fields"]["assignee"] = json!({"accountId": "1"});
    body["fields"]["summary"] = json!("s".repeat(256));
    let refused = call(Method::POST, "issue", Some(body)).await;
    assert_eq!(refused.field_error("summary"), "Summary must be less than 255 characters.");
    // Nothing that only Cloud has.
    for path in ["search/jql", "issue/bulkfetch", "bulk/issues/fields", "issue/properties/multi", "issue/createmeta"] {
        assert_eq!(call(Method::POST, path, Some(json!({}))).await.status, 404, "{path}");
    }
    assert_eq!(bearer(&site, "sim-token", Method::GET, "/rest/api/3/myself", None).await.status, 404);
    // Metadata by project, in pages.
    let types = call(Method::GET, "issue/createmeta/CTB/issuetypes", None).await.with(200);
    assert!(types["values"].as_array().unwrap().len() as u64 == types["total"].as_u64().unwrap(), "{types}");
    let id = types["values"][0]["id"].as_str().unwrap();
    let meta = call(Method::GET, &format!("issue/createmeta/CTB/issuetypes/{id}"), None).await.with(200);
    assert!(meta["values"].as_array().unwrap().iter().any(|field| field["fieldId"] == "summary"), "{meta}");
    assert_eq!(call(Method::GET, "issue/createmeta/NOPE/issuetypes", None).await.status, 400);
    // Each node has an index, and calls go to the nodes in turn: the one that wrote finds it, the other one does not.
    let mut by_node = std::collections::BTreeMap::new();
    for _ in 0..4 {
        let got = call(Method::GET, "search?jql=project%20%3D%20CTB", None).await;
        let node = got.header("x-anodeid").unwrap().to_owned();
        by_node.entry(node).or_insert_with(Vec::new).push(got.with(200)["total"].clone());
    }
    let mut found: Vec<Vec<Value>> = by_node.into_values().collect();
    found.sort_by_key(|totals| totals[0].as_u64());
    assert_eq!(found, [[json!(0), json!(0)], [json!(1), json!(1)]]);
    // A bucket for the user, told on every answer.
    play(&site, "[limits]\nuser_bucket = { size = 3, fill = 1, interval_seconds = 60 }").await;
    for left in ["2", "1"] {
        let got = call(Method::GET, "serverInfo", None).await;
        let told = [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-interval-seconds",
            "x-ratelimit-fillrate",
            "retry-after",
        ]
        .map(|name| got.header(name));
        assert_eq!((got.status, told), (200, [Some("3"), Some(left), Some("60"), Some("1"), Some("0")]));
    }
    call(Method::GET, "myself", None).await.with(200);
    let got = call(Method::GET, "myself", None).await;
    assert_eq!((got.status, got.header("x-ratelimit-remaining")), (429, Some("0")));
    assert!((1..=60).contains(&got.header("retry-after").unwrap().parse::<u64>().unwrap()));
    play(&site, "").await;
    // Confluence: pages, labels and properties below /rest/api, without v2.
    let page = json!({"type": "page", "title": "P", "space": {"key": "CTB"}, "body": {"storage": {"value": "<p/>", "representation": "storage"}}, "metadata": {"properties": {"k": {"value": 1}}}});
    let made = bearer(&site, "sim-token", Method::POST, "/rest/api/content", Some(&page)).await.with(200);
    let path = format!("/rest/api/content/{}/property/k", made["id"].as_str().unwrap());
    assert_eq!(bearer(&site, "sim-token", Method::GET, &path, None).await.with(200)["value"], 1);
    assert_eq!(bearer(&site, "sim-token", Method::GET, "/wiki/api/v2/pages", None).await.status, 404);
}

/// Asks for another pair of tokens.
async fn refresh(site: &Site, token: &Value) -> crate::jira::Got {
    let body = json!({"grant_type": "refresh_token", "client_id": "sim-client", "client_secret": "sim-secret", "refresh_token": token});
    site.call(None, Method::POST, "/oauth/token", Some(&body)).await
}

#[tokio::test]
async fn behaviour_20_refresh_tokens_are_good_once_and_v1_content_is_gone() {
    let site = Site::new().await;
    let myself = format!("/ex/jira/{CLOUD_ID}/rest/api/3/myself");
    let consent = async || site.call(None, Method::POST, "/_sim/oauth", None).await.with(200);
    let lives = async |change: Value| site.call(None, Method::PUT, "/_sim/oauth", Some(&change)).await.with(200);
    let works = async |pair: &Value| {
        bearer(&site, pair["access_token"].as_str().unwrap(), Method::GET, &myself, None).await.status
    };
    let first = consent().await;
    assert_eq!((first["expires_in"].as_f64(), works(&first).await), (Some(3_600.0), 200));
    assert_eq!(
        bearer(&site, first["access_token"].as_str().unwrap(), Method::GET, "/rest/api/3/myself", None).await.status,
        401
    );
    let second = refresh(&site, &first["refresh_token"]).await.with(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(works(&second).await, 200);
    // Within the leeway of ten minutes the old one is taken again: its answer may have been lost.
    let again = refresh(&site, &first["refresh_token"]).await.with(200);
    assert_ne!(again["refresh_token"], second["refresh_token"]);
    // Outside of it a second use ends the family, the newest token included.
    lives(json!({"leeway_seconds": 0})).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    for token in [&first, &second, &again] {
        let got = refresh(&site, &token["refresh_token"]).await.with(403);
        assert_eq!(got, json!({"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}));
    }
    // Another consent is another family.
    let other = consent().await;
    refresh(&site, &other["refresh_token"]).await.with(200);
    // Ninety days without use, 365 in all, and an hour for an access token.
    let defaults = lives(json!({})).await;
    assert_eq!((&defaults["idle_seconds"], &defaults["absolute_seconds"]), (&json!(7_776_000.0), &json!(31_536_000.0)));
    for over in [json!({"idle_seconds": 0.01}), json!({"absolute_seconds": 0.01})] {
        lives(over.clone()).await;
        let pair = consent().await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(refresh(&site, &pair["refresh_token"]).await.status, 403, "{over}");
    }
    lives(json!({"access_seconds": 0.05})).await;
    let pair = consent().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while works(&pair).await != 401 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The answer of a rotation can be lost like any other, and the tokens are in no log.
    lives(json!({})).await;
    let pair = consent().await;
    play(&site, r#"rule = [{ match = { path = "/oauth/token", first = 1 }, fault = { kind = "server-error", commit = "after" } }]"#).await;
    assert_eq!(refresh(&site, &pair["refresh_token"]).await.status, 503);
    refresh(&site, &pair["refresh_token"]).await.with(200);
    // v1 content is gone on Cloud; labels, attachments and search of v1 are not.
    let page = super::page(&site, "P", "<p/>").await;
    for path in ["/wiki/rest/api/content".to_owned(), format!("/wiki/rest/api/content/{page}")] {
        assert_eq!(site.get(&path).await.status, 410, "{path}");
    }
    site.get(&format!("/wiki/rest/api/content/{page}/label")).await.with(200);
    let label = json!([{"prefix": "global", "name": "x"}]);
    site.post(&format!("/wiki/rest/api/content/{page}/label"), label).await.with(200);
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"log.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nlines\r\n--b--\r\n";
    let upload = async |method: Method, token: &str| {
        let url = format!("{}/wiki/rest/api/content/{page}/child/attachment", site.running.url);
        let request = site.client.request(method, url).basic_auth("qa@example.com", Some("sim-token"));
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(form);
        Site::received(request.header("x-atlassian-token", token)).await
    };
    assert_eq!(upload(Method::POST, "").await.status, 403);
    upload(Method::POST, "nocheck").await.with(200);
    assert_eq!(upload(Method::POST, "nocheck").await.status, 400, "the name is there already");
    assert_eq!(upload(Method::PUT, "nocheck").await.with(200)["results"][0]["version"]["number"], 2);
    let listed = site.get(&format!("/wiki/api/v2/pages/{page}/attachments")).await.with(200);
    assert_eq!((&listed["results"][0]["title"], &listed["results"][0]["fileSize"]), (&json!("log.txt"), &json!(5)));
    site.get("/wiki/rest/api/search?cql=type%3Dpage").await.with(200);
    site.get("/wiki/rest/api/content/search?cql=type%3Dpage").await.with(200);
}
