//! The status words of a JUnit report.

use crate::record::counts::Group;
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
        Group::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
