//! Bodies on their way to disk: in pieces, counted and summed, never whole in memory. The folder goes with the request, whatever
//! becomes of it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use hub_domain::codes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{fs::File, io::AsyncWriteExt};

use crate::problem::Problem;
use axum::http::StatusCode;

/// How long a sender may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest name of a file, the deepest folder, and the most files in one request.
const MAX_NAME: usize = 255;
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 1_000;

/// A file that arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// Its name as it was sent, with its folders.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal, for the sender to compare.
    pub sha256: String,
}

/// A folder for one request.
pub struct Spool {
    folder: TempDir,
    /// What arrived.
    pub received: Vec<Received>,
    left: u64,
    limit: u64,
}

impl Spool {
    /// A new folder for a body of at most so many bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn new(inside: &Path, limit: u64) -> std::io::Result<Self> {
        std::fs::create_dir_all(inside)?;
        let folder = tempfile::Builder::new().prefix("request-").tempdir_in(inside)?;
        Ok(Self { folder, received: Vec::new(), left: limit, limit })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the request.
    ///
    /// # Errors
    /// A name that is none, a body that is too large, that stops in its middle or says nothing for too long; the disk's.
    pub async fn write<E: std::fmt::Display>(
        &mut self,
        name: &str,
        content: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), Problem> {
        let place = place(name).ok_or_else(|| {
            Problem::bad(format!(
                "the file name {:?} is none: a relative path without `..`",
                name.chars().take(80).collect::<String>()
            ))
        })?;
        if self.received.len() >= MAX_FILES {
            return Err(Problem::bad(format!("a request holds at most {MAX_FILES} files: send an archive")));
        }
        let path = self.folder.path().join(&place);
        let parent = path.parent().unwrap_or(self.folder.path());
        tokio::fs::create_dir_all(parent).await.map_err(|error| disk(&error))?;
        let mut file = match File::create_new(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Problem::bad(format!("two files are named {:?}", place.display())));
            }
            Err(error) => return Err(disk(&error)),
        };
        let mut sha = Sha256::new();
        let mut bytes = 0;
        let mut content = std::pin::pin!(content);
        loop {
            let next = tokio::time::timeout(SILENCE, content.next()).await;
            let piece = match next {
                Ok(Some(Ok(piece))) => piece,
                Ok(None) => break,
                Ok(Some(Err(error))) => return Err(half(&error.to_string())),
                Err(_) => {
                    let said = format!("nothing came for {} s", SILENCE.as_secs());
                    return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, &codes::NOT_WELL_FORMED, said));
                }
            };
            let length = piece.len() as u64;
            self.left = self.left.checked_sub(length).ok_or_else(|| too_large(self.limit))?;
            bytes += length;
            sha.update(&piece);
            file.write_all(&piece).await.map_err(|error| disk(&error))?;
        }
        file.flush().await.map_err(|error| disk(&error))?;
        let sha256 = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.received.push(Received { name: place.display().to_string(), bytes, sha256 });
        Ok(())
    }
}

/// A body that is larger than the hub takes.
pub fn too_large(limit: u64) -> Problem {
    let said = format!("the body has more than {limit} bytes (`--max-body-bytes` of `haida-hub serve`)");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, &codes::EVIDENCE_TOO_LARGE, said)
}

/// A body that ended too early or is not in the form that it claims.
pub fn half(why: &str) -> Problem {
    let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
    Problem::new(
        StatusCode::BAD_REQUEST,
        &codes::NOT_WELL_FORMED,
        format!("the body ended too early or is damaged: {why}"),
    )
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "a body cannot be spooled");
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, &codes::UNREADABLE_FILE, "the hub cannot keep the body on its disk")
}

/// Where a file of this name goes below the folder; nothing for a name that leads out, that is hidden, or that no disk takes.
fn place(name: &str) -> Option<PathBuf> {
    let name = name.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let mut place = PathBuf::new();
    for part in name.split('/') {
        let fits =
            !part.is_empty() && part.len() <= MAX_NAME && !part.starts_with('.') && !part.chars().any(char::is_control);
        if !fits {
            return None;
        }
        place.push(part);
    }
    (place.components().count() <= MAX_DEPTH && place.is_relative()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_folder() {
        for (name, expect) in
            [("a.xml", "a.xml"), ("run/a b.xml", "run/a b.xml"), ("run\\a.xml", "run/a.xml"), ("./a.xml", "a.xml")]
        {
            assert_eq!(place(name).as_deref(), Some(Path::new(expect)), "{name}");
        }
        let (long, deep) = ("x".repeat(256), "a/".repeat(17) + "b");
        for bad in [
            "",
            "/etc/passwd",
            "../a.xml",
            "a/../../b",
            "a//b",
            ".env",
            "a/.ssh/b",
            "a\0b",
            "a\nb",
            "..\\a",
            &long,
            &deep,
        ] {
            assert_eq!(place(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_counted_over_all_its_files_and_gone_with_its_request() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path(), 5).unwrap();
        let pieces = |parts: &[&'static str]| {
            futures::stream::iter(
                parts.iter().map(|part| Ok::<_, std::io::Error>(Bytes::from(*part))).collect::<Vec<_>>(),
            )
        };
        spool.write("a/b.txt", pieces(&["ab", "c"])).await.unwrap();
        assert_eq!(std::fs::read_to_string(spool.folder().join("a/b.txt")).unwrap(), "abc");
        assert!(spool.received[0].sha256.starts_with("ba7816bf"), "{:?}", spool.received);
        assert!(spool.write("a/b.txt", pieces(&["x"])).await.is_err(), "the same name twice");
        assert!(spool.write("c.txt", pieces(&["xyz"])).await.is_err(), "more than five bytes in all");
        drop(spool);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
