//! Behaviours of Confluence, and of labels in both products.

use reqwest::Method;
use serde_json::{Value, json};

use super::{page, page_body, space, update};
use crate::jira::{Got, Site};

const PAGES: &str = "/wiki/api/v2/pages";

async fn behave(site: &Site, change: Value) {
    site.put("/_sim/confluence", change).await.with(200);
}

/// The text of a v2 refusal.
fn title(got: &Got) -> String {
    got.json()["errors"][0]["title"].as_str().unwrap_or_else(|| panic!("{}", got.text)).to_owned()
}

#[tokio::test]
async fn behaviour_06_a_version_is_a_compare_and_swap_and_a_fresh_page_may_conflict_for_nothing() {
    let site = Site::new().await;
    let id = page(&site, "P", "<p>old</p>").await;
    let path = format!("{PAGES}/{id}");
    for number in [1, 3, 7] {
        let got = site.put(&path, update(&id, "P", number)).await;
        assert_eq!(got.status, 409, "{number}");
        assert!(title(&got).contains("Version must be incremented") && title(&got).contains("[1]"), "{}", got.text);
    }
    for field in ["id", "status", "title", "body", "version"] {
        let mut body = update(&id, "P", 2);
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(site.put(&path, body).await.status, 400, "{field}");
    }
    site.put(&path, update(&id, "P", 2)).await.with(200);
    behave(&site, json!({"conflict_after_create_ms": 3_600_000})).await;
    let fresh = page(&site, "Q", "<p/>").await;
    let got = site.put(&format!("{PAGES}/{fresh}"), update(&fresh, "Q", 2)).await;
    assert!(got.status == 409 && title(&got).contains("stale data"), "{}", got.text);
}

#[tokio::test]
async fn behaviour_07_a_title_is_taken_by_any_page_of_the_space_wherever_it_is() {
    let site = Site::new().await;
    let ids =
        [page(&site, "Live", "<p/>").await, page(&site, "Trash", "<p/>").await, page(&site, "Away", "<p/>").await];
    assert_eq!(site.delete(&format!("{PAGES}/{}", ids[1])).await.status, 204);
    let archive = json!({"pages": [{"id": ids[2]}]});
    site.post("/wiki/rest/api/content/archive", archive).await.with(202);
    for taken in ["live", "TRASH", "Away"] {
        let got = site.post(PAGES, page_body(&site, taken, "<p/>").await).await;
        assert_eq!(got.status, 400, "{taken}");
        assert!(title(&got).starts_with("A page with this title already exists: "), "{}", got.text);
    }
    let free = page(&site, "Free", "<p/>").await;
    let got = site.put(&format!("{PAGES}/{free}"), update(&free, "LIVE", 2)).await;
    assert!(got.status == 400 && title(&got).contains("already exists"), "{}", got.text);
    behave(&site, json!({"v1_content": true})).await;
    let v1 = json!({"type": "page", "title": "Live", "space": {"key": "CTB"}, "body": {"storage": {"value": "<p/>", "representation": "storage"}}});
    let got = site.post("/wiki/rest/api/content", v1).await.with(400);
    assert_eq!(
        (&got["statusCode"], &got["message"], &got["reason"]),
        (
            &json!(400),
            &json!(
                "A page with this title already exists: A page already exists with the title Live in the space with key CTB"
            ),
            &json!("Bad Request")
        )
    );
}

#[tokio::test]
async fn behaviour_10_one_malformed_tag_rejects_the_whole_page_and_says_where() {
    let site = Site::new().await;
    let id = page(&site, "P", "<p>kept</p>").await;
    for broken in [
        "<p>a & b</p>",
        "<p>a=1&logo=2</p>",
        "<p>&undeclared;</p>",
        "<p><b>x</p>",
        "<input disabled/>",
        "<p>\n<br></p>",
    ] {
        let mut body = update(&id, "P", 2);
        body["body"]["value"] = json!(broken);
        let got = site.put(&format!("{PAGES}/{id}"), body).await;
        assert_eq!(got.status, 400, "{broken}: {}", got.text);
        assert!(
            title(&got).contains("Error parsing xhtml") && title(&got).contains("[row,col {unknown-source}]"),
            "{broken}: {}",
            got.text
        );
    }
    let kept = site.get(&format!("{PAGES}/{id}?body-format=storage")).await.with(200);
    assert!(kept["body"]["storage"]["value"].as_str().unwrap().contains("kept"));
    let cdata = |inner: &str| {
        format!(
            "<ac:structured-macro ac:name=\"code\"><ac:plain-text-body><![CDATA[{inner}]]></ac:plain-text-body></ac:structured-macro>"
        )
    };
    let got = site.post(PAGES, page_body(&site, "C", &cdata("a ]]> b")).await).await;
    assert_eq!(got.status, 400, "{}", got.text);
    page(&site, "C", &cdata("a ]]]]><![CDATA[> b")).await;
    page(&site, "D", "<p>&#160;&amp;</p>").await;
}

#[tokio::test]
async fn behaviour_14_what_is_read_back_is_not_what_was_sent() {
    let site = Site::new().await;
    let sent = "<ac:structured-macro ac:name=\"toc\"><ac:parameter ac:name=\"minLevel\">1</ac:parameter></ac:structured-macro>\
        <table><tbody><tr><td style=\"background-color: #e3fcef\"><p>x</p></td></tr></tbody></table>\
        <p><ac:link><ri:page ri:content-title=\"Target\"/></ac:link></p>";
    page(&site, "Target", "<p/>").await;
    let id = page(&site, "P", sent).await;
    let read = async || {
        let got = site.get(&format!("{PAGES}/{id}?body-format=storage")).await.with(200);
        got["body"]["storage"]["value"].as_str().unwrap().to_owned()
    };
    let stored = read().await;
    assert_ne!(stored, sent);
    for added in ["ac:macro-id=", "local-id=", "ri:version-at-save="] {
        assert!(stored.contains(added), "without {added}: {stored}");
    }
    // Sending back what was read makes another version all the same.
    let mut body = update(&id, "P", 2);
    body["body"]["value"] = json!(sent);
    site.put(&format!("{PAGES}/{id}"), body).await.with(200);
    assert_ne!(read().await, stored, "generated ids differ from version to version");
}

#[tokio::test]
async fn behaviour_15_a_new_page_is_not_found_yet_not_searched_yet_and_has_a_property_already() {
    let site = Site::new().await;
    behave(&site, json!({"missing_after_create_ms": 3_600_000, "search_lag_ms": 3_600_000})).await;
    let id = page(&site, "P", "<p/>").await;
    assert_eq!(site.get(&format!("{PAGES}/{id}")).await.status, 404);
    let listed =
        site.get(&format!("{PAGES}?title=P&space-id={}", space(&site).await.as_str().unwrap())).await.with(200);
    assert_eq!(listed["results"][0]["id"], id);
    let cql = "/wiki/rest/api/search?cql=title%3D%22P%22";
    assert_eq!(site.get(cql).await.with(200)["results"], json!([]));
    behave(&site, json!({"missing_after_create_ms": 0, "search_lag_ms": 0})).await;
    site.get(&format!("{PAGES}/{id}")).await.with(200);
    assert_eq!(site.get(cql).await.with(200)["results"].as_array().unwrap().len(), 1);
    let properties = format!("{PAGES}/{id}/properties");
    let implicit = json!({"key": "content-appearance-published", "value": "full-width"});
    assert_eq!(site.post(&properties, implicit).await.status, 409);
    // A row that the database has twice cannot be updated until it is deleted and created again.
    let ours = json!({"key": "ours", "value": 1});
    behave(&site, json!({"doubled_properties": true})).await;
    let made = site.post(&properties, ours.clone()).await.with(200);
    let one = |made: &Value| format!("{properties}/{}", made["id"].as_str().unwrap());
    let next = json!({"key": "ours", "value": 2, "version": {"number": 2}});
    assert_eq!(site.put(&one(&made), next.clone()).await.status, 400);
    behave(&site, json!({"doubled_properties": false})).await;
    assert_eq!(site.put(&one(&made), next.clone()).await.status, 400, "it stays doubled");
    assert_eq!(site.delete(&one(&made)).await.status, 204);
    let made = site.post(&properties, ours).await.with(200);
    site.put(&one(&made), next).await.with(200);
}

#[tokio::test]
async fn behaviour_16_jira_refuses_a_space_in_a_label_and_confluence_splits_at_it() {
    let site = Site::new().await;
    let got = site.try_create("Task", "s", json!({"labels": ["x y"]})).await;
    assert_eq!(got.field_error("labels"), "The label 'x y' can't contain spaces.");
    let old = super::data_center(atlassian_sim::Options::default()).await;
    let body = json!({"fields": {"project": {"key": "CTB"}, "issuetype": {"name": "Task"}, "summary": "s", "labels": ["x y"]}});
    let got = super::bearer(&old, "sim-token", Method::POST, "/rest/api/2/issue", Some(&body)).await;
    assert_eq!(got.field_error("labels"), "The label 'x y' contains spaces which is invalid.");
    let id = page(&site, "P", "<p/>").await;
    let labels = format!("/wiki/rest/api/content/{id}/label");
    let named = |name: &str| json!([{"prefix": "global", "name": name}]);
    site.post(&labels, named("new abc")).await.with(200);
    for _ in 0..2 {
        site.post(&labels, named("more")).await.with(200);
    }
    let held = site.get(&format!("{PAGES}/{id}/labels")).await.with(200);
    let mut names: Vec<&str> =
        held["results"].as_array().unwrap().iter().map(|label| label["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["abc", "more", "new"]);
}
