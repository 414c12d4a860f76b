//! Each node in ADF.

use hub_document::{
    Block, Children, Content, Document, Inline, IssueRef, JiraIssues, Limits, Marks, PageLink, PageProperties,
    PagePropertiesReport, PanelKind, StatusColour, Table, Toc, to_adf,
};

fn content(block: impl Into<Block>) -> String {
    let output = to_adf(&Document::new().with(block), &Limits::jira(&|_| Vec::new()));
    assert_eq!(output.truncated, None);
    assert_eq!(output.chars, output.value.to_string().encode_utf16().count());
    output.value["content"].to_string()
}

fn inlines<const N: usize>(inlines: [Inline; N]) -> String {
    let output = to_adf(&Document::new().with(Block::paragraph(inlines)), &Limits::jira(&|_| Vec::new()));
    output.value["content"][0]["content"].to_string()
}

#[test]
fn an_empty_document() {
    let output = to_adf(&Document::new(), &Limits::jira(&|_| Vec::new()));
    insta::assert_snapshot!(output.value, @r#"{"version":1,"type":"doc","content":[]}"#);
}

#[test]
fn headings_and_paragraphs() {
    insta::assert_snapshot!(content(Block::heading(3, ["Título".into()])), @r#"[{"type":"heading","attrs":{"level":3},"content":[{"type":"text","text":"Título"}]}]"#);
    insta::assert_snapshot!(content(Block::text("two\nlines")), @r#"[{"type":"paragraph","content":[{"type":"text","text":"two"},{"type":"hardBreak"},{"type":"text","text":"lines"}]}]"#);
    insta::assert_snapshot!(content(Block::text("")), @r#"[{"type":"paragraph"}]"#);
}

#[test]
fn lists() {
    insta::assert_snapshot!(content(Block::bullet_list(["one", ""])), @r#"[{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"one"}]}]},{"type":"listItem","content":[{"type":"paragraph"}]}]}]"#);
    let nested = Block::ordered_list([
        Content::from(Block::bullet_list(["deep"])),
        vec![Block::text("a"), Block::code(None, "b")].into(),
    ]);
    insta::assert_snapshot!(content(nested), @r#"[{"type":"orderedList","content":[{"type":"listItem","content":[{"type":"paragraph"},{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"deep"}]}]}]}]},{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"a"}]},{"type":"codeBlock","content":[{"type":"text","text":"b"}]}]}]}]"#);
}

#[test]
fn tables_fill_their_rows_and_cells() {
    let table = Table::new().header(["A", "B"]).row(["x"]).with_header_column();
    insta::assert_snapshot!(content(table), @r#"[{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"A"}]}]},{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"B"}]}]}]},{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]},{"type":"tableCell","content":[{"type":"paragraph"}]}]}]}]"#);
    let one_column = Table::new().row(["only"]).with_header_column();
    insta::assert_snapshot!(content(one_column), @r#"[{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"only"}]}]}]}]}]"#);
}

#[test]
fn code_panels_rules_and_quotes() {
    insta::assert_snapshot!(content(Block::code(Some("JSON"), "{\"a\": 1}\n")), @r#"[{"type":"codeBlock","attrs":{"language":"json"},"content":[{"type":"text","text":"{\"a\": 1}\n"}]}]"#);
    insta::assert_snapshot!(content(Block::code(None, "")), @r#"[{"type":"codeBlock"}]"#);
    insta::assert_snapshot!(content(Block::panel(PanelKind::Error, [Block::text("x")])), @r#"[{"type":"panel","attrs":{"panelType":"error"},"content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]}]"#);
    insta::assert_snapshot!(content(Block::Rule), @r#"[{"type":"rule"}]"#);
    insta::assert_snapshot!(content(Block::quote([Block::text("q")])), @r#"[{"type":"blockquote","content":[{"type":"paragraph","content":[{"type":"text","text":"q"}]}]}]"#);
}

#[test]
fn an_expand_changes_its_name_below_the_top() {
    let inner = Block::expand("inner", [Block::text("x")]);
    insta::assert_snapshot!(content(Block::expand("outer", [inner.clone()])), @r#"[{"type":"expand","attrs":{"title":"outer"},"content":[{"type":"nestedExpand","attrs":{"title":"inner"},"content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]}]}]"#);
    insta::assert_snapshot!(content(Table::new().row([Content::from(inner)])), @r#"[{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableCell","content":[{"type":"nestedExpand","attrs":{"title":"inner"},"content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]}]}]}]}]"#);
    insta::assert_snapshot!(content(Block::expand("nothing inside", [])), @r#"[{"type":"expand","attrs":{"title":"nothing inside"},"content":[{"type":"paragraph"}]}]"#);
}

#[test]
fn confluence_macros_become_portable() {
    insta::assert_snapshot!(content(PageProperties::with_id("run").row("Env", [Inline::text("staging")])), @r#"[{"type":"table","content":[{"type":"tableRow","content":[{"type":"tableHeader","content":[{"type":"paragraph","content":[{"type":"text","text":"Env"}]}]},{"type":"tableCell","content":[{"type":"paragraph","content":[{"type":"text","text":"staging"}]}]}]}]}]"#);
    insta::assert_snapshot!(content(PagePropertiesReport::new("label = \"qa\"")), @r#"[{"type":"paragraph","content":[{"type":"text","text":"label = \"qa\"","marks":[{"type":"code"}]}]}]"#);
    insta::assert_snapshot!(content(JiraIssues::new("project = CTB")), @r#"[{"type":"paragraph","content":[{"type":"text","text":"project = CTB","marks":[{"type":"code"}]}]}]"#);
    insta::assert_snapshot!(content(Toc::levels(1, 3)), @"[]");
    insta::assert_snapshot!(content(Children::all()), @"[]");
    assert_eq!(content(PageProperties::new().hidden().row("m", [Inline::text("x")])), "[]", "hidden facts stay hidden");
    let only_toc = Block::bullet_list([Content::from(Block::from(Toc::levels(1, 2)))]);
    insta::assert_snapshot!(content(only_toc), @r#"[{"type":"bulletList","content":[{"type":"listItem","content":[{"type":"paragraph"}]}]}]"#);
}

#[test]
fn inline_nodes() {
    let all = Marks::default().underline().strike().strong().emphasis();
    insta::assert_snapshot!(inlines([Inline::marked("x", all), Inline::code("y")]), @r#"[{"type":"text","text":"x","marks":[{"type":"em"},{"type":"strong"},{"type":"strike"},{"type":"underline"}]},{"type":"text","text":"y","marks":[{"type":"code"}]}]"#);
    insta::assert_snapshot!(inlines([Inline::link("https://x.example/?a=1&b=2", "see")]), @r#"[{"type":"text","text":"see","marks":[{"type":"link","attrs":{"href":"https://x.example/?a=1&b=2"}}]}]"#);
    insta::assert_snapshot!(inlines([Inline::link("javascript:alert(1)", "click")]), @r#"[{"type":"text","text":"click (javascript:alert(1))"}]"#);
    insta::assert_snapshot!(inlines([Inline::status("PASSED", StatusColour::Green), Inline::status("", StatusColour::Red)]), @r#"[{"type":"status","attrs":{"text":"PASSED","color":"green"}}]"#);
    insta::assert_snapshot!(inlines([Inline::date("2026-09-24"), Inline::LineBreak]), @r#"[{"type":"date","attrs":{"timestamp":"1790208000000"}},{"type":"hardBreak"}]"#);
    insta::assert_snapshot!(inlines([PageLink::new("Run 7").with_url("https://w.example/7").into(), PageLink::new("No address").into()]), @r#"[{"type":"text","text":"Run 7","marks":[{"type":"link","attrs":{"href":"https://w.example/7"}}]},{"type":"text","text":"No address"}]"#);
    insta::assert_snapshot!(inlines([IssueRef::live("CTB-1", "https://j.example/browse/CTB-1").into(), IssueRef::link("CTB-2", "").into()]), @r#"[{"type":"text","text":"CTB-1","marks":[{"type":"link","attrs":{"href":"https://j.example/browse/CTB-1"}}]},{"type":"text","text":"CTB-2"}]"#);
}
