//! `cargo xtask tidy`: what this project promises about itself and neither rustc nor clippy can check.
//!
//! A rule is a pure function from the tree to findings. A new rule is a file, a line in [`RULES`], and a line in the bad
//! tree of the test below, which fails when a rule finds nothing in it.

mod codes;
mod dependencies;
mod documents;
mod mask;
mod migrations;
mod source;
mod tree;
mod words;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

pub use tree::Tree;

/// Something that has to be mended, and how.
#[derive(Debug, PartialEq)]
pub struct Finding {
    /// From the workspace root, with `/`.
    pub path: String,
    /// From 1; a finding about a whole file stands on line 1.
    pub line: usize,
    pub what: String,
    pub hint: &'static str,
}

struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// Every rule, in the order in which the findings are printed.
const RULES: &[Rule] = &[
    Rule { name: "package", check: dependencies::packages },
    Rule { name: "inside", check: dependencies::inside },
    Rule { name: "outside", check: dependencies::outside },
    Rule { name: "header", check: source::header },
    Rule { name: "length", check: source::length },
    Rule { name: "allow", check: source::allow },
    Rule { name: "unfinished", check: source::unfinished },
    Rule { name: "ignored", check: source::ignored },
    Rule { name: "code-page", check: codes::pages },
    Rule { name: "code-use", check: codes::uses },
    Rule { name: "registry", check: words::registries },
    Rule { name: "machine-path", check: words::machine_paths },
    Rule { name: "migration", check: migrations::names },
    Rule { name: "architecture", check: documents::architecture },
    Rule { name: "sample", check: documents::sample },
];

/// A finding and the rule that made it.
pub struct Named {
    pub rule: &'static str,
    pub finding: Finding,
}

/// Reads the workspace and applies every rule.
///
/// # Errors
/// The tree cannot be read.
pub fn check(root: &Path) -> Result<Vec<Named>> {
    Ok(apply(&Tree::read(root)?))
}

fn apply(tree: &Tree) -> Vec<Named> {
    RULES
        .iter()
        .flat_map(|rule| (rule.check)(tree).into_iter().map(|finding| Named { rule: rule.name, finding }))
        .collect()
}

/// Prints `path:line: what [rule]` and a hint below it.
pub fn print(findings: &[Named]) {
    for Named { rule, finding } in findings {
        println!("{}:{}: {} [{rule}]\n    hint: {}", finding.path, finding.line, finding.what, finding.hint);
    }
}

/// The command for people.
///
/// # Errors
/// The tree cannot be read. Findings are told by the exit code.
pub fn command(root: &Path) -> Result<ExitCode> {
    let findings = check(root)?;
    print(&findings);
    if findings.is_empty() {
        println!("tidy: {} rules hold", RULES.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} to mend", findings.len());
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks every rule at least once.
    fn bad_tree() -> Tree {
        let long = format!("//! Header.\n{}", "// line\n".repeat(600));
        Tree::of(&[
            (
                "crates/hub-formats/Cargo.toml",
                "[package]\nname = \"formats\"\n[dependencies]\nhub-store = \"1\"\ntokio = \"1\"\n",
            ),
            ("crates/hub-formats/src/lib.rs", "fn main() { todo!() }\n#[allow(dead_code)]\n#[ignore]\nfn f() {}\n"),
            ("crates/hub-formats/src/long.rs", &long),
            ("crates/hub-domain/src/codes.rs", "//! Codes.\nconst A: &str = \"HUB-1001\";\n"),
            ("crates/hub-formats/src/uses.rs", "//! Uses HUB-1999.\n"),
            ("docs/a.md", concat!("See https://pypi", ".org and /ho", "me/someone/x.\n")),
            ("migrations/1_Init.sql", "select 1;\n"),
            ("sample/README.md", "Nothing.\n"),
            ("sample/a.csv", "A|B\n"),
        ])
    }

    #[test]
    fn every_rule_finds_something_in_a_bad_tree() {
        let findings = apply(&bad_tree());
        let silent: Vec<&str> = RULES
            .iter()
            .map(|rule| rule.name)
            .filter(|name| findings.iter().all(|named| named.rule != *name))
            .collect();
        assert!(silent.is_empty(), "these rules found nothing: {silent:?}");
    }

    #[test]
    fn findings_stand_on_lines_of_files_that_exist() {
        let tree = bad_tree();
        for Named { rule, finding } in apply(&tree) {
            let Some(text) = tree.text(&finding.path) else {
                assert_eq!(finding.line, 1, "{rule}: {finding:?} is about a file that is missing");
                continue;
            };
            assert!((1..=text.lines().count()).contains(&finding.line), "{rule}: {finding:?}");
        }
    }
}
