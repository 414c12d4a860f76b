//! Bytes to UTF-8, in one place for every format: byte order mark, XML declaration, strict UTF-8, and windows-1252 for
//! the bytes that are not.
//!
//! The fallback is by sequence, not by file: valid UTF-8 stays what it is and only the bytes that are none are read as
//! windows-1252. A true windows-1252 file comes out right, because its accented letters almost never form valid
//! UTF-8, and a UTF-8 file with one torn character loses nothing else.

use encoding_rs::{DecoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// What the first bytes of a file say about its encoding.
#[derive(Debug, PartialEq)]
pub struct Detected {
    encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub mark_bytes: usize,
    /// An XML declaration that cannot be true, as a fragment for a problem.
    pub contradiction: Option<String>,
}

/// The file names an encoding that is not known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the encoding {label:?} is not known")]
pub struct UnknownEncoding {
    /// The encoding's name as the file gives it.
    pub label: String,
}

/// Finds the encoding by the first bytes of a file.
///
/// # Errors
/// The XML declaration names an encoding that is not known, or the byte order mark is one of UTF-32.
pub fn detect(head: &[u8]) -> Result<Detected, UnknownEncoding> {
    let found = |encoding, mark_bytes| Ok(Detected { encoding, mark_bytes, contradiction: None });
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(UnknownEncoding { label: "UTF-32".to_owned() }),
        [0xef, 0xbb, 0xbf, ..] => found(UTF_8, 3),
        [0xff, 0xfe, ..] => found(UTF_16LE, 2),
        [0xfe, 0xff, ..] => found(UTF_16BE, 2),
        _ => match (without_mark(head), declared(head)) {
            (Some(encoding), _) => found(encoding, 0),
            (None, None) => found(UTF_8, 0),
            (None, Some(label)) => match Encoding::for_label(label.as_bytes()) {
                Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(Detected {
                    encoding: UTF_8,
                    mark_bytes: 0,
                    contradiction: Some(format!("declared as {label}, which the file is not; read as UTF-8")),
                }),
                Some(encoding) if encoding != REPLACEMENT => found(encoding, 0),
                Some(_) | None => Err(UnknownEncoding { label }),
            },
        },
    }
}

/// UTF-16 without a byte order mark: nearly every other byte of a mostly Latin text is zero.
fn without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = head.len().min(512) / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).take(pairs).filter(|byte| **byte == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    if second * 10 >= pairs * 7 && first == 0 {
        Some(UTF_16LE)
    } else if first * 10 >= pairs * 7 && second == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The `encoding` of an XML declaration in an encoding that agrees with ASCII there.
fn declared(head: &[u8]) -> Option<String> {
    let head = head.trim_ascii_start();
    let declaration = head.strip_prefix(b"<?xml")?;
    let declaration = declaration.get(..memchr::memchr(b'>', declaration)?)?;
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let value = declaration.get(at + b"encoding".len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    if *quote != b'"' && *quote != b'\'' {
        return None;
    }
    let label = value.get(..memchr::memchr(*quote, value)?)?.trim_ascii();
    (!label.is_empty()).then(|| label.iter().take(60).map(|byte| char::from(*byte)).collect())
}

/// Turns the bytes of one file into UTF-8, chunk by chunk.
pub struct Decoder {
    /// Decodes another encoding than UTF-8.
    other: Option<encoding_rs::Decoder>,
    name: &'static str,
}

/// What one chunk gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Bytes used; the rest is the beginning of a character and comes again with the next chunk.
    pub used: usize,
    /// Sequences that the encoding does not know.
    pub invalid: u64,
    /// Where in the output the first of them stands.
    pub first_invalid: Option<usize>,
}

impl Decoder {
    /// A decoder for what was detected.
    #[must_use]
    pub fn new(detected: &Detected) -> Self {
        let encoding = detected.encoding;
        let other = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        Self { other, name: encoding.name() }
    }

    /// The encoding's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What became of sequences that the encoding does not know, as a fragment.
    #[must_use]
    pub fn repair(&self) -> &'static str {
        if self.other.is_none() { "read as windows-1252" } else { "replaced by U+FFFD" }
    }

    /// Appends the text of `raw` to `out`; `last` says that nothing follows.
    pub fn decode(&mut self, raw: &[u8], last: bool, out: &mut Vec<u8>) -> Step {
        match &mut self.other {
            None => decode_utf8(raw, last, out),
            Some(decoder) => decode_other(decoder, raw, last, out),
        }
    }
}

fn decode_utf8(raw: &[u8], last: bool, out: &mut Vec<u8>) -> Step {
    if Encoding::utf8_valid_up_to(raw) == raw.len() {
        out.extend_from_slice(raw);
        return Step { used: raw.len(), ..Step::default() };
    }
    let mut step = Step::default();
    for chunk in raw.utf8_chunks() {
        out.extend_from_slice(chunk.valid().as_bytes());
        step.used += chunk.valid().len();
        let invalid = chunk.invalid();
        let torn = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
        if torn && !last && step.used + invalid.len() == raw.len() {
            break;
        }
        if !invalid.is_empty() {
            step.first_invalid.get_or_insert(out.len());
            step.invalid += 1;
            out.extend_from_slice(WINDOWS_1252.decode_without_bom_handling(invalid).0.as_bytes());
            step.used += invalid.len();
        }
    }
    step
}

fn decode_other(decoder: &mut encoding_rs::Decoder, raw: &[u8], last: bool, out: &mut Vec<u8>) -> Step {
    let mut step = Step::default();
    loop {
        let rest = raw.get(step.used..).unwrap_or_default();
        let start = out.len();
        let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(4 * rest.len() + 16);
        out.resize(start + room, 0);
        let space = out.get_mut(start..).unwrap_or_default();
        let (result, used, written) = decoder.decode_to_utf8_without_replacement(rest, space, last);
        out.truncate(start + written);
        step.used += used;
        match result {
            DecoderResult::InputEmpty => return step,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                step.first_invalid.get_or_insert(out.len());
                step.invalid += 1;
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8], chunk: usize) -> (String, u64) {
        let detected = detect(bytes).unwrap();
        let mut decoder = Decoder::new(&detected);
        let (mut out, mut invalid, mut pending) = (Vec::new(), 0, Vec::new());
        for piece in bytes[detected.mark_bytes..].chunks(chunk) {
            pending.extend_from_slice(piece);
            let step = decoder.decode(&pending, false, &mut out);
            pending.drain(..step.used);
            invalid += step.invalid;
        }
        invalid += decoder.decode(&pending, true, &mut out).invalid;
        (String::from_utf8(out).unwrap(), invalid)
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn every_encoding_comes_out_the_same_whatever_the_chunks() {
        let text = "<?xml version=\"1.0\"?><a>é€ 🎉</a>";
        for chunk in [1, 2, 3, 5, 1000] {
            assert_eq!(whole(text.as_bytes(), chunk), (text.to_owned(), 0));
            assert_eq!(whole(&[b"\xef\xbb\xbf", text.as_bytes()].concat(), chunk), (text.to_owned(), 0));
            assert_eq!(whole(&[&b"\xff\xfe"[..], &utf16(text, true)].concat(), chunk), (text.to_owned(), 0));
            assert_eq!(whole(&[&b"\xfe\xff"[..], &utf16(text, false)].concat(), chunk), (text.to_owned(), 0));
            assert_eq!(whole(&utf16(text, true), chunk), (text.to_owned(), 0));
            assert_eq!(whole(&utf16(text, false), chunk), (text.to_owned(), 0));
            let latin = b"<?xml version='1.0' encoding = 'ISO-8859-1' ?><a>caf\xe9 \x80</a>";
            assert!(whole(latin, chunk).0.ends_with("<a>café €</a>"), "{chunk}");
            assert_eq!(whole(b"caf\xe9, \xc3\xa9, \xe2\x82", chunk), ("café, é, â‚".to_owned(), 2));
        }
    }

    #[test]
    fn an_unknown_or_impossible_declaration_is_told() {
        let unknown = detect(b"<?xml version=\"1.0\" encoding=\"klingon\"?><a/>");
        assert_eq!(unknown, Err(UnknownEncoding { label: "klingon".to_owned() }));
        assert!(detect(b"\xff\xfe\0\0<\0\0\0").is_err());
        let wrong = detect(b"<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>").unwrap();
        assert!(wrong.contradiction.is_some_and(|text| text.contains("utf-16")));
        assert_eq!(whole(b"<?xml encoding='UTF-8'?>\x93a\x94", 7), ("<?xml encoding='UTF-8'?>“a”".to_owned(), 2));
    }
}
