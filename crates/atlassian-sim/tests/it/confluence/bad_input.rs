//! What is refused, with which status, and that nothing stays of it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, update};

async fn titles(site: &Site) -> usize {
    site.get("/_sim/state").await.good()["confluence"]["pages"].as_array().unwrap().len()
}

#[tokio::test]
async fn broken_storage_refuses_the_whole_page_and_keeps_the_old_one() {
    let site = Site::new().await;
    let id = site.page("Report", "<p>good</p>").await;
    let before = titles(&site).await;
    let cases = [
        ("<p>a & b</p>", "Unexpected character ' ' (code 32) (missing name?)\n at [row,col {unknown-source}]: [1,7]"),
        ("<p><a href=\"?a=1&logo=2\">x</a></p>", "expected a semi-colon after the reference for entity 'logo'"),
        ("<p>one\n<br></p>", "Unexpected close tag </p>; expected </br>.\n at [row,col {unknown-source}]: [2,8]"),
        ("<p>&bogus;</p>", "Undeclared general entity \"bogus\""),
        ("<p>a\u{b}b</p>", "Illegal character ((CTRL-CHAR, code 11))"),
        (
            "<ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[a]]>b]]></ac:plain-text-body></ac:structured-macro>",
            "String ']]>' not allowed",
        ),
        ("<script>alert(1)</script", "in end tag Expected '>'"),
    ];
    for (storage, expected) in cases {
        for got in [
            site.try_page("New", storage, json!({})).await,
            site.try_update(&id, 2, "Report", storage).await,
            site.post(
                "/wiki/api/v2/footer-comments",
                json!({"pageId": id, "body": {"representation": "storage", "value": storage}}),
            )
            .await,
        ] {
            let (status, title) = got.refusal();
            assert_eq!(status, 400);
            assert!(title.starts_with("Error parsing xhtml: ") && title.contains(expected), "{storage}: {title}");
        }
    }
    assert_eq!(titles(&site).await, before);
    assert_eq!(site.truth(&id).await["version"], 1);
    for (title, storage) in [("Entities", "<p>&nbsp;&eacute;&#160;&hellip;</p>"), ("Emoji", "<p>😀 ñ</p>")] {
        site.page(title, storage).await;
    }
}

#[tokio::test]
async fn a_body_above_five_megabytes_is_too_large_and_one_below_is_not() {
    let site = Site::new().await;
    let body = |size: usize| format!("<p>{}</p>", "x".repeat(size - 7));
    assert_eq!(site.try_page("Large", &body(5_242_881), json!({})).await.refusal().0, 413);
    let id = site.page("Just so", &body(5_242_880)).await;
    assert_eq!(site.try_update(&id, 2, "Just so", &body(5_242_881)).await.refusal().0, 413);
}

#[tokio::test]
async fn creates_that_cannot_be_are_refused() {
    let site = Site::new().await;
    let space = site.space.clone();
    let storage = json!({"representation": "storage", "value": "<p/>"});
    let cases: Vec<(Value, u16)> = vec![
        (json!({"title": "x", "body": storage}), 400),
        (json!({"spaceId": "CTB", "title": "x", "body": storage}), 400),
        (json!({"spaceId": "999999", "title": "x", "body": storage}), 404),
        (json!({"spaceId": space, "body": storage}), 400),
        (json!({"spaceId": space, "title": "   ", "body": storage}), 400),
        (json!({"spaceId": space, "title": "x".repeat(256), "body": storage}), 400),
        (json!({"spaceId": space, "title": "x", "status": "archived", "body": storage}), 400),
        (json!({"spaceId": space, "title": "x", "parentId": "999999", "body": storage}), 404),
        (json!({"spaceId": space, "title": "x", "parentId": "home", "body": storage}), 400),
        (json!({"spaceId": space, "title": "x", "body": {"representation": "markdown", "value": "# x"}}), 400),
        (json!({"spaceId": space, "title": "x", "body": {"value": "<p/>"}}), 400),
        (json!({"spaceId": space, "title": "x", "body": {"representation": "storage", "value": 5}}), 400),
        (json!({"spaceId": space, "title": "x", "body": {"html": "<p/>"}}), 400),
        (json!({"spaceId": space, "title": "x", "body": {"representation": "atlas_doc_format", "value": "<p/>"}}), 400),
        (json!([1, 2]), 400),
    ];
    for (body, expected) in cases {
        let got = site.post("/wiki/api/v2/pages", body.clone()).await;
        assert_eq!(got.refusal().0, expected, "{body}: {}", got.text);
    }
    assert_eq!(site.send_raw(Method::POST, "/wiki/api/v2/pages", "{\"spaceId\":").await.refusal().0, 400);
    assert_eq!(site.send_raw(Method::POST, "/wiki/api/v2/pages", "").await.refusal().0, 400);
    assert_eq!(titles(&site).await, 1);
    site.try_page(&"x".repeat(255), "<p/>", json!({})).await.good();
}

#[tokio::test]
async fn updates_need_every_required_field_and_stay_in_their_space() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/api/v2/pages/{id}");
    for field in ["id", "status", "title", "body", "version"] {
        let mut body = update(&id, 2, "Report", "<p/>");
        body.as_object_mut().unwrap().remove(field);
        let (status, title) = site.put(&path, body).await.refusal();
        assert_eq!(status, 400);
        assert!(title.contains(field), "{title}");
    }
    let other = site.post("/wiki/api/v2/spaces", json!({"name": "Other", "key": "OTH"})).await.good();
    for (field, value, expected) in [
        ("id", json!("1"), 400),
        ("spaceId", other["id"].clone(), 400),
        ("status", json!("archived"), 400),
        ("version", json!({"message": "no number"}), 400),
        ("version", json!({"number": "two"}), 400),
        ("title", json!(7), 400),
        ("parentId", other["homepageId"].clone(), 400),
    ] {
        let mut body = update(&id, 2, "Report", "<p/>");
        body[field] = value;
        assert_eq!(site.put(&path, body.clone()).await.refusal().0, expected, "{body}");
    }
    let mut body = update(&id, 2, "Report", "<p/>");
    body["spaceId"] = json!(site.space);
    site.put(&path, body).await.good();
    assert_eq!(
        site.try_update("999999", 2, "x", "<p/>").await.refusal(),
        (404, "Cannot find a page with id [999999]".to_owned())
    );
}

#[tokio::test]
async fn parameters_of_the_wrong_kind_are_named() {
    let site = Site::new().await;
    for path in [
        "/wiki/api/v2/pages/Docs",
        "/wiki/api/v2/spaces/CTB",
        "/wiki/api/v2/pages?space-id=CTB",
        "/wiki/api/v2/pages?limit=251",
        "/wiki/api/v2/pages?limit=0",
        "/wiki/api/v2/pages?limit=many",
        "/wiki/api/v2/pages?cursor=%25%25",
        "/wiki/api/v2/pages?status=draft",
        "/wiki/api/v2/pages?sort=colour",
        "/wiki/api/v2/pages?body-format=view2",
        "/wiki/api/v2/spaces?sort=colour",
    ] {
        let (status, title) = site.get(path).await.refusal();
        assert_eq!(status, 400, "{path}");
        assert!(title.starts_with("Provided value {"), "{path}: {title}");
    }
    assert_eq!(
        site.get("/wiki/api/v2/pages/Docs").await.refusal().1,
        "Provided value {Docs} for 'id' is not the correct type. Expected type is ContentId"
    );
    assert_eq!(site.get("/wiki/api/v2/nonsense").await.status, 404);
    assert_eq!(site.post(&format!("/wiki/api/v2/pages/{}/labels", site.home), json!([])).await.status, 405);
}
