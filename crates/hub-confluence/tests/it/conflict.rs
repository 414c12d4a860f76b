//! Somebody else wrote in between, or our own answer was lost.

use hub_confluence::encode::storage;
use hub_destination::{Method, Outcome};
use hub_domain::vocabulary::Locale;
use serde_json::{Value, json};

use crate::{
    played::{Mishap, Played, applied, known, play},
    sample,
};

/// The bodies of a page's versions, oldest first.
async fn history(site: &Played, id: &str, versions: u64) -> Vec<String> {
    let mut bodies = Vec::new();
    for number in 1..=versions {
        let path = format!("/wiki/api/v2/pages/{id}?version={number}&body-format=storage");
        let (status, page) = site.person(Method::Get, &path, None).await;
        assert_eq!(status, 200, "{page}");
        bodies.push(page["body"]["storage"]["value"].as_str().unwrap().to_owned());
    }
    bodies
}

#[tokio::test]
async fn a_persons_edit_in_between_is_replaced_and_stays_in_the_history() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_edit(&first.remote.id, json!({"body": {"representation": "storage", "value": "<p>mine</p>"}}))
            .await;
        let before = site.calls().await;
        let write = sample::changed_run();
        let attempt = site.publish(&write, &site.space.homepage_id, Some(&first)).await;
        assert_eq!(site.calls().await - before, 3, "a conflict, a read, a write");
        assert_eq!(applied(&attempt).version, Some(3));
        let page = site.page(&first.remote.id).await;
        assert_eq!((&page["version"], &page["body"]), (&json!(3), &json!(storage(&write))));
        let history = history(site, &first.remote.id, 3).await;
        assert!(history[0].contains("2 h 03 min") && history[2].contains("1 min 05 s"));
        assert!(history[1].contains(">mine</p>"), "{}", history[1]);
    })
    .await;
}

#[tokio::test]
async fn our_own_write_whose_answer_was_lost_is_not_written_again() {
    play(async |site| {
        let home = site.space.homepage_id.clone();
        let first = site.first(&sample::run(Locale::En)).await;
        site.hub.arrange("/wiki/api/v2/pages/{id}", Method::Put, Mishap::AnswerLost);
        let write = sample::changed_run();
        let lost = site.publish(&write, &home, Some(&first)).await;
        assert!(matches!(&lost.outcome, Outcome::Retryable(cause) if cause.code.id == "HUB-2001"), "{lost:?}");
        assert_eq!(lost.remote.as_ref(), Some(&first.remote), "what is known stays as it was");
        let again = site.publish(&write, &home, Some(&known(&lost, &home))).await;
        assert_eq!(applied(&again).version, Some(2));
        assert_eq!(site.page(&first.remote.id).await["version"], 2);
        assert_eq!(site.answered("PUT /wiki/api/v2/pages/{id}").await, json!({"200": 1, "409": 1}));
    })
    .await;
}

#[tokio::test]
async fn a_site_that_is_not_ready_for_a_second_version_is_tried_again_later() {
    play(async |site| {
        let home = site.space.homepage_id.clone();
        site.behave(json!({"conflict_after_create_ms": 600_000})).await;
        let first = site.first(&sample::run(Locale::En)).await;
        let write = sample::changed_run();
        let early = site.publish(&write, &home, Some(&first)).await;
        assert!(matches!(&early.outcome, Outcome::Retryable(cause) if cause.code.id == "HUB-2009"), "{early:?}");
        site.behave(json!({"conflict_after_create_ms": 0})).await;
        let later = site.publish(&write, &home, Some(&known(&early, &home))).await;
        assert_eq!(applied(&later).version, Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_new_title_that_a_person_uses_is_refused_and_both_pages_stay() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let mut write = sample::changed_run();
        write.facts.title = "Nightly 2 [shop/run/run-1]".to_owned();
        let theirs = site.persons_page(&write.facts.title, "<p>theirs</p>").await;
        let attempt = site.publish(&write, &site.space.homepage_id, Some(&first)).await;
        assert!(matches!(&attempt.outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2008"), "{attempt:?}");
        assert_eq!(site.page(&theirs).await["body"], "<p>theirs</p>");
        let ours = site.page(&first.remote.id).await;
        assert_eq!((&ours["title"], &ours["version"]), (&Value::from("Nightly [shop/run/run-1]"), &json!(1)));
    })
    .await;
}

#[tokio::test]
async fn a_renamed_page_is_followed_and_gets_its_title_back() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_edit(&first.remote.id, json!({"title": "my favourite run"})).await;
        let write = sample::changed_run();
        let attempt = site.publish(&write, &site.space.homepage_id, Some(&first)).await;
        assert_eq!(applied(&attempt).id, first.remote.id);
        assert_eq!(site.pages().await.len(), 1);
        assert_eq!(site.page(&first.remote.id).await["title"], write.facts.title);
    })
    .await;
}
