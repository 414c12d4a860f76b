//! The beginning of a file, and what it looks like: by its content, never by its name.

use std::cell::OnceCell;

use crate::json::Outline;

/// The first 64 KiB of a file, decoded.
#[derive(Debug, Clone)]
pub struct Head<'h> {
    /// The text; ends in the middle of the file unless `complete`.
    pub text: &'h str,
    /// The first bytes as they are in the file.
    pub magic: &'h [u8],
    /// Whether this is the whole file.
    pub complete: bool,
    /// What it holds as JSON, made when it is first asked for: every JSON format asks.
    outline: OnceCell<Outline>,
}

/// What stands before an XML document's content.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prolog<'h> {
    /// The root element's name without its namespace prefix.
    pub root: Option<&'h str>,
    /// The name in the DOCTYPE.
    pub doctype: Option<&'h str>,
}

/// First bytes of files that people hand over by mistake.
const BINARY: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1a\x45\xdf\xa3", "a WebM video"),
    (b"SQLite format 3", "an SQLite database"),
];

/// A JSON document may stand behind so many lines that a tool printed before it.
const LINES_BEFORE_JSON: usize = 100;

impl<'h> Head<'h> {
    /// The beginning of a file.
    #[must_use]
    pub fn new(text: &'h str, magic: &'h [u8], complete: bool) -> Self {
        Self { text, magic, complete, outline: OnceCell::new() }
    }

    /// What the text holds as JSON; empty where it is none.
    pub(crate) fn outline(&self) -> &Outline {
        self.outline.get_or_init(|| Outline::of(self.text))
    }

    /// The same beginning from its first line that opens a JSON document on, where other lines stand before it: a report
    /// that a tool printed among what else it prints. XML is no such line, and a document between fences is an example
    /// in a text.
    pub(crate) fn behind_printed_lines(&self) -> Option<Self> {
        if self.text.trim_start().starts_with(['<', '{', '[']) {
            return None;
        }
        let mut rest = self.text;
        for _ in 0..LINES_BEFORE_JSON {
            let (line, behind) = rest.split_once('\n')?;
            if line.trim_start().starts_with("```") {
                return None;
            }
            rest = behind;
            let mut document = rest.chars().filter(|c| !c.is_whitespace());
            let opens = match (rest.chars().next(), document.nth(1)) {
                (Some('{'), Some(next)) => matches!(next, '"' | '}'),
                (Some('['), Some(next)) => matches!(next, '{' | ']'),
                (Some(_), _) | (None, _) => false,
            };
            if opens {
                return Some(Self::new(rest, self.magic, self.complete));
            }
        }
        None
    }
    /// The prolog, where the text is XML.
    #[must_use]
    pub fn prolog(&self) -> Prolog<'h> {
        self.root().0
    }

    /// Whether the root element's tag has an attribute called `name`.
    #[must_use]
    pub fn root_has(&self, name: &str) -> bool {
        let tag = self.root().1;
        let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
        tag.split_whitespace().any(|part| part.split_once('=').map_or(part, |(key, _)| key) == name)
    }

    /// The prolog and what stands behind it, which begins with the root element's tag.
    fn root(&self) -> (Prolog<'h>, &'h str) {
        let mut prolog = Prolog::default();
        let mut rest = self.text.trim_start();
        loop {
            let skipped = if rest.starts_with("<?") {
                rest.split_once("?>").map(|(_, after)| after)
            } else if rest.starts_with("<!--") {
                rest.split_once("-->").map(|(_, after)| after)
            } else if let Some(declaration) = rest.get(..9).filter(|start| start.eq_ignore_ascii_case("<!doctype")) {
                let after = rest.get(declaration.len()..).unwrap_or_default();
                prolog.doctype = Some(name(after.trim_start()).unwrap_or_default());
                skip_doctype(after)
            } else {
                prolog.root = rest.strip_prefix('<').and_then(name).map(local);
                return (prolog, rest);
            };
            let Some(after) = skipped else { return (prolog, "") };
            rest = after.trim_start();
        }
    }

    /// Whether it looks like a table whose header is not known.
    #[must_use]
    pub fn is_table(&self) -> bool {
        self.looks_like().starts_with("a table")
    }

    /// The root element's start tag without its brackets, as written; empty where the text is no XML.
    #[must_use]
    pub fn root_tag(&self) -> &'h str {
        let Some(tag) = self.root().1.strip_prefix('<') else { return "" };
        let mut quote = None;
        let end = tag.char_indices().find_map(|(at, c)| {
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '>') => return Some(at),
                (Some(_) | None, _) => {}
            }
            None
        });
        tag.get(..end.unwrap_or(tag.len())).unwrap_or_default()
    }

    /// What the file looks like, as a fragment: `it looks like ...`.
    #[must_use]
    pub fn looks_like(&self) -> String {
        if let Some((_, what)) = BINARY.iter().find(|(magic, _)| self.magic.starts_with(magic)) {
            return (*what).to_owned();
        }
        let text = self.text.trim_start();
        let prolog = self.prolog();
        if text.is_empty() {
            return if self.complete { "an empty file".to_owned() } else { "blank space".to_owned() };
        }
        let html = |name: Option<&str>| name.is_some_and(|name| name.eq_ignore_ascii_case("html"));
        if html(prolog.doctype) || html(prolog.root) {
            return "an HTML page".to_owned();
        }
        if let Some(root) = prolog.root {
            return format!("XML whose root is <{}>", short(root));
        }
        if text.starts_with(['{', '[']) {
            return "JSON".to_owned();
        }
        if text.chars().take(512).filter(|c| c.is_control() && !c.is_whitespace()).count() > 8 {
            return "a binary file".to_owned();
        }
        let line = text.lines().next().unwrap_or_default();
        if separators(line) >= 2 {
            return format!("a table with an unknown header: {}", line.chars().take(160).collect::<String>());
        }
        format!("text that begins with {:?}", short(line))
    }
}

/// How often the likeliest separator of a table stands in a line.
fn separators(line: &str) -> usize {
    line.matches(['|', ';', ',', '\t']).count()
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The XML name at the start of `text`.
fn name(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.get(..end).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// What stands behind a DOCTYPE: its internal subset is in brackets and may hold `>` in quotes and declarations.
fn skip_doctype(text: &str) -> Option<&str> {
    let mut quote = None;
    let mut brackets = 0_u32;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => brackets += 1,
            (None, ']') => brackets = brackets.saturating_sub(1),
            (None, '>') if brackets == 0 => return text.get(at + 1..),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head<'_> {
        Head::new(text, text.as_bytes(), true)
    }

    #[test]
    fn the_root_is_found_behind_any_prolog() {
        for (text, root, doctype) in [
            ("<testsuites/>", Some("testsuites"), None),
            ("\n <?xml version='1.0'?><!-- <a> --><?pi > ?>\n<x:testsuite a='1'>", Some("testsuite"), None),
            ("<!DOCTYPE html><html>", Some("html"), Some("html")),
            ("<!doctype a [<!ENTITY b '>]'>]><a>", Some("a"), Some("a")),
            ("<!DOCTYPE a [<!ENTITY b 'x'", None, Some("a")),
            ("TEST_ID|X", None, None),
            ("< 5", None, None),
            ("<!-- open", None, None),
        ] {
            assert_eq!(head(text).prolog(), Prolog { root, doctype }, "{text}");
        }
    }

    #[test]
    fn the_root_tag_is_found_behind_any_prolog() {
        for (text, tag) in [
            (
                "<?xml version='1.0'?><!-- <b> --><!DOCTYPE a [<!ENTITY b '>]'>]>\n<x:a b='>' c=\"1\"><d>",
                "x:a b='>' c=\"1\"",
            ),
            ("<a/>", "a/"),
            ("<a b='1", "a b='1"),
            ("text", ""),
        ] {
            assert_eq!(head(text).root_tag(), tag, "{text}");
        }
    }

    #[test]
    fn a_document_is_found_behind_printed_lines_only() {
        for (text, document) in [
            ("Using x\n\n{\"a\": 1}\n", Some("{\"a\": 1}\n")),
            ("----\n[INFO] begin\n[\n  {\"a\": 1}]", Some("[\n  {\"a\": 1}]")),
            ("> npm test\r\n{\r\n  \"a\": 1}", Some("{\r\n  \"a\": 1}")),
            ("a {\n  {\"indented\": 1}\n", None),
            ("{\"a\": 1}\n{\"b\": 2}", None),
            ("<a>\n{\"a\": 1}</a>", None),
            ("[1] x", None),
            ("# Format\n\n```json\n{\"a\": 1}\n```\n", None),
            ("one line", None),
            ("", None),
        ] {
            assert_eq!(head(text).behind_printed_lines().map(|head| head.text), document, "{text:?}");
        }
    }

    #[test]
    fn attributes_of_the_root_are_those_of_its_own_tag() {
        let text =
            "<?xml version='1.0'?><!DOCTYPE s SYSTEM 's.dtd'>\n<s id='1'\n  executed = \"True\"><t result='x'/></s>";
        let has = |name| head(text).root_has(name);
        assert_eq!([has("id"), has("executed"), has("result"), has("version")], [true, true, false, false]);
    }

    #[test]
    fn a_wrong_file_is_called_what_it_is() {
        for (text, expect) in [
            ("", "an empty file"),
            (" \n", "an empty file"),
            ("\u{89}PNG", "text that begins with \"\\u{89}PNG\""),
            ("%PDF-1.4", "a PDF document"),
            ("<!DOCTYPE HTML><body>", "an HTML page"),
            ("<project/>", "XML whose root is <project>"),
            ("{\"a\":1}", "JSON"),
            ("a;b;c\n1;2;3", "a table with an unknown header: a;b;c"),
            ("hello\nworld", "text that begins with \"hello\""),
        ] {
            assert_eq!(head(text).looks_like(), expect, "{text:?}");
        }
        let png = Head::new("", b"\x89PNG\r\n", true);
        assert_eq!(png.looks_like(), "a PNG image");
    }
}
