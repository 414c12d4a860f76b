//! Storage format before a checker that knows nothing of this project.
//!
//! It needs a PyPI package in `CONTRACT_DIR` (default `.contract` in the workspace). Without it a test says so and
//! passes, unless `HUB_REQUIRE_CONTRACT=1` asks for it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// A Jira macro without serverId is right on Cloud with one linked Jira.
const KNOWN: &str = "jira: no serverId/server";

/// The judge's script and its Python, when both are there.
fn judge() -> Option<(PathBuf, PathBuf)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = root.join("../shared/contract/validate_storage.py");
    let folder = std::env::var_os("CONTRACT_DIR").map_or_else(|| root.join(".contract"), PathBuf::from);
    let python = folder.join(".venv/bin/python");
    if script.exists() && python.exists() {
        return Some((script, python));
    }
    let missing = format!("{} with {}", script.display(), python.display());
    assert!(std::env::var("HUB_REQUIRE_CONTRACT").as_deref() != Ok("1"), "HUB_REQUIRE_CONTRACT=1, but no {missing}");
    println!("skipped the judge: no {missing}");
    None
}

/// Fails where a body is not one that Confluence takes and shows as meant.
pub fn accept(bodies: &[String]) {
    if bodies.is_empty() {
        return;
    }
    let Some((script, python)) = judge() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..bodies.len()).map(|number| folder.path().join(format!("{number}.xml"))).collect();
    for (file, body) in files.iter().zip(bodies) {
        std::fs::write(file, body).unwrap();
    }
    let output = Command::new(python).arg(script).args(&files).stdin(Stdio::null()).output().expect("python runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    let complaints: Vec<&str> =
        report.lines().filter(|line| !line.ends_with(": ok") && !line.contains(KNOWN)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for file in &files {
        assert!(report.contains(&*file.to_string_lossy()), "no verdict on {}:\n{report}", file.display());
    }
}

/// The storage format inside a request.
pub fn body(request: Option<&Value>) -> Option<String> {
    let body = request?.get("body")?;
    assert_eq!(body["representation"], "storage");
    Some(body["value"].as_str().unwrap().to_owned())
}
