//! Keeps text from being read as wiki markup.
//!
//! Jira's renderer takes a backslash before one of `- # * _ + ? ^ ~ | % { } [ ] ( ) ! @` as "this character itself". A
//! literal backslash cannot be written that way (two of them are a line break), nor can emoticons, headings and entities,
//! so these become numeric entities, which the renderer passes through.

/// Emoticons that begin with a bracket, without the bracket (Jira's "Text Formatting Notation", section Misc).
const BRACKET_EMOTICONS: [&str; 17] =
    ["y)", "n)", "i)", "/)", "x)", "!)", "+)", "-)", "?)", "on)", "off)", "*)", "*r)", "*g)", "*b)", "*y)", "flag"];

/// The text of one line, every character of it literal. The text may stand at the start of a line.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut previous: Option<char> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let after = rest.as_str();
        let next = after.chars().next();
        let inside_word = is_word(previous) && is_word(next);
        match c {
            '\\' => out.push_str("&#92;"),
            '{' | '}' | '[' | ']' | '|' | '*' | '+' | '^' | '~' | '!' => push_escaped(&mut out, c),
            // Inside a word these two mean nothing, and escaping them would spoil issue keys, dates and test names.
            '-' | '_' if !inside_word => push_escaped(&mut out, c),
            '#' if out.trim_start().is_empty() => push_escaped(&mut out, c),
            '?' if previous == Some('?') || next == Some('?') => push_escaped(&mut out, c),
            '(' if BRACKET_EMOTICONS.iter().any(|icon| starts_with_ignore_case(after, icon)) => {
                push_escaped(&mut out, c)
            }
            ':' if matches!(next, Some(')' | '(' | 'D' | 'P' | 'p' | '|' | '-')) => out.push_str("&#58;"),
            ';' if matches!(next, Some(')' | '-')) => out.push_str("&#59;"),
            '&' if looks_like_entity(after) => out.push_str("&amp;"),
            '.' if is_block_prefix(text, after) => out.push_str("&#46;"),
            c => out.push(c),
        }
        previous = Some(c);
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    out.push('\\');
    out.push(c);
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

fn starts_with_ignore_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `&` begins an entity that the renderer would keep: `amp;`, `#60;`.
fn looks_like_entity(after: &str) -> bool {
    let name = after.strip_prefix('#').unwrap_or(after);
    let tail = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    tail.len() < name.len() && tail.starts_with(';')
}

/// Whether the text up to the dot is what makes a heading or a block quote of a line: `h1`, `bq`.
fn is_block_prefix(text: &str, after: &str) -> bool {
    let head = text.strip_suffix(after).and_then(|head| head.strip_suffix('.')).unwrap_or_default().trim_start();
    matches!(head, "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "bq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_character_is_literal() {
        for (text, expect) in [
            ("{code}x{code}", r"\{code\}x\{code\}"),
            ("[a|b] !img! *b* ^s^ ~s~ +u+", r"\[a\|b\] \!img\! \*b\* \^s\^ \~s\~ \+u\+"),
            ("-strike- --- a - b", r"\-strike\- \-\-\- a \- b"),
            ("_em_ snake_case CTB-12 2026-01-31", r"\_em\_ snake_case CTB-12 2026-01-31"),
            (r"C:\dir\\x", "C:&#92;dir&#92;&#92;x"),
            ("# one", r"\# one"),
            ("C# issue#4", "C# issue#4"),
            ("h1. x", "h1&#46; x"),
            ("  bq. x", "  bq&#46; x"),
            ("h10. oh1. x", "h10. oh1. x"),
            ("??cite?? ok?", r"\?\?cite\?\? ok?"),
            (":) ;) :D :-) (y) (off) f(x) f(a)", r"&#58;) &#59;) &#58;D &#58;\-) \(y) \(off) f\(x) f(a)"),
            ("&lt; &#60; & &; a&b", "&amp;lt; &amp;#60; & &; a&b"),
            ("ñandú 🎉 <script>", "ñandú 🎉 <script>"),
            ("", ""),
        ] {
            assert_eq!(escape(text), expect, "{text}");
        }
    }
}
