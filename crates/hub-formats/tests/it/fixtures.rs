//! Every file under `tests/fixtures` against the golden text beside it. A new case is a file; `HUB_UPDATE_FIXTURES=1`
//! writes its golden text, which is then read before it is committed.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use hub_formats::Collected;

use crate::render::render;

pub fn fixture_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension != "expected") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own fixtures")]
pub fn bytes_of(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_fixture_reads_as_its_golden_text_says() {
    let update = std::env::var_os("HUB_UPDATE_FIXTURES").is_some();
    let files = fixture_files();
    assert!(files.len() > 50, "{} fixtures", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let bytes = bytes_of(&path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut read = Collected::default();
        let format = hub_formats::read(&name, bytes.as_slice(), &mut read);
        let text = render(format.map(|format| format.name), &read);
        let golden = path.with_file_name(format!("{name}.expected"));
        if update {
            File::create(&golden).unwrap().write_all(text.as_bytes()).unwrap();
        } else if !golden.exists() || String::from_utf8(bytes_of(&golden)).unwrap() != text {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} differ from their golden text:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn formats_are_named_once_and_a_fixture_is_of_one_format_only() {
    use hub_formats::{FORMATS, input::Input};
    for (index, format) in FORMATS.iter().enumerate() {
        assert!(FORMATS.iter().skip(index + 1).all(|other| other.name != format.name));
        assert_eq!(hub_formats::formats::find(format.name).map(|found| found.name), Some(format.name));
    }
    for path in fixture_files() {
        let bytes = bytes_of(&path);
        let mut source = bytes.as_slice();
        let Ok(input) = Input::open(&mut source) else { continue };
        let head = input.head();
        let sniffed = FORMATS.iter().filter(|format| (format.sniff)(&head)).count();
        assert!(sniffed <= 1, "{} is of {sniffed} formats", path.display());
    }
}
