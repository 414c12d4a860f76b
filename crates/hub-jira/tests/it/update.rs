//! Updates: one PUT each, which leaves to people what is theirs.

use atlassian_sim::Options;
use hub_destination::{Method, Outcome};
use hub_domain::{facts::IssueBody, label::Dimension, vocabulary::Locale};
use serde_json::{Value, json};

use crate::{
    played::{Played, play},
    sample,
};

async fn created(site: &Played) -> (hub_jira::Capabilities, hub_jira::Created) {
    let found = site.capabilities().await;
    let write = sample::write(sample::case("TC_1", Locale::En));
    let created = site.jira().create(&[write], &found).await.remove(0).unwrap();
    (found, created)
}

#[tokio::test]
async fn a_changed_case_takes_exactly_one_put_and_keeps_peoples_labels() {
    play(Options::default(), async |site| {
        let (found, created) = created(site).await;
        let add = json!({"update": {"labels": [{"add": "urgent"}, {"add": "team-red"}]}});
        let (status, _) = site.person(Method::Put, &format!("/rest/api/3/issue/{}", created.key), Some(add)).await;
        assert_eq!(status, 204);
        let before = site.calls().await;

        let mut facts = sample::case("TC_1", Locale::En);
        facts.summary = "TC_1 - Filter by price and size".to_owned();
        facts.labels = vec![sample::label(Dimension::Module, "search"), sample::label(Dimension::Project, "shop")];
        facts.priority = None;
        facts.fields.platform = None;
        let IssueBody::TestCase(case) = &mut facts.body else { panic!("not a case") };
        case.steps.push("Set the size to M".to_owned());
        let mut write = sample::write(facts);
        write.stamp.attempt = 2;
        let set = ["module:catalogue", "project:shop"].map(str::to_owned);
        let outcome = site.jira().update(&created.id, Some(&created.key), &write, &found, &set).await;

        assert_eq!(site.calls().await - before, 1);
        let Outcome::Applied(remote) = outcome else { panic!("{outcome:?}") };
        assert_eq!((remote.id.as_str(), remote.key.as_deref()), (created.id.as_str(), Some("CTB-1")));
        assert_eq!(remote.labels, ["module:search", "project:shop"]);
        let issue = site.issue("CTB-1").await;
        let mut labels: Vec<&str> =
            issue["fields"]["labels"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        labels.sort_unstable();
        assert_eq!(labels, ["module:search", "project:shop", "team-red", "urgent"]);
        assert_eq!(issue["fields"]["summary"], "TC_1 - Filter by price and size");
        assert_eq!(issue["fields"]["priority"], "High", "a priority that no source names is left as it is");
        assert!(issue["custom"]["platform"]["value"].is_null(), "a fact that is gone is cleared: {issue}");
        assert!(issue["fields"]["description"].to_string().contains("Set the size to M"));
        assert_eq!(issue["properties"]["haida.hub"]["attempt"], 2);
        assert_eq!(issue["properties"]["haida.hub"]["hash"], write.stamp.hash.to_hex());
        assert_eq!(site.truth().await["issues"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_same_update_twice_leaves_one_state() {
    play(Options::default(), async |site| {
        let (found, created) = created(site).await;
        let write = sample::write(sample::case("TC_1", Locale::Es));
        let first = site.jira().update(&created.id, Some(&created.key), &write, &found, &[]).await;
        let once = site.issue("CTB-1").await["fields"].clone();
        let second = site.jira().update(&created.id, Some(&created.key), &write, &found, &[]).await;
        assert_eq!(first, second);
        assert_eq!(site.issue("CTB-1").await["fields"], once);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_an_update_may_simply_be_repeated() {
    play(Options::default(), async |site| {
        let (found, created) = created(site).await;
        site.hub.lose_next_answer("/rest/api/3/issue/{issueIdOrKey}");
        let write = sample::write(sample::case("TC_1", Locale::Es));
        let outcome = site.jira().update(&created.id, None, &write, &found, &[]).await;
        assert!(matches!(&outcome, Outcome::Retryable(cause) if cause.code.id == "HUB-2001"), "{outcome:?}");
        let outcome = site.jira().update(&created.id, None, &write, &found, &[]).await;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_issue_is_reported_and_not_made_again() {
    play(Options::default(), async |site| {
        let (found, created) = created(site).await;
        let (status, _) = site.person(Method::Delete, &format!("/rest/api/3/issue/{}", created.key), None).await;
        assert_eq!(status, 204);
        let write = sample::write(sample::case("TC_1", Locale::En));
        let outcome = site.jira().update(&created.id, Some(&created.key), &write, &found, &[]).await;
        assert!(matches!(&outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{outcome:?}");
        assert_eq!(site.truth().await["issues"], json!([]));
    })
    .await;
}
