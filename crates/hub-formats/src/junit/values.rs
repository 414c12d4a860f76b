//! Single values of a JUnit report: durations in any locale, status words, property names.

/// A duration in milliseconds from seconds as tools write them: `0.123`, `1,234.5`, `0,5`, `1.2e-05`, nothing.
///
/// # Errors
/// A fragment that says why it is no duration.
pub(crate) fn milliseconds(text: &str) -> Result<Option<u64>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let seconds: f64 = match text.parse() {
        Ok(seconds) => seconds,
        Err(_) => plain(text).parse().map_err(|_| "is not a number of seconds")?,
    };
    if !seconds.is_finite() {
        return Err("is not a number of seconds");
    }
    if seconds < 0.0 {
        return Err("is negative");
    }
    let ms = (seconds * 1000.0).round();
    // A century: beyond it the value is a time of day or an error, and below it the conversion is exact.
    if ms > 3.2e12 {
        return Err("is longer than a century");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3.2e12, checked above")]
    Ok(Some(ms as u64))
}

/// Without thousands separators and with a decimal point: the last of `,` and `.` is the decimal sign, unless it is
/// there several times.
fn plain(text: &str) -> String {
    let decimal = match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => ',',
        (Some(_), None) if text.matches(',').count() == 1 => ',',
        _ => '.',
    };
    let repeated = text.matches(decimal).count() > 1;
    text.chars()
        .filter_map(|c| match c {
            '\u{a0}' | '\u{202f}' | ' ' | '\'' => None,
            '.' | ',' => (c == decimal && !repeated).then_some('.'),
            c => Some(c),
        })
        .collect()
}

/// A number in a header.
pub(crate) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.replace(',', "").parse().ok())
}

/// The outcome of a test without a child that tells it, from its attributes: the source's word, or `passed` where the
/// word only says that the test ran.
///
/// GoogleTest writes `status="notrun" result="suppressed"`; its `result` is the more exact one where it is no success.
pub(crate) fn status<'a>(status: Option<&'a str>, result: Option<&'a str>) -> &'a str {
    let ran = |word: &str| {
        let ran = ["run", "passed", "pass", "success", "successful", "succeeded", "ok", "completed", "finished"];
        ran.iter().any(|known| word.trim().eq_ignore_ascii_case(known))
    };
    [result, status].into_iter().flatten().find(|word| !ran(word)).map_or("passed", str::trim)
}

/// The kinds of outcome that headers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Failed,
    Broken,
    LeftOut,
    Other,
}

/// The kind of a status word.
pub(crate) fn group(status: &str) -> Group {
    let is = |words: &[&str]| words.iter().any(|word| status.eq_ignore_ascii_case(word));
    if is(&["failure", "failed", "fail"]) {
        Group::Failed
    } else if is(&["error", "errored", "broken"]) {
        Group::Broken
    } else if is(&["skipped", "skip", "disabled", "notrun", "not_run", "suppressed", "ignored", "pending"]) {
        Group::LeftOut
    } else {
        Group::Other
    }
}

/// What a property of a test is to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PropertyKind {
    /// The test case's id.
    CaseId,
    /// A file, by Testmo's convention: `attachment`, `attachment1` ...
    Attachment,
    /// Kept as it is.
    Other,
}

/// The kind of a property.
pub(crate) fn property_kind(name: &str) -> PropertyKind {
    let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
    if is("test_id") || is("test_key") || is("testcase_id") {
        return PropertyKind::CaseId;
    }
    let numbered = name.trim().trim_end_matches(|c: char| c.is_ascii_digit());
    if numbered.eq_ignore_ascii_case("attachment") { PropertyKind::Attachment } else { PropertyKind::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_every_locale() {
        for (text, expect) in [
            ("0.123", Ok(Some(123))),
            ("3", Ok(Some(3000))),
            ("", Ok(None)),
            (" 1.5 ", Ok(Some(1500))),
            ("1,234.5", Ok(Some(1_234_500))),
            ("1.234,5", Ok(Some(1_234_500))),
            ("12,345,678", Ok(Some(12_345_678_000))),
            ("0,5", Ok(Some(500))),
            ("1 234,5", Ok(Some(1_234_500))),
            ("1.2e-05", Ok(Some(0))),
            ("0.0006", Ok(Some(1))),
            ("-0.000", Ok(Some(0))),
            ("-1", Err("is negative")),
            ("NaN", Err("is not a number of seconds")),
            ("inf", Err("is not a number of seconds")),
            ("<<computed>>", Err("is not a number of seconds")),
            ("++34600000000", Err("is not a number of seconds")),
            ("1e300", Err("is longer than a century")),
        ] {
            assert_eq!(milliseconds(text), expect, "{text:?}");
        }
    }

    #[test]
    fn a_word_that_only_says_it_ran_is_a_pass() {
        for (by_status, by_result, expect) in [
            (None, None, "passed"),
            (Some("run"), Some("completed"), "passed"),
            (Some("notrun"), Some("suppressed"), "suppressed"),
            (Some("notrun"), None, "notrun"),
            (Some("run"), Some("skipped"), "skipped"),
            (Some(" disabled "), None, "disabled"),
            (Some("FAILED"), None, "FAILED"),
            (Some("OK"), None, "passed"),
        ] {
            assert_eq!(status(by_status, by_result), expect);
        }
    }
}
