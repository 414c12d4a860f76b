//! Rich text: documents in version 3, strings in version 2, one text below.

use serde_json::{Value, json};

use super::{Site, doc, fields};

#[tokio::test]
async fn version_3_refuses_strings_and_what_breaks_the_schema() {
    let site = Site::new().await;
    for field in ["description", "environment"] {
        for value in [json!("text"), json!(1), json!(["x"]), json!(true)] {
            let got = site.try_create("Task", "s", json!({field: value})).await;
            assert_eq!(
                got.field_error(field),
                "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
            );
        }
    }
    let bad = [
        json!({}),
        json!({"type": "doc", "content": []}),
        json!({"type": "doc", "version": 1}),
        json!({"type": "doc", "version": 2, "content": []}),
        json!({"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]}),
        json!({"type": "doc", "version": 1, "content": [], "extra": 1}),
        json!({"type": "doc", "version": 1, "content": [{"type": "heading", "attrs": {"level": 7}}]}),
        json!({"type": "doc", "version": 1, "content": [{"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": []}]}]}]}),
        json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [{"type": "code"}, {"type": "strong"}]}]}]}),
        json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "status", "attrs": {"text": "x", "color": "orange"}}]}]}),
        json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "date", "attrs": {"timestamp": 1}}]}]}),
    ];
    for document in bad {
        let got = site.try_create("Task", "s", json!({"description": document})).await;
        assert_eq!(got.with(400), json!({"errorMessages": ["INVALID_INPUT"], "errors": {}}), "{document}");
    }
    let empty = json!({"type": "doc", "version": 1, "content": [{"type": "codeBlock", "content": [{"type": "text", "text": ""}]}]});
    let got = site.try_create("Task", "s", json!({"description": empty})).await;
    assert!(
        got.messages(400)[0]
            .starts_with("We can't create this issue for you right now, it could be due to unsupported content")
    );
    assert_eq!(site.count().await, 0);
    site.create("Task", "s", json!({"description": {"type": "doc", "version": 1, "content": []}})).await;
}

#[tokio::test]
async fn a_text_ends_at_32767_characters() {
    let site = Site::new().await;
    let limit = "The entered text is too long. It exceeds the allowed limit of 32,767 characters.";
    let got = site.try_create("Task", "s", json!({"description": doc(&"x".repeat(33_000))})).await;
    assert_eq!(got.field_error("description"), limit);
    site.create("Task", "s", json!({"description": doc(&"x".repeat(32_600))})).await;
    let sent = |length: usize| json!({"fields": super::merged(fields("Task", "s"), json!({"description": "x".repeat(length)}))});
    assert_eq!(site.post("/rest/api/2/issue", sent(32_768)).await.field_error("description"), limit);
    site.post("/rest/api/2/issue", sent(32_767)).await.with(201);
}

#[tokio::test]
async fn version_2_takes_strings_and_refuses_documents() {
    let site = Site::new().await;
    let body =
        |description: Value| json!({"fields": super::merged(fields("Task", "s"), json!({"description": description}))});
    let got = site.post("/rest/api/2/issue", body(doc("x"))).await;
    assert_eq!(got.field_error("description"), "Operation value must be a string");
    let text = "h2. Steps\n\n* one\n* two\n\nfirst line\nsecond line\n\n{code:rust}\nfn main() {}\n{code}\n\n----\nend";
    for version in ["2", "latest"] {
        let made = site.post(&format!("/rest/api/{version}/issue"), body(json!(text))).await.with(201);
        let key = made["key"].as_str().unwrap();
        assert!(made["self"].as_str().unwrap().contains("/rest/api/2/issue/"));
        let read = site.get(&format!("/rest/api/{version}/issue/{key}")).await.with(200);
        assert_eq!(read["fields"]["description"], text);
        let as_document = site.get(&format!("issue/{key}")).await.with(200)["fields"]["description"].clone();
        let kinds: Vec<&str> =
            as_document["content"].as_array().unwrap().iter().map(|node| node["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["heading", "bulletList", "paragraph", "codeBlock", "rule", "paragraph"]);
        // What version 3 shows, version 3 takes.
        site.put(&format!("issue/{key}"), json!({"fields": {"description": as_document}})).await.with(204);
    }
}

#[tokio::test]
async fn a_document_reads_as_wiki_markup_in_version_2() {
    let site = Site::new().await;
    let document = json!({"type": "doc", "version": 1, "content": [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Result"}]},
        {"type": "paragraph", "content": [
            {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
            {"type": "text", "text": " and "},
            {"type": "text", "text": "link", "marks": [{"type": "link", "attrs": {"href": "https://x.test"}}]},
        ]},
        {"type": "bulletList", "content": [
            {"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "one"}]},
                {"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "deep"}]}]}]}]},
        ]},
        {"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableHeader", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "k"}]}]},
            {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "v"}]}]},
        ]}]},
    ]});
    let key = site.create("Task", "s", json!({"description": document})).await;
    let read = site.get(&format!("/rest/api/2/issue/{key}")).await.with(200);
    assert_eq!(
        read["fields"]["description"],
        "h2. Result\n\n*bold* and [link|https://x.test]\n\n* one\n** deep\n\n||k|v|"
    );
}

#[tokio::test]
async fn a_comment_follows_the_version_too() {
    let site = Site::new().await;
    let key = site.create("Task", "s", json!({})).await;
    let made = site.post(&format!("/rest/api/2/issue/{key}/comment"), json!({"body": "hello"})).await.with(201);
    assert_eq!(made["body"], "hello");
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        site.get(&format!("issue/{key}/comment/{id}")).await.with(200)["body"],
        json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hello"}]}]})
    );
    let got = site.post(&format!("/rest/api/2/issue/{key}/comment"), json!({"body": doc("x")})).await;
    assert_eq!(got.field_error("comment"), "Operation value must be a string");
}
