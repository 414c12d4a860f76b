//! How a report names the test case that a test runs: by a property, label, annotation or tag. One list of names for every
//! format, because teams carry their habit from tool to tool.
//!
//! | written | read as |
//! |---|---|
//! | `test_id`, `test_key` | the id, by the hub's own convention |
//! | `testcase_id`, `testcase_key`, `testcase`, `case_id` | the id, as test management tools write it |
//! | `tms`, `tms_id`, `AS_ID`, `ALLURE_ID` | the id, by Allure's labels and links |
//! | a tag `test_id:TC_1` or `test_id=TC_1`, with any of these names | the id `TC_1` |
//! | a tag `TC_AUTH_001` or `TC-12` | the id itself |
//!
//! Case and separators mean nothing: `testId`, `Test-Case-Id` and `TEST_CASE_ID` are names as well.

/// Whether a property, label or annotation of this name holds a test case's id.
pub(crate) fn is_name(name: &str) -> bool {
    // The longest name has 11 letters; separators double that at most.
    let plain = |c: char| c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase());
    let key: String = name.chars().take(32).filter_map(plain).collect();
    matches!(
        key.as_str(),
        "testid"
            | "testkey"
            | "testcaseid"
            | "testcasekey"
            | "testcase"
            | "caseid"
            | "tms"
            | "tmsid"
            | "asid"
            | "allureid"
    )
}

/// The id in what a property, link or annotation says: the last part of an address, or the text itself.
pub(crate) fn of(value: &str) -> &str {
    let value = value.trim();
    let last = value.contains("://").then(|| value.trim_end_matches('/').rsplit('/').next()).flatten();
    last.filter(|last| !last.is_empty()).unwrap_or(value)
}

/// The id that a tag without its `@` names.
pub(crate) fn in_tag(tag: &str) -> Option<&str> {
    let named = tag.split_once(['=', ':']).filter(|(name, _)| is_name(name)).map(|(_, value)| of(value));
    named.filter(|id| !id.is_empty()).or_else(|| is_id(tag).then_some(tag))
}

/// `TC_AUTH_001` and `TC-12`: what teams call cases in tags. Other tags that end in digits are none.
fn is_id(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("TC_").or_else(|| tag.strip_prefix("TC-")) else { return false };
    let parts = || rest.split(['_', '-']);
    parts().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
        && parts().next_back().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_with_any_separator() {
        for name in
            ["test_id", "TEST-KEY", "testId", "test_case_id", "TestCase", "AS_ID", "ALLURE_ID", "tms", "Test Case Key"]
        {
            assert!(is_name(name), "{name}");
        }
        for name in ["issue", "tests", "test", "id", "testidx", ""] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn ids_are_found_in_addresses_and_tags() {
        assert_eq!(of("https://tms.example.com/cases/TC-1/"), "TC-1");
        assert_eq!(of(" TC_1 "), "TC_1");
        for (tag, id) in [
            ("TC_AUTH_001", Some("TC_AUTH_001")),
            ("TC-7", Some("TC-7")),
            ("TestCaseKey=AB-T1", Some("AB-T1")),
            ("Test_ID: TC_1", Some("TC_1")),
            ("test_id:", None),
            ("TC_x_1", None),
            ("sprint-12", None),
            ("issue:12", None),
        ] {
            assert_eq!(in_tag(tag), id, "{tag}");
        }
    }
}
