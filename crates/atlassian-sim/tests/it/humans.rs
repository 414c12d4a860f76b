//! People of the site: what each action does to the site, what clients then see, and what the ground truth says of it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::faults::play;
use crate::jira::{Got, Site};

/// One action now.
async fn act(site: &Site, body: Value) -> Got {
    site.call(None, Method::POST, "/_sim/humans", Some(&body)).await
}

async fn two_projects() -> Site {
    let options = atlassian_sim::Options { projects: vec!["CTB".into(), "WEB".into()], ..Default::default() };
    Site::with(options).await
}

fn find<'a>(list: &'a Value, name: &str, value: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item[name] == value).unwrap_or_else(|| panic!("no {value}: {list}"))
}

#[tokio::test]
async fn a_person_edits_an_issue_under_an_account_of_their_own() {
    let site = Site::new().await;
    let key = site.create("Task", "as made", json!({"labels": ["ours", "kept"]})).await;
    let action = json!({"kind": "edit-issue", "summary": "{old}, edited", "description": "by hand",
        "add_labels": ["theirs"], "remove_labels": ["ours"]});
    let record = act(&site, json!({"match": {"key": key}, "action": action})).await.with(200);
    assert_eq!((&record["victim"]["key"], &record["result"]["summary"]), (&json!(key), &json!("as made, edited")));
    let seen = site.get(&format!("issue/{key}?fields=summary,labels,description")).await.with(200);
    assert_eq!(seen["fields"]["summary"], "as made, edited");
    assert_eq!(seen["fields"]["labels"], json!(["kept", "theirs"]));
    assert_eq!(seen["fields"]["description"]["content"][0]["content"][0]["text"], "by hand");
    let truth = site.truth().await;
    let myself = site.get("myself").await.with(200)["accountId"].clone();
    assert_eq!(truth["human_actions"], json!([record]));
    let change = &truth["issues"][0]["history"][0];
    assert_eq!(change["authorId"], record["accountId"]);
    assert_ne!(change["authorId"], myself);
    assert_eq!(change["items"][0], json!({"field": "summary", "from": "as made", "to": "as made, edited"}));
    let action = json!({"kind": "edit-issue", "remove_any_label": true});
    act(&site, json!({"action": action})).await.with(200);
    assert_eq!(site.truth().await["issues"][0]["fields"]["labels"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_comment_by_a_person_shows_its_author() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let body =
        json!({"person": "A Tester", "match": {"key": key}, "action": {"kind": "comment-issue", "text": "why?"}});
    let record = act(&site, body).await.with(200);
    let seen = site.get(&format!("issue/{key}/comment")).await.with(200);
    assert_eq!(seen["comments"][0]["author"]["displayName"], "A Tester");
    assert_eq!(seen["comments"][0]["author"]["accountId"], record["accountId"]);
    assert_eq!(site.truth().await["issues"][0]["comments"][0]["authorId"], record["accountId"]);
}

#[tokio::test]
async fn a_moved_issue_has_another_key_and_the_old_one_still_finds_it() {
    let site = two_projects().await;
    site.create("Task", "in the way", json!({"project": {"key": "WEB"}})).await;
    let key = site.create("Task", "moves", json!({"labels": ["ours"]})).await;
    site.put(&format!("issue/{key}/properties/haida.hub"), json!({"m": "x"})).await.with(201);
    let id = site.get(&format!("issue/{key}")).await.with(200)["id"].clone();
    let action = json!({"kind": "move-issue", "to_project": "WEB"});
    let record = act(&site, json!({"match": {"key": key}, "action": action})).await.with(200);
    assert_eq!(record["result"]["key"], "WEB-2");
    for name in [key.as_str(), "WEB-2", id.as_str().unwrap()] {
        let seen = site.get(&format!("issue/{name}?properties=haida.hub")).await.with(200);
        assert_eq!((&seen["id"], &seen["key"]), (&id, &json!("WEB-2")), "{name}");
        assert_eq!((&seen["fields"]["project"]["key"], &seen["fields"]["labels"]), (&json!("WEB"), &json!(["ours"])));
        assert_eq!(seen["properties"]["haida.hub"]["m"], "x");
    }
    let fetched = site.post("issue/bulkfetch", json!({"issueIdsOrKeys": [key], "fields": ["summary"]})).await.with(200);
    assert_eq!(fetched["issues"][0]["key"], "WEB-2");
    assert_eq!(site.found(&format!("key = {key}")).await, ["WEB-2"]);
    assert_eq!(site.found("project = CTB").await, Vec::<String>::new());
    let truth = site.truth().await;
    let issue = find(&truth["issues"], "key", "WEB-2");
    assert_eq!((&issue["projectKey"], &issue["formerKeys"]), (&json!("WEB"), &json!([key])));
    // Numbers are not used again: the next one of the old project leaves a gap.
    assert_eq!(site.create("Task", "next", json!({})).await, "CTB-2");
    let again = json!({"match": {"id": id}, "action": {"kind": "move-issue", "to_project": "WEB"}});
    assert_eq!(act(&site, again).await.status, 404);
}

#[tokio::test]
async fn an_issue_moves_with_its_sub_tasks_and_a_sub_task_does_not_move_alone() {
    let site = two_projects().await;
    let key = site.create("Task", "above", json!({})).await;
    let sub = site.create("Sub-task", "below", json!({"parent": {"key": key}})).await;
    let moving = |key: &str| json!({"match": {"key": key}, "action": {"kind": "move-issue", "to_project": "WEB"}});
    assert_eq!(act(&site, moving(&sub)).await.status, 404);
    act(&site, moving(&key)).await.with(200);
    assert_eq!(site.get(&format!("issue/{sub}")).await.with(200)["key"], "WEB-2");
}

#[tokio::test]
async fn a_project_with_another_key_is_found_by_both_and_its_issues_too() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let rename = |key: &str| json!({"match": {"project": "CTB"}, "action": {"kind": "rename-project", "new_key": key}});
    let record = act(&site, rename("SHOP")).await.with(200);
    assert_eq!((&record["victim"]["project"], &record["result"]["issues"]), (&json!("CTB"), &json!(1)));
    for name in ["CTB", "SHOP"] {
        assert_eq!(site.get(&format!("project/{name}")).await.with(200)["key"], "SHOP");
        assert_eq!(site.found(&format!("project = {name}")).await, ["SHOP-1"]);
    }
    for name in [key.as_str(), "SHOP-1"] {
        assert_eq!(site.get(&format!("issue/{name}")).await.with(200)["key"], "SHOP-1");
    }
    // The default project of a create call is named by its old key.
    assert_eq!(site.create("Task", "next", json!({})).await, "SHOP-2");
    assert_eq!(act(&site, rename("X")).await.status, 404, "it has another key by now");
    let back = json!({"match": {"project": "SHOP"}, "action": {"kind": "rename-project", "new_key": "CTB"}});
    assert_eq!(act(&site, back).await.status, 409);
    assert_eq!(site.truth().await["projects"][0]["formerKeys"], json!(["CTB"]));
}

#[tokio::test]
async fn a_deleted_issue_is_a_gap_and_stands_among_the_deleted() {
    let site = Site::new().await;
    for n in 1..=3 {
        let property = json!([{"key": "haida.hub", "value": {"m": n.to_string()}}]);
        let body = json!({"fields": crate::jira::fields("Task", "s"), "properties": property});
        site.post("issue", body).await.with(201);
    }
    let body = json!({"match": {"key": "CTB-2"}, "action": {"kind": "delete-issue"}});
    let record = act(&site, body.clone()).await.with(200);
    assert_eq!(act(&site, body).await.status, 404);
    assert_eq!(site.get("issue/CTB-2").await.status, 404);
    let keys = json!({"issueIdsOrKeys": ["CTB-1", "CTB-2", "CTB-3"], "fields": ["summary"]});
    assert_eq!(site.post("issue/bulkfetch", keys).await.with(200)["issues"].as_array().unwrap().len(), 2);
    let truth = site.truth().await;
    assert_eq!(truth["issues"].as_array().unwrap().len(), 2);
    let grave = &truth["deleted_issues"][0];
    assert_eq!(
        (&grave["key"], &grave["deleted"], &grave["deletedBy"]),
        (&json!("CTB-2"), &json!(true), &record["accountId"])
    );
    assert_eq!(grave["properties"]["haida.hub"]["m"], "2");
    assert_eq!(site.create("Task", "next", json!({})).await, "CTB-4");
}

/// Makes a page and gives its id.
async fn page(site: &Site, title: &str) -> String {
    let space = site.get("/wiki/api/v2/spaces?keys=CTB").await.with(200)["results"][0]["id"].clone();
    let body = json!({"spaceId": space, "title": title, "body": {"representation": "storage", "value": "<p>ours</p>"}});
    site.post("/wiki/api/v2/pages", body).await.with(200)["id"].as_str().unwrap().to_owned()
}

async fn page_truth(site: &Site, id: &str) -> Value {
    find(&site.truth().await["confluence"]["pages"], "id", id).clone()
}

#[tokio::test]
async fn a_person_edits_renames_and_moves_a_page() {
    let site = Site::new().await;
    let (id, other) = (page(&site, "Run 1").await, page(&site, "Elsewhere").await);
    let of = |action: Value| json!({"match": {"id": id}, "action": action});
    let record = act(&site, of(json!({"kind": "edit-page", "message": "a word"}))).await.with(200);
    assert_eq!((&record["victim"]["version"], &record["result"]["version"]), (&json!(1), &json!(2)));
    let seen = site.get(&format!("/wiki/api/v2/pages/{id}?body-format=storage")).await.with(200);
    assert_eq!((&seen["version"]["number"], &seen["version"]["authorId"]), (&json!(2), &record["accountId"]));
    let text = seen["body"]["storage"]["value"].as_str().unwrap();
    assert!(text.contains("ours") && text.contains("Edited by hand"), "{text}");
    act(&site, of(json!({"kind": "edit-page", "body": "<p>theirs</p>"}))).await.with(200);
    act(&site, of(json!({"kind": "rename-page", "title": "{old} (old)"}))).await.with(200);
    act(&site, of(json!({"kind": "move-page", "under": "Elsewhere"}))).await.with(200);
    let truth = page_truth(&site, &id).await;
    assert_eq!(
        (&truth["title"], &truth["version"], &truth["parentId"]),
        (&json!("Run 1 (old)"), &json!(4), &json!(other))
    );
    let authors: Vec<&Value> =
        truth["versions"].as_array().unwrap().iter().map(|version| &version["authorId"]).collect();
    assert!(
        authors[0] != authors[1] && authors[1..].iter().all(|author| **author == record["accountId"]),
        "{authors:?}"
    );
    assert_eq!(truth["versions"][1]["message"], "a word");
    let taken = act(&site, of(json!({"kind": "rename-page", "title": "elsewhere"}))).await;
    assert!(taken.status == 409 && taken.text.contains("already exists"), "{}", taken.text);
    let below = json!({"match": {"id": other}, "action": {"kind": "move-page", "under": id}});
    assert_eq!(act(&site, below).await.status, 409);
}

#[tokio::test]
async fn a_page_goes_to_the_trash_and_the_archive_and_back_and_is_purged() {
    let site = Site::new().await;
    let id = page(&site, "Run 1").await;
    for (kind, status) in [
        ("trash-page", "trashed"),
        ("restore-page", "current"),
        ("archive-page", "archived"),
        ("restore-page", "current"),
        ("archive-page", "archived"),
        ("trash-page", "trashed"),
    ] {
        act(&site, json!({"match": {"id": id}, "action": {"kind": kind}})).await.with(200);
        assert_eq!(page_truth(&site, &id).await["status"], status, "{kind}");
    }
    assert_eq!(site.get(&format!("/wiki/api/v2/pages/{id}")).await.status, 404);
    act(&site, json!({"match": {"title": "run 1"}, "action": {"kind": "purge-page"}})).await.with(200);
    let truth = site.truth().await;
    let purged = find(&truth["confluence"]["purged_pages"], "id", &id);
    assert_eq!((&purged["title"], &purged["status"]), (&json!("Run 1"), &json!("purged")));
    assert_eq!(truth["human_actions"].as_array().unwrap().len(), 7);
    // Without a name the homepage is nobody's victim.
    assert_eq!(act(&site, json!({"action": {"kind": "trash-page"}})).await.status, 404);
}

#[tokio::test]
async fn a_page_made_by_a_person_holds_its_title() {
    let site = Site::new().await;
    let make =
        json!({"match": {"space": "CTB"}, "action": {"kind": "create-page", "title": "Run 7", "body": "<p>mine</p>"}});
    let record = act(&site, make.clone()).await.with(200);
    assert_eq!(act(&site, make).await.status, 409);
    let space = site.get("/wiki/api/v2/spaces?keys=CTB").await.with(200)["results"][0]["id"].clone();
    let body = json!({"spaceId": space, "title": "RUN 7", "body": {"representation": "storage", "value": "<p/>"}});
    let got = site.post("/wiki/api/v2/pages", body).await;
    assert!(got.status == 400 && got.text.contains("already exists"), "{}", got.text);
    let truth = page_truth(&site, record["result"]["id"].as_str().unwrap()).await;
    assert_eq!((&truth["authorId"], &truth["body"]), (&record["accountId"], &json!("<p>mine</p>")));
}

#[tokio::test]
async fn the_victim_is_drawn_from_the_seed() {
    let mut orders = Vec::new();
    for seed in [1, 1, 2] {
        let site = Site::new().await;
        for n in 0..30 {
            site.create("Task", &format!("n{n}"), json!({})).await;
        }
        play(&site, &format!("seed = {seed}")).await;
        let mut order = Vec::new();
        for _ in 0..10 {
            let record = act(&site, json!({"action": {"kind": "delete-issue"}})).await.with(200);
            order.push(record["victim"]["key"].as_str().unwrap().to_owned());
        }
        orders.push(order);
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
    let site = Site::new().await;
    for n in 0..30 {
        site.create("Task", &format!("n{n}"), json!({})).await;
    }
    let body = json!({"seed": 9, "action": {"kind": "comment-issue", "text": "t"}});
    let first = act(&site, body.clone()).await.with(200)["victim"]["key"].clone();
    assert_eq!(act(&site, body).await.with(200)["victim"]["key"], first);
}

#[tokio::test]
async fn people_of_a_script_act_at_their_times() {
    let site = Site::new().await;
    for n in 0..5 {
        site.create("Task", &format!("n{n}"), json!({"labels": ["ours"]})).await;
    }
    let started = Instant::now();
    play(
        &site,
        r#"
        seed = 3

        [[human]]
        name = "one deletion"
        at_seconds = 0.25
        match = { product = "jira", project = "CTB", label = "ours" }
        action = { kind = "delete-issue" }

        [[human]]
        person = "A Reader"
        every_seconds = 0.05
        until_seconds = 0.22
        action = { kind = "comment-issue", text = "seen {n}" }
        "#,
    )
    .await;
    let done = loop {
        let list = site.get("/_sim/humans").await.with(200);
        if list.as_array().unwrap().len() == 5 {
            break list;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{list}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
    let kinds: Vec<&str> = done.as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["comment-issue", "comment-issue", "comment-issue", "comment-issue", "delete-issue"]);
    assert_eq!((&done[4]["name"], &done[0]["person"]), (&json!("one deletion"), &json!("A Reader")));
    let humans = site.get("/_sim/stats").await.with(200)["humans"].clone();
    assert_eq!(humans[0], json!({"name": "one deletion", "kind": "delete-issue", "due": 1, "done": 1}));
    assert_eq!(humans[1], json!({"name": null, "kind": "comment-issue", "due": 4, "done": 4}));
    // A reset empties the list and the script's people begin again, on a site without issues.
    site.call(None, Method::POST, "/_sim/reset", None).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.get("/_sim/stats").await.with(200)["humans"][0]["due"] != 1 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(site.get("/_sim/humans").await.with(200), json!([]));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_name() {
    let site = Site::new().await;
    for (script, words) in [
        ("[[human]]\nat_seconds = 1\naction = { kind = \"paint-issue\" }", "paint-issue"),
        ("[[human]]\nat_second = 1\naction = { kind = \"delete-issue\" }", "at_second"),
        ("[[human]]\nat_seconds = 1\naction = { kind = \"delete-issue\", softly = true }", "softly"),
        ("[[human]]\nat_seconds = 1\nmatch = { colour = \"red\" }\naction = { kind = \"delete-issue\" }", "colour"),
        ("[[human]]\naction = { kind = \"delete-issue\" }", "human 1: give at_seconds or every_seconds"),
        (
            "[[human]]\nat_seconds = 1\nuntil_seconds = 2\naction = { kind = \"delete-issue\" }",
            "belong to every_seconds",
        ),
        ("[[human]]\nevery_seconds = 5\nuntil_seconds = 2\naction = { kind = \"delete-issue\" }", "never happen"),
        ("[[human]]\nat_seconds = 1\nmatch = { space = \"CTB\" }\naction = { kind = \"delete-issue\" }", "space"),
        ("[[human]]\nat_seconds = 1\nmatch = { product = \"jira\" }\naction = { kind = \"trash-page\" }", "product"),
        ("[[human]]\nat_seconds = 1\naction = { kind = \"edit-issue\" }", "changes nothing"),
    ] {
        let request = site.client.put(format!("{}/_sim/faults", site.running.url)).body(script.to_owned());
        let got = Site::received(request).await;
        let message = got.with(400)["error"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{script}\ngives {message}\nwithout {words}");
    }
    let got = act(&site, json!({"at_seconds": 1, "action": {"kind": "delete-issue"}})).await;
    assert!(got.with(400)["error"].as_str().unwrap().contains("at_seconds"), "{}", got.text);
    assert_eq!(act(&site, json!({"action": {"kind": "delete-issue"}})).await.status, 404);
    // A script with people reads back as it was written.
    let script = "[[human]]\nperson = \"P\"\nevery_seconds = 5.0\naction = { kind = \"move-page\", under = \"x\" }";
    play(&site, script).await;
    let human = site.get("/_sim/faults").await.with(200)["human"][0].clone();
    assert_eq!(
        human,
        json!({"person": "P", "every_seconds": 5.0, "match": {}, "action": {"kind": "move-page", "under": "x"}})
    );
}

#[tokio::test]
async fn the_documentation_names_every_action_and_its_example_is_a_script() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/simulator.md")).unwrap();
    let example = text.split("```toml").nth(2).and_then(|rest| rest.split("```").next()).unwrap();
    let site = Site::new().await;
    play(&site, example).await;
    assert_eq!(site.get("/_sim/faults").await.with(200)["human"].as_array().unwrap().len(), 2);
    let body = json!({"action": {"kind": "no such action"}});
    let told = act(&site, body).await.with(400)["error"].as_str().unwrap().to_owned();
    let kinds: Vec<&str> = told.split('`').skip(3).step_by(2).filter(|kind| kind.contains('-')).collect();
    assert!(kinds.len() >= 13, "{told}");
    for kind in kinds {
        assert!(text.contains(&format!("`{kind}`")), "{kind} is not described");
    }
}
