//! Rich text in its two forms. Version 3 reads and writes documents, version 2 wiki markup; the same text must be
//! readable through both, as on Cloud.

use serde_json::{Value, json};

/// A rich text.
#[derive(Debug, Clone)]
pub struct Rich {
    /// As an Atlassian Document.
    pub adf: Value,
    /// As wiki markup, where it was written so; otherwise it is made from the document.
    wiki: Option<String>,
}

impl Rich {
    /// A text written through version 3.
    pub fn from_adf(adf: Value) -> Self {
        Self { adf, wiki: None }
    }

    /// A text written through version 2.
    pub fn from_wiki(text: &str) -> Self {
        Self { adf: document(text), wiki: Some(text.to_owned()) }
    }

    /// The text as wiki markup.
    pub fn wiki(&self) -> String {
        match &self.wiki {
            Some(text) => text.clone(),
            None => blocks(children(&self.adf)).trim_end().to_owned(),
        }
    }

    /// The words alone, for searching.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        words(&self.adf, &mut out);
        out
    }
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// A string attribute of a node, empty where absent.
pub fn attr<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get("attrs").and_then(|attrs| attrs.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn words(node: &Value, out: &mut String) {
    match kind(node) {
        "text" => out.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
        "status" | "mention" => out.push_str(attr(node, "text")),
        "hardBreak" => out.push(' '),
        _ => {
            for child in children(node) {
                words(child, out);
            }
            if !out.ends_with(' ') {
                out.push(' ');
            }
        }
    }
}

/// Wiki markup as a document: headings, flat lists, code and rules; everything else is paragraphs.
fn document(text: &str) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let mut lines = text.lines().peekable();
    let mut paragraph: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if let Some(language) = code_start(trimmed) {
            close(&mut paragraph, &mut content);
            let mut code = Vec::new();
            for line in lines.by_ref() {
                if matches!(line.trim(), "{code}" | "{noformat}") {
                    break;
                }
                code.push(line);
            }
            content.push(code_block(language, &code.join("\n")));
        } else if trimmed == "----" {
            close(&mut paragraph, &mut content);
            content.push(json!({"type": "rule"}));
        } else if let Some((level, rest)) = heading(trimmed) {
            close(&mut paragraph, &mut content);
            content.push(json!({"type": "heading", "attrs": {"level": level}, "content": inline(&[rest])}));
        } else if let Some((list, first)) = item(trimmed) {
            close(&mut paragraph, &mut content);
            let mut items = vec![list_item(first)];
            while let Some((next, rest)) = lines.peek().and_then(|line| item(line.trim())) {
                if next != list {
                    break;
                }
                items.push(list_item(rest));
                lines.next();
            }
            content.push(json!({"type": list, "content": items}));
        } else if trimmed.is_empty() {
            close(&mut paragraph, &mut content);
        } else {
            paragraph.push(line);
        }
    }
    close(&mut paragraph, &mut content);
    json!({"version": 1, "type": "doc", "content": content})
}

fn close(lines: &mut Vec<&str>, content: &mut Vec<Value>) {
    if !lines.is_empty() {
        content.push(json!({"type": "paragraph", "content": inline(lines)}));
        lines.clear();
    }
}

fn inline(lines: &[&str]) -> Vec<Value> {
    let mut out = Vec::new();
    for line in lines {
        if !out.is_empty() {
            out.push(json!({"type": "hardBreak"}));
        }
        if !line.is_empty() {
            out.push(json!({"type": "text", "text": line}));
        }
    }
    out
}

fn list_item(text: &str) -> Value {
    json!({"type": "listItem", "content": [{"type": "paragraph", "content": inline(&[text])}]})
}

fn code_block(language: &str, code: &str) -> Value {
    let mut block = json!({"type": "codeBlock"});
    if !language.is_empty() {
        block["attrs"] = json!({"language": language});
    }
    if !code.is_empty() {
        block["content"] = json!([{"type": "text", "text": code}]);
    }
    block
}

fn code_start(line: &str) -> Option<&str> {
    if line == "{noformat}" || line == "{code}" {
        return Some("");
    }
    line.strip_prefix("{code:")?.strip_suffix('}')
}

fn heading(line: &str) -> Option<(u8, &str)> {
    (1..=6).find_map(|level| Some((level, line.strip_prefix(&format!("h{level}. "))?.trim())))
}

fn item(line: &str) -> Option<(&'static str, &str)> {
    let (list, rest) = match (line.strip_prefix("* ").or_else(|| line.strip_prefix("- ")), line.strip_prefix("# ")) {
        (Some(rest), _) => ("bulletList", rest),
        (None, Some(rest)) => ("orderedList", rest),
        (None, None) => return None,
    };
    Some((list, rest.trim()))
}

fn blocks(nodes: &[Value]) -> String {
    nodes.iter().map(|node| block(node, "")).collect::<Vec<_>>().join("\n")
}

/// A block as wiki markup, ending in a newline. `bullet` is the run of list marks of the lists around it.
fn block(node: &Value, bullet: &str) -> String {
    match kind(node) {
        "heading" => {
            let level = node.get("attrs").and_then(|attrs| attrs.get("level")).and_then(Value::as_u64).unwrap_or(1);
            format!("h{level}. {}\n", spans(children(node)))
        }
        "codeBlock" => {
            let language = attr(node, "language");
            let open = if language.is_empty() { "{code}".to_owned() } else { format!("{{code:{language}}}") };
            let code: String = children(node).iter().filter_map(|text| text.get("text")?.as_str()).collect();
            format!("{open}\n{code}\n{{code}}\n")
        }
        "rule" => "----\n".to_owned(),
        "bulletList" => list(node, &format!("{bullet}*")),
        "orderedList" => list(node, &format!("{bullet}#")),
        "blockquote" => format!("{{quote}}\n{}{{quote}}\n", blocks(children(node))),
        "panel" => format!("{{panel}}\n{}{{panel}}\n", blocks(children(node))),
        "table" => children(node).iter().map(row).collect(),
        "paragraph" => format!("{}\n", spans(children(node))),
        _ => blocks(children(node)),
    }
}

fn list(node: &Value, bullet: &str) -> String {
    let mut out = String::new();
    for item in children(node) {
        for (index, inner) in children(item).iter().enumerate() {
            if index == 0 {
                out.push_str(bullet);
                out.push(' ');
            }
            out.push_str(&block(inner, bullet));
        }
    }
    out
}

fn row(node: &Value) -> String {
    let mut out = String::new();
    for cell in children(node) {
        let mark = if kind(cell) == "tableHeader" { "||" } else { "|" };
        out.push_str(mark);
        out.push_str(&blocks(children(cell)).trim_end().replace('\n', " "));
    }
    out.push_str(if children(node).last().is_some_and(|cell| kind(cell) == "tableHeader") { "||\n" } else { "|\n" });
    out
}

fn spans(nodes: &[Value]) -> String {
    nodes.iter().map(span).collect()
}

fn span(node: &Value) -> String {
    match kind(node) {
        "text" => {
            let mut text = node.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
            for mark in node.get("marks").and_then(Value::as_array).into_iter().flatten() {
                text = match kind(mark) {
                    "strong" => format!("*{text}*"),
                    "em" => format!("_{text}_"),
                    "strike" => format!("-{text}-"),
                    "underline" => format!("+{text}+"),
                    "code" => format!("{{{{{text}}}}}"),
                    "link" => format!("[{text}|{}]", attr(mark, "href")),
                    _ => text,
                };
            }
            text
        }
        "hardBreak" => "\n".to_owned(),
        "inlineCard" => format!("[{0}|{0}]", attr(node, "url")),
        "mention" => format!("[~accountid:{}]", attr(node, "id")),
        "emoji" => attr(node, "shortName").to_owned(),
        _ => attr(node, "text").to_owned(),
    }
}
