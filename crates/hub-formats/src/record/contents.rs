//! Files that stand in the report itself, as base64 or as text: within their own limit, and where many stand in one test,
//! within that test's ([`Room`]).

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use hub_domain::codes;
use hub_domain::record::Embedded;

use crate::limits;
use crate::reporter::{At, Reporter};

/// Tools differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that a base64 text says; space and line breaks in it mean nothing.
///
/// # Errors
/// A fragment that says why there are none.
pub(crate) fn decode(text: &str) -> Result<Embedded, &'static str> {
    if text.len() >= limits::JSON_STRING_BYTES {
        return Err("is larger than can be kept");
    }
    let plain: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(plain).map_err(|_| "is not base64")?;
    if bytes.is_empty() { Err("is empty") } else { Ok(Embedded(bytes)) }
}

/// A text that is kept as a file of its own.
///
/// # Errors
/// A fragment that says why it is not.
pub(crate) fn text(text: &str) -> Result<Embedded, &'static str> {
    match text.len() {
        0 => Err("is empty"),
        length if length > limits::EMBEDDED_BYTES => Err("is larger than can be kept"),
        _ => Ok(Embedded(text.as_bytes().to_vec())),
    }
}

/// What may still be embedded in one test.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(limits::EMBEDDED_BYTES_PER_TEST)
    }
}

impl Room {
    /// The bytes of a content in base64. What is none, and what has no room, is reported and left out.
    pub(crate) fn base64(&mut self, text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        let text = text.trim();
        let text = text.split_once(";base64,").filter(|_| text.starts_with("data:")).map_or(text, |(_, body)| body);
        let plain: String;
        let text = if text.contains(['\n', '\r', ' ']) {
            plain = text.chars().filter(|c| !c.is_whitespace()).collect();
            plain.as_str()
        } else {
            text
        };
        if text.len() / 4 * 3 > limits::EMBEDDED_BYTES || text.len() / 4 * 3 > self.0 {
            return self.full(at, reporter);
        }
        match BASE64.decode(text).or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(text)) {
            Ok(bytes) => {
                self.0 = self.0.saturating_sub(bytes.len());
                Some(Embedded(bytes))
            }
            Err(_) => {
                reporter.repaired(
                    &codes::UNREADABLE_VALUE,
                    Some(at),
                    "an embedded content is no base64 and was left out",
                );
                None
            }
        }
    }

    /// The bytes of a content that is a text.
    pub(crate) fn plain(&mut self, text: &str, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        if text.len() > limits::EMBEDDED_BYTES || text.len() > self.0 {
            return self.full(at, reporter);
        }
        self.0 -= text.len();
        Some(Embedded(text.as_bytes().to_vec()))
    }

    fn full(&self, at: At, reporter: &mut Reporter<'_>) -> Option<Embedded> {
        let message = format!(
            "an embedded content was left out: at most {} bytes each and {} bytes in a test are kept",
            limits::EMBEDDED_BYTES,
            limits::EMBEDDED_BYTES_PER_TEST
        );
        reporter.repaired(&codes::TOO_LONG, Some(at), &message);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    const AT: At = At { line: 7, column: 2 };

    fn with<T>(work: impl FnOnce(&mut Reporter<'_>) -> T) -> (T, Vec<&'static str>) {
        let mut sink = Collected::default();
        let mut reporter = Reporter::new("f", &mut sink);
        let done = work(&mut reporter);
        reporter.close();
        (done, sink.problems.iter().map(|problem| problem.code.id).collect())
    }

    #[test]
    fn base64_of_any_layout_is_read() {
        for text in ["aGFpZGE=", " aGFp\n ZGE= ", "aGFpZGE"] {
            assert_eq!(decode(text), Ok(Embedded(b"haida".to_vec())), "{text:?}");
        }
        assert_eq!(decode("a-b!"), Err("is not base64"));
        assert_eq!(decode(" "), Err("is empty"));
        assert_eq!(decode(&"A".repeat(limits::JSON_STRING_BYTES)), Err("is larger than can be kept"));
    }

    #[test]
    fn contents_are_decoded_within_their_room() {
        let mut room = Room::default();
        for (text, expect) in [
            ("aGk=", Some("hi")),
            ("aGk", Some("hi")),
            ("a\nGk=\n", Some("hi")),
            ("data:text/plain;base64,aGk=", Some("hi")),
            ("!", None),
        ] {
            let (bytes, problems) = with(|reporter| room.base64(text, AT, reporter));
            assert_eq!(bytes.as_ref().map(|bytes| bytes.0.as_slice()), expect.map(str::as_bytes), "{text}");
            assert_eq!(problems.is_empty(), expect.is_some());
        }
        let large = "QUFB".repeat(limits::EMBEDDED_BYTES / 3 + 1);
        assert_eq!(with(|reporter| room.base64(&large, AT, reporter)), (None, vec!["HUB-1008"]));
        let eight = "QUFB".repeat(limits::EMBEDDED_BYTES / 3);
        assert!(with(|reporter| room.base64(&eight, AT, reporter)).0.is_some());
        assert!(
            with(|reporter| room.base64(&eight, AT, reporter)).0.is_none(),
            "8 bytes are gone, the second has no room"
        );
    }
}
