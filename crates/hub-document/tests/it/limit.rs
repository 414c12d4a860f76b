//! How a document that is too long is cut.

use std::cell::RefCell;

use hub_document::{
    Block, Content, Document, Inline, JIRA_MAX_CHARS, Limits, MIN_ADF_CHARS, PanelKind, Table, Truncation, to_adf,
};
use serde_json::Value;

fn note(truncation: &Truncation) -> Vec<Inline> {
    vec![
        Inline::text(&format!("… {} more rows, {} blocks: ", truncation.dropped_rows, truncation.dropped_blocks)),
        Inline::link("https://x.example/full", "full text"),
    ]
}

fn cut(document: &Document, max_chars: usize) -> (Value, Truncation) {
    let output = to_adf(document, &Limits { max_chars, note: &note });
    assert_eq!(output.chars, output.value.to_string().encode_utf16().count());
    assert!(output.chars <= max_chars, "{} of {max_chars}", output.chars);
    (output.value, output.truncated.expect("does not fit, so something is left out"))
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(node) => {
            let own = node.get("text").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(node.get("content").into_iter().flat_map(texts)).collect()
        }
        Value::Array(nodes) => nodes.iter().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[test]
fn a_document_of_exactly_the_limit_is_whole() {
    let document = Document::new().with(Block::text(&"x".repeat(1000)));
    let size = to_adf(&document, &Limits::jira(&note)).chars;
    let whole = to_adf(&document, &Limits { max_chars: size, note: &note });
    assert_eq!((whole.chars, whole.truncated), (size, None));
    let cut = to_adf(&document, &Limits { max_chars: size - 1, note: &note });
    assert!(cut.truncated.is_some() && cut.chars < size);
}

#[test]
fn a_long_table_loses_whole_rows_and_says_how_many() {
    let mut table = Table::new().header(["Case", "Result"]);
    for case in 0..1000 {
        table.push_row([format!("TC_{case}"), "passed".to_owned()]);
    }
    let document = Document::new().with(Block::heading(1, ["Results".into()])).with(table).with(Block::text("after"));
    let (value, truncation) = cut(&document, JIRA_MAX_CHARS);
    let rows = value["content"][1]["content"].as_array().unwrap();
    assert!(rows.len() > 100, "uses the room there is: {} rows", rows.len());
    assert_eq!(truncation.dropped_rows, 1001 - rows.len());
    assert_eq!(truncation.dropped_blocks, 1);
    let texts = texts(&value);
    assert_eq!(texts[texts.len() - 2], format!("… {} more rows, 1 blocks: ", truncation.dropped_rows));
    assert_eq!(texts[texts.len() - 3], "passed", "the last row is whole");
    assert_eq!(value["content"].as_array().unwrap().len(), 3);
}

#[test]
fn a_long_text_is_cut_at_a_word_and_counted() {
    let text = "palabra ".repeat(10_000);
    let (value, truncation) = cut(&Document::new().with(Block::text(&text)), JIRA_MAX_CHARS);
    let kept = value["content"][0]["content"][0]["text"].as_str().unwrap();
    let kept = kept.strip_suffix('…').unwrap();
    assert!(kept.ends_with("palabra"), "{:?}", kept.chars().rev().take(10).collect::<String>());
    assert_eq!(kept.chars().count() + truncation.dropped_text_chars, text.chars().count());
    assert!(kept.len() > 29_000);
}

#[test]
fn a_log_is_cut_at_a_line() {
    let (value, _) =
        cut(&Document::new().with(Block::code(Some("text"), &"at line \"x\"\n".repeat(9000))), JIRA_MAX_CHARS);
    let text = value["content"][0]["content"][0]["text"].as_str().unwrap();
    assert!(text.ends_with("at line \"x\"\n…"));
}

#[test]
fn emoji_are_counted_as_jira_counts_them_and_never_split() {
    for shift in 0..4 {
        let text = format!("{}{}", "a".repeat(shift), "👩‍👩‍👧🎉".repeat(5000));
        let (value, _) = cut(&Document::new().with(Block::text(&text)), 1000);
        let kept = value["content"][0]["content"][0]["text"].as_str().unwrap().trim_end_matches('…').to_owned();
        assert!(text.starts_with(&kept));
        assert!(kept.ends_with('🎉') || kept.ends_with('👧'), "a family stays together: {kept}");
    }
}

#[test]
fn one_huge_row_is_cut_inside_its_cells() {
    let table = Table::new().header(["Id", "Error", "Log"]).row([
        Content::from("TC_1"),
        Content::from("e ".repeat(20_000)),
        Block::code(None, &"l\n".repeat(20_000)).into(),
    ]);
    let (value, truncation) = cut(&Document::new().with(table), 5000);
    let row = &value["content"][0]["content"][1]["content"];
    assert_eq!(texts(&row[0]), ["TC_1"]);
    assert!(texts(&row[1])[0].len() > 1500 && texts(&row[2])[0].len() > 1000, "both long cells keep a share");
    assert_eq!(truncation.dropped_rows, 0);
    assert!(truncation.dropped_text_chars > 60_000);
}

#[test]
fn lists_panels_and_expands_are_cut_inside() {
    let items: Vec<String> = (0..2000).map(|step| format!("Step {step}")).collect();
    for block in [
        Block::ordered_list(items.clone()),
        Block::panel(PanelKind::Info, [Block::ordered_list(items.clone())]),
        Block::expand("Steps", [Block::ordered_list(items.clone())]),
        Block::quote([Block::ordered_list(items.clone())]),
    ] {
        let (value, truncation) = cut(&Document::new().with(block), 4000);
        let kept = texts(&value).iter().filter(|text| text.starts_with("Step ")).count();
        assert!(kept > 20);
        assert_eq!(truncation.dropped_items + kept, 2000);
    }
}

#[test]
fn a_heading_is_not_left_alone_before_the_note() {
    let document =
        Document::new().with(Block::text("first")).with(Block::Rule).with(Block::heading(2, ["Log".into()])).with(
            // Nothing of this fits: its first text is a link, which is shown whole or not at all.
            Block::paragraph([Inline::link(&format!("https://x.example/{}", "a".repeat(2000)), "link")]),
        );
    let (value, truncation) = cut(&document, 600);
    assert_eq!(texts(&value)[..1], ["first"]);
    assert_eq!(value["content"].as_array().unwrap().len(), 2, "first and the note");
    assert_eq!(truncation.dropped_blocks, 3);
}

#[test]
fn the_note_may_be_missing_long_or_grow_with_what_it_says() {
    let document: Document = (0..500).map(|n| Block::text(&format!("paragraph {n}"))).collect();
    let silent = to_adf(&document, &Limits { max_chars: 2000, note: &|_| Vec::new() });
    assert!(silent.chars <= 2000 && silent.truncated.is_some());
    assert!(texts(&silent.value).iter().all(|text| text.starts_with("paragraph ")));

    let long = to_adf(&document, &Limits { max_chars: 2000, note: &|_| vec![Inline::text(&"sorry ".repeat(1000))] });
    assert!(long.chars <= 2000);
    assert!(texts(&long.value).last().unwrap().ends_with('…'), "the note itself is cut");
    assert!(texts(&long.value).len() > 5, "and leaves room for the document");

    let calls = RefCell::new(0);
    let growing = |truncation: &Truncation| {
        *calls.borrow_mut() += 1;
        vec![Inline::text(&"x".repeat(if truncation.dropped_blocks == 500 { 1 } else { 300 }))]
    };
    let output = to_adf(&document, &Limits { max_chars: 2000, note: &growing });
    assert!(output.chars <= 2000, "{}", output.chars);
    assert_eq!(texts(&output.value).last().unwrap().len(), 300);
    assert_eq!(*calls.borrow(), 3, "once for the estimate, once too long, once for good");
}

#[test]
fn a_limit_too_small_for_anything_counts_as_the_smallest() {
    let document = Document::new().with(Block::text(&"x".repeat(5000)));
    let output = to_adf(&document, &Limits { max_chars: 0, note: &note });
    assert!(output.chars <= MIN_ADF_CHARS);
    assert!(texts(&output.value).iter().any(|text| text.contains("more rows")));
}
