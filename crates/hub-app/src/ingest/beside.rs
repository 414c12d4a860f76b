//! What lies beside a report: the files that it names as attachments. A report is written by whoever ran the tests, so a path in
//! it is a claim: it is looked for inside the folder that was handed over and nowhere else.

use std::{
    fs,
    io::{Read, Seek as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::files::{Archive, Content, File, Refusal};

/// A file beside a report, open.
pub struct Opened {
    /// Its bytes.
    pub reader: Box<dyn Read + Send>,
    /// Where it lies on this machine; nothing where it lies inside another file.
    pub origin: Option<PathBuf>,
}

/// Why a file beside a report cannot be had.
#[derive(Debug)]
pub enum Absent {
    /// It is not there.
    Missing,
    /// It may not be taken.
    Refused(&'static str),
    /// The machine cannot read it.
    Unreadable(std::io::Error),
}

/// The surroundings of a report. Opened more than once: to learn what a file is, and to store it.
pub trait Beside: Send + Sync {
    /// Opens the file that the report names.
    ///
    /// # Errors
    /// [`Absent`]
    fn open(&self, named: &str) -> Result<Opened, Absent>;
}

/// The surroundings of a report among what was handed over.
#[must_use]
pub fn of(handed_over: &[PathBuf], report: &File) -> Arc<dyn Beside> {
    match report.parts.first().map(|part| &part.content) {
        Some(Content::Path(path)) => Arc::new(Folder::of(handed_over, path)),
        Some(Content::Member(archive, index)) => Arc::new(Archived::of(Arc::clone(archive), *index)),
        Some(Content::Spool(_) | Content::Refused(_)) | None => Arc::new(Nowhere),
    }
}

/// A report that nothing lies beside: it came on standard input.
#[derive(Debug)]
struct Nowhere;

impl Beside for Nowhere {
    fn open(&self, _: &str) -> Result<Opened, Absent> {
        Err(Absent::Missing)
    }
}

/// A report in an archive: what lies beside it are the archive's other members.
#[derive(Debug)]
struct Archived {
    archive: Arc<Archive>,
    /// The folders of the archive in which the report lies.
    inner: Vec<String>,
}

impl Archived {
    fn of(archive: Arc<Archive>, report: usize) -> Self {
        let name = archive.members().iter().find(|member| member.index == report).map(|member| member.name.as_str());
        let mut inner: Vec<String> = name.unwrap_or_default().split('/').map(str::to_owned).collect();
        inner.pop();
        Self { archive, inner }
    }
}

impl Beside for Archived {
    fn open(&self, named: &str) -> Result<Opened, Absent> {
        let leaves = relative(&named.replace('\\', "/")).is_some_and(|(ups, _)| ups > self.inner.len());
        for place in candidates(named, None, &self.inner)? {
            let name = place.join("/");
            let Some(member) = self.archive.members().iter().find(|member| member.name == name) else { continue };
            if member.refusal.is_some() {
                return Err(Absent::Refused(
                    "the archive's member is a link, is encrypted, or leads out of the archive",
                ));
            }
            return unpacked(&Content::Member(Arc::clone(&self.archive), member.index));
        }
        if leaves { Err(Absent::Refused("its path leads out of the archive")) } else { Err(Absent::Missing) }
    }
}

/// A member, unpacked into a file without a name that goes when it is closed: it is read more than once and from any place.
fn unpacked(content: &Content) -> Result<Opened, Absent> {
    let broken = |refusal: Refusal| Absent::Unreadable(refusal.into());
    let mut file = tempfile::tempfile().map_err(Absent::Unreadable)?;
    let (copied, refusal) = content.with(|read| std::io::copy(read, &mut file)).map_err(broken)?;
    if let Some(refusal) = refusal {
        return Err(broken(refusal));
    }
    copied.and_then(|_| file.rewind()).map_err(Absent::Unreadable)?;
    Ok(Opened { reader: Box::new(file), origin: None })
}

/// A report in a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    /// What was handed over, without links in it. Nothing outside is ever opened.
    root: PathBuf,
    /// The folders below the root in which the report lies.
    inner: Vec<String>,
}

impl Folder {
    /// The surroundings of a report among what was handed over: the folder that holds it, or its own where it was named itself.
    #[must_use]
    pub fn of(handed_over: &[PathBuf], report: &Path) -> Self {
        let report = fs::canonicalize(report).unwrap_or_else(|_| report.to_owned());
        let own = report.parent().map(Path::to_owned).unwrap_or_default();
        let folders = handed_over.iter().filter_map(|path| fs::canonicalize(path).ok()).filter(|path| path.is_dir());
        // The innermost: whoever names a folder twice means the nearer one.
        let root = folders.filter(|folder| own.starts_with(folder)).max_by_key(|folder| folder.components().count());
        let root = root.unwrap_or_else(|| own.clone());
        let inner = own.strip_prefix(&root).map(segments_of).unwrap_or_default();
        Self { root, inner }
    }

    /// Opens a place below the root without following a link.
    fn open_place(&self, place: &[String]) -> Result<Opened, Absent> {
        let mut path = self.root.clone();
        for (index, part) in place.iter().enumerate() {
            path.push(part);
            let kind = match fs::symlink_metadata(&path) {
                Ok(found) => found.file_type(),
                Err(error) => return Err(absent(error)),
            };
            if kind.is_symlink() {
                return Err(Absent::Refused("a link stands in its path, and links are not followed"));
            }
            let is_last = index + 1 == place.len();
            if is_last && kind.is_dir() {
                return Err(Absent::Refused("it is a folder"));
            }
            if is_last && !kind.is_file() {
                return Err(Absent::Refused("it is a device, a pipe or a socket"));
            }
        }
        let file = fs::File::open(&path).map_err(absent)?;
        // Where the folder changed under the eyes of this, what is open is not what was looked at.
        let resolved = fs::canonicalize(&path).map_err(absent)?;
        if resolved != path || !file.metadata().map_err(absent)?.is_file() {
            return Err(Absent::Refused("its folder changed while it was opened"));
        }
        Ok(Opened { reader: Box::new(file), origin: Some(path) })
    }
}

impl Beside for Folder {
    fn open(&self, named: &str) -> Result<Opened, Absent> {
        let leaves = relative(&named.replace('\\', "/")).is_some_and(|(ups, _)| ups > self.inner.len());
        for place in candidates(named, Some(&self.root), &self.inner)? {
            match self.open_place(&place) {
                Err(Absent::Missing) => {}
                found => return found,
            }
        }
        if leaves { Err(Absent::Refused("its path leads out of the folder")) } else { Err(Absent::Missing) }
    }
}

/// The places below what was handed over that a name may mean, the likeliest first. `root` is where that lies, if it lies in
/// a folder; `inner` are the folders below it in which the report lies.
fn candidates(named: &str, root: Option<&Path>, inner: &[String]) -> Result<Vec<Vec<String>>, Absent> {
    let named = named.replace('\\', "/");
    if named.chars().any(char::is_control) {
        return Err(Absent::Refused("its path holds a control character"));
    }
    let named = named.strip_prefix("file://").unwrap_or(&named);
    let drive = named.as_bytes().get(1) == Some(&b':') && named.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if named.starts_with('/') || drive {
        // A tool may name a file by its whole path. Inside of what was handed over it is as good as any other name.
        let inside = root.and_then(|root| Path::new(named).strip_prefix(root).ok());
        let inside = inside.filter(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))));
        return match inside.map(segments_of) {
            Some(place) if !place.is_empty() && !drive => Ok(vec![place]),
            Some(_) | None => Err(Absent::Refused("its path is absolute and leads out of the folder")),
        };
    }
    let (ups, rest) = relative(named).ok_or(Absent::Refused("its path leads out of the folder"))?;
    if rest.is_empty() {
        return Err(Absent::Refused("its path names no file"));
    }
    let mut candidates = Vec::new();
    // Beside the report, and from the top: some tools write paths as seen from where they were started.
    if let Some(depth) = inner.len().checked_sub(ups) {
        candidates.push(inner.iter().take(depth).cloned().chain(rest.iter().cloned()).collect());
        candidates.push(rest.clone());
    } else {
        // The path leads out as the report's own folder was another on the tool's machine: Playwright writes
        // `../../test-results/x.png` where the folder handed over is `test-results`. Its end is looked for inside.
        for skip in 0..rest.len() {
            candidates.push(rest.iter().skip(skip).cloned().collect());
        }
    }
    Ok(candidates)
}

fn absent(error: std::io::Error) -> Absent {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    let missing = matches!(error.kind(), NotFound | NotADirectory | InvalidFilename);
    if missing { Absent::Missing } else { Absent::Unreadable(error) }
}

fn segments_of(path: &Path) -> Vec<String> {
    path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
}

/// A relative path without `.` and inner `..`: how many folders it goes up first, and the rest. Nothing where it cannot be one.
fn relative(path: &str) -> Option<(usize, Vec<String>)> {
    if path.starts_with('/') {
        return None;
    }
    let (mut ups, mut rest) = (0, Vec::new());
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part != ".." {
            rest.push(part.to_owned());
        } else if rest.pop().is_none() {
            ups += 1;
        }
    }
    Some((ups, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree {
        dir: tempfile::TempDir,
    }

    impl Tree {
        /// `run/reports/junit.xml` with files around it, and a secret outside of `run`.
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            for path in
                ["run/reports/junit.xml", "run/reports/near.png", "run/shots/far.png", "run/top.png", "secret.txt"]
            {
                let path = dir.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, path.file_name().unwrap().to_str().unwrap()).unwrap();
            }
            Self { dir }
        }

        fn folder(&self) -> Folder {
            let run = self.dir.path().join("run");
            Folder::of(std::slice::from_ref(&run), &run.join("reports/junit.xml"))
        }

        fn found(&self, named: &str) -> String {
            match self.folder().open(named) {
                Ok(mut opened) => {
                    let mut text = String::new();
                    opened.reader.read_to_string(&mut text).unwrap();
                    text
                }
                Err(Absent::Missing) => "missing".to_owned(),
                Err(Absent::Refused(why)) => format!("refused: {why}"),
                Err(Absent::Unreadable(error)) => format!("unreadable: {error}"),
            }
        }
    }

    #[test]
    fn what_lies_inside_is_found_as_tools_name_it() {
        let tree = Tree::new();
        let absolute = tree.dir.path().canonicalize().unwrap().join("run/shots/far.png");
        for (named, expect) in [
            ("near.png", "near.png"),
            ("./near.png", "near.png"),
            ("../shots/far.png", "far.png"),
            ("..\\shots\\far.png", "far.png"),
            ("shots/far.png", "far.png"),
            ("x/../near.png", "near.png"),
            ("../../../elsewhere/shots/far.png", "far.png"),
            ("../../../top.png", "top.png"),
            (absolute.to_str().unwrap(), "far.png"),
            ("none.png", "missing"),
            ("near.png/x", "missing"),
        ] {
            assert_eq!(tree.found(named), expect, "{named}");
        }
    }

    #[test]
    fn what_lies_outside_is_refused_and_never_opened() {
        let tree = Tree::new();
        let outside = tree.dir.path().join("secret.txt");
        for named in [
            "../../secret.txt",
            "..\\..\\secret.txt",
            "x/../../../secret.txt",
            "/etc/passwd",
            "file:///etc/passwd",
            "C:\\Windows\\win.ini",
            "..",
            "",
            ".",
            "near.png\0",
            outside.to_str().unwrap(),
            &format!("{}/run/../secret.txt", tree.dir.path().display()),
        ] {
            let found = tree.found(named);
            assert!(found.starts_with("refused"), "{named}: {found}");
        }
    }

    #[test]
    fn links_and_devices_are_refused_also_where_they_lead_inside() {
        let tree = Tree::new();
        let run = tree.dir.path().join("run");
        std::os::unix::fs::symlink(tree.dir.path().join("secret.txt"), run.join("reports/link.txt")).unwrap();
        std::os::unix::fs::symlink(run.join("top.png"), run.join("reports/inside.png")).unwrap();
        std::os::unix::fs::symlink("/etc", run.join("reports/etc")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(run.join("reports/socket")).unwrap();
        for named in ["link.txt", "inside.png", "etc/passwd", "socket", "../reports"] {
            let found = tree.found(named);
            assert!(found.starts_with("refused"), "{named}: {found}");
        }
    }

    #[test]
    fn a_report_named_alone_has_its_own_folder_around_it() {
        let tree = Tree::new();
        let report = tree.dir.path().join("run/reports/junit.xml");
        let folder = Folder::of(std::slice::from_ref(&report), &report);
        assert!(folder.open("near.png").is_ok());
        assert!(matches!(folder.open("../shots/far.png"), Err(Absent::Refused(_))));
    }
}
