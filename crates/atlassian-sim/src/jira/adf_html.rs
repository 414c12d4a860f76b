//! Documents as HTML for people. Every text is escaped and every address checked: nothing that was sent becomes markup.

use serde_json::Value;

use super::rich::attr;
use crate::html::{escape, safe_url};

/// A document, or any node of one, as HTML.
pub fn render(node: &Value) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn inside(node: &Value, out: &mut String) {
    for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
        write(child, out);
    }
}

fn wrap(tag: &str, node: &Value, out: &mut String) {
    out.push_str(&format!("<{tag}>"));
    inside(node, out);
    out.push_str(&format!("</{tag}>"));
}

fn write(node: &Value, out: &mut String) {
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        "paragraph" => wrap("p", node, out),
        "heading" => {
            let level = node.get("attrs").and_then(|attrs| attrs.get("level")).and_then(Value::as_u64).unwrap_or(1);
            // The page's own title is the only h1.
            wrap(&format!("h{}", (level + 1).clamp(2, 6)), node, out);
        }
        "text" => text(node, out),
        "hardBreak" => out.push_str("<br>"),
        "bulletList" | "taskList" | "decisionList" => wrap("ul", node, out),
        "orderedList" => wrap("ol", node, out),
        "listItem" | "decisionItem" | "blockTaskItem" => wrap("li", node, out),
        "taskItem" => {
            out.push_str(if attr(node, "state") == "DONE" { "<li>☑ " } else { "<li>☐ " });
            inside(node, out);
            out.push_str("</li>");
        }
        "codeBlock" => {
            out.push_str("<pre><code>");
            inside(node, out);
            out.push_str("</code></pre>");
        }
        "blockquote" => wrap("blockquote", node, out),
        "rule" => out.push_str("<hr>"),
        "panel" => {
            let class = match attr(node, "panelType") {
                class @ ("note" | "tip" | "warning" | "error" | "success") => class,
                _ => "info",
            };
            out.push_str(&format!("<div class=\"panel {class}\">"));
            inside(node, out);
            out.push_str("</div>");
        }
        "table" => {
            out.push_str("<table><tbody>");
            inside(node, out);
            out.push_str("</tbody></table>");
        }
        "tableRow" => wrap("tr", node, out),
        "tableHeader" => cell("th", node, out),
        "tableCell" => cell("td", node, out),
        "expand" | "nestedExpand" => {
            out.push_str(&format!("<details><summary>{}</summary>", escape(attr(node, "title"))));
            inside(node, out);
            out.push_str("</details>");
        }
        "status" => {
            let class = match attr(node, "color") {
                class @ ("green" | "red" | "yellow" | "blue" | "purple") => class,
                _ => "",
            };
            out.push_str(&format!("<span class=\"lozenge {class}\">{}</span>", escape(attr(node, "text"))));
        }
        "date" => out.push_str(&format!("<time>{}</time>", escape(&date(attr(node, "timestamp"))))),
        "mention" | "placeholder" => out.push_str(&escape(attr(node, "text"))),
        "emoji" => {
            let shown = attr(node, "text");
            out.push_str(&escape(if shown.is_empty() { attr(node, "shortName") } else { shown }));
        }
        "inlineCard" | "blockCard" | "embedCard" => {
            let url = attr(node, "url");
            out.push_str(&format!("<a href=\"{}\">{}</a>", safe_url(url), escape(url)));
        }
        "media" => {
            let url = attr(node, "url");
            if url.is_empty() {
                out.push_str(&format!("<em>[attachment {}]</em>", escape(attr(node, "id"))));
            } else {
                out.push_str(&format!("<a href=\"{}\">{}</a>", safe_url(url), escape(url)));
            }
        }
        _ => inside(node, out),
    }
}

fn cell(tag: &str, node: &Value, out: &mut String) {
    let span = |name: &str| {
        let count = node.get("attrs").and_then(|attrs| attrs.get(name)).and_then(Value::as_u64).unwrap_or(1);
        if count > 1 { format!(" {name}=\"{count}\"") } else { String::new() }
    };
    out.push_str(&format!("<{tag}{}{}>", span("colspan"), span("rowspan")));
    inside(node, out);
    out.push_str(&format!("</{tag}>"));
}

fn text(node: &Value, out: &mut String) {
    let mut html = escape(node.get("text").and_then(Value::as_str).unwrap_or_default());
    for mark in node.get("marks").and_then(Value::as_array).into_iter().flatten() {
        html = match mark.get("type").and_then(Value::as_str).unwrap_or_default() {
            "strong" => format!("<strong>{html}</strong>"),
            "em" => format!("<em>{html}</em>"),
            "code" => format!("<code>{html}</code>"),
            "strike" => format!("<s>{html}</s>"),
            "underline" => format!("<u>{html}</u>"),
            "subsup" if attr(mark, "type") == "sub" => format!("<sub>{html}</sub>"),
            "subsup" => format!("<sup>{html}</sup>"),
            "link" => format!("<a href=\"{}\">{html}</a>", safe_url(attr(mark, "href"))),
            _ => html,
        };
    }
    out.push_str(&html);
}

/// Milliseconds since 1970, as a string, as a day.
fn date(timestamp: &str) -> String {
    timestamp
        .parse::<i64>()
        .ok()
        .and_then(|millis| time::OffsetDateTime::from_unix_timestamp(millis / 1_000).ok())
        .map_or_else(|| timestamp.to_owned(), |at| at.date().to_string())
}
