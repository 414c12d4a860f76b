//! Rules about documents that name what is there: the map of the code and the map of the sample.

use super::{Finding, Tree};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
/// What is longer is not read by a newcomer.
const LONGEST: usize = 300;
const SAMPLE: &str = "sample/";
/// What the demo loads.
const SAMPLE_LIST: &str = "sample/demo.toml";
const SAMPLE_MAP: &str = "sample/README.md";

/// Rule: ARCHITECTURE.md has at most 300 lines and names every crate.
pub fn architecture(tree: &Tree) -> Vec<Finding> {
    let finding = |line, what, hint| Finding { path: ARCHITECTURE.to_owned(), line, what, hint };
    let Some(text) = tree.text(ARCHITECTURE) else {
        return vec![finding(1, "is missing".to_owned(), "a newcomer needs the map: bird's view, crates, invariants")];
    };
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST {
        let hint = "keep the map short; details belong into the crates' own headers or docs/";
        findings.push(finding(LONGEST.saturating_add(1), format!("has {lines} lines, over {LONGEST}"), hint));
    }
    for name in tree.crates().into_iter().filter(|name| !names(text, name)) {
        findings.push(finding(1, format!("does not name the crate {name}"), "give each crate a line in the code map"));
    }
    findings
}

/// Rule: sample/README.md names every file of the sample by its path from there, and the demo's list names no other.
pub fn sample(tree: &Tree) -> Vec<Finding> {
    let map = tree.text(SAMPLE_MAP).unwrap_or_default();
    let mut findings: Vec<Finding> = tree
        .paths()
        .filter(|path| *path != SAMPLE_MAP)
        .filter_map(|path| Some((path, path.strip_prefix(SAMPLE)?)))
        .filter(|(_, name)| !names(map, name))
        .map(|(path, name)| Finding {
            path: path.to_owned(),
            line: 1,
            what: format!("{SAMPLE_MAP} does not name {name}"),
            hint: "say in one line what the file shows",
        })
        .collect();
    findings.extend(missing_files(tree));
    findings
}

/// The files that the demo's list names and the sample does not have.
fn missing_files(tree: &Tree) -> Vec<Finding> {
    let text = tree.text(SAMPLE_LIST).unwrap_or_default();
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(problem) => {
            let what = format!("is no TOML: {}", problem.message());
            return vec![Finding { path: SAMPLE_LIST.to_owned(), line: 1, what, hint: "the demo could not read it" }];
        }
    };
    let projects = || table.get("project").and_then(toml::Value::as_array).into_iter().flatten();
    let runs = projects().filter_map(|project| project.get("run")?.as_array()).flatten();
    let lists = projects()
        .flat_map(|project| [project.get("cases"), project.get("defects")])
        .chain(runs.map(|run| run.get("files")))
        .filter_map(|list| list?.as_array());
    let is_missing = |name: &&str| !tree.paths().any(|path| path.strip_prefix(SAMPLE) == Some(*name));
    lists
        .flatten()
        .filter_map(toml::Value::as_str)
        .filter(is_missing)
        .map(|name| Finding {
            path: SAMPLE_LIST.to_owned(),
            line: text.lines().position(|line| line.contains(name)).map_or(1, |index| index.saturating_add(1)),
            what: format!("names {name}, which is not there"),
            hint: "paths are relative to the list",
        })
        .collect()
}

/// Whether the name stands in the text as a whole word: `hub-app` is not named by `hub-app-x`.
fn names(text: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at..).and_then(|text| text.strip_prefix(name)).and_then(|rest| rest.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.what)).collect()
    }

    #[test]
    fn the_map_names_every_crate_as_a_word() {
        let crates = [("crates/hub-app/Cargo.toml", ""), ("crates/hub-app-x/Cargo.toml", "")];
        let with = |text| Tree::of(&[crates[0], crates[1], (ARCHITECTURE, text)]);
        assert_eq!(shown(&architecture(&with("`hub-app` and crates/hub-app-x/\n"))), Vec::<String>::new());
        let expect = ["ARCHITECTURE.md:1: does not name the crate hub-app"];
        assert_eq!(shown(&architecture(&with("only hub-app-x\n"))), expect);
    }

    #[test]
    fn the_map_is_short_and_there() {
        let long = "line\n".repeat(301);
        assert_eq!(
            shown(&architecture(&Tree::of(&[(ARCHITECTURE, &long)]))),
            ["ARCHITECTURE.md:301: has 301 lines, over 300"]
        );
        let fits = "line\n".repeat(300);
        assert!(architecture(&Tree::of(&[(ARCHITECTURE, &fits)])).is_empty());
        assert_eq!(shown(&architecture(&Tree::of(&[]))), ["ARCHITECTURE.md:1: is missing"]);
    }

    #[test]
    fn the_sample_map_names_every_file_by_its_path() {
        let tree = Tree::of(&[
            (SAMPLE_MAP, "`shop/run-1/results.csv` manual results\n`demo.toml`\n"),
            ("sample/demo.toml", ""),
            ("sample/shop/run-1/results.csv", ""),
            ("sample/shop/run-2/results.csv", ""),
        ]);
        let expect = ["sample/shop/run-2/results.csv:1: sample/README.md does not name shop/run-2/results.csv"];
        assert_eq!(shown(&sample(&tree)), expect);
        assert_eq!(sample(&Tree::of(&[("sample/a.csv", "")])).len(), 1);
    }

    #[test]
    fn the_demos_list_names_files_that_are_there() {
        let list = "[[project]]\ncases = [\"a/cases.csv\"]\n[[project.run]]\nfiles = [\n\"a/r.xml\", \"a/no.xml\"]\n";
        let map = (SAMPLE_MAP, "demo.toml a/cases.csv a/r.xml");
        let files = [("sample/a/cases.csv", ""), ("sample/a/r.xml", "")];
        let tree = Tree::of(&[map, (SAMPLE_LIST, list), files[0], files[1]]);
        assert_eq!(shown(&sample(&tree)), ["sample/demo.toml:5: names a/no.xml, which is not there"]);
        let broken = sample(&Tree::of(&[map, (SAMPLE_LIST, "[[project")]));
        assert!(broken.iter().any(|finding| finding.what.starts_with("is no TOML")), "{broken:?}");
    }
}
