//! What holds for every document.
#![expect(clippy::disallowed_methods, reason = "a test reads the schema; the crate itself reads nothing")]

use std::sync::OnceLock;

use hub_document::{Document, Inline, JIRA_MAX_CHARS, Limits, text, to_adf, to_storage, to_wiki};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::draft4::check;
use crate::generate::{document, long_document, plain_document, text as any_text};
use crate::model_text::pieces;
use crate::storage_reader::visible_text;
use crate::workspace_root;

/// Atlassian's ADF schema, where the folder of shared specifications is present.
fn schema() -> Option<&'static Value> {
    static SCHEMA: OnceLock<Option<Value>> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let path = workspace_root().join("../shared/specs/adf-full.json");
            let Ok(text) = std::fs::read_to_string(&path) else {
                println!("skipped: {} is absent, ADF is not checked against the schema", path.display());
                return None;
            };
            Some(serde_json::from_str(&text).unwrap())
        })
        .as_ref()
}

fn assert_valid(value: &Value) {
    if let Some(schema) = schema()
        && let Err(error) = check(schema, value)
    {
        panic!("{error}\n{value:#}");
    }
    no_bad_text(value);
}

/// What the schema does not say and Jira refuses or shows as rubbish.
fn no_bad_text(value: &Value) {
    match value {
        Value::String(text) => assert!(!text.chars().any(text::is_forbidden), "{text:?}"),
        Value::Array(list) => list.iter().for_each(no_bad_text),
        Value::Object(map) => map.values().for_each(no_bad_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of an ADF document, a line feed for a break.
fn adf_text(node: &Value) -> String {
    let own = match node["type"].as_str() {
        Some("text") => node["text"].as_str().unwrap().to_owned(),
        Some("status") => node["attrs"]["text"].as_str().unwrap().to_owned(),
        Some("expand" | "nestedExpand") => node["attrs"]["title"].as_str().unwrap().to_owned(),
        Some("date") => {
            let ms = node["attrs"]["timestamp"].as_str().unwrap().parse().unwrap();
            hub_document::Date::from_epoch_ms(ms).unwrap().to_string()
        }
        Some("hardBreak") => "\n".to_owned(),
        _ => String::new(),
    };
    let children = node["content"].as_array().into_iter().flatten().map(adf_text);
    own + &children.collect::<String>()
}

fn note(truncation: &hub_document::Truncation) -> Vec<Inline> {
    vec![Inline::emphasis(&format!(
        "… {} rows, {} characters more",
        truncation.dropped_rows, truncation.dropped_text_chars
    ))]
}

fn assert_nothing_lost(document: &Document, output: &str, what: &str) {
    let output = output.replace('\n', " ");
    for piece in pieces(document) {
        for line in piece.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
            assert!(output.contains(line), "{line:?} is missing in the {what}: {output:?}");
        }
    }
}

/// Reads wiki markup as Jira does: an escaped character is text, a preformatted block ends at its own tag. What begins
/// with a brace and is not one of the encoder's tags is returned.
fn only_own_macros(markup: &str) -> Result<(), String> {
    const OWN: [&str; 8] = ["{panel", "{quote}", "{color", "{{", "{*}", "{_}", "{-}", "{+}"];
    let mut rest = markup;
    while let Some(at) = rest.find(['\\', '{']) {
        let (_, from) = rest.split_at(at);
        let closing = if from.starts_with("{code:") { "{code}" } else { "{noformat}" };
        rest = if from.starts_with("{code:") || from.starts_with("{noformat}") {
            let (_, body) = from.split_once('}').unwrap();
            body.split_once(closing).ok_or_else(|| from.to_owned())?.1
        } else if let Some(tag) = OWN.iter().find(|tag| from.starts_with(**tag)) {
            from.strip_prefix(*tag).unwrap()
        } else if from.starts_with('{') {
            return Err(from.to_owned());
        } else {
            let mut escaped = from.chars();
            escaped.by_ref().take(2).for_each(drop);
            escaped.as_str()
        };
    }
    Ok(())
}

#[test]
fn the_schema_checker_refuses_what_it_should() {
    let Some(schema) = schema() else { return };
    let doc = |content: Value| json!({ "version": 1, "type": "doc", "content": content });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let paragraph = |content: Value| json!({ "type": "paragraph", "content": [content] });
    for bad in [
        json!({ "version": 1, "type": "doc" }),
        doc(json!([text("bare")])),
        doc(json!([paragraph(text(""))])),
        doc(json!([paragraph(
            json!({ "type": "text", "text": "x", "marks": [{ "type": "code" }, { "type": "strong" }] })
        )])),
        doc(json!([paragraph(json!({ "type": "status", "attrs": { "text": "x", "color": "orange" } }))])),
        doc(json!([paragraph(json!({ "type": "date", "attrs": { "timestamp": 1 } }))])),
        doc(json!([{ "type": "bulletList", "content": [] }])),
        doc(json!([{ "type": "bulletList", "content": [{ "type": "listItem", "content": [{ "type": "rule" }] }] }])),
        doc(
            json!([{ "type": "table", "content": [{ "type": "tableRow", "content": [{ "type": "tableCell", "content": [] }] }] }]),
        ),
        doc(json!([{ "type": "heading", "attrs": { "level": 7 } }])),
        doc(json!([{ "type": "paragraph", "extra": 1 }])),
        doc(json!([{ "type": "nestedExpand", "attrs": {}, "content": [paragraph(text("x"))] }])),
    ] {
        assert!(check(schema, &bad).is_err(), "{bad}");
    }
    assert_eq!(check(schema, &doc(json!([paragraph(text("x")), { "type": "paragraph" }]))), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn adf_is_valid_and_holds_every_word(document in document()) {
        let output = to_adf(&document, &Limits { max_chars: usize::MAX, note: &note });
        prop_assert_eq!(output.truncated, None);
        assert_valid(&output.value);
        assert_nothing_lost(&document, &adf_text(&output.value), "ADF");
    }

    #[test]
    fn adf_within_a_limit_is_valid_and_deterministic(document in document(), max_chars in 512_usize..4000) {
        let output = to_adf(&document, &Limits { max_chars, note: &note });
        prop_assert_eq!(output.chars, output.value.to_string().encode_utf16().count());
        prop_assert!(output.chars <= max_chars);
        assert_valid(&output.value);
        prop_assert_eq!(output, to_adf(&document, &Limits { max_chars, note: &note }));
    }

    #[test]
    fn text_of_plain_documents_is_exact(document in plain_document()) {
        let expect = pieces(&document).concat();
        prop_assert_eq!(visible_text(&to_storage(&document)), Ok(expect.clone()));
        let output = to_adf(&document, &Limits { max_chars: usize::MAX, note: &note });
        prop_assert_eq!(adf_text(&output.value), expect);
    }

    #[test]
    fn storage_is_well_formed_and_holds_every_word(document in document()) {
        let fragment = to_storage(&document);
        match visible_text(&fragment) {
            Ok(text) => assert_nothing_lost(&document, &text, "storage format"),
            Err(error) => prop_assert!(false, "{error}\n{fragment}"),
        }
    }

    #[test]
    fn wiki_markup_is_deterministic_and_never_opens_a_foreign_macro(document in document()) {
        let markup = to_wiki(&document);
        prop_assert_eq!(&markup, &to_wiki(&document));
        prop_assert!(!markup.chars().any(text::is_forbidden));
        if let Err(from) = only_own_macros(&markup) {
            prop_assert!(false, "{from:?} is not the encoder's, in {markup}");
        }
    }

    #[test]
    fn cleaning_is_stable_and_clipping_is_a_prefix(input in any_text(), max in 0_usize..40) {
        let clean = text::clean(&input);
        prop_assert!(!clean.chars().any(text::is_forbidden));
        prop_assert_eq!(text::clean(&clean), clean.clone());
        let (kept, dropped) = text::clip(&clean, max);
        prop_assert!(clean.starts_with(&*kept) && kept.chars().count() <= max);
        prop_assert_eq!(kept.chars().count() + dropped, clean.chars().count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn long_documents_are_valid_within_jiras_limit(document in long_document()) {
        let output = to_adf(&document, &Limits::jira(&note));
        prop_assert!(output.chars <= JIRA_MAX_CHARS);
        prop_assert_eq!(output.chars, output.value.to_string().encode_utf16().count());
        assert_valid(&output.value);
        if let Some(truncation) = output.truncated {
            prop_assert!(truncation.full_chars > JIRA_MAX_CHARS);
            prop_assert!(truncation.dropped_text_chars + truncation.dropped_blocks + truncation.dropped_rows + truncation.dropped_items > 0);
        }
    }
}
