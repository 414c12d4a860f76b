//! References in XML text: the five that every XML knows, and characters by number. Others need a DTD, which is never
//! read, so they stay in the text as written.

/// Bytes of the longest reference that is looked for: `&#x0010FFFF;` with room for leading zeros.
pub const REFERENCE_BYTES: usize = 34;

/// What a reference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// This character; it may be one that XML cannot hold, which cleaning removes afterwards.
    Char(char),
    /// No character at all: a surrogate, or a number beyond Unicode.
    Nothing,
    /// A name that only a DTD would explain.
    Unknown,
}

/// Resolves what stands between `&` and `;`.
#[must_use]
pub fn resolve(name: &str) -> Reference {
    match name {
        "lt" => Reference::Char('<'),
        "gt" => Reference::Char('>'),
        "amp" => Reference::Char('&'),
        "quot" => Reference::Char('"'),
        "apos" => Reference::Char('\''),
        _ => match name.strip_prefix('#') {
            Some(number) => by_number(number),
            None => Reference::Unknown,
        },
    }
}

fn by_number(number: &str) -> Reference {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Reference::Unknown;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).map_or(Reference::Nothing, Reference::Char)
}

/// The name of the reference at the start of `text`, which begins behind the `&`; `None` where the ampersand is alone.
#[must_use]
pub fn name(text: &[u8]) -> Option<&str> {
    let end = text.iter().take(REFERENCE_BYTES).position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'#'))?;
    let name = text.get(..end).filter(|name| !name.is_empty() && text.get(end) == Some(&b';'))?;
    std::str::from_utf8(name).ok()
}

/// What decoding a text met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Odd {
    /// A reference to no character was left out.
    pub nothing: bool,
    /// An unknown reference or a lone ampersand was kept.
    pub unknown: bool,
}

impl Odd {
    /// Notes a reference and gives what it adds to the text.
    pub fn take(&mut self, reference: Reference) -> Option<char> {
        match reference {
            Reference::Char(c) => Some(c),
            Reference::Nothing => {
                self.nothing = true;
                None
            }
            Reference::Unknown => {
                self.unknown = true;
                None
            }
        }
    }
}

/// Appends `text` to `out` with its references resolved.
pub fn decode(text: &str, out: &mut String) -> Odd {
    let mut odd = Odd::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        rest = after;
        match name(after.as_bytes()) {
            Some(name) if resolve(name) != Reference::Unknown => {
                out.extend(odd.take(resolve(name)));
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            Some(_) | None => {
                odd.unknown = true;
                out.push('&');
            }
        }
    }
    out.push_str(rest);
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_references_are_resolved_and_others_stay() {
        let odd = |nothing, unknown| Odd { nothing, unknown };
        for (text, expect, met) in [
            ("a &lt;&gt;&amp;&quot;&apos; b", "a <>&\"' b", odd(false, false)),
            ("&#233;&#xe9;&#X1F389;&#0000065;", "éé🎉A", odd(false, false)),
            ("&#0;&#x1B;", "\0\u{1b}", odd(false, false)),
            ("a&#xD800;b&#1114112;c&#99999999999999;", "abc", odd(true, false)),
            ("&foo; & b && &amp &#; &#x; &#zz;", "&foo; & b && &amp &#; &#x; &#zz;", odd(false, true)),
            ("&amp;lt;", "&lt;", odd(false, false)),
            ("&é;", "&é;", odd(false, true)),
        ] {
            let mut out = String::new();
            assert_eq!((decode(text, &mut out), out.as_str()), (met, expect), "{text}");
        }
    }
}
