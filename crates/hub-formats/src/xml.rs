//! XML for readers of reports: tags by quick-xml; text, CDATA, comments and references here, so that a text of any
//! length needs bounded memory and one odd reference never ends the file.
//!
//! Not a validating reader: duplicate attributes are taken as the first one, namespaces are prefixes that are ignored,
//! and a DOCTYPE is passed over where it only names things and refused where it may declare any: none is ever fetched.

pub(crate) mod element;
pub(crate) mod entities;
pub(crate) mod header;
pub(crate) mod open_suites;
pub(crate) mod parts;
pub(crate) mod steps;
pub(crate) mod text;

use std::borrow::Cow;
use std::io::{self, BufRead};

use hub_domain::codes::{self, Code};
use quick_xml::events::{BytesStart, Event};

use crate::input::{Input, advance};
use crate::limits;
use crate::record::hygiene;
use crate::record::scan;
use crate::reporter::{At, Field, Reporter};
use crate::xml::entities::{Odd, Reference};
use crate::xml::text::Text;

/// Why reading ends before the file does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: &'static Code,
    /// Where the token begins that could not be read.
    pub at: At,
    /// What is wrong, as a fragment.
    pub message: String,
}

/// What stands between two texts.
pub enum Tag<'b> {
    /// An element begins, and ends at once where `empty`.
    Start(Start<'b>),
    /// The innermost element ends.
    End,
    /// A declaration or processing instruction.
    Other,
    /// The file ends, and no element is open.
    Eof,
}

/// A start tag.
pub struct Start<'b> {
    event: BytesStart<'b>,
    /// Whether it is an empty element.
    pub empty: bool,
    /// Where it begins.
    pub at: At,
}

impl Start<'_> {
    /// The name without its namespace prefix.
    pub fn name(&self) -> &str {
        self.event.local_name().into_inner()
    }

    /// Hands every attribute to `each`, as name and raw value.
    ///
    /// # Errors
    /// An attribute without quotes, value or name.
    pub fn attributes(
        &self,
        reporter: &mut Reporter<'_>,
        mut each: impl FnMut(&str, &str, &mut Reporter<'_>),
    ) -> Result<(), Fault> {
        // The duplicate check of quick-xml compares every pair of names: 40,000 attributes would take minutes.
        for (index, attribute) in self.event.attributes().with_checks(false).enumerate() {
            if index == limits::ATTRIBUTES_PER_TAG {
                let message = format!("attributes beyond {} of one tag were left out", limits::ATTRIBUTES_PER_TAG);
                reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(self.at), &message);
                break;
            }
            let attribute = attribute.map_err(|error| self.fault(&error.to_string()))?;
            each(attribute.key.as_ref(), &attribute.value, reporter);
        }
        Ok(())
    }

    /// The text of an attribute's raw value: references resolved, cleaned, cut to the field's limit.
    ///
    /// As XML demands, a line break or tab in the tag is a space; a message keeps them, because a person reads it.
    pub fn value(&self, raw: &str, field: Field, reporter: &mut Reporter<'_>) -> String {
        const DIRTY: u8 = 1;
        const REFERENCE: u8 = 2;
        const BREAK: u8 = 4;
        let marks = scan::marks(raw.as_bytes(), |byte| {
            let is_break = (byte == b'\n') | (byte == b'\r') | (byte == b'\t');
            u8::from(hygiene::suspicious(byte)) | (u8::from(byte == b'&') * REFERENCE) | (u8::from(is_break) * BREAK)
        });
        if marks == 0 && raw.len() <= field.limit() {
            return raw.to_owned();
        }
        let mut raw = Cow::Borrowed(raw);
        if field != Field::Message && marks & BREAK != 0 {
            raw = Cow::Owned(raw.replace("\r\n", " ").replace(['\n', '\r', '\t'], " "));
        }
        let mut odd = Odd::default();
        if marks & REFERENCE != 0 {
            let mut decoded = String::with_capacity(raw.len());
            odd = entities::decode(&raw, &mut decoded);
            raw = Cow::Owned(decoded);
        }
        let mut removed = odd.nothing;
        // A reference may stand for a character that has to go.
        if marks & DIRTY != 0 || (marks & REFERENCE != 0 && scan::any(raw.as_bytes(), hygiene::suspicious)) {
            let mut cleaned = String::with_capacity(raw.len());
            removed |= hygiene::clean(&raw, &mut cleaned);
            raw = Cow::Owned(cleaned);
        }
        let mut text = raw.into_owned();
        if removed {
            reporter.controls(self.at);
        }
        if odd.unknown {
            reporter.entity(self.at);
        }
        if hygiene::cut(&mut text, field.limit()) {
            reporter.cut(field, self.at);
        }
        text
    }

    fn fault(&self, message: &str) -> Fault {
        Fault { code: &codes::NOT_WELL_FORMED, at: self.at, message: format!("<{}>: {message}", self.name()) }
    }
}

/// Reads one XML file.
pub struct Xml<'i, 'r> {
    reader: quick_xml::Reader<&'i mut Input<'r>>,
    tag: Vec<u8>,
    depth: usize,
}

impl<'i, 'r> Xml<'i, 'r> {
    /// Reads from the beginning of a file.
    pub fn new(input: &'i mut Input<'r>) -> Self {
        Self { reader: quick_xml::Reader::from_reader(input), tag: Vec::new(), depth: 0 }
    }

    /// Reads up to the next tag; what is text goes to `into`.
    ///
    /// # Errors
    /// A DOCTYPE, an unclosed comment or CDATA section, or the source fails.
    pub fn text(&mut self, mut into: Option<&mut Text>) -> Result<(), Fault> {
        loop {
            let input = self.reader.get_mut();
            let ahead = match input.fill_buf() {
                Ok(ahead) => ahead,
                Err(error) => return Err(source_fault(&error, input.at())),
            };
            let length = match into {
                Some(_) => memchr::memchr2(b'<', b'&', ahead),
                None => memchr::memchr(b'<', ahead),
            }
            .unwrap_or(ahead.len());
            if length > 0 {
                push(&mut into, ahead.get(..length));
                input.consume(length);
                continue;
            }
            match ahead.first() {
                None => return Ok(()),
                Some(b'&') => {
                    if let Some(text) = &mut into {
                        reference(input, text).map_err(|error| source_fault(&error, input.at()))?;
                    }
                }
                Some(_) => {
                    if !self.section(&mut into)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads a comment or CDATA section, if one comes next.
    fn section(&mut self, into: &mut Option<&mut Text>) -> Result<bool, Fault> {
        let input = self.reader.get_mut();
        match input.peek(9) {
            Ok(ahead) if !ahead.starts_with(b"<!") => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(source_fault(&error, input.at())),
        }
        let at = input.at();
        let ahead = input.peek(9).map_err(|error| source_fault(&error, at))?;
        if ahead.starts_with(b"<!--") {
            input.consume(4);
            return until(input, b"-->", "a comment", &mut None, at).map(|()| true);
        }
        if ahead.starts_with(b"<![CDATA[") {
            input.consume(9);
            if let Some(text) = into {
                text.drop_indentation();
            }
            return until(input, b"]]>", "a CDATA section", into, at).map(|()| true);
        }
        if ahead.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!DOCTYPE")) {
            return self.doctype(at).map(|()| true);
        }
        let message = "`<!` begins neither a comment nor a CDATA section".to_owned();
        Err(Fault { code: &codes::NOT_WELL_FORMED, at, message })
    }

    /// Passes over a DOCTYPE that names the root and perhaps where its grammar is, as CUnit writes it. What it names is
    /// never fetched. One that declares something in brackets, or that is no plain one, is refused unread.
    fn doctype(&mut self, at: At) -> Result<(), Fault> {
        let refused = |why: &str| Fault { code: &codes::DOCTYPE_REFUSED, at, message: format!("a DOCTYPE {why}") };
        if self.depth > 0 {
            return Err(refused("inside of an element is refused unread"));
        }
        let input = self.reader.get_mut();
        let ahead = input.peek(limits::DOCTYPE_BYTES).map_err(|error| source_fault(&error, at))?;
        let ahead = ahead.get(..limits::DOCTYPE_BYTES).unwrap_or(ahead);
        let length = plain_doctype(ahead).ok_or_else(|| refused("that may declare something is refused unread"))?;
        input.consume(length);
        Ok(())
    }

    /// Reads the tag that comes next; to be called after [`Xml::text`].
    ///
    /// # Errors
    /// The tag is damaged, too large or too deep, closes another element, or the file ends inside an element.
    pub fn tag(&mut self) -> Result<Tag<'_>, Fault> {
        self.tag.clear();
        self.reader.get_mut().set_fence(limits::TAG_BYTES);
        self.reader.get_mut().set_mark();
        let event = self.reader.read_event_into(&mut self.tag);
        let input = self.reader.get_mut();
        let fenced = input.is_fenced();
        input.lift_fence();
        if let Ok(Event::End(_)) = event {
            input.take_mark();
            self.depth -= 1;
            return Ok(Tag::End);
        }
        let at = input.at();
        input.take_mark();
        let damaged = |message: String| Fault { code: &codes::NOT_WELL_FORMED, at, message };
        let (event, empty) = match event {
            Ok(Event::Start(event)) => (event, false),
            Ok(Event::Empty(event)) => (event, true),
            Ok(Event::Eof) if self.depth == 0 => return Ok(Tag::Eof),
            Ok(Event::Eof) => {
                let open =
                    if self.depth == 1 { "1 element is".to_owned() } else { format!("{} elements are", self.depth) };
                return Err(damaged(format!("the file ends while {open} open")));
            }
            Ok(_) => return Ok(Tag::Other),
            Err(quick_xml::Error::Io(_)) if fenced => {
                let message = format!("a tag is larger than {} bytes", limits::TAG_BYTES);
                return Err(Fault { code: &codes::TOO_MUCH_MARKUP, at, message });
            }
            Err(quick_xml::Error::Io(error)) => return Err(source_fault(&error, at)),
            Err(error) => return Err(damaged(inner(&error))),
        };
        if event.name().as_ref().is_empty() {
            return Err(damaged("`<` is followed by no name".to_owned()));
        }
        if let Some(before) = memchr::memchr(b'<', event.as_bytes()) {
            let behind_name = advance(At { line: at.line, column: at.column + 1 }, &event.as_bytes()[..before]);
            let message =
                format!("an unescaped `<` stands inside the tag <{}>", short(event.local_name().into_inner()));
            return Err(Fault { at: behind_name, ..damaged(message) });
        }
        if !empty {
            self.depth += 1;
        }
        if self.depth > limits::DEPTH {
            let message = format!("elements are nested deeper than {}", limits::DEPTH);
            return Err(Fault { code: &codes::TOO_MUCH_MARKUP, at, message });
        }
        Ok(Tag::Start(Start { event, empty, at }))
    }
}

/// The length of a DOCTYPE that declares nothing: names and quoted texts up to its `>`, and no markup among them.
fn plain_doctype(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in bytes.iter().copied().enumerate().skip("<!DOCTYPE".len()) {
        match (quote, byte) {
            (_, b'<') | (None, b'[' | b']' | b'%' | b'&') => return None,
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return Some(at + 1),
            (None, _) => {}
        }
    }
    None
}

fn push(into: &mut Option<&mut Text>, bytes: Option<&[u8]>) {
    if let (Some(text), Some(bytes)) = (into, bytes)
        && let Ok(valid) = std::str::from_utf8(bytes)
    {
        text.push(valid);
    }
}

/// Resolves the reference that comes next, or takes its ampersand as text.
fn reference(input: &mut Input<'_>, text: &mut Text) -> io::Result<()> {
    let ahead = input.peek(entities::REFERENCE_BYTES + 2)?;
    let name = entities::name(ahead.get(1..).unwrap_or_default());
    let mut odd = Odd::default();
    let mut used = 1;
    match name.map(|name| (name.len(), entities::resolve(name))) {
        Some((length, reference)) if reference != Reference::Unknown => {
            used = length + 2;
            if let Some(c) = odd.take(reference) {
                text.push(c.encode_utf8(&mut [0; 4]));
            }
        }
        Some(_) | None => {
            odd.unknown = true;
            text.push("&");
        }
    }
    text.odd(odd);
    input.consume(used);
    Ok(())
}

/// Reads up to and including `end`, whose last byte is `>`; what stands before it goes to `into`.
fn until(input: &mut Input<'_>, end: &[u8; 3], what: &str, into: &mut Option<&mut Text>, at: At) -> Result<(), Fault> {
    loop {
        // Three bytes at least, so that an end cut by the buffer's edge is seen whole.
        let ahead = input.peek(3).map_err(|error| source_fault(&error, at))?;
        if let Some(length) = memchr::memmem::find(ahead, end) {
            push(into, ahead.get(..length));
            input.consume(length + end.len());
            return Ok(());
        }
        if ahead.len() < 3 {
            let message = format!("{what} is not closed before the file ends");
            return Err(Fault { code: &codes::NOT_WELL_FORMED, at, message });
        }
        // The last two bytes may begin the end, unless they do not even look like it.
        let tail = ahead.iter().rev().take(2).take_while(|byte| **byte == end[0]).count();
        push(into, ahead.get(..ahead.len() - tail));
        let used = ahead.len() - tail;
        input.consume(used);
    }
}

fn source_fault(error: &io::Error, at: At) -> Fault {
    Fault { code: &codes::UNREADABLE_FILE, at, message: format!("reading the file failed: {error}") }
}

/// The part of an error that says what is wrong; quick-xml puts the kind of error before it.
fn inner(error: &quick_xml::Error) -> String {
    if let quick_xml::Error::Syntax(syntax) = error {
        syntax.to_string()
    } else if let quick_xml::Error::IllFormed(ill_formed) = error {
        ill_formed.to_string()
    } else {
        error.to_string()
    }
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}
