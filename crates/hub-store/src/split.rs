//! Splits a migration into its statements, as the Supabase CLI records them: a `;` ends a statement unless it stands in a
//! quoted text, a dollar-quoted body or a comment.

/// The statements of a script, trimmed, without their closing `;`. Comments stay with the statement they stand before; what
/// holds nothing but comments is no statement.
#[must_use]
pub fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = script;
    while !rest.is_empty() {
        let (length, has_code) = first_statement(rest);
        let (statement, after) = rest.split_at(length);
        if has_code {
            found.push(statement.trim_end_matches(';').trim().to_owned());
        }
        rest = after;
    }
    found
}

/// The length of the first statement with its `;`, and whether there is anything in it.
fn first_statement(text: &str) -> (usize, bool) {
    let mut has_code = false;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(length) = comment(rest) {
            at += length;
            continue;
        }
        let length = quoted(rest, text.get(..at).unwrap_or_default())
            .unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
        let piece = rest.get(..length).unwrap_or(rest);
        at += piece.len();
        if piece == ";" {
            return (at, has_code);
        }
        has_code |= !piece.trim().is_empty();
    }
    (text.len(), has_code)
}

/// The length of a comment at the beginning; block comments nest.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find('\n').map_or(text.len(), |end| end + 1));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_u32, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of a quoted text at the beginning, its quotes included.
fn quoted(text: &str, before: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    match quote {
        '\'' | '"' => {
            let word_before = before.chars().next_back();
            let escapes = quote == '\''
                && matches!(word_before, Some('e' | 'E'))
                && !before.chars().rev().nth(1).is_some_and(|c| c.is_alphanumeric() || c == '_');
            let mut skip = true;
            for (at, c) in text.char_indices() {
                if std::mem::take(&mut skip) {
                    continue;
                }
                if escapes && c == '\\' {
                    skip = true;
                } else if c == quote {
                    // A doubled quote begins the next piece at once, which leads to the same end.
                    return Some(at + 1);
                }
            }
            Some(text.len())
        }
        '$' => {
            let in_word = before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
            let name_end = text.get(1..)?.find('$')? + 1;
            let name = text.get(1..name_end)?;
            let is_tag = !in_word
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            if !is_tag {
                return None;
            }
            let tag = text.get(..=name_end)?;
            let body = text.get(name_end + 1..)?;
            Some(body.find(tag).map_or(text.len(), |end| name_end + 1 + end + tag.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_that_count() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("-- only a remark;\n", &[]),
            (";;\n ;", &[]),
            ("select 1", &["select 1"]),
            ("select 1;\n\nselect 2;\n", &["select 1", "select 2"]),
            ("select ';', \"a;b\"; select 2;", &["select ';', \"a;b\"", "select 2"]),
            ("select 'it''s; fine'; x", &["select 'it''s; fine'", "x"]),
            ("select e'\\';'; x", &["select e'\\';'", "x"]),
            ("select '\\'; x", &["select '\\'", "x"]),
            ("do $$ begin; end $$; x", &["do $$ begin; end $$", "x"]),
            ("do $a$ $b$;$b$ $$;$$ $a$; x", &["do $a$ $b$;$b$ $$;$$ $a$", "x"]),
            ("select $1; x", &["select $1", "x"]),
            ("select a$b$c; x", &["select a$b$c", "x"]),
            ("-- a; b\nselect /* ; /* ; */ ; */ 1; x", &["-- a; b\nselect /* ; /* ; */ ; */ 1", "x"]),
            ("select 'ñ;é'; seleçt", &["select 'ñ;é'", "seleçt"]),
            ("select 'open; x", &["select 'open; x"]),
        ];
        for (script, expected) in cases {
            assert_eq!(statements(script), *expected, "{script:?}");
        }
    }
}
