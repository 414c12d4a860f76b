//! Who may use whom: the direction of the house, as a table.
//!
//! A crate exists to forbid an import. Cargo refuses cycles, and this refuses the shortcuts that are no cycle.

use toml::{Table, Value};

use super::{Finding, Tree};

/// What a crate may use inside the workspace.
enum MayUse {
    Only(&'static [&'static str]),
    /// The test hub joins everything, and nothing that is shipped uses it.
    Anything,
}

struct Layer {
    name: &'static str,
    may_use: MayUse,
    /// Besides, in `[dev-dependencies]`.
    in_tests: &'static [&'static str],
}

const DOMAIN: &[&str] = &["hub-domain"];
const DESTINATION: &[&str] = &["hub-domain", "hub-destination", "hub-document"];
const APP: &[&str] = &[
    "hub-domain",
    "hub-formats",
    "hub-pipeline",
    "hub-document",
    "hub-store",
    "hub-evidence",
    "hub-destination",
    "hub-jira",
    "hub-confluence",
    "hub-source",
];
const TEST_HUB: &[&str] = &["hub-testkit", "atlassian-sim"];

/// Every member of the workspace; a new crate is a row.
const LAYERS: &[Layer] = &[
    Layer { name: "hub-domain", may_use: MayUse::Only(&[]), in_tests: TEST_HUB },
    Layer { name: "hub-formats", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-pipeline", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-document", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-store", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-evidence", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-source", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-destination", may_use: MayUse::Only(DOMAIN), in_tests: TEST_HUB },
    Layer { name: "hub-jira", may_use: MayUse::Only(DESTINATION), in_tests: TEST_HUB },
    Layer { name: "hub-confluence", may_use: MayUse::Only(DESTINATION), in_tests: TEST_HUB },
    Layer { name: "hub-app", may_use: MayUse::Only(APP), in_tests: TEST_HUB },
    Layer { name: "hub-api", may_use: MayUse::Only(&["hub-app", "hub-domain"]), in_tests: TEST_HUB },
    Layer { name: "haida-hub", may_use: MayUse::Only(&["hub-api", "hub-app", "hub-domain"]), in_tests: TEST_HUB },
    // The simulator shares no type with the client it imitates, in its tests either: the two must not be wrong together.
    Layer { name: "atlassian-sim", may_use: MayUse::Only(&[]), in_tests: &[] },
    Layer { name: "hub-testkit", may_use: MayUse::Anything, in_tests: &[] },
    Layer { name: "xtask", may_use: MayUse::Only(&[]), in_tests: &[] },
];

/// A door to the outside that has one owner. The simulator is no part of the hub and is not bound by this.
struct Door {
    packages: &'static [&'static str],
    owners: &'static [&'static str],
    /// Whether tests are bound too.
    in_tests: bool,
    hint: &'static str,
}

const DOORS: &[Door] = &[
    Door {
        packages: &["reqwest", "hyper", "hyper-util", "ureq"],
        // hub-evidence calls nothing of it: object_store needs its TLS named.
        owners: &["hub-destination", "hub-evidence", "hub-testkit"],
        in_tests: false,
        hint: "every call to the outside goes through hub-destination, where the site's rate budget is",
    },
    Door {
        packages: &["object_store"],
        owners: &["hub-evidence"],
        in_tests: false,
        hint: "object storage is in hub-evidence; ask it through a function",
    },
    Door {
        packages: &["tokio-postgres", "tokio-postgres-rustls", "deadpool-postgres", "postgres", "sqlx"],
        owners: &["hub-store", "hub-source", "hub-testkit"],
        in_tests: false,
        hint: "SQL about the hub's own tables is in hub-store, about a team's in hub-source; ask them through a function",
    },
];

/// Decide from their arguments alone, so that a thousand cases run in a second and replay exactly.
const PURE: &[&str] = &["hub-domain", "hub-formats", "hub-pipeline", "hub-document"];
const RUNTIMES: &[&str] = &["tokio", "async-std", "smol"];

/// A manifest in the workspace.
struct Manifest<'a> {
    /// The folder's name.
    folder: &'a str,
    path: &'a str,
    text: &'a str,
    table: Table,
}

/// One entry of a dependency table.
struct Dependency {
    /// The package, also where the entry renames it.
    package: String,
    line: usize,
    is_for_tests: bool,
}

/// Rule: each folder is a package of the same name, with a description, and has a row in the table above.
pub fn packages(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in tree.crates() {
        let path = format!("crates/{name}/Cargo.toml");
        if tree.text(&path).is_none() {
            findings.push(finding(&path, 1, "is missing".to_owned(), "a folder in crates/ is a package"));
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| folder_of(path).is_some()) {
        if let Err(problem) = text.parse::<Table>() {
            findings.push(finding(
                path,
                1,
                format!("is no TOML: {}", problem.message()),
                "cargo would refuse it as well",
            ));
        }
    }
    for manifest in manifests(tree) {
        let package = manifest.table.get("package").and_then(Value::as_table);
        let name = package.and_then(|package| package.get("name")).and_then(Value::as_str).unwrap_or_default();
        if name != manifest.folder {
            let what = format!("package `{name}` is in the folder `{}`", manifest.folder);
            findings.push(finding(
                manifest.path,
                line_of(manifest.text, "name"),
                what,
                "a crate's folder has the package's name",
            ));
        }
        let description = package.and_then(|package| package.get("description")).and_then(Value::as_str);
        if description.is_none_or(|text| text.trim().is_empty()) {
            let line = line_of(manifest.text, "[package]");
            findings.push(finding(
                manifest.path,
                line,
                "has no description".to_owned(),
                "say in one sentence what the crate is",
            ));
        }
        if layer(manifest.folder).is_none() {
            let line = line_of(manifest.text, "name");
            let what = format!("`{}` has no row in the table of allowed dependencies", manifest.folder);
            findings.push(finding(manifest.path, line, what, "add it to LAYERS in xtask/src/tidy/dependencies.rs"));
        }
    }
    findings
}

/// Rule: inside the workspace a crate uses what its row allows.
pub fn inside(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        let Some(layer) = layer(manifest.folder) else { continue };
        let MayUse::Only(allowed) = layer.may_use else { continue };
        for dependency in dependencies(tree, &manifest) {
            let package = dependency.package.as_str();
            let is_inside = LAYERS.iter().any(|layer| layer.name == package);
            let is_allowed =
                allowed.contains(&package) || (dependency.is_for_tests && layer.in_tests.contains(&package));
            if is_inside && !is_allowed {
                let what = format!("`{}` must not use `{package}`", manifest.folder);
                let hint = "what a lower crate needs from above is a trait that it defines and hub-app implements";
                findings.push(finding(manifest.path, dependency.line, what, hint));
            }
        }
    }
    findings
}

/// Rule: doors to the outside have one owner, and pure crates have none.
pub fn outside(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree).iter().filter(|manifest| !matches!(manifest.folder, "atlassian-sim" | "xtask")) {
        for dependency in dependencies(tree, manifest) {
            let package = dependency.package.as_str();
            let what = format!("`{}` must not depend on `{package}`", manifest.folder);
            let door = DOORS.iter().find(|door| {
                door.packages.contains(&package)
                    && !door.owners.contains(&manifest.folder)
                    && (door.in_tests || !dependency.is_for_tests)
            });
            if let Some(door) = door {
                findings.push(finding(manifest.path, dependency.line, what, door.hint));
            } else if PURE.contains(&manifest.folder) && RUNTIMES.contains(&package) {
                let hint = "a pure crate knows no clock, file, network or SQL: what it needs arrives as an argument";
                findings.push(finding(manifest.path, dependency.line, what, hint));
            }
        }
    }
    findings
}

fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

fn folder_of(path: &str) -> Option<&str> {
    if path == "xtask/Cargo.toml" {
        return Some("xtask");
    }
    let folder = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!folder.contains('/')).then_some(folder)
}

fn manifests(tree: &Tree) -> Vec<Manifest<'_>> {
    tree.texts()
        .filter_map(|(path, text)| Some(Manifest { folder: folder_of(path)?, path, text, table: text.parse().ok()? }))
        .collect()
}

/// Every dependency of a manifest: of the program, its build script and its tests, for all targets.
fn dependencies(tree: &Tree, manifest: &Manifest<'_>) -> Vec<Dependency> {
    let workspace: Option<Table> = tree.text("Cargo.toml").and_then(|text| text.parse().ok());
    let shared = workspace.as_ref().and_then(|root| root.get("workspace")?.get("dependencies")?.as_table());
    let targets = manifest.table.get("target").and_then(Value::as_table);
    let tables = std::iter::once(&manifest.table)
        .chain(targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table)));
    let mut found = Vec::new();
    for table in tables {
        for (kind, is_for_tests) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            for (name, entry) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let inherited = shared.and_then(|shared| shared.get(name)).filter(|_| entry.get("workspace").is_some());
                let package =
                    entry.get("package").or_else(|| inherited?.get("package")).and_then(Value::as_str).unwrap_or(name);
                found.push(Dependency {
                    package: package.to_owned(),
                    line: line_of(manifest.text, name),
                    is_for_tests,
                });
            }
        }
    }
    found
}

/// The first line that begins with this key, or line 1.
fn line_of(text: &str, key: &str) -> usize {
    let begins = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-' || next == '_'))
    };
    text.lines().position(begins).map_or(1, |index| index.saturating_add(1))
}

fn finding(path: &str, line: usize, what: String, hint: &'static str) -> Finding {
    Finding { path: path.to_owned(), line, what, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder: &str, rest: &str) -> Tree {
        let text = format!("[package]\nname = \"{folder}\"\ndescription = \"D\"\n{rest}");
        let root = "[workspace.dependencies]\nsql = { package = \"tokio-postgres\", version = \"0.7\" }\n";
        Tree::of(&[(&format!("crates/{folder}/Cargo.toml"), &text), ("Cargo.toml", root)])
    }

    #[track_caller]
    fn check(rule: fn(&Tree) -> Vec<Finding>, folder: &str, rest: &str, expect: &[(usize, &str)]) {
        let found = rule(&of(folder, rest));
        let found: Vec<(usize, &str)> = found.iter().map(|finding| (finding.line, finding.what.as_str())).collect();
        assert_eq!(found, expect, "{folder}: {rest}");
    }

    #[test]
    fn a_crate_uses_what_its_row_allows() {
        check(
            inside,
            "hub-jira",
            "[dependencies]\nhub-domain.workspace = true\nhub-destination.workspace = true\n",
            &[],
        );
        check(
            inside,
            "hub-jira",
            "[dependencies]\nserde = \"1\"\nhub-store.workspace = true\n",
            &[(6, "`hub-jira` must not use `hub-store`")],
        );
        check(
            inside,
            "hub-api",
            "[dependencies]\nhub-store.workspace = true\n",
            &[(5, "`hub-api` must not use `hub-store`")],
        );
        check(
            inside,
            "hub-confluence",
            "[build-dependencies]\nhub-jira.workspace = true\n",
            &[(5, "`hub-confluence` must not use `hub-jira`")],
        );
        check(inside, "hub-testkit", "[dependencies]\nhub-app.workspace = true\natlassian-sim.workspace = true\n", &[]);
    }

    #[test]
    fn tests_may_use_the_test_hub_and_the_simulator_not_even_there() {
        let tests = "[dev-dependencies]\nhub-testkit.workspace = true\natlassian-sim.workspace = true\n";
        check(inside, "hub-store", tests, &[]);
        check(
            inside,
            "hub-store",
            "[dependencies]\nhub-testkit.workspace = true\n",
            &[(5, "`hub-store` must not use `hub-testkit`")],
        );
        check(
            inside,
            "hub-store",
            "[dev-dependencies]\nhub-jira.workspace = true\n",
            &[(5, "`hub-store` must not use `hub-jira`")],
        );
        check(
            inside,
            "atlassian-sim",
            "[dev-dependencies]\nhub-testkit.workspace = true\n",
            &[(5, "`atlassian-sim` must not use `hub-testkit`")],
        );
    }

    #[test]
    fn renamed_and_target_dependencies_are_seen() {
        check(
            inside,
            "hub-domain",
            "[target.'cfg(unix)'.dependencies]\nstore = { package = \"hub-store\", path = \"../hub-store\" }\n",
            &[(5, "`hub-domain` must not use `hub-store`")],
        );
        check(
            outside,
            "hub-app",
            "[dependencies]\nsql.workspace = true\n",
            &[(5, "`hub-app` must not depend on `tokio-postgres`")],
        );
    }

    #[test]
    fn doors_have_one_owner() {
        check(outside, "hub-destination", "[dependencies]\nreqwest.workspace = true\ntokio.workspace = true\n", &[]);
        check(outside, "hub-store", "[dependencies]\ndeadpool-postgres.workspace = true\n", &[]);
        check(outside, "atlassian-sim", "[dependencies]\nhyper = \"1\"\n", &[]);
        check(
            outside,
            "hub-jira",
            "[dependencies]\nreqwest.workspace = true\n",
            &[(5, "`hub-jira` must not depend on `reqwest`")],
        );
        check(outside, "hub-jira", "[dev-dependencies]\nreqwest.workspace = true\n", &[]);
    }

    #[test]
    fn pure_crates_have_no_runtime_in_their_tests_either() {
        for kind in ["dependencies", "dev-dependencies"] {
            check(
                outside,
                "hub-pipeline",
                &format!("[{kind}]\ntokio.workspace = true\n"),
                &[(5, "`hub-pipeline` must not depend on `tokio`")],
            );
        }
        check(outside, "hub-evidence", "[dependencies]\ntokio.workspace = true\n", &[]);
    }

    #[test]
    fn a_folder_is_a_package_of_the_same_name_with_a_description() {
        check(packages, "hub-domain", "", &[]);
        let tree = Tree::of(&[
            ("crates/hub-store/Cargo.toml", "[package]\nname = \"store\"\n"),
            ("crates/hub-new/Cargo.toml", "[package]\nname = \"hub-new\"\ndescription = \"New\"\n"),
            ("crates/hub-empty/src/lib.rs", "//! Empty.\n"),
            ("crates/hub-api/Cargo.toml", "[package\n"),
        ]);
        let found: Vec<String> = packages(&tree).iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.what)).collect();
        assert!(
            found.contains(&"crates/hub-store/Cargo.toml:2: package `store` is in the folder `hub-store`".to_owned())
        );
        assert!(found.contains(&"crates/hub-store/Cargo.toml:1: has no description".to_owned()));
        assert!(found.contains(&"crates/hub-empty/Cargo.toml:1: is missing".to_owned()));
        assert!(found.iter().any(|text| text.contains("hub-new") && text.contains("no row in the table")));
        assert!(found.iter().any(|text| text.contains("hub-api") && text.contains("is no TOML")));
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn the_table_names_only_crates_that_have_a_row() {
        for layer in LAYERS {
            let MayUse::Only(allowed) = layer.may_use else { continue };
            for name in allowed.iter().chain(layer.in_tests) {
                assert!(super::layer(name).is_some(), "{name}, which {} may use, has no row", layer.name);
            }
        }
    }
}
