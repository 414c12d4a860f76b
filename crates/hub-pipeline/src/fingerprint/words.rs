//! The variable parts of an error leave it: colours, numbers, ids, moments, durations, addresses in memory, folders, and the
//! values that were found instead of those expected.

/// A line without terminal sequences.
pub(super) fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' || (c == '[' && begins_colour(&chars)) {
            for skipped in chars.by_ref() {
                if skipped.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if !c.is_control() || c == '\t' {
            out.push(c);
        }
    }
    out
}

/// `[31m` whose escape character was lost on the way.
fn begins_colour(rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut digits = 0;
    for c in rest.clone().take(8) {
        match c {
            '0'..='9' | ';' => digits += 1,
            'm' => return digits > 0,
            _ => return false,
        }
    }
    false
}

/// A line in lower case whose variable parts are one `#` each.
pub(super) fn normalise(line: &str) -> String {
    let line = without_colours(line);
    let dropped = drop_found_values(&line);
    let mut out = String::with_capacity(dropped.len());
    for piece in dropped.split_whitespace() {
        let word = one_word(piece);
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word);
    }
    without_units(&out)
}

/// Units behind a number: `# ms` and `#ms` are a `#`, whatever the unit.
fn without_units(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
        let unit = matches!(
            bare,
            "ms" | "s"
                | "sec"
                | "secs"
                | "seconds"
                | "second"
                | "min"
                | "minutes"
                | "m"
                | "h"
                | "us"
                | "µs"
                | "ns"
                | "milliseconds"
        );
        if unit && words.last().is_some_and(|last| last.ends_with('#')) {
            continue;
        }
        if word == "#" && words.last() == Some(&"#") {
            continue;
        }
        words.push(word);
    }
    words.join(" ")
}

/// A word without its numbers, folders and hexadecimal parts.
fn one_word(word: &str) -> String {
    let word = word.to_lowercase();
    let word = without_uuids(&last_of_path(&word));
    let mut out = String::with_capacity(word.len());
    let mut rest = word.as_str();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        if length == 0 {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (token, tail) = rest.split_at(length);
        rest = tail;
        out.push_str(&one_token(token));
    }
    collapse(&out)
}

/// The groups of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// A word whose UUIDs are one `#` each.
fn without_uuids(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = behind_uuid(rest)
            && !out.ends_with(|c: char| c.is_ascii_alphanumeric())
        {
            out.push('#');
            rest = behind;
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

fn behind_uuid(text: &str) -> Option<&str> {
    let mut rest = text;
    for (n, length) in UUID.into_iter().enumerate() {
        if n > 0 {
            rest = rest.strip_prefix('-')?;
        }
        let group = rest.get(..length)?;
        if !group.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        rest = rest.get(length..)?;
    }
    Some(rest)
}

const CALENDAR: &[&str] = &[
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "oct",
    "nov", "dec",
];

fn one_token(token: &str) -> String {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return if CALENDAR.contains(&token) { "#".to_owned() } else { token.to_owned() };
    }
    let hex = token.strip_prefix("0x").unwrap_or(token);
    if hex.len() < token.len() || (token.len() >= 6 && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        return "#".to_owned();
    }
    // A mixture such as `a8Xk29dQ` is an id; `h1`, `utf8` and `sha256` keep their letters.
    if token.len() >= 12 && digits >= 3 {
        return "#".to_owned();
    }
    let mut out = String::new();
    for c in token.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    for unit in ["ms", "s", "m", "h", "us", "ns", "px", "z"] {
        if let Some(number) = out.strip_suffix(unit)
            && number == "#"
        {
            return number.to_owned();
        }
    }
    out
}

/// Numbers that one mark joins are one: dates, versions, prices, addresses.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c != '#' {
            continue;
        }
        loop {
            let mut ahead = chars.clone();
            let joined = match (ahead.next(), ahead.next()) {
                (Some('#'), _) => 1,
                (Some('-' | ':' | '.' | ',' | '/' | '+' | 't' | '_'), Some('#')) => 2,
                _ => break,
            };
            for _ in 0..joined {
                chars.next();
            }
        }
    }
    out
}

/// The last part of a path or address, which is the same on every machine.
fn last_of_path(word: &str) -> String {
    // `</div>` and `and/or` are no paths.
    let marks = word.matches(['/', '\\']).count();
    if marks < 2 && !word.starts_with(['/', '\\']) {
        return word.to_owned();
    }
    if word.contains('<') {
        return word.to_owned();
    }
    let begin: String = word.chars().take_while(|c| matches!(c, '(' | '"' | '\'' | '[' | '`')).collect();
    let path = word.split(['?', '#']).next().unwrap_or(word).trim_end_matches(['/', '\\']);
    let last = path.rsplit(['/', '\\']).next().unwrap_or(path);
    format!("{begin}{last}")
}

/// Words behind which a value stands that was found instead of the expected one.
const FOUND: &[&str] =
    &["received", "actual", "got", "was", "found", "saw", "==", "!=", "===", "is", "to equal", "instead of", "but"];

/// A line whose quoted values are gone, where they are values: those that stand in a call or a pattern tell what was looked
/// for, and short words without a digit tell what failed.
fn drop_found_values(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut depth = 0_u32;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '"' | '\'' | '`' | '<' if opens(line, at, c) => {
                let close = if c == '<' { '>' } else { c };
                let inside_from = at + c.len_utf8();
                let inside = line.get(inside_from..).unwrap_or_default();
                if let Some(length) = inside.find(close) {
                    let value = inside.get(..length).unwrap_or_default();
                    let behind = inside.get(length + close.len_utf8()..).unwrap_or_default().trim_start();
                    if depth == 0 && (!is_word(value) || compares(&out, behind)) {
                        out.push(c);
                        out.push(close);
                        // Go on behind the closing quote.
                        for (next, _) in chars.by_ref() {
                            if next >= inside_from + length {
                                break;
                            }
                        }
                        continue;
                    }
                }
            }
            _ => {}
        }
        out.push(c);
    }
    // `Received: 5` and `Actual: cart` without quotes.
    for word in ["received:", "actual:", "received string:", "received value:", "but was:", "actual  :", "got:"] {
        let lower = out.to_lowercase();
        if let Some(at) = lower.find(word)
            && let Some(kept) = out.get(..at + word.len())
        {
            out = kept.to_owned();
        }
    }
    out
}

/// Whether a quote opens something: an apostrophe within a word does not.
fn opens(line: &str, at: usize, quote: char) -> bool {
    let before = line.get(..at).and_then(|b| b.chars().next_back());
    match quote {
        '<' => before.is_none_or(|c| c == ' ' || c == ':'),
        _ => !before.is_some_and(char::is_alphanumeric),
    }
}

fn is_word(value: &str) -> bool {
    value.len() <= 40
        && !value.is_empty()
        && value.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | '#' | '$'))
}

fn compares(before: &str, behind: &str) -> bool {
    let before = before.trim_end().trim_end_matches([':', ',']).to_lowercase();
    FOUND.iter().any(|word| {
        before
            .strip_suffix(word)
            .is_some_and(|b| word.starts_with(['=', '!']) || !b.ends_with(|c: char| c.is_alphanumeric()))
    }) || behind.starts_with("==")
        || behind.starts_with("!=")
}
