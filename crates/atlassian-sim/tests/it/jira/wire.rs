//! A tour through every Jira call, judged against Atlassian's own description where the judge is at hand.

use std::path::Path;

use atlassian_sim::Options;
use serde_json::json;
use tokio::process::Command;

use super::{Site, doc, fields};

#[tokio::test]
async fn every_documented_answer_has_the_documented_shape() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let judge = root.join("../shared/contract/validate_log.py");
    let tools = std::env::var_os("CONTRACT_DIR").map_or_else(|| root.join(".contract"), Into::into);
    let python = tools.join(".venv/bin/python");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let site = Site::with(Options { log: Some(log.clone()), ..Options::default() }).await;
    tour(&site).await;
    let written = std::fs::read_to_string(&log).unwrap().lines().count();
    assert!(written > 60, "only {written} calls are in the log");
    if !judge.exists() || !python.exists() {
        println!("the exchange is not judged: {} or {} is missing", judge.display(), python.display());
        return;
    }
    let mut command = Command::new(python);
    command.arg(judge).arg(&log).env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(
        output.status.success() && text.contains(": 0 errors,"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Calls everything at least once, refusals included.
async fn tour(site: &Site) {
    let epic = site.create("Epic", "epic", json!({})).await;
    let case = site.create("Test Case", "case", json!({"parent": {"key": epic}, "customfield_10101": "TC_1", "labels": ["a"], "description": doc("d"), "environment": doc("e")})).await;
    let bug = site.create("Bug", "bug", json!({})).await;
    let sub = site.create("Sub-task", "sub", json!({"parent": {"key": case}})).await;
    site.post(
        "issue",
        json!({"fields": fields("Task", "done"), "transition": {"id": "31"}, "properties": [{"key": "k", "value": 1}]}),
    )
    .await
    .with(201);
    site.post("issue", json!({"fields": {}})).await.with(400);
    let bulk = json!({"issueUpdates": [{"fields": fields("Task", "one")}, {"fields": fields("Nope", "two")}]});
    site.post("issue/bulk", bulk).await.with(201);
    site.post("issue/bulk", json!({"issueUpdates": [{"fields": fields("Nope", "two")}]})).await.with(400);
    site.put(&format!("issue/{case}"), json!({"fields": {"summary": "new"}, "update": {"labels": [{"add": "b"}]}}))
        .await
        .with(204);
    site.put(&format!("issue/{case}?returnIssue=true"), json!({"fields": {"summary": "newer"}})).await.with(200);
    let property = format!("issue/{case}/properties/haida.hub");
    site.put(&property, json!({"m": "x"})).await.with(201);
    site.put(&property, json!({"m": "y"})).await.with(200);
    let link = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": bug}, "outwardIssue": {"key": case}});
    site.post("issueLink", link).await.with(201);
    let link = site.truth().await["links"][0]["id"].as_str().unwrap().to_owned();
    let remote = json!({"globalId": "g", "relationship": "report", "application": {"name": "hub"}, "object": {"url": "https://x.test/", "title": "t", "summary": "s", "icon": {"url16x16": "https://x.test/i.png"}, "status": {"resolved": true}}});
    let made = site.post(&format!("issue/{case}/remotelink"), remote.clone()).await.with(201);
    site.post(&format!("issue/{case}/remotelink"), remote).await.with(200);
    let comment = site
        .post(&format!("issue/{case}/comment"), json!({"body": doc("c"), "properties": [{"key": "k", "value": 1}]}))
        .await
        .with(201);
    let comment = format!("issue/{case}/comment/{}", comment["id"].as_str().unwrap());
    site.put(&comment, json!({"body": doc("d")})).await.with(200);
    site.post(&format!("issue/{bug}/transitions"), json!({"transition": {"id": "31"}})).await.with(204);
    site.post("issueLinkType", json!({"name": "Tests", "inward": "is tested by", "outward": "tests"})).await.with(201);
    site.post("field", json!({"name": "f", "type": "com.atlassian.jira.plugin.system.customfieldtypes:labels"}))
        .await
        .with(201);
    for path in [
        "serverInfo",
        "myself",
        "user/search?query=qa",
        "project",
        "project/search",
        "project/CTB",
        "project/CTB/statuses",
        "issuetype",
        "issuetype/10004",
        "field",
        "priority",
        "priority/3",
        "status",
        "status/10000",
        "resolution",
        "resolution/10000",
        "issueLinkType",
        "issueLinkType/10000",
        "issue/createmeta/CTB/issuetypes",
        "issue/createmeta/CTB/issuetypes/10003",
        "issue/createmeta/CTB/issuetypes/10005",
        "issue/createmeta?expand=projects.issuetypes.fields",
        &format!("issueLink/{link}"),
        &format!("issue/{case}"),
        &format!("issue/{case}?properties=*all&expand=names,schema,transitions,editmeta,renderedFields"),
        &format!("issue/{sub}?fields=summary,parent"),
        &format!("issue/{case}/editmeta"),
        &format!("issue/{case}/transitions"),
        &format!("issue/{case}/comment?expand=renderedBody,properties"),
        &comment,
        &format!("issue/{case}/properties"),
        &property,
        &format!("issue/{case}/remotelink"),
        &format!("issue/{case}/remotelink/{}", made["id"]),
        "search/jql?jql=project%3DCTB&fields=*all&maxResults=3",
        "search/jql?jql=project%3DCTB",
    ] {
        site.get(path).await.with(200);
    }
    site.post(
        "issue/bulkfetch",
        json!({"issueIdsOrKeys": [case, bug, "CTB-99"], "fields": ["*all"], "properties": ["haida.hub"]}),
    )
    .await
    .with(200);
    site.post("search/jql", json!({"jql": "project = CTB ORDER BY key", "fields": ["*all"], "maxResults": 2, "properties": ["haida.hub"], "expand": "names"})).await.with(200);
    site.post("search/approximate-count", json!({"jql": "project = CTB"})).await.with(200);
    site.get("search/jql?jql=").await.with(400);
    site.get("issue/CTB-99").await.with(404);
    site.get("project/NOPE").await.with(404);
    for path in [
        format!("issueLink/{link}"),
        comment,
        property,
        format!("issue/{case}/remotelink/{}", made["id"]),
        format!("issue/{case}?deleteSubtasks=true"),
    ] {
        site.delete(&path).await.with(204);
    }
}
