//! Documents before Atlassian's own validators, which know nothing of this project.
//!
//! They need npm packages in `CONTRACT_DIR` (default `.contract` in the workspace). Without them a test says so and
//! passes, unless `HUB_REQUIRE_CONTRACT=1` asks for them.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The editor's validator tries the forms of a text one after the other and tells its callback about the first that does
/// not match, which for every text with a `code` mark is the first it tries; without a callback it accepts the same
/// document unchanged. A `code` mark in a wrong place is still seen: by the schema and by ProseMirror.
const TENTATIVE: &str = r#"ERROR editor-validator INVALID_TYPE {"type":"code"} at {"type":"code"}"#;

/// The judge's script and the folder of its packages, when both are there.
fn judge() -> Option<(PathBuf, PathBuf)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = root.join("../shared/contract/validate_adf.mjs");
    let folder = std::env::var_os("CONTRACT_DIR").map_or_else(|| root.join(".contract"), PathBuf::from);
    if script.exists() && folder.join("node_modules/ajv-draft-04").exists() {
        return Some((script.canonicalize().unwrap(), folder.canonicalize().unwrap()));
    }
    let missing = format!("{} with its packages in {}", script.display(), folder.display());
    assert!(std::env::var("HUB_REQUIRE_CONTRACT").as_deref() != Ok("1"), "HUB_REQUIRE_CONTRACT=1, but no {missing}");
    println!("skipped the judges: no {missing}");
    None
}

/// Fails where a document is not one that Jira takes.
pub fn accept(documents: &[Value]) {
    if documents.is_empty() {
        return;
    }
    let Some((script, folder)) = judge() else { return };
    let mut child = Command::new("node")
        .arg(script)
        .args(["--jira", "-"])
        .env("CONTRACT_DIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<String> = documents.iter().map(Value::to_string).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.join("\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    let complaints: Vec<&str> =
        report.lines().filter(|line| !line.contains(": ok (") && !line.ends_with(TENTATIVE)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(report.lines().count() >= documents.len(), "a document has no verdict:\n{report}");
}

/// Every ADF document inside a value.
pub fn documents(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "doc") => found.push(value.clone()),
        Value::Object(members) => members.values().for_each(|member| documents(member, found)),
        Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
