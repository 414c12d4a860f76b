//! Pages that somebody threw away.

use hub_confluence::encode::storage;
use hub_destination::{Method, Outcome};
use hub_domain::vocabulary::Locale;
use serde_json::json;

use crate::{
    played::{Mishap, applied, known, play},
    sample,
};

#[tokio::test]
async fn our_page_in_the_trash_that_holds_the_title_is_restored_with_the_new_text() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_delete(&first.remote.id).await;
        let write = sample::changed_run();
        let attempt = site.publish(&write, &site.space.homepage_id, None).await;
        assert_eq!(applied(&attempt).id, first.remote.id);
        let page = site.page(&first.remote.id).await;
        assert_eq!((&page["status"], &page["body"]), (&json!("current"), &json!(storage(&write))));
        assert_eq!(site.pages().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_known_page_in_the_trash_comes_back_with_the_new_text_and_not_with_the_old() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_delete(&first.remote.id).await;
        let write = sample::changed_run();
        let attempt = site.publish(&write, &site.space.homepage_id, Some(&first)).await;
        let page = site.page(&first.remote.id).await;
        assert_eq!((&page["status"], &page["body"]), (&json!("current"), &json!(storage(&write))));
        assert_eq!(applied(&attempt).version.map(|version| json!(version)), Some(page["version"].clone()));
    })
    .await;
}

#[tokio::test]
async fn a_restore_whose_answer_was_lost_is_not_taken_for_the_write() {
    play(async |site| {
        let home = site.space.homepage_id.clone();
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_delete(&first.remote.id).await;
        site.hub.arrange("/wiki/api/v2/pages/{id}", Method::Put, Mishap::AnswerLost);
        let write = sample::changed_run();
        let lost = site.publish(&write, &home, Some(&first)).await;
        assert!(matches!(lost.outcome, Outcome::Retryable(_)), "{lost:?}");
        let again = site.publish(&write, &home, Some(&known(&lost, &home))).await;
        applied(&again);
        assert_eq!(site.page(&first.remote.id).await["body"], storage(&write));
    })
    .await;
}

#[tokio::test]
async fn where_the_trash_holds_no_title_a_new_page_is_made_and_the_trash_is_left_alone() {
    play(async |site| {
        site.behave(json!({"trashed_holds_title": false})).await;
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_delete(&first.remote.id).await;
        let attempt = site.publish(&sample::changed_run(), &site.space.homepage_id, None).await;
        assert_ne!(applied(&attempt).id, first.remote.id);
        assert_eq!(site.page(&first.remote.id).await["status"], "trashed");
    })
    .await;
}

#[tokio::test]
async fn our_live_page_is_found_beside_a_persons_page_in_the_trash() {
    play(async |site| {
        site.behave(json!({"trashed_holds_title": false})).await;
        let write = sample::run(Locale::En);
        let theirs = site.persons_page(&write.facts.title, "<p>thrown away</p>").await;
        site.persons_delete(&theirs).await;
        site.hub.arrange("/wiki/api/v2/pages", Method::Post, Mishap::AnswerLost);
        let home = site.space.homepage_id.clone();
        assert!(matches!(site.publish(&write, &home, None).await.outcome, Outcome::Retryable(_)));
        let again = site.publish(&write, &home, None).await;
        assert_ne!(applied(&again).id, theirs);
        assert_eq!(site.page(&theirs).await["status"], "trashed");
        assert_eq!(site.pages().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_was_removed_for_good_is_reported_and_not_made_again() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_delete(&first.remote.id).await;
        let path = format!("/wiki/api/v2/pages/{}?purge=true", first.remote.id);
        assert_eq!(site.person(Method::Delete, &path, None).await.0, 204);
        let attempt = site.publish(&sample::changed_run(), &site.space.homepage_id, Some(&first)).await;
        assert!(matches!(&attempt.outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{attempt:?}");
        assert!(site.pages().await.is_empty());
    })
    .await;
}
