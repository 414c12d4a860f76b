//! What a file holds, wherever it lies: on disk, in an archive, or handed over on standard input. It is opened as often as
//! it is read, streamed, and never unpacked to disk.

use std::{
    fmt, fs,
    io::{self, Read, Seek as _},
    path::PathBuf,
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use hub_domain::{ContentHash, codes, codes::Code};
use tempfile::NamedTempFile;

use super::archive::Archive;

/// Bytes that anything may unpack to, whatever it was packed into: reading so much takes seconds and no memory.
const FREE_BYTES: u64 = 1 << 30;

/// How many times its packed size a larger content may have. Reports shrink to a twentieth or so; the densest real logs
/// to a sixtieth; deflate itself ends near 1,032.
const MAX_RATIO: u64 = 100;

/// Where a file's bytes are.
#[derive(Debug, Clone)]
pub enum Content {
    /// A file on disk.
    Path(PathBuf),
    /// A member of an archive.
    Member(Arc<Archive>, usize),
    /// Standard input, kept in a file that goes with the last who knows it.
    Spool(Arc<NamedTempFile>),
    /// Why there is nothing to read.
    Refused(Refusal),
}

/// Why a content is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: &'static Code,
    /// What is wrong, as a fragment.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// A refusal.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// What an error of reading says.
    pub fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(refusal) => refusal.clone(),
            None => Self::new(&codes::UNREADABLE_FILE, error.to_string()),
        }
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

/// What identifies a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// BLAKE3 of its bytes, unpacked: a report and the same report packed are one.
    pub hash: ContentHash,
    /// How many bytes.
    pub bytes: u64,
}

impl Content {
    /// Hands the unpacked bytes to `read`. Where they ended early for a reason of their own (a bomb, a broken archive), the
    /// reason comes back beside what was read.
    ///
    /// # Errors
    /// The content cannot be opened.
    pub fn with<T>(&self, read: impl FnOnce(&mut dyn Read) -> T) -> Result<(T, Option<Refusal>), Refusal> {
        match self {
            Self::Path(path) => {
                // A pipe has no end to wait for and cannot be read a second time.
                let kind = fs::metadata(path).map_err(|error| Refusal::of(&error))?;
                if !kind.is_file() {
                    let message = "it is no regular file: hand it over on standard input, as `-`";
                    return Err(Refusal::new(&codes::UNREADABLE_FILE, message));
                }
                let file = fs::File::open(path).map_err(|error| Refusal::of(&error))?;
                unpacked(file, kind.len(), read)
            }
            Self::Spool(spool) => {
                let mut file = spool.reopen().map_err(|error| Refusal::of(&error))?;
                let bytes = file.seek(io::SeekFrom::End(0)).map_err(|error| Refusal::of(&error))?;
                file.rewind().map_err(|error| Refusal::of(&error))?;
                unpacked(file, bytes, read)
            }
            Self::Member(archive, index) => archive.with(*index, |member, packed| {
                let mut guarded = Guarded::new(member, packed);
                let value = read(&mut guarded);
                (value, guarded.refusal)
            }),
            Self::Refused(refusal) => Err(refusal.clone()),
        }
    }

    /// Digests the content without holding it in memory. Of a damaged archive, what stands before the damage: it is taken,
    /// and reading it tells the damage.
    ///
    /// # Errors
    /// The content cannot be read, or is a bomb.
    pub fn digest(&self) -> Result<Digest, Refusal> {
        let mut hasher = blake3::Hasher::new();
        let (copied, refusal) = self.with(|read| io::copy(read, &mut hasher))?;
        let digest = Digest { hash: ContentHash(*hasher.finalize().as_bytes()), bytes: hasher.count() };
        match (copied, refusal) {
            (_, Some(refusal)) if refusal.code == &codes::ARCHIVE_DAMAGED && digest.bytes > 0 => Ok(digest),
            (_, Some(refusal)) => Err(refusal),
            (Err(error), None) => Err(Refusal::of(&error)),
            (Ok(_), None) => Ok(digest),
        }
    }
}

/// Hands a file on, unpacked where it is packed with gzip.
fn unpacked<T>(
    file: fs::File,
    packed: u64,
    read: impl FnOnce(&mut dyn Read) -> T,
) -> Result<(T, Option<Refusal>), Refusal> {
    let mut begin = Vec::with_capacity(2);
    let mut file = io::BufReader::with_capacity(1 << 16, file);
    (&mut file).take(2).read_to_end(&mut begin).map_err(|error| Refusal::of(&error))?;
    let is_packed = begin == [0x1f, 0x8b];
    let mut whole = io::Cursor::new(begin).chain(file);
    if !is_packed {
        return Ok((read(&mut whole), None));
    }
    let mut guarded = Guarded::new(MultiGzDecoder::new(whole), packed);
    let value = read(&mut guarded);
    Ok((value, guarded.refusal))
}

/// Ends a content that unpacks to more than any report does, and remembers why a content ended.
struct Guarded<R> {
    inner: R,
    packed: u64,
    given: u64,
    refusal: Option<Refusal>,
}

impl<R> Guarded<R> {
    fn new(inner: R, packed: u64) -> Self {
        Self { inner, packed, given: 0, refusal: None }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failed = match self.inner.read(buffer) {
            Ok(count) => {
                self.given += count as u64;
                if self.given <= FREE_BYTES || self.given / MAX_RATIO <= self.packed {
                    return Ok(count);
                }
                let message =
                    format!("{} bytes unpack to more than {MAX_RATIO} times as many: it is no report", self.packed);
                Refusal::new(&codes::ARCHIVE_BOMB, message)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let message = format!("unpacking failed after {} bytes: {error}", self.given);
                Refusal::new(&codes::ARCHIVE_DAMAGED, message)
            }
        };
        self.refusal = Some(failed.clone());
        Err(failed.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, Content) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, bytes).unwrap();
        (dir, Content::Path(path))
    }

    #[test]
    fn a_report_and_the_same_report_packed_are_one() {
        let (_a, plain) = on_disk(b"<testsuites/>");
        let (_b, gz) = on_disk(&packed(b"<testsuites/>"));
        // Two parts one after the other are one content, as gzip itself has it.
        let (_c, two) = on_disk(&[packed(b"<testsu"), packed(b"ites/>")].concat());
        assert_eq!(plain.digest(), gz.digest());
        assert_eq!(plain.digest(), two.digest());
    }

    #[test]
    fn a_damaged_or_cut_gzip_is_said() {
        let sound = packed(&vec![b'x'; 100_000]);
        let read = |content: &Content| content.with(|read| io::copy(read, &mut io::sink()).is_ok()).unwrap();
        let (_a, cut) = on_disk(&sound[..sound.len() - 12]);
        assert!(matches!(read(&cut), (false, Some(refusal)) if refusal.code.id == "HUB-1022"));
        let mut flipped = sound;
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0xff;
        let (_b, flipped) = on_disk(&flipped);
        assert!(matches!(read(&flipped), (false, Some(refusal)) if refusal.code.id == "HUB-1022"));
        let (_c, nothing) = on_disk(&[0x1f, 0x8b]);
        assert_eq!(nothing.digest().unwrap_err().code.id, "HUB-1022");
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        let mut bomb = Guarded::new(io::repeat(b'x'), 1_000);
        let error = io::copy(&mut bomb, &mut io::sink()).unwrap_err();
        assert_eq!(Refusal::of(&error).code.id, "HUB-1021");
        assert!(bomb.given <= FREE_BYTES + (1 << 20));
        // The same size from an honest file passes.
        let mut honest = Guarded::new(io::repeat(b'x').take(FREE_BYTES + 5_000), FREE_BYTES / MAX_RATIO + 100);
        assert_eq!(io::copy(&mut honest, &mut io::sink()).unwrap(), FREE_BYTES + 5_000);
    }
}
