//! The bytes of a JSON document on their way to the parser: strings are cut before they fill the memory, numbers that a
//! tool overwrote (`++34600000000`) become `null`, and the place of every byte is known.

use std::cell::Cell;
use std::io::{self, BufRead as _, Read};
use std::rc::Rc;

use hub_domain::codes;

use crate::input::{Input, advance};
use crate::limits;
use crate::reporter::{At, Reporter};

/// Bytes filtered at a time.
const CHUNK_BYTES: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between tokens or in a number or word; `exponent` where the last byte was `e` or `E` behind a digit.
    Plain { digit: bool, exponent: bool },
    /// In a string, so many bytes of which were kept.
    Text { kept: usize },
    /// Behind a backslash in a string.
    Escape { kept: usize },
    /// In the four digits of an escape, so many of which are to come.
    Hex { kept: usize, left: u8, value: u32 },
    /// Behind an escape that is the first half of a character.
    High { kept: usize },
    /// In a number that begins with `+`.
    Damaged,
}

/// Bytes kept of a string; few in tests, which would otherwise take most of their time here.
const LIMIT: usize = if cfg!(test) { 4_096 } else { limits::JSON_STRING_BYTES };

/// Kept bytes of a string of which nothing is kept any more.
const GONE: usize = usize::MAX;

const PLAIN: State = State::Plain { digit: false, exponent: false };

/// How often something was put right, and where first.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    first: Option<At>,
}

/// The filter.
pub(super) struct Filter<'i, 'r> {
    input: &'i mut Input<'r>,
    place: Rc<Cell<At>>,
    ready: Vec<u8>,
    next: usize,
    state: State,
    ended: bool,
    cut: Tally,
    damaged: Tally,
}

impl<'i, 'r> Filter<'i, 'r> {
    /// A filter whose `place` is always that of the next byte.
    pub(super) fn new(input: &'i mut Input<'r>, place: Rc<Cell<At>>) -> Self {
        let ready = Vec::with_capacity(CHUNK_BYTES + 8);
        let (cut, damaged) = (Tally::default(), Tally::default());
        Self { input, place, ready, next: 0, state: PLAIN, ended: false, cut, damaged }
    }

    /// Reports what was put right.
    pub(super) fn report(&self, reporter: &mut Reporter<'_>) {
        if self.cut.count > 0 {
            let message = format!("{} strings were cut to {LIMIT} bytes", self.cut.count);
            reporter.repaired(&codes::TOO_LONG, self.cut.first, &message);
        }
        if self.damaged.count > 0 {
            let message = format!("{} numbers that begin with `+` were left empty", self.damaged.count);
            reporter.repaired(&codes::UNREADABLE_VALUE, self.damaged.first, &message);
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.next = 0;
        while self.ready.is_empty() && !self.ended {
            let at = self.place.get();
            let ahead = self.input.fill_buf()?;
            self.ended = ahead.is_empty();
            let part = ahead.get(..ahead.len().min(CHUNK_BYTES)).unwrap_or_default();
            for (index, byte) in part.iter().enumerate() {
                let here = || advance(at, part.get(..index).unwrap_or_default());
                let (state, effect) = step(self.state, *byte);
                self.state = state;
                match effect {
                    Effect::Keep => self.ready.push(*byte),
                    Effect::Drop => {}
                    Effect::Cut => note(&mut self.cut, here),
                    Effect::Damage => note(&mut self.damaged, here),
                    Effect::Null => {
                        self.ready.extend_from_slice(b"null");
                        self.ready.push(*byte);
                    }
                }
            }
            let used = part.len();
            self.input.consume(used);
            if self.ended && self.state == State::Damaged {
                self.ready.extend_from_slice(b"null");
                self.state = PLAIN;
            }
        }
        Ok(())
    }
}

fn note(tally: &mut Tally, here: impl FnOnce() -> At) {
    tally.count += 1;
    tally.first.get_or_insert_with(here);
}

impl Read for Filter<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.next == self.ready.len() {
            self.fill()?;
        }
        let mut at = self.place.get();
        let mut count = 0;
        for (to, from) in buffer.iter_mut().zip(self.ready.iter().skip(self.next)) {
            *to = *from;
            count += 1;
            if *from == b'\n' {
                at = At { line: at.line + 1, column: 1 };
            } else if from & 0xc0 != 0x80 {
                at.column += 1;
            }
        }
        self.place.set(at);
        self.next += count;
        Ok(count)
    }
}

enum Effect {
    Keep,
    Drop,
    /// The first byte that is dropped from a string.
    Cut,
    /// The first byte of a damaged number.
    Damage,
    /// A damaged number ends before this byte.
    Null,
}

fn step(state: State, byte: u8) -> (State, Effect) {
    match (state, byte) {
        (State::Plain { .. }, b'"') => (State::Text { kept: 0 }, Effect::Keep),
        (State::Plain { exponent: false, .. }, b'+') => (State::Damaged, Effect::Damage),
        (State::Plain { digit, .. }, byte) => {
            let exponent = digit && matches!(byte, b'e' | b'E');
            (State::Plain { digit: byte.is_ascii_digit() || byte == b'.', exponent }, Effect::Keep)
        }
        (State::Damaged, b'+' | b'0'..=b'9' | b':') => (State::Damaged, Effect::Drop),
        (State::Damaged, b'"') => (State::Text { kept: 0 }, Effect::Null),
        (State::Damaged, _) => (PLAIN, Effect::Null),
        (State::Text { .. } | State::High { .. }, b'"') => (PLAIN, Effect::Keep),
        // The second half of a character in two escapes is kept whatever the limit.
        (State::High { kept }, b'\\') => (State::Escape { kept: (kept + 1).min(LIMIT) }, Effect::Keep),
        (State::Text { kept } | State::High { kept }, byte) => {
            let begun = kept == LIMIT && byte & 0xc0 == 0x80;
            let (kept, effect) = match kept {
                kept if begun => (kept, Effect::Keep),
                kept if kept < LIMIT => (kept + 1, Effect::Keep),
                LIMIT => (GONE, Effect::Cut),
                _ => (GONE, Effect::Drop),
            };
            (if byte == b'\\' { State::Escape { kept } } else { State::Text { kept } }, effect)
        }
        (State::Escape { kept: GONE }, _) => (State::Text { kept: GONE }, Effect::Drop),
        (State::Escape { kept }, b'u') => (State::Hex { kept: (kept + 5).min(LIMIT), left: 4, value: 0 }, Effect::Keep),
        (State::Escape { kept }, _) => (State::Text { kept: (kept + 1).min(LIMIT) }, Effect::Keep),
        (State::Hex { kept, left, value }, byte) => {
            let digit = char::from(byte).to_digit(16).unwrap_or_default();
            let value = (value << 4) | digit;
            let state = match left {
                1 if (0xd800..0xdc00).contains(&value) => State::High { kept },
                1 => State::Text { kept },
                left => State::Hex { kept, left: left - 1, value },
            };
            (state, Effect::Keep)
        }
    }
}

/// A line with its damaged numbers as `null`, where it has any.
pub(super) fn repair(line: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'+', line)?;
    let mut out = Vec::with_capacity(line.len());
    let (mut state, mut damaged) = (PLAIN, false);
    for byte in line {
        let (next, effect) = step(state, *byte);
        state = next;
        match effect {
            Effect::Keep => out.push(*byte),
            Effect::Drop | Effect::Cut => {}
            Effect::Damage => damaged = true,
            Effect::Null => {
                out.extend_from_slice(b"null");
                out.push(*byte);
            }
        }
    }
    damaged.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    fn filtered(text: &[u8]) -> (String, At, Collected) {
        let mut source = text;
        let mut input = Input::open(&mut source).unwrap();
        let place = Rc::new(Cell::new(At { line: 1, column: 1 }));
        let mut filter = Filter::new(&mut input, Rc::clone(&place));
        let mut out = String::new();
        filter.read_to_string(&mut out).unwrap();
        let mut sink = Collected::default();
        filter.report(&mut Reporter::new("f", &mut sink));
        (out, place.get(), sink)
    }

    #[test]
    fn sound_json_passes_as_it_is() {
        let text = "{\"a\\\"+1\": [1e+5, -2.5E+3, \"x+\\u00e9\\\\\"],\n \"é\": true}";
        let (out, at, sink) = filtered(text.as_bytes());
        assert_eq!((out.as_str(), at, sink), (text, At { line: 2, column: 12 }, Collected::default()));
    }

    #[test]
    fn overwritten_numbers_are_left_empty() {
        let (out, _, sink) = filtered(b"{\"start\":++34600000000,\"stop\": +34600000000:35\n}");
        assert_eq!(out, "{\"start\":null,\"stop\": null\n}");
        assert_eq!((sink.problems.len(), sink.problems[0].code.id), (1, "HUB-1012"));
        assert_eq!(repair(b"[+34600000000]").as_deref(), Some(b"[null]".as_slice()));
        assert_eq!(repair(b"[1e+3,\"+1\"]"), None);
    }

    #[test]
    fn strings_without_end_are_cut_to_valid_json() {
        for unit in ["a", "é", "\\u00e9", "\\ud83c\\udf89", "\\\\", "\\\"", "🎉"] {
            let text = format!("[\"{}\",1]", unit.repeat(LIMIT / unit.len() + 7_000));
            let (out, _, sink) = filtered(text.as_bytes());
            assert!(out.len() < LIMIT + 64, "{unit} {}", out.len());
            let value: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{unit}: {e}"));
            assert_eq!(value[1], 1);
            assert_eq!(sink.problems.len(), 1, "{unit}");
        }
    }
}
