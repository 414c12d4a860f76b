//! A tour through every documented endpoint, judged against Atlassian's own description where the judge is at hand.

use std::path::Path;

use atlassian_sim::Options;
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use super::{Site, update};

#[tokio::test]
async fn every_documented_answer_has_the_documented_shape() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let judge = root.join("../shared/contract/validate_log.py");
    let tools = std::env::var_os("CONTRACT_DIR").map_or_else(|| root.join(".contract"), Into::into);
    let python = tools.join(".venv/bin/python");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let site = Site::with(Options { log: Some(log.clone()), ..Options::default() }).await;
    let calls = tour(&site).await;
    let written = std::fs::read_to_string(&log).unwrap().lines().count();
    assert!(written >= calls, "{written} of {calls} calls are in the log");
    if !judge.exists() || !python.exists() {
        println!("the exchange is not judged: {} or {} is missing", judge.display(), python.display());
        return;
    }
    let mut command = Command::new(python);
    command.arg(judge).arg(&log).env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    assert!(output.status.success() && text.contains(": 0 errors,"), "{text}");
}

/// Calls everything once; gives the number of calls.
async fn tour(site: &Site) -> usize {
    let body = "<h1>T</h1><p>a &amp; b&nbsp;é</p><ac:structured-macro ac:name=\"info\"><ac:rich-text-body><p>x</p></ac:rich-text-body>\
        </ac:structured-macro><p><ac:structured-macro ac:name=\"status\"><ac:parameter ac:name=\"title\">OK</ac:parameter>\
        <ac:parameter ac:name=\"colour\">Green</ac:parameter></ac:structured-macro> <a href=\"https://e.test/\">l</a> \
        <ac:link><ri:page ri:content-title=\"CTB Home\"/></ac:link></p><ul><li>one<ol><li>two</li></ol></li></ul><hr/>\
        <table><tbody><tr><th>k</th><td colspan=\"2\"><h3>v</h3><blockquote><p>q</p></blockquote></td></tr><tr><td/><td/><td/></tr></tbody></table>\
        <ac:structured-macro ac:name=\"details\"><ac:rich-text-body><table><tbody><tr><th>k</th><td>v</td></tr></tbody></table></ac:rich-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"code\"><ac:parameter ac:name=\"language\">rust</ac:parameter><ac:plain-text-body><![CDATA[a]]]]><![CDATA[>b]]></ac:plain-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"expand\"><ac:parameter ac:name=\"title\">e</ac:parameter><ac:rich-text-body><p>in</p></ac:rich-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"children\"/><ac:structured-macro ac:name=\"toc\"/>";
    let id = site.page("Tour", body).await;
    let child = site.page_under(&id, "Tour child").await;
    let other = site.page("Tour other", "<p/>").await;
    let document = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "t"}]}]});
    let adf = json!({"body": {"representation": "atlas_doc_format", "value": document.to_string()}});
    site.try_page("Tour document", "", adf).await.good();
    site.try_page("Tour", "<p/>", json!({})).await.refusal();
    site.try_page("Broken", "<p>&</p>", json!({})).await.refusal();
    site.try_update(&id, 2, "Tour", body).await.good();
    site.try_update(&id, 2, "Tour", "<p/>").await.refusal();
    site.label(&id, &["qa", "run"]).await;
    let page = format!("/wiki/api/v2/pages/{id}");
    let property = site.post(&format!("{page}/properties"), json!({"key": "k", "value": {"a": 1}})).await.good();
    let property = format!("{page}/properties/{}", property["id"].as_str().unwrap());
    site.put(&property, json!({"key": "k", "value": 2, "version": {"number": 2, "message": "m"}})).await.good();
    site.put(&format!("{page}/title"), json!({"status": "current", "title": "Tour 2"})).await.good();
    let text = json!({"representation": "storage", "value": "<p>c</p>"});
    let comment = site.post("/wiki/api/v2/footer-comments", json!({"pageId": id, "body": text})).await.json();
    let comment = format!("/wiki/api/v2/footer-comments/{}", comment["id"].as_str().unwrap());
    site.put(&comment, json!({"version": {"number": 2}, "body": text})).await.good();
    let label = site.get(&format!("{page}/labels")).await.good()["results"][0]["id"].as_str().unwrap().to_owned();
    let space = format!("/wiki/api/v2/spaces/{}", site.space);
    site.post("/wiki/api/v2/spaces", json!({"name": "Second", "key": "SEC"})).await.json();
    let v1 = "/wiki/rest/api";
    let archived = json!({"pages": [{"id": other.parse::<u64>().unwrap()}]});
    site.send(Method::PUT, &format!("{v1}/content/{other}/move/append/{id}"), None).await.good();
    let task = site.post(&format!("{v1}/content/archive"), archived).await.json();
    let task = task["links"]["status"].as_str().unwrap().to_owned();
    let mut reads = vec![format!("/wiki{task}"), property.clone(), comment.clone(), format!("{comment}/children")];
    for part in [
        "children",
        "direct-children",
        "descendants",
        "versions",
        "versions/1",
        "labels",
        "properties",
        "footer-comments",
    ] {
        reads.push(format!("{page}/{part}"));
    }
    reads.push(format!("/wiki/api/v2/pages/{child}/ancestors"));
    for format in ["storage", "atlas_doc_format", "view"] {
        reads.push(format!("{page}?body-format={format}&include-labels=true&include-properties=true&include-versions=true&include-operations=true&include-likes=true"));
    }
    reads.push(format!("{page}?version=1"));
    reads.push(
        "/wiki/api/v2/pages?limit=2&status=current&status=archived&body-format=storage&sort=-modified-date".to_owned(),
    );
    reads.push("/wiki/api/v2/pages?body-format=atlas_doc_format".to_owned());
    reads.push(format!("/wiki/api/v2/labels/{label}/pages"));
    for path in [
        "/wiki/api/v2/labels",
        "/wiki/api/v2/footer-comments?body-format=storage",
        "/wiki/api/v2/spaces?limit=1&description-format=plain",
    ] {
        reads.push(path.to_owned());
    }
    for part in ["", "/pages?depth=root", "/labels?prefix=team", "/content/labels?prefix=my"] {
        reads.push(format!("{space}{part}"));
    }
    reads.push(format!("{page}/versions?body-format=storage"));
    for path in [
        "/search?cql=type%3Dpage&limit=2",
        "/content/search?cql=label%3Dqa&expand=version&expand=space&expand=body.storage&expand=ancestors&expand=history&expand=metadata.labels",
        "/user/current",
        "/settings/systemInfo",
    ] {
        reads.push(format!("{v1}{path}"));
    }
    reads.push(format!("{v1}/content/{id}/descendant/page"));
    let count = reads.len();
    for path in reads {
        site.get(&path).await.good();
    }
    for path in ["/wiki/api/v2/pages/999999", "/wiki/api/v2/spaces/999999", "/wiki/api/v2/pages/x"] {
        site.get(path).await.refusal();
    }
    site.get(&format!("{v1}/search?cql=status%3Dx")).await.v1_refusal();
    site.send_as(Some("wrong"), Method::GET, &page, None).await.refusal();
    site.put(&page, update(&id, 9, "Tour 2", "<p/>")).await.refusal();
    for path in [
        property,
        comment,
        format!("{v1}/content/{id}/label?name=qa"),
        format!("{v1}/content/{id}/label/run"),
        page.clone(),
        format!("{page}?purge=true"),
    ] {
        assert_eq!(site.delete(&path).await.status, 204, "{path}");
    }
    count + 30
}
