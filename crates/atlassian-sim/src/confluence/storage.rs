//! The storage format's reader: an XHTML fragment with Confluence's `ac:`, `ri:` and `at:` elements, read as strictly as
//! Confluence reads it. One mistake anywhere refuses the whole body, with the wording of the parser behind Confluence
//! (Woodstox) and a row and column, because that text is all that a client's author gets to see.
//!
//! Written by hand instead of on an XML library: the wording and the positions are the point, and a library that forgives
//! one thing Confluence refuses would let a broken page pass every test.

use std::fmt;
use std::str::Chars;

use super::entities;

/// Deeper nesting is refused; the readers below recurse.
const DEPTH_MAX: usize = 500;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, references resolved.
    Text(String),
    /// A CDATA section's content.
    CData(String),
}

/// An element with the prefix in its name, as in `ac:structured-macro`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// With prefix.
    pub name: String,
    /// With prefix, in the order written.
    pub attributes: Vec<(String, String)>,
    /// In order.
    pub children: Vec<Node>,
}

impl Element {
    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(Node::element)
    }

    /// The first child element of a name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.elements().find(|child| child.name == name)
    }

    /// A macro's parameter as text, if this is a macro that has it.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let named = |child: &&Element| child.name == "ac:parameter" && child.attribute("ac:name").unwrap_or("") == name;
        self.elements().find(named).map(|child| text_of(&child.children))
    }

    /// The macro's name, if this is a macro.
    pub fn macro_name(&self) -> Option<&str> {
        matches!(self.name.as_str(), "ac:structured-macro" | "ac:macro")
            .then(|| self.attribute("ac:name").unwrap_or(""))
    }
}

impl Node {
    /// The element, if it is one.
    pub fn element(&self) -> Option<&Element> {
        match self {
            Self::Element(element) => Some(element),
            Self::Text(_) | Self::CData(_) => None,
        }
    }
}

/// The text that a reader sees in some nodes: a status shows its title, other parameters are not shown.
pub fn text_of(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        match node {
            Node::Element(element) if element.macro_name() == Some("status") => {
                out.push_str(&element.parameter("title").unwrap_or_default());
            }
            Node::Element(element) => match element.name.as_str() {
                "ac:parameter" | "ac:adf-attribute" | "ac:task-id" | "ac:task-uuid" | "ac:task-status"
                | "ac:placeholder" => {}
                _ => out.push_str(&text_of(&element.children)),
            },
            Node::Text(text) | Node::CData(text) => out.push_str(text),
        }
    }
    out
}

/// Why a body is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// In Woodstox' words.
    pub message: String,
    /// Line, from 1.
    pub row: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, row, column } = self;
        write!(f, "Error parsing xhtml: {message}\n at [row,col {{unknown-source}}]: [{row},{column}]")
    }
}

/// Reads a body.
///
/// # Errors
/// The first mistake.
pub fn parse(text: &str) -> Result<Vec<Node>, ParseError> {
    Reader { left: text.chars(), row: 1, column: 1 }.document()
}

struct Reader<'a> {
    left: Chars<'a>,
    row: usize,
    column: usize,
}

type Read<T> = Result<T, ParseError>;

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '\u{b7}')
}

/// XML 1.0 allows no other control characters, not even as references.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// How Woodstox names a character.
fn describe(c: char) -> String {
    let code = u32::from(c);
    if c.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 255 {
        format!("'{c}' (code {code} / 0x{code:x})")
    } else {
        format!("'{c}' (code {code})")
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.left.clone().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.left.next()?;
        if c == '\n' {
            self.row += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Consumes `word` if it is next.
    fn eat(&mut self, word: &str) -> bool {
        let there = self.left.as_str().starts_with(word);
        if there {
            for _ in word.chars() {
                self.bump();
            }
        }
        there
    }

    fn fail<T>(&self, message: impl Into<String>) -> Read<T> {
        Err(ParseError { message: message.into(), row: self.row, column: self.column })
    }

    fn spaces(&mut self) -> bool {
        let before = self.left.as_str().len();
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
            self.bump();
        }
        self.left.as_str().len() < before
    }

    /// The body is read inside an element `xml`, which is what end and stray end tags are measured against.
    fn document(&mut self) -> Read<Vec<Node>> {
        let mut open: Vec<Element> = vec![Element { name: "xml".to_owned(), ..Element::default() }];
        while let Some(c) = self.peek() {
            let node = if c != '<' {
                Some(Node::Text(self.text()?))
            } else if self.eat("<!--") {
                self.comment()?;
                None
            } else if self.eat("<![CDATA[") {
                Some(Node::CData(self.cdata()?))
            } else if self.eat("</") {
                self.end_tag(&mut open)?;
                None
            } else if self.left.as_str().starts_with("<!") {
                return self.fail("Unexpected DOCTYPE declaration or markup declaration in content");
            } else if self.eat("<?") {
                return self.instruction();
            } else {
                self.bump();
                let (element, empty) = self.start_tag()?;
                if empty {
                    Some(Node::Element(element))
                } else if open.len() > DEPTH_MAX {
                    return self.fail(format!("Maximum Element Depth limit ({DEPTH_MAX}) Exceeded"));
                } else {
                    open.push(element);
                    None
                }
            };
            if let (Some(node), Some(parent)) = (node, open.last_mut()) {
                parent.children.push(node);
            }
        }
        match (open.len(), open.pop()) {
            (1, Some(root)) => Ok(root.children),
            (_, Some(left)) => self.fail(format!("Unexpected close tag </xml>; expected </{}>.", left.name)),
            (_, None) => Ok(Vec::new()),
        }
    }

    fn text(&mut self) -> Read<String> {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            match c {
                '<' => break,
                '&' => out.push(self.reference()?),
                ']' if self.left.as_str().starts_with("]]>") => {
                    return self.fail(
                        "String ']]>' not allowed in textual content, except as the end marker of CDATA section",
                    );
                }
                _ if !is_legal(c) => return self.fail(format!("Illegal character ({})", describe(c))),
                _ => {
                    out.push(c);
                    self.bump();
                }
            }
        }
        Ok(out)
    }

    fn reference(&mut self) -> Read<char> {
        self.bump();
        if self.eat("#") {
            return self.numeric_reference();
        }
        match self.peek() {
            Some(c) if is_name_start(c) => {}
            other => {
                return self.fail(format!("Unexpected character {} (missing name?)", describe(other.unwrap_or('<'))));
            }
        }
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| is_name(*c)) {
            name.push(c);
            self.bump();
        }
        if self.peek() != Some(';') {
            let found = describe(self.peek().unwrap_or('<'));
            return self.fail(format!(
                "Unexpected character {found}; expected a semi-colon after the reference for entity '{name}'"
            ));
        }
        match entities::character(&name) {
            Some(c) => {
                self.bump();
                Ok(c)
            }
            None => self.fail(format!("Undeclared general entity \"{name}\"")),
        }
    }

    fn numeric_reference(&mut self) -> Read<char> {
        let radix = if self.eat("x") { 16 } else { 10 };
        let mut code: u32 = 0;
        let mut digits = 0_usize;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) {
            code = code.saturating_mul(radix).saturating_add(digit);
            digits += 1;
            self.bump();
        }
        if digits == 0 || self.peek() != Some(';') {
            let found = describe(self.peek().unwrap_or('<'));
            return self
                .fail(format!("Unexpected character {found}; expected a digit or ';' in a character reference"));
        }
        match char::from_u32(code).filter(|c| is_legal(*c)) {
            Some(c) => {
                self.bump();
                Ok(c)
            }
            None => self.fail(format!("Illegal character entity: expansion character (code 0x{code:x}")),
        }
    }

    fn comment(&mut self) -> Read<()> {
        loop {
            if self.eat("-->") {
                return Ok(());
            }
            if self.left.as_str().starts_with("--") {
                return self.fail("String '--' not allowed in comment (missing '>'?)");
            }
            match self.bump() {
                Some(c) if is_legal(c) => {}
                Some(c) => return self.fail(format!("Illegal character ({})", describe(c))),
                None => return self.fail("Unexpected end of input block in comment"),
            }
        }
    }

    fn cdata(&mut self) -> Read<String> {
        let mut out = String::new();
        loop {
            if self.eat("]]>") {
                return Ok(out);
            }
            match self.bump() {
                Some(c) if is_legal(c) => out.push(c),
                Some(c) => return self.fail(format!("Illegal character ({})", describe(c))),
                None => return self.fail("Unexpected end of input block in CDATA section"),
            }
        }
    }

    fn instruction<T>(&mut self) -> Read<T> {
        let target: String = self.left.clone().take_while(|c| is_name(*c)).collect();
        if target.eq_ignore_ascii_case("xml") {
            return self.fail(format!(
                "Illegal processing instruction target (\"{target}\"); xml (case insensitive) is reserved by the specs."
            ));
        }
        self.fail("Processing instructions are not allowed in the storage format")
    }

    fn name(&mut self, place: &str) -> Read<String> {
        match self.peek() {
            Some(c) if is_name_start(c) => {}
            other => return self.fail(format!("Unexpected character {} {place}", describe(other.unwrap_or('<')))),
        }
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| is_name(*c)) {
            name.push(c);
            self.bump();
        }
        if let Some((prefix, _)) = name.split_once(':')
            && !matches!(prefix, "ac" | "ri" | "at" | "xml")
        {
            return self.fail(format!("Undeclared namespace prefix \"{prefix}\""));
        }
        Ok(name)
    }

    fn end_tag(&mut self, open: &mut Vec<Element>) -> Read<()> {
        let name = self.name("in content after '</' (malformed end element?).")?;
        self.spaces();
        let expected = open.last().map_or("xml", |element| element.name.as_str());
        if open.len() == 1 || name != expected {
            return self.fail(format!("Unexpected close tag </{name}>; expected </{expected}>."));
        }
        match self.bump() {
            Some('>') => {}
            other => {
                let found = describe(other.unwrap_or('<'));
                return self.fail(format!("Unexpected character {found} in end tag Expected '>'"));
            }
        }
        if let Some(element) = open.pop()
            && let Some(parent) = open.last_mut()
        {
            parent.children.push(Node::Element(element));
        }
        Ok(())
    }

    fn start_tag(&mut self) -> Read<(Element, bool)> {
        let name = self.name("in content after '<' (malformed start element?).")?;
        let mut element = Element { name, ..Element::default() };
        loop {
            let spaced = self.spaces();
            match self.peek() {
                Some('>') => {
                    self.bump();
                    return Ok((element, false));
                }
                Some('/') => {
                    self.bump();
                    if !self.eat(">") {
                        let found = describe(self.peek().unwrap_or('<'));
                        return self.fail(format!("Unexpected character {found} in start tag Expected '>'"));
                    }
                    return Ok((element, true));
                }
                Some(c) if !spaced => {
                    return self.fail(format!("Unexpected character {} excepted space, or '>' or \"/>\"", describe(c)));
                }
                Some(_) => {
                    let attribute = self.attribute()?;
                    if element.attribute(&attribute.0).is_some() {
                        return self.fail(format!("Duplicate attribute '{}'.", attribute.0));
                    }
                    element.attributes.push(attribute);
                }
                None => return self.fail("Unexpected end of input block in start tag"),
            }
        }
    }

    fn attribute(&mut self) -> Read<(String, String)> {
        let name = self.name("in start tag Expected an attribute name")?;
        self.spaces();
        if !self.eat("=") {
            return self.fail(format!("Unexpected character {} expected '='", describe(self.peek().unwrap_or('<'))));
        }
        self.spaces();
        let quote = match self.peek() {
            Some(quote @ ('"' | '\'')) => quote,
            other => {
                return self.fail(format!(
                    "Unexpected character {} in start tag Expected a quote",
                    describe(other.unwrap_or('<'))
                ));
            }
        };
        self.bump();
        let mut value = String::new();
        loop {
            match self.peek() {
                Some(c) if c == quote => {
                    self.bump();
                    return Ok((name, value));
                }
                Some('&') => value.push(self.reference()?),
                Some('<') => return self.fail("Unexpected character '<' (code 60) in attribute value"),
                Some(c) if !is_legal(c) => return self.fail(format!("Illegal character ({})", describe(c))),
                Some(c) => {
                    value.push(c);
                    self.bump();
                }
                None => return self.fail("Unexpected end of input block in attribute value"),
            }
        }
    }
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
