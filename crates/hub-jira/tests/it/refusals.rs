//! A wrong token, a site that is not there: nothing is created, and what is said is one coded sentence.

use atlassian_sim::Options;
use hub_destination::{Cause, Outcome, Throttle};
use hub_domain::{
    facts::{IssueLinkFacts, Relation},
    vocabulary::Locale,
};
use hub_jira::Jira;
use serde_json::json;

use crate::{
    played::{Hub, PROJECT, play},
    sample,
};

fn cause(outcome: &Outcome) -> &Cause {
    let Outcome::Retryable(cause) = outcome else { panic!("{outcome:?}") };
    cause
}

#[tokio::test]
async fn a_wrong_token_is_said_by_its_code_and_creates_nothing() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let mine = site.jira().create(&[sample::write(sample::case("TC_1", Locale::En))], &found).await;
        let mine = mine[0].as_ref().unwrap();

        let stranger = Hub::new(&site.running.url, "an-old-token");
        let jira = Jira::new(&stranger, PROJECT);
        let write = sample::write(sample::bug("BUG-1", Locale::En));
        let link = IssueLinkFacts {
            from: sample::identity(&write.facts),
            to: sample::identity(&write.facts),
            relation: Relation::DefectOfCase,
        };
        let outcomes = [
            jira.account().await.unwrap_err(),
            jira.discover().await.unwrap_err(),
            jira.create(std::slice::from_ref(&write), &found).await.remove(0).unwrap_err(),
            // This endpoint answers 200 with nothing in it to a stranger: the hub must not read that as "not there".
            jira.find(std::slice::from_ref(&mine.id)).await.unwrap_err(),
            jira.scan_above(0).await.unwrap_err(),
            jira.update(&mine.id, None, &write, &found, &[]).await,
            jira.link(&link, "CTB-1", "CTB-1").await,
        ];
        for outcome in &outcomes {
            assert_eq!(cause(outcome).code.id, "HUB-2002", "{outcome:?}");
            assert!(!cause(outcome).message.contains("an-old-token"));
        }
        let truth = site.truth().await;
        assert_eq!(truth["issues"].as_array().unwrap().len(), 1);
        assert_eq!(truth["issues"][0]["fields"]["summary"], "TC_1 - Filter by price");
        assert_eq!(truth["links"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_told_from_doubt() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = Hub::new(&format!("http://127.0.0.1:{free}"), "sim-token");
    let jira = Jira::new(&nowhere, PROJECT);
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        let outcomes = [
            jira.discover().await.unwrap_err(),
            // Not one byte left: this create may be sent again without looking first.
            jira.create(&sample::cases(1), &found).await.remove(0).unwrap_err(),
            jira.update("10000", None, &sample::cases(1)[0], &found, &[]).await,
        ];
        for outcome in &outcomes {
            assert_eq!(cause(outcome).code.id, "HUB-2001", "{outcome:?}");
            assert!(!cause(outcome).message.contains("127.0.0.1"), "no address in {outcome:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_burst_limit_asks_for_its_wait_and_writes_nothing() {
    play(Options { burst_per_second: Some(1), ..Options::default() }, async |site| {
        // The first call of the second passes, and one of the next meets the limit.
        let mut throttled = None;
        for _ in 0..20 {
            if let Err(outcome @ Outcome::Throttled { .. }) = site.jira().account().await {
                throttled = Some(outcome);
                break;
            }
        }
        let Some(Outcome::Throttled { throttle, wait }) = throttled else { panic!("20 calls in a row passed") };
        assert_eq!(throttle, Throttle::Endpoint);
        assert!(wait.as_secs() <= 60, "{wait:?}");
    })
    .await;
}
