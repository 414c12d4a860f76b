//! Text that looks like markup, or that no format can hold, arrives as text.

use atlassian_sim::Options;
use hub_domain::{facts::IssueBody, vocabulary::Locale};
use serde_json::Value;

use crate::{played::play, sample};

/// What a report may bring along, and what of it must be readable afterwards.
const HOSTILE: [(&str, &str); 8] = [
    ("<script>alert(1)</script><img src=x onerror=a>", "<script>alert(1)</script><img src=x onerror=a>"),
    ("a ]]> b <![CDATA[ c", "a ]]> b <![CDATA[ c"),
    ("&lt; &amp; &nbsp; &#0;", "&lt; &amp; &nbsp; &#0;"),
    (
        "*no* _markup_ {code}x{code} [l|http://e.example] !img.png!",
        "*no* _markup_ {code}x{code} [l|http://e.example] !img.png!",
    ),
    ("👩‍👩‍👧 😀 Ñandú ¿qué? 漢字 שלום", "👩‍👩‍👧 😀 Ñandú ¿qué? 漢字 שלום"),
    ("nul\u{0} bell\u{7} del\u{7f}", "nul\u{fffd} bell\u{fffd} del\u{fffd}"),
    ("\u{1b}[31mred\u{1b}[0m", "red"),
    ("\" ' \\ / %s ${x} {{y}} \u{fffe}", "\" ' \\ / %s ${x} {{y}} \u{fffd}"),
];

/// Every text node of a document.
fn texts(node: &Value, found: &mut Vec<String>) {
    if let Some(text) = node["text"].as_str() {
        found.push(text.to_owned());
    }
    node["content"].as_array().into_iter().flatten().for_each(|child| texts(child, found));
}

#[tokio::test]
async fn hostile_text_arrives_as_text_in_every_field() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        for (input, _) in HOSTILE {
            let mut facts = sample::case("TC_1", Locale::En);
            let IssueBody::TestCase(case) = &mut facts.body else { panic!("not a case") };
            for field in [&mut case.component, &mut case.module, &mut case.preconditions, &mut case.expected_result] {
                *field = Some(input.to_owned());
            }
            case.requirements = vec![input.to_owned()];
            case.steps = vec![input.to_owned(), "second".to_owned()];
            case.other = vec![(input.to_owned(), input.to_owned())];
            case.source_words = vec![("priority".to_owned(), input.to_owned())];
            // The plan makes summaries one line without control characters; markup may be in them.
            facts.summary = format!("TC_1 - {}", input.replace(|c: char| c.is_control(), ""));
            facts.fields.suite_id = Some(input.to_owned());
            let results = site.jira().create(&[sample::write(facts)], &found).await;
            assert!(results[0].is_ok(), "{input:?}: {results:?}");
        }
        for (number, (input, expected)) in (1..).zip(HOSTILE) {
            let key = format!("CTB-{number}");
            let issue = site.issue(&key).await;
            let mut found = Vec::new();
            texts(&issue["fields"]["description"], &mut found);
            // Component, module, requirements, preconditions, a step, the expected result, a name and its value.
            let whole = found.iter().filter(|text| text.as_str() == expected).count();
            assert_eq!(whole, 8, "{input:?}: {found:?}");
            assert!(found.iter().any(|text| text == &format!("P1 ({expected})")), "{input:?}: {found:?}");
            assert_eq!(issue["custom"]["suite_id"]["value"], expected, "{input:?}");
            let html = site.html(&format!("/browse/{key}")).await;
            for active in ["<script>alert", "<img src=x"] {
                assert!(!html.contains(active), "{key} shows {active}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_text_arrives_as_text_in_runs_and_defects() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        for (input, expected) in HOSTILE {
            let mut run = sample::execution("run-1", Locale::En);
            let IssueBody::TestExecution { results, .. } = &mut run.body else { panic!("not a run") };
            results[0].name = input.to_owned();
            results[0].device = Some(input.to_owned());
            results[0].message = Some(input.to_owned());
            let mut bug = sample::bug("BUG-1", Locale::Es);
            let IssueBody::Bug(defect) = &mut bug.body else { panic!("not a defect") };
            defect.description = Some(input.to_owned());
            defect.actual_result = Some(input.to_owned());
            defect.device = Some(input.to_owned());
            bug.fields.device = Some(input.to_owned());
            let created = site.jira().create(&[sample::write(run), sample::write(bug)], &found).await;
            for created in created {
                let issue = site.issue(&created.unwrap().key).await;
                let mut found = Vec::new();
                texts(&issue["fields"]["description"], &mut found);
                assert_eq!(found.iter().filter(|text| text.as_str() == expected).count(), 3, "{input:?}: {found:?}");
            }
        }
    })
    .await;
}
