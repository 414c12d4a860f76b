//! An address that may be a link: `http`, `https` and `mailto` only.
//!
//! A `javascript:` or `data:` address from a test report must never become something a reader can click, and an address
//! with a stray quote or blank must not end an attribute. Both are decided once, here.

use std::fmt;

use serde::Serialize;

use crate::text::is_forbidden;

/// Longer addresses stay plain text. Half of the 8 KB request line that common servers accept; a longer "address" in a
/// test report is a data dump, and in ADF it would use up the budget of the whole field.
pub const MAX_HREF_CHARS: usize = 4096;

/// A checked link target, percent-encoded where a URL may not hold the character itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Href(String);

impl Href {
    /// Accepts an absolute `http`, `https` or `mailto` address of at most [`MAX_HREF_CHARS`]; `None` for anything else.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        if raw.chars().any(char::is_control) {
            return None;
        }
        let (scheme, rest) = raw.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "http" | "https" => {
                let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
                if authority.is_empty() || authority.chars().any(needs_encoding) {
                    return None;
                }
            }
            "mailto" if !rest.is_empty() => {}
            _ => return None,
        }
        let encoded = encode(&scheme, rest);
        (encoded.chars().count() <= MAX_HREF_CHARS).then_some(Self(encoded))
    }

    /// The address as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that RFC 3986 keeps out of a URL and that would end an attribute or a wiki link.
fn needs_encoding(c: char) -> bool {
    c.is_whitespace() || is_forbidden(c) || matches!(c, '"' | '\'' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

fn encode(scheme: &str, rest: &str) -> String {
    let mut out = format!("{scheme}:");
    for c in rest.chars() {
        if needs_encoding(c) {
            push_percent(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// Appends the percent-encoded UTF-8 bytes of a character.
pub(crate) fn push_percent(out: &mut String, c: char) {
    let mut buffer = [0; 4];
    for byte in c.encode_utf8(&mut buffer).bytes() {
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(digit), 16).map(|d| d.to_ascii_uppercase()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_and_mail_addresses_are_links() {
        for good in ["https://x.example/a?b=c&d#e", "HTTP://x.example", " https://[::1]:8080/ ", "mailto:qa@x.example"]
        {
            assert!(Href::parse(good).is_some(), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://x",
            "https:",
            "https://",
            "https:///path",
            "https:x.example",
            "//x.example",
            "/relative",
            "",
            "mailto:",
            "https://a b.example/",
            "https://\"x\"/",
            "https://x.example/\0",
        ] {
            assert_eq!(Href::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_a_url_may_not_hold_is_percent_encoded() {
        let href = Href::parse("HTTPS://x.example/a b/\"q\"<>|ñ^{}").unwrap();
        assert_eq!(href.as_str(), "https://x.example/a%20b/%22q%22%3C%3E%7Cñ%5E%7B%7D");
    }

    #[test]
    fn an_endless_address_is_no_link() {
        assert!(Href::parse(&format!("https://x.example/{}", "a".repeat(MAX_HREF_CHARS - 18))).is_some());
        assert_eq!(Href::parse(&format!("https://x.example/{}", "a".repeat(MAX_HREF_CHARS))), None);
    }
}
