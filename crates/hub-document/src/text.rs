//! Text hygiene, in one place: every string of a document passes through here once, when it enters the model.
//!
//! Test reports carry terminal colours, carriage returns, NUL bytes and worse. Confluence refuses a whole page for one
//! character that XML does not allow, and Jira shows an escape sequence as rubbish. After [`clean`] a string holds only
//! characters that JSON, XML and wiki markup can all carry; its encoders then only escape.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Stands where a character was that the remote side cannot carry, so that a reader sees that something was there.
const REPLACEMENT: char = '\u{FFFD}';

/// Removes ANSI escape sequences, turns CRLF, lone CR and NEL into LF, and replaces every other control character
/// (except LF and TAB) and the two characters that XML forbids by U+FFFD. Cleaning clean text changes nothing.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {
                out.push('\n');
                if let Some(after) = rest.as_str().strip_prefix('\n') {
                    rest = after.chars();
                }
            }
            '\u{85}' => out.push('\n'),
            '\u{1B}' => rest = skip_escape(rest.as_str()).chars(),
            '\u{9B}' => rest = skip_control_sequence(rest.as_str()).unwrap_or(rest.as_str()).chars(),
            c if is_forbidden(c) => out.push(REPLACEMENT),
            c => out.push(c),
        }
    }
    out
}

/// Whether the character is not allowed in cleaned text: a control other than LF and TAB, or what XML 1.0 forbids.
#[must_use]
pub fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// What follows an escape sequence whose ESC was just read. An unknown or unfinished one loses its ESC only: the text
/// behind a stray ESC is worth more than a guess.
fn skip_escape(after_esc: &str) -> &str {
    let mut chars = after_esc.chars();
    let skipped = match chars.next() {
        Some('[') => skip_control_sequence(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string_sequence(chars.as_str()),
        Some('7' | '8' | '=' | '>' | 'c' | 'D' | 'E' | 'H' | 'M' | 'N' | 'O' | 'Z') => Some(chars.as_str()),
        Some('!'..='/') => {
            let rest = chars.as_str().trim_start_matches(|c| matches!(c, '!'..='/'));
            rest.strip_prefix(|c| matches!(c, '0'..='~'))
        }
        Some(_) | None => None,
    };
    skipped.unwrap_or(after_esc)
}

/// CSI: parameters, intermediates, one final character (ECMA-48 5.4). `None` when the final character is missing.
fn skip_control_sequence(rest: &str) -> Option<&str> {
    rest.trim_start_matches(|c| matches!(c, '0'..='?'))
        .trim_start_matches(|c| matches!(c, ' '..='/'))
        .strip_prefix(|c| matches!(c, '@'..='~'))
}

/// OSC, DCS and their like: everything up to BEL or ST. Without a terminator on the same line it is not one: swallowing
/// the rest of a log would lose facts.
fn skip_string_sequence(rest: &str) -> Option<&str> {
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '\u{07}' | '\u{9C}' => return Some(chars.as_str()),
            '\u{1B}' => return chars.as_str().strip_prefix('\\'),
            '\n' | '\r' => return None,
            _ => {}
        }
    }
}

/// The longest prefix of at most `max_chars` characters, and how many characters were left out. Never cuts inside a
/// character; where it can, it does not part a letter from its accent or an emoji from its modifiers either.
#[must_use]
pub fn clip(text: &str, max_chars: usize) -> (Cow<'_, str>, usize) {
    let Some((cut, _)) = text.char_indices().nth(max_chars) else { return (Cow::Borrowed(text), 0) };
    let (kept, rest) = text.split_at(cluster_start(text, cut));
    (Cow::Borrowed(kept), rest.chars().count())
}

/// Moves a cut at a character boundary back to the start of the visible character it would split. Looks back over 32
/// characters at most: a longer chain of combining marks is noise, and is cut where it was asked.
pub(crate) fn cluster_start(text: &str, cut: usize) -> usize {
    let (mut head, mut tail) = text.split_at(cut);
    for _ in 0..32 {
        let splits = tail.starts_with(extends_previous) || (head.ends_with('\u{200D}') && !tail.is_empty());
        let Some(last) = head.chars().next_back() else { return cut };
        if !splits {
            return head.len();
        }
        (head, tail) = text.split_at(head.len() - last.len_utf8());
    }
    cut
}

/// Combining marks, variation selectors, the zero-width joiner and skin tones belong to the character before them.
fn extends_previous(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{200D}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Cleaned text that may hold line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct CleanText(String);

impl CleanText {
    /// Cleans the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(clean(text))
    }

    /// The cleaned text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Joins two cleaned texts; both are clean, so the result is.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cleaned text on one line, without surrounding blanks: titles, labels and macro parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct CleanLine(String);

impl CleanLine {
    /// Cleans the text; line breaks and tabs become spaces.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(clean(text).replace(['\n', '\t'], " ").trim().to_owned())
    }

    /// The cleaned line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing visible is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for CleanLine {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for CleanLine {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for CleanLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansi_sequences_disappear_and_their_text_stays() {
        for (input, expect) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;196mx\u{1b}[1;2 qy", "xy"),
            ("\u{9b}1mbold", "bold"),
            ("\u{1b}]8;;https://x\u{1b}\\link\u{1b}]8;;\u{07}", "link"),
            ("\u{1b}(Bplain", "plain"),
            ("stray \u{1b} esc", "stray  esc"),
            ("unfinished \u{1b}[31", "unfinished [31"),
            ("open \u{1b}]0;title\nnext line", "open ]0;title\nnext line"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(clean(input), expect, "{input:?}");
        }
    }

    #[test]
    fn line_ends_are_lf_and_controls_are_visible() {
        assert_eq!(clean("a\r\nb\rc\u{85}d\te"), "a\nb\nc\nd\te");
        assert_eq!(
            clean("nul\0 bell\u{7} del\u{7f} c1\u{91} \u{fffe}\u{ffff}"),
            "nul\u{fffd} bell\u{fffd} del\u{fffd} c1\u{fffd} \u{fffd}\u{fffd}"
        );
        assert_eq!(clean("ñandú 🎉 ]]> <script>"), "ñandú 🎉 ]]> <script>");
        assert_eq!(CleanLine::new("  two\nlines\t ").as_str(), "two lines");
    }

    #[test]
    fn clip_counts_characters_and_keeps_clusters_whole() {
        assert_eq!(clip("abc", 3), ("abc".into(), 0));
        assert_eq!(clip("añb🎉c", 4), ("añb🎉".into(), 1));
        assert_eq!(clip("caf\u{65}\u{301}s", 4), ("caf".into(), 3), "the accent is not parted from its letter");
        assert_eq!(clip("👨\u{200d}👩", 1), ("👨".into(), 2), "nothing before the cluster: cut where asked");
        assert_eq!(clip("x👍🏽", 2), ("x".into(), 2));
        assert_eq!(clip("", 0), ("".into(), 0));
        assert_eq!(clip("ab", 0), ("".into(), 2));
    }
}
