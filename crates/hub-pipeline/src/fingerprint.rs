//! Fingerprints: by what a failure is the same failure in the next run. A fingerprint is made of the test case, the error
//! without its variable parts (`words`) and the first frames of the stack that are the team's own (`frames`); a signature
//! is the error alone, which all tests share that fail for one cause (docs/enrichment.md).
//!
//! The text that is hashed begins with the version of these rules: other rules are another version, so that a change of them
//! is seen as one, and defects do not silently split.

mod frames;
mod words;

#[cfg(test)]
mod tests;

use hub_domain::{ContentHash, ExternalId};

/// The version of the rules, which every fingerprint and signature begins with.
pub const VERSION: &str = "f1";

/// Own frames that count.
const MAX_FRAMES: usize = 3;

/// Lines of the error that count: what follows is a log.
const MAX_LINES: usize = 5;

/// Characters of the normalised error that count.
const MAX_CHARS: usize = 600;

/// The error of a result.
#[derive(Debug, Clone, Copy, Default)]
pub struct Error<'a> {
    /// The test's name, which some tools repeat as the message.
    pub test: &'a str,
    /// The class of the error.
    pub error_type: Option<&'a str>,
    /// Its message.
    pub message: Option<&'a str>,
    /// Its details: message, stack, quoted code.
    pub details: Option<&'a str>,
}

/// The fingerprint of a failure of a case: `f1:` and 16 hexadecimal characters.
#[must_use]
pub fn fingerprint(case: &ExternalId, error: &Error<'_>) -> String {
    let mut parts = vec![case.as_str().to_owned(), said(error)];
    parts.extend(frames::own(error.details.unwrap_or_default(), MAX_FRAMES));
    hashed(&parts)
}

/// The signature of an error: equal for all tests that fail for one cause; nothing where the error says nothing.
#[must_use]
pub fn signature(error: &Error<'_>) -> Option<String> {
    let said = said(error);
    (!said.is_empty()).then(|| hashed(&["signature".to_owned(), said]))
}

/// The fingerprint of an incident, by what its failures have in common.
#[must_use]
pub fn of_incident(common: &str) -> String {
    hashed(&["incident".to_owned(), common.to_owned()])
}

/// The fingerprint of what sums up the new failures of a run.
#[must_use]
pub fn of_summary(run: &ExternalId) -> String {
    hashed(&["summary".to_owned(), run.as_str().to_owned()])
}

/// A line without its variable parts.
pub(crate) fn normalised(line: &str) -> String {
    words::normalise(line)
}

/// The id of the defect that a fingerprint becomes: `auto-` and its 16 characters.
#[must_use]
pub fn defect_id(fingerprint: &str) -> Option<ExternalId> {
    let hash = fingerprint.rsplit(':').next().unwrap_or(fingerprint);
    ExternalId::new(format!("auto-{hash}")).ok()
}

fn hashed(parts: &[String]) -> String {
    let text = format!("{VERSION}\u{1f}{}", parts.join("\u{1f}"));
    format!("{VERSION}:{}", ContentHash::of_bytes(text.as_bytes()).short())
}

/// The class and the first lines of the error, without their variable parts.
fn said(error: &Error<'_>) -> String {
    let lines = lines_of(error);
    // `error`, `failure` and `FAILURE` are what JUnit calls any error.
    let class = error.error_type.map(|t| t.rsplit(['.', '\\', '/']).next().unwrap_or(t).trim()).filter(|t| {
        let word = t.to_lowercase();
        !matches!(word.as_str(), "" | "failure" | "error" | "assertion" | "fail" | "failed")
    });
    let mut text = String::new();
    for line in class.into_iter().chain(lines.iter().map(String::as_str)) {
        let normal = words::normalise(line);
        // The class often stands again at the beginning of the message.
        if !normal.is_empty() && !text.ends_with(&format!("{normal}\n")) {
            text.push_str(&normal);
            text.push('\n');
        }
    }
    if let Some(class) = class {
        let class = words::normalise(class);
        text = text.replace(&format!("{class}: "), "");
    }
    text.chars().take(MAX_CHARS).collect()
}

/// The lines of the message; those of the details where the message only repeats the test's name or place.
fn lines_of(error: &Error<'_>) -> Vec<String> {
    let of = |text: &str| -> Vec<String> {
        let mut lines = Vec::new();
        for line in text.lines() {
            let plain = words::without_colours(line);
            let trimmed = plain.trim();
            if ends_error(trimmed) && !lines.is_empty() {
                break;
            }
            if trimmed.is_empty() || names_test(trimmed, error.test) || is_code(trimmed) || is_rule(trimmed) {
                continue;
            }
            if let Some(behind) = frames::said_behind(&plain) {
                lines.push(behind.to_owned());
                continue;
            }
            if frames::is_frame(&plain) {
                if lines.is_empty() { continue } else { break }
            }
            lines.push(trimmed.to_owned());
            if lines.len() == MAX_LINES {
                break;
            }
        }
        lines
    };
    let message = of(error.message.unwrap_or_default());
    if message.is_empty() { of(error.details.unwrap_or_default()) } else { message }
}

/// Whether a line begins the log that some tools write behind the error.
fn ends_error(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        "call log:",
        "=== logs",
        "attachment #",
        "build info:",
        "system info:",
        "capabilities {",
        "stack trace:",
        "stacktrace:",
    ]
    .iter()
    .any(|begin| line.starts_with(begin))
}

/// Whether a line is the test's title or place, and no error: `cart.spec.ts:12:3 › Cart › adds`.
fn names_test(line: &str, test: &str) -> bool {
    let test = test.rsplit('›').next().unwrap_or(test).trim();
    (test.chars().count() >= 6 && line.contains(test)) || (line.contains(" › ") && line.contains(':'))
}

/// `> 12 |  code`, `| ^`: code that a tool quotes, and pytest's lines of the test's source.
fn is_code(line: &str) -> bool {
    let line = line.trim_start_matches('>').trim_start();
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    rest.starts_with('|') || line.chars().all(|c| matches!(c, '^' | '~' | ' '))
}

/// A line of dashes or the like.
fn is_rule(line: &str) -> bool {
    !line.chars().any(char::is_alphanumeric)
}
