//! What tests leave behind: from a folder with a report and its screenshots to links on a page, and on to their end.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Hub;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n pixels of a cart";

/// A report whose failed test names attachments as Playwright's JUnit does, and a passed one.
fn junit(attachments: &[&str]) -> String {
    let named: String = attachments.iter().map(|path| format!("[[ATTACHMENT|{path}]]\n")).collect();
    format!(
        r#"<testsuites><testsuite name="cart.spec.ts" timestamp="2026-11-20T08:00:00Z" tests="2" failures="1">
<testcase name="TC_X_001 - adds an item" classname="cart.spec.ts" time="2"><failure message="boom">stack</failure>
<system-out>{named}</system-out></testcase>
<testcase name="TC_X_002 - removes an item" classname="cart.spec.ts" time="1"/>
</testsuite></testsuites>"#
    )
}

fn configure(hub: &Hub, evidence: &str) {
    let file = hub.write("settings.toml", format!("[evidence]\n{evidence}\n"));
    hub.hub(&["project", "configure", "--project", "shop", file.to_str().unwrap()]).json(0);
}

fn ingest(hub: &Hub, folder: &Path, code: i32) -> Value {
    hub.hub(&["ingest", folder.to_str().unwrap(), "--project", "shop", "--run", "nightly-1"]).json(code)
}

fn list(hub: &Hub) -> Vec<Value> {
    hub.hub(&["evidence", "list", "--project", "shop"]).json(0)["evidence"].as_array().unwrap().clone()
}

/// Files of the hub's own store.
fn objects(hub: &Hub) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![hub.folder.path().join("data/evidence")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}

async fn older(hub: &Hub, days: u32) {
    let sql = format!("update hub.evidence set created_at = created_at - interval '{days} days'");
    hub.database.client().await.batch_execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_a_report_and_screenshots_becomes_links_on_issue_and_pages() {
    let hub = Hub::start().await;
    hub.ready();
    configure(&hub, "public_url = \"https://hub.example.com\"");
    hub.write("secret.txt", "not for anybody");
    hub.write("run/test-results/cart/test-failed-1.png", PNG);
    hub.write("run/test-results/cart/error-context.md", "# what the page said\n");
    let report = hub.write(
        "run/reports/junit.xml",
        junit(&[
            "../../test-results/cart/test-failed-1.png",
            "..\\test-results\\cart\\error-context.md",
            "../test-results/gone.webm",
            "https://ci.example.com/job/7/log.txt",
            "../../../secret.txt",
        ]),
    );
    let folder = report.parent().unwrap().parent().unwrap().to_owned();
    let taken = ingest(&hub, &folder, 3);
    assert_eq!(taken["files"].as_array().unwrap().len(), 1, "screenshots and logs are no reports: {taken}");
    assert_eq!(taken["files"][0]["results"]["failed"], 1, "{taken}");
    let evidence = &taken["evidence"];
    for (what, count) in [("stored", 2), ("linked", 1), ("missing", 1), ("refused", 1), ("pending", 0)] {
        assert_eq!(evidence[what], count, "{what}: {taken}");
    }
    let problems = taken["files"][0]["problems"].as_array().unwrap();
    let refused = problems.iter().find(|p| p["code"] == "HUB-6005").expect("the path that leads out");
    assert_eq!(refused["position"]["line"], 2, "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("../../../secret.txt"), "{refused}");
    assert!(problems.iter().any(|p| p["code"] == "HUB-6006"), "{problems:?}");

    let all = list(&hub);
    assert_eq!(all.len(), 5, "{all:?}");
    let of = |name: &str| all.iter().find(|e| e["name"] == name).unwrap_or_else(|| panic!("{name}: {all:?}"));
    let shot = of("test-failed-1.png");
    assert_eq!((&shot["state"], &shot["kind"]), (&"stored".into(), &"screenshot".into()), "{shot}");
    assert_eq!(of("gone.webm")["state"], "missing_source");
    assert_eq!(of("secret.txt")["state"], "refused");
    let key = shot["key"].as_str().unwrap();
    assert!(key.ends_with(&format!("/shop/{}.png", shot["sha256"].as_str().unwrap())), "{key}");
    let link = shot["link"].as_str().unwrap();
    assert!(link.starts_with("https://hub.example.com/e/") && link.len() == 26 + 26, "{link}");

    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let truth = hub.truth().await;
    let whole = truth.to_string();
    assert!(!whole.contains("not for anybody") && !whole.contains("error-context.md\\\\"), "a path or a file is out");
    assert!(!whole.contains(hub.folder.path().to_str().unwrap()), "a path of this machine is out");
    let pages = truth["confluence"]["pages"].as_array().unwrap();
    for title in ["nightly-1 [shop/run/nightly-1]", "junit.xml [shop/report/nightly-1/junit.xml]"] {
        let page = pages.iter().find(|p| p["title"] == title).unwrap_or_else(|| panic!("{title}")).to_string();
        assert!(page.contains(link), "{title}: {page}");
        // The screenshot small beside its link, by the same address; the log at a foreign address is a link only.
        let shown: Vec<&str> = page.split("ri:value=\\\"").skip(1).filter_map(|rest| rest.split('\\').next()).collect();
        assert_eq!(shown, [link], "{title}: {page}");
        assert!(page.contains("https://ci.example.com/job/7/log.txt"), "{title}");
        assert!(page.contains("gone.webm (not handed over)"), "{title}: {page}");
    }
    let execution = truth["issues"].as_array().unwrap().iter().find(|i| i["type"] == "Test Execution").unwrap();
    assert!(execution.to_string().contains(link), "{execution}");
    assert!(!execution.to_string().contains("ri:value"), "an issue has the link alone: {execution}");

    // The same again changes nothing and sends nothing.
    let again = ingest(&hub, &folder, 3);
    assert_eq!(again["files"][0]["already_taken"], true, "{again}");
    assert_eq!((&again["evidence"]["stored"], &again["publications_due"]), (&0.into(), &0.into()), "{again}");
    assert_eq!(list(&hub), all, "no token and no row changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_one_object_whoever_names_it() {
    let hub = Hub::start().await;
    hub.ready();
    for (run, name) in [("a", "one.png"), ("b", "two.png")] {
        hub.write(&format!("{run}/{name}"), PNG);
        let report = hub.write(&format!("{run}/junit.xml"), junit(&[name]));
        let folder = report.parent().unwrap().to_str().unwrap().to_owned();
        hub.hub(&["ingest", &folder, "--project", "shop", "--run", run]).json(0);
    }
    assert_eq!(objects(&hub).len(), 1);
    assert_eq!(list(&hub).len(), 2);
    assert!(list(&hub).iter().all(|e| e["state"] == "stored" && e["link"].is_null()), "no public address, no link");
    // One of the two expires: the object stays for the other.
    let sql = "update hub.evidence set created_at = now() - interval '181 days' where run_id = 'a'";
    hub.database.client().await.batch_execute(sql).await.unwrap();
    let expired = hub.hub(&["evidence", "expire", "--project", "shop"]).json(0);
    assert_eq!((&expired["expired"], &expired["objects_deleted"]), (&1.into(), &0.into()), "{expired}");
    assert_eq!(objects(&hub).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_holds_decide_what_goes_and_a_dry_run_only_tells() {
    let hub = Hub::start().await;
    hub.ready();
    configure(&hub, "[[evidence.retention]]\nkind = \"screenshot\"\nresult = \"failed\"\ndays = 90");
    hub.write("run/shot.png", PNG);
    hub.write("run/console.log", "what it said\n");
    let report = hub.write("run/junit.xml", junit(&["shot.png", "console.log"]));
    ingest(&hub, report.parent().unwrap(), 0);
    assert_eq!(objects(&hub).len(), 2);
    older(&hub, 100).await;

    let would = hub.hub(&["evidence", "expire", "--project", "shop", "--dry-run"]).json(0);
    assert_eq!((&would["expired"], &would["evidence"][0]["name"]), (&1.into(), &"shot.png".into()), "{would}");
    assert_eq!(objects(&hub).len(), 2, "a dry run deletes nothing");

    hub.hub(&["evidence", "hold", "nightly-1", "--project", "shop"]).json(0);
    let held = hub.hub(&["evidence", "expire", "--project", "shop"]).json(0);
    assert_eq!((&held["expired"], &held["held"]), (&0.into(), &1.into()), "{held}");
    hub.hub(&["evidence", "release", "nightly-1", "--project", "shop"]).json(0);
    let went = hub.hub(&["evidence", "expire", "--project", "shop"]).json(0);
    assert_eq!((&went["expired"], &went["objects_deleted"]), (&1.into(), &1.into()), "{went}");
    assert_eq!(objects(&hub).len(), 1);
    let all = list(&hub);
    let shot = all.iter().find(|e| e["name"] == "shot.png").unwrap();
    assert_eq!(shot["state"], "deleted");
    assert!(shot["expired_at"].is_string(), "{shot}");

    // The report read again does not bring back what the rules let go.
    let again = ["ingest", report.to_str().unwrap(), "--project", "shop", "--run", "nightly-1", "--again"];
    hub.hub(&again).json(0);
    assert_eq!(objects(&hub).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_report_no_longer_names_goes_with_the_next_expiry() {
    let hub = Hub::start().await;
    hub.ready();
    hub.write("run/shot.png", PNG);
    hub.write("run/console.log", "what it said\n");
    let report = hub.write("run/junit.xml", junit(&["shot.png", "console.log", "gone.txt"]));
    ingest(&hub, report.parent().unwrap(), 0);
    hub.write("run/junit.xml", junit(&["console.log"]));
    ingest(&hub, report.parent().unwrap(), 0);
    let went = hub.hub(&["evidence", "expire", "--project", "shop"]).json(0);
    assert_eq!((&went["expired"], &went["evidence"][0]["name"]), (&1.into(), &"shot.png".into()), "{went}");
    let names: Vec<String> = list(&hub).iter().map(|e| format!("{} {}", e["name"], e["state"])).collect();
    assert_eq!(names, [r#""console.log" "stored""#, r#""shot.png" "deleted""#]);
    // And is back when it is named again.
    hub.write("run/junit.xml", junit(&["shot.png", "console.log"]));
    ingest(&hub, report.parent().unwrap(), 0);
    assert!(list(&hub).iter().all(|e| e["state"] == "stored"), "{:?}", list(&hub));
    assert_eq!(objects(&hub).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_costs_no_result_and_a_worker_sends_later() {
    let hub = Hub::start().await;
    hub.ready();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    hub.write("access", "any");
    let key = format!("file://{}", hub.folder.path().join("access").display());
    let store = format!(
        "store = \"s3://evidence\"\nendpoint = \"http://{closed}\"\naccess_key = \"{key}\"\nsecret_key = \"{key}\""
    );
    configure(&hub, &store);
    hub.write("run/shot.png", PNG);
    let report = hub.write("run/junit.xml", junit(&["shot.png"]));
    let taken = ingest(&hub, report.parent().unwrap(), 0);
    assert_eq!(taken["files"][0]["results"]["failed"], 1, "{taken}");
    assert_eq!((&taken["evidence"]["pending"], &taken["evidence"]["stored"]), (&1.into(), &0.into()), "{taken}");
    assert_eq!(taken["evidence"]["store_problem"]["code"], "HUB-6001", "{taken}");
    let waiting = &list(&hub)[0];
    assert_eq!((&waiting["state"], &waiting["error_code"]), (&"pending".into(), &"HUB-6001".into()), "{waiting}");

    // A command that needs the store says so by its exit code.
    let checked = hub.hub(&["evidence", "check", "--project", "shop"]);
    assert_eq!((checked.code, checked.error_code().as_str()), (7, "HUB-6001"), "{}", checked.stdout);

    configure(&hub, "");
    let client = hub.database.client().await;
    client.batch_execute("update hub.evidence set next_attempt_at = now()").await.unwrap();
    hub.hub_within(60, &["work", "--until-idle"]).json(0);
    assert_eq!(list(&hub)[0]["state"], "stored", "{:?}", list(&hub));
    assert_eq!(objects(&hub).len(), 1);
    let lane =
        client.query_typed("select count(*) from hub.sync_jobs where kind = 'drain_evidence' and state = 'done'", &[]);
    assert!(lane.await.unwrap()[0].get::<_, i64>(0) >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_what_nothing_names_and_what_is_not_there() {
    let hub = Hub::start().await;
    hub.ready();
    hub.write("run/shot.png", PNG);
    let report = hub.write("run/junit.xml", junit(&["shot.png"]));
    ingest(&hub, report.parent().unwrap(), 0);
    let object = objects(&hub).remove(0);
    let orphan = object.with_file_name(format!("{}.txt", "0".repeat(64)));
    std::fs::write(&orphan, "nobody's").unwrap();
    let found = hub.hub(&["evidence", "check", "--project", "shop"]).json(7);
    assert_eq!((&found["orphans_found"], &found["lost_found"]), (&1.into(), &0.into()), "{found}");
    hub.hub(&["evidence", "check", "--project", "shop", "--delete-orphans"]).json(0);
    assert!(!orphan.exists() && object.exists());

    std::fs::remove_file(&object).unwrap();
    let lost = hub.hub(&["evidence", "check", "--project", "shop"]).json(7);
    assert_eq!(lost["lost_found"], 1, "{lost}");
    // The same report handed over again brings it back.
    let again = ingest(&hub, report.parent().unwrap(), 0);
    assert_eq!(
        (&again["evidence"]["stored"], &again["files"][0]["already_taken"]),
        (&1.into(), &true.into()),
        "{again}"
    );
    assert!(object.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missing_is_taken_when_the_folder_is_handed_over_whole() {
    let hub = Hub::start().await;
    hub.ready();
    configure(&hub, "public_url = \"https://hub.example.com\"\nmax_bytes = 64");
    let report = hub.write("run/junit.xml", junit(&["shot.png", "large.log"]));
    hub.write("run/large.log", "x".repeat(65));
    let first = ingest(&hub, report.parent().unwrap(), 3);
    assert_eq!((&first["evidence"]["missing"], &first["evidence"]["refused"]), (&1.into(), &1.into()), "{first}");
    let problems = first["files"][0]["problems"].to_string();
    assert!(problems.contains("HUB-6007") && problems.contains("HUB-6006"), "{problems}");
    hub.write("run/shot.png", PNG);
    let second = ingest(&hub, report.parent().unwrap(), 3);
    assert_eq!(
        (&second["evidence"]["stored"], &second["files"][0]["already_taken"]),
        (&1.into(), &true.into()),
        "{second}"
    );
    assert_eq!(second["results_changed"], 0);
    assert!(second["publications_due"].as_u64().unwrap() > 0, "issue and pages have a link now: {second}");
}
