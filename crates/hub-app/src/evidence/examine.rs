//! What an attachment is: its bytes are read once, to learn what they are and what they sum up to. Nothing is kept but that.

use std::io::Read;

use hub_domain::{
    codes::{self, Code},
    record::AttachmentRecord,
};
use hub_evidence::{HEAD_BYTES, Sniffed, sniff};
use sha2::{Digest, Sha256};

use crate::ingest::beside::{Absent, Beside};

/// What an attachment is.
#[derive(Debug)]
pub enum Examined {
    /// Bytes that can be stored.
    Content {
        /// Their SHA-256.
        sha256: [u8; 32],
        /// How many.
        bytes: u64,
        /// What they are.
        sniffed: Sniffed,
        /// Where they lie on this machine, if anywhere.
        origin: Option<String>,
    },
    /// An address, which is linked and never fetched.
    Address,
    /// A file that is not there.
    Missing,
    /// What may not be taken.
    Refused(&'static Code, String),
}

/// Looks at an attachment.
#[must_use]
pub fn examine(beside: &dyn Beside, attachment: &AttachmentRecord, max_bytes: u64) -> Examined {
    if let Some(body) = &attachment.body {
        return read(body.0.as_slice(), None, max_bytes);
    }
    let path = attachment.path.trim();
    match scheme(path) {
        Some("data") => {
            return Examined::Refused(&codes::EVIDENCE_OUTSIDE, "its content stands in its address".to_owned());
        }
        Some("file") | None => {}
        Some(_) => return Examined::Address,
    }
    match beside.open(path) {
        Ok(opened) => read(opened.reader, opened.origin.map(|path| path.display().to_string()), max_bytes),
        Err(Absent::Missing) => Examined::Missing,
        Err(Absent::Refused(why)) => Examined::Refused(&codes::EVIDENCE_OUTSIDE, why.to_owned()),
        Err(Absent::Unreadable(error)) => Examined::Refused(&codes::UNREADABLE_FILE, error.to_string()),
    }
}

/// The scheme of an address. One letter is a drive of Windows.
fn scheme(path: &str) -> Option<&str> {
    let (scheme, rest) = path.split_once(':')?;
    let fits = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // A file may have a colon in its name.
    (fits && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("data"))).then_some(match scheme.len() {
        4 if scheme.eq_ignore_ascii_case("data") => "data",
        4 if scheme.eq_ignore_ascii_case("file") => "file",
        _ => scheme,
    })
}

fn read(mut reader: impl Read, origin: Option<String>, max_bytes: u64) -> Examined {
    let mut sha = Sha256::new();
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0_u64;
    loop {
        let piece = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => buffer.get(..n).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Examined::Refused(&codes::UNREADABLE_FILE, error.to_string()),
        };
        bytes += piece.len() as u64;
        if bytes > max_bytes {
            let said = format!("it has more than the {max_bytes} bytes of `max_bytes` in the project's [evidence]");
            return Examined::Refused(&codes::EVIDENCE_TOO_LARGE, said);
        }
        sha.update(piece);
        let missing = HEAD_BYTES.saturating_sub(head.len());
        head.extend(piece.iter().take(missing));
    }
    Examined::Content { sha256: sha.finalize().into(), bytes, sniffed: sniff(&head), origin }
}

#[cfg(test)]
mod tests {
    use hub_domain::record::Embedded;

    use super::*;
    use crate::ingest::beside::Opened;

    struct Nothing;

    impl Beside for Nothing {
        fn open(&self, _: &str) -> Result<Opened, Absent> {
            Err(Absent::Missing)
        }
    }

    fn of(path: &str, body: Option<&[u8]>) -> Examined {
        let body = body.map(|bytes| Embedded(bytes.to_vec()));
        examine(&Nothing, &AttachmentRecord { path: path.into(), body, ..AttachmentRecord::default() }, 8)
    }

    #[test]
    fn addresses_are_told_from_files_and_never_opened() {
        for address in
            ["https://ci.example.com/x.png", "http://x.example.com", "s3://bucket/x", "ftp://x.example.com/a"]
        {
            assert!(matches!(of(address, None), Examined::Address), "{address}");
        }
        for file in ["x.png", "C:/x.png", "10:30:00.png", "step: login.png", "file:///x"] {
            assert!(matches!(of(file, None), Examined::Missing), "{file}");
        }
        assert!(matches!(of("data:text/html;base64,AA", None), Examined::Refused(_, _)));
    }

    #[test]
    fn embedded_bytes_are_summed_and_bounded() {
        let Examined::Content { sha256, bytes, sniffed, origin } = of("", Some(b"abc")) else { panic!() };
        assert_eq!((bytes, sniffed.extension, origin), (3, "txt", None));
        assert_eq!(sha256[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(matches!(of("", Some(b"12345678")), Examined::Content { .. }));
        let Examined::Refused(code, said) = of("", Some(b"123456789")) else { panic!() };
        assert_eq!(code.id, "HUB-6007");
        assert!(said.contains("max_bytes"), "{said}");
    }
}
