//! Links between issues, link types, and links to elsewhere.

use serde_json::{Value, json};

use super::{Site, doc};

async fn pair(site: &Site) -> (String, String) {
    (site.create("Bug", "source", json!({})).await, site.create("Test Case", "destination", json!({})).await)
}

fn link(kind: &str, inward: &str, outward: &str) -> Value {
    json!({"type": {"name": kind}, "inwardIssue": {"key": inward}, "outwardIssue": {"key": outward}})
}

#[tokio::test]
async fn the_inward_issue_reads_the_outward_text() {
    let site = Site::new().await;
    let (x, y) = pair(&site).await;
    site.post("issueLink", link("Blocks", &x, &y)).await.with(201);
    let on_x = site.get(&format!("issue/{x}")).await.with(200)["fields"]["issuelinks"].clone();
    let on_y = site.get(&format!("issue/{y}")).await.with(200)["fields"]["issuelinks"].clone();
    // X blocks Y: X shows Y as outward, Y shows X as inward.
    assert_eq!(on_x[0]["outwardIssue"]["key"], y.as_str());
    assert!(on_x[0].get("inwardIssue").is_none());
    assert_eq!(on_x[0]["type"]["outward"], "blocks");
    assert_eq!(on_y[0]["inwardIssue"]["key"], x.as_str());
    assert!(on_y[0].get("outwardIssue").is_none());
    let page = site.get(&format!("/browse/{x}")).await.text;
    assert!(page.contains("<li>blocks <a href=\"/browse/CTB-2\">CTB-2</a>"), "{page}");
    let page = site.get(&format!("/browse/{y}")).await.text;
    assert!(page.contains("<li>is blocked by <a href=\"/browse/CTB-1\">CTB-1</a>"), "{page}");
}

#[tokio::test]
async fn a_repeated_link_is_accepted_once_and_its_comment_every_time() {
    let site = Site::new().await;
    let (x, y) = pair(&site).await;
    let mut body = link("Blocks", &x, &y);
    body["comment"] = json!({"body": doc("linked")});
    for _ in 0..3 {
        site.post("issueLink", body.clone()).await.with(201);
    }
    let truth = site.truth().await;
    assert_eq!(truth["links"].as_array().unwrap().len(), 1);
    assert_eq!(truth["issues"][0]["comments"].as_array().unwrap().len(), 3);
    // The other direction and another type are other links.
    site.post("issueLink", link("Blocks", &y, &x)).await.with(201);
    site.post("issueLink", link("Relates", &x, &y)).await.with(201);
    assert_eq!(site.truth().await["links"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_link_is_read_and_deleted_by_id() {
    let site = Site::new().await;
    let (x, y) = pair(&site).await;
    let mut body = link("Relates", &x, &y);
    body["comment"] = Value::Null;
    site.post("issueLink", body).await.with(201);
    let id = site.truth().await["links"][0]["id"].as_str().unwrap().to_owned();
    let read = site.get(&format!("issueLink/{id}")).await.with(200);
    assert_eq!((&read["inwardIssue"]["key"], &read["outwardIssue"]["key"]), (&json!(x), &json!(y)));
    site.delete(&format!("issueLink/{id}")).await.with(204);
    assert_eq!(site.get(&format!("issueLink/{id}")).await.status, 404);
    assert_eq!(site.delete(&format!("issueLink/{id}")).await.status, 404);
    assert_eq!(site.get("issueLink/nonsense").await.status, 400);
}

#[tokio::test]
async fn a_link_needs_its_type_and_both_ends() {
    let site = Site::new().await;
    let (x, y) = pair(&site).await;
    let got = site.post("issueLink", link("Tests", &x, &y)).await;
    assert_eq!(got.messages(404), ["No issue link type with name 'Tests' found."]);
    assert_eq!(site.post("issueLink", link("Blocks", &x, "CTB-9")).await.status, 404);
    assert_eq!(site.post("issueLink", link("Blocks", &x, &x)).await.status, 400);
    assert_eq!(site.post("issueLink", json!({"type": {"name": "Blocks"}})).await.status, 400);
}

#[tokio::test]
async fn a_link_type_is_created_once() {
    let site = Site::new().await;
    let body = json!({"name": "Tests", "inward": "is tested by", "outward": "tests"});
    let made = site.post("issueLinkType", body.clone()).await.with(201);
    assert_eq!(made["outward"], "tests");
    assert_eq!(site.post("issueLinkType", body).await.status, 404);
    assert_eq!(
        site.post("issueLinkType", json!({"name": "X"})).await.field_error("inward"),
        "The 'inward' is required."
    );
    let listed = site.get("issueLinkType").await.with(200);
    let names: Vec<&str> =
        listed["issueLinkTypes"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Blocks", "Cloners", "Duplicate", "Relates", "Tests"]);
    let (x, y) = pair(&site).await;
    site.post("issueLink", link("Tests", &x, &y)).await.with(201);
}

#[tokio::test]
async fn a_remote_link_is_one_per_global_id_and_loses_what_is_left_out() {
    let site = Site::new().await;
    let key = site.create("Test Execution", "run", json!({})).await;
    let path = format!("issue/{key}/remotelink");
    let full = json!({
        "globalId": "system=hub&id=1",
        "application": {"type": "hub", "name": "Hub"},
        "relationship": "report",
        "object": {"url": "https://wiki.test/1", "title": "Report", "summary": "42 passed", "status": {"resolved": true}},
    });
    let first = site.post(&path, full.clone()).await.with(201);
    let again = site.post(&path, full).await.with(200);
    assert_eq!(first, again);
    let id = first["id"].as_u64().unwrap();
    let held = site.get(&format!("{path}/{id}")).await.with(200);
    assert_eq!(held["relationship"], "report");
    assert_eq!(held["object"]["status"], json!({"resolved": true}));

    let bare = json!({"globalId": "system=hub&id=1", "object": {"url": "https://wiki.test/2", "title": "Report 2"}});
    site.post(&path, bare).await.with(200);
    let held = site.get(&format!("{path}/{id}")).await.with(200);
    assert!(held.get("relationship").is_none(), "{held}");
    assert_eq!(held["application"], json!({}));
    assert!(held["object"].get("summary").is_none(), "{held}");
    assert_eq!(held["object"]["title"], "Report 2");

    // Without a global id every call makes another link.
    for _ in 0..2 {
        site.post(&path, json!({"object": {"url": "https://x.test", "title": "x"}})).await.with(201);
    }
    assert_eq!(site.get(&path).await.with(200).as_array().unwrap().len(), 3);
    let one = site.get(&format!("{path}?globalId=system%3Dhub%26id%3D1")).await.with(200);
    assert_eq!(one["id"], id);
    site.delete(&format!("{path}?globalId=system%3Dhub%26id%3D1")).await.with(204);
    assert_eq!(site.get(&format!("{path}/{id}")).await.status, 404);
    assert_eq!(site.delete(&path).await.status, 400);
}

#[tokio::test]
async fn a_remote_link_needs_title_and_address() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let path = format!("issue/{key}/remotelink");
    let got = site.post(&path, json!({"object": {"url": "https://x.test"}})).await;
    assert_eq!(got.field_error("title"), "'title' is required.");
    let got = site.post(&path, json!({})).await;
    assert_eq!(got.field_error("url"), "'url' is required.");
    let long = json!({"globalId": "x".repeat(256), "object": {"url": "https://x.test", "title": "x"}});
    assert!(site.post(&path, long).await.field_error("globalId").contains("255"));
    let made = site.post(&path, json!({"object": {"url": "https://x.test", "title": "x"}})).await.with(201);
    let one = format!("{path}/{}", made["id"]);
    site.put(&one, json!({"object": {"url": "https://y.test", "title": "y"}})).await.with(204);
    assert_eq!(site.get(&one).await.with(200)["object"]["title"], "y");
    site.delete(&one).await.with(204);
    assert_eq!(site.delete(&one).await.status, 404);
}
