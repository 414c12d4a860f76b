//! Rules about error codes: a code is in the list, has a page, and the page says what, why and what to do.

use std::collections::BTreeMap;

use super::{Finding, Tree};

/// The visible list of codes.
const LIST: &str = "crates/hub-domain/src/codes.rs";
const PAGES: &str = "docs/errors/";
const SECTIONS: &[&str] = &["What", "Why", "What to do"];
const PREFIX: &str = "HUB-";
/// Digits of a code.
const DIGITS: usize = 4;

/// Rule: each code in the list has a page with all sections, and each page has a code in the list.
pub fn pages(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = listed(tree);
    if listed.is_empty() {
        let hint = "keep every code in one visible list, as \"HUB-1001\"";
        findings.push(Finding { path: LIST.to_owned(), line: 1, what: "lists no error code".to_owned(), hint });
    }
    for (code, line) in &listed {
        let page = format!("{PAGES}{code}.md");
        match tree.text(&page) {
            None => findings.push(Finding {
                path: LIST.to_owned(),
                line: *line,
                what: format!("{code} has no page {page}"),
                hint: "write the page with the sections What, Why and What to do",
            }),
            Some(text) => findings.extend(missing_sections(text).into_iter().map(|section| Finding {
                path: page.clone(),
                line: 1,
                what: format!("has no section `{section}`, or an empty one"),
                hint: "a page has the sections What, Why and What to do",
            })),
        }
    }
    for path in tree.paths() {
        let Some(name) = path.strip_prefix(PAGES).and_then(|name| name.strip_suffix(".md")) else { continue };
        if codes_in(name).first().is_some_and(|code| code == name) && !listed.contains_key(name) {
            findings.push(Finding {
                path: path.to_owned(),
                line: 1,
                what: format!("{name} is not in {LIST}"),
                hint: "a code that does not exist any more needs no page",
            });
        }
    }
    findings
}

/// Rule: no crate speaks of a code that is not in the list.
pub fn uses(tree: &Tree) -> Vec<Finding> {
    let listed = listed(tree);
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.starts_with("crates/") && *path != LIST) {
        for (index, line) in text.lines().enumerate() {
            for code in codes_in(line).into_iter().filter(|code| !listed.contains_key(code)) {
                findings.push(Finding {
                    path: path.to_owned(),
                    line: index.saturating_add(1),
                    what: format!("{code} is not in {LIST}"),
                    hint: "add the code to the list, with its page, or use the one that is meant",
                });
            }
        }
    }
    findings
}

/// The codes that stand quoted in the list, each with its first line. The list's own tests ask for codes that must not
/// exist, so they are left out.
fn listed(tree: &Tree) -> BTreeMap<String, usize> {
    let mut listed = BTreeMap::new();
    let text = tree.text(LIST).unwrap_or_default();
    for (index, line) in text.lines().take_while(|line| line.trim() != "#[cfg(test)]").enumerate() {
        for code in codes_in(line).into_iter().filter(|code| line.contains(&format!("\"{code}\""))) {
            listed.entry(code).or_insert_with(|| index.saturating_add(1));
        }
    }
    listed
}

/// Every `HUB-dddd` in a line that is not part of a longer word.
fn codes_in(line: &str) -> Vec<String> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    line.match_indices(PREFIX)
        .filter_map(|(at, _)| {
            let before = line.get(..at)?.chars().next_back();
            let rest = line.get(at.checked_add(PREFIX.len())?..)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let after = rest.chars().nth(digits.len());
            let is_code = digits.len() == DIGITS
                && !before.is_some_and(is_word)
                && !after.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
            is_code.then(|| format!("{PREFIX}{digits}"))
        })
        .collect()
}

fn missing_sections(page: &str) -> Vec<&'static str> {
    let heading = |line: &str| line.trim_start().strip_prefix('#').map(|rest| rest.trim_matches(['#', ' ']).to_owned());
    let mut filled: Vec<String> = Vec::new();
    let mut current = None;
    for line in page.lines() {
        if let Some(title) = heading(line) {
            current = Some(title);
        } else if !line.trim().is_empty() {
            filled.extend(current.take());
        }
    }
    SECTIONS.iter().copied().filter(|section| !filled.iter().any(|title| title == section)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HUB-1001: x\n\n## What\n\nA.\n\n## Why\n\nB.\n\n## What to do\n\n1. C.\n";
    const CODES: &str =
        "//! Codes.\nA = \"HUB-1001\", \"title\";\n// HUB-1000 was merged\n#[cfg(test)]\n\"HUB-9999\"\n";

    fn shown(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.what)).collect()
    }

    #[test]
    fn a_listed_code_with_its_page_is_well() {
        let tree = Tree::of(&[(LIST, CODES), ("docs/errors/HUB-1001.md", PAGE), ("docs/errors/README.md", "# All\n")]);
        assert_eq!(shown(&pages(&tree)), Vec::<String>::new());
    }

    #[test]
    fn a_code_without_a_page_and_a_page_without_a_code() {
        let tree = Tree::of(&[(LIST, CODES), ("docs/errors/HUB-1002.md", PAGE)]);
        let expect = [
            format!("{LIST}:2: HUB-1001 has no page docs/errors/HUB-1001.md"),
            format!("docs/errors/HUB-1002.md:1: HUB-1002 is not in {LIST}"),
        ];
        assert_eq!(shown(&pages(&tree)), expect);
    }

    #[test]
    fn a_page_needs_every_section_with_words_in_it() {
        let page = "# HUB-1001\n\n## What\n\n## What to do\n\nC.\n";
        let tree = Tree::of(&[(LIST, CODES), ("docs/errors/HUB-1001.md", page)]);
        let expect = ["What", "Why"]
            .map(|section| format!("docs/errors/HUB-1001.md:1: has no section `{section}`, or an empty one"));
        assert_eq!(shown(&pages(&tree)), expect);
    }

    #[test]
    fn a_missing_list_is_found() {
        assert_eq!(shown(&pages(&Tree::of(&[]))), [format!("{LIST}:1: lists no error code")]);
    }

    #[test]
    fn unlisted_codes_are_found_wherever_a_crate_names_them() {
        let tree = Tree::of(&[
            (LIST, CODES),
            ("crates/hub-app/src/lib.rs", "//! HUB-1001\n// HUB-1002 and HUB-10022, SHUB-1003, HUB-100\n"),
            ("docs/x.md", "HUB-1009\n"),
        ]);
        let expect = [format!("crates/hub-app/src/lib.rs:2: HUB-1002 is not in {LIST}")];
        assert_eq!(shown(&uses(&tree)), expect);
    }
}
