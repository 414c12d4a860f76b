//! The files that a command names: folders and archives are walked, patterns expanded, standard input kept aside. What is
//! found by walking and is no report (a screenshot, a page, a log) is passed over and counted; what the user named, and
//! what should be a report and holds nothing, is read and told.

mod archive;
mod content;
mod names;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use hub_domain::{ContentHash, Problem, Severity, codes, problem::Position};
use hub_formats::{Look, Options};
use serde::Serialize;

pub use archive::Archive;
pub use content::{Content, Digest, Refusal};

use crate::AppError;

/// A folder with more files than this is not a report folder; the user meant another.
const MAX_FILES: usize = 100_000;

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// One report to read: a file, or the files of a folder that are one report together.
#[derive(Debug, Clone)]
pub struct File {
    /// As the user named it, for messages.
    pub shown: String,
    /// Its name within the run: the file's own, with as many folders before it as tell it from the others.
    pub name: String,
    /// Its absolute path: another path is another file, whatever it is called.
    pub origin: String,
    /// What it holds, in the order of reading; seldom more than one.
    pub parts: Vec<Part>,
    /// Whether the user named it, and not a folder or archive around it.
    pub named: bool,
}

/// One file of a report.
#[derive(Debug, Clone)]
pub struct Part {
    /// As messages name it.
    pub shown: String,
    /// What it holds.
    pub content: Content,
}

/// What a command's paths lead to.
#[derive(Debug, Default)]
pub struct Listing {
    /// What is read.
    pub files: Vec<File>,
    /// What is passed over.
    pub others: Others,
}

/// Files that were found by walking and are no reports.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Others {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub examples: Vec<Other>,
}

/// A file that is no report.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// The file.
    pub file: String,
    /// What it looks like, as a fragment.
    pub reason: String,
}

/// The most examples of files that are no reports.
const EXAMPLES: usize = 20;

impl Others {
    fn add(&mut self, file: String, reason: String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(Other { file, reason });
        }
    }
}

/// A file that was found, before it is known what it is.
struct Found {
    shown: String,
    origin: String,
    /// The folder or archive that it lies in, for files that are one report together.
    folder: (String, String),
    content: Content,
    /// Whether the user named it, and not a folder or archive around it.
    named: bool,
}

impl Found {
    /// What lies in a spool is known by its place there: the folder is another each time.
    fn leave(&mut self, spool: &Path) {
        let place = |path: &str| Path::new(path).strip_prefix(spool).ok().map(|place| place.display().to_string());
        if let Some(place) = place(&self.origin) {
            self.origin = format!("api:/{place}");
            self.shown = place;
        }
        if let Some(folder) = place(&self.folder.1) {
            self.folder = (folder.clone(), format!("api:/{folder}"));
        }
    }
}

impl File {
    /// Digests the report: a single file's bytes, or all of its files.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn digest(&self) -> Result<Digest, Refusal> {
        if let [part] = self.parts.as_slice() {
            return part.content.digest();
        }
        let mut hasher = blake3::Hasher::new();
        let mut bytes = 0;
        for part in &self.parts {
            let digest = part.content.digest()?;
            bytes += digest.bytes;
            hasher.update(part.shown.as_bytes()).update(&digest.hash.0);
        }
        Ok(Digest { hash: ContentHash(*hasher.finalize().as_bytes()), bytes })
    }
}

impl Refusal {
    /// The refusal as a problem of a file.
    pub fn problem(&self, file: &str) -> Problem {
        Problem {
            code: self.code,
            message: self.message.chars().take(300).collect(),
            position: Position { file: file.to_owned(), line: None, column: None },
            subject: None,
            severity: Severity::Fatal,
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> AppError + '_ {
    |source| AppError::File { path: path.to_owned(), source }
}

/// Lists what is behind paths, each file once, in the order of names. Symbolic links inside folders are not followed.
/// `recorded` are the origin and name of files that the run has already: an origin keeps its name, and a new one gets a
/// name of its own. A path that is not there is listed too; reading it says so.
///
/// # Errors
/// A folder that cannot be listed or holds too much, or standard input that cannot be read.
pub fn list(
    paths: &[PathBuf],
    recorded: &[(String, String)],
    options: &Options,
    spool: Option<&Path>,
) -> Result<Listing, AppError> {
    let mut listing = Listing::default();
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            found.push(standard_input(io::stdin().lock()).map_err(failed(path))?);
        } else if let Some(matches) = pattern(path)? {
            for path in matches {
                add(&path, false, &mut found, &mut listing.others)?;
            }
        } else {
            add(path, true, &mut found, &mut listing.others)?;
        }
    }
    if let Some(spool) = spool {
        found.iter_mut().for_each(|file| file.leave(spool));
    }
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.origin.clone()));
    listing.files = reports(found, options, &mut listing.others);
    let origins: Vec<String> = listing.files.iter().map(|file| file.origin.clone()).collect();
    for (file, name) in listing.files.iter_mut().zip(names::distinct(&origins, recorded)) {
        file.name = name;
    }
    Ok(listing)
}

/// Keeps what standard input holds in a file: it is read twice.
fn standard_input(mut input: impl Read) -> io::Result<Found> {
    let mut spool = tempfile::NamedTempFile::new()?;
    io::copy(&mut input, &mut spool)?;
    spool.flush()?;
    let content = Content::Spool(Arc::new(spool));
    // Two pipes are two reports, and the same one twice is one: it is known by what it holds.
    let digest = content.digest().map(|digest| digest.hash.short()).unwrap_or_else(|_| "damaged".to_owned());
    let name = format!("stdin-{digest}");
    let folder = (String::new(), String::new());
    Ok(Found { shown: "standard input".to_owned(), origin: name, folder, content, named: true })
}

/// The files that a pattern fits, in order; nothing where the path is none or is there as it is written.
fn pattern(path: &Path) -> Result<Option<Vec<PathBuf>>, AppError> {
    let Some(text) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else { return Ok(None) };
    if path.exists() {
        return Ok(None);
    }
    let rule = |rule: String| AppError::Argument { what: text.to_owned(), rule };
    let mut matches = Vec::new();
    for entry in glob::glob(text).map_err(|error| rule(format!("the pattern is wrong: {error}")))? {
        matches.push(entry.map_err(|error| failed(path)(error.into()))?);
        if matches.len() > MAX_FILES {
            return Err(rule(format!("a pattern may fit at most {MAX_FILES} files")));
        }
    }
    Ok((!matches.is_empty()).then_some(matches))
}

/// Adds a path: a folder's files, an archive's members, or the file itself.
fn add(path: &Path, named: bool, found: &mut Vec<Found>, others: &mut Others) -> Result<(), AppError> {
    if fs::metadata(path).is_ok_and(|kind| kind.is_dir()) {
        walk(path, found, others)
    } else {
        one(path, named, found);
        Ok(())
    }
}

fn walk(top: &Path, found: &mut Vec<Found>, others: &mut Others) -> Result<(), AppError> {
    let mut folders = vec![top.to_owned()];
    let before = found.len();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed(&folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(failed(&folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                one(&entry.path(), false, found);
            } else {
                others.add(entry.path().display().to_string(), "a symbolic link or device, not followed".to_owned());
            }
            if found.len() - before > MAX_FILES {
                return Err(AppError::Argument {
                    what: top.display().to_string(),
                    rule: format!("a folder may hold at most {MAX_FILES} files"),
                });
            }
        }
    }
    Ok(())
}

/// Adds a file, or the members of an archive.
fn one(path: &Path, named: bool, found: &mut Vec<Found>) {
    let absolute = fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    let (shown, origin) = (path.display().to_string(), absolute.display().to_string());
    let parent = |path: &Path| path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
    if !archive::is_archive(path) {
        let folder = (parent(path), parent(&absolute));
        found.push(Found { shown, origin, folder, content: Content::Path(path.to_owned()), named });
        return;
    }
    let archive = match Archive::open(path) {
        Ok(archive) => Arc::new(archive),
        Err(refusal) => {
            let folder = (parent(path), parent(&absolute));
            found.push(Found { shown, origin, folder, content: Content::Refused(refusal), named });
            return;
        }
    };
    for member in archive.members() {
        let place = |archive: &str| match member.name.rsplit_once('/') {
            Some((folder, _)) => format!("{archive}/{folder}"),
            None => archive.to_owned(),
        };
        found.push(Found {
            shown: format!("{shown}/{}", member.name),
            origin: format!("{origin}/{}", member.name),
            folder: (place(&shown), place(&origin)),
            content: match &member.refusal {
                Some(refusal) => Content::Refused(refusal.clone()),
                None => Content::Member(Arc::clone(&archive), member.index),
            },
            named: false,
        });
    }
}

/// Turns files into reports: what is none is passed over, and files that are one report together become one.
fn reports(found: Vec<Found>, options: &Options, others: &mut Others) -> Vec<File> {
    let mut files = Vec::new();
    let mut together: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for file in found {
        let look = match file.content.with(|read| hub_formats::look(read, options)) {
            Ok((Ok(look), _)) => Some(look),
            // Reading it again tells why it cannot be read.
            Ok((Err(_), _)) | Err(_) => None,
        };
        let (format, reason) = match look {
            Some(Look::Report(format)) => (Some(format), None),
            Some(Look::Other(reason)) => (None, Some(reason)),
            Some(Look::Nothing) | None => (None, None),
        };
        let mut content = file.content;
        if let Some(reason) = reason {
            let inside = matches!(content, Content::Member(..));
            if inside && is_packed(&content) && !is_trace(&content) {
                let message = "an archive inside an archive is not opened: unpack the outer one";
                content = Content::Refused(Refusal::new(&codes::NESTED_ARCHIVE, message));
            } else if !file.named {
                others.add(file.shown, reason);
                continue;
            }
        }
        let part = Part { shown: file.shown.clone(), content };
        if let Some(format) = format.filter(|format| format.spread) {
            let (shown, origin) = file.folder;
            let at = *together.entry((origin.clone(), format.name)).or_insert_with(|| {
                files.push(File { shown, name: String::new(), origin, parts: Vec::new(), named: false });
                files.len() - 1
            });
            if let Some(report) = files.get_mut(at) {
                report.parts.push(part);
            }
        } else {
            let (shown, origin, named) = (file.shown, file.origin, file.named);
            files.push(File { shown, name: String::new(), origin, parts: vec![part], named });
        }
    }
    files
}

/// Whether a member is an archive itself.
fn is_packed(content: &Content) -> bool {
    begins_with(content, |begin| begin.starts_with(b"PK\x03\x04") || begin.starts_with(&[0x1f, 0x8b]))
}

/// Whether a member is a Playwright trace, which is an archive and evidence, not a container of reports. Its first entry
/// is a trace or what belongs to one.
fn is_trace(content: &Content) -> bool {
    begins_with(content, |begin| {
        let length =
            begin.get(26..28).map_or(0, |bytes| bytes.iter().rev().fold(0, |sum, b| sum << 8 | usize::from(*b)));
        let name = begin.get(30..30 + length).unwrap_or_default();
        [b".trace".as_slice(), b".network", b".stacks"].iter().any(|end| name.ends_with(end))
            || name.starts_with(b"resources/")
    })
}

fn begins_with(content: &Content, is: impl FnOnce(&[u8]) -> bool) -> bool {
    let begin = content.with(|read| {
        let mut begin = Vec::new();
        read.take(512).read_to_end(&mut begin).map(|_| begin)
    });
    matches!(begin, Ok((Ok(begin), _)) if is(&begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn folders_are_walked_in_order_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["b.xml", "a.xml", "sub/c.xml"] {
            fs::write(dir.path().join(name), "<testsuites/>").unwrap();
        }
        fs::write(dir.path().join("shot.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        fs::write(dir.path().join("empty.xml"), "").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        let listing = list(&[dir.path().to_owned(), dir.path().join("a.xml")], &[], &Options::default(), None).unwrap();
        assert_eq!(names(&listing), ["a.xml", "b.xml", "empty.xml", "c.xml"]);
        assert_eq!(listing.others.count, 2);
        let missing = list(&[dir.path().join("none")], &[], &Options::default(), None).unwrap();
        assert_eq!(missing.files[0].digest().unwrap_err().code.id, "HUB-1015");
        let named = list(&[dir.path().join("shot.png")], &[], &Options::default(), None).unwrap();
        assert_eq!(names(&named), ["shot.png"], "what the user names is read and told");
    }

    #[test]
    fn patterns_are_expanded_where_the_shell_did_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.xml", "b.xml", "c.txt"] {
            fs::write(dir.path().join(name), "<testsuites/>").unwrap();
        }
        assert_eq!(
            names(&list(&[dir.path().join("*.xml")], &[], &Options::default(), None).unwrap()),
            ["a.xml", "b.xml"]
        );
        let none = list(&[dir.path().join("*.json")], &[], &Options::default(), None).unwrap();
        assert_eq!(none.files[0].digest().unwrap_err().code.id, "HUB-1015");
        assert!(list(&[dir.path().join("[")], &[], &Options::default(), None).is_err());
    }

    #[test]
    fn standard_input_is_known_by_what_it_holds() {
        let one = standard_input(b"<testsuites/>".as_slice()).unwrap();
        let two = standard_input(b"<testsuites/>".as_slice()).unwrap();
        assert_eq!(one.origin, two.origin);
        assert_ne!(one.origin, standard_input(b"<testsuite/>".as_slice()).unwrap().origin);
        assert_eq!(one.content.digest().unwrap().bytes, 13);
    }
}
