//! The files of the workspace, read once.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold what tools made.
const MADE_BY_TOOLS: &[&str] = &["target", "node_modules", "__pycache__"];
/// Hidden folders that are part of the project; every other one belongs to a tool.
const OURS_THOUGH_HIDDEN: &[&str] = &[".ci", ".cargo", ".config", ".github"];

/// Every file by its path from the root, with `/`; the text is missing where a file is not UTF-8.
pub struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads all files below a folder, without what tools made.
    ///
    /// # Errors
    /// A folder or file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        read_folder(root, "", &mut files)?;
        Ok(Self { files })
    }

    /// A tree of texts, for the tests of rules.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned()))).collect();
        Self { files }
    }

    /// Every path, text or not.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Every file that is text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Every Rust file.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// The names of the folders directly below `crates/`, in order.
    pub fn crates(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .paths()
            .filter_map(|path| path.strip_prefix("crates/")?.split_once('/').map(|(name, _)| name))
            .collect();
        names.dedup();
        names
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Option<String>>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(|| format!("cannot read {path}"))?;
        if kind.is_dir() {
            if !belongs_to_a_tool(&name) {
                read_folder(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.insert(path, String::from_utf8(bytes).ok());
        }
    }
    Ok(())
}

fn belongs_to_a_tool(name: &str) -> bool {
    MADE_BY_TOOLS.contains(&name) || (name.starts_with('.') && !OURS_THOUGH_HIDDEN.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_ours_and_nothing_that_tools_made() {
        let root = tempfile::tempdir().unwrap();
        for (path, bytes) in [
            ("crates/one/src/lib.rs", &b"//! One.\n"[..]),
            ("crates/two/Cargo.toml", b"[package]\n"),
            (".ci/run", b"#!/bin/sh\n"),
            (".git/HEAD", b"ref\n"),
            ("target/debug/x.rs", b"x\n"),
            ("tests/node_modules/y/z.js", b"z\n"),
            ("sample/utf16.txt", b"\xff\xfea\0"),
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let tree = Tree::read(root.path()).unwrap();
        let paths: Vec<&str> = tree.paths().collect();
        assert_eq!(paths, [".ci/run", "crates/one/src/lib.rs", "crates/two/Cargo.toml", "sample/utf16.txt"]);
        assert_eq!(tree.crates(), ["one", "two"]);
        assert_eq!(tree.text("crates/one/src/lib.rs"), Some("//! One.\n"));
        assert_eq!(tree.text("sample/utf16.txt"), None);
        assert_eq!(tree.rust().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(Tree::read(Path::new("/no/such/folder")).is_err());
    }
}
