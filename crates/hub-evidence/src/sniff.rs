//! What a content is, by its first bytes. Never by its name: a name is written by whoever wrote the file, and decides here
//! neither how a browser shows it nor how its key ends.

/// How many of a content's first bytes [`sniff`] looks at.
pub const HEAD_BYTES: usize = 4096;

/// What a content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sniffed {
    /// The media type.
    pub content_type: &'static str,
    /// What a key of such a content ends in.
    pub extension: &'static str,
}

impl Sniffed {
    const fn new(content_type: &'static str, extension: &'static str) -> Self {
        Self { content_type, extension }
    }

    /// Whether a browser shows it without running anything of it: pictures of pixels, films and plain text.
    #[must_use]
    pub fn is_passive(content_type: &str) -> bool {
        const PASSIVE: &[&str] = &[
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "image/bmp",
            "video/webm",
            "video/mp4",
            "text/plain",
        ];
        PASSIVE.contains(&content_type)
    }
}

/// What begins at an offset, and what it then is.
const MAGIC: &[(usize, &[u8], Sniffed)] = &[
    (0, b"\x89PNG\r\n\x1a\n", Sniffed::new("image/png", "png")),
    (0, b"\xff\xd8\xff", Sniffed::new("image/jpeg", "jpg")),
    (0, b"GIF87a", Sniffed::new("image/gif", "gif")),
    (0, b"GIF89a", Sniffed::new("image/gif", "gif")),
    (8, b"WEBPVP8", Sniffed::new("image/webp", "webp")),
    (0, b"BM", Sniffed::new("image/bmp", "bmp")),
    (0, b"\x1a\x45\xdf\xa3", Sniffed::new("video/webm", "webm")),
    (4, b"ftyp", Sniffed::new("video/mp4", "mp4")),
    (0, b"%PDF-", Sniffed::new("application/pdf", "pdf")),
    (0, b"PK\x03\x04", Sniffed::new("application/zip", "zip")),
    (0, b"PK\x05\x06", Sniffed::new("application/zip", "zip")),
    (0, b"\x1f\x8b\x08", Sniffed::new("application/gzip", "gz")),
    (0, b"SQLite format 3\0", Sniffed::new("application/vnd.sqlite3", "sqlite")),
];

/// What a content is, by its first [`HEAD_BYTES`] bytes; fewer where it has no more.
#[must_use]
pub fn sniff(head: &[u8]) -> Sniffed {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let begins = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    for (offset, magic, sniffed) in MAGIC {
        // Two letters are too few: a bitmap says its reserved bytes too, which are nothing.
        let is_bitmap = magic.len() > 2 || begins(6, &[0, 0, 0, 0]);
        // The form of a RIFF file stands behind its size.
        let is_riff = *offset != 8 || begins(0, b"RIFF");
        if begins(*offset, magic) && is_bitmap && is_riff {
            return *sniffed;
        }
    }
    text(head).unwrap_or(Sniffed::new("application/octet-stream", "bin"))
}

/// What a text is; nothing where it is none.
fn text(head: &[u8]) -> Option<Sniffed> {
    let is_utf_16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if is_utf_16 {
        return Some(Sniffed::new("text/plain", "txt"));
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut by the end of the head, and nothing else may be wrong.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).unwrap_or_default()
        }
        Err(_) => return None,
    };
    // Colours of terminals are text.
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b' | '\x08');
    if valid.chars().any(is_control) {
        return None;
    }
    let lower = valid.trim_start().to_ascii_lowercase();
    let markup = lower.strip_prefix("<?xml").map_or(lower.as_str(), |rest| rest.split_once("?>").map_or("", |p| p.1));
    let markup = markup.trim_start();
    let sniffed = if lower.starts_with(['{', '[']) {
        Sniffed::new("application/json", "json")
    } else if markup.starts_with("<svg") || markup.starts_with("<!doctype svg") {
        Sniffed::new("image/svg+xml", "svg")
    } else if ["<!doctype html", "<html", "<head", "<body", "<script", "<iframe"].iter().any(|t| markup.starts_with(t))
    {
        Sniffed::new("text/html", "html")
    } else if lower.starts_with("<?xml") {
        Sniffed::new("application/xml", "xml")
    } else {
        Sniffed::new("text/plain", "txt")
    };
    Some(sniffed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_known_by_their_bytes() {
        let cases: [(&[u8], &str); 26] = [
            (b"\x89PNG\r\n\x1a\n....", "image/png png"),
            (b"\xff\xd8\xff\xe0....", "image/jpeg jpg"),
            (b"GIF89a..", "image/gif gif"),
            (b"RIFF\x10\0\0\0WEBPVP8L", "image/webp webp"),
            (b"....\x10\0\0\0WEBPVP8L", "application/octet-stream bin"),
            (b"BM\x10\0\0\0\0\0\0\0", "image/bmp bmp"),
            (b"BMW is a maker of cars", "text/plain txt"),
            (b"\x1a\x45\xdf\xa3\x01", "video/webm webm"),
            (b"\0\0\0\x20ftypisom", "video/mp4 mp4"),
            (b"%PDF-1.7", "application/pdf pdf"),
            (b"PK\x03\x04\x14\0", "application/zip zip"),
            (b"\x1f\x8b\x08\0", "application/gzip gz"),
            (b" {\"log\": {}}", "application/json json"),
            (b"<!DOCTYPE html><p>", "text/html html"),
            (b"\xef\xbb\xbf<HTML>", "text/html html"),
            (b"<script>alert(1)</script>", "text/html html"),
            (b"<svg xmlns=''>", "image/svg+xml svg"),
            (b"<?xml version='1.0'?>\n<svg>", "image/svg+xml svg"),
            (b"<?xml version='1.0'?><html>", "text/html html"),
            (b"<?xml version='1.0'?><suite/>", "application/xml xml"),
            (b"\x1b[31mred\x1b[0m\n", "text/plain txt"),
            (b"", "text/plain txt"),
            ("se cerró".as_bytes(), "text/plain txt"),
            (b"\xff\xfea\0b\0", "text/plain txt"),
            (b"caf\xe9 \xff", "application/octet-stream bin"),
            (b"MZ\x90\0\x03", "application/octet-stream bin"),
        ];
        for (bytes, expect) in cases {
            let found = sniff(bytes);
            assert_eq!(format!("{} {}", found.content_type, found.extension), expect, "{bytes:?}");
        }
    }

    #[test]
    fn a_character_that_the_head_cuts_is_no_damage() {
        let mut text = "a".repeat(HEAD_BYTES - 1);
        text.push('é');
        assert_eq!(sniff(text.as_bytes()).extension, "txt");
        assert_eq!(sniff(b"ends in half a character \xc3").extension, "txt");
    }

    #[test]
    fn only_what_runs_nothing_is_passive() {
        for active in ["text/html", "image/svg+xml", "application/xml", "application/pdf", "application/octet-stream"] {
            assert!(!Sniffed::is_passive(active), "{active}");
        }
        assert!(Sniffed::is_passive("image/png"));
    }
}
