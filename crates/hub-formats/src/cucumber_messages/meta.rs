//! What the first message tells of the tool, the machine and the build.

use serde_json::Value;

use crate::json;
use crate::json::fill;
use crate::reporter::{At, Field, Reporter};

/// The properties of the run.
pub(super) fn properties(message: &Value, at: At, reporter: &mut Reporter<'_>) -> Vec<(String, String)> {
    let named = |key: &str| -> Option<String> {
        let name = json::text(message, &[key, "name"])?;
        let version = json::text(message, &[key, "version"]).unwrap_or_default();
        Some(format!("{name} {version}").trim().to_owned())
    };
    let text = |path: &[&str]| json::text(message, path).map(str::to_owned);
    let pairs = [
        ("implementation", named("implementation")),
        ("runtime", named("runtime")),
        ("os", named("os")),
        ("ci", text(&["ci", "name"])),
        ("ci url", text(&["ci", "url"])),
        ("ci build", text(&["ci", "buildNumber"])),
        ("git revision", text(&["ci", "git", "revision"])),
        ("git branch", text(&["ci", "git", "branch"])),
    ];
    let said = pairs.into_iter().filter_map(|(name, value)| {
        let value = fill::text(&value?, Field::Property, at, reporter)?;
        Some((name.to_owned(), value))
    });
    said.collect()
}

/// The operating system.
pub(super) fn platform(message: &Value, at: At, reporter: &mut Reporter<'_>) -> Option<String> {
    json::text(message, &["os", "name"]).and_then(|os| fill::text(os, Field::Name, at, reporter))
}
