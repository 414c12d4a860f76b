//! Page bodies: the two forms in which v2 takes them, the three representations, and what is kept of them.

use serde_json::{Value, json};

use super::adf;
use super::normalise::{Site, stored};
use super::reply::{Reply, bad_request, invalid, too_large, wrong_type};
use super::storage::{self, Node};

/// Confluence refuses larger bodies with 413.
pub const BODY_MAX: usize = 5_242_880;

/// The representations in which a body can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Representation {
    /// XHTML with Confluence's own elements.
    Storage,
    /// An Atlassian document, as a JSON string.
    Adf,
    /// Old wiki markup.
    Wiki,
}

impl Representation {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Adf => "atlas_doc_format",
            Self::Wiki => "wiki",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Storage, Self::Adf, Self::Wiki].into_iter().find(|each| each.word() == word)
    }
}

/// A body as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// How it is written.
    pub representation: Representation,
    /// The text.
    pub value: String,
}

/// A body as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// How it was written.
    pub representation: Representation,
    /// The text as it was sent.
    pub sent: String,
    /// The text as `body-format=storage` gives it.
    pub storage: String,
}

/// Reads `{representation, value}` or `{storage: {representation, value}}`; `None` where there is no body.
///
/// # Errors
/// 400 for a body of another form or an unknown representation, 413 for one above the limit.
pub fn read(body: Option<&Value>) -> Result<Option<Sent>, Reply> {
    let Some(body) = body.filter(|body| !body.is_null()) else { return Ok(None) };
    let (outer, inner) = if body.get("representation").is_some() || body.get("value").is_some() {
        (None, body)
    } else {
        let named = ["storage", "atlas_doc_format", "wiki"].into_iter().find_map(|key| Some((key, body.get(key)?)));
        match named {
            Some((key, inner)) => (Some(key), inner),
            None if body.as_object().is_some_and(serde_json::Map::is_empty) => return Ok(None),
            None => return Err(invalid("body must have a representation and a value")),
        }
    };
    let word = match inner.get("representation").and_then(Value::as_str).or(outer) {
        Some(word) => word,
        None => return Err(invalid("body.representation is required")),
    };
    let Some(representation) = Representation::read(word) else {
        return Err(invalid(&format!(
            "Provided value {{{word}}} for 'representation' is not one of storage, atlas_doc_format, wiki"
        )));
    };
    let Some(value) = inner.get("value").and_then(Value::as_str) else {
        return Err(invalid("body.value must be a string"));
    };
    if value.len() > BODY_MAX {
        return Err(too_large());
    }
    Ok(Some(Sent { representation, value: value.to_owned() }))
}

impl Stored {
    /// The body of a page that has none.
    pub fn empty() -> Self {
        Self { representation: Representation::Storage, sent: String::new(), storage: String::new() }
    }

    /// Checks a body and stores it.
    ///
    /// # Errors
    /// 400 with the parser's words when it is not well-formed.
    pub fn of(sent: Sent, site: &mut Site<'_>) -> Result<Self, Reply> {
        let nodes = match sent.representation {
            Representation::Storage => storage::parse(&sent.value).map_err(|error| bad_request(&error.to_string()))?,
            Representation::Adf => adf::to_storage(&sent.value).map_err(|why| bad_request(&why))?,
            Representation::Wiki => from_wiki(&sent.value),
        };
        Ok(Self { representation: sent.representation, storage: stored(&nodes, site), sent: sent.value })
    }

    /// The stored body as a tree. It was well-formed when it was stored, so it is now.
    pub fn nodes(&self) -> Vec<Node> {
        storage::parse(&self.storage).unwrap_or_default()
    }

    /// `{"storage":{...}}` and the like for an answer; an empty object where no format is asked for.
    ///
    /// # Errors
    /// 400 for an unknown format.
    pub fn json(&self, format: Option<&str>, view: &dyn Fn(&[Node]) -> String) -> Result<Value, Reply> {
        let Some(format) = format else { return Ok(json!({})) };
        let value = match format {
            "storage" | "editor" => self.storage.clone(),
            "atlas_doc_format" => match self.representation {
                Representation::Adf => self.sent.clone(),
                Representation::Storage | Representation::Wiki => adf::from_storage(&self.nodes()).to_string(),
            },
            "view" | "export_view" | "anonymous_export_view" | "styled_view" => view(&self.nodes()),
            _ => {
                return Err(wrong_type(format, "body-format", "BodyFormat"));
            }
        };
        Ok(json!({format: {"representation": format, "value": value}}))
    }
}

/// Wiki markup, of which headings and paragraphs are understood; everything else stays text.
fn from_wiki(text: &str) -> Vec<Node> {
    let element = |name: &str, text: &str| {
        let children = vec![Node::Text(text.chars().filter(|c| !c.is_control()).collect())];
        Node::Element(storage::Element { name: name.to_owned(), children, ..storage::Element::default() })
    };
    let mut nodes = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let heading = ["h1", "h2", "h3", "h4", "h5", "h6"]
            .into_iter()
            .find_map(|level| Some((level, line.strip_prefix(level)?.strip_prefix(". ")?)));
        nodes.push(match heading {
            Some((level, title)) => element(level, title),
            None => element("p", line),
        });
    }
    nodes
}
