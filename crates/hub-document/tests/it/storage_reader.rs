//! Reads a storage-format fragment as an XML parser does, independently of what wrote it.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::NsReader;

/// Every element and attribute that the encoder may write; anything else came from a text.
const KNOWN: [(&str, &[&str]); 40] = [
    ("root", &["xmlns:ac", "xmlns:ri"]),
    ("p", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("ul", &[]),
    ("ol", &[]),
    ("li", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &[]),
    ("td", &[]),
    ("hr", &[]),
    ("br", &[]),
    ("blockquote", &[]),
    ("strong", &[]),
    ("em", &[]),
    ("del", &[]),
    ("u", &[]),
    ("code", &[]),
    ("a", &["href"]),
    ("time", &["datetime"]),
    ("ac:structured-macro", &["ac:name", "ac:schema-version"]),
    ("ac:parameter", &["ac:name"]),
    ("ac:rich-text-body", &[]),
    ("ac:plain-text-body", &[]),
    ("ac:link", &[]),
    ("ac:plain-text-link-body", &[]),
    ("ri:page", &["ri:content-title", "ri:space-key"]),
    ("ac:image", &["ac:alt", "ac:width"]),
    ("ri:url", &["ri:value"]),
    ("ac:adf-extension", &[]),
    ("ac:adf-node", &["type"]),
    ("ac:adf-attribute", &["key"]),
    ("ac:adf-content", &[]),
    ("ac:never", &[]),
];

/// The text that a reader of the page sees, or why the fragment is not acceptable.
pub fn visible_text(fragment: &str) -> Result<String, String> {
    let wrapped = format!("<root xmlns:ac=\"urn:ac\" xmlns:ri=\"urn:ri\">{fragment}</root>");
    let mut reader = NsReader::from_str(&wrapped);
    reader.config_mut().check_end_names = true;
    let mut out = String::new();
    let mut hidden = 0_usize;
    let mut stack: Vec<(String, bool)> = Vec::new();
    let mut macro_name = String::new();
    loop {
        match reader.read_event().map_err(|error| format!("{error} at {}", reader.error_position()))? {
            Event::Start(tag) => {
                let name = known(&tag)?;
                let hides = hides(&name, &tag, &mut macro_name)?;
                hidden += usize::from(hides);
                stack.push((name, hides));
            }
            Event::Empty(tag) => match known(&tag)?.as_str() {
                "br" => out.push('\n'),
                "time" => out.push_str(&attribute(&tag, "datetime")?),
                _ => {}
            },
            Event::End(_) => {
                let (_, hides) = stack.pop().ok_or("closed more than was opened")?;
                hidden -= usize::from(hides);
            }
            Event::Text(text) if hidden == 0 => out.push_str(&text.xml10_content()),
            Event::CData(text) if hidden == 0 => out.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let text = match (entity.resolve_char_ref().map_err(|error| error.to_string())?, &*entity) {
                    (Some(c), _) => c,
                    (None, "amp") => '&',
                    (None, "lt") => '<',
                    (None, "gt") => '>',
                    (None, "quot") => '"',
                    (None, other) => return Err(format!("entity {other} is not XML's own")),
                };
                if hidden == 0 {
                    out.push(text);
                }
            }
            Event::Text(_) | Event::CData(_) => {}
            Event::Eof => break,
            other @ (Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {
                return Err(format!("unexpected {other:?}"));
            }
        }
    }
    if stack.is_empty() { Ok(out) } else { Err(format!("{stack:?} left open")) }
}

fn known(tag: &BytesStart<'_>) -> Result<String, String> {
    let name = tag.name().0.to_owned();
    let (_, allowed) = KNOWN.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("element {name}"))?;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.0.to_owned();
        if !allowed.contains(&key.as_str()) {
            return Err(format!("attribute {key} on {name}"));
        }
        let value = attribute.value;
        if key == "href" && !["http://", "https://", "mailto:"].iter().any(|scheme| value.starts_with(scheme)) {
            return Err(format!("link to {value}"));
        }
        if value.contains('<') {
            return Err(format!("< in an attribute of {name}"));
        }
    }
    Ok(name)
}

/// Parameters are settings, but for the few that a reader sees: a status, an expand's title, an issue key.
fn hides(name: &str, tag: &BytesStart<'_>, macro_name: &mut String) -> Result<bool, String> {
    match name {
        "ac:structured-macro" => *macro_name = attribute(tag, "ac:name")?,
        "ac:adf-attribute" => return Ok(true),
        "ac:parameter" => {
            let parameter = attribute(tag, "ac:name")?;
            let shown = [("status", "title"), ("expand", "title"), ("jira", "key")];
            return Ok(!shown.contains(&(macro_name.as_str(), parameter.as_str())));
        }
        _ => {}
    }
    Ok(false)
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<String, String> {
    let attribute = tag.try_get_attribute(name).map_err(|error| error.to_string())?;
    attribute.map(|found| found.value.into_owned()).ok_or_else(|| format!("no {name}"))
}

#[test]
fn the_reader_refuses_what_it_should() {
    for bad in [
        "<p>",
        "<script>x</script>",
        "<p onclick=\"x\"/>",
        "a & b",
        "&nbsp;",
        "<a href=\"javascript:x\">y</a>",
        "</p>",
        "<!-- x -->",
        "<?x?>",
    ] {
        assert!(visible_text(bad).is_err(), "{bad}");
    }
    assert_eq!(visible_text("<p>a&lt;b&#39;<br/><![CDATA[<c>]]></p>"), Ok("a<b'\n<c>".to_owned()));
}
