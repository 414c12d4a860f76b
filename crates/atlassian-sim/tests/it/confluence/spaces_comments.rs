//! Spaces and footer comments.

use atlassian_sim::Options;
use serde_json::{Value, json};

use super::{Site, column};

#[tokio::test]
async fn spaces_are_found_by_key_in_any_case_and_by_id() {
    let spaces = ["CTB:Core test base", "OPS", "ctb"].map(str::to_owned).to_vec();
    let site = Site::with(Options { spaces, ..Options::default() }).await;
    let all = site.get("/wiki/api/v2/spaces").await.good();
    assert_eq!(column(&all, "key"), ["CTB", "OPS"]);
    assert_eq!(all["results"][0]["name"], "Core test base");
    for (query, expected) in [
        ("keys=ops&keys=CTB", vec!["CTB", "OPS"]),
        ("keys=Ops", vec!["OPS"]),
        ("keys=CTB,OPS&sort=-key", vec!["OPS", "CTB"]),
        ("keys=NOPE", vec![]),
        ("type=global&status=current", vec!["CTB", "OPS"]),
        ("type=personal", vec![]),
        ("status=archived", vec![]),
        ("labels=x", vec![]),
        ("limit=1&sort=name", vec!["CTB"]),
    ] {
        assert_eq!(column(&site.get(&format!("/wiki/api/v2/spaces?{query}")).await.good(), "key"), expected, "{query}");
    }
    let by_id = site.get(&format!("/wiki/api/v2/spaces?ids={}", site.space)).await.good();
    assert_eq!(column(&by_id, "key"), ["CTB"]);
    let one = site.get(&format!("/wiki/api/v2/spaces/{}", site.space)).await.good();
    assert_eq!(
        (&one["homepageId"], &one["status"], &one["type"]),
        (&json!(site.home), &json!("current"), &json!("global"))
    );
    assert_eq!(site.get("/wiki/api/v2/spaces/999999").await.refusal().0, 404);
    let old = site.get("/wiki/rest/api/space/OPS?expand=homepage").await.good();
    assert!(old["id"].is_u64() && old["homepage"]["title"] == "OPS Home", "{old}");
    let (status, message) = site.get("/wiki/rest/api/space/NOPE").await.v1_refusal();
    assert!(status == 404 && message.contains("No space found with key : NOPE"));
    let roots = site.get("/wiki/rest/api/space/CTB/content/page?depth=root").await.good();
    assert_eq!(roots["results"][0]["_links"]["webui"], "/spaces/CTB/overview");
}

#[tokio::test]
async fn spaces_are_created_once_and_deleted() {
    let site = Site::new().await;
    let made = site
        .post(
            "/wiki/api/v2/spaces",
            json!({"name": "Client two", "description": {"value": "d", "representation": "plain"}}),
        )
        .await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["key"], "CLIENTTWO");
    let home = made["homepageId"].as_str().unwrap();
    assert_eq!(site.get(&format!("/wiki/api/v2/pages/{home}")).await.good()["title"], "Client two Home");
    for bad in [
        json!({"name": "Client", "key": "clienttwo"}),
        json!({"name": "x", "key": "a b"}),
        json!({"key": "X"}),
        json!({"name": "  ", "key": "X"}),
    ] {
        assert_eq!(site.post("/wiki/api/v2/spaces", bad).await.refusal().0, 400);
    }
    let old = site.post("/wiki/rest/api/space", json!({"key": "OLD", "name": "Old"})).await.good();
    assert_eq!(old["key"], "OLD");
    assert_eq!(site.post("/wiki/rest/api/space", json!({"key": "OLD", "name": "Old"})).await.v1_refusal().0, 400);
    assert_eq!(site.delete("/wiki/rest/api/space/old").await.status, 202);
    assert_eq!(column(&site.get("/wiki/api/v2/spaces?keys=OLD").await.good(), "id"), [""; 0]);
    assert_eq!(site.delete("/wiki/rest/api/space/OLD").await.v1_refusal().0, 404);
}

#[tokio::test]
async fn comments_are_written_answered_changed_and_deleted() {
    let site = Site::new().await;
    let page = site.page("Report", "<p/>").await;
    let path = "/wiki/api/v2/footer-comments";
    let body = |text: &str| json!({"representation": "storage", "value": format!("<p>{text}</p>")});
    let first = site.post(path, json!({"pageId": page, "body": body("first")})).await;
    assert_eq!(first.status, 201);
    let first = first.json();
    let id = first["id"].as_str().unwrap();
    let answer = site.post(path, json!({"parentCommentId": id, "body": body("answer")})).await.json();
    assert_eq!((&answer["parentCommentId"], &answer["pageId"]), (&json!(id), &json!(page)));
    let of_page = site.get(&format!("/wiki/api/v2/pages/{page}/footer-comments?body-format=storage")).await.good();
    assert_eq!(column(&of_page, "id"), [id]);
    assert!(of_page["results"][0]["body"]["storage"]["value"].as_str().unwrap().contains("first"));
    assert_eq!(site.get(&format!("{path}/{id}/children")).await.good()["results"][0]["id"], answer["id"]);
    assert_eq!(column(&site.get(&format!("{path}?sort=-created-date")).await.good(), "id").len(), 2);
    let one = format!("{path}/{id}");
    let stale = json!({"version": {"number": 1}, "body": body("stale")});
    assert_eq!(site.put(&one, stale).await.refusal().0, 409);
    let changed =
        site.put(&one, json!({"version": {"number": 2, "message": "m"}, "body": body("second")})).await.good();
    assert_eq!(changed["version"]["number"], 2);
    let state = site.get("/_sim/state").await.good();
    assert_eq!(state["confluence"]["comments"][0]["body"], "<p>second</p>");
    for (bad, expected) in [
        (json!({"body": body("x")}), 400),
        (json!({"pageId": page, "parentCommentId": id, "body": body("x")}), 400),
        (json!({"pageId": "999999", "body": body("x")}), 404),
        (json!({"parentCommentId": "999999", "body": body("x")}), 404),
        (json!({"pageId": page}), 400),
    ] {
        assert_eq!(site.post(path, bad.clone()).await.refusal().0, expected, "{bad}");
    }
    assert_eq!(site.delete(&one).await.status, 204);
    assert_eq!(site.get(&one).await.refusal().0, 404);
    assert_eq!(site.get("/_sim/state").await.good()["confluence"]["comments"], Value::Array(vec![]));
}
