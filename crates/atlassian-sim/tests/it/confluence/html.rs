//! The pages for people: what a reader sees is what the stored page says, and never foreign markup.

use reqwest::Method;
use serde_json::json;

use super::Site;

async fn shown(site: &Site, path: &str) -> String {
    // Without credentials: a person with a browser has none.
    let got = site.send_as(None, Method::GET, path, None).await;
    assert_eq!(got.status, 200, "{path}: {}", got.text);
    got.text
}

fn details(rows: &[(&str, &str)]) -> String {
    let rows: String =
        rows.iter().map(|(key, value)| format!("<tr><th><p>{key}</p></th><td><p>{value}</p></td></tr>")).collect();
    format!(
        "<ac:structured-macro ac:name=\"details\"><ac:parameter ac:name=\"id\">qa-run</ac:parameter><ac:rich-text-body>\
             <table><tbody>{rows}</tbody></table></ac:rich-text-body></ac:structured-macro>"
    )
}

fn status(title: &str, colour: &str) -> String {
    format!(
        "<ac:structured-macro ac:name=\"status\"><ac:parameter ac:name=\"colour\">{colour}</ac:parameter>\
             <ac:parameter ac:name=\"title\">{title}</ac:parameter></ac:structured-macro>"
    )
}

#[tokio::test]
async fn a_space_shows_its_tree_and_a_page_its_place() {
    let site = Site::new().await;
    let runs = site.page("Runs & <more>", "<p>x</p>").await;
    let run = site.page_under(&runs, "Run 1").await;
    site.label(&run, &["qa-run"]).await;
    site.try_update(&run, 2, "Run 1", "<h2>Result</h2><p>all fine</p>").await.good();
    assert!(shown(&site, "/wiki/spaces").await.contains("href=\"/wiki/spaces/CTB\""));
    assert!(shown(&site, "/wiki").await.contains("CTB"));
    let tree = shown(&site, "/wiki/spaces/ctb").await;
    let (above, below) = (tree.find("Runs &amp; &lt;more&gt;").unwrap(), tree.find(">Run 1<").unwrap());
    assert!(above < below, "{tree}");
    for path in [format!("/wiki/spaces/CTB/pages/{run}"), format!("/wiki/spaces/CTB/pages/{run}/Any+title/at/all")] {
        let page = shown(&site, &path).await;
        for part in [
            "<h1>Run 1</h1>",
            "Runs &amp; &lt;more&gt;",
            "Version 2 of",
            "v2",
            "<span class=\"label\">qa-run</span>",
            "all fine",
        ] {
            assert!(page.contains(part), "{part} is missing: {page}");
        }
    }
    assert!(shown(&site, "/wiki/spaces/CTB/overview").await.contains("<h1>CTB Home</h1>"));
    for path in [
        "/wiki/spaces/NOPE".to_owned(),
        "/wiki/spaces/CTB/pages/5".to_owned(),
        format!("/wiki/spaces/NOPE/pages/{run}"),
        "/wiki/spaces/CTB/pages/abc".to_owned(),
    ] {
        assert_eq!(site.send_as(None, Method::GET, &path, None).await.status, 404, "{path}");
    }
    let made = site.get(&format!("/wiki/api/v2/pages/{run}")).await.good();
    assert!(shown(&site, &format!("/wiki{}", made["_links"]["webui"].as_str().unwrap())).await.contains("all fine"));
}

#[tokio::test]
async fn a_page_properties_report_is_really_evaluated() {
    let site = Site::new().await;
    for (title, result, colour, label) in
        [("Run 2", "FAILED", "Red", "qa-run"), ("Run 1", "PASSED", "Green", "qa-run"), ("Other", "x", "Blue", "other")]
    {
        let body = details(&[("Environment", "staging &amp; more"), ("Status", &status(result, colour))]);
        let id = site.page(title, &body).await;
        site.label(&id, &[label]).await;
    }
    let plain = site.page("No facts", "<p>x</p>").await;
    site.label(&plain, &["qa-run"]).await;
    let report = |more: &str| {
        format!(
            "<ac:structured-macro ac:name=\"detailssummary\"><ac:parameter ac:name=\"cql\">label = \"qa-run\" and space = currentSpace()</ac:parameter>{more}</ac:structured-macro>"
        )
    };
    let id = site.page("Index", &report("<ac:parameter ac:name=\"firstcolumn\">Run</ac:parameter><ac:parameter ac:name=\"sortBy\">Title</ac:parameter>")).await;
    let path = format!("/wiki/spaces/CTB/pages/{id}");
    let page = shown(&site, &path).await;
    assert!(page.contains("<th>Run</th><th>Environment</th><th>Status</th>"), "{page}");
    assert!(
        page.contains("<td><p>staging &amp; more</p></td><td><p><span class=\"lozenge red\">FAILED</span></p></td>"),
        "{page}"
    );
    assert!(page.find(">Run 1</a>").unwrap() < page.find(">Run 2</a>").unwrap(), "sorted by title");
    assert!(!page.contains("Other</a></td>") && !page.contains("No facts</a></td>"), "{page}");
    let narrow = report(
        "<ac:parameter ac:name=\"headings\">status, Missing</ac:parameter><ac:parameter ac:name=\"sortBy\">Status</ac:parameter><ac:parameter ac:name=\"reverseSort\">true</ac:parameter>",
    );
    site.try_update(&id, 2, "Index", &narrow).await.good();
    let page = shown(&site, &path).await;
    assert!(page.contains("<th>Title</th><th>status</th><th>Missing</th>") && !page.contains("staging"), "{page}");
    assert!(page.find(">Run 1</a>").unwrap() < page.find(">Run 2</a>").unwrap(), "PASSED before FAILED, backwards");
    // A new page shows up without anyone touching the report.
    let more = site.page("Run 3", &details(&[("Status", "new")])).await;
    site.label(&more, &["qa-run"]).await;
    assert!(shown(&site, &path).await.contains(">Run 3</a>"));
    let below = "<ac:structured-macro ac:name=\"contentbylabel\"><ac:parameter ac:name=\"cql\">ancestor = currentContent()\
                 </ac:parameter></ac:structured-macro>";
    let parent = site.page("Parent", below).await;
    site.page_under(&parent, "Below the parent").await;
    let page = shown(&site, &format!("/wiki/spaces/CTB/pages/{parent}")).await;
    assert_eq!(page.matches(">Below the parent</a>").count(), 2, "once by the query, once in the tree: {page}");
    assert!(!page.contains(">Run 1</a>"), "{page}");
    let none = report("<ac:parameter ac:name=\"id\">another</ac:parameter>");
    site.try_update(&id, 3, "Index", &none).await.good();
    assert!(shown(&site, &path).await.contains("No page properties found."));
    let broken = "<ac:structured-macro ac:name=\"detailssummary\"><ac:parameter ac:name=\"cql\">nonsense = 1</ac:parameter></ac:structured-macro>";
    site.try_update(&id, 4, "Index", broken).await.good();
    assert!(shown(&site, &path).await.contains("No field exists with the name: &#39;nonsense&#39;"));
}

#[tokio::test]
async fn macros_read_as_they_would_on_a_site() {
    let site = Site::new().await;
    let body = "<ac:structured-macro ac:name=\"toc\"/><h1>One &amp; only</h1><h2>Two</h2>\
        <ac:structured-macro ac:name=\"children\"/>\
        <ac:structured-macro ac:name=\"jira\"><ac:parameter ac:name=\"key\">CTB-1, CTB-2</ac:parameter></ac:structured-macro>\
        <ac:structured-macro ac:name=\"jira\"><ac:parameter ac:name=\"jqlQuery\">project = CTB</ac:parameter></ac:structured-macro>\
        <ac:structured-macro ac:name=\"expand\"><ac:parameter ac:name=\"title\">More</ac:parameter><ac:rich-text-body><p>hidden</p></ac:rich-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"warning\"><ac:parameter ac:name=\"title\">Careful</ac:parameter><ac:rich-text-body><p>hot</p></ac:rich-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"code\"><ac:parameter ac:name=\"language\">js</ac:parameter><ac:plain-text-body><![CDATA[if (a < b && c) {}]]></ac:plain-text-body></ac:structured-macro>\
        <p><ac:link><ri:page ri:content-title=\"Target\"/></ac:link> <ac:link><ri:page ri:content-title=\"Target\"/><ac:plain-text-link-body><![CDATA[with <words>]]></ac:plain-text-link-body></ac:link> \
        <ac:link><ri:page ri:content-title=\"Nowhere\"/></ac:link> <a href=\"https://example.com/?a=1&amp;b=2\">out</a></p>\
        <ac:adf-extension><ac:adf-node type=\"panel\"><ac:adf-attribute key=\"panel-type\">error</ac:adf-attribute><ac:adf-content><p>broken</p></ac:adf-content></ac:adf-node></ac:adf-extension>\
        <ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body>done it</ac:task-body></ac:task></ac:task-list>\
        <ac:structured-macro ac:name=\"roadmap\"><ac:parameter ac:name=\"title\">T</ac:parameter></ac:structured-macro>\
        <table><tbody><tr><td data-highlight-colour=\"#e3fcef\" colspan=\"2\"><p>green</p></td></tr></tbody></table>";
    let id = site.page("Everything", body).await;
    let target = site.page("Target", "<p/>").await;
    let child = site.page_under(&id, "The child").await;
    let page = shown(&site, &format!("/wiki/spaces/CTB/pages/{id}")).await;
    for part in [
        "<a href=\"#h-1\">One &amp; only</a>",
        "<h1 id=\"h-1\">One &amp; only</h1>",
        "margin-left:1em\"><a href=\"#h-2\">Two</a>",
        &format!("<ul><li><a href=\"/wiki/spaces/CTB/pages/{child}/The+child\">The child</a></li></ul>"),
        "<a href=\"/browse/CTB-1\">CTB-1</a>, <a href=\"/browse/CTB-2\">CTB-2</a>",
        "Jira: <code>project = CTB</code>",
        "<details><summary>More</summary><p>hidden</p></details>",
        "<div class=\"panel warning\"><p><b>Careful</b></p><p>hot</p></div>",
        "<pre>if (a &lt; b &amp;&amp; c) {}</pre>",
        &format!("<a href=\"/wiki/spaces/CTB/pages/{target}/Target\">Target</a>"),
        &format!("<a href=\"/wiki/spaces/CTB/pages/{target}/Target\">with &lt;words&gt;</a>"),
        "title=\"no such page\">?</span> Nowhere",
        "<a href=\"https://example.com/?a=1&amp;b=2\" rel=\"noopener noreferrer\">out</a>",
        "<div class=\"panel error\"><p>broken</p></div>",
        "\u{2611} done it",
        "[roadmap title=T]",
        "<td colspan=\"2\" style=\"background:#e3fcef\"><p>green</p></td>",
    ] {
        assert!(page.contains(part), "missing: {part}\n{page}");
    }
}

#[tokio::test]
async fn nothing_stored_can_run() {
    let site = Site::new().await;
    let nasty = "<script>alert(1)</script><p onclick=\"alert(2)\" style=\"x:expression(alert(3))\">a</p>\
        <a href=\"javascript:alert(4)\">b</a><a href=\"data:text/html,x\">c</a><img src=\"javascript:alert(5)\" onerror=\"alert(6)\"/>\
        <iframe src=\"https://evil.test\"/><svg onload=\"alert(7)\"/><style>body{}</style><form action=\"/x\"><input name=\"y\"/></form>\
        <ac:image><ri:url ri:value=\"javascript:alert(8)\"/></ac:image>\
        <ac:structured-macro ac:name=\"html\"><ac:plain-text-body><![CDATA[<script>alert(9)</script>]]></ac:plain-text-body></ac:structured-macro>\
        <ac:structured-macro ac:name=\"jira\"><ac:parameter ac:name=\"key\">\"&gt;&lt;script&gt;</ac:parameter></ac:structured-macro>\
        <td data-highlight-colour=\"#zz;}x\">d</td>";
    let title = "<img src=x onerror=alert(0)> \" ' &amp;";
    let id = site.page(title, nasty).await;
    site.post(
        "/wiki/api/v2/footer-comments",
        json!({"pageId": id, "body": {"representation": "storage", "value": nasty}}),
    )
    .await
    .json();
    for path in
        [format!("/wiki/spaces/CTB/pages/{id}"), "/wiki/spaces/CTB".to_owned(), "/wiki/spaces/CTB/overview".to_owned()]
    {
        let page = shown(&site, &path).await.to_lowercase();
        for bad in [
            "<script",
            "onerror=a",
            "onclick",
            "onload",
            "javascript:",
            "data:text",
            "<iframe",
            "<svg",
            "<form",
            "<input",
            "expression(",
            "<img src=x",
        ] {
            // The text of an attribute may be shown where it is escaped text; a tag may not.
            let harmful = page.matches(bad).count();
            let escaped = page.matches(&format!("&lt;img src=x {bad}")).count();
            assert_eq!(harmful, escaped, "{path}: {bad}\n{page}");
        }
    }
    let view = site.get(&format!("/wiki/api/v2/pages/{id}?body-format=view")).await.good();
    let view = view["body"]["view"]["value"].as_str().unwrap();
    assert!(!view.contains("<script") && view.contains("&lt;script&gt;"), "{view}");
}

#[tokio::test]
async fn deep_pages_and_trees_are_shown_without_harm() {
    let site = Site::new().await;
    let deep = format!("{}<p>bottom</p>{}", "<div>".repeat(450), "</div>".repeat(450));
    let id = site.page("Deep", &deep).await;
    assert!(shown(&site, &format!("/wiki/spaces/CTB/pages/{id}")).await.contains("bottom"));
    let read = site.get(&format!("/wiki/api/v2/pages/{id}?body-format=atlas_doc_format")).await.good();
    assert!(read["body"]["atlas_doc_format"]["value"].as_str().unwrap().contains("bottom"));
    let lists = format!("{}x{}", "<ul><li>".repeat(200), "</li></ul>".repeat(200));
    let id = site.page("Lists", &lists).await;
    site.get(&format!("/wiki/api/v2/pages/{id}?body-format=atlas_doc_format")).await.good();
    let mut parent = site.home.clone();
    for n in 0..50 {
        parent = site.page_under(&parent, &format!("Level {n}")).await;
    }
    assert!(shown(&site, "/wiki/spaces/CTB").await.contains("Level 20"));
}
