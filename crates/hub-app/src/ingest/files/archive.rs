//! A ZIP archive as a folder of files. Members are read where they are and never written anywhere, so a name cannot lead
//! out of a folder; one that tries is refused all the same, because whoever unpacks the archive by hand would be caught.

use std::{
    collections::HashSet,
    fmt, fs,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use hub_domain::codes;
use zip::ZipArchive;

use super::content::Refusal;

/// Members of one archive: as many as a folder may have files.
const MAX_MEMBERS: usize = super::MAX_FILES;

/// An open archive.
pub struct Archive {
    zip: ZipArchive<Shared>,
    names: Vec<Member>,
}

/// A member as the archive lists it.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its number in the archive.
    pub index: usize,
    /// Its path in the archive, with `/` between its parts.
    pub name: String,
    /// Why it is not read.
    pub refusal: Option<Refusal>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("members", &self.names.len()).finish_non_exhaustive()
    }
}

/// Whether a file begins as a ZIP archive does.
pub fn is_archive(path: &Path) -> bool {
    // A pipe would wait for its writer.
    if !fs::metadata(path).is_ok_and(|kind| kind.is_file()) {
        return false;
    }
    let mut magic = [0; 4];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && matches!(&magic, b"PK\x03\x04" | b"PK\x05\x06")
}

impl Archive {
    /// Opens an archive and lists its members.
    ///
    /// # Errors
    /// It is damaged, is an Office document, or its members overlap as only a bomb's do.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let file = fs::File::open(path).map_err(|error| Refusal::of(&error))?;
        let packed = file.metadata().map_err(|error| Refusal::of(&error))?.len();
        let damaged = |error: &dyn fmt::Display| {
            Refusal::new(&codes::ARCHIVE_DAMAGED, format!("the archive cannot be listed: {error}"))
        };
        let mut zip = ZipArchive::new(Shared::new(file)).map_err(|error| damaged(&error))?;
        if zip.len() > MAX_MEMBERS {
            let message = format!("the archive has {} members, at most {MAX_MEMBERS} are read", zip.len());
            return Err(Refusal::new(&codes::ARCHIVE_BOMB, message));
        }
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        let mut sum = 0_u64;
        for index in 0..zip.len() {
            let member = zip.by_index_raw(index).map_err(|error| damaged(&error))?;
            sum = sum.saturating_add(member.compressed_size());
            if member.is_dir() {
                continue;
            }
            let name = member.name().map_err(|error| damaged(&error))?.replace('\\', "/");
            let refusal = if member.is_symlink() {
                Some(Refusal::new(&codes::UNSAFE_PATH, "a symbolic link in an archive is not followed"))
            } else if leads_out(&name) {
                Some(Refusal::new(&codes::UNSAFE_PATH, "a path that leads out of the archive is not read"))
            } else if member.encrypted() {
                Some(Refusal::new(&codes::ARCHIVE_DAMAGED, "it is encrypted"))
            } else if !seen.insert(name.clone()) {
                Some(Refusal::new(&codes::ARCHIVE_DAMAGED, "the archive has this path twice; the first one is read"))
            } else {
                None
            };
            names.push(Member { index, name: shown(&name), refusal });
        }
        if sum > packed {
            let message = "its members share the same bytes, which only a bomb's do";
            return Err(Refusal::new(&codes::ARCHIVE_BOMB, message));
        }
        if names.iter().any(|member| member.name == "[Content_Types].xml") {
            let message = "it is an Office document: save the sheet as CSV";
            return Err(Refusal::new(&codes::NOT_A_REPORT, message));
        }
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { zip, names })
    }

    /// Its members in the order of their names, folders left out.
    pub fn members(&self) -> &[Member] {
        &self.names
    }

    /// Hands the bytes of a member to `read`, with how many they are packed into.
    ///
    /// # Errors
    /// The member cannot be opened.
    pub fn with<T>(&self, index: usize, read: impl FnOnce(&mut dyn Read, u64) -> T) -> Result<T, Refusal> {
        // The list of members is shared, so a copy costs nothing.
        let mut zip = self.zip.clone();
        let mut member = zip.by_index(index).map_err(|error| {
            Refusal::new(&codes::ARCHIVE_DAMAGED, format!("the archive's member cannot be opened: {error}"))
        })?;
        let packed = member.compressed_size();
        Ok(read(&mut member, packed))
    }
}

/// Whether a path of an archive leads anywhere but below the archive.
fn leads_out(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.starts_with('/') || drive || name.contains('\0') || name.split('/').any(|part| part == "..")
}

/// A name for messages: one line, at most 1,000 characters.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(1_000).collect()
}

/// One open file that several readers share, each with its own place.
#[derive(Clone)]
struct Shared {
    file: Arc<Mutex<fs::File>>,
    at: u64,
}

impl Shared {
    fn new(file: fs::File) -> Self {
        Self { file: Arc::new(Mutex::new(file)), at: 0 }
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let count = file.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A place relative to the present one is this reader's, not the file's.
        self.at = match to {
            SeekFrom::Current(by) => {
                file.seek(SeekFrom::Start(self.at))?;
                file.seek(SeekFrom::Current(by))?
            }
            SeekFrom::Start(_) | SeekFrom::End(_) => file.seek(to)?,
        };
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(fill: impl FnOnce(&mut ZipWriter<fs::File>)) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(fs::File::create(&path).unwrap());
        fill(&mut zip);
        zip.finish().unwrap();
        (dir, path)
    }

    fn add(zip: &mut ZipWriter<fs::File>, name: &str, bytes: &[u8]) {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }

    #[test]
    fn members_are_read_and_dangerous_ones_refused() {
        let (_dir, path) = archive(|zip| {
            add(zip, "b/x.xml", b"<testsuites/>");
            add(zip, "../../etc/x.xml", b"<testsuites/>");
            add(zip, "/abs.xml", b"<testsuites/>");
            add(zip, "C:\\win.xml", b"<testsuites/>");
            add(zip, "a\\y.xml", b"<testsuite/>");
            zip.add_directory("d", SimpleFileOptions::default()).unwrap();
            zip.add_symlink("link.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        });
        assert!(is_archive(&path));
        let archive = Archive::open(&path).unwrap();
        let refused: Vec<_> =
            archive.members().iter().filter(|m| m.refusal.is_some()).map(|m| m.name.as_str()).collect();
        assert_eq!(refused, ["../../etc/x.xml", "/abs.xml", "C:/win.xml", "link.xml"]);
        assert!(archive.members().iter().filter_map(|m| m.refusal.as_ref()).all(|r| r.code.id == "HUB-1023"));
        let sound: Vec<_> = archive.members().iter().filter(|m| m.refusal.is_none()).collect();
        assert_eq!(sound.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["a/y.xml", "b/x.xml"]);
        let text = archive.with(sound[1].index, |read, _| io::read_to_string(read).unwrap()).unwrap();
        assert_eq!(text, "<testsuites/>");
    }

    #[test]
    fn a_cut_archive_an_office_document_and_shared_bytes_are_refused() {
        let (_dir, path) = archive(|zip| add(zip, "x.xml", &[b'x'; 10_000]));
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(Archive::open(&path).unwrap_err().code.id, "HUB-1022");
        let (_dir, path) = archive(|zip| add(zip, "[Content_Types].xml", b"<Types/>"));
        let refusal = Archive::open(&path).unwrap_err();
        assert_eq!((refusal.code.id, refusal.message.contains("CSV")), ("HUB-1001", true));
        // Two entries of the directory that point to one member: the seed of a bomb without nesting.
        let random: Vec<u8> = (0..10_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        let (_dir, path) = archive(|zip| {
            zip.start_file("a", SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
                .unwrap();
            zip.write_all(&random).unwrap();
        });
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.len() - 22;
        let start = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) as usize;
        let mut twin = bytes[start..end].to_vec();
        *twin.last_mut().unwrap() = b'b';
        let length = u32::try_from(twin.len() * 2).unwrap();
        bytes.splice(end..end, twin);
        let end = bytes.len() - 22;
        bytes[end + 8..end + 10].copy_from_slice(&2_u16.to_le_bytes());
        bytes[end + 10..end + 12].copy_from_slice(&2_u16.to_le_bytes());
        bytes[end + 12..end + 16].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, &bytes).unwrap();
        assert_eq!(Archive::open(&path).unwrap_err().code.id, "HUB-1021");
    }
}
