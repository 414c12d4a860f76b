//! Creating, reading, updating, restoring and deleting pages.

use serde_json::{Value, json};

use super::{Site, update};

#[tokio::test]
async fn a_page_goes_below_the_homepage_and_comes_back_as_stored() {
    let site = Site::new().await;
    let made = site.try_page("Run 1", "<p>a &amp; b</p><ac:structured-macro ac:name=\"toc\"/>", json!({})).await.good();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["parentId"], site.home);
    assert_eq!(made["parentType"], "page");
    assert_eq!(made["version"]["number"], 1);
    assert_eq!(made["status"], "current");
    assert_eq!(made["_links"]["webui"], format!("/spaces/CTB/pages/{id}/Run+1"));
    assert_eq!(made["_links"]["base"], format!("{}/wiki", site.running.url));
    let read = site.get(&format!("/wiki/api/v2/pages/{id}?body-format=storage")).await.good();
    let stored = read["body"]["storage"]["value"].as_str().unwrap();
    assert!(
        stored.contains("a &amp; b") && stored.contains("ac:macro-id=") && stored.contains("local-id="),
        "{stored}"
    );
    assert_eq!(site.get(&format!("/wiki/api/v2/pages/{id}")).await.good()["body"], json!({}));
    let truth = site.truth(id).await;
    assert_eq!(truth["body"], "<p>a &amp; b</p><ac:structured-macro ac:name=\"toc\"/>");
    assert_eq!((&truth["spaceKey"], &truth["version"]), (&json!("CTB"), &json!(1)));
}

#[tokio::test]
async fn both_body_forms_and_all_representations_are_taken() {
    let site = Site::new().await;
    let document = json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "from a document"}]}]});
    let bodies = [
        ("nested", json!({"storage": {"representation": "storage", "value": "<p>nested</p>"}}), "nested"),
        ("bare", json!({"storage": {"value": "<p>bare</p>"}}), "bare"),
        ("adf", json!({"representation": "atlas_doc_format", "value": document.to_string()}), "from a document"),
        ("wiki", json!({"representation": "wiki", "value": "h2. Head & <tail>\nline"}), "Head &amp; &lt;tail&gt;</h2>"),
    ];
    for (title, body, expected) in bodies {
        let made = site.try_page(title, "", json!({"body": body})).await.good();
        let path = format!("/wiki/api/v2/pages/{}?body-format=", made["id"].as_str().unwrap());
        let storage = site.get(&format!("{path}storage")).await.good();
        let text = storage["body"]["storage"]["value"].as_str().unwrap();
        assert!(text.contains(expected), "{title}: {text}");
        let adf = site.get(&format!("{path}atlas_doc_format")).await.good();
        let adf: Value = serde_json::from_str(adf["body"]["atlas_doc_format"]["value"].as_str().unwrap()).unwrap();
        assert_eq!(adf["type"], "doc", "{title}");
    }
    let empty = site.post("/wiki/api/v2/pages", json!({"spaceId": site.space, "title": "no body"})).await.good();
    assert_eq!(empty["body"], json!({}));
}

#[tokio::test]
async fn an_update_counts_versions_and_refuses_every_other_number() {
    let site = Site::new().await;
    let id = site.page("Report", "<p>one</p>").await;
    let second = site.try_update(&id, 2, "Report", "<p>two</p>").await.good();
    assert_eq!((&second["version"]["number"], &second["version"]["message"]), (&json!(2), &json!("v2")));
    for stale in [1, 2, 4] {
        let (status, title) = site.try_update(&id, stale, "Report", "<p>stale</p>").await.refusal();
        assert_eq!(status, 409);
        assert_eq!(
            title,
            format!(
                "Version must be incremented when updating a page. Current Version: [2]. Provided version: [{stale}]"
            )
        );
    }
    assert_eq!(site.truth(&id).await["body"], "<p>two</p>");
    let old = site.get(&format!("/wiki/api/v2/pages/{id}?version=1&body-format=storage")).await.good();
    assert!(old["body"]["storage"]["value"].as_str().unwrap().contains("one"));
    assert_eq!(old["status"], "historical");
    let versions = site.get(&format!("/wiki/api/v2/pages/{id}/versions?body-format=storage")).await.good();
    let numbers: Vec<u64> =
        versions["results"].as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1]);
    let details = site.get(&format!("/wiki/api/v2/pages/{id}/versions/1")).await.good();
    assert_eq!((&details["nextVersion"], &details["prevVersion"]), (&json!(2), &Value::Null));
    assert_eq!(site.get(&format!("/wiki/api/v2/pages/{id}/versions/9")).await.refusal().0, 404);
}

#[tokio::test]
async fn an_update_as_a_real_publisher_sends_it_is_taken() {
    let site = Site::new().await;
    let id = site.page("Docs", "<p>one</p>").await;
    let body = json!({
        "id": id, "status": "current", "type": "page", "title": "Docs", "space": {"key": "CTB"},
        "body": {"storage": {"representation": "storage", "value": "<p>two</p>"}},
        "version": {"number": 2, "message": null, "minorEdit": true},
    });
    let changed = site.put(&format!("/wiki/api/v2/pages/{id}"), body).await.good();
    assert_eq!((&changed["version"]["minorEdit"], &changed["version"]["message"]), (&json!(true), &json!("")));
}

#[tokio::test]
async fn a_title_belongs_to_one_page_of_a_space_in_any_letter_case() {
    let site = Site::new().await;
    let id = site.page("Sprint Ñ 1", "<p/>").await;
    let other = site.page("Other", "<p/>").await;
    let taken = "A page with this title already exists: A page already exists with the same TITLE in this space";
    for title in ["Sprint Ñ 1", "SPRINT ñ 1", "  sprint ñ 1 "] {
        assert_eq!(site.try_page(title, "<p/>", json!({})).await.refusal(), (400, taken.to_owned()), "{title}");
    }
    assert_eq!(site.try_update(&other, 2, "sprint ñ 1", "<p/>").await.refusal(), (400, taken.to_owned()));
    let renamed = json!({"status": "current", "title": "sprint Ñ 1"});
    assert_eq!(site.put(&format!("/wiki/api/v2/pages/{other}/title"), renamed.clone()).await.refusal().0, 400);
    // Its own title is free for a page, in another case too.
    site.put(&format!("/wiki/api/v2/pages/{id}/title"), renamed).await.good();
    let space = site.post("/wiki/api/v2/spaces", json!({"name": "Second", "key": "SEC"})).await.good();
    site.try_page("Sprint Ñ 1", "<p/>", json!({"spaceId": space["id"]})).await.good();
    // A title given up is free again.
    site.try_update(&other, 2, "Third", "<p/>").await.good();
    site.page("Other", "<p/>").await;
}

#[tokio::test]
async fn trashed_and_archived_pages_hold_their_titles_unless_told_otherwise() {
    let site = Site::new().await;
    let trashed = site.page("Trashed", "<p/>").await;
    let archived = site.page("Archived", "<p/>").await;
    assert_eq!(site.delete(&format!("/wiki/api/v2/pages/{trashed}")).await.status, 204);
    let task =
        site.post("/wiki/rest/api/content/archive", json!({"pages": [{"id": archived.parse::<u64>().unwrap()}]})).await;
    assert_eq!(task.status, 202);
    let link = task.json()["links"]["status"].as_str().unwrap().to_owned();
    assert_eq!(site.get(&format!("/wiki{link}")).await.good()["finished"], true);
    for title in ["Trashed", "Archived"] {
        assert_eq!(site.try_page(title, "<p/>", json!({})).await.refusal().0, 400, "{title}");
    }
    site.behave(json!({"trashed_holds_title": false})).await;
    site.page("Trashed", "<p/>").await;
    assert_eq!(site.try_page("Archived", "<p/>", json!({})).await.refusal().0, 400);
}

#[tokio::test]
async fn parents_are_checked_and_moves_happen() {
    let site = Site::new().await;
    let top = site.page("Top", "<p/>").await;
    let below = site.page_under(&top, "Below").await;
    let mut body = update(&top, 2, "Top", "<p/>");
    body["parentId"] = json!(top);
    let path = format!("/wiki/api/v2/pages/{top}");
    assert_eq!(site.put(&path, body.clone()).await.refusal(), (400, "Can not set page as its own parent".to_owned()));
    body["parentId"] = json!(below);
    assert_eq!(site.put(&path, body.clone()).await.refusal().0, 400);
    body["parentId"] = json!("999999");
    assert_eq!(site.put(&path, body.clone()).await.refusal().0, 404);
    assert_eq!(site.truth(&top).await["version"], 1);
    let other = site.page("Elsewhere", "<p/>").await;
    body["parentId"] = json!(other);
    assert_eq!(site.put(&path, body).await.good()["parentId"], other.as_str());
    let ancestors = site.get(&format!("/wiki/api/v2/pages/{below}/ancestors")).await.good();
    assert_eq!(super::column(&ancestors, "id"), [site.home.clone(), other, top]);
    let root =
        site.post("/wiki/api/v2/pages?root-level=true", json!({"spaceId": site.space, "title": "Root"})).await.good();
    assert_eq!(root["parentId"], Value::Null);
    let both = json!({"spaceId": site.space, "title": "Root 2", "parentId": site.home});
    assert_eq!(site.post("/wiki/api/v2/pages?root-level=true", both).await.refusal().0, 400);
}

#[tokio::test]
async fn the_trash_can_be_left_again_with_nothing_but_the_status_changed() {
    let site = Site::new().await;
    let top = site.page("Top", "<p/>").await;
    let id = site.page_under(&top, "Kept").await;
    let below = site.page_under(&id, "Below").await;
    assert_eq!(site.delete(&format!("/wiki/api/v2/pages/{id}")).await.status, 204);
    let path = format!("/wiki/api/v2/pages/{id}");
    assert_eq!(site.get(&path).await.refusal(), (404, format!("Cannot find a page with id [{id}]")));
    assert_eq!(site.delete(&path).await.refusal().0, 404);
    let seen = site.get(&format!("{path}?status=trashed")).await.good();
    assert_eq!((&seen["status"], &seen["parentId"]), (&json!("trashed"), &Value::Null));
    // The page below moved up.
    assert_eq!(site.truth(&below).await["parentId"], top.as_str());
    let back = site.try_update(&id, 2, "Another title", "<p>another body</p>").await.good();
    assert_eq!((&back["status"], &back["title"], &back["parentId"]), (&json!("current"), &json!("Kept"), &json!(top)));
    assert_eq!(site.truth(&id).await["body"], "<p>x</p>");
}

#[tokio::test]
async fn a_page_is_purged_from_the_trash_only_and_then_gone() {
    let site = Site::new().await;
    let id = site.page("Gone", "<p/>").await;
    let path = format!("/wiki/api/v2/pages/{id}");
    assert_eq!(site.delete(&format!("{path}?purge=true")).await.refusal().0, 400);
    assert_eq!(site.delete(&path).await.status, 204);
    assert_eq!(site.delete(&format!("{path}?purge=true")).await.status, 204);
    assert_eq!(site.get(&path).await.refusal(), (404, "Not Found".to_owned()));
    assert_eq!(site.delete(&path).await.refusal().0, 500);
    assert_eq!(site.truth(&id).await, Value::Null);
    site.page("Gone", "<p/>").await;
}

#[tokio::test]
async fn drafts_are_apart_until_they_are_published() {
    let site = Site::new().await;
    let draft = site.try_page("", "<p>draft</p>", json!({"status": "draft"})).await.good();
    let id = draft["id"].as_str().unwrap();
    let path = format!("/wiki/api/v2/pages/{id}");
    assert_eq!(site.get(&path).await.refusal().0, 404);
    assert_eq!(site.get(&format!("{path}?get-draft=true")).await.good()["status"], "draft");
    let published = site.try_update(id, 1, "Published", "<p>text</p>").await.good();
    assert_eq!((&published["status"], &published["version"]["number"]), (&json!("current"), &json!(1)));
    // A draft beside the published page leaves it alone.
    let mut body = update(id, 1, "Published", "<p>open draft</p>");
    body["status"] = json!("draft");
    site.put(&path, body).await.good();
    assert_eq!(site.truth(id).await["body"], "<p>text</p>");
    let seen = site.get(&format!("{path}?get-draft=true&body-format=storage")).await.good();
    assert!(seen["body"]["storage"]["value"].as_str().unwrap().contains("open draft"));
    assert_eq!(site.delete(&format!("{path}?draft=true")).await.status, 204);
    assert_eq!(site.delete(&format!("{path}?draft=true")).await.refusal().0, 404);
    let other = site.try_page("Draft 2", "", json!({"status": "draft"})).await.good();
    let other = format!("/wiki/api/v2/pages/{}", other["id"].as_str().unwrap());
    assert_eq!(site.delete(&other).await.refusal().0, 404);
    assert_eq!(site.delete(&format!("{other}?draft=true")).await.status, 204);
}

#[tokio::test]
async fn of_many_creates_and_updates_at_once_exactly_one_wins() {
    let site = std::sync::Arc::new(Site::new().await);
    let id = site.page("Counter", "<p/>").await;
    let (mut creates, mut updates) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    for n in 0..20 {
        let (here, there, id) = (site.clone(), site.clone(), id.clone());
        creates.spawn(async move { here.try_page("Same title", "<p/>", json!({})).await.status.as_u16() });
        updates.spawn(async move { there.try_update(&id, 2, "Counter", &format!("<p>{n}</p>")).await.status.as_u16() });
    }
    let (mut created, mut updated) = (creates.join_all().await, updates.join_all().await);
    created.sort_unstable();
    updated.sort_unstable();
    assert_eq!((created[0], &created[1..]), (200, [400; 19].as_slice()));
    assert_eq!((updated[0], &updated[1..]), (200, [409; 19].as_slice()));
    assert_eq!(site.truth(&id).await["version"], 2);
}
