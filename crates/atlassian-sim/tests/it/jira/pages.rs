//! The pages for people.

use serde_json::json;

use super::{Site, doc};

#[tokio::test]
async fn an_issue_reads_as_a_page_and_nothing_sent_becomes_markup() {
    let site = Site::new().await;
    let evil = "<script>alert('x')</script>\"onload=\"";
    let document = json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": evil, "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]}]},
        {"type": "expand", "attrs": {"title": evil}, "content": [{"type": "paragraph"}]},
        {"type": "panel", "attrs": {"panelType": "error"}, "content": [{"type": "paragraph", "content": [
            {"type": "status", "attrs": {"text": evil, "color": "red"}}, {"type": "mention", "attrs": {"id": "x", "text": evil}}]}]},
        {"type": "codeBlock", "content": [{"type": "text", "text": evil}]},
        {"type": "blockCard", "attrs": {"url": "javascript:alert(1)"}},
    ]});
    let more = json!({"description": document, "labels": ["<b>"], "customfield_10101": evil});
    let key = site.create("Bug", evil, more).await;
    site.put(&format!("issue/{key}/properties/%3Cb%3E"), json!({"m": evil})).await.with(201);
    site.post(&format!("issue/{key}/comment"), json!({"body": doc(evil)})).await.with(201);
    let remote =
        json!({"relationship": evil, "object": {"url": "javascript:alert(1)", "title": evil, "summary": evil}});
    site.post(&format!("issue/{key}/remotelink"), remote).await.with(201);
    for path in
        [format!("/browse/{key}"), "/browse".to_owned(), "/jira/projects/CTB".to_owned(), "/browse/CTB".to_owned()]
    {
        let got = site.get(&path).await;
        assert_eq!(got.status, 200);
        assert!(got.header("content-type").unwrap().starts_with("text/html"));
        assert!(
            !got.text.contains("<script") && !got.text.contains("href=\"javascript") && !got.text.contains("<b>&"),
            "{}",
            got.text
        );
        assert!(got.text.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{path}");
    }
    let page = site.get(&format!("/browse/{key}")).await.text;
    for heading in ["Description", "Web links", "Issue properties", "Comments", "test_case_id"] {
        assert!(page.contains(heading), "{heading}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404_as_a_page() {
    let site = Site::new().await;
    for path in ["/browse/CTB-9", "/jira/projects/NOPE", "/browse/%3Cscript%3E"] {
        let got = site.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text.contains("Not found") && !got.text.contains("<script"));
    }
}
