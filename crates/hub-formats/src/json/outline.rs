//! What the beginning of a JSON document holds, found without a whole document: for recognising a format.

use std::borrow::Cow;
use std::collections::HashMap;

/// Keys and short texts of the beginning of a document, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Paths as `suites[].specs[].title`, each with its first text where it has one; the root is the empty path.
    places: HashMap<String, Option<String>>,
    /// Whether the root is an object.
    pub(crate) is_object: bool,
    /// Whether the root is an array.
    pub(crate) is_array: bool,
    /// Whether another document follows the first: a file with one on each line.
    pub(crate) is_lines: bool,
}

/// Paths beyond this depth say nothing about a format.
const DEPTH: usize = 8;

/// Places that are kept: the beginning of a file is recognised by its first ones.
const PLACES: usize = 4_096;

/// Bytes of a text that is kept.
const TEXT_BYTES: usize = 200;

impl Outline {
    /// The outline of a file's beginning; empty where it is no JSON. [`crate::head::Head::outline`] keeps it, because
    /// every format asks for it.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim_start();
        let mut outline = Self { is_object: text.starts_with('{'), is_array: text.starts_with('['), ..Self::default() };
        if outline.is_object || outline.is_array {
            let mut scan = Scan { rest: text.as_bytes(), path: String::new(), depth: 0, outline: &mut outline };
            if scan.value(0).is_some() {
                let rest = scan.rest.trim_ascii_start();
                outline.is_lines = rest.starts_with(b"{");
            }
        }
        outline
    }

    /// Whether there is something at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Whether there is something at each path.
    pub(crate) fn has_all(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.has(path))
    }

    /// The first text at a path.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.places.get(path)?.as_deref()
    }
}

struct Scan<'t, 'o> {
    rest: &'t [u8],
    /// Where the next value stands, and how many keys and items that is from the root.
    path: String,
    depth: usize,
    outline: &'o mut Outline,
}

impl<'t> Scan<'t, '_> {
    /// Reads a value; nothing where the text ends or is no JSON.
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > 128 {
            return None;
        }
        self.space();
        match self.rest.first()? {
            b'{' => self.many(depth, b'}', true),
            b'[' => self.many(depth, b']', false),
            b'"' => {
                let text = self.string()?;
                self.note(Some(text));
                Some(())
            }
            _ => {
                let end = self.rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b'\n'))?;
                // A closing bracket that closes nothing is no value; going on would never end.
                if end == 0 {
                    return None;
                }
                self.skip(end);
                self.note(None);
                Some(())
            }
        }
    }

    fn many(&mut self, depth: usize, end: u8, keyed: bool) -> Option<()> {
        self.skip(1);
        self.note(None);
        loop {
            self.space();
            match *self.rest.first()? {
                byte if byte == end => {
                    self.skip(1);
                    return Some(());
                }
                b',' => self.skip(1),
                _ => {
                    let outer = self.path.len();
                    if keyed {
                        let key = self.string()?;
                        self.space();
                        if self.rest.first()? != &b':' {
                            return None;
                        }
                        self.skip(1);
                        if !self.path.is_empty() && key != "[]" {
                            self.path.push('.');
                        }
                        self.path.push_str(&key);
                    } else {
                        self.path.push_str("[]");
                    }
                    self.depth += 1;
                    self.value(depth + 1)?;
                    self.depth -= 1;
                    self.path.truncate(outer);
                }
            }
        }
    }

    /// Reads a string; what is escaped in it stays escaped.
    fn string(&mut self) -> Option<Cow<'t, str>> {
        if self.rest.first()? != &b'"' {
            return None;
        }
        let mut at = 1;
        loop {
            match self.rest.get(at)? {
                b'"' => break,
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        let text = String::from_utf8_lossy(self.rest.get(1..at.min(TEXT_BYTES + 1)).unwrap_or_default());
        self.skip(at + 1);
        Some(text)
    }

    fn note(&mut self, text: Option<Cow<'t, str>>) {
        if self.depth > DEPTH {
            return;
        }
        // The first text of a path is enough.
        if let Some(known) = self.outline.places.get_mut(self.path.as_str()) {
            if known.is_none() {
                *known = text.map(Cow::into_owned);
            }
        } else if self.outline.places.len() < PLACES {
            self.outline.places.insert(self.path.clone(), text.map(Cow::into_owned));
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Outline {
        Outline::of(text)
    }

    #[test]
    fn a_cut_document_shows_what_it_began_with() {
        let outline = of(r#" {"config": {"v": 1}, "suites": [{"title": "a\"b", "specs": [{"ok": true}, {"tags": [] "#);
        assert!(outline.is_object && !outline.is_lines);
        assert!(outline.has_all(&["config.v", "suites[].specs[].ok", "suites[].specs[].tags", "suites"]));
        assert_eq!(outline.text("suites[].title"), Some("a\\\"b"));
        assert!(!outline.has("suites[].specs[].tags[]"));
    }

    #[test]
    fn lines_of_documents_are_told_from_one_document() {
        assert!(of("{\"a\":1}\n{\"b\":2}\n").is_lines);
        assert!(!of("{\"a\":1}\n").is_lines);
        assert!(of("[{\"a\":1}]").is_array);
        assert_eq!(of("TEST_ID|X"), Outline::default());
        for broken in ["[}", "[1,}", "{\"a\":]", "{\"a\":,", "[[}"] {
            assert!(!of(broken).is_lines, "{broken} must end");
        }
        assert!(!of(&"[".repeat(60_000)).is_lines);
    }
}
