//! A new page takes two calls, a changed one takes one.

use hub_confluence::encode::storage;
use hub_destination::{Method, Outcome};
use hub_domain::{EntityKind, facts::PageBody, vocabulary::Locale};
use serde_json::json;

use crate::{
    played::{Mishap, applied, known, play},
    sample,
};

#[tokio::test]
async fn the_space_is_found_in_two_calls() {
    play(async |site| {
        assert_eq!(site.calls().await, 2);
        assert_eq!(site.space.account_id, site.running.sim.account().account_id);
        let truth = site.person(Method::Get, "/_sim/state", None).await.1;
        let space = &truth["confluence"]["spaces"][0];
        assert_eq!(space["id"], site.space.space_id.as_str());
        assert_eq!(space["homepageId"], site.space.homepage_id.as_str());
    })
    .await;
}

#[tokio::test]
async fn a_page_of_each_kind_takes_two_calls() {
    play(async |site| {
        let mut parent = site.space.homepage_id.clone();
        for (kind, write) in sample::every_kind(Locale::Es) {
            let before = site.calls().await;
            let attempt = site.publish(&write, &parent, None).await;
            assert_eq!(site.calls().await - before, 2, "{kind}");
            let remote = applied(&attempt);
            assert_eq!(Some(remote), attempt.remote.as_ref());
            assert_eq!(remote.version, Some(1));
            let page = site.page(&remote.id).await;
            assert_eq!(page["title"], write.facts.title, "{kind}");
            assert_eq!(page["parentId"], parent, "{kind}");
            assert_eq!(page["body"], storage(&write), "{kind}");
            assert_eq!(page["labels"], json!(remote.labels), "{kind}");
            assert!(remote.labels.contains(&"project-shop".to_owned()));
            let address = remote.key.as_deref().unwrap();
            assert!(site.html(address).await.contains("<h1"), "{address}");
            parent.clone_from(&remote.id);
        }
        assert_eq!(site.answered("POST /wiki/api/v2/pages").await, json!({"200": 5}));
        assert_eq!(site.answered("POST /wiki/rest/api/content/{id}/label").await, json!({"200": 5}));
        let pages = site.pages().await;
        let kinds: Vec<_> = pages.iter().map(|page| page["labels"].to_string()).collect();
        assert!(kinds[2].contains("hub-release") && kinds[3].contains("hub-run") && kinds[4].contains("hub-report"));
    })
    .await;
}

#[tokio::test]
async fn a_changed_page_takes_one_call() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let before = site.calls().await;
        let write = sample::changed_run();
        let attempt = site.publish(&write, &site.space.homepage_id, Some(&first)).await;
        assert_eq!(site.calls().await - before, 1);
        let remote = applied(&attempt);
        assert_eq!((remote.id.as_str(), remote.version), (first.remote.id.as_str(), Some(2)));
        let page = site.page(&remote.id).await;
        assert_eq!(page["body"], storage(&write));
        assert_eq!(page["versionMessage"], format!("haida-hub {}", write.hash.to_hex()));
        assert_eq!(site.pages().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_page_whose_labels_failed_is_known_and_gets_them_by_the_next_attempt() {
    play(async |site| {
        site.hub.arrange("/wiki/rest/api/content/{id}/label", Method::Post, Mishap::NotSent);
        let write = sample::run(Locale::En);
        let home = site.space.homepage_id.clone();
        let attempt = site.publish(&write, &home, None).await;
        assert!(matches!(&attempt.outcome, Outcome::Retryable(cause) if cause.code.id == "HUB-2001"), "{attempt:?}");
        let again = site.publish(&write, &home, Some(&known(&attempt, &home))).await;
        assert_eq!(applied(&again).labels, ["env-production", "hub-run", "project-shop"]);
        let pages = site.pages().await;
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0]["labels"], json!(["env-production", "hub-run", "project-shop"]));
    })
    .await;
}

#[tokio::test]
async fn a_body_above_five_megabytes_loses_lines_and_says_so() {
    play(async |site| {
        let mut facts = sample::report_page(Locale::En);
        let PageBody::Report { results, .. } = &mut facts.body else { panic!("not a report") };
        let mut line = results[0].clone();
        line.name = "é&".repeat(1_500);
        *results = vec![line; 2_000];
        let write = sample::write(EntityKind::Report, facts);
        let attempt = site.publish(&write, &site.space.homepage_id, None).await;
        let page = site.page(&applied(&attempt).id).await;
        let body = page["body"].as_str().unwrap();
        assert!(body.len() <= 5 * 1024 * 1024, "{}", body.len());
        let shown = body.matches("expected 3 products, saw 5").count();
        assert!(shown >= 100, "{shown} lines of 2,000");
        assert!(body.contains(&format!("<p>{} more rows are not shown here.</p>", 2_012 - shown)), "{shown} are shown");
    })
    .await;
}
