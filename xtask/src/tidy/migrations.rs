//! The rule about migration names: the Supabase CLI applies the same files, orders them by their timestamp, and keeps the
//! timestamp as primary key.

use std::collections::BTreeMap;

use super::{Finding, Tree};

const FOLDER: &str = "migrations/";
/// `20261124090000`: year to second.
const TIMESTAMP_DIGITS: usize = 14;

/// Rule: `<14 digits>_<name in lower case>.sql`, each timestamp once.
pub fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for path in tree.paths().filter(|path| path.ends_with(".sql")) {
        let Some(name) = path.strip_prefix(FOLDER) else { continue };
        let Some(timestamp) = timestamp(name) else {
            findings.push(Finding {
                path: path.to_owned(),
                line: 1,
                what: "is not named like a migration".to_owned(),
                hint: "name it <14 digits>_<a_z_0_9>.sql, for example 20261124090000_runs.sql",
            });
            continue;
        };
        if let Some(other) = seen.insert(timestamp, path) {
            findings.push(Finding {
                path: path.to_owned(),
                line: 1,
                what: format!("has the timestamp of {other}"),
                hint: "give it a later timestamp: the timestamp is the migration's identity",
            });
        }
    }
    findings
}

fn timestamp(name: &str) -> Option<&str> {
    let (timestamp, rest) = name.strip_suffix(".sql")?.split_once('_')?;
    let is_timestamp = timestamp.len() == TIMESTAMP_DIGITS && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let is_name =
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    (is_timestamp && is_name).then_some(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names() {
        let tree = Tree::of(&[
            ("migrations/20261124090000_schemas.sql", ""),
            ("migrations/20261124090100_runs_2.sql", ""),
            ("migrations/README.md", ""),
            ("crates/a/seed.sql", ""),
        ]);
        assert_eq!(names(&tree), []);
    }

    #[test]
    fn bad_names() {
        for name in [
            "001_init.sql",
            "20261124090000.sql",
            "20261124090000_.sql",
            "20261124090000_Runs.sql",
            "2026112409000x_a.sql",
            "20261124090000_a-b.sql",
            "old/20261124090000_a.sql",
        ] {
            let found = names(&Tree::of(&[(&format!("migrations/{name}"), "")]));
            assert_eq!(found.len(), 1, "{name}");
        }
    }

    #[test]
    fn a_timestamp_is_used_once() {
        let tree = Tree::of(&[("migrations/20261124090000_a.sql", ""), ("migrations/20261124090000_b.sql", "")]);
        let found = names(&tree);
        assert_eq!(found.len(), 1);
        assert!(
            found.iter().all(|f| f.path.ends_with("_b.sql") && f.what.ends_with("migrations/20261124090000_a.sql"))
        );
    }
}
