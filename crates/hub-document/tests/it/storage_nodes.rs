//! Each node in Confluence storage format.

use hub_document::{
    Block, Children, ChildrenSort, Content, Document, Inline, IssueRef, JiraIssues, JiraServer, Marks, PageLink,
    PageProperties, PagePropertiesReport, PanelKind, StatusColour, Table, Toc, storage_len, to_storage,
};

fn storage(block: impl Into<Block>) -> String {
    let document = Document::new().with(block);
    let fragment = to_storage(&document);
    assert_eq!(storage_len(&document), fragment.len());
    fragment
}

fn inlines<const N: usize>(inlines: [Inline; N]) -> String {
    storage(Block::paragraph(inlines))
}

#[test]
fn plain_blocks() {
    insta::assert_snapshot!(storage(Block::heading(2, ["Título & más".into()])), @"<h2>Título &amp; más</h2>");
    insta::assert_snapshot!(storage(Block::text("two\nlines")), @"<p>two<br/>lines</p>");
    insta::assert_snapshot!(storage(Block::text("<script>alert('x')</script> \"&nbsp;\" ]]>")), @"<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &quot;&amp;nbsp;&quot; ]]&gt;</p>");
    insta::assert_snapshot!(storage(Block::bullet_list([Content::from("one"), Block::ordered_list(["deep"]).into(), "".into()])), @"<ul><li><p>one</p></li><li><ol><li><p>deep</p></li></ol></li><li><p/></li></ul>");
    insta::assert_snapshot!(storage(Table::new().header(["A", "B"]).row(["x"]).with_header_column()), @"<table><tbody><tr><th><p>A</p></th><th><p>B</p></th></tr><tr><th><p>x</p></th><td><p/></td></tr></tbody></table>");
    insta::assert_snapshot!(storage(Block::Rule), @"<hr/>");
    insta::assert_snapshot!(storage(Block::quote([Block::text("q")])), @"<blockquote><p>q</p></blockquote>");
    insta::assert_snapshot!(to_storage(&Document::new()), @"");
}

#[test]
fn blocks_that_are_macros() {
    insta::assert_snapshot!(storage(Block::code(Some("go"), "a < b && c[d[0]]>1")), @r#"<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:parameter ac:name="language">go</ac:parameter><ac:plain-text-body><![CDATA[a < b && c[d[0]]]]><![CDATA[>1]]></ac:plain-text-body></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Block::code(None, "")), @r#"<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:plain-text-body><![CDATA[]]></ac:plain-text-body></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Block::panel(PanelKind::Success, [Block::text("ok")])), @r#"<ac:structured-macro ac:name="tip" ac:schema-version="1"><ac:rich-text-body><p>ok</p></ac:rich-text-body></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Block::panel(PanelKind::Error, [Block::text("error")])), @r#"<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="panel-type">error</ac:adf-attribute><ac:adf-content><p>error</p></ac:adf-content></ac:adf-node></ac:adf-extension>"#);
    insta::assert_snapshot!(storage(Block::expand("T & U", [Block::text("Hidden.")])), @r#"<ac:structured-macro ac:name="expand" ac:schema-version="1"><ac:parameter ac:name="title">T &amp; U</ac:parameter><ac:rich-text-body><p>Hidden.</p></ac:rich-text-body></ac:structured-macro>"#);
    let names =
        [PanelKind::Info, PanelKind::Note, PanelKind::Warning].map(|kind| storage(Block::panel(kind, [Block::Rule])));
    insta::assert_snapshot!(names.join("\n"), @r#"
<ac:structured-macro ac:name="info" ac:schema-version="1"><ac:rich-text-body><hr/></ac:rich-text-body></ac:structured-macro>
<ac:structured-macro ac:name="note" ac:schema-version="1"><ac:rich-text-body><hr/></ac:rich-text-body></ac:structured-macro>
<ac:structured-macro ac:name="warning" ac:schema-version="1"><ac:rich-text-body><hr/></ac:rich-text-body></ac:structured-macro>
"#);
}

#[test]
fn confluence_macros() {
    insta::assert_snapshot!(storage(PageProperties::with_id("qa-run").row("Owner", [Inline::text("gfs")]).row("Coverage", [])), @r#"<ac:structured-macro ac:name="details" ac:schema-version="1"><ac:parameter ac:name="id">qa-run</ac:parameter><ac:rich-text-body><table><tbody><tr><th><p>Owner</p></th><td><p>gfs</p></td></tr><tr><th><p>Coverage</p></th><td><p/></td></tr></tbody></table></ac:rich-text-body></ac:structured-macro>"#);
    let hidden = storage(PageProperties::with_id("m").hidden().row("m", [Inline::text("x")]));
    assert!(hidden.contains(r#"<ac:parameter ac:name="hidden">true</ac:parameter>"#), "{hidden}");
    let report = PagePropertiesReport::new("label = \"2026\" and space = currentSpace()")
        .headings(["Status", "Pass, fail", ""])
        .first_column("Run")
        .sort_by("Status", true)
        .page_size(25)
        .only_id("qa-run");
    insta::assert_snapshot!(storage(report), @r#"<ac:structured-macro ac:name="detailssummary" ac:schema-version="3"><ac:parameter ac:name="cql">label = &quot;2026&quot; and space = currentSpace()</ac:parameter><ac:parameter ac:name="headings">Status,&quot;Pass, fail&quot;</ac:parameter><ac:parameter ac:name="firstcolumn">Run</ac:parameter><ac:parameter ac:name="sortBy">Status</ac:parameter><ac:parameter ac:name="reverseSort">true</ac:parameter><ac:parameter ac:name="pageSize">25</ac:parameter><ac:parameter ac:name="id">qa-run</ac:parameter></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Toc::levels(9, 2)), @r#"<ac:structured-macro ac:name="toc" ac:schema-version="1"><ac:parameter ac:name="minLevel">2</ac:parameter><ac:parameter ac:name="maxLevel">6</ac:parameter></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Children::all().sorted(ChildrenSort::Title, true)), @r#"<ac:structured-macro ac:name="children" ac:schema-version="2"><ac:parameter ac:name="all">true</ac:parameter><ac:parameter ac:name="sort">title</ac:parameter><ac:parameter ac:name="reverse">true</ac:parameter></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(Children::depth(0)), @r#"<ac:structured-macro ac:name="children" ac:schema-version="2"><ac:parameter ac:name="depth">1</ac:parameter></ac:structured-macro>"#);
    insta::assert_snapshot!(storage(JiraIssues::new("project = HF AND a < 3").columns(["key", "summary"]).max(5)), @r#"<ac:structured-macro ac:name="jira" ac:schema-version="1"><ac:parameter ac:name="columns">key,summary</ac:parameter><ac:parameter ac:name="maximumIssues">5</ac:parameter><ac:parameter ac:name="jqlQuery">project = HF AND a &lt; 3</ac:parameter></ac:structured-macro>"#);
}

#[test]
fn inline_nodes() {
    let all = Marks::default().underline().strike().strong().emphasis();
    insta::assert_snapshot!(inlines([Inline::marked("x", all), Inline::code("<y>")]), @"<p><strong><em><del><u>x</u></del></em></strong><code>&lt;y&gt;</code></p>");
    insta::assert_snapshot!(inlines([Inline::link("https://x.example/?a=1&b=\"2\"", "see <this>")]), @r#"<p><a href="https://x.example/?a=1&amp;b=%222%22">see &lt;this&gt;</a></p>"#);
    insta::assert_snapshot!(inlines([Inline::picture("https://hub.example/e/abc", "a \"b\".png")]), @r#"<p><ac:image ac:alt="a &quot;b&quot;.png" ac:width="120"><ri:url ri:value="https://hub.example/e/abc"/></ac:image><a href="https://hub.example/e/abc">a &quot;b&quot;.png</a></p>"#);
    insta::assert_snapshot!(inlines([Inline::picture("javascript:alert(1)", "click")]), @"<p>click (javascript:alert(1))</p>");
    insta::assert_snapshot!(inlines([Inline::link("javascript:alert(1)", "click")]), @"<p>click (javascript:alert(1))</p>");
    insta::assert_snapshot!(inlines([Inline::status("PASSED", StatusColour::Green), Inline::status("?", StatusColour::Neutral)]), @r#"<p><ac:structured-macro ac:name="status" ac:schema-version="1"><ac:parameter ac:name="colour">Green</ac:parameter><ac:parameter ac:name="title">PASSED</ac:parameter></ac:structured-macro><ac:structured-macro ac:name="status" ac:schema-version="1"><ac:parameter ac:name="title">?</ac:parameter></ac:structured-macro></p>"#);
    insta::assert_snapshot!(inlines([Inline::date("2026-09-24"), Inline::date("soon")]), @r#"<p><time datetime="2026-09-24"/>soon</p>"#);
    let link = PageLink::new("R&D \"7\"").in_space("CTB").with_text("a ]]> b");
    insta::assert_snapshot!(inlines([link.into(), PageLink::new("").with_text("untitled").into()]), @r#"<p><ac:link><ri:page ri:content-title="R&amp;D &quot;7&quot;" ri:space-key="CTB"/><ac:plain-text-link-body><![CDATA[a ]]]]><![CDATA[> b]]></ac:plain-text-link-body></ac:link>untitled</p>"#);
    let server = JiraServer { name: "JIRA (x)".into(), id: "70d83bc8-0aff-3fa5-8121-5ae90121f5fc".into() };
    insta::assert_snapshot!(inlines([IssueRef::live("CTB-1", "").on_server(server).into(), IssueRef::live("not a key", "").into()]), @r#"<p><ac:structured-macro ac:name="jira" ac:schema-version="1"><ac:parameter ac:name="server">JIRA (x)</ac:parameter><ac:parameter ac:name="serverId">70d83bc8-0aff-3fa5-8121-5ae90121f5fc</ac:parameter><ac:parameter ac:name="key">CTB-1</ac:parameter></ac:structured-macro>not a key</p>"#);
    insta::assert_snapshot!(inlines([IssueRef::link("CTB-2", "https://j.example/browse/CTB-2").into()]), @r#"<p><a href="https://j.example/browse/CTB-2">CTB-2</a></p>"#);
}
