//! The title is taken: by our own page, or by somebody else's.

use hub_confluence::{Capabilities, Confluence, encode::storage};
use hub_destination::{Method, Outcome};
use hub_domain::vocabulary::Locale;
use serde_json::json;

use crate::{
    played::{Mishap, applied, play},
    sample,
};

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_and_never_made_twice() {
    play(async |site| {
        let home = site.space.homepage_id.clone();
        let write = sample::run(Locale::En);
        site.hub.arrange("/wiki/api/v2/pages", Method::Post, Mishap::AnswerLost);
        let lost = site.publish(&write, &home, None).await;
        assert!(matches!(lost.outcome, Outcome::Retryable(_)) && lost.remote.is_none(), "{lost:?}");
        let landed = site.pages().await;
        assert_eq!(landed.len(), 1, "it landed");
        let before = site.calls().await;
        let again = site.publish(&write, &home, None).await;
        assert_eq!(site.calls().await - before, 4, "a refusal, a look, a write, labels");
        assert_eq!(applied(&again).id, landed[0]["id"].as_str().unwrap());
        let pages = site.pages().await;
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0]["labels"], json!(["env-production", "hub-run", "project-shop"]));
    })
    .await;
}

#[tokio::test]
async fn a_page_of_our_account_with_our_marker_is_ours_whatever_else_it_says() {
    play(async |site| {
        let write = sample::run(Locale::En);
        let marked = format!("<p>an older template, {}</p>", write.marker);
        let id = site.persons_page(&write.facts.title.to_uppercase(), &marked).await;
        let attempt = site.publish(&write, &site.space.homepage_id, None).await;
        assert_eq!(applied(&attempt).id, id);
        let page = site.page(&id).await;
        assert_eq!((&page["title"], &page["body"]), (&json!(write.facts.title), &json!(storage(&write))));
    })
    .await;
}

#[tokio::test]
async fn a_persons_page_with_our_title_is_never_touched() {
    play(async |site| {
        let write = sample::run(Locale::En);
        let id = site.persons_page(&write.facts.title, "<p>my own notes</p>").await;
        let before = site.page(&id).await;
        let attempt = site.publish(&write, &site.space.homepage_id, None).await;
        let Outcome::Refused(cause) = &attempt.outcome else { panic!("{attempt:?}") };
        assert_eq!(cause.code.id, "HUB-2008");
        assert!(cause.message.contains(&id), "the operator learns which page: {cause:?}");
        assert_eq!(attempt.remote, None);
        assert_eq!(site.pages().await, [before]);
    })
    .await;
}

#[tokio::test]
async fn a_copy_of_our_text_by_another_account_is_not_ours() {
    play(async |site| {
        let write = sample::run(Locale::En);
        let id = site.persons_page(&write.facts.title, &storage(&write)).await;
        let before = site.page(&id).await;
        let other = Capabilities { account_id: "5b10a2844c20165700ede21g".to_owned(), ..site.space.clone() };
        let attempt = Confluence::new(&site.hub, &other).publish(&write, &other.homepage_id, None).await;
        assert!(matches!(&attempt.outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2008"), "{attempt:?}");
        assert_eq!(site.page(&id).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_entity_with_the_same_title_is_not_ours() {
    play(async |site| {
        let mut release = sample::release(Locale::En);
        release.facts.title = sample::run(Locale::En).facts.title;
        let first = site.first(&release).await;
        let attempt = site.publish(&sample::run(Locale::En), &site.space.homepage_id, None).await;
        assert!(matches!(&attempt.outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2008"), "{attempt:?}");
        assert_eq!(site.page(&first.remote.id).await["body"], storage(&release));
    })
    .await;
}
