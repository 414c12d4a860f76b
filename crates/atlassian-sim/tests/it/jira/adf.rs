//! The document rules against Atlassian's published schema: thousands of documents made from the schema, whole and
//! damaged, must get the same verdict from both.
//!
//! The schema is read from where it lies beside the workspace; the checker and the generator here know JSON schema
//! (draft 4, as far as that file uses it) and nothing of documents.

use std::path::Path;

use atlassian_sim::jira::adf::{Verdict, check};
use serde_json::{Map, Value, json};

/// A schema file that can check and make values.
struct Schema {
    root: Value,
}

const KEYWORDS: [&str; 18] = [
    "$ref",
    "$schema",
    "description",
    "definitions",
    "type",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "minimum",
    "maximum",
    "pattern",
    "anyOf",
    "allOf",
];

fn hex(text: &str, digits: usize) -> bool {
    text.strip_prefix('#').is_some_and(|rest| rest.len() == digits && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The three patterns that the file uses; any other one fails the test instead of being guessed.
fn pattern(pattern: &str, text: &str) -> bool {
    match pattern {
        "^#[0-9a-fA-F]{6}$" => hex(text, 6),
        "^#[0-9a-fA-F]{8}$|^#[0-9a-fA-F]{6}$" => hex(text, 8) || hex(text, 6),
        "^(neutral|purple|blue|red|yellow|green|#[0-9a-fA-F]{6})$" => {
            ["neutral", "purple", "blue", "red", "yellow", "green"].contains(&text) || hex(text, 6)
        }
        other => panic!("the schema has a new pattern: {other}"),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

impl Schema {
    /// The schema, or `None` after saying that it is not there.
    fn find() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/adf-full.json");
        match std::fs::read(&path) {
            Ok(bytes) => Some(Self { root: serde_json::from_slice(&bytes).unwrap() }),
            Err(_) => {
                println!("skipped: {} is missing", path.display());
                None
            }
        }
    }

    fn target<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(path) => &self.root["definitions"][path.strip_prefix("#/definitions/").unwrap()],
            None => schema,
        }
    }

    fn valid(&self, value: &Value) -> bool {
        self.fits(&json!({"$ref": self.root["$ref"]}), value)
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.target(schema);
        let members = schema.as_object().unwrap();
        for keyword in members.keys() {
            assert!(KEYWORDS.contains(&keyword.as_str()), "the schema has a new keyword: {keyword}");
        }
        let type_fits = match schema["type"].as_str() {
            None => true,
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some(other) => panic!("the schema has a new type: {other}"),
        };
        if !type_fits || schema["enum"].as_array().is_some_and(|words| !words.iter().any(|word| same(word, value))) {
            return false;
        }
        // Members first, cheapest first: the type of a node decides most of the alternatives.
        if let Some(object) = value.as_object() {
            let known = schema["properties"].as_object();
            let closed = schema["additionalProperties"] == false;
            if let (Some(kind), Some(sent)) = (known.and_then(|known| known.get("type")), object.get("type"))
                && !self.fits(kind, sent)
            {
                return false;
            }
            if schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|name| !object.contains_key(name.as_str().unwrap())))
            {
                return false;
            }
            for (name, member) in object {
                match known.and_then(|known| known.get(name)) {
                    Some(schema) if !self.fits(schema, member) => return false,
                    None if closed => return false,
                    Some(_) | None => {}
                }
            }
        }
        if let Some(items) = value.as_array() {
            let count = items.len() as u64;
            if schema["minItems"].as_u64().is_some_and(|least| count < least)
                || schema["maxItems"].as_u64().is_some_and(|most| count > most)
            {
                return false;
            }
            let fits = match &schema["items"] {
                Value::Null => true,
                Value::Array(places) => items.iter().zip(places).all(|(item, schema)| self.fits(schema, item)),
                schema @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                    items.iter().all(|item| self.fits(schema, item))
                }
            };
            if !fits {
                return false;
            }
        }
        if let Some(text) = value.as_str() {
            let short = schema["minLength"].as_u64().is_some_and(|least| (text.chars().count() as u64) < least);
            if short || schema["pattern"].as_str().is_some_and(|wanted| !pattern(wanted, text)) {
                return false;
            }
        }
        if let Some(number) = value.as_f64()
            && (schema["minimum"].as_f64().is_some_and(|least| number < least)
                || schema["maximum"].as_f64().is_some_and(|most| number > most))
        {
            return false;
        }
        let any = |name: &str| schema[name].as_array();
        any("allOf").is_none_or(|all| all.iter().all(|schema| self.fits(schema, value)))
            && any("anyOf").is_none_or(|some| some.iter().any(|schema| self.fits(schema, value)))
    }

    /// A value that usually fits; `depth` bounds what is nested.
    fn make(&self, schema: &Value, dice: &mut Dice, depth: usize) -> Value {
        let schema = self.target(schema);
        if let Some(words) = schema["enum"].as_array() {
            return words[dice.below(words.len())].clone();
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return self.make(&choices[dice.below(choices.len())], dice, depth);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            // A node, and what a form of it says about marks and content.
            let mut out = self.make(&parts[0], dice, depth);
            let extra = self.make(&parts[1], dice, depth);
            if let (Value::Object(out), Value::Object(extra)) = (&mut out, extra) {
                // Marks of the bare node are unconstrained; those of the form are what fits.
                out.remove("marks");
                out.extend(extra);
            }
            return out;
        }
        match schema["type"].as_str() {
            Some("object") => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let mut out = Map::new();
                for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                    let needed = required.iter().any(|word| word == name.as_str());
                    let wanted = match name.as_str() {
                        "content" => depth > 0 || dice.below(4) == 0,
                        "marks" => dice.below(3) == 0,
                        _ => dice.below(3) == 0,
                    };
                    if needed || wanted {
                        out.insert(
                            name.clone(),
                            self.make(member, dice, depth.saturating_sub(usize::from(name == "content"))),
                        );
                    }
                }
                Value::Object(out)
            }
            Some("array") => {
                let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
                let most = usize::try_from(schema["maxItems"].as_u64().unwrap_or(3)).unwrap().min(least + 2);
                let wanted = if depth == 0 { least } else { least + dice.below(most + 1 - least) };
                match &schema["items"] {
                    Value::Null => Value::Array(Vec::new()),
                    Value::Array(places) => places
                        .iter()
                        .take(wanted.min(places.len()))
                        .map(|schema| self.make(schema, dice, depth))
                        .collect(),
                    schema @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                        (0..wanted).map(|_| self.make(schema, dice, depth)).collect()
                    }
                }
            }
            Some("string") => match schema["pattern"].as_str() {
                Some(text) if text.contains("neutral") => json!(["neutral", "#a1B2c3", "green"][dice.below(3)]),
                Some(_) => json!("#a1B2c3"),
                None => json!(["x", "https://x.test/", "ñ <b>"][dice.below(3)]),
            },
            Some("number") => {
                let least = schema["minimum"].as_f64().unwrap_or(0.0);
                let most = schema["maximum"].as_f64().unwrap_or(least + 3.0);
                if dice.below(2) == 0 { json!(least) } else { json!(most) }
            }
            Some("boolean") => json!(dice.below(2) == 0),
            _ => [json!(null), json!({"a": 1}), json!("any")][dice.below(3)].clone(),
        }
    }
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound as u64)).unwrap()
    }
}

/// The number of values in a tree.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The value at a place in the order of a walk.
fn place(value: &mut Value, mut at: usize) -> &mut Value {
    if at == 0 {
        return value;
    }
    at -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("no such place"),
    };
    for child in children {
        let count = size(child);
        if at < count {
            return place(child, at);
        }
        at -= count;
    }
    panic!("no such place")
}

const TYPES: [&str; 12] = [
    "paragraph",
    "text",
    "heading",
    "table",
    "tableCell",
    "panel",
    "expand",
    "nestedExpand",
    "listItem",
    "media",
    "status",
    "bogus",
];
const MARKS: [&str; 6] = ["strong", "code", "link", "alignment", "fontSize", "breakout"];

/// Changes one thing somewhere.
fn damage(document: &mut Value, dice: &mut Dice) {
    let at = dice.below(size(document));
    let target = place(document, at);
    match target {
        Value::Object(map) => match dice.below(7) {
            0 if !map.is_empty() => {
                let name = map.keys().nth(dice.below(map.len())).unwrap().clone();
                map.remove(&name);
            }
            1 => {
                map.insert("extra".to_owned(), json!(1));
            }
            2 => {
                map.insert("type".to_owned(), json!(TYPES[dice.below(TYPES.len())]));
            }
            3 => {
                let mark = MARKS[dice.below(MARKS.len())];
                map.insert("marks".to_owned(), json!([{"type": mark}]));
            }
            4 => {
                map.insert("content".to_owned(), json!([]));
            }
            5 => {
                map.insert("marks".to_owned(), json!([]));
            }
            _ => {
                map.insert("attrs".to_owned(), json!({"level": 3, "localId": ""}));
            }
        },
        Value::Array(items) => match dice.below(4) {
            0 => items.clear(),
            1 if !items.is_empty() => {
                let copy = items[dice.below(items.len())].clone();
                items.push(copy);
            }
            2 => items.push(json!({"type": TYPES[dice.below(TYPES.len())], "content": []})),
            _ => items.push(json!({"type": "text", "text": "x", "marks": [{"type": MARKS[dice.below(MARKS.len())]}]})),
        },
        Value::String(text) => match dice.below(3) {
            0 => text.clear(),
            1 => *target = json!(1),
            _ => text.push('?'),
        },
        Value::Number(_) => {
            *target = [json!(0), json!(7), json!(-1), json!(1.5), json!("1"), json!(101)][dice.below(6)].clone()
        }
        Value::Null | Value::Bool(_) => *target = json!("text"),
    }
}

/// Whether the simulator agrees with the schema.
fn agree(schema: &Schema, document: &Value) -> bool {
    let expected = schema.valid(document);
    let verdict = check(document);
    assert_eq!(verdict == Verdict::Valid, expected, "{verdict:?} against {expected} for {document:#}");
    expected
}

#[test]
fn generated_and_damaged_documents_get_the_verdict_of_the_schema() {
    let Some(schema) = Schema::find() else { return };
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let root = json!({"$ref": schema.root["$ref"]});
    let (mut valid, mut invalid) = (0, 0);
    for round in 0..1_500 {
        let mut document = schema.make(&root, &mut dice, 3 + round % 4);
        for _ in 0..5 {
            if agree(&schema, &document) {
                valid += 1;
            } else {
                invalid += 1;
            }
            damage(&mut document, &mut dice);
        }
    }
    println!("{valid} valid and {invalid} invalid documents");
    assert!(valid > 1_000 && invalid > 2_000, "{valid} valid, {invalid} invalid: the generator lost its balance");
}

#[test]
fn every_node_of_the_schema_is_taken_in_every_place_that_it_allows() {
    let Some(schema) = Schema::find() else { return };
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut made = 0;
    for (name, definition) in schema.root["definitions"].as_object().unwrap() {
        if !name.contains("node") {
            continue;
        }
        for _ in 0..15 {
            let node = schema.make(definition, &mut dice, 3);
            // Inside each of these the same child is sometimes right and sometimes wrong.
            for document in [
                json!([node]),
                json!([{"type": "paragraph", "content": [node]}]),
                json!([{"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [node]}]}]}]),
                json!([{"type": "panel", "attrs": {"panelType": "info"}, "content": [node]}]),
                json!([{"type": "bulletList", "content": [{"type": "listItem", "content": [node]}]}]),
                json!([{"type": "expand", "content": [node]}]),
                json!([{"type": "blockquote", "content": [node]}]),
                json!([{"type": "bodiedSyncBlock", "attrs": {"resourceId": "r", "localId": "l"}, "content": [node]}]),
                json!([{"type": "layoutSection", "content": [
                    {"type": "layoutColumn", "attrs": {"width": 50}, "content": [node]},
                    {"type": "layoutColumn", "attrs": {"width": 50}, "content": [node]},
                ]}]),
            ] {
                made += usize::from(agree(&schema, &json!({"type": "doc", "version": 1, "content": document})));
            }
        }
    }
    assert!(made > 400, "only {made} documents were valid");
}

#[test]
fn an_empty_text_is_told_apart_only_where_nothing_else_is_wrong() {
    let document =
        |content: Value| json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": content}]});
    assert_eq!(check(&document(json!([{"type": "text", "text": ""}]))), Verdict::EmptyText);
    assert_eq!(check(&document(json!([{"type": "text", "text": "x"}]))), Verdict::Valid);
    assert!(matches!(check(&document(json!([{"type": "text", "text": ""}, {"type": "bogus"}]))), Verdict::Invalid(_)));
    assert_eq!(check(&document(json!([{"type": "text"}]))), Verdict::Invalid("content/0/content/0: text".to_owned()));
}
