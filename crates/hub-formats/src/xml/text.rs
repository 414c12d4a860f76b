//! One running text of an element, kept up to a limit; behind the limit only `[[ATTACHMENT|path]]` is looked for, because
//! tools write it at the end of long output.

use crate::limits;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};
use crate::xml::entities::Odd;

const OPEN: &str = "[[ATTACHMENT|";
const CLOSE: &str = "]]";

/// Bytes that a path in an attachment mark may have before the mark is taken for ordinary text.
const PATH_BYTES: usize = 4 * 1024;

/// Collects the text of one element.
#[derive(Debug, Default)]
pub struct Text {
    kept: String,
    /// What follows behind the limit, as far as it may hold the beginning of a mark.
    tail: String,
    over: bool,
    /// Bytes that are kept beyond the usual, for a text whose end matters.
    more: usize,
    late: Vec<String>,
    odd: Odd,
    at: Option<At>,
    scratch: String,
}

impl Text {
    /// Forgets the text.
    fn clear(&mut self) {
        self.kept.clear();
        self.tail.clear();
        self.over = false;
        self.more = 0;
        self.late.clear();
        self.odd = Odd::default();
    }

    /// Forgets the text and says where the next one stands.
    pub fn begin(&mut self, at: At) {
        self.clear();
        self.at = Some(at);
    }

    /// As [`Text::begin`], for a text that may embed a file: it is kept up to the limit of those.
    pub fn begin_embedding(&mut self, at: At) {
        self.begin(at);
        self.more = limits::JSON_STRING_BYTES;
    }

    /// Appends the text as it is written, neither cleaned nor cut to a field, and forgets it. What is as long as
    /// [`limits::JSON_STRING_BYTES`] may have lost its end.
    pub fn append_raw(&mut self, out: &mut String) {
        out.push_str(&std::mem::take(&mut self.kept));
        self.clear();
    }

    /// Adds a piece.
    pub fn push(&mut self, piece: &str) {
        if self.over {
            self.scan(piece);
            return;
        }
        let room = limits::RAW_TEXT_BYTES.max(self.more).saturating_sub(self.kept.len());
        if piece.len() <= room {
            self.kept.push_str(piece);
            return;
        }
        let (head, rest) = piece.split_at(piece.floor_char_boundary(room));
        self.kept.push_str(head);
        self.over = true;
        if let Some(open) = self.kept.rfind(OPEN)
            && let Some(begun) = self.kept.get(open..).filter(|begun| !begun.contains(CLOSE))
        {
            self.tail.push_str(begun);
        }
        self.scan(rest);
    }

    /// Forgets the indentation of what comes next: a CDATA section or element on a line of its own, where the space
    /// before it is the file's layout and not the text's.
    pub fn drop_indentation(&mut self) {
        let end = self.kept.trim_end_matches([' ', '\t']).len();
        if !self.over && (end == 0 || self.kept.get(..end).is_some_and(|before| before.ends_with('\n'))) {
            self.kept.truncate(end);
        }
    }

    /// Notes an odd reference in the text.
    pub fn odd(&mut self, odd: Odd) {
        self.odd.nothing |= odd.nothing;
        self.odd.unknown |= odd.unknown;
    }

    /// Appends the cleaned text to `out`, on a line of its own, cuts `out` to the field's limit, and forgets it.
    pub fn append_to(&mut self, out: &mut String, field: Field, reporter: &mut Reporter<'_>) {
        self.finish(out, None, field, reporter);
    }

    /// As [`Text::append_to`], and moves the paths in attachment marks to `attachments`.
    pub fn append_output(&mut self, out: &mut String, attachments: &mut Vec<String>, reporter: &mut Reporter<'_>) {
        self.finish(out, Some(attachments), Field::Output, reporter);
    }

    fn finish(
        &mut self,
        out: &mut String,
        attachments: Option<&mut Vec<String>>,
        field: Field,
        reporter: &mut Reporter<'_>,
    ) {
        let at = self.at.unwrap_or(At { line: 1, column: 1 });
        let mut cleaned = std::mem::take(&mut self.kept);
        let mut removed = self.odd.nothing;
        if hygiene::is_dirty(&cleaned) {
            let dirty = std::mem::replace(&mut cleaned, std::mem::take(&mut self.scratch));
            cleaned.clear();
            removed |= hygiene::clean(&dirty, &mut cleaned);
            self.scratch = dirty;
        }
        if removed {
            reporter.controls(at);
        }
        if self.odd.unknown {
            reporter.entity(at);
        }
        if let Some(attachments) = attachments {
            if has_mark(&cleaned) {
                cleaned = take_marks(&cleaned, attachments);
            }
            attachments.append(&mut self.late);
        }
        let text = hygiene::trim_blank_lines(&cleaned);
        // A text that is full stays as it is: to add and cut again at every piece would cost its whole length each time.
        let full = out.len() >= field.limit() && out.ends_with(limits::CUT_MARK);
        if full {
            self.kept = cleaned;
            self.clear();
            return;
        }
        if !text.is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(text);
        }
        if hygiene::cut(out, field.limit()) {
            reporter.cut(field, at);
        } else if self.over {
            hygiene::mark(out, field.limit());
            reporter.cut(field, at);
        }
        self.kept = cleaned;
        self.clear();
    }

    /// Looks for attachment marks behind the limit and keeps no more than may be the beginning of one.
    fn scan(&mut self, piece: &str) {
        self.tail.push_str(piece);
        let mut rest = self.tail.as_str();
        let keep = loop {
            let Some(open) = rest.find(OPEN) else {
                let start = rest.len().saturating_sub(OPEN.len() - 1);
                break rest.get(rest.ceil_char_boundary(start)..).unwrap_or_default();
            };
            let path = rest.get(open + OPEN.len()..).unwrap_or_default();
            match path.find(CLOSE) {
                Some(end) => {
                    if self.late.len() < limits::ATTACHMENTS {
                        self.late.extend(path.get(..end).filter(|path| path.len() <= PATH_BYTES).map(str::to_owned));
                    }
                    rest = path.get(end..).unwrap_or_default();
                }
                None if path.len() > PATH_BYTES => rest = path,
                None => break rest.get(open..).unwrap_or_default(),
            }
        };
        self.tail = keep.to_owned();
    }
}

/// A text without its attachment marks, whose paths go to `attachments`.
pub(crate) fn without_marks(text: &str, attachments: &mut Vec<String>) -> String {
    if has_mark(text) { take_marks(text, attachments) } else { text.to_owned() }
}

fn has_mark(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'[', bytes).any(|at| bytes.get(at..).is_some_and(|rest| rest.starts_with(OPEN.as_bytes())))
}

/// Moves attachment marks out of a text; a line that held nothing else goes with them.
fn take_marks(text: &str, attachments: &mut Vec<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        let mut found = false;
        let mut kept = String::new();
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((path, behind)) = after.split_once(CLOSE) else { break };
            if attachments.len() < limits::ATTACHMENTS && !path.trim().is_empty() && path.len() <= PATH_BYTES {
                attachments.push(path.trim().to_owned());
            }
            found = true;
            kept.push_str(before);
            rest = behind;
        }
        kept.push_str(rest);
        if !found || !kept.trim().is_empty() {
            out.push_str(&kept);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    fn finished(pieces: &[&str]) -> (String, Vec<String>, Collected) {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let (mut out, mut attachments, mut text) = (String::new(), Vec::new(), Text::default());
        text.begin(At { line: 3, column: 4 });
        for piece in pieces {
            text.push(piece);
        }
        text.append_output(&mut out, &mut attachments, &mut reporter);
        reporter.close();
        (out, attachments, sink)
    }

    #[test]
    fn attachment_marks_leave_the_text() {
        let (out, attachments, sink) =
            finished(&["\nlog\n[[ATTACHMENT|a b/c, d.png]]\n\nx [[ATTACHMENT|../e]] y\n", "[[ATTACHMENT|"]);
        assert_eq!(out, "log\n\nx  y\n[[ATTACHMENT|");
        assert_eq!(attachments, ["a b/c, d.png", "../e"]);
        assert_eq!(sink, Collected::default());
    }

    #[test]
    fn marks_are_found_behind_the_limit_whatever_the_pieces() {
        let long = "x".repeat(limits::RAW_TEXT_BYTES - 5);
        let (out, attachments, sink) =
            finished(&[&long, "[[ATTACHM", "ENT|one.png]]", &long, "é[", "[ATTACHMENT|two.png", "]]é", &long]);
        assert_eq!(out.chars().count(), limits::OUTPUT_CHARS);
        assert!(out.ends_with(limits::CUT_MARK));
        assert_eq!(attachments.last().map(String::as_str), Some("two.png"));
        assert_eq!(sink.problems.len(), 1);
        assert_eq!(sink.problems[0].position.line, Some(3));
    }
}
