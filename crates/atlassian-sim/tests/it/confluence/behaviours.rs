//! What a test can switch on, and callers without an account.

use reqwest::Method;
use serde_json::json;

use super::Site;

#[tokio::test]
async fn a_fresh_page_can_be_missing_and_in_conflict_for_a_while() {
    let site = Site::new().await;
    site.behave(json!({"missing_after_create_ms": 600_000, "conflict_after_create_ms": 600_000})).await;
    let id = site.page("Fresh", "<p/>").await;
    let path = format!("/wiki/api/v2/pages/{id}");
    assert_eq!(site.get(&path).await.refusal(), (404, format!("Cannot find a page with id [{id}]")));
    let (status, title) = site.try_update(&id, 2, "Fresh", "<p>2</p>").await.refusal();
    assert!(status == 409 && title.contains("Attempted to update stale data"), "{title}");
    // Lists read elsewhere and do see it.
    assert_eq!(site.get("/wiki/api/v2/pages?title=fresh").await.good()["results"][0]["id"], id.as_str());
    site.behave(json!({"missing_after_create_ms": 1, "conflict_after_create_ms": 1})).await;
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    site.get(&path).await.good();
    site.try_update(&id, 2, "Fresh", "<p>2</p>").await.good();
}

#[tokio::test]
async fn behaviours_are_named_exactly_and_a_reset_restores_them() {
    let site = Site::new().await;
    let start = site.get("/_sim/confluence").await.good();
    assert_eq!(start["trashed_holds_title"], true);
    for bad in [json!({"no_such_behaviour": true}), json!({"search_lag_ms": "long"}), json!([1])] {
        assert_eq!(site.put("/_sim/confluence", bad).await.status, 400);
    }
    site.behave(json!({"v1_content": true})).await;
    site.page("Page", "<p/>").await;
    assert_eq!(site.send(Method::POST, "/_sim/reset", None).await.status, 204);
    assert_eq!(site.get("/_sim/confluence").await.good(), start);
    assert_eq!(site.get("/_sim/state").await.good()["confluence"]["pages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_wrong_or_missing_token_reads_and_writes_nothing() {
    let site = Site::new().await;
    let id = site.page("Secret", "<p/>").await;
    let one = format!("/wiki/api/v2/pages/{id}");
    let new = json!({"spaceId": site.space, "title": "By a stranger", "body": {"representation": "storage", "value": "<p/>"}});
    for token in [Some("wrong"), None] {
        for (method, path, body) in [
            (Method::GET, one.as_str(), None),
            (Method::GET, "/wiki/api/v2/spaces", None),
            (Method::POST, "/wiki/api/v2/pages", Some(new.clone())),
            (Method::DELETE, one.as_str(), None),
        ] {
            let got = site.send_as(token, method, path, body).await;
            assert_eq!(got.refusal().0, 401, "{path}");
            assert_eq!(got.login_reason.as_deref(), Some("AUTHENTICATED_FAILED"));
        }
        assert_eq!(site.send_as(token, Method::GET, "/wiki/rest/api/user/current", None).await.v1_refusal().0, 401);
    }
    // As sites were observed: everything is hidden, and only the bare words tell it from a missing page.
    site.behave(json!({"hidden_from_strangers": true})).await;
    assert_eq!(site.send_as(Some("wrong"), Method::GET, &one, None).await.refusal(), (404, "Not Found".to_owned()));
    let (status, message) = site.send_as(None, Method::GET, "/wiki/rest/api/user/current", None).await.v1_refusal();
    assert!(status == 403 && message.contains("caller cannot access Confluence"), "{message}");
    let (status, message) =
        site.send_as(None, Method::GET, "/wiki/rest/api/search?cql=type=page", None).await.v1_refusal();
    assert_eq!((status, message.as_str()), (403, "Current user not permitted to use Confluence"));
    // A site with public access answers a stranger's lists with nothing in them: a trap for "not found, so create".
    site.behave(json!({"anonymous_reads": true})).await;
    let list = site.send_as(Some("wrong"), Method::GET, "/wiki/api/v2/pages?title=secret", None).await;
    assert_eq!(list.login_reason.as_deref(), Some("AUTHENTICATED_FAILED"));
    assert_eq!(list.good()["results"], json!([]));
    assert_eq!(site.send_as(Some("wrong"), Method::GET, &one, None).await.status, 404);
    assert_eq!(site.send_as(Some("wrong"), Method::POST, "/wiki/api/v2/pages", Some(new)).await.status, 404);
    assert_eq!(site.get("/_sim/state").await.good()["confluence"]["pages"].as_array().map(Vec::len), Some(2));
    let me = site.get("/wiki/rest/api/user/current").await.good();
    assert_eq!((&me["email"], &me["type"]), (&json!("qa@example.com"), &json!("known")));
    let id = me["accountId"].as_str().unwrap();
    assert_eq!(site.get(&format!("/wiki/rest/api/user?accountId={id}")).await.good(), me);
    assert_eq!(site.get("/wiki/rest/api/user?accountId=x").await.v1_refusal().0, 404);
    assert_eq!(site.get("/wiki/rest/api/user").await.v1_refusal().0, 400);
}
