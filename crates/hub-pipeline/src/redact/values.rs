//! How far a secret behind its name reaches, and whether it is one: prose, code and placeholders are left alone.

use super::{Cutter, Kind};

/// A value behind a name.
struct Value {
    start: usize,
    end: usize,
    quoted: bool,
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The characters of tokens.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+' | b'/' | b'=')
}

fn run_end(cutter: &Cutter<'_, '_>, start: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = cutter.bytes().get(start..).unwrap_or_default();
    start + rest.iter().position(|b| !of(*b)).unwrap_or(rest.len())
}

/// The value at a place: in quotes, which may be escaped, or up to a byte that ends one.
fn value(cutter: &Cutter<'_, '_>, at: usize, ends: fn(u8) -> bool) -> Value {
    let behind = run_end(cutter, at, |b| b == b'\\');
    match cutter.byte(behind) {
        Some(quote) if is_quote(quote) => {
            let start = behind + 1;
            let mut end = start;
            loop {
                end = run_end(cutter, end, |b| b != quote && !is_line_end(b));
                // Within plain quotes an escaped quote is part of the value.
                if behind == at && cutter.byte(end) == Some(quote) && cutter.before(end) == Some(b'\\') && end > start {
                    end += 1;
                } else {
                    break;
                }
            }
            if behind > at {
                while end > start && cutter.before(end) == Some(b'\\') {
                    end -= 1;
                }
            }
            Value { start, end, quoted: true }
        }
        _ => Value { start: at, end: run_end(cutter, at, |b| !ends(b)), quoted: false },
    }
}

fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || is_quote(byte)
        || matches!(byte, b',' | b';' | b'&' | b'(' | b')' | b'}' | b']' | b'<' | b'>' | b'|' | b'\\')
}

fn ends_header(byte: u8) -> bool {
    is_line_end(byte) || is_quote(byte) || matches!(byte, b'\\' | b',' | b'}' | b'<')
}

fn ends_cookies(byte: u8) -> bool {
    is_line_end(byte) || is_quote(byte) || byte == b'\\' || byte == b'<'
}

/// Words that stand for a value and are none.
const NO_VALUES: &[&str] = &[
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "string",
    "str",
    "number",
    "boolean",
    "any",
    "required",
    "missing",
    "invalid",
    "empty",
    "n/a",
    "redacted",
    "hidden",
    "void",
    "unknown",
    "object",
];

/// Whether a text is nothing that must be hidden: empty, masked, a variable, or a word for no value.
fn is_no_value(text: &str) -> bool {
    let text = text.trim();
    let variable = ["${", "{{", "$(", "<", "%(", "process.env", "os.environ", "env.", "System.getenv"];
    text.is_empty()
        || text.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '•' | '.' | '-' | '#'))
        || variable.iter().any(|v| text.starts_with(v))
        || (text.starts_with('$') && text.bytes().skip(1).all(|b| b.is_ascii_uppercase() || b == b'_'))
        || NO_VALUES.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether what begins here is a variable or a comparison, and no value. Asked before the value's end is looked for: what is
/// refused must cost little, or a text of nothing else would cost its length for each name in it.
fn begins_no_value(cutter: &Cutter<'_, '_>, at: usize) -> bool {
    let at = run_end(cutter, at, |b| b == b'\\' || is_quote(b));
    let rest = cutter.bytes().get(at..).unwrap_or_default();
    ["${", "{{", "$(", "<", "%(", "="].iter().any(|v| rest.starts_with(v.as_bytes()))
}

/// A name that always stands for a secret.
pub(super) fn strong_name(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    named(cutter, start, end, false)
}

/// A name that stands for a secret where its value looks like one.
pub(super) fn weak_name(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    named(cutter, start, end, true)
}

fn named(cutter: &mut Cutter<'_, '_>, start: usize, end: usize, weak: bool) -> usize {
    let name = cutter.text.get(start..end).unwrap_or_default();
    let spaced = name.ends_with(|c: char| c.is_ascii_whitespace());
    let assigned = name.trim_end().ends_with(['=', '>']);
    // `input[name="password"]:visible` selects a field.
    if name.contains(']') && !assigned {
        return end;
    }
    let folder = weak && matches!(cutter.byte(end), Some(b'/' | b'~' | b'.'));
    if folder || begins_no_value(cutter, end) {
        return end; // A folder behind PWD, a variable, a comparison.
    }
    let value = value(cutter, end, ends_word);
    if let Some(placeholder) = cutter.placeholder_end(value.start) {
        return placeholder;
    }
    let text = cutter.text.get(value.start..value.end).unwrap_or_default();
    // A quote that closes (`getByLabel('Password:')`) opens no value.
    let closes = value.quoted && !spaced && text.starts_with([')', ',', ';', ']', ' ', '}', '.']);
    if is_no_value(text) || closes {
        return end;
    }
    let telling = text.bytes().any(|b| b.is_ascii_digit())
        || text.chars().any(|c| !c.is_ascii_alphanumeric() && !"._$".contains(c));
    let last = cutter.byte(value.end).is_none_or(is_line_end);
    let hides = if value.quoted {
        !weak || text.len() >= 4
    } else if is_code(cutter, value.end, text, telling) || (weak && !assigned && (text.len() < 8 || !telling)) {
        false // The second is prose, such as `unexpected token: end of file`.
    } else if spaced {
        telling || (last && !assigned && !weak)
    } else {
        telling || last || assigned
    };
    if hides {
        cutter.cut(value.start, value.end, Kind::Secret);
        return value.end;
    }
    end
}

/// Whether a value is a call or a member of something.
fn is_code(cutter: &Cutter<'_, '_>, end: usize, text: &str, telling: bool) -> bool {
    cutter.byte(end) == Some(b'(') || (!telling && text.contains('.'))
}

/// `--password hunter2`.
pub(super) fn flag(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    let value = value(cutter, end, ends_word);
    let text = cutter.text.get(value.start..value.end).unwrap_or_default();
    if is_no_value(text) || text.starts_with('-') || cutter.placeholder_end(value.start).is_some() {
        return end;
    }
    cutter.cut(value.start, value.end, Kind::Secret);
    value.end
}

/// A parameter of an address that carries a secret.
pub(super) fn parameter(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    if begins_no_value(cutter, end) {
        return end;
    }
    let until = run_end(cutter, end, |b| !ends_word(b) && b != b'#');
    let text = cutter.text.get(end..until).unwrap_or_default();
    if text.len() < 8 || is_no_value(text) || cutter.placeholder_end(end).is_some() {
        return end;
    }
    cutter.cut(end, until, Kind::Secret);
    until
}

/// The schemes of the `Authorization` header.
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "digest",
    "token",
    "negotiate",
    "ntlm",
    "apikey",
    "hawk",
    "aws4-hmac-sha256",
    "oauth",
    "signature",
];

/// An `Authorization` or `Proxy-Authorization` header.
pub(super) fn authorization(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    // Decided by the first word, before the end of the line is looked for.
    let first = run_end(cutter, end, |b| b == b'\\' || is_quote(b));
    let word_end = run_end(cutter, first, |b| !b.is_ascii_whitespace() && !ends_header(b) && b != b':');
    let word = cutter.text.get(first..word_end.min(first + 256)).unwrap_or_default();
    let scheme = SCHEMES.iter().any(|s| word.eq_ignore_ascii_case(s));
    if !scheme && !(word.len() >= 8 && (first > end || word.bytes().any(|b| b.is_ascii_digit()))) {
        return end;
    }
    let mut value = value(cutter, end, ends_header);
    if cutter.placeholder_end(value.start).is_some() {
        return end;
    }
    let text = cutter.text.get(value.start..value.end).unwrap_or_default();
    let (scheme, rest) = text.trim_start().split_once([' ', '\t']).unwrap_or((text, ""));
    let known = SCHEMES.iter().any(|s| scheme.eq_ignore_ascii_case(s)) && !rest.trim().is_empty();
    let bare = rest.trim().is_empty() && scheme.len() >= 8 && scheme.bytes().any(|b| b.is_ascii_digit());
    let hides = if value.quoted { !is_no_value(text) && (known || bare || scheme.len() >= 16) } else { known || bare };
    if !hides || rest.trim_start().starts_with('[') {
        return end;
    }
    // These schemes write quotes and commas inside of their values.
    if !value.quoted
        && ["digest", "aws4-hmac-sha256", "hawk", "oauth", "signature"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
    {
        value.end = run_end(cutter, value.start, |b| !is_line_end(b));
    }
    cutter.cut(value.start, value.end, Kind::Authorization);
    value.end
}

/// A `Cookie` or `Set-Cookie` header.
pub(super) fn cookie(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    // Decided by the first name, before the end of the line is looked for.
    let first = run_end(cutter, end, |b| b == b'\\' || is_quote(b));
    let name_end = run_end(cutter, first, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$' | b'%' | b'*' | b'!' | b'|' | b'~')
    });
    let behind = cutter.byte(name_end + 1);
    let named = name_end > first && cutter.byte(name_end) == Some(b'=');
    if !named || behind.is_none_or(|b| matches!(b, b'=' | b'>') || b.is_ascii_whitespace()) {
        return end;
    }
    let value = value(cutter, end, ends_cookies);
    cutter.cut(value.start, value.end, Kind::Cookie);
    value.end
}

/// `Bearer` and its token.
pub(super) fn bearer(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    let until = run_end(cutter, end, is_token);
    let token = cutter.bytes().get(end..until).unwrap_or_default();
    if token.len() >= 8 && (token.len() >= 24 || token.iter().any(u8::is_ascii_digit)) {
        cutter.cut(end, until, Kind::Authorization);
        return until;
    }
    end
}

/// `Basic` and the base 64 of `user:password`.
pub(super) fn basic(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    let until = run_end(cutter, end, is_token);
    let account = base64(cutter.bytes().get(end..until).unwrap_or_default());
    if account.contains(&b':') && account.iter().all(|b| matches!(b, b' '..=b'~' | 0x80..)) {
        cutter.cut(end, until, Kind::Authorization);
        return until;
    }
    end
}

/// The bytes of a base 64 text, as far as it is one.
fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return Vec::new(),
        };
        held = (held << 6 | u32::from(six)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 0xff).to_le_bytes()[0]);
        }
    }
    out
}

/// A token that is known by how it begins.
pub(super) fn token(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    let until = run_end(cutter, end, |b| is_token(b) && !matches!(b, b'/' | b'+' | b'~'));
    if cutter.before(start).is_some_and(|b| b.is_ascii_alphanumeric()) {
        return end;
    }
    cutter.cut(start, until, Kind::Token);
    until
}

/// A JSON web token: two or three parts in base 64.
pub(super) fn web_token(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let first = run_end(cutter, end, part);
    if cutter.byte(first) != Some(b'.') || cutter.before(start).is_some_and(|b| b.is_ascii_alphanumeric()) {
        return first;
    }
    let mut until = run_end(cutter, first + 1, part);
    if until - first < 8 {
        return until;
    }
    while cutter.byte(until) == Some(b'.') && cutter.byte(until + 1).is_some_and(part) {
        until = run_end(cutter, until + 1, part);
    }
    cutter.cut(start, until, Kind::Token);
    until
}

/// A private key, up to its end or the text's.
pub(super) fn private_key(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    let rest = cutter.text.get(end..).unwrap_or_default();
    let close = rest.find("-----END").and_then(|at| {
        let tail = rest.get(at + 8..)?;
        Some(end + at + 8 + tail.find("-----")? + 5)
    });
    let until = close.unwrap_or(cutter.text.len());
    cutter.cut(start, until, Kind::PrivateKey);
    until
}

/// The longest account that an address may carry.
const MAX_ACCOUNT: usize = 512;

/// `//user:password@host`.
pub(super) fn userinfo(cutter: &mut Cutter<'_, '_>, _: usize, end: usize) -> usize {
    let rest = cutter.bytes().get(end..).unwrap_or_default();
    let host = rest.iter().take(MAX_ACCOUNT).position(|b| {
        b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`')
    });
    let authority = rest.get(..host.unwrap_or(rest.len().min(MAX_ACCOUNT))).unwrap_or_default();
    let Some(at) = authority.iter().rposition(|b| *b == b'@') else { return end };
    let account = authority.get(..at).unwrap_or_default();
    let secret = account.iter().position(|b| *b == b':').and_then(|colon| account.get(colon + 1..));
    if secret.is_some_and(|s| !s.is_empty() && !s.starts_with(b"$") && !s.starts_with(b"*")) {
        cutter.cut(end, end + at, Kind::Credentials);
        return end + at + 1;
    }
    end
}

/// The longest local part of an e-mail address (RFC 5321).
const MAX_LOCAL: usize = 64;
/// The longest domain.
const MAX_DOMAIN: usize = 255;

/// An e-mail address around its `@`, which an address of the web writes `%40`.
pub(super) fn email(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    let local_byte = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || matches!(b, b'.' | b'_' | b'+' | b'-');
    let floor = cutter.copied.max(start.saturating_sub(MAX_LOCAL));
    let before = cutter.bytes().get(floor..start).unwrap_or_default();
    let length = before.iter().rev().position(|b| !local_byte(b)).unwrap_or(before.len());
    let mut from = start - length;
    while from < start
        && (!cutter.text.is_char_boundary(from) || cutter.byte(from).is_some_and(|b| matches!(b, b'.' | b'-' | b'+')))
    {
        from += 1;
    }
    let after = cutter.bytes().get(end..).unwrap_or_default();
    let domain_end = after
        .iter()
        .take(MAX_DOMAIN)
        .position(|b| !(b.is_ascii_alphanumeric() || *b == b'.' || *b == b'-'))
        .unwrap_or(after.len().min(MAX_DOMAIN));
    let domain = cutter.text.get(end..end + domain_end).unwrap_or_default().trim_end_matches(['.', '-']);
    let Some((hosts, top)) = domain.rsplit_once('.') else { return end };
    let version = hosts.split('.').next().is_some_and(|label| {
        let address = (6..=8).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_hexdigit());
        label.bytes().all(|b| b.is_ascii_digit()) || address && label.bytes().any(|b| b.is_ascii_digit())
    });
    let spelled = (2..=24).contains(&top.len()) && top.bytes().all(|b| b.is_ascii_alphabetic());
    // `a.b.Widget@1f2e.toString` is an object of Java, `name@1.2.3-beta.next` a package.
    let names = !hosts.is_empty() && hosts.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    if from == start
        || !spelled
        || version
        || !names
        || hosts.starts_with(|c: char| c.is_ascii_digit()) && hosts.contains('-')
    {
        return end;
    }
    // `git@host` is how repositories are written, and nobody's address.
    if cutter.text.get(from..start) == Some("git") {
        return end;
    }
    let until = end + domain.len();
    cutter.cut(from, until, Kind::Email);
    until
}
