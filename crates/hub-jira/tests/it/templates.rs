//! What the templates say, in both languages. A changed snapshot is a changed template: it publishes every issue once
//! again, and raises `TEMPLATE_REVISION`.

use hub_document::{Inline, Limits, to_adf};
use hub_domain::{
    facts::{IssueBody, IssueFacts},
    insight::{FailureKind, Sightings},
    vocabulary::{CaseStatus, Locale},
};
use hub_jira::template::description;
use serde_json::Value;

use crate::{judge, sample};

/// The description of an issue, seen by the judges.
fn adf(facts: &IssueFacts) -> Value {
    let limits = Limits::jira(&|_| vec![Inline::text("cut")]);
    let output = to_adf(&description(facts), &limits);
    judge::accept(std::slice::from_ref(&output.value));
    output.value
}

/// The longest line of a snapshot that holds a whole node.
const LINE: usize = 110;

/// JSON with a node on one line where it fits: pretty-printed in full, a table cell would take 14 lines.
fn laid_out(value: &Value) -> String {
    let mut text = String::new();
    lay_out(value, 0, &mut text);
    text
}

fn lay_out(value: &Value, depth: usize, text: &mut String) {
    let whole = value.to_string();
    let (open, close, parts): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(members) if whole.len() > LINE => {
            ('{', '}', members.iter().map(|(name, member)| (format!("{name:?}: "), member)).collect())
        }
        Value::Array(items) if whole.len() > LINE => {
            ('[', ']', items.iter().map(|item| (String::new(), item)).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return text.push_str(&whole);
        }
    };
    text.push(open);
    for (number, (name, part)) in parts.into_iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        text.push_str(&name);
        lay_out(part, depth + 1, text);
    }
    text.push_str(&format!("\n{}{close}", "  ".repeat(depth)));
}

#[test]
fn a_test_case() {
    insta::assert_snapshot!("case_en", laid_out(&adf(&sample::case("TC_1", Locale::En))));
    insta::assert_snapshot!("case_es", laid_out(&adf(&sample::case("TC_1", Locale::Es))));
}

#[test]
fn a_test_execution() {
    insta::assert_snapshot!("execution_en", laid_out(&adf(&sample::execution("run-1", Locale::En))));
    insta::assert_snapshot!("execution_es", laid_out(&adf(&sample::execution("run-1", Locale::Es))));
}

#[test]
fn what_is_concluded_of_a_run() {
    for (locale, language) in [(Locale::En, "en"), (Locale::Es, "es")] {
        let mut facts = sample::execution("run-1", locale);
        let IssueBody::TestExecution { run, .. } = &mut facts.body else { panic!("not a run") };
        run.insight = sample::insight();
        insta::assert_snapshot!(format!("execution_insight_{language}"), laid_out(&adf(&facts)));
    }
}

#[test]
fn a_bug_that_the_hub_made_says_where_it_was_seen() {
    let mut facts = sample::bug("auto-0123456789abcdef", Locale::En);
    let IssueBody::Bug(defect) = &mut facts.body else { panic!("not a bug") };
    defect.sightings = Some(Sightings {
        kind: FailureKind::Failure,
        fingerprint: "f1:0123456789abcdef".to_owned(),
        first_run: sample::id("run-1"),
        last_run: sample::id("run-7"),
        runs: 4,
        reopened_in: Some(sample::id("run-6")),
    });
    insta::assert_snapshot!("bug_sightings", laid_out(&adf(&facts)));
}

#[test]
fn a_bug() {
    insta::assert_snapshot!("bug_en", laid_out(&adf(&sample::bug("BUG-1", Locale::En))));
    insta::assert_snapshot!("bug_es", laid_out(&adf(&sample::bug("BUG-1", Locale::Es))));
}

#[test]
fn a_case_that_only_a_result_proves_has_no_empty_sections() {
    let mut facts = sample::case("TC_1", Locale::En);
    let IssueBody::TestCase(case) = &mut facts.body else { panic!("not a case") };
    case.component = None;
    case.module = None;
    case.test_type = None;
    case.platforms.clear();
    case.requirements.clear();
    case.preconditions = None;
    case.steps.clear();
    case.expected_result = Some("  \n ".to_owned());
    case.priority = None;
    case.risk = None;
    case.status = CaseStatus::Active;
    case.source_words.clear();
    case.other.clear();
    insta::assert_snapshot!("case_bare", laid_out(&adf(&facts)));
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for locale in [Locale::En, Locale::Es] {
        for facts in [sample::case("TC_1", locale), sample::execution("run-1", locale), sample::bug("BUG-1", locale)] {
            assert_eq!(adf(&facts).to_string(), adf(&facts.clone()).to_string());
        }
    }
}
