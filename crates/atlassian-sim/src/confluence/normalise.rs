//! What Confluence does to a body when it stores it: the body read back is never byte for byte the body sent.
//!
//! Played: `ac:schema-version`, `ac:macro-id` and `local-id` are added, `ri:version-at-save` on page links, macro
//! parameters are put in order, colours become `rgb()`, empty elements get a space before `/>`, comments go, and letters
//! with an XHTML name are written by that name. Meaning is kept.

use super::entities;
use super::storage::{Element, Node};

/// What the writer needs to know about the site.
pub struct Site<'a> {
    /// Gives a number that was never used before, for generated ids.
    pub fresh: &'a mut dyn FnMut() -> u64,
    /// The version of the page with this title (in this space, where the link names one).
    pub version_of: &'a dyn Fn(&str, Option<&str>) -> Option<u32>,
}

/// A UUID from a number: the same number gives the same id, so a run can be repeated.
pub fn uuid(seed: u64) -> String {
    let mix = |value: u64| {
        let mut z = value.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let (high, low) = (mix(seed), mix(seed ^ u64::MAX));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// Writes a body as Confluence stores it.
pub fn stored(nodes: &[Node], site: &mut Site<'_>) -> String {
    let mut out = String::new();
    for node in nodes {
        write_node(node, site, &mut out);
    }
    out
}

fn write_node(node: &Node, site: &mut Site<'_>, out: &mut String) {
    match node {
        Node::Text(text) => write_text(text, false, out),
        Node::CData(text) => {
            out.push_str("<![CDATA[");
            out.push_str(text);
            out.push_str("]]>");
        }
        Node::Element(element) => write_element(element, site, out),
    }
}

fn write_text(text: &str, attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            _ => match entities::name(c) {
                Some(name) => {
                    out.push('&');
                    out.push_str(name);
                    out.push(';');
                }
                None => out.push(c),
            },
        }
    }
}

fn write_element(element: &Element, site: &mut Site<'_>, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &attributes(element, site) {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        write_text(value, true, out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str(" />");
        return;
    }
    out.push('>');
    for child in in_order(element) {
        write_node(child, site, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

/// The parameters of a macro come first, sorted by name; everything else keeps its place.
fn in_order(element: &Element) -> Vec<&Node> {
    let name_of = |node: &Node| {
        let parameter = node.element().filter(|child| child.name == "ac:parameter")?;
        Some(parameter.attribute("ac:name").unwrap_or("").to_owned())
    };
    if element.macro_name().is_none() {
        return element.children.iter().collect();
    }
    let (mut parameters, rest): (Vec<&Node>, Vec<&Node>) =
        element.children.iter().partition(|child| name_of(child).is_some());
    parameters.sort_by_key(|child| name_of(child));
    parameters.into_iter().chain(rest).collect()
}

fn attributes(element: &Element, site: &mut Site<'_>) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = element
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), if name == "style" { rgb_colours(value) } else { value.clone() }))
        .collect();
    let add = |list: &mut Vec<(String, String)>, name: &str, value: String| {
        if !list.iter().any(|(key, _)| key == name) {
            list.push((name.to_owned(), value));
        }
    };
    match element.name.as_str() {
        "ac:structured-macro" => {
            add(&mut list, "ac:schema-version", "1".to_owned());
            let id = (site.fresh)();
            add(&mut list, "ac:local-id", uuid(id ^ 0x5555));
            add(&mut list, "ac:macro-id", uuid(id));
        }
        "table" => {
            let id = (site.fresh)();
            add(&mut list, "ac:local-id", uuid(id));
        }
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" => {
            let id = (site.fresh)();
            add(&mut list, "local-id", uuid(id));
        }
        "ri:page" => {
            let title = element.attribute("ri:content-title").unwrap_or("");
            if let Some(version) = (site.version_of)(title, element.attribute("ri:space-key")) {
                add(&mut list, "ri:version-at-save", version.to_string());
            }
        }
        _ => {}
    }
    list
}

/// `#ff0000` in a style becomes `rgb(255,0,0)`.
fn rgb_colours(style: &str) -> String {
    let mut out = String::new();
    let mut left = style;
    while let Some((before, after)) = left.split_once('#') {
        out.push_str(before);
        let digits: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
        match (digits.len(), u32::from_str_radix(&digits, 16)) {
            (6, Ok(value)) => {
                out.push_str(&format!("rgb({},{},{})", value >> 16, value >> 8 & 255, value & 255));
            }
            _ => {
                out.push('#');
                out.push_str(&digits);
            }
        }
        left = after.get(digits.len()..).unwrap_or("");
    }
    out.push_str(left);
    out
}

#[cfg(test)]
mod tests {
    use super::super::storage::{parse, text_of};
    use super::*;

    fn store(text: &str) -> String {
        let mut next = 0;
        let mut fresh = || {
            next += 1;
            next
        };
        let version_of = |title: &str, _: Option<&str>| (title == "Home").then_some(7);
        stored(&parse(text).unwrap(), &mut Site { fresh: &mut fresh, version_of: &version_of })
    }

    #[test]
    fn what_comes_back_differs_and_means_the_same() {
        let sent = "<p style=\"color: #ff0080\">caf\u{e9}<br/></p><!-- x --><ac:structured-macro ac:name=\"status\">\
                    <ac:parameter ac:name=\"title\">OK</ac:parameter><ac:parameter ac:name=\"colour\">Green</ac:parameter>\
                    </ac:structured-macro><ac:link><ri:page ri:content-title=\"Home\"/></ac:link>";
        let back = store(sent);
        assert!(back.contains("color: rgb(255,0,128)"), "{back}");
        assert!(back.contains("caf&eacute;<br /></p>"), "{back}");
        assert!(back.contains(" ac:macro-id=\"") && back.contains(" local-id=\""), "{back}");
        assert!(back.contains("ri:version-at-save=\"7\""), "{back}");
        assert!(back.find("\"colour\"").unwrap() < back.find("\"title\"").unwrap(), "{back}");
        assert!(!back.contains("<!--"));
        assert_eq!(text_of(&parse(&back).unwrap()), "caf\u{e9}OK");
    }

    #[test]
    fn a_stored_body_stays_as_it_is() {
        let once = store("<p>a &amp; b</p><ac:structured-macro ac:name=\"toc\"/>");
        assert_eq!(store(&once), once);
    }

    #[test]
    fn generated_ids_look_like_uuids_and_differ() {
        let (a, b) = (uuid(1), uuid(2));
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(a.matches('-').count(), 4);
    }
}
