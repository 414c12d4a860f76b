//! Rules about words that belong to a machine and not to the project: registry hosts and a developer's folders.

use super::{Finding, Tree};

/// Host names of package registries; a client knows its registry by itself. Written in two parts, because this file is
/// checked too.
const REGISTRIES: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("pypi", ".org"),
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("archive.ubuntu", ".com"),
    concat!("proxy.golang", ".org"),
];
/// Files that a package manager writes, host names included.
const LOCK_FILES: &[&str] = &["Cargo.lock", "package-lock.json"];

/// The beginnings of paths that exist on one machine only.
const HOMES: &[&str] =
    &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("C:\\Us", "ers\\")];
/// Documents and code about the embedded server may speak of root's home: the server cannot run below it.
const MAY_NAME_ROOT: &str = "embedded";

/// Rule: no registry's host is named outside of lock files.
pub fn registries(tree: &Tree) -> Vec<Finding> {
    let files = tree.texts().filter(|(path, _)| !LOCK_FILES.iter().any(|name| path.ends_with(name)));
    in_lines(files, "leave the registry to its client's own configuration", |_, line| {
        REGISTRIES.iter().find(|host| line.contains(**host)).map(|host| format!("names the registry host {host}"))
    })
}

/// Rule: no path of a developer's machine.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    in_lines(tree.texts(), "use a path from the workspace root, or a temporary folder", |path, line| {
        let home = HOMES.iter().find(|home| begins_a_path(line, home))?;
        let is_excepted = path.contains(MAY_NAME_ROOT) && *home == concat!("/ro", "ot/");
        (!is_excepted).then(|| format!("names a path of one machine ({home}...)"))
    })
}

fn in_lines<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    hint: &'static str,
    ask: impl Fn(&str, &str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files {
        for (index, line) in text.lines().enumerate() {
            if let Some(what) = ask(path, line) {
                findings.push(Finding { path: path.to_owned(), line: index.saturating_add(1), what, hint });
            }
        }
    }
    findings
}

/// Whether an absolute path with this beginning stands in the line. `https://shop.example/home/cart` is an address and
/// `{base}/home/cart` part of one: what stands before decides.
fn begins_a_path(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at..).and_then(|text| text.strip_prefix(home)).and_then(|rest| rest.chars().next());
        let is_part_of_more =
            before.is_some_and(|letter| letter.is_alphanumeric() || ['_', '-', '.', '~', '}', ')'].contains(&letter));
        !is_part_of_more && after.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Tree::of(&[(path, text)])).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn registry_hosts_are_found_outside_of_lock_files() {
        let text = REGISTRIES.join("\n");
        let all: Vec<usize> = (1..=REGISTRIES.len()).collect();
        assert_eq!(lines(registries, "docs/a.md", &text), all);
        assert!(lines(registries, "Cargo.lock", &text).is_empty());
        assert!(lines(registries, "crates/a/tests/package-lock.json", &text).is_empty());
        assert!(lines(registries, "docs/a.md", "See crates.io and PyPI.\n").is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for home in HOMES {
            let text = format!("fine\nat {home}someone/x.rs:1\n\"file://{home}a\"\n");
            assert_eq!(lines(machine_paths, "docs/a.md", &text), [2, 3], "{home}");
        }
    }

    #[test]
    fn addresses_and_relative_paths_are_not_paths_of_a_machine() {
        let home = concat!("/ho", "me/");
        let text = format!("https://shop.example{home}cart\n{{base}}{home}cart\n..{home}x\nGo to {home} now\n");
        assert!(lines(machine_paths, "docs/a.md", &text).is_empty());
    }

    #[test]
    fn only_the_embedded_server_speaks_of_roots_home() {
        let text = concat!("below /ro", "ot/data the server cannot run\n");
        assert!(lines(machine_paths, "docs/decisions/0003-embedded-postgres.md", text).is_empty());
        assert_eq!(lines(machine_paths, "docs/decisions/0004-other.md", text), [1]);
    }
}
