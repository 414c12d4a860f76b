//! The size of a chaos run: 10,000 issues by eight clients at once, fetched by key in hundreds with gaps between the keys,
//! while the index lags. It prints what it measured; what it demands is far below that, and nothing that grows with the
//! square of the size would reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use atlassian_sim::Options;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::jira::{Site, doc, fields, merged};

const CLIENTS: usize = 8;
const BULKS: usize = 200;

/// Eight clients share the numbers up to `count`.
async fn together<F: Future<Output = ()> + Send + 'static>(
    site: &Arc<Site>,
    count: usize,
    each: impl Fn(Arc<Site>, usize) -> F + Clone + Send + 'static,
) -> Duration {
    let (started, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (site, next, each) = (site.clone(), next.clone(), each.clone());
        clients.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= count {
                    return;
                }
                each(site.clone(), number).await;
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    started.elapsed()
}

fn rate(calls: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(calls).unwrap()) / time.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_issues_and_eight_clients_are_no_burden() {
    let options = Options { search_lag: Duration::from_secs(180), ..Options::default() };
    let site = Arc::new(Site::with(options).await);
    let made = together(&site, BULKS, |site, bulk| async move {
        let updates: Vec<Value> = (0..50)
            .map(|n| {
                let marker = format!("{bulk}.{n}");
                let more = json!({"labels": ["ours"], "description": doc(&"words ".repeat(50))});
                json!({
                    "fields": merged(fields("Task", &marker), more),
                    "properties": [{"key": "haida.hub", "value": {"m": marker}}],
                })
            })
            .collect();
        let got = site.post("issue/bulk", json!({"issueUpdates": updates})).await.with(201);
        assert_eq!(got["issues"].as_array().unwrap().len(), 50);
    })
    .await;
    // Every tenth key is a gap.
    let deleted = together(&site, 1_000, |site, n| async move {
        assert_eq!(site.delete(&format!("issue/CTB-{}", n * 10 + 1)).await.status, 204);
    })
    .await;
    let fetched = together(&site, 400, |site, n| async move {
        let first = n % 100 * 100;
        let keys: Vec<String> = (first + 1..=first + 100).map(|n| format!("CTB-{n}")).collect();
        let body = json!({"issueIdsOrKeys": keys, "fields": ["summary"], "properties": ["haida.hub"]});
        let got = site.post("issue/bulkfetch", body).await.with(200);
        assert_eq!(got["issues"].as_array().unwrap().len(), 90);
    })
    .await;
    let edited = together(&site, 2_000, |site, n| async move {
        let key = n % 1_000 * 10 + 2;
        site.put(&format!("issue/CTB-{key}"), json!({"fields": {"summary": format!("edit {n}")}})).await.with(204);
    })
    .await;
    let searched = together(&site, 40, |site, _| async move {
        site.post("search/jql", json!({"jql": "project = CTB", "maxResults": 100})).await.with(200);
    })
    .await;
    let started = Instant::now();
    let text = site.get("/_sim/state").await.text;
    let state = started.elapsed();
    let truth: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(truth["issues"].as_array().unwrap().len(), 9_000);
    assert_eq!(truth["deleted_issues"].as_array().unwrap().len(), 1_000);
    let markers = truth["markers"].as_object().unwrap();
    assert!(markers.len() == 9_000 && markers.values().all(|count| *count == 1));
    println!(
        "bulk creates {:.0}/s, deletes {:.0}/s, bulkfetch of 100 {:.0}/s, edits {:.0}/s, searches {:.0}/s, state of {} MB in {} ms",
        rate(BULKS, made),
        rate(1_000, deleted),
        rate(400, fetched),
        rate(2_000, edited),
        rate(40, searched),
        text.len() / 1_000_000,
        state.as_millis(),
    );
    assert!(rate(2_000, edited) > 50.0 && rate(400, fetched) > 5.0, "too slow for a chaos run");
    assert!(state < Duration::from_secs(30), "the state takes {state:?}");
}
