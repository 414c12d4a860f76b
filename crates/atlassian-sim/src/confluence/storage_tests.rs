//! What the storage-format reader accepts and how it refuses.

use super::*;

fn refusal(text: &str) -> String {
    parse(text).map_or_else(|error| error.to_string(), |_| format!("accepted: {text}"))
}

#[test]
fn well_formed_bodies_become_trees() {
    let nodes = parse(
        "<p class='x'>a &amp; b&nbsp;<br/></p><ac:structured-macro ac:name=\"code\"><ac:plain-text-body>\
                       <![CDATA[1 < 2 && 3]]></ac:plain-text-body></ac:structured-macro>",
    )
    .unwrap();
    let p = nodes[0].element().unwrap();
    assert_eq!(p.attribute("class"), Some("x"));
    assert_eq!(p.children[0], Node::Text("a & b\u{a0}".to_owned()));
    let code = nodes[1].element().unwrap();
    assert_eq!(code.macro_name(), Some("code"));
    assert_eq!(text_of(&code.children), "1 < 2 && 3");
    assert!(parse("").unwrap().is_empty());
    assert!(parse("<!-- note --><p>&#x1F600;&#233;</p>").is_ok());
}

#[test]
fn a_split_cdata_end_survives() {
    let nodes = parse("<p><![CDATA[a]]]]><![CDATA[>b]]></p>").unwrap();
    assert_eq!(text_of(&nodes), "a]]>b");
}

#[test]
fn the_recorded_refusals_are_reproduced() {
    assert_eq!(
        refusal("<p>x</p>\n<p><img src=\"a?b&logo=1\"/></p>"),
        "Error parsing xhtml: Unexpected character '=' (code 61); expected a semi-colon after the reference for entity \
         'logo'\n at [row,col {unknown-source}]: [2,22]"
    );
    assert!(refusal("<th>a<br></th>").contains("Unexpected close tag </th>; expected </br>."));
    assert!(refusal("<p>Q & A</p>").contains("Unexpected character ' ' (code 32) (missing name?)"));
}

#[test]
fn every_kind_of_mistake_is_refused() {
    let cases = [
        ("<p>&bogus;</p>", "Undeclared general entity \"bogus\""),
        ("<p>a", "Unexpected close tag </xml>; expected </p>."),
        ("a</p>", "Unexpected close tag </p>; expected </xml>."),
        ("<p>a]]>b</p>", "String ']]>' not allowed in textual content"),
        ("<p>a\u{8}b</p>", "Illegal character ((CTRL-CHAR, code 8))"),
        ("<p>&#8;</p>", "Illegal character entity: expansion character (code 0x8"),
        ("<p>1 < 2</p>", "Unexpected character ' ' (code 32) in content after '<' (malformed start element?)."),
        ("<input disabled>", "Unexpected character '>' (code 62) expected '='"),
        ("<p class=x>", "Expected a quote"),
        ("<p a=\"1\" a=\"2\"/>", "Duplicate attribute 'a'."),
        ("<p a=\"1\"b=\"2\"/>", "excepted space, or '>' or \"/>\""),
        ("<o:p>x</o:p>", "Undeclared namespace prefix \"o\""),
        ("<p title=\"a<b\"/>", "Unexpected character '<' (code 60) in attribute value"),
        ("<![CDATA[x", "Unexpected end of input block in CDATA section"),
        ("<!-- x", "Unexpected end of input block in comment"),
        ("<!DOCTYPE x>", "Unexpected DOCTYPE declaration"),
        ("<?xml version=\"1.0\"?>", "xml (case insensitive) is reserved"),
        ("<p", "Unexpected end of input block in start tag"),
        ("<p title=\"x", "Unexpected end of input block in attribute value"),
        ("tail &", "(missing name?)"),
        ("\u{fffe}", "Illegal character"),
    ];
    for (text, expected) in cases {
        let got = refusal(text);
        assert!(got.contains(expected), "{text:?}: {got}");
    }
}

#[test]
fn rows_and_columns_point_at_the_mistake() {
    let error = parse("<p>one</p>\n<p>two</p>\n  <p>é & b</p>").unwrap_err();
    assert_eq!((error.row, error.column), (3, 9));
}

#[test]
fn bottomless_nesting_is_refused_and_not_followed() {
    let text = format!("{}{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
    assert!(refusal(&text).contains("Maximum Element Depth limit"));
    let fine = format!("{}{}", "<div>".repeat(400), "</div>".repeat(400));
    assert!(parse(&fine).is_ok());
}
