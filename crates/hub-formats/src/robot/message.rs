//! What a message of Robot Framework says: text, or HTML from which the text and what it shows are taken.

use hub_domain::record::AttachmentRecord;

use crate::limits;
use crate::record::contents;
use crate::record::hygiene;
use crate::xml::element::Element;
use crate::xml::entities;

/// The mark of a status message that is HTML.
const HTML: &str = "*HTML*";

/// The text of a `msg`, cleaned.
pub(super) fn plain(message: &Element) -> String {
    let mut cleaned = String::new();
    if is_html(message) {
        cleaned = text(&message.text);
    } else {
        let end = message.text.floor_char_boundary(limits::RAW_TEXT_BYTES);
        hygiene::clean(message.text.get(..end).unwrap_or_default(), &mut cleaned);
    }
    hygiene::trim_blank_lines(&cleaned).to_owned()
}

/// Whether a `msg` is HTML; before 4.0 it said `yes`.
pub(super) fn is_html(message: &Element) -> bool {
    matches!(message.attribute("html"), Some("true" | "yes"))
}

/// The text of a status message, whichever it is.
pub(super) fn without_markup(message: &str) -> String {
    match message.strip_prefix(HTML) {
        Some(html) => text(html).trim().to_owned(),
        None => message.to_owned(),
    }
}

/// How often a test ran before, by the message that `rebot --merge` writes, and whether one of these runs failed.
pub(super) fn earlier(message: &str) -> (u32, bool) {
    if !message.starts_with(HTML) || !message.contains("has been re-executed and results merged") {
        return (0, false);
    }
    let mut runs = message.split("class=\"old-status\"").skip(1);
    let mut found = (0_u32, false);
    for run in &mut runs {
        let status = run.split_once("<span class=\"").map(|(_, after)| after).unwrap_or_default();
        found = (found.0.saturating_add(1), found.1 || status.starts_with("fail"));
    }
    found
}

/// The text of HTML: tags go, what begins a new line does so.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((tag, behind)) = end_of_tag(after) else {
            rest = "";
            break;
        };
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let breaks = matches!(name.to_ascii_lowercase().as_str(), "br" | "hr" | "p" | "tr" | "div" | "li" | "pre");
        if breaks && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        rest = behind;
        if out.len() > limits::RAW_TEXT_BYTES {
            break;
        }
    }
    out.push_str(rest.get(..rest.floor_char_boundary(limits::RAW_TEXT_BYTES)).unwrap_or_default());
    decoded(&out)
}

/// A text of HTML with its references resolved, and without what these may bring in.
fn decoded(html: &str) -> String {
    let (mut decoded, mut cleaned) = (String::with_capacity(html.len()), String::new());
    entities::decode(html, &mut decoded);
    hygiene::clean(&decoded, &mut cleaned);
    cleaned
}

/// A tag up to its end, which stands in no quotes, and what follows.
fn end_of_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return text.get(..at).zip(text.get(at + 1..)),
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// A picture or video that a message shows.
#[derive(Debug, PartialEq)]
pub(super) enum Shown {
    File(AttachmentRecord),
    /// It stands in the message but cannot be kept.
    Lost(&'static str),
}

/// What a message shows: `img`, `video` and `source`, by their `src`.
pub(super) fn shown(html: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let name: String = after.chars().take(7).take_while(char::is_ascii_alphanumeric).collect();
        let Some((tag, behind)) = end_of_tag(after) else { break };
        if matches!(name.to_ascii_lowercase().as_str(), "img" | "video" | "source")
            && let Some(src) = source(tag)
            && found.len() < limits::ATTACHMENTS
        {
            found.push(file(src));
        }
        rest = behind;
    }
    found
}

fn source(tag: &str) -> Option<&str> {
    let lower = tag.get(..tag.floor_char_boundary(4_096)).unwrap_or_default().to_ascii_lowercase();
    let at = lower.match_indices("src").map(|(at, _)| at).find(|at| {
        let before = lower.get(..*at).and_then(|before| before.chars().next_back());
        let after = lower.get(at + 3..).unwrap_or_default().trim_start();
        before.is_some_and(char::is_whitespace) && after.starts_with('=')
    })?;
    let value = tag.get(at + 3..)?.trim_start().strip_prefix('=')?.trim_start();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)).map(|(src, _)| src);
    let bare = || value.split(|c: char| c.is_whitespace() || c == '>').next();
    quoted('"').or_else(|| quoted('\'')).or_else(bare).map(str::trim).filter(|src| !src.is_empty())
}

fn file(src: &str) -> Shown {
    let Some(data) = src.strip_prefix("data:") else {
        return Shown::File(AttachmentRecord { path: decoded(src), ..AttachmentRecord::default() });
    };
    let (kind, content) = data.split_once(',').unwrap_or((data, ""));
    if !kind.ends_with(";base64") {
        return Shown::Lost("is not in base64");
    }
    let content_type = kind.split(';').next().filter(|kind| !kind.is_empty()).map(str::to_owned);
    match contents::decode(content) {
        Ok(body) => Shown::File(AttachmentRecord { name: None, path: String::new(), content_type, body: Some(body) }),
        Err(what) => Shown::Lost(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_domain::record::Embedded;

    fn path(path: &str) -> Shown {
        Shown::File(AttachmentRecord { path: path.to_owned(), ..AttachmentRecord::default() })
    }

    #[test]
    fn what_html_shows_is_found() {
        let html = "</td></tr><tr><td><a href=\"shot-1.png\"><img src=\"a&amp;b/shot-1.png\" width=\"800px\"></a>\
                    <IMG alt='src=x' SRC=two.png><video><source src='v.webm' type=\"video/webm\"></video>\
                    <img data-src=\"no.png\"><img src=\"";
        assert_eq!(shown(html), [path("a&b/shot-1.png"), path("two.png"), path("v.webm")]);
        let embedded = shown("<img src=\"data:image/png;base64,aGFpZGE=\"><img src=\"data:image/png;base64,&\">");
        let Shown::File(file) = &embedded[0] else { panic!("{embedded:?}") };
        assert_eq!((file.content_type.as_deref(), &file.body), (Some("image/png"), &Some(Embedded(b"haida".to_vec()))));
        assert_eq!(embedded[1], Shown::Lost("is not base64"));
    }

    #[test]
    fn html_becomes_text() {
        assert_eq!(without_markup("*HTML* <b>a</b> &lt; b<br>c<hr>d <a title='>'>e</a>"), "a < b\nc\nd e");
        assert_eq!(without_markup("a <b> & c"), "a <b> & c");
        assert_eq!(without_markup("*HTML* a <b"), "a");
        assert_eq!(without_markup("*HTML* &#155;31mred&#133;"), "red");
    }

    #[test]
    fn merged_runs_are_counted() {
        let merged = "*HTML* <span class=\"merge\">Test has been re-executed and results merged.</span><hr>\
            <span class=\"new-status\">New status:</span> <span class=\"pass\">PASS</span><br><hr>\
            <span class=\"old-status\">Old status:</span> <span class=\"fail\">FAIL</span><br>\
            <span class=\"old-message\">Old message:</span> no<br><hr>\
            <span class=\"old-status\">Old status:</span> <span class=\"pass\">PASS</span><br>";
        assert_eq!(earlier(merged), (2, true));
        assert_eq!(earlier("class=\"old-status\""), (0, false));
    }
}
