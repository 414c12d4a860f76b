//! A file that stands in the report itself, as base64.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hub_domain::record::Embedded;

use crate::limits;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_layout_is_read() {
        for text in ["aGFpZGE=", " aGFp\n ZGE= ", "aGFpZGE"] {
            assert_eq!(decode(text), Ok(Embedded(b"haida".to_vec())), "{text:?}");
        }
        assert_eq!(decode("a-b!"), Err("is not base64"));
        assert_eq!(decode(" "), Err("is empty"));
        assert_eq!(decode(&"A".repeat(limits::JSON_STRING_BYTES)), Err("is larger than can be kept"));
    }
}
