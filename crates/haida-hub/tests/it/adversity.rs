//! A token that is revoked in mid-run, a clock that is wrong by hours, and people who move, edit and delete: the hub stops
//! safely or follows, and never creates on doubt.

use std::{path::Path, process::Command};

use atlassian_sim::Options;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Hub, cases, run};

/// Where Debian puts the program that gives another program a wrong clock.
const FAKETIME: &str = "/usr/bin/faketime";

async fn taken(hub: &Hub, count: usize) {
    let table = hub.write("cases.csv", cases(count, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
}

async fn faults(hub: &Hub, script: Value) {
    hub.person(Method::PUT, "/_sim/faults", Some(script)).await;
}

async fn human(hub: &Hub, action: Value) -> Value {
    hub.person(Method::POST, "/_sim/humans", Some(action)).await
}

/// Each issue exactly once, by its marker.
async fn once(hub: &Hub, count: usize) {
    let truth = hub.truth().await;
    let markers = truth["markers"].as_object().unwrap();
    assert_eq!(markers.len(), count, "{markers:?}");
    assert!(markers.values().all(|n| n == 1), "{markers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_in_mid_run_stops_the_run_and_costs_nothing() {
    let hub = Hub::start().await;
    hub.ready();
    taken(&hub, 250).await;
    // The second and every further bulk call meets a token that is no longer good.
    let rule = json!({
        "match": {"methods": ["POST"], "endpoint": "/rest/api/3/issue/bulk", "every": 2},
        "fault": {"kind": "unauthorized"},
    });
    faults(&hub, json!({"rule": [rule]})).await;
    let error = hub.hub(&["sync", "--project", "shop"]).json(4);
    assert_eq!(error["error"]["code"], "HUB-2002", "{error}");
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    let states: Vec<&str> =
        status[0]["publications"].as_array().unwrap().iter().map(|p| p["state"].as_str().unwrap()).collect();
    assert!(!states.contains(&"dead") && !states.contains(&"uncertain"), "{status}");
    // The token is good again: everything is created, nothing twice.
    hub.person(Method::DELETE, "/_sim/faults", None).await;
    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(report["dead"], 0);
    once(&hub, 250).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_hours_wrong_decides_nothing() {
    if !Path::new(FAKETIME).exists() {
        assert!(std::env::var_os("CI").is_none(), "{FAKETIME} is missing, which `cargo xtask ci` installs");
        println!("skipped: {FAKETIME} is missing (the Debian package faketime)");
        return;
    }
    let hub = Hub::start().await;
    hub.ready();
    taken(&hub, 60).await;
    // The creates take effect 15 s after their callers were left.
    let rule = json!({
        "match": {"methods": ["POST"], "endpoint": "/rest/api/3/issue/bulk", "first": 2},
        "fault": {"kind": "late-commit", "within_seconds": 15.0, "at_least_seconds": 14.0},
    });
    faults(&hub, json!({"rule": [rule]})).await;
    let sync = |offset: &str, arguments: &[&str]| {
        let plain = hub.command(arguments);
        let mut command = Command::new(FAKETIME);
        command.args(["-f", offset]).arg(plain.get_program()).args(plain.get_args());
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        run(&mut command)
    };
    let arguments = ["sync", "--project", "shop"];
    let first = sync("+0", &arguments).json(0);
    assert_eq!(first["uncertain"], 60, "{first}");
    // For a process two hours ahead the creates are long overdue, if it believed its own clock.
    let ahead = sync("+2h", &arguments).json(0);
    assert_eq!((&ahead["issues"]["created"], &ahead["uncertain"]), (&json!(0), &json!(60)), "{ahead}");
    hub.until_issues_exist(60).await;
    // The search that is due two minutes after the last one is due now.
    let client = hub.database.client().await;
    client.batch_execute("update hub.key_scans set began_at = began_at - interval '3 minutes'").await.unwrap();
    let behind = sync("-2h", &["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(behind["issues"]["created"], 0, "they had landed, late: {behind}");
    assert_eq!(behind["issues"]["adopted"], 60, "{behind}");
    once(&hub, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_move_edit_and_delete_are_followed_or_shown() {
    let hub = Hub::with_projects(Options::default(), &["SHOP", "OTHER"]).await;
    hub.ready();
    taken(&hub, 3).await;
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let issues = hub.issues().await;
    let key = |n: usize| issues[n]["key"].as_str().unwrap().to_owned();
    let moved =
        human(&hub, json!({"match": {"key": key(0)}, "action": {"kind": "move-issue", "to_project": "OTHER"}})).await;
    human(&hub, json!({"match": {"key": key(1)}, "action": {"kind": "delete-issue"}})).await;
    human(&hub, json!({"match": {"key": key(2)}, "action": {"kind": "edit-issue", "add_labels": ["mine"]}})).await;
    human(&hub, json!({"match": {"product": "confluence", "space": "SHOP"}, "action": {"kind": "edit-page"}})).await;

    let report = hub.hub(&["audit", "--project", "shop"]).json(0);
    let mut found: Vec<(&str, bool)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["kind"].as_str().unwrap(), f["healed"] == true))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("edited", false), ("gone", false), ("moved", true)], "{report}\n{moved}");

    // The moved one is changed where it is now, the deleted one is not created again, the label of a person stays.
    let table = hub.write("cases.csv", cases(3, |n| format!("New title {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let sync = hub.hub(&["sync", "--project", "shop"]).json(4);
    assert_eq!((&sync["issues"]["updated"], &sync["issues"]["created"]), (&json!(2), &json!(0)), "{sync}");
    assert_eq!(sync["issues"]["refused"], 1, "the deleted one is a dead letter: {sync}");
    let issues = hub.issues().await;
    assert_eq!(issues.len(), 2);
    assert!(issues.iter().any(|issue| issue["projectKey"] == "OTHER"), "{issues:?}");
    let labels: Vec<String> = issues.iter().map(|issue| issue["fields"]["labels"].to_string()).collect();
    assert!(labels.iter().any(|labels| labels.contains("mine")), "{labels:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_label_finds_an_issue_that_was_moved_before_its_create_was_known() {
    let hub = Hub::with_projects(Options::default(), &["SHOP", "OTHER"]).await;
    let mut add = hub.add_command("SHOP", &hub.site.url, &hub.credential());
    add.push("--label-marker".to_owned());
    hub.hub(&add.iter().map(String::as_str).collect::<Vec<_>>()).json(0);
    taken(&hub, 1).await;
    let rule = json!({
        "match": {"methods": ["POST"], "endpoint": "/rest/api/3/issue/bulk"},
        "fault": {"kind": "html", "commit": "after"},
    });
    // Nor can the site be asked for it at once.
    let unread = json!({
        "match": {"methods": ["POST"], "endpoint": "/rest/api/3/issue/bulkfetch"},
        "fault": {"kind": "server-error", "commit": "before"},
    });
    faults(&hub, json!({"rule": [rule, unread]})).await;
    hub.hub(&["sync", "--project", "shop"]).json(4);
    assert_eq!(hub.issues().await.len(), 1, "it was created, and nobody knows");
    human(&hub, json!({"match": {"project": "SHOP"}, "action": {"kind": "move-issue", "to_project": "OTHER"}})).await;
    hub.person(Method::DELETE, "/_sim/faults", None).await;
    // As if the time in which a create may take effect had passed.
    let client = hub.database.client().await;
    client
        .batch_execute(
            "update hub.publication set sent_at = sent_at - interval '10 minutes' where state = 'uncertain';
             update hub.key_scans set began_at = began_at - interval '10 minutes'",
        )
        .await
        .unwrap();
    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!((&report["issues"]["adopted"], &report["issues"]["created"]), (&json!(1), &json!(0)), "{report}");
    assert_eq!(hub.issues().await[0]["projectKey"], "OTHER");
    once(&hub, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_creates_are_held_and_the_status_says_so_until_the_site_was_looked_at() {
    let hub = Hub::start().await;
    hub.ready();
    taken(&hub, 3).await;
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    // The database is put back to before the creates: it knows of no issue, and the server is on another timeline.
    let client = hub.database.client().await;
    client
        .batch_execute(
            "update hub.publication set state = 'pending', published_hash = null, remote_id = null, remote_key = null
               where object = 'issue';
             update hub_private.server set timeline = timeline + 1",
        )
        .await
        .unwrap();
    let held = hub.hub(&["sync", "--project", "shop"]).json(0);
    assert_eq!((&held["issues"]["created"], &held["waiting"]), (&json!(0), &json!(3)), "{held}");
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    assert!(status[0]["creates_held_since"].is_string(), "{status}");
    // As if two minutes had passed.
    client.batch_execute("update hub.recoveries set began_at = began_at - interval '3 minutes'").await.unwrap();
    let found = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!((&found["issues"]["adopted"], &found["issues"]["created"]), (&json!(3), &json!(0)), "{found}");
    once(&hub, 3).await;
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    assert!(status[0]["creates_held_since"].is_null(), "{status}");
}
