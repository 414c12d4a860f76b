//! Rules about Rust files: the header, the length, and what is never left in them.

use super::mask::mask;
use super::{Finding, Tree};

/// Above this a reader looks for the right place instead of reading.
const LONGEST: usize = 600;
/// How a header excuses a longer file.
const EXCUSE: &str = "Long because";

/// Rule: a file opens with what it is and why.
pub fn header(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| Finding {
            path: path.to_owned(),
            line: 1,
            what: "does not open with `//!`".to_owned(),
            hint: "begin the file with a sentence that says what it is and why it exists",
        })
        .collect()
}

/// Rule: a file over 600 lines says in its header why.
pub fn length(tree: &Tree) -> Vec<Finding> {
    tree.rust()
        .filter(|(_, text)| {
            let excused = text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains(EXCUSE));
            text.lines().count() > LONGEST && !excused
        })
        .map(|(path, text)| Finding {
            path: path.to_owned(),
            line: 1,
            what: format!("has {} lines, over {LONGEST}", text.lines().count()),
            hint: "split it by what a reader would look for, or say `Long because ...` in its header",
        })
        .collect()
}

/// Rule: an exception to a lint carries a reason and goes away when it is not needed any more.
pub fn allow(tree: &Tree) -> Vec<Finding> {
    let hint = "write #[expect(lint, reason = \"...\")]: it says why, and warns once it is not needed";
    in_code(tree, hint, |line, _| {
        let packed = without_spaces(line);
        (packed.contains("#[allow(") || packed.contains("#![allow("))
            .then(|| "silences a lint without a reason".to_owned())
    })
}

/// Rule: nothing is left for later.
pub fn unfinished(tree: &Tree) -> Vec<Finding> {
    in_code(tree, "finish it, or take it out and say in the issue what is missing", |line, _| {
        ["todo!", "unimplemented!"]
            .into_iter()
            .find(|name| has_word(line, name))
            .map(|name| format!("`{name}` is left"))
    })
}

/// Rule: a test that does not run says why.
pub fn ignored(tree: &Tree) -> Vec<Finding> {
    in_code(tree, "write #[ignore = \"why, and when it runs\"]", |line, original| {
        if !without_spaces(line).contains("#[ignore") {
            return None;
        }
        let reason = original.split_once('=').map(|(_, reason)| reason.trim_matches([' ', '"', ']']));
        reason.is_none_or(str::is_empty).then(|| "a test is ignored without a reason".to_owned())
    })
}

/// Asks for each line of code, with comments and literals blanked, and as it stands.
fn in_code(tree: &Tree, hint: &'static str, ask: impl Fn(&str, &str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        for (index, (masked, original)) in mask(text).lines().zip(text.lines()).enumerate() {
            if let Some(what) = ask(masked, original) {
                findings.push(Finding { path: path.to_owned(), line: index.saturating_add(1), what, hint });
            }
        }
    }
    findings
}

fn without_spaces(line: &str) -> String {
    line.chars().filter(|letter| !letter.is_whitespace()).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&Tree) -> Vec<Finding>, text: &str, expect: &[usize]) {
        let lines: Vec<usize> = rule(&Tree::of(&[("crates/a/src/lib.rs", text)])).iter().map(|f| f.line).collect();
        assert_eq!(lines, expect, "{text}");
    }

    #[test]
    fn a_file_opens_with_its_header() {
        check(header, "//! What.\n", &[]);
        check(header, "// What.\n", &[1]);
        check(header, "\n//! What.\n", &[1]);
        check(header, "", &[1]);
        assert!(header(&Tree::of(&[("README.md", "# Not Rust\n")])).is_empty());
    }

    #[test]
    fn a_long_file_says_why() {
        let body = "fn f() {}\n".repeat(599);
        check(length, &format!("//! What.\n{body}"), &[]);
        check(length, &format!("//! What.\n{body}\n"), &[1]);
        check(length, &format!("//! What.\n//! Long because a table is read whole.\n{body}\n"), &[]);
        check(length, &format!("//! What.\n\n// Long because it is too late to say so.\n{body}\n"), &[1]);
    }

    #[test]
    fn lints_are_not_silenced_without_a_reason() {
        check(allow, "//! W.\n#[allow(dead_code)]\nfn f() {}\n #![ allow (unused)]\n", &[2, 4]);
        check(
            allow,
            "//! W.\n#[expect(dead_code, reason = \"r\")]\n// #[allow(dead_code)]\nconst A: &str = \"#[allow(x)]\";\n",
            &[],
        );
    }

    #[test]
    fn nothing_is_left_for_later() {
        check(unfinished, "//! W.\nfn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\n", &[2, 3]);
        check(unfinished, "//! Never todo!().\nmacro_rules! my_todo { () => {} }\nfn f() { my_todo!() }\n", &[]);
    }

    #[test]
    fn an_ignored_test_says_why() {
        check(ignored, "//! W.\n#[ignore]\nfn a() {}\n#[ignore = \"\"]\nfn b() {}\n", &[2, 4]);
        check(ignored, "//! W.\n#[ignore = \"takes an hour: runs at night\"]\nfn a() {}\n", &[]);
    }
}
