//! NUnit 2's result file (`test-results`), also as NUnit 3's writer, Pester and others write it,
//! and a bare `test-suite` of it. Up to 2.4 a test has no `result`: its status is then `Success`, `Failure` or, where it
//! was not executed, `not-run`.
//!
//! The full name of a test is divided into class and name by the suites around it. `total` counts the executed tests
//! where NUnit 2 itself wrote the file; the header's number of tests is then `total` and `not-run` together.

use crate::family::nunit::{Dialect, Nunit};
use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::record::counts::Group;
use crate::reporter::Reporter;
use crate::xml::Xml;
use crate::xml::element::{self, Element};
use crate::xml::header::Declared;
use crate::xml::parts;

pub(crate) const FORMAT: Format =
    Format { name: "nunit2", title: "NUnit 2 results", holds: Holds::Results, spread: false, sniff, read };

/// Suites around a test that may be part of its full name; deeper nesting is a writer's own.
const NAMED_SUITES: usize = 24;

fn sniff(head: &Head<'_>) -> bool {
    match head.prolog().root {
        Some("test-results") => true,
        Some("test-suite") => head.root_has("executed"),
        Some(_) | None => false,
    }
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Nunit::<Two>::default());
}

#[derive(Debug)]
struct Two;

impl Dialect for Two {
    const ROOT: &'static str = "test-results";
    const DURATION: &'static str = "time";

    fn declared(head: &Element) -> Declared {
        Declared {
            tests: parts::count(head, "total"),
            failures: parts::count(head, "failures"),
            errors: parts::count(head, "errors"),
            skipped: Self::not_run(head).or_else(|| left_out(head)),
            ..Declared::default()
        }
    }

    fn not_run(head: &Element) -> Option<u64> {
        parts::count(head, "not-run").filter(|not_run| left_out(head).is_none_or(|left_out| left_out == *not_run))
    }

    fn started_at(head: &Element) -> Option<String> {
        let date = head.filled("date")?;
        Some(head.filled("time").map_or_else(|| date.clone(), |time| format!("{date}T{time}")))
    }

    fn class_and_name(case: &Element, path: &[String]) -> (Option<String>, String) {
        let full = case.filled("name").unwrap_or_default();
        let by_suites = place_by_suites(&full, path);
        let divided = match by_suites {
            Some((place, true)) => Some(place),
            Some((_, false)) | None => place_by_dots(&full).or(by_suites.map(|(place, _)| place)),
        };
        match divided.and_then(|place| Some((place, full.get(place.len() + 1..)?))) {
            Some((class, name)) if !name.trim().is_empty() => (Some(class.to_owned()), name.to_owned()),
            Some(_) | None => (None, full),
        }
    }

    fn status(element: &Element) -> String {
        let is =
            |name, word: &str| element.attribute(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
        let failed = element.child("failure").is_some() || element.child("error").is_some();
        match element.filled("result") {
            Some(result) if failed && result.eq_ignore_ascii_case("Success") => "Failure".to_owned(),
            Some(result) => result,
            None if is("executed", "False") => "not-run".to_owned(),
            None if failed || is("success", "False") => "Failure".to_owned(),
            None => "Success".to_owned(),
        }
    }

    fn group(case: &Element) -> Group {
        match Self::status(case).as_str() {
            "Failure" => Group::Failed,
            "Error" | "Cancelled" => Group::Broken,
            "Ignored" | "Skipped" | "NotRunnable" | "not-run" => Group::LeftOut,
            _ => Group::Passed,
        }
    }

    fn settle(declared: Declared, environment: Option<&Element>, not_run: Option<u64>, rows: u64) -> Declared {
        let all = declared.tests.zip(not_run).map(|(total, not_run)| total.saturating_add(not_run));
        let by_nunit_2 = environment
            .and_then(|environment| environment.attribute("nunit-version"))
            .is_some_and(|version| version.starts_with("2."));
        if all.is_some() && (by_nunit_2 || all == Some(rows)) {
            return Declared { tests: all, ..declared };
        }
        declared
    }
}

/// The tests that were left out, by reason. NUnit's `not-run` is their sum; Pester's counts others, which are not in the file.
fn left_out(head: &Element) -> Option<u64> {
    let counts: Vec<u64> =
        ["ignored", "skipped", "invalid"].iter().filter_map(|name| parts::count(head, name)).collect();
    (!counts.is_empty()).then(|| counts.into_iter().fold(0, u64::saturating_add))
}

/// The longest sequence of suite names that the full name begins with, and whether it holds the innermost suite or goes
/// on with its name, as that of a method around its arguments does. A suite in between may not be part of it: that of a
/// fixture around its parameters is not. Only suites know where a name begins that holds dots itself.
fn place_by_suites<'n>(full: &'n str, path: &[String]) -> Option<(&'n str, bool)> {
    let path = path.get(path.len().saturating_sub(NAMED_SUITES)..).unwrap_or(path);
    let mut found = (0, false);
    for start in 0..path.len() {
        let mut rest = full;
        for (index, name) in path.iter().enumerate().skip(start) {
            let innermost = index + 1 == path.len();
            if let Some(after) = rest.strip_prefix(name.as_str()).and_then(|after| after.strip_prefix('.')) {
                rest = after;
                found = found.max((full.len() - rest.len() - 1, innermost));
            } else if innermost && rest.len() < full.len() && rest.starts_with(name.as_str()) {
                found = found.max((full.len() - rest.len() - 1, true));
            }
        }
    }
    full.get(..found.0).filter(|place| !place.is_empty()).map(|place| (place, found.1))
}

/// What stands before the last dot outside of brackets and quotes.
fn place_by_dots(full: &str) -> Option<&str> {
    let (mut depth, mut quoted, mut last) = (0_u32, false, None);
    for (at, c) in full.char_indices() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '<' | '[' | '{' => depth += 1,
            ')' | '>' | ']' | '}' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => last = Some(at),
            // A sentence is a name of its own.
            c if depth == 0 && c.is_whitespace() => return None,
            _ => {}
        }
    }
    last.and_then(|at| full.get(..at)).filter(|place| !place.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_divide_a_full_name_and_dots_where_they_do_not() {
        for (full, path, class, name) in [
            ("A.B.C.T", &["x.dll", "A", "B", "C"][..], Some("A.B.C"), "T"),
            ("A.B.C.v1.2", &["x.dll", "A", "B", "C"], Some("A.B.C"), "v1.2"),
            ("A.C.M<Double>(9.2d)", &["A", "C", "M"], Some("A.C"), "M<Double>(9.2d)"),
            ("A.F(5).T1", &["A", "F", "F(5)"], Some("A.F(5)"), "T1"),
            ("A.F<Int32>(5.0).T(\"a.b\")", &[], Some("A.F<Int32>(5.0)"), "T(\"a.b\")"),
            ("A.Main.T", &["x.dll", "A", "A.Main"], Some("A.Main"), "T"),
            ("A.Base.T", &["x.dll", "A", "Inherits"], Some("A.Base"), "T"),
            ("A.C.a name. Of two.", &["x.dll", "A", "Inherits"], Some("A"), "C.a name. Of two."),
            ("T", &["x.dll", "A"], None, "T"),
            ("A user pays. Then leaves.", &["A"], None, "A user pays. Then leaves."),
            ("A.", &["A"], None, "A."),
            (".T", &[], None, ".T"),
        ] {
            let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
            let case = Element {
                name: "test-case".to_owned(),
                attributes: vec![("name".to_owned(), full.to_owned())],
                text: String::new(),
                children: Vec::new(),
                at: crate::reporter::At { line: 1, column: 1 },
            };
            assert_eq!(Two::class_and_name(&case, &path), (class.map(str::to_owned), name.to_owned()));
        }
    }
}
