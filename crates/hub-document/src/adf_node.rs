//! A node of Atlassian Document Format, between the model and JSON, and how many characters it takes.

use serde_json::{Map, Value, json};

/// One ADF node. `content` is `None` for nodes that never hold any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub kind: &'static str,
    pub attrs: Map<String, Value>,
    pub text: Option<String>,
    pub marks: Vec<Value>,
    pub content: Option<Vec<Node>>,
}

impl Node {
    /// A node without attributes and content.
    pub fn leaf(kind: &'static str) -> Self {
        Self { kind, attrs: Map::new(), text: None, marks: Vec::new(), content: None }
    }

    /// A node with content. An empty one is left out of the JSON: the schema asks for it only where it may not be empty.
    pub fn parent(kind: &'static str, content: Vec<Node>) -> Self {
        Self { content: Some(content), ..Self::leaf(kind) }
    }

    /// A text node; the schema refuses an empty one, so there is none for empty text.
    pub fn text(text: &str, marks: Vec<Value>) -> Option<Self> {
        (!text.is_empty()).then(|| Self { text: Some(text.to_owned()), marks, ..Self::leaf("text") })
    }

    /// The node with one more attribute.
    pub fn attr(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.attrs.insert(key.to_owned(), value.into());
        self
    }

    /// The children.
    pub fn children(&self) -> &[Node] {
        self.content.as_deref().unwrap_or_default()
    }

    /// The node as JSON.
    pub fn into_value(self) -> Value {
        let mut out = Map::new();
        out.insert("type".to_owned(), self.kind.into());
        if !self.attrs.is_empty() {
            out.insert("attrs".to_owned(), self.attrs.into());
        }
        if let Some(text) = self.text {
            out.insert("text".to_owned(), text.into());
        }
        if !self.marks.is_empty() {
            out.insert("marks".to_owned(), self.marks.into());
        }
        if let Some(content) = self.content.filter(|content| !content.is_empty()) {
            out.insert("content".to_owned(), content.into_iter().map(Node::into_value).collect());
        }
        Value::Object(out)
    }

    /// Characters of the compact JSON without the children, but with the frame that holds them.
    pub fn own_chars(&self) -> usize {
        const CONTENT_FRAME: usize = r#","content":[]"#.len();
        let own = Self { content: None, ..self.clone_without_content() };
        let frame = if self.children().is_empty() { 0 } else { CONTENT_FRAME };
        json_chars(&own.into_value().to_string()) + frame
    }

    /// Characters of the compact JSON.
    pub fn chars(&self) -> usize {
        self.own_chars() + list_chars(self.children())
    }

    fn clone_without_content(&self) -> Self {
        Self {
            kind: self.kind,
            attrs: self.attrs.clone(),
            text: self.text.clone(),
            marks: self.marks.clone(),
            content: None,
        }
    }
}

/// Characters of nodes beside each other: their own and the commas between them.
pub(crate) fn list_chars(nodes: &[Node]) -> usize {
    nodes.iter().map(Node::chars).sum::<usize>() + nodes.len().saturating_sub(1)
}

/// The document around its blocks.
pub(crate) fn document(blocks: Vec<Node>) -> Value {
    let blocks: Vec<Value> = blocks.into_iter().map(Node::into_value).collect();
    json!({ "version": 1, "type": "doc", "content": blocks })
}

/// Characters as Jira's servers count them: UTF-16 code units, never fewer than Unicode characters. An emoji is two.
pub(crate) fn json_chars(json: &str) -> usize {
    json.chars().map(char::len_utf16).sum()
}

/// What a character of a text takes inside a JSON string.
pub(crate) fn escaped_chars(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\t' => 2,
        c => c.len_utf16(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_characters_are_the_characters_of_the_json() {
        let text = Node::text("a\"b\\c\n\t🎉ñ", vec![json!({"type": "strong"})]).unwrap();
        let node = Node::parent(
            "panel",
            vec![Node::parent("paragraph", vec![text.clone(), text]), Node::parent("paragraph", vec![])],
        )
        .attr("panelType", "info");
        assert_eq!(node.chars(), node.clone().into_value().to_string().encode_utf16().count());
    }
}
