//! Storage format as an Atlassian document that the schema accepts: where ADF forbids a node, its text stays as
//! paragraphs.

use serde_json::{Map, Value, json};

use super::super::storage::{Element, Node, text_of};
use super::{COLOURS, PANELS};

/// Where a block would stand; ADF allows different blocks in each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    /// Inside a macro or an expand.
    Body,
    Panel,
    Cell,
    /// Inside a list item or a quote.
    Item,
}

/// The page as a document.
pub fn from_storage(nodes: &[Node]) -> Value {
    json!({"type": "doc", "version": 1, "content": blocks(nodes, Place::Top)})
}

fn paragraph(content: Vec<Value>) -> Value {
    if content.is_empty() { json!({"type": "paragraph"}) } else { json!({"type": "paragraph", "content": content}) }
}

/// Blocks; inline nodes between them are gathered into paragraphs.
fn blocks(nodes: &[Node], place: Place) -> Vec<Value> {
    let mut out = Vec::new();
    let mut line: Vec<Value> = Vec::new();
    for node in nodes {
        match node.element().and_then(|element| block(element, place)) {
            Some(made) => {
                flush(&mut line, &mut out);
                out.extend(made);
            }
            None => inline(node, &[], &mut line),
        }
    }
    flush(&mut line, &mut out);
    out
}

fn flush(line: &mut Vec<Value>, out: &mut Vec<Value>) {
    let content = std::mem::take(line);
    let blank = content.iter().all(|node| node["text"].as_str().is_some_and(|text| text.trim().is_empty()));
    if !blank {
        out.push(paragraph(content));
    }
}

/// Content that must not be empty.
fn filled(mut content: Vec<Value>) -> Vec<Value> {
    if content.is_empty() {
        content.push(paragraph(Vec::new()));
    }
    content
}

fn line_of(nodes: &[Node]) -> Vec<Value> {
    let mut line = Vec::new();
    for node in nodes {
        inline(node, &[], &mut line);
    }
    line
}

/// A block element as ADF; `None` for an inline one.
fn block(element: &Element, place: Place) -> Option<Vec<Value>> {
    if let Some(name) = element.macro_name() {
        return structured(element, name, place);
    }
    let one = match element.name.as_str() {
        "p" => paragraph(line_of(&element.children)),
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
            let line = line_of(&element.children);
            if place == Place::Item {
                paragraph(line)
            } else {
                let level = element.name.trim_start_matches('h').parse::<u32>().unwrap_or(1);
                json!({"type": "heading", "attrs": {"level": level}, "content": line})
            }
        }
        "ul" | "ol" => return Some(list(element)),
        "table" if matches!(place, Place::Top | Place::Body) => return Some(table(element)),
        "blockquote" if matches!(place, Place::Top | Place::Body | Place::Cell) => {
            json!({"type": "blockquote", "content": filled(blocks(&element.children, Place::Item))})
        }
        "hr" if place != Place::Item => json!({"type": "rule"}),
        "pre" => code(&text_of(&element.children), None),
        "hr" => return Some(Vec::new()),
        "ac:adf-extension" => return Some(error_panel(element, place)),
        "table" | "tbody" | "thead" | "tfoot" | "tr" | "td" | "th" | "blockquote" | "div" | "ac:layout"
        | "ac:layout-section" | "ac:layout-cell" | "ac:rich-text-body" | "ac:task-list" | "ac:task"
        | "ac:task-body" | "ac:adf-content" => return Some(blocks(&element.children, place)),
        "ac:task-id" | "ac:task-uuid" | "ac:task-status" | "colgroup" => return Some(Vec::new()),
        _ => return None,
    };
    Some(vec![one])
}

fn list(element: &Element) -> Vec<Value> {
    let kind = if element.name == "ul" { "bulletList" } else { "orderedList" };
    let items: Vec<Value> = element
        .elements()
        .filter(|child| child.name == "li")
        .map(|child| {
            let mut content = filled(blocks(&child.children, Place::Item));
            // An item begins with text: a list alone needs an empty line before it.
            if matches!(content[0]["type"].as_str(), Some("bulletList" | "orderedList")) {
                content.insert(0, paragraph(Vec::new()));
            }
            json!({"type": "listItem", "content": content})
        })
        .collect();
    if items.is_empty() { Vec::new() } else { vec![json!({"type": kind, "content": items})] }
}

fn rows<'a>(element: &'a Element, out: &mut Vec<&'a Element>) {
    for child in element.elements() {
        match child.name.as_str() {
            "tr" => out.push(child),
            "tbody" | "thead" | "tfoot" => rows(child, out),
            _ => {}
        }
    }
}

fn table(element: &Element) -> Vec<Value> {
    let mut found = Vec::new();
    rows(element, &mut found);
    let rows: Vec<Value> = found
        .into_iter()
        .map(|row| {
            let cells = row.elements().filter(|cell| matches!(cell.name.as_str(), "th" | "td"));
            let cells: Vec<Value> = cells
                .map(|cell| {
                    let kind = if cell.name == "th" { "tableHeader" } else { "tableCell" };
                    let mut made = json!({"type": kind, "content": filled(blocks(&cell.children, Place::Cell))});
                    let spans: Map<String, Value> = ["colspan", "rowspan"]
                        .into_iter()
                        .filter_map(|key| Some((key.to_owned(), json!(cell.attribute(key)?.parse::<u32>().ok()?))))
                        .collect();
                    if !spans.is_empty() {
                        made["attrs"] = Value::Object(spans);
                    }
                    made
                })
                .collect();
            json!({"type": "tableRow", "content": cells})
        })
        .collect();
    if rows.is_empty() { Vec::new() } else { vec![json!({"type": "table", "content": rows})] }
}

fn code(source: &str, language: Option<String>) -> Value {
    let mut made = json!({"type": "codeBlock"});
    if let Some(language) = language {
        made["attrs"] = json!({"language": language});
    }
    if !source.is_empty() {
        made["content"] = json!([{"type": "text", "text": source}]);
    }
    made
}

fn error_panel(element: &Element, place: Place) -> Vec<Value> {
    let Some(node) = element.child("ac:adf-node") else { return Vec::new() };
    let body = node.child("ac:adf-content").map(|content| content.children.as_slice()).unwrap_or_default();
    let kind = node.child("ac:adf-attribute").map_or_else(|| "error".to_owned(), |kind| text_of(&kind.children));
    if matches!(place, Place::Top | Place::Body | Place::Cell) {
        let content = filled(blocks(body, Place::Panel));
        vec![json!({"type": "panel", "attrs": {"panelType": kind}, "content": content})]
    } else {
        blocks(body, place)
    }
}

fn structured(element: &Element, name: &str, place: Place) -> Option<Vec<Value>> {
    if name == "status" {
        return None;
    }
    let body = element.child("ac:rich-text-body").map(|body| body.children.as_slice());
    if name == "code" {
        let source = element.child("ac:plain-text-body").map_or_else(String::new, |body| text_of(&body.children));
        return Some(vec![code(&source, element.parameter("language"))]);
    }
    if let Some((kind, _)) = PANELS.iter().find(|(_, stored)| *stored == name) {
        let body = body.unwrap_or_default();
        return Some(if matches!(place, Place::Top | Place::Body | Place::Cell) {
            vec![json!({"type": "panel", "attrs": {"panelType": kind}, "content": filled(blocks(body, Place::Panel))})]
        } else {
            blocks(body, place)
        });
    }
    if name.is_empty() {
        return Some(body.map(|body| blocks(body, place)).unwrap_or_default());
    }
    match body {
        Some(body) if place == Place::Top && name == "expand" => {
            let title = element.parameter("title").unwrap_or_default();
            Some(vec![
                json!({"type": "expand", "attrs": {"title": title}, "content": filled(blocks(body, Place::Body))}),
            ])
        }
        Some(body) if place == Place::Top => {
            let mut made = extension("bodiedExtension", element, name);
            made["content"] = Value::Array(filled(blocks(body, Place::Body)));
            Some(vec![made])
        }
        Some(body) => Some(blocks(body, place)),
        None => Some(vec![extension("extension", element, name)]),
    }
}

fn extension(kind: &str, element: &Element, name: &str) -> Value {
    let parameters: Map<String, Value> = element
        .elements()
        .filter(|child| child.name == "ac:parameter")
        .map(|child| (child.attribute("ac:name").unwrap_or("").to_owned(), json!({"value": text_of(&child.children)})))
        .collect();
    json!({"type": kind, "attrs": {
        "layout": "default",
        "extensionType": "com.atlassian.confluence.macro.core",
        "extensionKey": name,
        "parameters": {"macroParams": parameters},
    }})
}

fn push_text(text: &str, marks: &[Value], out: &mut Vec<Value>) {
    let text: String = text.chars().map(|c| if c == '\n' || c == '\r' || c == '\t' { ' ' } else { c }).collect();
    if text.is_empty() {
        return;
    }
    // `code` goes with a link and nothing else.
    let code = marks.iter().any(|mark| mark["type"] == "code");
    let kept: Vec<&Value> =
        marks.iter().filter(|mark| !code || mark["type"] == "code" || mark["type"] == "link").collect();
    out.push(if kept.is_empty() {
        json!({"type": "text", "text": text})
    } else {
        json!({"type": "text", "text": text, "marks": kept})
    });
}

fn inline(node: &Node, marks: &[Value], out: &mut Vec<Value>) {
    let element = match node {
        Node::Text(text) | Node::CData(text) => return push_text(text, marks, out),
        Node::Element(element) => element,
    };
    let mark = match element.name.as_str() {
        "strong" | "b" => Some(json!({"type": "strong"})),
        "em" | "i" => Some(json!({"type": "em"})),
        "code" => Some(json!({"type": "code"})),
        "u" => Some(json!({"type": "underline"})),
        "del" | "s" => Some(json!({"type": "strike"})),
        "sub" | "sup" => Some(json!({"type": "subsup", "attrs": {"type": element.name}})),
        "a" => element.attribute("href").map(|href| json!({"type": "link", "attrs": {"href": href}})),
        "br" => return out.push(json!({"type": "hardBreak"})),
        "time" => {
            if let Some(date) = date(element.attribute("datetime").unwrap_or("")) {
                out.push(json!({"type": "date", "attrs": {"timestamp": date}}));
            }
            return;
        }
        "ac:link" => return link(element, marks, out),
        _ => match element.macro_name() {
            Some("status") => return status(element, out),
            Some(name) if !name.is_empty() && element.child("ac:rich-text-body").is_none() => {
                let mut made = extension("inlineExtension", element, name);
                if let Some(attributes) = made["attrs"].as_object_mut() {
                    attributes.shift_remove("layout");
                }
                return out.push(made);
            }
            Some(_) | None if element.name == "ac:parameter" => return,
            Some(_) | None => None,
        },
    };
    let mut inner = marks.to_vec();
    if let Some(mark) = mark
        && !inner.iter().any(|other| other["type"] == mark["type"])
    {
        inner.push(mark);
    }
    for child in &element.children {
        inline(child, &inner, out);
    }
}

fn status(element: &Element, out: &mut Vec<Value>) {
    let text = element.parameter("title").filter(|title| !title.is_empty()).unwrap_or_else(|| " ".to_owned());
    let stored = element.parameter("colour").unwrap_or_default();
    let color = COLOURS.iter().find(|(_, word)| word.eq_ignore_ascii_case(&stored)).map_or("neutral", |(adf, _)| adf);
    out.push(json!({"type": "status", "attrs": {"text": text, "color": color}}));
}

fn link(element: &Element, marks: &[Value], out: &mut Vec<Value>) {
    if let Some(id) = element.child("ri:user").and_then(|user| user.attribute("ri:account-id")) {
        return out.push(json!({"type": "mention", "attrs": {"id": id}}));
    }
    let body = text_of(&element.children);
    let title = element
        .elements()
        .find_map(|child| child.attribute("ri:content-title").or_else(|| child.attribute("ri:filename")));
    push_text(if body.trim().is_empty() { title.unwrap_or("") } else { &body }, marks, out);
}

/// Midnight UTC of `YYYY-MM-DD` in milliseconds, as ADF's string.
fn date(text: &str) -> Option<String> {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(text, form).ok()?;
    Some((day.midnight().assume_utc().unix_timestamp() * 1000).to_string())
}
