//! One file as a reader of a format sees it: UTF-8 in a bounded buffer, with the line and column of what comes next.

pub mod decode;

use std::io::{self, BufRead, Read};

use hub_domain::codes;

use crate::head::Head;
use crate::input::decode::{Decoder, UnknownEncoding, detect};
use crate::limits;
use crate::record::scan;
use crate::reporter::{At, Reporter};

/// Bytes asked of the source at a time: large enough that a system call costs nothing, small enough for the cache.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its encoding is not known.
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    /// The source failed.
    #[error("read the beginning of the file")]
    Io(#[source] io::Error),
}

/// A decoded file.
pub struct Input<'r> {
    source: &'r mut dyn Read,
    decoder: Decoder,
    /// Bytes of the source that are not decoded: a character cut by the chunk's end.
    raw: Vec<u8>,
    chunk: Box<[u8]>,
    text: Vec<u8>,
    next: usize,
    /// Up to here lines and columns are counted, and `at` is the position here.
    counted: usize,
    /// A place before `next` whose position may be asked for.
    mark: Option<usize>,
    ended: bool,
    at: At,
    consumed: u64,
    fence: u64,
    magic: [u8; 16],
    contradiction: Option<String>,
    invalid: u64,
    first_invalid: Option<At>,
}

impl<'r> Input<'r> {
    /// Reads the beginning of a file and finds its encoding.
    ///
    /// # Errors
    /// The encoding is unknown or the source fails.
    pub fn open(source: &'r mut dyn Read) -> Result<Self, OpenError> {
        let mut raw = Vec::with_capacity(limits::HEAD_BYTES + 8);
        let head_bytes = limits::HEAD_BYTES as u64;
        (&mut *source).take(head_bytes).read_to_end(&mut raw).map_err(OpenError::Io)?;
        let detected = detect(&raw)?;
        let mut magic = [0; 16];
        for (to, from) in magic.iter_mut().zip(&raw) {
            *to = *from;
        }
        let ended = raw.len() < limits::HEAD_BYTES;
        raw.drain(..detected.mark_bytes);
        let mut input = Self {
            source,
            decoder: Decoder::new(&detected),
            text: Vec::with_capacity(raw.len()),
            raw,
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            next: 0,
            counted: 0,
            mark: None,
            ended,
            at: At { line: 1, column: 1 },
            consumed: 0,
            fence: u64::MAX,
            magic,
            contradiction: detected.contradiction,
            invalid: 0,
            first_invalid: None,
        };
        input.decode();
        Ok(input)
    }

    /// The beginning of the file, for recognising its format; only before anything is consumed.
    #[must_use]
    pub fn head(&self) -> Head<'_> {
        let text = self.text.get(self.next..).unwrap_or_default();
        Head::new(std::str::from_utf8(text).unwrap_or_default(), &self.magic, self.ended)
    }

    /// Where the next character stands, or the marked one. Counted when asked, from where it was asked last.
    pub fn at(&mut self) -> At {
        let place = self.mark.unwrap_or(self.next);
        self.at = advance(self.at, self.text.get(self.counted..place).unwrap_or_default());
        self.counted = place;
        self.at
    }

    /// Marks the next character: [`Input::at`] is its position until the mark is taken away. What follows stays in
    /// memory, so this is for one token at a time.
    pub fn set_mark(&mut self) {
        self.mark = Some(self.next);
    }

    /// Takes the mark away.
    pub fn take_mark(&mut self) {
        self.mark = None;
    }

    /// The next bytes, at least `count` of them unless the file ends before.
    ///
    /// # Errors
    /// The source fails.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.text.len() - self.next < count && !self.ended {
            self.fill()?;
        }
        Ok(self.text.get(self.next..).unwrap_or_default())
    }

    /// Lets reading fail once more than about `bytes` are consumed from here.
    pub fn set_fence(&mut self, bytes: u64) {
        self.fence = self.consumed.saturating_add(bytes);
    }

    /// Takes the fence away.
    pub fn lift_fence(&mut self) {
        self.fence = u64::MAX;
    }

    /// Whether the fence was met.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.consumed > self.fence
    }

    /// Reports what decoding had to repair.
    pub fn close(&mut self, reporter: &mut Reporter<'_>) {
        if let Some(contradiction) = self.contradiction.take() {
            reporter.repaired(&codes::UNKNOWN_ENCODING, Some(At { line: 1, column: 1 }), &contradiction);
        }
        if self.invalid > 0 {
            let message =
                format!("{} sequences are not {}: {}", self.invalid, self.decoder.name(), self.decoder.repair());
            reporter.repaired(&codes::UNKNOWN_ENCODING, self.first_invalid, &message);
        }
    }

    /// Reads and decodes one more chunk behind what is there.
    fn fill(&mut self) -> io::Result<()> {
        self.at();
        let gone = self.counted;
        self.text.drain(..gone);
        self.next -= gone;
        self.mark = self.mark.map(|_| 0);
        self.counted = 0;
        let read = loop {
            match self.source.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.raw.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
        self.ended = read == 0;
        self.decode();
        Ok(())
    }

    fn decode(&mut self) {
        let step = self.decoder.decode(&self.raw, self.ended, &mut self.text);
        self.raw.drain(..step.used);
        self.invalid += step.invalid;
        if let (Some(end), None) = (step.first_invalid, self.first_invalid) {
            let at = self.at();
            self.first_invalid = Some(advance(at, self.text.get(self.counted..end).unwrap_or_default()));
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_fenced() {
            return Err(io::Error::other("the fence was met"));
        }
        while self.next == self.text.len() && !self.ended {
            self.fill()?;
        }
        Ok(self.text.get(self.next..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        let end = (self.next + count).min(self.text.len());
        self.consumed += (end - self.next) as u64;
        self.next = end;
    }
}

/// The position behind `text`, which begins at `at`.
#[must_use]
pub fn advance(at: At, text: &[u8]) -> At {
    let lines = memchr::memchr_iter(b'\n', text).count() as u64;
    if lines == 0 {
        return At { line: at.line, column: at.column + chars(text) };
    }
    let last = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
    At { line: at.line + lines, column: 1 + chars(text.get(last..).unwrap_or_default()) }
}

/// Characters of valid UTF-8: the bytes that do not continue one.
fn chars(text: &[u8]) -> u64 {
    scan::count(text, |byte| (byte & 0xc0) != 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, and an interruption before each.
    struct Slow<'a>(&'a [u8], bool);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn positions_count_characters_and_lines() {
        let mut source = "aé\n🎉x".as_bytes();
        let mut input = Input::open(&mut source).unwrap();
        assert_eq!(input.peek(3).unwrap(), "aé\n🎉x".as_bytes());
        for (count, line, column) in [(1, 1, 2), (2, 1, 3), (1, 2, 1), (4, 2, 2), (1, 2, 3), (9, 2, 3)] {
            input.consume(count);
            assert_eq!(input.at(), At { line, column });
        }
        assert!(input.fill_buf().unwrap().is_empty());
    }

    #[test]
    fn a_slow_source_and_a_long_file_come_out_whole() {
        let text = "añ€🎉\n".repeat(12_000);
        let mut slow = Slow(text.as_bytes(), false);
        let mut input = Input::open(&mut slow).unwrap();
        let mut out = String::new();
        input.read_to_string(&mut out).unwrap();
        assert!(out == text);
        assert_eq!(input.at(), At { line: 12_001, column: 1 });
    }

    #[test]
    fn the_fence_stops_a_token_that_has_no_end() {
        let mut source = io::repeat(b'x');
        let mut input = Input::open(&mut source).unwrap();
        input.set_fence(1 << 20);
        let error = io::copy(&mut input, &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "the fence was met");
        assert!(input.is_fenced());
        input.lift_fence();
        assert!(!input.is_fenced());
    }
}
