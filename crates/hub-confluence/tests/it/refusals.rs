//! A wrong token, a space or a site that is not there: nothing is created, and what is said is one coded sentence.

use atlassian_sim::Options;
use hub_confluence::{Confluence, flow::discover};
use hub_destination::{Cause, Outcome};
use hub_domain::vocabulary::Locale;
use serde_json::json;

use crate::{
    played::{Hub, play},
    sample,
};

fn retryable(outcome: &Outcome) -> &Cause {
    let Outcome::Retryable(cause) = outcome else { panic!("{outcome:?}") };
    cause
}

#[tokio::test]
async fn a_wrong_token_is_said_by_its_code_however_the_site_hides_itself() {
    play(async |site| {
        let first = site.first(&sample::release(Locale::En)).await;
        let before = site.pages().await;
        let stranger = Hub::new(&site.running.url, "an-old-token");
        for behaviour in [
            json!({"hidden_from_strangers": false, "anonymous_reads": false}),
            json!({"hidden_from_strangers": true, "anonymous_reads": false}),
            // Reads answer 200 with nothing in it: the hub must not read that as "not there".
            json!({"hidden_from_strangers": false, "anonymous_reads": true}),
        ] {
            site.behave(behaviour.clone()).await;
            let confluence = Confluence::new(&stranger, &site.space);
            let home = &site.space.homepage_id;
            let outcomes = [
                discover(&stranger, "CTB").await.unwrap_err(),
                confluence.publish(&sample::run(Locale::En), home, None).await.outcome,
                confluence.publish(&sample::release(Locale::Es), home, Some(&first)).await.outcome,
            ];
            for outcome in &outcomes {
                assert_eq!(retryable(outcome).code.id, "HUB-2002", "{behaviour}: {outcome:?}");
                assert!(!retryable(outcome).message.contains("an-old-token"));
            }
        }
        assert_eq!(site.pages().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_space_that_does_not_exist_is_refused() {
    play(async |site| {
        let refused = discover(&site.hub, "NOPE").await.unwrap_err();
        assert!(matches!(&refused, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_said_by_its_code() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = Hub::new(&format!("http://127.0.0.1:{free}"), &Options::default().token);
    let outcome = discover(&nowhere, "CTB").await.unwrap_err();
    assert_eq!(retryable(&outcome).code.id, "HUB-2001");
    assert!(!retryable(&outcome).message.contains("127.0.0.1"), "no address in {outcome:?}");
}

#[tokio::test]
async fn a_parent_that_is_gone_is_refused() {
    play(async |site| {
        let attempt = site.publish(&sample::run(Locale::En), "999999", None).await;
        assert!(matches!(&attempt.outcome, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{attempt:?}");
        assert!(site.pages().await.is_empty());
    })
    .await;
}
