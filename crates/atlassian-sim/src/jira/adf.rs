//! Checks an Atlassian Document against the content model in `adf_nodes`.
//!
//! Jira refuses a document that breaks the model without naming the place, so the verdict's path is for logs and tests
//! only.

use serde_json::{Map, Value};

use super::adf_model::{Attr, Attrs, Child, Content, Form, MARKS, Marks, Node};
use super::adf_nodes::{DOC, NODES};

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Within the model.
    Valid,
    /// Within the model but for text nodes without text, which Jira refuses with its own message.
    EmptyText,
    /// Outside the model, at this path.
    Invalid(String),
}

/// Checks a whole document.
pub fn check(document: &Value) -> Verdict {
    let mut walk = Walk { empty_text: false };
    match walk.document(document) {
        Ok(()) if walk.empty_text => Verdict::EmptyText,
        Ok(()) => Verdict::Valid,
        Err(path) => Verdict::Invalid(path),
    }
}

#[derive(Debug)]
struct Walk {
    empty_text: bool,
}

type Checked = Result<(), String>;

fn fail(path: &str, what: &str) -> Checked {
    Err(format!("{path}: {what}"))
}

/// Whether every key is one of these.
fn only(map: &Map<String, Value>, allowed: &[&str], path: &str) -> Checked {
    match map.keys().find(|key| !allowed.contains(&key.as_str())) {
        Some(key) => fail(path, &format!("key {key}")),
        None => Ok(()),
    }
}

impl Walk {
    fn document(&mut self, value: &Value) -> Checked {
        let Value::Object(map) = value else { return fail("", "not an object") };
        only(map, &["version", "type", "content"], "")?;
        if map.get("type").and_then(Value::as_str) != Some("doc") {
            return fail("", "type");
        }
        if map.get("version").and_then(Value::as_f64) != Some(1.0) {
            return fail("", "version");
        }
        let Some(Value::Array(items)) = map.get("content") else { return fail("", "content") };
        self.items(items, DOC, "content")
    }

    fn items(&mut self, items: &[Value], allowed: &[Child], path: &str) -> Checked {
        items.iter().enumerate().try_for_each(|(index, item)| self.child(item, allowed, &format!("{path}/{index}")))
    }

    /// A child must be one of the allowed kinds in one of the forms that its parent takes.
    fn child(&mut self, value: &Value, allowed: &[Child], path: &str) -> Checked {
        let Value::Object(map) = value else { return fail(path, "not an object") };
        let Some(kind) = map.get("type").and_then(Value::as_str) else { return fail(path, "type") };
        let mut forms = allowed.iter().filter(|child| child.kind() == kind).peekable();
        if forms.peek().is_none() {
            return fail(path, &format!("{kind} is not allowed here"));
        }
        let mut last = fail(path, kind);
        for child in forms {
            let Some(node) = NODES.iter().find(|node| node.name == child.node) else { continue };
            let found = self.empty_text;
            last = self.node(map, node, child.marks, path);
            if last.is_ok() {
                return last;
            }
            self.empty_text = found;
        }
        last
    }

    fn node(&mut self, map: &Map<String, Value>, node: &Node, marks: Marks, path: &str) -> Checked {
        if !node.open {
            let keys = ["attrs", "content", "marks", "text"].into_iter().filter(|key| match *key {
                "attrs" => !node.attrs.forms.is_empty(),
                "content" => !matches!(node.content, Content::None),
                "marks" => marks != Marks::Absent,
                _ => node.name == "text",
            });
            let allowed: Vec<&str> = std::iter::once("type").chain(keys).collect();
            only(map, &allowed, path)?;
        }
        if node.name == "text" {
            match map.get("text") {
                Some(Value::String(text)) => self.empty_text |= text.is_empty(),
                Some(_) | None => return fail(path, "text"),
            }
        }
        attrs(map.get("attrs"), &node.attrs, path)?;
        check_marks(map.get("marks"), marks, path)?;
        self.content(map.get("content"), &node.content, path)
    }

    fn content(&mut self, value: Option<&Value>, content: &Content, path: &str) -> Checked {
        let (required, least, most) = match content {
            Content::None => return Ok(()),
            Content::Optional(_) => (false, 0, usize::MAX),
            Content::Any(_) => (true, 0, usize::MAX),
            Content::AtLeastOne(_) | Content::FirstTwo(_) => (true, 1, usize::MAX),
            Content::Between(least, most, _) => (true, *least, *most),
            Content::MediaAndCaption(..) => (true, 1, 2),
        };
        let items = match value {
            None if required => return fail(path, "content is missing"),
            None => return Ok(()),
            Some(Value::Array(items)) => items,
            Some(_) => return fail(path, "content is not a list"),
        };
        if items.len() < least || items.len() > most {
            return fail(path, "number of children");
        }
        let path = format!("{path}/content");
        match content {
            Content::None => Ok(()),
            Content::Optional(allowed)
            | Content::Any(allowed)
            | Content::AtLeastOne(allowed)
            | Content::Between(_, _, allowed) => self.items(items, allowed, &path),
            // The published model constrains the first two children only.
            Content::FirstTwo(allowed) => {
                self.items(items.get(..items.len().min(2)).unwrap_or_default(), allowed, &path)
            }
            Content::MediaAndCaption(first, second) => items.iter().enumerate().try_for_each(|(index, item)| {
                self.child(item, if index == 0 { first } else { second }, &format!("{path}/{index}"))
            }),
        }
    }
}

fn attrs(value: Option<&Value>, attrs: &Attrs, path: &str) -> Checked {
    match value {
        None if attrs.required => fail(path, "attrs is missing"),
        None => Ok(()),
        // A node without attrs in the model but open to other keys may carry anything.
        Some(_) if attrs.forms.is_empty() => Ok(()),
        Some(Value::Object(map)) => {
            if attrs.forms.iter().any(|form| fits(map, form)) {
                Ok(())
            } else {
                fail(path, "attrs")
            }
        }
        Some(_) => fail(path, "attrs is not an object"),
    }
}

/// Whether an object has exactly the attributes of a form.
fn fits(map: &Map<String, Value>, form: &[Attr]) -> bool {
    map.iter()
        .all(|(key, value)| form.iter().find(|attr| attr.name == key).is_some_and(|attr| matches(value, attr.form)))
        && form.iter().all(|attr| !attr.required || map.contains_key(attr.name))
}

fn matches(value: &Value, form: Form) -> bool {
    match form {
        Form::Any => true,
        Form::Bool => value.is_boolean(),
        Form::Text => value.is_string(),
        Form::NonEmpty => value.as_str().is_some_and(|text| !text.is_empty()),
        Form::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Form::Number => value.is_number(),
        Form::AtLeast(least) => value.as_f64().is_some_and(|number| number >= least),
        Form::Within(least, most) => value.as_f64().is_some_and(|number| number >= least && number <= most),
        Form::Numbers => value.as_array().is_some_and(|items| items.iter().all(Value::is_number)),
        Form::Texts => value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string)),
        Form::Colour(lengths) => value.as_str().is_some_and(|text| colour(text, lengths)),
        Form::NamedColour(names) => value.as_str().is_some_and(|text| names.contains(&text) || colour(text, &[6])),
        Form::Shape(form) => value.as_object().is_some_and(|map| fits(map, form)),
        Form::Shapes(form) => value.as_array().is_some_and(|items| {
            !items.is_empty() && items.iter().all(|item| item.as_object().is_some_and(|map| fits(map, form)))
        }),
    }
}

fn colour(text: &str, lengths: &[usize]) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| lengths.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn check_marks(value: Option<&Value>, marks: Marks, path: &str) -> Checked {
    let items = match value {
        None => return Ok(()),
        Some(Value::Array(items)) => items,
        Some(_) if marks == Marks::Absent => return Ok(()),
        Some(_) => return fail(path, "marks is not a list"),
    };
    let allowed = match marks {
        Marks::Absent | Marks::Any => return Ok(()),
        Marks::Empty => &[] as &[&str],
        Marks::Of(names) => names,
    };
    items.iter().try_for_each(|item| {
        let Value::Object(map) = item else { return fail(path, "mark") };
        let name = map.get("type").and_then(Value::as_str).unwrap_or_default();
        let known = MARKS.iter().find(|(candidate, _)| *candidate == name && allowed.contains(candidate));
        let Some((_, form)) = known else { return fail(path, &format!("mark {name} is not allowed here")) };
        match form {
            None => only(map, &["type"], path),
            Some(form) => {
                only(map, &["type", "attrs"], path)?;
                match map.get("attrs") {
                    Some(Value::Object(sent)) if fits(sent, form) => Ok(()),
                    Some(_) | None => fail(path, &format!("attrs of mark {name}")),
                }
            }
        }
    })
}
