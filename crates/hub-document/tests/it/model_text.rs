//! The words of a document, read from its own serialisation: what the encoders are compared with.

use hub_document::Document;
use serde_json::Value;

/// Everything a reader should see, piece by piece, in order: one piece per text, title, label, code; `"\n"` for a break.
pub fn pieces(document: &Document) -> Vec<String> {
    let mut out = Vec::new();
    let value = serde_json::to_value(document).unwrap();
    for block in value["blocks"].as_array().unwrap() {
        block_pieces(block, &mut out);
    }
    out
}

fn block_pieces(block: &Value, out: &mut Vec<String>) {
    let Value::Object(tagged) = block else { return }; // a rule
    let (kind, body) = tagged.iter().next().unwrap();
    match kind.as_str() {
        "paragraph" => inlines(body, out),
        "heading" => inlines(&body["inlines"], out),
        "bullet_list" | "ordered_list" => contents(&body["items"], out),
        "table" => {
            contents(&body["header"], out);
            for row in body["rows"].as_array().unwrap() {
                contents(row, out);
            }
        }
        "code" => out.push(string(&body["text"])),
        "panel" => blocks(&body["blocks"], out),
        "expand" => {
            out.push(string(&body["title"]));
            blocks(&body["blocks"], out);
        }
        "quote" => blocks(body, out),
        "macro" => {
            for row in body["page_properties"]["rows"].as_array().into_iter().flatten() {
                out.push(string(&row[0]));
                inlines(&row[1], out);
            }
        }
        other => panic!("unknown block {other}"),
    }
}

fn blocks(list: &Value, out: &mut Vec<String>) {
    list.as_array().unwrap().iter().for_each(|block| block_pieces(block, out));
}

fn contents(list: &Value, out: &mut Vec<String>) {
    list.as_array().into_iter().flatten().for_each(|content| blocks(&content["blocks"], out));
}

fn inlines(list: &Value, out: &mut Vec<String>) {
    for inline in list.as_array().unwrap() {
        let Value::Object(tagged) = inline else {
            out.push("\n".to_owned());
            continue;
        };
        let (kind, body) = tagged.iter().next().unwrap();
        out.push(match kind.as_str() {
            "text" | "link" | "status" | "page_link" => string(&body["text"]),
            "date" => string(body),
            "issue_ref" => string(&body["key"]),
            other => panic!("unknown inline {other}"),
        });
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
