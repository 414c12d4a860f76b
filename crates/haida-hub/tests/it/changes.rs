//! What follows from a change: everything that shows the changed fact is published again, nothing else is, and a
//! synchronisation always comes to its end.

use serde_json::Value;

use crate::support::{Hub, cases};

fn report(name: &str, case: usize) -> (String, String) {
    let xml = format!(
        "<testsuites><testsuite name=\"{name}\" tests=\"1\"><testcase name=\"TC_X_{case:03} - Case {case}\" \
         classname=\"{name}\" time=\"1\"/></testsuite></testsuites>"
    );
    (format!("results/{name}.xml"), xml)
}

fn ingest(hub: &Hub, (name, content): (String, String), more: &[&str]) -> Value {
    let path = hub.write(&name, content);
    let mut arguments = vec!["ingest", path.to_str().unwrap(), "--project", "shop", "--run", "r1"];
    arguments.extend(more);
    hub.hub(&arguments).json(0)
}

/// A synchronisation that must come to its end.
fn sync(hub: &Hub) -> Value {
    hub.hub_within(60, &["sync", "--project", "shop", "--wait"]).json(0)
}

fn calls(report: &Value) -> u64 {
    report["calls"]["reads"].as_u64().unwrap() + report["calls"]["writes"].as_u64().unwrap()
}

async fn page(hub: &Hub, title: &str) -> Value {
    let truth = hub.truth().await;
    let pages = truth["confluence"]["pages"].as_array().unwrap();
    let titles: Vec<&str> = pages.iter().map(|p| p["title"].as_str().unwrap()).collect();
    pages.iter().find(|p| p["title"] == title).unwrap_or_else(|| panic!("{title} is not in {titles:?}")).clone()
}

fn load_cases(hub: &Hub, n: usize) {
    let table = hub.write("cases.csv", cases(n, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_two_commands_is_one_run_and_its_first_report_follows() {
    let hub = Hub::start().await;
    hub.ready();
    load_cases(&hub, 4);
    ingest(&hub, report("one", 1), &[]);
    ingest(&hub, report("two", 2), &["--env", "stg"]);
    sync(&hub);
    for title in ["one.xml [shop/report/r1/one.xml]", "two.xml [shop/report/r1/two.xml]", "r1 [shop/run/r1]"] {
        let body = page(&hub, title).await["body"].as_str().unwrap().to_owned();
        assert!(body.contains("50 % (2/4)") && body.contains("staging"), "{title}: {body}");
    }
    assert_eq!(calls(&sync(&hub)), 0);
    // The same after everything is published: the reports of earlier commands show the run's facts as well.
    ingest(&hub, report("three", 3), &[]);
    sync(&hub);
    for title in ["one.xml [shop/report/r1/one.xml]", "three.xml [shop/report/r1/three.xml]", "r1 [shop/run/r1]"] {
        let body = page(&hub, title).await["body"].as_str().unwrap().to_owned();
        assert!(body.contains("75 % (3/4)"), "{title}: {body}");
    }
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_moved_to_another_release_although_its_files_were_taken_before() {
    let hub = Hub::start().await;
    hub.ready();
    ingest(&hub, report("one", 1), &["--release", "1.0"]);
    sync(&hub);
    let taken = ingest(&hub, report("one", 1), &["--release", "2.0", "--title", "Nightly"]);
    assert_eq!(taken["files"][0]["already_taken"], true);
    sync(&hub);
    let release = page(&hub, "2.0 [shop/release/2.0]").await;
    let run = page(&hub, "Nightly [shop/run/r1]").await;
    assert_eq!(run["parentId"], release["id"], "{run}");
    let again = ingest(&hub, report("one", 1), &["--release", "2.0", "--title", "Nightly"]);
    assert_eq!(again["publications_due"], 0, "{again}");
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_taken_back_before_it_was_published_holds_nothing_up() {
    let hub = Hub::start().await;
    hub.ready();
    load_cases(&hub, 2);
    let defect = |case: &str| {
        let table =
            format!("DEFECTO_ID|TITULO|TEST_ID|SEVERIDAD|PRIORIDAD|ESTADO\nDEF-1|Broken|{case}|Alta|P1|Nueva\n");
        let path = hub.write("defects.csv", table);
        hub.hub(&["ingest", path.to_str().unwrap(), "--project", "shop"]).json(0);
    };
    defect("TC_X_001");
    defect("TC_X_002");
    let report = sync(&hub);
    assert_eq!((&report["issue_links"]["created"], &report["waiting"]), (&1.into(), &0.into()), "{report}");
    let truth = hub.truth().await;
    assert_eq!(truth["links"].as_array().map(Vec::len), Some(1), "{}", truth["links"]);
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_in_another_language_is_published_again_once() {
    let hub = Hub::start().await;
    hub.ready();
    load_cases(&hub, 2);
    ingest(&hub, report("one", 1), &[]);
    sync(&hub);
    let credential = hub.credential();
    let update = [
        "project",
        "add",
        "--key",
        "shop",
        "--site",
        &hub.site.url,
        "--jira-project",
        "SHOP",
        "--confluence-space",
        "SHOP",
        "--account-email",
        "qa@example.com",
        "--credential",
        &credential,
        "--locale",
        "es",
        "--update",
    ];
    hub.hub(&update).json(0);
    let report = sync(&hub);
    assert_eq!((&report["issues"]["updated"], &report["pages"]["updated"]), (&3.into(), &5.into()), "{report}");
    hub.hub(&update).json(0);
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_test_in_two_files_of_a_run_is_two_results() {
    let hub = Hub::start().await;
    hub.ready();
    let linux = ("results/linux.xml".to_owned(), report("cart", 1).1);
    let failed = linux.1.replace("time=\"1\"/>", "time=\"1\"><failure message=\"no font\"/></testcase>");
    let mac = ("results/mac.xml".to_owned(), failed);
    ingest(&hub, linux.clone(), &["--platform", "linux"]);
    ingest(&hub, mac.clone(), &["--platform", "mac"]);
    sync(&hub);
    let run = page(&hub, "r1 [shop/run/r1]").await["body"].as_str().unwrap().to_owned();
    assert!(run.contains("no font"), "{run}");
    for (title, holds) in [("linux.xml [shop/report/r1/linux.xml]", false), ("mac.xml [shop/report/r1/mac.xml]", true)]
    {
        let body = page(&hub, title).await["body"].as_str().unwrap().to_owned();
        assert!(body.contains("Case 1") && body.contains("no font") == holds, "{title}: {body}");
    }
    // Read again: nothing changes. The run's own platform is what the last command says.
    for ((name, content), platform) in [(linux, "linux"), (mac, "mac")] {
        let path = hub.write(&name, content);
        let path = path.to_str().unwrap();
        let arguments = ["ingest", path, "--project", "shop", "--run", "r1", "--platform", platform, "--again"];
        let again = hub.hub(&arguments).json(0);
        assert_eq!(again["results_changed"], 0, "{again}");
    }
    assert_eq!(calls(&sync(&hub)), 0);
}

/// What waits for others is put off for two seconds: many of them take longer than that to look at once.
#[tokio::test(flavor = "multi_thread")]
async fn many_links_that_cannot_be_made_yet_do_not_keep_a_synchronisation_from_ending() {
    let hub = Hub::start().await;
    hub.ready();
    let mut table = "DEFECTO_ID|TITULO|TEST_ID|SEVERIDAD|PRIORIDAD|ESTADO\n".to_owned();
    for defect in 0..50 {
        let ids: Vec<String> = (0..200).map(|n| format!("TC_D{defect}_{n:03}")).collect();
        table.push_str(&format!("DEF-{defect}|Broken|{}|Alta|P1|Nueva\n", ids.join(",")));
    }
    let path = hub.write("defects.csv", table);
    hub.hub(&["ingest", path.to_str().unwrap(), "--project", "shop"]).json(0);
    let report = sync(&hub);
    assert_eq!((&report["waiting"], &report["issues"]["created"]), (&10_000.into(), &50.into()), "{report}");
}

/// Another version's templates give other hashes. What this database was planned with is made to look like that.
#[tokio::test(flavor = "multi_thread")]
async fn migrating_to_other_templates_publishes_everything_once_again() {
    let hub = Hub::start().await;
    hub.ready();
    let table = hub.write("cases.csv", cases(3, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!(hub.hub(&["migrate"]).json(0)["publications_due"], 0);
    let older = "update hub.publication set desired_hash = sha256('older'), published_hash = sha256('older')";
    hub.database.client().await.batch_execute(older).await.unwrap();
    assert_eq!(hub.hub(&["migrate"]).json(0)["publications_due"], 5, "three cases and the project's two pages");
    let report = hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    assert_eq!((&report["issues"]["updated"], &report["pages"]["updated"]), (&3.into(), &2.into()), "{report}");
    assert_eq!(hub.issues().await.len(), 3);
}
