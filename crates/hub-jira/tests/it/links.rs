//! Links between issues and to pages: the second time changes nothing.

use atlassian_sim::Options;
use hub_destination::Outcome;
use hub_domain::{
    facts::{IssueLinkFacts, Relation, RemoteLinkFacts},
    vocabulary::Locale,
};
use serde_json::json;

use crate::{
    played::{Played, play},
    sample,
};

/// A defect (`CTB-1`) and a case (`CTB-2`).
async fn pair(site: &Played) -> IssueLinkFacts {
    let (bug, case) = (sample::bug("BUG-1", Locale::En), sample::case("TC_1", Locale::En));
    let link =
        IssueLinkFacts { from: sample::identity(&bug), to: sample::identity(&case), relation: Relation::DefectOfCase };
    let found = site.capabilities().await;
    let results = site.jira().create(&[sample::write(bug), sample::write(case)], &found).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    link
}

#[tokio::test]
async fn the_same_issue_link_twice_is_one_link() {
    play(Options::default(), async |site| {
        let link = pair(site).await;
        let first = site.jira().link(&link, "CTB-1", "CTB-2").await;
        assert!(matches!(&first, Outcome::Applied(remote) if remote.id == "CTB-1:CTB-2"), "{first:?}");
        assert_eq!(site.jira().link(&link, "CTB-1", "CTB-2").await, first);
        assert_eq!(site.answered("POST /rest/api/3/issueLink").await, json!({"201": 2}));
        let truth = site.truth().await;
        let links = truth["links"].as_array().unwrap();
        assert_eq!(links.len(), 1, "{links:?}");
        assert_eq!((&links[0]["type"], &links[0]["source"]), (&json!("Relates"), &json!("CTB-1")));
        assert_eq!(links[0]["destination"], "CTB-2");
        assert!(truth["issues"].as_array().unwrap().iter().all(|issue| issue["comments"] == json!([])));
    })
    .await;
}

#[tokio::test]
async fn a_link_to_an_issue_that_is_gone_is_refused() {
    play(Options::default(), async |site| {
        let link = pair(site).await;
        let outcome = site.jira().link(&link, "CTB-1", "CTB-77").await;
        assert!(matches!(&outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{outcome:?}");
        assert_eq!(site.truth().await["links"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_same_remote_link_twice_is_one_link_with_the_newer_words() {
    play(Options::default(), async |site| {
        pair(site).await;
        let mut link = RemoteLinkFacts {
            issue: sample::identity(&sample::execution("run-1", Locale::En)),
            page: sample::identity(&sample::execution("run-1", Locale::En)),
            title: "Nightly [shop/run/run-1]".to_owned(),
        };
        let id = site.issue("CTB-1").await["id"].as_str().unwrap().to_owned();
        let address = "https://example.com/wiki/spaces/CTB/pages/77";
        let first = site.jira().remote_link(&link, &id, "77", address).await;
        assert!(matches!(&first, Outcome::Applied(remote) if !remote.id.is_empty()), "{first:?}");
        link.title = "Nightly <b>& more</b> [shop/run/run-1]".to_owned();
        assert_eq!(site.jira().remote_link(&link, &id, "77", address).await, first, "the same link");

        let endpoint = "POST /rest/api/3/issue/{issue}/remotelink";
        assert_eq!(site.answered(endpoint).await, json!({"200": 1, "201": 1}));
        let links = site.issue("CTB-1").await["remote_links"].clone();
        assert_eq!(links.as_array().unwrap().len(), 1, "{links}");
        assert_eq!(links[0]["globalId"], "haida.hub:page:77");
        assert_eq!(links[0]["relationship"], "Wiki Page");
        assert_eq!(links[0]["object"]["title"], link.title);
        assert_eq!(links[0]["object"]["url"], address);
        assert!(!site.html("/browse/CTB-1").await.contains("<b>& more</b>"), "a title is text");
    })
    .await;
}

#[tokio::test]
async fn lost_answers_to_links_are_repeated_without_harm() {
    play(Options::default(), async |site| {
        let link = pair(site).await;
        site.hub.lose_next_answer("/rest/api/3/issueLink");
        let lost = site.jira().link(&link, "CTB-1", "CTB-2").await;
        assert!(matches!(lost, Outcome::Retryable(_)), "{lost:?}");
        assert!(matches!(site.jira().link(&link, "CTB-1", "CTB-2").await, Outcome::Applied(_)));
        assert_eq!(site.truth().await["links"].as_array().unwrap().len(), 1);
    })
    .await;
}
