//! Generated documents before judges that do not know this project: Atlassian's own ADF schema, editor validator and
//! ProseMirror schema, and a checker of Confluence storage format.
//!
//! The judges need npm and PyPI packages in `CONTRACT_DIR` (default `.contract` in the workspace). Without them the tests
//! say so and pass, unless `HUB_REQUIRE_CONTRACT=1` asks for them.
#![expect(clippy::disallowed_methods, reason = "tests run other programs; the crate itself touches nothing outside")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use hub_document::{Document, Inline, Limits, to_adf, to_storage};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::generate::{document, long_document, plain_document};
use crate::workspace_root;

/// The editor's validator tries the forms of a text one after the other and tells its callback about the first that does
/// not match, which for every text with a `code` mark is the first it tries; without a callback it accepts the same
/// document unchanged. A `code` mark in a wrong place is still seen: by the schema and by ProseMirror.
const TENTATIVE: &str = r#"ERROR editor-validator INVALID_TYPE {"type":"code"} at {"type":"code"}"#;

/// The judge's script and the folder of its packages, when both are there.
fn judge(script: &str, package: &str) -> Option<(PathBuf, PathBuf)> {
    let script = workspace_root().join("../shared/contract").join(script);
    let folder = std::env::var_os("CONTRACT_DIR").map_or_else(|| workspace_root().join(".contract"), PathBuf::from);
    if script.exists() && folder.join(package).exists() {
        return Some((script.canonicalize().unwrap(), folder.canonicalize().unwrap()));
    }
    let missing = format!("{} with {package} in {}", script.display(), folder.display());
    assert!(std::env::var("HUB_REQUIRE_CONTRACT").as_deref() != Ok("1"), "HUB_REQUIRE_CONTRACT=1, but no {missing}");
    println!("skipped: no {missing}");
    None
}

/// The same documents on every run.
fn documents() -> Vec<Document> {
    let mut runner = TestRunner::deterministic();
    let mut take = |strategy: &dyn DynDocument, count: usize| -> Vec<Document> {
        (0..count).map(|_| strategy.sample(&mut runner)).collect()
    };
    let mut all = take(&document(), 35);
    all.extend(take(&plain_document(), 12));
    all.extend(take(&long_document(), 5));
    all
}

trait DynDocument {
    fn sample(&self, runner: &mut TestRunner) -> Document;
}

impl<S: Strategy<Value = Document>> DynDocument for S {
    fn sample(&self, runner: &mut TestRunner) -> Document {
        self.new_tree(runner).unwrap().current()
    }
}

#[test]
fn adf_passes_atlassians_own_validators() {
    let Some((script, folder)) = judge("validate_adf.mjs", "node_modules/ajv-draft-04") else { return };
    let limits = Limits::jira(&|truncation| vec![Inline::text(&format!("… {} rows", truncation.dropped_rows))]);
    // A document without blocks is valid (it clears a field), but nothing for an editor to check.
    let values = documents().into_iter().map(|document| to_adf(&document, &limits).value);
    let lines: Vec<String> = values
        .filter(|value| value["content"].as_array().is_some_and(|blocks| !blocks.is_empty()))
        .map(|value| value.to_string())
        .collect();
    assert!(lines.len() > 40, "{} documents", lines.len());
    let mut child = Command::new("node")
        .arg(script)
        .args(["--jira", "-"])
        .env("CONTRACT_DIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut stdin = child.stdin.take().unwrap();
    let input = lines.join("\n");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let complaints: Vec<&str> =
        report.lines().filter(|line| !line.contains(": ok (") && !line.ends_with(TENTATIVE)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for index in 0..lines.len() {
        assert!(report.contains(&format!("#{index}: ")), "no verdict on document {index}:\n{report}");
    }
}

#[test]
fn storage_format_passes_the_checker() {
    let Some((script, folder)) = judge("validate_storage.py", ".venv/bin/python") else { return };
    let files = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("storage-bodies");
    std::fs::create_dir_all(&files).unwrap();
    let bodies: Vec<PathBuf> = documents()
        .iter()
        .enumerate()
        .map(|(index, document)| {
            let path = files.join(format!("{index}.xml"));
            std::fs::write(&path, to_storage(document)).unwrap();
            path
        })
        .collect();
    let output = Command::new(folder.join(".venv/bin/python")).arg(script).args(&bodies).output().expect("python runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    // Warnings that are known: pageSize is a parameter that the checker's list lacks; a Jira macro without serverId is
    // right on Cloud with one linked Jira.
    let known = ["detailssummary: unknown parameter 'pageSize'", "jira: no serverId/server"];
    let complaints: Vec<&str> = report
        .lines()
        .filter(|line| !line.ends_with(": ok") && !known.iter().any(|known| line.contains(known)))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for body in &bodies {
        assert!(report.contains(&*body.to_string_lossy()), "no verdict on {}", body.display());
    }
}
