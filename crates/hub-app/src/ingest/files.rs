//! The files that a command names: folders are walked, names are made distinct, contents are digested.

use std::{
    collections::{HashMap, HashSet},
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
    /// Its name within the run: the file's own, with as many folders before it as tell it from the others.
    pub name: String,
    /// Its absolute path: another path is another file, whatever it is called.
    pub origin: String,
}

impl File {
    /// Where it is on this machine, in full.
    pub fn path_text(&self) -> String {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone()).display().to_string()
    }
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

/// Lists the files behind paths, each once, folders walked in the order of names. Symbolic links inside folders are not
/// followed. `recorded` are the path and name of files that the run has already: a path keeps its name, and a new path
/// gets a name of its own. A path that is not there is listed too; reading it says so.
pub fn expand(paths: &[PathBuf], recorded: &[(String, String)], spool: Option<&Path>) -> Result<Vec<File>, AppError> {
    let mut found = Vec::new();
    for path in paths {
        if fs::metadata(path).is_ok_and(|kind| kind.is_dir()) {
            walk(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    let mut seen = HashSet::new();
    let mut files: Vec<(PathBuf, String)> = Vec::with_capacity(found.len());
    for path in found {
        let absolute = fs::canonicalize(&path).or_else(|_| std::path::absolute(&path)).unwrap_or_else(|_| path.clone());
        // What lies in a spool is known by its place there: the folder is another each time.
        let place = spool.and_then(|spool| absolute.strip_prefix(spool).ok());
        let origin = place.map_or_else(|| absolute.display().to_string(), |place| format!("api:/{}", place.display()));
        if seen.insert(origin.clone()) {
            files.push((path, origin));
        }
    }
    let names = distinct(&files, recorded);
    Ok(files
        .into_iter()
        .zip(names)
        .map(|((path, origin), name)| {
            let shown = origin.strip_prefix("api:/").filter(|_| spool.is_some()).map(str::to_owned);
            File { shown: shown.unwrap_or_else(|| path.display().to_string()), path, name, origin }
        })
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

/// The shortest distinct endings of paths, with `/` between their parts. A path on record keeps its name.
fn distinct(files: &[(PathBuf, String)], recorded: &[(String, String)]) -> Vec<String> {
    let ending = |path: &Path, n: usize| {
        let parts: Vec<String> = path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        parts.get(parts.len().saturating_sub(n)..).unwrap_or_default().join("/")
    };
    let known: HashMap<&str, &str> = recorded.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect();
    let taken: HashSet<&str> = recorded.iter().map(|(_, name)| name.as_str()).collect();
    let free: Vec<bool> = files.iter().map(|(_, origin)| !known.contains_key(origin.as_str())).collect();
    let name = |(_, origin): &(PathBuf, String)| {
        known.get(origin.as_str()).map_or_else(|| ending(Path::new(origin), 1), |name| (*name).to_owned())
    };
    let mut names: Vec<String> = files.iter().map(name).collect();
    let deepest = files.iter().map(|(_, origin)| Path::new(origin).components().count()).max().unwrap_or(1);
    for n in 2..=deepest {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for name in &names {
            *seen.entry(name).or_default() += 1;
        }
        let clashes = |i: &usize| free[*i] && (seen[names[*i].as_str()] > 1 || taken.contains(names[*i].as_str()));
        let again: Vec<usize> = (0..names.len()).filter(clashes).collect();
        for i in again {
            names[i] = ending(Path::new(&files[i].1), n);
        }
    }
    names
}

/// Digests a file without holding it in memory.
pub fn digest(path: &Path) -> Result<Digest, std::io::Error> {
    // A pipe has no end to wait for and cannot be read a second time.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file: write what it holds into one first"));
    }
    let mut file = fs::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer)?;
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

    fn named(paths: &[&str], recorded: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = paths.iter().map(|p| (PathBuf::from(p), (*p).to_owned())).collect();
        let recorded: Vec<_> = recorded.iter().map(|(p, n)| ((*p).to_owned(), (*n).to_owned())).collect();
        distinct(&files, &recorded)
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        assert_eq!(named(&["/a/x.xml", "/b/x.xml", "/c/y.xml"], &[]), ["a/x.xml", "b/x.xml", "y.xml"]);
        assert_eq!(named(&["/a/x.xml"], &[]), ["x.xml"]);
    }

    #[test]
    fn another_path_is_another_file_and_the_same_path_keeps_its_name() {
        let first = [("/shard1/x.xml", "x.xml")];
        assert_eq!(named(&["/shard2/x.xml"], &first), ["shard2/x.xml"]);
        assert_eq!(named(&["/shard1/x.xml"], &first), ["x.xml"]);
        let both = [("/a/x.xml", "a/x.xml"), ("/b/x.xml", "b/x.xml")];
        assert_eq!(named(&["/a/x.xml"], &both), ["a/x.xml"]);
        assert_eq!(named(&["/b/x.xml", "/c/x.xml"], &both), ["b/x.xml", "x.xml"]);
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.xml", "a.xml", "sub/c.xml"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        let names: Vec<String> = expand(&[dir.path().to_owned(), dir.path().join("a.xml")], &[], None)
            .unwrap()
            .into_iter()
            .map(|f| f.name)
            .collect();
        assert_eq!(names, ["a.xml", "b.xml", "c.xml"]);
        let missing = expand(&[dir.path().join("none")], &[], None).unwrap();
        assert!(digest(&missing[0].path).is_err());
        assert!(digest(dir.path()).unwrap_err().to_string().contains("regular file"));
    }
}
