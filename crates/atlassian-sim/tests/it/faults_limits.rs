//! The limits on the rate of calls, at work rather than scripted: who is refused, with which headers, and for how long.

use std::time::{Duration, Instant};

use atlassian_sim::Options;
use serde_json::json;

use crate::faults::site_with;
use crate::jira::{Got, Site};

fn number(got: &Got, header: &str) -> u64 {
    got.header(header).unwrap_or_else(|| panic!("no {header}: {:?}", got.headers)).parse().unwrap()
}

#[tokio::test]
async fn a_token_bucket_lets_its_size_through_at_once_and_its_rate_from_then_on() {
    let site = site_with("[limits]\nburst_per_second = 10\nburst_size = 20").await;
    let started = Instant::now();
    let mut passed = 0;
    let mut refused = None;
    while started.elapsed() < Duration::from_millis(2_000) {
        let got = site.get("serverInfo").await;
        match got.status {
            200 => {
                assert_eq!(number(&got, "x-ratelimit-limit"), 10);
                assert!(number(&got, "x-ratelimit-remaining") < 20);
                passed += 1;
            }
            429 => refused = Some(got),
            other => panic!("{other}"),
        }
    }
    // The last call may end after the two seconds.
    let most = 21.0 + started.elapsed().as_secs_f64() * 10.0;
    assert!((38.0..=most).contains(&f64::from(passed)), "{passed} calls");
    let refused = refused.unwrap();
    assert_eq!(refused.header("ratelimit-reason"), Some("jira-burst-based"));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"jira-burst-based\";q=10;w=1"));
    assert_eq!((number(&refused, "retry-after"), number(&refused, "x-ratelimit-remaining")), (1, 0));
    // Another endpoint and another method have buckets of their own.
    site.get("myself").await.with(200);
    let limited = site.get("/_sim/stats").await.with(200)["limited"]["burst"].as_u64().unwrap();
    assert!(limited > 0);
}

#[tokio::test]
async fn a_refused_write_did_not_happen_and_methods_do_not_share_a_bucket() {
    let site = Site::with(Options { burst_per_second: Some(2), ..Options::default() }).await;
    let mut created = 0;
    for _ in 0..8 {
        created += usize::from(site.try_create("Task", "s", json!({})).await.status == 201);
    }
    assert!((2..8).contains(&created), "{created}");
    assert_eq!(site.count().await, created);
    site.get("issue/CTB-1").await.with(200);
    assert_eq!(site.put("issue/CTB-1", json!({"fields": {"summary": "t"}})).await.status, 204);
}

#[tokio::test]
async fn an_endpoint_can_have_a_bucket_of_another_size() {
    let site = site_with(
        "[limits]\nburst_per_second = 1\nburst = [{ method = 'GET', endpoint = '/rest/api/3/myself', per_second = 1, size = 30 }]",
    )
    .await;
    for _ in 0..30 {
        site.get("myself").await.with(200);
    }
    let statuses =
        [site.get("serverInfo").await.status, site.get("serverInfo").await.status, site.get("serverInfo").await.status];
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn a_burst_of_confluence_names_no_reason() {
    let site = site_with("[limits]\nburst_per_second = 1").await;
    let mut refused = None;
    for _ in 0..10 {
        let got = site.get("/wiki/api/v2/spaces").await;
        if got.status == 429 {
            refused = Some(got);
        }
    }
    let refused = refused.unwrap();
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-reason")), (Some("1"), None));
    assert_eq!(refused.json()["errors"][0]["status"], 429);
}

#[tokio::test]
async fn one_issue_takes_twenty_writes_in_two_seconds() {
    let site = Site::with(Options { per_issue_writes: true, ..Options::default() }).await;
    site.create("Task", "s", json!({})).await;
    site.create("Task", "other", json!({})).await;
    let started = Instant::now();
    let mut refused = None;
    for n in 0..21 {
        // The key and the id name the same issue.
        let name = if n % 2 == 0 { "CTB-1" } else { "10001" };
        let got = site.put(&format!("issue/{name}"), json!({"fields": {"summary": format!("n{n}")}})).await;
        if got.status == 429 {
            refused = Some((n, got));
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "too slow a machine for this test: {:?}", started.elapsed());
    let (n, got) = refused.unwrap();
    assert_eq!(n, 20);
    assert_eq!(got.header("ratelimit-reason"), Some("jira-per-issue-on-write"));
    assert!((1..=2).contains(&number(&got, "retry-after")));
    assert_eq!(site.truth().await["issues"][0]["fields"]["summary"], "n19");
    // Reads of it and writes to another issue go on.
    site.get("issue/CTB-1").await.with(200);
    assert_eq!(site.put("issue/CTB-2", json!({"fields": {"summary": "t"}})).await.status, 204);
    tokio::time::sleep(Duration::from_secs(number(&got, "retry-after"))).await;
    assert_eq!(site.put("issue/CTB-1", json!({"fields": {"summary": "t"}})).await.status, 204);
    assert_eq!(site.get("/_sim/stats").await.with(200)["limited"], json!({"per-issue-writes": 1}));
}

#[tokio::test]
async fn points_are_spent_by_what_is_written_and_returned() {
    let site = site_with("[limits]\npoints_per_hour = 1000").await;
    let mut left = 1000;
    let mut spent = |got: &Got| {
        let before = left;
        left = number(got, "x-ratelimit-remaining");
        assert_eq!(number(got, "x-ratelimit-limit"), 1000);
        assert_eq!(got.header("ratelimit-policy"), Some("\"tenant-app-quota\";q=1000;w=3600"));
        before - left
    };
    assert_eq!(spent(&site.try_create("Task", "s", json!({})).await), 1);
    let element = json!({"fields": crate::jira::fields("Task", "s")});
    assert_eq!(spent(&site.post("issue/bulk", json!({"issueUpdates": [element, element, element]})).await), 3);
    assert_eq!(spent(&site.get("issue/CTB-1").await), 2);
    assert_eq!(spent(&site.get("myself").await), 3);
    assert_eq!(spent(&site.post("search/jql", json!({"jql": "project = CTB"})).await), 5);
    assert_eq!(spent(&site.get("/wiki/api/v2/spaces").await), 2);
    assert_eq!(spent(&site.put("issue/CTB-1", json!({"fields": {"summary": "t"}})).await), 1);
}

#[tokio::test]
async fn spent_points_refuse_everything_until_the_hour_is_over() {
    for (pool, jira, confluence) in [
        ("tenant", "jira-quota-tenant-based", "confluence-quota-tenant-based"),
        ("global", "jira-quota-global-based", "confluence-quota-global-based"),
    ] {
        let site =
            site_with(&format!("[limits]\npoints_per_hour = 20\npoints_pool = '{pool}'\npoints_hour_seconds = 3"))
                .await;
        let mut warned = false;
        let mut created = 0;
        let refused = loop {
            let got = site.try_create("Task", "s", json!({})).await;
            if got.status == 429 {
                break got;
            }
            created += 1;
            let left = number(&got, "x-ratelimit-remaining");
            warned |= got.header("x-ratelimit-nearlimit") == Some("true");
            assert_eq!(got.header("x-ratelimit-nearlimit").is_some(), left < 4, "{left} left");
            assert_eq!(got.header("ratelimit").is_some(), left < 4);
            assert!(created < 1_000, "nothing refuses");
        };
        assert!(warned);
        assert_eq!(refused.header("ratelimit-reason"), Some(jira));
        assert!((1..=3).contains(&number(&refused, "retry-after")));
        assert!(refused.header("x-ratelimit-reset").is_some_and(|at| at.ends_with('Z')));
        assert_eq!(site.count().await, created);
        let other = site.get("/wiki/api/v2/spaces").await;
        if other.status == 429 {
            assert_eq!(other.header("ratelimit-reason"), Some(confluence));
        }
        tokio::time::sleep(Duration::from_secs(number(&refused, "retry-after"))).await;
        site.get("serverInfo").await.with(200);
    }
}
