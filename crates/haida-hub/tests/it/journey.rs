//! The way of a fact from a file to a remote object, and what a second run costs.

use serde_json::Value;

use crate::support::{Hub, cases, shared};

const JUNIT: &str = r#"<testsuites>
<testsuite name="cart.spec.ts" timestamp="2026-11-20T08:00:00Z" hostname="Desktop Chrome" tests="3" failures="1" skipped="1" time="5">
<testcase name="Cart › TC_X_001 - adds an item" classname="cart.spec.ts" time="2"/>
<testcase name="Cart › TC_X_002 - removes an item" classname="cart.spec.ts" time="2"><failure message="expected 0, found 1" type="AssertionError">stack</failure></testcase>
<testcase name="Cart › TC_X_003 - keeps the cart" classname="cart.spec.ts" time="1"><skipped/></testcase>
</testsuite></testsuites>"#;

fn sync(hub: &Hub) -> Value {
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0)
}

fn ingest_run(hub: &Hub, content: &str) -> Value {
    let report = hub.write("results/cart.xml", content);
    hub.hub(&[
        "ingest",
        report.to_str().unwrap(),
        "--project",
        "shop",
        "--run",
        "nightly-1",
        "--release",
        "1.0",
        "--env",
        "stg",
        "--title",
        "Nightly",
    ])
    .json(0)
}

fn calls(report: &Value) -> u64 {
    report["calls"]["reads"].as_u64().unwrap() + report["calls"]["writes"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_becomes_issues_and_pages_and_a_second_run_makes_no_call() {
    let hub = Hub::start().await;
    hub.ready();
    let table = hub.write("cases.csv", cases(3, |n| format!("Case {n} with ñ & <b>bold</b>")));
    let taken = hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    assert_eq!(taken["files"][0]["cases"], 3);
    ingest_run(&hub, JUNIT);
    let first = sync(&hub);
    assert_eq!(first["issues"]["created"], 4, "three cases and one execution: {first}");
    assert_eq!(first["pages"]["created"], 5, "project, index, release, run, report: {first}");
    assert_eq!(first["remote_links"]["created"], 1);

    let truth = hub.truth().await;
    let issues = truth["issues"].as_array().unwrap();
    assert_eq!(issues.len(), 4);
    let summaries: Vec<&str> = issues.iter().map(|i| i["fields"]["summary"].as_str().unwrap()).collect();
    assert!(summaries.contains(&"TC_X_002 - Case 2 with ñ & <b>bold</b>"), "the document's title wins: {summaries:?}");
    for issue in issues {
        let property = &issue["properties"]["haida.hub"];
        for key in ["m", "attempt", "fence", "hash", "source", "external_id", "last_sync_at", "schema"] {
            assert!(!property[key].is_null(), "{key} is missing: {property}");
        }
    }
    let markers = truth["markers"].as_object().expect("counts per marker");
    assert_eq!(markers.len(), 4);
    assert!(markers.values().all(|n| n == 1), "{markers:?}");
    let case = issues.iter().find(|i| i["fields"]["summary"].as_str().unwrap().starts_with("TC_X_001")).unwrap();
    let labels: Vec<&str> = case["fields"]["labels"].as_array().unwrap().iter().map(|l| l.as_str().unwrap()).collect();
    assert_eq!(labels, ["module:prices", "platform:ios", "project:shop", "type:e2e"]);

    let second = sync(&hub);
    assert_eq!(calls(&second), 0, "{second}");
    let again = ingest_run(&hub, JUNIT);
    assert_eq!(again["files"][0]["already_taken"], true);
    let forced = hub.folder.path().join("results/cart.xml");
    let forced =
        hub.hub(&["ingest", forced.to_str().unwrap(), "--project", "shop", "--run", "nightly-1", "--again"]).json(0);
    assert_eq!(
        (&forced["entities_changed"], &forced["results_changed"], &forced["publications_due"]),
        (&0.into(), &0.into(), &0.into()),
        "the same content read again changes nothing: {forced}"
    );
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_case_is_exactly_one_put_and_keeps_the_labels_of_people() {
    let hub = Hub::start().await;
    hub.ready();
    let table = hub.write("cases.csv", cases(5, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    sync(&hub);
    let table = hub.write("cases.csv", cases(5, |n| if n == 3 { "Another title".into() } else { format!("Case {n}") }));
    let taken = hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    assert_eq!(taken["publications_due"], 1, "{taken}");
    let report = sync(&hub);
    assert_eq!(calls(&report), 1, "{report}");
    assert_eq!(report["calls"]["by_endpoint"]["PUT /rest/api/3/issue/{issueIdOrKey}"], 1, "{report}");
    let summaries: Vec<String> =
        hub.issues().await.iter().map(|i| i["fields"]["summary"].as_str().unwrap().to_owned()).collect();
    assert!(summaries.contains(&"TC_X_003 - Another title".to_owned()), "{summaries:?}");
    assert_eq!(summaries.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_page_is_two_calls_and_a_changed_one_exactly_one_put() {
    let hub = Hub::start().await;
    hub.ready();
    ingest_run(&hub, JUNIT);
    let first = sync(&hub);
    let pages = first["pages"]["created"].as_u64().unwrap();
    let endpoint = |report: &Value, name: &str| report["calls"]["by_endpoint"][name].as_u64().unwrap_or(0);
    assert_eq!(endpoint(&first, "POST /wiki/api/v2/pages"), pages, "{first}");
    assert_eq!(endpoint(&first, "POST /wiki/rest/api/content/{id}/label"), pages, "{first}");
    // One result changes: the run's issue, the run's page and the report's page say something else.
    ingest_run(&hub, &JUNIT.replace("expected 0, found 1", "expected 0, found 2"));
    let second = sync(&hub);
    assert_eq!(endpoint(&second, "PUT /wiki/api/v2/pages/{id}"), 2, "{second}");
    assert_eq!(endpoint(&second, "PUT /rest/api/3/issue/{issueIdOrKey}"), 1, "{second}");
    assert_eq!(calls(&second), 3, "{second}");
    let truth = hub.truth().await;
    let run = truth["confluence"]["pages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["title"] == "Nightly [shop/run/nightly-1]")
        .unwrap();
    assert_eq!(run["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_many_issues_costs_the_fewest_calls_that_the_interface_allows() {
    let hub = Hub::start().await;
    hub.ready();
    let n = 230;
    let table = hub.write("cases.csv", cases(n, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    let report = sync(&hub);
    let endpoint = |name: &str| report["calls"]["by_endpoint"][name].as_u64().unwrap_or(0);
    assert_eq!(endpoint("POST /rest/api/3/issue/bulk"), 5, "{report}");
    assert_eq!(endpoint("POST /rest/api/3/issue/bulkfetch"), 3, "{report}");
    assert_eq!(hub.issues().await.len(), n);
}

#[tokio::test(flavor = "multi_thread")]
async fn defects_link_to_the_cases_that_show_them() {
    let hub = Hub::start().await;
    hub.ready();
    let table = hub.write("cases.csv", cases(2, |n| format!("Case {n}")));
    let defects = hub.write(
        "defects.csv",
        "DEFECTO_ID|TITULO|TEST_ID|RUN_ID|SEVERIDAD|PRIORIDAD|ESTADO|DESCRIPCION|PASOS|RESULTADO_ESPERADO|RESULTADO_OBTENIDO|ENTORNO|DISPOSITIVO\n\
         DEF-1|Precio roto|TC_X_002|nightly-1|Alta|P1|Nueva|Se ve mal|1. Abrir 2. Mirar|Bien|Mal|staging|iPhone 14\n\
         DEF-2|Sin caso|TC_NONE_009||Baja|P3|Cerrada||||||\n",
    );
    hub.hub(&["ingest", table.to_str().unwrap(), defects.to_str().unwrap(), "--project", "shop"]).json(0);
    let report = sync(&hub);
    assert_eq!(report["issues"]["created"], 4, "{report}");
    assert_eq!(report["issue_links"]["created"], 1, "{report}");
    assert_eq!(report["waiting"], 1, "the link to a case that nobody loaded waits: {report}");
    let truth = hub.truth().await;
    let defect = truth["issues"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["fields"]["summary"].as_str().unwrap().starts_with("DEF-1"));
    assert_eq!(defect.unwrap()["type"], "Bug");
    assert_eq!(truth["links"].as_array().map(Vec::len), Some(1), "{}", truth["links"]);
    let again = sync(&hub);
    assert_eq!(calls(&again), 0, "a link that cannot be made costs nothing: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_teams_files_join_by_the_ids_in_their_titles() {
    let Some(samples) = shared("samples") else {
        println!("skipped: ../shared/samples is not on this machine");
        return;
    };
    let hub = Hub::start().await;
    hub.ready();
    let path = samples.to_str().unwrap();
    let ran = hub.hub(&["ingest", path, "--project", "shop", "--run", "r1"]);
    assert!(ran.code == 0 || ran.code == 3, "{}", ran.stderr);
    sync(&hub);
    let truth = hub.truth().await;
    let find = |start: &str| {
        let all = truth["issues"].as_array().unwrap();
        let found: Vec<&Value> =
            all.iter().filter(|i| i["fields"]["summary"].as_str().unwrap().starts_with(start)).collect();
        assert_eq!(found.len(), 1, "{start}: {found:?}");
        found[0].clone()
    };
    find("TC_AUTH_001 - Validar login con email y password validos");
    find("TC_HOME_010 - Meta tags SEO presentes");
    find("TC_AFI_AUTH_001");
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marker_is_a_label_too_only_where_a_project_asks_for_it() {
    let hub = Hub::start().await;
    let mut add = hub.add_command("SHOP", &hub.site.url, &hub.credential());
    add.push("--label-marker".to_owned());
    hub.hub(&add.iter().map(String::as_str).collect::<Vec<_>>()).json(0);
    let table = hub.write("cases.csv", cases(2, |n| format!("Case {n}")));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    sync(&hub);
    for issue in hub.issues().await {
        let marker = issue["properties"]["haida.hub"]["m"].as_str().unwrap();
        let labels = issue["fields"]["labels"].as_array().unwrap();
        assert!(labels.contains(&format!("hub-{marker}").into()), "{labels:?}");
    }
    assert_eq!(calls(&sync(&hub)), 0);
    // A changed case is still one call, which keeps the label.
    let table = hub.write("cases.csv", cases(2, |n| if n == 1 { "Another".into() } else { format!("Case {n}") }));
    hub.hub(&["ingest", table.to_str().unwrap(), "--project", "shop"]).json(0);
    assert_eq!(calls(&sync(&hub)), 1);
    let labels = hub.issues().await[0]["fields"]["labels"].to_string();
    assert!(labels.contains("hub-"), "{labels}");
}
