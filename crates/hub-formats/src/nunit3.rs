//! NUnit 3's result file (`test-run`), and a bare `test-suite` as editors and adapters write it. A test's status is the
//! label where that is the more exact word (`Error`, `Invalid`, `Cancelled`, `Ignored`, `Explicit`), else the result
//! (`Passed`, `Failed`, `Warning`, `Inconclusive`, `Skipped`); a test without result, as in a list of tests, is `not-run`.
//!
//! What it does not take: output of suites, settings, the filter, the command line.

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
    Format { name: "nunit3", title: "NUnit 3 results", holds: Holds::Results, spread: false, sniff, read };

fn sniff(head: &Head<'_>) -> bool {
    match head.prolog().root {
        Some("test-run") => true,
        // NUnit 2 says `executed`; Allure 1 has none of these.
        Some("test-suite") => {
            !head.root_has("executed")
                && ["fullname", "runstate", "testcasecount"].iter().any(|name| head.root_has(name))
        }
        Some(_) | None => false,
    }
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    let _ = element::walk(&mut Xml::new(input), reporter, &mut Nunit::<Three>::default());
}

#[derive(Debug)]
struct Three;

impl Dialect for Three {
    const ROOT: &'static str = "test-run";
    const DURATION: &'static str = "duration";

    fn declared(head: &Element) -> Declared {
        Declared {
            tests: parts::count(head, "total"),
            failures: parts::count(head, "failed"),
            skipped: parts::count(head, "skipped"),
            ..Declared::default()
        }
    }

    fn not_run(_: &Element) -> Option<u64> {
        None
    }

    fn started_at(head: &Element) -> Option<String> {
        head.filled("start-time")
    }

    fn class_and_name(case: &Element, _: &[String]) -> (Option<String>, String) {
        let full = case.filled("fullname").unwrap_or_default();
        let name = case.filled("name").unwrap_or_else(|| full.clone());
        let place = full.strip_suffix(&name).and_then(|place| place.strip_suffix('.'));
        let class = match (case.filled("classname"), place) {
            // Some writers leave the namespace out.
            (Some(class), Some(place)) if !class.contains('.') && place.ends_with(&format!(".{class}")) => {
                Some(place.to_owned())
            }
            (Some(class), _) => Some(class),
            (None, place) => place.map(str::to_owned),
        };
        (class, name)
    }

    fn status(element: &Element) -> String {
        let (result, label) = result_and_label(element);
        let failed = element.child("failure").is_some();
        match (result.as_str(), label.as_deref()) {
            ("Failed", Some(label @ ("Error" | "Invalid" | "Cancelled"))) => label.to_owned(),
            ("Skipped", Some(label @ ("Ignored" | "Explicit"))) => label.to_owned(),
            ("" | "Passed", _) if failed => "Failed".to_owned(),
            ("", _) => "not-run".to_owned(),
            (_, _) => result,
        }
    }

    fn group(case: &Element) -> Group {
        match Self::status(case).as_str() {
            "Failed" | "Error" | "Invalid" | "Cancelled" => Group::Failed,
            "Skipped" | "Ignored" | "Explicit" => Group::LeftOut,
            _ => Group::Passed,
        }
    }

    fn settle(declared: Declared, _: Option<&Element>, _: Option<u64>, _: u64) -> Declared {
        declared
    }
}

/// The result and the label. Unity writes both and the site as one: `Failed:Error(SetUp)`, `Failed(Child)`.
fn result_and_label(element: &Element) -> (String, Option<String>) {
    let written = element.filled("result").unwrap_or_default();
    let state = written.split_once('(').map_or(written.as_str(), |(state, _)| state);
    let (result, label) = match state.split_once(':') {
        Some((result, label)) => (result, Some(label.trim().to_owned())),
        None => (state, None),
    };
    (result.trim().to_owned(), element.filled("label").or(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::At;

    fn element(attributes: &[(&str, &str)]) -> Element {
        Element {
            name: "test-case".to_owned(),
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            text: String::new(),
            children: Vec::new(),
            at: At { line: 1, column: 1 },
        }
    }

    #[test]
    fn a_status_is_the_most_exact_word_of_the_file() {
        for (result, label, expect) in [
            ("Passed", "", "Passed"),
            ("Failed", "", "Failed"),
            ("Failed", "Error", "Error"),
            ("Failed", "Invalid", "Invalid"),
            ("Failed", "Timeout reached", "Failed"),
            ("Failed(Child)", "", "Failed"),
            ("Failed:Error(SetUp)", "", "Error"),
            ("Skipped:Ignored", "", "Ignored"),
            ("Skipped", "Explicit", "Explicit"),
            ("Passed", "Ignored", "Passed"),
            ("Warning", "", "Warning"),
            ("", "", "not-run"),
            ("Odd", "", "Odd"),
        ] {
            assert_eq!(Three::status(&element(&[("result", result), ("label", label)])), expect, "{result} {label}");
        }
    }

    #[test]
    fn the_class_is_the_one_with_its_namespace() {
        for (name, full, class, expect) in [
            ("T", "A.B.T", "A.B", Some("A.B")),
            ("T", "A.B.T", "B", Some("A.B")),
            ("T(1.5d)", "A.B(2).T(1.5d)", "", Some("A.B(2)")),
            ("T", "", "B", Some("B")),
            ("odd name", "A.B.T", "", None),
        ] {
            let case = element(&[("name", name), ("fullname", full), ("classname", class)]);
            assert_eq!(Three::class_and_name(&case, &[]), (expect.map(str::to_owned), name.to_owned()));
        }
    }
}
