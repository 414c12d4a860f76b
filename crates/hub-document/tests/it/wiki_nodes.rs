//! Each node in Jira wiki markup.

use hub_document::{
    Block, Children, Content, Document, Inline, IssueRef, JiraIssues, Marks, PageLink, PageProperties, PanelKind,
    StatusColour, Table, paragraphs_from_text, to_wiki,
};

fn wiki(block: impl Into<Block>) -> String {
    to_wiki(&Document::new().with(block))
}

fn inlines<const N: usize>(inlines: [Inline; N]) -> String {
    wiki(Block::paragraph(inlines))
}

#[test]
fn blocks() {
    let document = Document::new()
        .with(Block::heading(1, ["H".into()]))
        .with(Block::text("a\nb\n\nc\n"))
        .with(Block::Rule)
        .with(Block::quote([Block::text("q"), Block::text("r")]))
        .with(Block::panel(PanelKind::Info, [Block::text("p")]))
        .with(Block::expand("More", [Block::text("e")]));
    insta::assert_snapshot!(to_wiki(&document), @r#"
h1. H

a
b
\\
c

----

{quote}
q

r
{quote}

{panel:bgColor=#DEEBFF}
p
{panel}

*More*

e
"#);
    assert_eq!(to_wiki(&Document::new()), "");
}

#[test]
fn lists_and_tables() {
    let list = Block::bullet_list([
        Content::from(vec![Block::text("one"), Block::text("two"), Block::ordered_list(["deep", "er"])]),
        vec![Block::text("three"), Block::code(Some("json"), "{}")].into(),
        "".into(),
    ]);
    insta::assert_snapshot!(wiki(list), @r#"
* one \\ two
*# deep
*# er
* three
{code:json}
{}
{code}
*
"#);
    let table = Table::new()
        .header(["A", "B"])
        .row([Content::from("x|y"), Block::bullet_list(["l", "m"]).into()])
        .row([Content::from("two\nlines"), vec![Block::Rule, Block::panel(PanelKind::Note, [Block::text("p")])].into()])
        .row([""])
        .with_header_column();
    insta::assert_snapshot!(wiki(table), @r#"
|| A || B ||
|| x\|y | 
* l
* m |
|| two \\ lines | p |
||  |  |
"#);
}

#[test]
fn code_cannot_be_left() {
    insta::assert_snapshot!(wiki(Block::code(Some("java"), "int a;")), @r#"
{code:java}
int a;
{code}
"#);
    insta::assert_snapshot!(wiki(Block::code(Some("klingon"), "x")), @r#"
{noformat}
x
{noformat}
"#);
    insta::assert_snapshot!(wiki(Block::code(Some("java"), "{code}*b*")), @r#"
{noformat}
{code}*b*
{noformat}
"#);
    let both = wiki(Block::code(Some("java"), "{code}{noformat}*b*"));
    assert_eq!(both.matches("{noformat").count(), 2, "only the frame itself: {both}");
}

#[test]
fn macros() {
    insta::assert_snapshot!(wiki(PageProperties::new().row("Env", [Inline::text("staging")]).row("Empty", [])), @r#"
|| Env | staging |
|| Empty |  |
"#);
    insta::assert_snapshot!(wiki(JiraIssues::new("project = \"A-B\"")), @r#"{{project = "A-B"}}"#);
    assert_eq!(wiki(Children::all()), "");
}

#[test]
fn inline_markup() {
    insta::assert_snapshot!(inlines([Inline::text("a "), Inline::strong("b"), Inline::text(" c"), Inline::emphasis("d"), Inline::text("e")]), @"a *b* c{_}d{_}e");
    insta::assert_snapshot!(inlines([Inline::strong(" padded "), Inline::code("f(x) {}"), Inline::strong("  ")]), @r#" *padded* {{f\(x) \{\}}}"#);
    insta::assert_snapshot!(inlines([Inline::marked("s", Marks::default().strong().strike().underline())]), @"*-+s+-*");
    insta::assert_snapshot!(inlines([Inline::link("https://[::1]/a|b?c=[1]!", "see [this]|that")]), @r#"[see \[this\]\|that|https://%5B::1%5D/a%7Cb?c=%5B1%5D%21]"#);
    insta::assert_snapshot!(inlines([Inline::link("https://x.example", "")]), @"[https://x.example]");
    insta::assert_snapshot!(inlines([Inline::link("javascript:alert(1)", "click")]), @"click (javascript:alert(1))");
    insta::assert_snapshot!(inlines([Inline::status("IN PROGRESS", StatusColour::Blue), Inline::date("2026-09-24")]), @"{color:#0747A6}*IN PROGRESS*{color}2026-09-24");
    insta::assert_snapshot!(inlines([IssueRef::live("CTB-1", "").into(), IssueRef::link("CTB-2", "https://j.example/browse/CTB-2").into(), IssueRef::link("[~admin]", "").into()]), @r#"CTB-1[CTB-2|https://j.example/browse/CTB-2]\[\~admin\]"#);
    insta::assert_snapshot!(inlines([PageLink::new("Run {7}").with_url("https://w.example/7").into()]), @r#"[Run \{7\}|https://w.example/7]"#);
}

#[test]
fn text_is_never_markup() {
    let text = "# one\n* two\n- three\nh1. four\nbq. five\n|six|\n||seven||\n----\n{code}eight{code}\n[nine|http://x]\n!ten.png!\nC:\\dir\\\\x";
    let document = Document { blocks: paragraphs_from_text(text) };
    insta::assert_snapshot!(to_wiki(&document), @r#"
\# one
\* two
\- three
h1&#46; four
bq&#46; five
\|six\|
\|\|seven\|\|
\-\-\-\-
\{code\}eight\{code\}
\[nine\|http://x\]
\!ten.png\!
C:&#92;dir&#92;&#92;x
"#);
}
