//! The content endpoints of v1: gone on newer sites, served where a client still needs them.

use reqwest::Method;
use serde_json::json;

use super::Site;

const CONTENT: &str = "/wiki/rest/api/content";

#[tokio::test]
async fn content_is_gone_unless_the_site_is_old() {
    let site = Site::new().await;
    let one = format!("{CONTENT}/{}", site.home);
    for (method, path) in [
        (Method::GET, CONTENT.to_owned()),
        (Method::POST, CONTENT.to_owned()),
        (Method::GET, one.clone()),
        (Method::PUT, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::GET, format!("{one}/property")),
    ] {
        assert_eq!(site.send(method, &path, Some(json!({}))).await.v1_refusal().0, 410, "{path}");
    }
    // What v2 does not replace is still there.
    for path in [
        format!("{one}/label"),
        format!("{one}/child/page"),
        format!("{one}/descendant/page"),
        "/wiki/rest/api/space/ctb".to_owned(),
    ] {
        site.get(&path).await.good();
    }
}

#[tokio::test]
async fn an_old_site_takes_pages_with_labels_and_properties_inside() {
    let site = Site::new().await;
    site.behave(json!({"v1_content": true})).await;
    let body = json!({
        "type": "page", "title": "Old way", "space": {"key": "CTB"},
        "body": {"storage": {"value": "<p>x</p>", "representation": "storage"}},
        "metadata": {
            "properties": {"editor": {"value": "v2"}, "content-appearance-published": {"value": "full-width"}},
            "labels": [{"prefix": "global", "name": "qa"}],
        },
    });
    let made = site.post(CONTENT, body.clone()).await.good();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["version"]["number"], &made["space"]["key"]), (&json!(1), &json!("CTB")));
    assert_eq!(made["ancestors"][0]["id"], site.home);
    let truth = site.truth(id).await;
    assert_eq!(
        (&truth["labels"], &truth["properties"]["content-appearance-published"]),
        (&json!(["qa"]), &json!("full-width"))
    );
    let (status, message) = site.post(CONTENT, body).await.v1_refusal();
    assert_eq!(status, 400);
    assert_eq!(
        message,
        "A page with this title already exists: A page already exists with the title Old way in the space with key CTB"
    );
    let listed = site.get(&format!("{CONTENT}?spaceKey=CTB&title=Old+way&expand=version,body.storage")).await.good();
    assert_eq!((&listed["size"], &listed["results"][0]["id"]), (&json!(1), &json!(id)));
    let one = format!("{CONTENT}/{id}");
    let update = |number: u32| json!({"type": "page", "title": "Old way 2", "version": {"number": number}, "body": {"storage": {"value": "<p>y</p>", "representation": "storage"}}});
    let (status, message) = site.put(&one, update(1)).await.v1_refusal();
    assert!(
        status == 409 && message.ends_with("Version must be incremented on update. Current version is: 1"),
        "{message}"
    );
    assert_eq!(site.put(&one, json!({"title": "x"})).await.v1_refusal().0, 400);
    assert_eq!(site.put(&one, update(2)).await.good()["title"], "Old way 2");
    assert!(
        site.get(&format!("{one}?expand=body.storage")).await.good()["body"]["storage"]["value"]
            .as_str()
            .unwrap()
            .contains('y')
    );
    let broken = json!({"type": "page", "title": "b", "space": {"key": "CTB"}, "body": {"storage": {"value": "<p>&</p>", "representation": "storage"}}});
    let (status, message) = site.post(CONTENT, broken).await.v1_refusal();
    assert!(status == 400 && message.contains("BadRequestException: Error parsing xhtml: "), "{message}");
    assert_eq!(site.delete(&one).await.status, 204);
    assert_eq!(site.get(&one).await.v1_refusal(), (404, format!("No content found with id: ContentId{{id={id}}}")));
    assert_eq!(site.get(&format!("{one}?status=trashed")).await.good()["status"], "trashed");
    assert_eq!(site.delete(&format!("{one}?status=trashed")).await.status, 204);
    let nowhere = json!({"type": "page", "title": "b", "space": {"key": "NOPE"}});
    assert_eq!(site.post(CONTENT, nowhere).await.v1_refusal().0, 404);
}

#[tokio::test]
async fn v1_properties_share_their_keys_with_v2() {
    let site = Site::new().await;
    site.behave(json!({"v1_content": true})).await;
    let id = site.page("Page", "<p/>").await;
    let path = format!("{CONTENT}/{id}/property");
    let made = site.post(&path, json!({"key": "k", "value": 1})).await.good();
    assert_eq!(made["version"]["number"], 1);
    let (status, message) = site.post(&path, json!({"key": "k", "value": 1})).await.v1_refusal();
    assert!(status == 400 && message.contains("already has a property with the given key"), "{message}");
    let v2 = format!("/wiki/api/v2/pages/{id}/properties");
    assert_eq!(site.post(&v2, json!({"key": "k", "value": 1})).await.refusal().0, 409);
    assert_eq!(site.put(&format!("{path}/k"), json!({"value": 2, "version": {"number": 1}})).await.v1_refusal().0, 409);
    assert_eq!(site.put(&format!("{path}/k"), json!({"value": 2, "version": {"number": 2}})).await.good()["value"], 2);
    assert_eq!(
        site.put(&format!("{path}/new"), json!({"value": 3, "version": {"number": 1}})).await.good()["value"],
        3
    );
    assert_eq!(site.get(&format!("{v2}?key=k")).await.good()["results"][0]["value"], 2);
    assert_eq!(site.get(&path).await.good()["size"], 3);
    assert_eq!(site.delete(&format!("{path}/k")).await.status, 204);
    assert_eq!(site.get(&format!("{path}/k")).await.v1_refusal().0, 404);
    assert_eq!(site.delete(&format!("{path}/k")).await.v1_refusal().0, 404);
}

#[tokio::test]
async fn an_archived_page_cannot_be_updated_in_v1_and_says_it_oddly() {
    let site = Site::new().await;
    site.behave(json!({"v1_content": true})).await;
    let id = site.page("Page", "<p/>").await;
    site.post("/wiki/rest/api/content/archive", json!({"pages": [{"id": id.parse::<u64>().unwrap()}]})).await;
    let got = site.put(&format!("{CONTENT}/{id}"), json!({"title": "Page", "version": {"number": 2}})).await;
    assert_eq!(got.v1_refusal(), (404, "Can not find draft with current content".to_owned()));
}

#[tokio::test]
async fn bodies_are_converted_between_forms() {
    let site = Site::new().await;
    let body = json!({"representation": "storage", "value": "<p>a &amp; <strong>b</strong></p>"});
    let view = site.post("/wiki/rest/api/contentbody/convert/view", body.clone()).await.good();
    assert_eq!(view["value"], "<p>a &amp; <strong>b</strong></p>");
    let adf = site.post("/wiki/rest/api/contentbody/convert/atlas_doc_format", body).await.good();
    assert!(adf["value"].as_str().unwrap().contains("\"strong\""));
    for bad in [
        json!({"representation": "storage", "value": "<p>&</p>"}),
        json!({"representation": "x", "value": ""}),
        json!({}),
    ] {
        assert_eq!(site.post("/wiki/rest/api/contentbody/convert/view", bad).await.v1_refusal().0, 400);
    }
}
