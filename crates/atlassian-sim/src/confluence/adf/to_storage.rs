//! An Atlassian document as storage format.

use serde_json::Value;

use super::super::storage::{Element, Node};
use super::{COLOURS, PANELS};

fn element(name: &str, attributes: &[(&str, &str)], children: Vec<Node>) -> Node {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Node::Element(Element { name: name.to_owned(), attributes, children })
}

fn text(value: &str) -> Node {
    Node::Text(value.to_owned())
}

fn parameter(name: &str, value: &str) -> Node {
    element("ac:parameter", &[("ac:name", name)], vec![text(value)])
}

fn structured(name: &str, children: Vec<Node>) -> Node {
    element("ac:structured-macro", &[("ac:name", name)], children)
}

fn rich(name: &str, parameters: Vec<Node>, body: Vec<Node>) -> Node {
    let mut children = parameters;
    children.push(element("ac:rich-text-body", &[], body));
    structured(name, children)
}

fn attribute<'a>(node: &'a Value, name: &str) -> &'a str {
    node["attrs"][name].as_str().unwrap_or("")
}

/// Reads a document, given as a JSON string.
///
/// # Errors
/// When it is not JSON or not a document.
pub fn to_storage(value: &str) -> Result<Vec<Node>, String> {
    let document: Value =
        serde_json::from_str(value).map_err(|error| format!("Unable to parse the atlas_doc_format body: {error}"))?;
    if document["type"] != "doc" || !document["content"].is_array() || !document["version"].is_u64() {
        return Err("The atlas_doc_format body is not a valid Atlassian Document".to_owned());
    }
    Ok(all(&document))
}

fn all(node: &Value) -> Vec<Node> {
    node["content"].as_array().map(Vec::as_slice).unwrap_or_default().iter().flat_map(one).collect()
}

fn one(node: &Value) -> Vec<Node> {
    let kind = node["type"].as_str().unwrap_or("");
    let single = match kind {
        "text" => marked(node),
        "hardBreak" => element("br", &[], vec![]),
        "paragraph" => element("p", &[], all(node)),
        "heading" => {
            let level = node["attrs"]["level"].as_u64().unwrap_or(1).clamp(1, 6);
            element(&format!("h{level}"), &[], all(node))
        }
        "bulletList" => element("ul", &[], all(node)),
        "orderedList" => element("ol", &[], all(node)),
        "listItem" => element("li", &[], all(node)),
        "blockquote" => element("blockquote", &[], all(node)),
        "rule" => element("hr", &[], vec![]),
        "table" => element("table", &[], vec![element("tbody", &[], all(node))]),
        "tableRow" => element("tr", &[], all(node)),
        "tableHeader" => cell("th", node),
        "tableCell" => cell("td", node),
        "codeBlock" => code(node),
        "panel" => panel(node),
        "expand" | "nestedExpand" => rich("expand", vec![parameter("title", attribute(node, "title"))], all(node)),
        "status" => {
            let colour =
                COLOURS.iter().find(|(adf, _)| *adf == attribute(node, "color")).map_or("Grey", |(_, word)| word);
            structured("status", vec![parameter("title", attribute(node, "text")), parameter("colour", colour)])
        }
        "date" => {
            let seconds = attribute(node, "timestamp").parse::<i64>().unwrap_or(0) / 1000;
            let day = time::OffsetDateTime::from_unix_timestamp(seconds)
                .map_or_else(|_| String::new(), |at| at.date().to_string());
            element("time", &[("datetime", &day)], vec![])
        }
        "mention" => {
            element("ac:link", &[], vec![element("ri:user", &[("ri:account-id", attribute(node, "id"))], vec![])])
        }
        "emoji" => text(if attribute(node, "text").is_empty() {
            attribute(node, "shortName")
        } else {
            attribute(node, "text")
        }),
        "inlineCard" | "blockCard" | "embedCard" => {
            let url = attribute(node, "url");
            let look = if kind == "inlineCard" { "inline" } else { "block" };
            element("a", &[("href", url), ("data-card-appearance", look)], vec![text(url)])
        }
        "taskList" => element("ac:task-list", &[], all(node)),
        "taskItem" => {
            let done = if attribute(node, "state") == "DONE" { "complete" } else { "incomplete" };
            let status = element("ac:task-status", &[], vec![text(done)]);
            element("ac:task", &[], vec![status, element("ac:task-body", &[], all(node))])
        }
        "extension" | "inlineExtension" => structured(attribute(node, "extensionKey"), macro_parameters(node)),
        "bodiedExtension" => rich(attribute(node, "extensionKey"), macro_parameters(node), all(node)),
        // Layouts, media and whatever comes after this was written: keep what is inside.
        _ => return all(node),
    };
    vec![single]
}

fn cell(name: &str, node: &Value) -> Node {
    let spans: Vec<(&str, String)> = ["colspan", "rowspan"]
        .into_iter()
        .filter_map(|key| node["attrs"][key].as_u64().filter(|span| *span > 1).map(|span| (key, span.to_string())))
        .collect();
    let spans: Vec<(&str, &str)> = spans.iter().map(|(key, span)| (*key, span.as_str())).collect();
    element(name, &spans, all(node))
}

fn code(node: &Value) -> Node {
    let content = node["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let source: String = content.iter().filter_map(|part| part["text"].as_str()).collect();
    let mut children = Vec::new();
    if !attribute(node, "language").is_empty() {
        children.push(parameter("language", attribute(node, "language")));
    }
    // CDATA cannot hold its own end: it is split between two sections.
    let mut sections: Vec<Node> = Vec::new();
    let parts: Vec<&str> = source.split("]]>").collect();
    for (at, part) in parts.iter().enumerate() {
        let head = if at > 0 { ">" } else { "" };
        let tail = if at + 1 < parts.len() { "]]" } else { "" };
        sections.push(Node::CData(format!("{head}{part}{tail}")));
    }
    children.push(element("ac:plain-text-body", &[], sections));
    structured("code", children)
}

fn panel(node: &Value) -> Node {
    let kind = attribute(node, "panelType");
    match PANELS.iter().find(|(adf, _)| *adf == kind) {
        Some((_, name)) => rich(name, vec![], all(node)),
        // `error` and `custom` have no macro of their own.
        None => element(
            "ac:adf-extension",
            &[],
            vec![element(
                "ac:adf-node",
                &[("type", "panel")],
                vec![
                    element("ac:adf-attribute", &[("key", "panel-type")], vec![text(kind)]),
                    element("ac:adf-content", &[], all(node)),
                ],
            )],
        ),
    }
}

fn macro_parameters(node: &Value) -> Vec<Node> {
    let Some(parameters) = node["attrs"]["parameters"]["macroParams"].as_object() else { return Vec::new() };
    parameters
        .iter()
        .filter_map(|(name, value)| Some(parameter(name, value["value"].as_str().or(value.as_str())?)))
        .collect()
}

fn marked(node: &Value) -> Node {
    let mut out = text(node["text"].as_str().unwrap_or(""));
    for mark in node["marks"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let name = match mark["type"].as_str().unwrap_or("") {
            "strong" => "strong",
            "em" => "em",
            "code" => "code",
            "underline" => "u",
            "strike" => "del",
            "subsup" if attribute(mark, "type") == "sub" => "sub",
            "subsup" => "sup",
            "link" => {
                out = element("a", &[("href", attribute(mark, "href"))], vec![out]);
                continue;
            }
            "textColor" => {
                out = element("span", &[("style", &format!("color: {};", attribute(mark, "color")))], vec![out]);
                continue;
            }
            // Alignment and annotations change nothing that is read here.
            _ => continue,
        };
        out = element(name, &[], vec![out]);
    }
    out
}
