//! Rust source with comments and the insides of literals blanked, so that a rule about code does not trip over a text
//! that only speaks about it. Lines keep their numbers.

/// Returns the source with every comment and the content of every string and character literal replaced by spaces.
pub fn mask(source: &str) -> String {
    let letters: Vec<char> = source.chars().collect();
    let mut masked = String::with_capacity(source.len());
    let mut at = 0;
    while at < letters.len() {
        let end = match token(&letters, at) {
            Token::Code => {
                masked.extend(letters.get(at));
                at = at.saturating_add(1);
                continue;
            }
            Token::Blank(end) => end.min(letters.len()),
        };
        for letter in letters.get(at..end).into_iter().flatten() {
            masked.push(if *letter == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    masked
}

enum Token {
    /// One character that stands for itself.
    Code,
    /// Everything up to here is blanked.
    Blank(usize),
}

fn token(letters: &[char], at: usize) -> Token {
    let letter = |offset: usize| letters.get(at.saturating_add(offset)).copied().unwrap_or('\0');
    match letter(0) {
        '/' if letter(1) == '/' => {
            Token::Blank(find(letters, at, |rest| rest.first() == Some(&'\n')).unwrap_or(letters.len()))
        }
        '/' if letter(1) == '*' => Token::Blank(block_comment_end(letters, at)),
        '"' => Token::Blank(string_end(letters, at)),
        'r' if !continues_a_word(letters, at) => raw_string_end(letters, at).map_or(Token::Code, Token::Blank),
        '\'' => char_end(letters, at).map_or(Token::Code, Token::Blank),
        _ => Token::Code,
    }
}

/// `br"` and `cr"` are raw strings; `var"` is not Rust, and `bar` is a name.
fn continues_a_word(letters: &[char], at: usize) -> bool {
    let before = |distance: usize| at.checked_sub(distance).and_then(|index| letters.get(index)).copied();
    let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    match before(1) {
        Some('b' | 'c') => is_word(before(2)),
        other => is_word(other),
    }
}

fn find(letters: &[char], from: usize, is_it: impl Fn(&[char]) -> bool) -> Option<usize> {
    (from..letters.len()).find(|index| letters.get(*index..).is_some_and(&is_it))
}

fn block_comment_end(letters: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < letters.len() {
        match letters.get(at..at.saturating_add(2)) {
            Some(['/', '*']) => depth = depth.saturating_add(1),
            Some(['*', '/']) if depth == 1 => return at.saturating_add(2),
            Some(['*', '/']) => depth = depth.saturating_sub(1),
            _ => {
                at = at.saturating_add(1);
                continue;
            }
        }
        at = at.saturating_add(2);
    }
    letters.len()
}

fn string_end(letters: &[char], start: usize) -> usize {
    let mut at = start.saturating_add(1);
    while let Some(letter) = letters.get(at) {
        match letter {
            '\\' => at = at.saturating_add(2),
            '"' => return at.saturating_add(1),
            _ => at = at.saturating_add(1),
        }
    }
    letters.len()
}

/// The end of `r"..."` or `r##"..."##` that begins here, if one does: `r#type` is a name.
fn raw_string_end(letters: &[char], start: usize) -> Option<usize> {
    let hashes = letters.iter().skip(start.saturating_add(1)).take_while(|letter| **letter == '#').count();
    let quote = start.saturating_add(1).saturating_add(hashes);
    if letters.get(quote) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    let end = find(letters, quote.saturating_add(1), |rest| rest.starts_with(&close));
    Some(end.map_or(letters.len(), |end| end.saturating_add(close.len())))
}

/// The end of the character literal that begins here; a quote before a name that is not closed is a lifetime.
fn char_end(letters: &[char], start: usize) -> Option<usize> {
    let next = letters.get(start.saturating_add(1))?;
    if *next == '\\' {
        // The escaped character may itself be a quote.
        let close = find(letters, start.saturating_add(3), |rest| rest.first() == Some(&'\''));
        return Some(close.map_or(letters.len(), |close| close.saturating_add(1)));
    }
    (letters.get(start.saturating_add(2)) == Some(&'\'')).then(|| start.saturating_add(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `secret` stands where it must vanish, `CODE` where it must stay.
    #[track_caller]
    fn check(source: &str) {
        let masked = mask(source);
        assert!(!masked.contains("secret"), "{source:?} became {masked:?}");
        assert_eq!(masked.matches("CODE").count(), source.matches("CODE").count(), "{source:?} became {masked:?}");
        assert_eq!(masked.chars().count(), source.chars().count());
        assert_eq!(masked.matches('\n').count(), source.matches('\n').count());
    }

    #[test]
    fn comments() {
        check("CODE // secret\nCODE /// secret\nCODE");
        check("CODE /* secret /* secret */ secret \n secret */ CODE");
        check("CODE /* never closed secret");
    }

    #[test]
    fn strings() {
        check(r#"CODE "secret \" secret \\" CODE b"secret" CODE "#);
        check("CODE \"secret // secret\nsecret\" CODE");
        check(r####"CODE r"secret\" CODE r#"secret " secret"# CODE br##"secret "# secret"## CODE"####);
        check("CODE \"never closed secret");
    }

    #[test]
    fn quotes_that_open_no_string() {
        check(r#"CODE '"' CODE '\'' CODE '\"' "secret" CODE '\u{1F600}' CODE"#);
        check("fn CODE<'a>(x: &'a str) -> &'static str { \"secret\" } CODE");
        check("CODE r#type CODE var CODE 'label: loop { CODE }");
    }
}
