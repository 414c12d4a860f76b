//! The program is really killed while a create is on its way.

use std::time::Duration;

use atlassian_sim::Options;

use crate::support::{Hub, cases};

/// The site answers late, so that the kill falls between its commit and the hub's knowledge of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_died_with_the_process_is_adopted_and_not_repeated() {
    let hub = Hub::with(Options { latency: Duration::from_millis(1_500), ..Options::default() }).await;
    hub.ready();
    // One slice, two bulk calls of 50, is on its way when the process dies; the rest is not announced yet.
    let (n, slice) = (160, 100);
    let table = hub.write("cases.csv", cases(n, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let mut child = hub.spawn(&["sync", "--project", "shop"]);
    hub.until_issues_exist(slice).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let landed = hub.issues().await.len();
    assert_eq!(landed, slice, "issues exist whose creation the hub never heard of");

    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(report["issues"]["adopted"].as_u64().unwrap(), landed as u64, "{report}");
    assert_eq!(report["issues"]["created"].as_u64().unwrap(), (n - landed) as u64, "{report}");
    let truth = hub.truth().await;
    assert_eq!(truth["issues"].as_array().unwrap().len(), n);
    let second = hub.hub(&["sync", "--project", "shop"]).json(0);
    assert_eq!(second["calls"]["writes"], 0, "{second}");
}
