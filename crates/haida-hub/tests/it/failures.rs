//! Failures over runs: what becomes a defect and what does not, what a page says of a run, and what never leaves a report.

use serde_json::Value;

use crate::support::{Hub, cases};

/// A report of one test for each of these: its case and its error, or none.
fn report(tests: &[(String, Option<String>)]) -> String {
    let mut text = format!(r#"<testsuites><testsuite name="api" tests="{}">"#, tests.len());
    for (case, error) in tests {
        match error {
            None => text.push_str(&format!(r#"<testcase name="{case} - works" classname="api" time="1"/>"#)),
            Some(error) => text.push_str(&format!(
                r#"<testcase name="{case} - works" classname="api" time="1"><failure message="{error}">{error}
    at check (/builds/ci/tests/api.spec.ts:12:3)</failure></testcase>"#
            )),
        }
    }
    text.push_str("</testsuite></testsuites>");
    text
}

fn test(case: &str, error: Option<&str>) -> (String, Option<String>) {
    (case.to_owned(), error.map(str::to_owned))
}

fn ready(hub: &Hub, rules: &str) {
    hub.ready();
    let path = hub.write("rules.toml", format!("[defects]\n{rules}\n")).display().to_string();
    hub.hub(&["project", "configure", "--project", "shop", &path]).json(0);
}

fn ingest(hub: &Hub, run: &str, content: &str) -> Value {
    let path = hub.write(&format!("{run}/results.xml"), content).display().to_string();
    hub.hub(&["ingest", &path, "--project", "shop", "--run", run, "--env", "staging"]).json(0)
}

fn list(hub: &Hub, rows: &str) {
    let header = "DEFECTO_ID|TITULO|TEST_ID|ESTADO\n";
    let path = hub.write("defects.csv", format!("{header}{rows}\n")).display().to_string();
    hub.hub(&["ingest", &path, "--project", "shop"]).json(0);
}

fn sync(hub: &Hub) -> Value {
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0)
}

fn calls(report: &Value) -> u64 {
    report["calls"]["reads"].as_u64().unwrap() + report["calls"]["writes"].as_u64().unwrap()
}

async fn bugs(hub: &Hub) -> Vec<Value> {
    let issues = hub.issues().await;
    issues.into_iter().filter(|issue| issue["type"] == "Bug").collect()
}

/// The page whose title begins so, with its body.
async fn page(hub: &Hub, begin: &str) -> Value {
    let truth = hub.truth().await;
    let pages = truth["confluence"]["pages"].as_array().unwrap().clone();
    pages.into_iter().find(|page| page["title"].as_str().unwrap().starts_with(begin)).expect("the page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tests_that_fail_for_one_unknown_host_are_one_incident_and_no_defect() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"create\"\nthreshold = 1");
    let error = "getaddrinfo ENOTFOUND api.shop.example.com";
    let tests: Vec<_> = (1..=110).map(|n| test(&format!("TC_API_{n:03}"), Some(error))).collect();
    let taken = ingest(&hub, "night-1", &report(&tests));
    assert_eq!(taken["files"][0]["results"]["broken"], 110, "{taken}");
    assert_eq!(taken["failures"]["with_defect"], 0, "{taken}");
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 0);
    let run = page(&hub, "night-1").await.to_string();
    assert!(run.contains("Incident") && run.contains("(DNS)") && run.contains("110/110"), "{run}");
    let issues = hub.issues().await;
    let execution = issues.iter().find(|issue| issue["fields"]["summary"] == "night-1").unwrap().to_string();
    assert!(execution.contains("Incident") && execution.contains("110/110"), "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_failure_in_three_runs_is_one_bug_that_counts_them() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"create\"\nthreshold = 2");
    let failing =
        |saw: u32| report(&[test("TC_X_001", Some(&format!("expected total 3, saw {saw}"))), test("TC_X_002", None)]);
    ingest(&hub, "night-1", &failing(5));
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 0, "one run is below the threshold");
    let again = hub.folder.path().join("night-1/results.xml").display().to_string();
    let again = hub.hub(&["ingest", &again, "--project", "shop", "--run", "night-1", "--again"]).json(0);
    assert_eq!((&again["publications_due"], &again["failures"]["with_defect"]), (&0.into(), &0.into()), "{again}");
    ingest(&hub, "night-2", &failing(7));
    sync(&hub);
    ingest(&hub, "night-3", &failing(11));
    let third = sync(&hub);
    assert_eq!(third["issues"]["updated"], 1, "the bug is counted further: {third}");
    let bugs = bugs(&hub).await;
    assert_eq!(bugs.len(), 1, "{bugs:?}");
    let summary = bugs[0]["fields"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("auto-") && summary.contains("expected total 3, saw 5"), "{summary}");
    let text = bugs[0]["fields"].to_string();
    assert!(text.contains("night-1") && text.contains("night-3"), "first and last run: {text}");
    assert_eq!(calls(&sync(&hub)), 0);
    assert_eq!(bugs[0]["links"].as_array().map(Vec::len), Some(1), "one link to the case");
    let listed = hub.hub(&["failures", "list", "--project", "shop", "--state", "defect"]).json(0);
    assert_eq!((&listed[0]["runs"], &listed[0]["test_case"]), (&3.into(), &"TC_X_001".into()), "{listed}");
    let one = hub.hub(&["failures", "show", "--project", "shop", listed[0]["defect"].as_str().unwrap()]).json(0);
    assert_eq!(one["fingerprint"], listed[0]["fingerprint"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn flaky_tests_and_tests_of_a_listed_defect_get_none() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"create\"\nthreshold = 1");
    list(&hub, "INC-7|Total is wrong|TC_X_001|Open");
    let flaky = r#"<testcase name="TC_X_002 - works" classname="api"><flakyFailure message="no button">no button</flakyFailure></testcase>"#;
    let content =
        report(&[test("TC_X_001", Some("expected total 3"))]).replace("</testsuite>", &format!("{flaky}</testsuite>"));
    let taken = ingest(&hub, "night-1", &content);
    assert_eq!(taken["files"][0]["results"]["flaky"], 1, "{taken}");
    assert_eq!((&taken["failures"]["seen"], &taken["failures"]["with_defect"]), (&1.into(), &1.into()), "{taken}");
    sync(&hub);
    let bugs = bugs(&hub).await;
    assert_eq!(bugs.len(), 1);
    assert!(bugs[0]["fields"]["summary"].as_str().unwrap().starts_with("INC-7"));
    let listed = hub.hub(&["failures", "list", "--project", "shop"]).json(0);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["defect"]), (1, &"INC-7".into()), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_defect_that_fails_again_is_open_again() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"create\"\nthreshold = 1\nreopen = \"when_failing_again\"");
    let failing = report(&[test("TC_X_001", Some("expected total 3"))]);
    ingest(&hub, "night-1", &failing);
    let defect = hub.hub(&["failures", "list", "--project", "shop"]).json(0)[0]["defect"].as_str().unwrap().to_owned();
    list(&hub, &format!("{defect}|Total is wrong|TC_X_001|Cerrada"));
    sync(&hub);
    let closed = bugs(&hub).await[0]["fields"].to_string();
    assert!(closed.contains("Closed") && closed.contains("Total is wrong"), "the team's word counts: {closed}");
    ingest(&hub, "night-2", &failing);
    sync(&hub);
    let bugs = bugs(&hub).await;
    assert_eq!(bugs.len(), 1);
    let open = bugs[0]["fields"].to_string();
    assert!(open.contains("Open") && open.contains("Came back in") && open.contains("night-2"), "{open}");
    assert_eq!(calls(&sync(&hub)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_becomes_a_defect_when_a_person_accepts_it() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"propose\"\nthreshold = 1");
    ingest(&hub, "night-1", &report(&[test("TC_X_001", Some("no total")), test("TC_X_002", Some("no button"))]));
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 0);
    let listed = hub.hub(&["failures", "list", "--project", "shop", "--state", "proposed"]).json(0);
    let print = |case: &str| {
        let found = listed.as_array().unwrap().iter().find(|failure| failure["test_case"] == case).unwrap();
        found["fingerprint"].as_str().unwrap().to_owned()
    };
    for _ in 0..2 {
        hub.hub(&["failures", "accept", "--project", "shop", &print("TC_X_001")]).json(0);
    }
    hub.hub(&["failures", "ignore", "--project", "shop", &print("TC_X_002")]).json(0);
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 1);
    ingest(&hub, "night-2", &report(&[test("TC_X_002", Some("no button"))]));
    assert_eq!(
        hub.hub(&["failures", "list", "--project", "shop", "--state", "proposed"]).json(0),
        Value::Array(vec![])
    );
    hub.hub(&["failures", "ignore", "--project", "shop", &print("TC_X_001")]).json(0);
    sync(&hub);
    assert!(bugs(&hub).await[0]["fields"].to_string().contains("Rejected"));
    let unknown = hub.hub(&["failures", "show", "--project", "shop", "f1:0000000000000000"]);
    assert_eq!((unknown.code, unknown.error_code().as_str()), (3, "HUB-1031"));
    assert_eq!(hub.hub(&["failures", "list", "--project", "shop", "--state", "odd"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_tells_requirements_and_trend_and_does_not_change_when_later_runs_come() {
    let hub = Hub::start().await;
    ready(&hub, "");
    let table = hub.write("cases.csv", cases(3, |n| format!("Case {n}"))).display().to_string();
    hub.hub(&["ingest", &table, "--project", "shop"]).json(0);
    let run = |first: Option<&str>, second: Option<&str>| report(&[test("TC_X_001", first), test("TC_X_002", second)]);
    ingest(&hub, "night-1", &run(Some("no total"), None));
    sync(&hub);
    ingest(&hub, "night-2", &run(None, Some("no button")));
    sync(&hub);
    let (first, second) = (page(&hub, "night-1").await, page(&hub, "night-2").await);
    assert_eq!(first["version"], 1, "a later run changes nothing here");
    let (first, second) = (first.to_string(), second.to_string());
    assert!(first.contains("REQ-1") && first.contains("REQ-3") && first.contains("2/3 (66 %)"), "{first}");
    assert!(!first.contains("Newly failing"), "there is nothing to compare with");
    for said in ["Newly failing", "Fixed", "night-1", "50 %", "+0 %"] {
        assert!(second.contains(said), "{said}: {second}");
    }
    let project = page(&hub, "shop [").await.to_string();
    assert!(project.contains("As of test run") && project.contains("night-2"), "{project}");
    assert_eq!(calls(&sync(&hub)), 0);
}

/// A number with a right check digit, made here so that none stands in the repository.
fn card() -> String {
    let begin = "411111111111111";
    let sum: u32 = begin
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let value = u32::from(byte - b'0') * if place % 2 == 0 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    format!("{begin}{}", (10 - sum % 10) % 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_kept_reaches_neither_the_database_nor_the_site() {
    let log = tempfile::tempdir().unwrap();
    let log_file = log.path().join("site.jsonl");
    let options = atlassian_sim::Options { log: Some(log_file.clone()), ..atlassian_sim::Options::default() };
    let hub = Hub::with(options).await;
    ready(&hub, "policy = \"create\"\nthreshold = 1");
    let number = card();
    let digits: Vec<char> = number.chars().collect();
    let spaced = digits.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ");
    let token = ["s3cr3t", "Bearer", "V4lue99"].concat();
    let (mail, phone) = ("ana.perez@shop.example.com", ["+34 612", "345 678"].join(" "));
    let error = format!("card {number} or {spaced} refused; Authorization: Bearer {token}");
    let noise = format!(
        r#"<properties><property name="password" value="{token}"/></properties><system-out>Cookie: sid={token}; a=b
mail {mail} call {phone} https://u:{token}@x.example.com/?api_key={token}</system-out></testsuite>"#
    );
    let content = report(&[test("TC_X_001", Some(&error)), test(&format!("pays with {number}"), None)]);
    let taken = ingest(&hub, "night-1", &content.replace("</testsuite>", &noise));
    let told = taken["files"][0]["problems"].to_string();
    assert!(told.contains("HUB-1030") && told.contains("card numbers"), "{told}");
    list(&hub, &format!("INC-1|Paid with {spaced}, ask {mail}|TC_X_009|Open"));
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 2);
    let client = hub.database.client().await;
    let columns = client
        .query_typed(
            "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
               join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'hub' and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
                and a.atttypid in ('text'::regtype, 'jsonb'::regtype, 'json'::regtype, 'text[]'::regtype)",
            &[],
        )
        .await
        .unwrap();
    assert!(columns.len() > 50, "every table is looked at");
    let site = std::fs::read_to_string(&log_file).unwrap();
    assert!(site.contains("TC_X_001"), "the log holds what was sent");
    for secret in [&number, &spaced, &token, &mail.to_owned(), &phone] {
        for column in &columns {
            let (table, name): (&str, &str) = (column.get(0), column.get(1));
            let found = client
                .query_typed(
                    &format!("select count(*) from hub.{table} where strpos({name}::text, '{secret}') > 0"),
                    &[],
                )
                .await
                .unwrap();
            assert_eq!(found[0].get::<_, i64>(0), 0, "{secret} is in hub.{table}.{name}");
        }
        assert!(!site.contains(secret.as_str()), "{secret} was sent to the site");
    }
    let kept = client.query_typed("select count(*) from hub.results where message like '%[card]%'", &[]).await.unwrap();
    assert_eq!(kept[0].get::<_, i64>(0), 1, "the rest of the message is kept");
}

/// A table of results that was handed over without a run becomes one of its own, and its failures count like any other's.
#[tokio::test(flavor = "multi_thread")]
async fn the_failures_of_a_table_without_a_run_count_too() {
    let hub = Hub::start().await;
    ready(&hub, "policy = \"create\"\nthreshold = 1");
    let table = "TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS\nTC_T_001|iOS|FAIL|staging||the total is wrong\n\
                 TC_T_002|iOS|PASS|staging||\n";
    let path = hub.write("results.csv", table).display().to_string();
    let taken = hub.hub(&["ingest", &path, "--project", "shop"]).json(0);
    assert_eq!((&taken["failures"]["seen"], &taken["failures"]["with_defect"]), (&1.into(), &1.into()), "{taken}");
    sync(&hub);
    assert_eq!(bugs(&hub).await.len(), 1);
}
