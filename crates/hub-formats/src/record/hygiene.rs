//! Cleans a text of what neither XML nor Jira can hold: control characters, terminal escape sequences, characters that
//! are none. A line break is `\n` afterwards, a tab stays, everything else is as the source wrote it.

use std::iter::Peekable;
use std::str::Chars;

use crate::limits::CUT_MARK;
use crate::record::scan;

/// Appends `text` to `out` without the characters that cannot be published. Returns whether any were left out; a
/// carriage return that becomes a line break does not count.
pub fn clean(text: &str, out: &mut String) -> bool {
    if !is_dirty(text) {
        out.push_str(text);
        return false;
    }
    out.reserve(text.len());
    let mut removed = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{1b}' => {
                skip_escape(&mut chars);
                removed = true;
            }
            // pytest writes an escape character as these four, because XML 1.0 has no way to hold it.
            '#' if is_written_escape(&chars) => {
                chars.by_ref().take(3).for_each(drop);
                skip_escape(&mut chars);
                removed = true;
            }
            '\u{9b}' => {
                skip_parameters(&mut chars);
                removed = true;
            }
            c if c.is_control() || is_noncharacter(c) => removed = true,
            c => out.push(c),
        }
    }
    removed
}

/// Whether [`clean`] may have something to do: without, the text is as it shall be.
pub(crate) fn is_dirty(text: &str) -> bool {
    scan::any(text.as_bytes(), suspicious)
}

/// Bytes after which a closer look is needed; C1 controls begin with C2 in UTF-8, noncharacters with EF or F0 to F4.
pub(crate) fn suspicious(byte: u8) -> bool {
    // Without short circuits, so that a block of bytes is one comparison.
    ((byte < 0x20) & (byte != b'\n') & (byte != b'\t'))
        | (byte == 0x7f)
        | (byte == b'#')
        | (byte == 0xc2)
        | (byte >= 0xef)
}

/// U+FFFE, U+FFFF and their like in the other planes; U+FDD0 to U+FDEF.
fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

fn is_written_escape(after: &Peekable<Chars<'_>>) -> bool {
    let mut ahead = after.clone();
    ahead.next() == Some('x')
        && ahead.next() == Some('1')
        && ahead.next().is_some_and(|c| c.eq_ignore_ascii_case(&'b'))
        && ahead.next() == Some('[')
}

/// After ESC: `[` opens a sequence with parameters, `]` a command up to BEL or ESC `\`, anything else is one character.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_parameters(chars);
        }
        Some(']') => {
            chars.next();
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                if c == '\u{7}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some('(' | ')' | '#' | '%') => {
            chars.next();
            chars.next_if(char::is_ascii);
        }
        Some('@'..='~') => {
            chars.next();
        }
        Some(_) | None => {}
    }
}

/// Parameters are 0x20 to 0x3F, then one final character 0x40 to 0x7E; a broken sequence takes nothing else with it.
fn skip_parameters(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Cuts `text` to `limit` characters, the last of them [`CUT_MARK`]. Returns whether anything was cut.
pub fn cut(text: &mut String, limit: usize) -> bool {
    // A text of at most `limit` bytes has at most as many characters: the usual case costs nothing.
    if text.len() <= limit || text.char_indices().nth(limit).is_none() {
        return false;
    }
    mark(text, limit);
    true
}

/// Ends `text` with [`CUT_MARK`], in `limit` characters at most.
pub fn mark(text: &mut String, limit: usize) {
    let keep = limit.saturating_sub(CUT_MARK.len());
    let end = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
    text.truncate(end);
    text.push_str(CUT_MARK);
}

/// Removes blank lines at the start and all space at the end; the first line keeps its indentation.
pub fn trim_blank_lines(text: &str) -> &str {
    let text = text.trim_end();
    let content = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let line_start = text.get(..content).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    text.get(line_start..).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> (String, bool) {
        let mut out = String::new();
        let removed = clean(text, &mut out);
        (out, removed)
    }

    #[test]
    fn controls_and_escapes_go_and_the_rest_stays() {
        for (text, expect, removed) in [
            ("plain é 🎉\tx\n", "plain é 🎉\tx\n", false),
            ("a\r\nb\rc", "a\nb\nc", false),
            ("\u{1b}[31mred\u{1b}[0m", "red", true),
            ("#x1B[1mbold#x1b[0m #1 x", "bold #1 x", true),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\!", "link!", true),
            ("\u{1b}(Bx\u{1b}Mx\u{1b}", "xx", true),
            ("\u{1b}[", "", true),
            ("\u{9b}31mx", "x", true),
            ("a\0b\u{8}c\u{7f}\u{85}d", "abcd", true),
            ("\u{fffe}x\u{ffff}\u{1ffff}\u{fdd0}", "x", true),
            ("© « ﬁ \u{fffd} 中", "© « ﬁ \u{fffd} 中", false),
        ] {
            assert_eq!(cleaned(text), (expect.to_owned(), removed), "{text:?}");
        }
    }

    #[test]
    fn an_unclosed_command_ends_with_its_line() {
        assert_eq!(cleaned("\u{1b}]0;title\nnext").0, "\nnext");
    }

    #[test]
    fn a_cut_is_marked_and_never_splits_a_character() {
        let mut text = "é".repeat(100);
        assert!(!cut(&mut text, 100));
        assert!(cut(&mut text, 50));
        assert_eq!(text.chars().count(), 50);
        assert!(text.ends_with(CUT_MARK));
    }

    #[test]
    fn blank_lines_go_and_indentation_stays() {
        assert_eq!(trim_blank_lines("\n  \n    at a\n  at b \n"), "    at a\n  at b");
        assert_eq!(trim_blank_lines(" \n "), "");
        assert_eq!(trim_blank_lines("  x"), "  x");
    }
}
