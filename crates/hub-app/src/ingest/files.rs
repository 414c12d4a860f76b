//! The files that a command names: folders are walked, names are made distinct, contents are digested.

use std::{
    collections::HashMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use hub_domain::ContentHash;

use crate::AppError;

/// A folder with more files than this is not a report folder; the user meant another.
const MAX_FILES: usize = 100_000;

/// One file to read.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// As the user named it, for messages.
    pub shown: String,
    /// Its name within the command: the file's own name, with as many folders before it as make it distinct.
    pub name: String,
}

/// What identifies a file's content.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    /// BLAKE3 of its bytes.
    pub hash: ContentHash,
    /// How many bytes.
    pub bytes: u64,
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> AppError + '_ {
    |source| AppError::File { path: path.to_owned(), source }
}

/// Lists the files behind paths, folders walked in the order of names. Symbolic links inside folders are not followed.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<File>, AppError> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(failed(path))?;
        if kind.is_dir() {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let names = distinct(&found);
    Ok(found
        .into_iter()
        .zip(names)
        .map(|(path, name)| File { shown: path.display().to_string(), path, name })
        .collect())
}

fn walk(top: &Path, found: &mut Vec<PathBuf>) -> Result<(), AppError> {
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed(&folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(failed(&folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
            if found.len() > MAX_FILES {
                return Err(AppError::Argument {
                    what: top.display().to_string(),
                    rule: format!("a folder may hold at most {MAX_FILES} files"),
                });
            }
        }
    }
    Ok(())
}

/// The shortest distinct endings of paths, with `/` between their parts.
fn distinct(paths: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> =
        paths.iter().map(|p| p.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect()).collect();
    let ending = |parts: &[String], n: usize| {
        let from = parts.len().saturating_sub(n);
        parts.iter().skip(from).map(String::as_str).collect::<Vec<_>>().join("/")
    };
    let deepest = parts.iter().map(Vec::len).max().unwrap_or(1);
    let mut names: Vec<String> = parts.iter().map(|p| ending(p, 1)).collect();
    for n in 2..=deepest {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for name in &names {
            *seen.entry(name).or_default() += 1;
        }
        let twice: Vec<usize> =
            names.iter().enumerate().filter(|(_, name)| seen[name.as_str()] > 1).map(|(i, _)| i).collect();
        for i in twice {
            names[i] = ending(&parts[i], n);
        }
    }
    names
}

/// Digests a file without holding it in memory.
pub fn digest(path: &Path) -> Result<Digest, AppError> {
    let mut file = fs::File::open(path).map_err(failed(path))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer).map_err(failed(path))?;
        if n == 0 {
            return Ok(Digest { hash: ContentHash(*hasher.finalize().as_bytes()), bytes });
        }
        bytes += n as u64;
        if let Some(read) = buffer.get(..n) {
            hasher.update(read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let paths = ["a/TEST-x.xml", "b/TEST-x.xml", "c/y.xml"].map(PathBuf::from);
        assert_eq!(distinct(&paths), ["a/TEST-x.xml", "b/TEST-x.xml", "y.xml"]);
        assert_eq!(distinct(&["x.xml".into()]), ["x.xml"]);
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.xml", "a.xml", "sub/c.xml"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        let names: Vec<String> = expand(&[dir.path().to_owned()]).unwrap().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a.xml", "b.xml", "c.xml"]);
        let missing = expand(&[dir.path().join("none")]).unwrap_err();
        assert_eq!(missing.code().id, "HUB-1015");
    }
}
