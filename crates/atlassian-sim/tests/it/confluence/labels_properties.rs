//! Labels and content properties.

use serde_json::{Value, json};

use super::{Site, column};

async fn names(site: &Site, id: &str) -> Vec<String> {
    let mut names = column(&site.get(&format!("/wiki/api/v2/pages/{id}/labels?limit=250")).await.good(), "name");
    names.sort();
    names
}

#[tokio::test]
async fn labels_are_added_split_lowered_and_never_doubled() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/rest/api/content/{id}/label");
    site.label(&id, &["QA-Report", "Runbook Two", "a,b"]).await;
    site.label(&id, &["qa-report", "HÉLLO"]).await;
    assert_eq!(names(&site, &id).await, ["a", "b", "héllo", "qa-report", "runbook", "two"]);
    let one = site.post(&path, json!({"prefix": "global", "name": "single"})).await.good();
    assert_eq!((&one["size"], one["results"].as_array().map(Vec::len)), (&json!(7), Some(7)));
    assert!(one["results"][0]["id"].is_string() && one["results"][0]["label"] == "qa-report");
    assert_eq!(site.truth(&id).await["version"], 1, "a label does not raise the version");
    let read = site.get(&format!("/wiki/api/v2/pages/{id}?include-labels=true")).await.good();
    assert_eq!(read["labels"]["results"].as_array().map(Vec::len), Some(7));
    // The same label on two pages is one label.
    let other = site.page("Other", "<p/>").await;
    site.label(&other, &["qa-report"]).await;
    let label = site.get(&format!("/wiki/api/v2/pages/{other}/labels")).await.good()["results"][0]["id"].clone();
    let pages = site.get(&format!("/wiki/api/v2/labels/{}/pages", label.as_str().unwrap())).await.good();
    assert_eq!(column(&pages, "id"), [id, other]);
    let all = site.get("/wiki/api/v2/labels?prefix=global&limit=3").await.good();
    assert!(all["results"].as_array().map(Vec::len) == Some(3) && all["_links"]["next"].is_string());
    let in_space = site.get(&format!("/wiki/api/v2/spaces/{}/content/labels", site.space)).await.good();
    assert_eq!(in_space["results"].as_array().map(Vec::len), Some(7));
    assert_eq!(column(&site.get(&format!("/wiki/api/v2/spaces/{}/labels", site.space)).await.good(), "id"), [""; 0]);
}

#[tokio::test]
async fn labels_that_cannot_be_are_refused_all_together() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/rest/api/content/{id}/label");
    for name in ["type:bug", "v1.2", "a#b", "x@y", "(x)", "a\tb", "", "  ", &"é".repeat(256), &"😀".repeat(128)] {
        let got =
            site.post(&path, json!([{"prefix": "global", "name": "fine"}, {"prefix": "global", "name": name}])).await;
        assert_eq!(got.v1_refusal().0, 400, "{name:?}");
    }
    for body in [json!("x"), json!([{"prefix": "global"}]), json!([{"prefix": "hub", "name": "x"}])] {
        assert_eq!(site.post(&path, body).await.v1_refusal().0, 400);
    }
    assert_eq!(names(&site, &id).await, [""; 0]);
    let (_, colon) = site.post(&path, json!([{"prefix": "global", "name": "type:bug"}])).await.v1_refusal();
    assert!(colon.contains("label.contains.invalid.chars"), "{colon}");
    site.label(&id, &["ci/cd", "a_b-c+1", &"é".repeat(255)]).await;
    assert_eq!(
        site.post("/wiki/rest/api/content/999999/label", json!([])).await.v1_refusal(),
        (404, "No content found with id: ContentId{id=999999}".to_owned())
    );
    site.delete(&format!("/wiki/api/v2/pages/{id}")).await;
    assert_eq!(site.post(&path, json!([])).await.v1_refusal().0, 404);
}

#[tokio::test]
async fn labels_are_removed_by_name_the_personal_one_first() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/rest/api/content/{id}/label");
    site.label(&id, &["plain", "ci/cd", "both"]).await;
    site.post(&path, json!([{"prefix": "my", "name": "both"}])).await.good();
    assert_eq!(site.delete(&format!("{path}/plain")).await.status, 204);
    assert_eq!(site.delete(&format!("{path}/ci%2Fcd")).await.status, 400);
    assert_eq!(site.delete(&format!("{path}?name=ci/cd")).await.status, 204);
    assert_eq!(site.delete(&format!("{path}?name=both")).await.status, 204);
    let left = site.get(&format!("/wiki/api/v2/pages/{id}/labels")).await.good();
    assert_eq!((column(&left, "name"), column(&left, "prefix")), (vec!["both".to_owned()], vec!["global".to_owned()]));
    assert_eq!(
        site.delete(&format!("{path}?name=never")).await.v1_refusal(),
        (404, "No label found with name: never".to_owned())
    );
    assert_eq!(site.delete(&path).await.v1_refusal().0, 400);
    site.post("/wiki/rest/api/content/archive", json!({"pages": [{"id": id.parse::<u64>().unwrap()}]})).await;
    assert_eq!(site.delete(&format!("{path}?name=both")).await.v1_refusal().0, 400);
}

#[tokio::test]
async fn properties_have_one_key_each_and_versions_of_their_own() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/api/v2/pages/{id}/properties");
    let made = site.post(&path, json!({"key": "haida.hub", "value": {"m": "abc", "n": [1, null]}})).await.good();
    assert_eq!((&made["key"], &made["version"]["number"]), (&json!("haida.hub"), &json!(1)));
    assert_eq!(site.post(&path, json!({"key": "haida.hub", "value": 2})).await.refusal().0, 409);
    site.post(&path, json!({"key": "Haida.hub", "value": 2})).await.good();
    let found = site.get(&format!("{path}?key=haida.hub")).await.good();
    assert_eq!(found["results"], json!([made]));
    assert_eq!(column(&site.get(&format!("{path}?key=nothing")).await.good(), "id"), [""; 0]);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(site.get(&one).await.good(), made);
    for number in [json!(1), json!(3), json!("2"), Value::Null] {
        let got = site.put(&one, json!({"key": "haida.hub", "value": 3, "version": {"number": number}})).await;
        assert!(matches!(got.refusal().0, 400 | 409), "{number}");
    }
    assert_eq!(
        site.put(&one, json!({"key": "haida.hub", "value": 3, "version": {"number": 1}})).await.refusal().0,
        409
    );
    let changed = site
        .put(&one, json!({"key": "haida.hub", "value": 3, "version": {"number": 2, "message": "why"}}))
        .await
        .good();
    assert_eq!((&changed["value"], &changed["version"]["message"]), (&json!(3), &json!("why")));
    assert_eq!(site.put(&one, json!({"key": "other", "value": 3, "version": {"number": 3}})).await.refusal().0, 400);
    let page = site.get(&format!("/wiki/api/v2/pages/{id}?include-properties=true")).await.good();
    assert_eq!(page["properties"]["results"].as_array().map(Vec::len), Some(3));
    assert_eq!(page["version"]["number"], 1, "a property does not raise the page's version");
    assert_eq!(site.truth(&id).await["properties"]["haida.hub"], 3);
    assert_eq!(site.delete(&one).await.status, 204);
    assert_eq!(site.get(&one).await.refusal().0, 404);
    assert_eq!(site.delete(&one).await.refusal().0, 404);
}

#[tokio::test]
async fn a_new_page_has_a_property_that_its_creation_did_not_show() {
    let site = Site::new().await;
    let made = site.try_page("Report", "<p/>", json!({})).await.good();
    assert!(made.get("properties").is_none());
    let path = format!("/wiki/api/v2/pages/{}/properties", made["id"].as_str().unwrap());
    let clash = json!({"key": "content-appearance-published", "value": "full-width"});
    assert_eq!(site.post(&path, clash.clone()).await.refusal().0, 409);
    site.behave(json!({"implicit_property": false})).await;
    let plain = site.page("Plain", "<p/>").await;
    site.post(&format!("/wiki/api/v2/pages/{plain}/properties"), clash).await.good();
}

#[tokio::test]
async fn properties_that_cannot_be_are_refused() {
    let site = Site::new().await;
    let id = site.page("Report", "<p/>").await;
    let path = format!("/wiki/api/v2/pages/{id}/properties");
    for body in [
        json!({"value": 1}),
        json!({"key": "", "value": 1}),
        json!({"key": "k".repeat(256), "value": 1}),
        json!({"key": "k"}),
    ] {
        assert_eq!(site.post(&path, body).await.refusal().0, 400);
    }
    assert_eq!(site.post(&path, json!({"key": "k", "value": "x".repeat(32 * 1024)})).await.refusal().0, 413);
    site.post(&path, json!({"key": "k", "value": "x".repeat(32 * 1024 - 2)})).await.good();
    assert_eq!(
        site.post("/wiki/api/v2/pages/999999/properties", json!({"key": "k", "value": 1})).await.refusal(),
        (404, "Could not find page with id [999999]".to_owned())
    );
    assert_eq!(site.get(&format!("{path}/abc")).await.refusal().0, 400);
}
