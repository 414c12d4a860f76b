//! After a lost answer: what was created is found by key, each once.

use std::collections::BTreeSet;

use atlassian_sim::Options;
use hub_destination::{Method, Outcome};
use hub_jira::{Found, flow::highest_number};
use serde_json::json;

use crate::{played::play, sample};

fn markers(found: &[Found]) -> BTreeSet<&str> {
    found.iter().filter_map(|issue| issue.marker.as_deref()).collect()
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_doubt_and_a_scan_by_key_ends_it() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let writes = sample::cases(50);
        site.hub.lose_next_answer("/rest/api/3/issue/bulk");
        let results = site.jira().create(&writes, &found).await;
        for result in &results {
            assert!(matches!(result, Err(Outcome::Unknown(cause)) if cause.code.id == "HUB-2007"), "{result:?}");
        }
        let before = site.calls().await;
        let scanned = site.jira().scan_above(0).await.unwrap();
        assert_eq!(site.calls().await - before, 3, "the index, one block with issues, one without");
        assert_eq!(markers(&scanned), writes.iter().map(|write| write.stamp.marker.as_str()).collect());
        for issue in &scanned {
            let write =
                writes.iter().find(|write| Some(write.stamp.marker.as_str()) == issue.marker.as_deref()).unwrap();
            assert_eq!(issue.hash.as_deref(), Some(write.stamp.hash.to_hex().as_str()));
            assert_eq!(issue.labels, ["module:catalogue", "project:shop"]);
        }
        assert_eq!(site.truth().await["issues"].as_array().unwrap().len(), 50);
    })
    .await;
}

#[tokio::test]
async fn a_scan_goes_on_over_blocks_and_gaps_and_tells_peoples_issues_from_ours() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let writes = sample::cases(120);
        for batch in writes.chunks(50) {
            assert!(site.jira().create(batch, &found).await.iter().all(Result::is_ok));
        }
        let theirs =
            json!({"fields": {"project": {"key": "CTB"}, "issuetype": {"name": "Task"}, "summary": "by hand"}});
        let (status, made) = site.person(Method::Post, "/rest/api/3/issue", Some(theirs)).await;
        assert_eq!((status, &made["key"]), (201, &json!("CTB-121")));
        for number in 3..60 {
            let (status, _) = site.person(Method::Delete, &format!("/rest/api/3/issue/CTB-{number}"), None).await;
            assert_eq!(status, 204);
        }
        let all = site.jira().scan_above(0).await.unwrap();
        assert_eq!((all.len(), markers(&all).len()), (64, 63), "57 are deleted, one is not ours");
        assert_eq!(highest_number(all.iter().map(|issue| issue.key.as_str())), 121);
        let above = site.jira().scan_above(100).await.unwrap();
        assert_eq!(above.len(), 21);
        assert_eq!(site.jira().scan_above(121).await.unwrap(), Vec::new());
    })
    .await;
}

#[tokio::test]
async fn a_scan_passes_a_gap_of_hundreds_of_deleted_keys() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let writes = sample::cases(400);
        for batch in writes.chunks(50) {
            assert!(site.jira().create(batch, &found).await.iter().all(Result::is_ok));
        }
        for number in 51..=390 {
            let (status, _) = site.person(Method::Delete, &format!("/rest/api/3/issue/CTB-{number}"), None).await;
            assert_eq!(status, 204);
        }
        assert_eq!(site.jira().highest_indexed().await.unwrap(), 400);
        let above = site.jira().scan_above(50).await.unwrap();
        assert_eq!(above.len(), 10, "three blocks without an issue do not end the scan");
    })
    .await;
}
