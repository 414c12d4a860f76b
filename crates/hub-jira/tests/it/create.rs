//! Bulk creates: one call for fifty, one bad among many, long texts.

use std::collections::HashMap;

use atlassian_sim::Options;
use hub_destination::Outcome;
use hub_domain::{
    facts::{IssueBody, IssueKind},
    vocabulary::Locale,
};
use hub_jira::{Created, calls::MAX_BULK_CREATE};
use serde_json::json;

use crate::{
    played::{Played, play},
    sample,
};

/// Reads the created issues back as the hub does: each id with its marker.
async fn markers(site: &Played, created: &[Created]) -> HashMap<String, Option<String>> {
    let ids: Vec<String> = created.iter().map(|issue| issue.id.clone()).collect();
    site.jira().find(&ids).await.unwrap().into_iter().map(|found| (found.id, found.marker)).collect()
}

#[tokio::test]
async fn fifty_issues_take_one_call_and_one_more_proves_them() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let before = site.calls().await;
        let writes = sample::cases(MAX_BULK_CREATE);
        let results = site.jira().create(&writes, &found).await;
        let created: Vec<Created> = results.into_iter().map(Result::unwrap).collect();
        let proof = markers(site, &created).await;
        assert_eq!(site.calls().await - before, 2);
        assert_eq!(site.answered("POST /rest/api/3/issue/bulk").await, json!({"201": 1}));
        assert_eq!(site.answered("POST /rest/api/3/issue/bulkfetch").await, json!({"200": 1}));

        let truth = site.truth().await;
        assert_eq!(truth["issues"].as_array().unwrap().len(), 50);
        for (write, created) in writes.iter().zip(&created) {
            assert_eq!(proof[&created.id].as_deref(), Some(write.stamp.marker.as_str()));
            assert_eq!(truth["markers"][write.stamp.marker.as_str()], 1);
        }
        let issue = &truth["issues"][0];
        assert_eq!(issue["type"], "Test Case");
        assert_eq!(issue["fields"]["summary"], "TC_1 - Filter by price");
        assert_eq!(issue["fields"]["labels"], json!(["module:catalogue", "project:shop"]));
        assert_eq!(issue["fields"]["priority"], "High");
        assert_eq!(issue["custom"]["test_case_id"]["value"], "TC_1");
        assert_eq!(issue["custom"]["suite_id"]["value"], "Product list");
        assert_eq!(issue["custom"]["platform"]["value"], "android, desktop");
        assert_eq!(
            issue["properties"],
            json!({"haida.hub": {
                "m": writes[0].stamp.marker.as_str(),
                "attempt": 1,
                "fence": 7,
                "hash": writes[0].stamp.hash.to_hex(),
                "source": "csv-cases",
                "external_id": "TC_1",
                "last_sync_at": "2026-11-24T09:30:00Z",
                "schema": 1,
            }})
        );
    })
    .await;
}

#[tokio::test]
async fn every_kind_of_issue_has_its_type_and_its_fields() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let writes = [
            sample::write(sample::case("TC_1", Locale::Es)),
            sample::write(sample::execution("run-1", Locale::Es)),
            sample::write(sample::bug("BUG-1", Locale::Es)),
        ];
        assert!(site.jira().create(&writes, &found).await.iter().all(Result::is_ok));
        let (case, run, bug) = (site.issue("CTB-1").await, site.issue("CTB-2").await, site.issue("CTB-3").await);
        assert_eq!((&case["type"], &case["fields"]["priority"]), (&json!("Test Case"), &json!("Highest")));
        assert_eq!((&run["type"], &run["custom"]["run_id"]["value"]), (&json!("Test Execution"), &json!("run-1")));
        assert_eq!((&bug["type"], &bug["custom"]["device"]["value"]), (&json!("Bug"), &json!("iPhone 14")));
        assert_eq!(bug["custom"]["environment"]["value"], "staging");
        assert!(bug["fields"]["environment"].is_null(), "Jira's own environment is another field");
    })
    .await;
}

#[tokio::test]
async fn one_bad_element_costs_only_itself() {
    play(Options::default(), async |site| {
        let mut found = site.capabilities().await;
        // What the hub knows of Bug's screen is out of date: an administrator has removed the field since.
        let screen = found.types.get_mut(IssueKind::Bug.type_name()).unwrap();
        screen.fields.insert("device".to_owned(), "customfield_10999".to_owned());
        let mut writes = sample::cases(49);
        writes.insert(17, sample::write(sample::bug("BUG-1", Locale::En)));
        let results = site.jira().create(&writes, &found).await;

        assert_eq!(results.len(), 50);
        match &results[17] {
            Err(Outcome::Refused(cause)) => {
                assert_eq!((cause.code.id, cause.status), ("HUB-2005", Some(400)));
                assert!(cause.message.contains("customfield_10999") && cause.message.contains("screen"), "{cause:?}");
            }
            other => panic!("{other:?}"),
        }
        let created: Vec<Created> = results.iter().flatten().cloned().collect();
        assert_eq!(created.len(), 49);
        let proof = markers(site, &created).await;
        for (write, result) in writes.iter().zip(&results) {
            if let Ok(created) = result {
                assert_eq!(proof[&created.id].as_deref(), Some(write.stamp.marker.as_str()), "{created:?}");
            }
        }
        assert_eq!(site.truth().await["issues"].as_array().unwrap().len(), 49);
        assert_eq!(site.answered("POST /rest/api/3/issue/bulk").await, json!({"201": 1}));
    })
    .await;
}

#[tokio::test]
async fn where_all_are_bad_each_is_refused_and_nothing_is_created() {
    play(Options::default(), async |site| {
        let mut found = site.capabilities().await;
        for screen in found.types.values_mut() {
            screen.fields.insert("test_case_id".to_owned(), "customfield_10999".to_owned());
        }
        let results = site.jira().create(&sample::cases(3), &found).await;
        assert!(
            results.iter().all(|r| matches!(r, Err(Outcome::Refused(c)) if c.code.id == "HUB-2005")),
            "{results:?}"
        );
        assert_eq!(site.truth().await["issues"], json!([]));
        assert_eq!(site.answered("POST /rest/api/3/issue/bulk").await, json!({"400": 1}));
    })
    .await;
}

#[tokio::test]
async fn a_text_of_33000_characters_is_shortened_and_says_so() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let mut facts = sample::case("TC_1", Locale::Es);
        let IssueBody::TestCase(case) = &mut facts.body else { panic!("not a case") };
        case.expected_result = Some("palabra ñandú ".repeat(2_400));
        let results = site.jira().create(&[sample::write(facts)], &found).await;
        assert!(results[0].is_ok(), "{results:?}");
        let description = site.issue("CTB-1").await["fields"]["description"].to_string();
        assert!(description.len() > 25_000 && description.encode_utf16().count() <= 32_767, "{}", description.len());
        assert!(description.contains("El texto se ha acortado en"), "the reader is told");
        assert!(description.contains("Abrir la categoría"), "what stands before the long text stays");
    })
    .await;
}

#[tokio::test]
async fn a_run_with_more_rows_than_fit_says_how_many_are_missing() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let mut facts = sample::execution("run-1", Locale::En);
        let IssueBody::TestExecution { results, .. } = &mut facts.body else { panic!("not a run") };
        let line = results[0].clone();
        *results = vec![line; 200];
        assert!(site.jira().create(&[sample::write(facts)], &found).await[0].is_ok());
        let description = site.issue("CTB-1").await["fields"]["description"].to_string();
        let words: Vec<&str> =
            description.split('"').filter(|text| text.ends_with("more rows are not shown here.")).collect();
        let missing: u64 = words.last().unwrap().split(' ').next().unwrap().parse().unwrap();
        let shown = description.matches("expected 3 products, saw 5").count() as u64;
        assert_eq!(shown + missing, 200, "{words:?}");
    })
    .await;
}

#[tokio::test]
async fn a_value_longer_than_a_field_is_cut_and_does_not_cost_the_issue() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let mut facts = sample::bug("BUG-1", Locale::En);
        // 200 characters that count as 400 where Jira counts, behind a line break that a line cannot hold.
        facts.fields.device = Some(format!("lab\n{}", "📱".repeat(200)));
        let results = site.jira().create(&[sample::write(facts)], &found).await;
        assert!(results[0].is_ok(), "{results:?}");
        let issue = site.issue("CTB-1").await;
        let device = issue["custom"]["device"]["value"].as_str().unwrap();
        assert!(device.starts_with("lab 📱") && device.encode_utf16().count() <= 255, "{device}");
    })
    .await;
}
