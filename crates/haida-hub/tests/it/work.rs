//! Workers from outside: any number of processes on one database, their ends in every way, and lanes that must not work.

use std::time::{Duration, Instant};

use atlassian_sim::Options;

use crate::{
    fleet::{NOT_PUBLISHED, Worker},
    support::Hub,
};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample/shop");

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_publish_a_team_exactly_once() {
    let hub = Hub::start().await;
    hub.ready();
    let (mut one, mut two) = (Worker::start(&hub, "one", &[]), Worker::start(&hub, "two", &[]));
    hub.hub(&["ingest", &format!("{SAMPLE}/test-cases.csv"), "--project", "shop"]);
    hub.hub(&["ingest", &format!("{SAMPLE}/defects.csv"), "--project", "shop"]);
    for run in ["2026-11-20", "2026-11-23"] {
        let folder = format!("{SAMPLE}/run-{run}");
        hub.hub(&["ingest", &folder, "--project", "shop", "--run", &format!("shop-{run}"), "--release", "4.2.0"]);
    }
    hub.until_published(Duration::from_secs(60)).await;
    assert_eq!(hub.duplicates().await, 0);
    let truth = hub.truth().await;
    let wanted = |object: &str| {
        format!("select count(*) from hub.publication where object = '{object}' and desired_hash is not null")
    };
    assert_eq!(truth["issues"].as_array().unwrap().len() as i64, hub.number(&wanted("issue")).await);
    assert!(hub.number(&wanted("remote_link")).await > 0 && hub.number(&wanted("issue_link")).await > 0);
    // What was done is on record, under correlation ids that the log names too.
    let unfinished = "select count(*) from hub.sync_jobs where kind like 'drain%' and state <> 'done'";
    hub.until_zero(unfinished, Duration::from_secs(10)).await;
    assert!(hub.number("select count(*) from hub.sync_jobs where kind = 'drain_pages'").await > 0);
    let logs = format!("{}{}", one.log(), two.log());
    let first = logs.lines().find(|line| line.contains("drained a lane")).expect("a line about a lane");
    let line: serde_json::Value = serde_json::from_str(first).expect("JSON");
    let correlation = line["correlation"].as_str().expect("a correlation id");
    let found = format!("select count(*) from hub.sync_jobs where correlation_id = '{correlation}'");
    assert_eq!(hub.number(&found).await, 1, "{first}");
    // Nothing is left behind in the queue, and a worker that is asked to end does so.
    hub.until_zero("select count(*) from hub_queue._private_jobs", Duration::from_secs(30)).await;
    assert_eq!(one.terminate("-TERM").0, Some(0), "{}", one.log());
    assert_eq!(two.terminate("-HUP").0, Some(0), "{}", two.log());
    let locked = "select count(*) from hub_queue._private_job_queues where locked_at is not null";
    assert_eq!(hub.number(locked).await, 0);
    assert_eq!(hub.number("select count(*) from hub_queue._private_workers").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_end_finishes_its_batch_and_hands_the_rest_back() {
    let hub = Hub::with(Options { latency: Duration::from_millis(700), ..Options::default() }).await;
    hub.ready();
    hub.take_cases("shop", 350);
    let mut worker = Worker::start(&hub, "one", &[]);
    hub.until_issues_exist(50).await;
    let (code, took) = worker.terminate("-INT");
    assert_eq!(code, Some(0), "{}", worker.log());
    println!("SIGINT in the middle of a slice: ended after {:.1} s", took.as_secs_f64());
    let open = "select count(*) from hub.publication where state in ('sending', 'uncertain')";
    assert_eq!(hub.number(open).await, 0, "no create was left without its answer");
    let issues = hub.issues().await.len();
    assert!(issues < 350, "it did not go on to the end");
    let known = "select count(*) from hub.publication where object = 'issue' and published_hash is not null";
    assert_eq!(hub.number(known).await, issues as i64, "what exists is on record");
    let mut rest = Worker::start(&hub, "two", &["--until-idle"]);
    assert_eq!(rest.ends_within(Duration::from_secs(60)), Some(0));
    hub.until_published(Duration::from_secs(1)).await;
    assert_eq!((hub.issues().await.len(), hub.duplicates().await), (350, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_project_is_done_while_a_large_one_still_works() {
    let options = Options { latency: Duration::from_millis(40), ..Options::default() };
    let hub = Hub::with_projects(options, &["BIG", "SMALL"]).await;
    for key in ["BIG", "SMALL"] {
        hub.add_project_named(key, &hub.site.url, &hub.credential()).json(0);
    }
    hub.take_cases("big", 4_000);
    // One hand: were the large lane not bounded by its slices and runs, the small one would wait for its end.
    let _worker = Worker::start(&hub, "one", &["--concurrency", "2"]);
    hub.until_issues_exist(100).await;
    hub.take_cases("small", 20);
    let of = |key: &str| format!("{NOT_PUBLISHED} and project_id = (select id from hub.projects where key = '{key}')");
    let took = hub.until_zero(&of("small"), Duration::from_secs(30)).await;
    let left = hub.number(&of("big")).await;
    println!(
        "the small project was done after {:.2} s, with {left} publications of the large one to do",
        took.as_secs_f64()
    );
    assert!(left > 0, "the large project still works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_of_a_killed_worker_is_taken_over_within_forty_seconds() {
    let hub = Hub::with(Options { latency: Duration::from_millis(1_500), ..Options::default() }).await;
    hub.ready();
    hub.take_cases("shop", 160);
    let mut doomed = Worker::start(&hub, "doomed", &[]);
    hub.until_issues_exist(1).await;
    let _other = Worker::start(&hub, "other", &[]);
    doomed.kill();
    let killed = Instant::now();
    let free = "select count(*) from hub.publication p where object = 'issue' and state = 'pending'";
    let before = hub.number(free).await;
    assert!(before > 0, "there is work that nobody had begun");
    hub.until_zero(free, Duration::from_secs(60)).await;
    let took = killed.elapsed();
    let handled = hub.number("select count(*) from hub_queue._private_workers").await;
    println!(
        "kill -9: the lane was taken over and its {before} free rows were taken {:.1} s later ({handled} workers)",
        took.as_secs_f64()
    );
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_bell_is_rung_again_within_a_minute_by_one_of_all_workers() {
    let hub = Hub::start().await;
    hub.ready();
    let _workers = [Worker::start(&hub, "one", &[]), Worker::start(&hub, "two", &[])];
    for worker in &_workers {
        Hub::until_logged(worker, "the worker is ready", Duration::from_secs(20)).await;
    }
    // The bell goes in the moment in which it is put: as a zombie's late answer takes it.
    let client = hub.database.client().await;
    client
        .batch_execute(
            "create function hub_private.deaf() returns trigger language plpgsql as $$ begin return null; end $$;
             create trigger deaf before insert on hub_queue._private_jobs for each row
               when (new.key like '%:%') execute function hub_private.deaf();",
        )
        .await
        .unwrap();
    // The engine reports a bell that it could not put, so the plan is written without one.
    client.batch_execute("alter function hub_private.put_bell rename to put_bell_away").await.unwrap();
    client
        .batch_execute(
            "create function hub_private.put_bell(project uuid, lane_kind text, due timestamptz) returns void
               language sql as $$ select $$;
             drop trigger deaf on hub_queue._private_jobs;",
        )
        .await
        .unwrap();
    hub.take_cases("shop", 5);
    assert_eq!(hub.number("select count(*) from hub_queue._private_jobs where key like '%:%'").await, 0);
    client
        .batch_execute(
            "drop function hub_private.put_bell; alter function hub_private.put_bell_away rename to put_bell",
        )
        .await
        .unwrap();
    let took = hub.until_published(Duration::from_secs(75)).await;
    println!("lost bells were found after {:.0} s", took.as_secs_f64());
    assert_eq!(hub.duplicates().await, 0);
    let ticks = "select count(*) from hub_queue._private_known_crontabs where identifier = 'reconcile'";
    assert_eq!(hub.number(ticks).await, 1, "one clock for all processes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_project_stops_safely_and_goes_on_later() {
    let hub = Hub::start().await;
    hub.ready();
    hub.take_cases("shop", 3);
    // Its bell is waiting when the project is archived.
    let archived = hub.hub(&["project", "archive", "--project", "shop"]).json(0);
    assert_eq!((&archived["archived"], &archived["changed"]), (&true.into(), &true.into()));
    let mut worker = Worker::start(&hub, "one", &["--until-idle"]);
    assert_eq!(worker.ends_within(Duration::from_secs(30)), Some(0));
    assert!(worker.log().contains("HUB-4008"), "{}", worker.log());
    hub.take_cases("shop", 5);
    assert_eq!(hub.number("select count(*) from hub_queue._private_jobs").await, 0, "no bell for an archived project");
    let sync = hub.hub(&["sync", "--project", "shop"]);
    assert_eq!((sync.code, sync.error_code().as_str()), (2, "HUB-4008"));
    let mut worker = Worker::start(&hub, "two", &["--until-idle"]);
    assert_eq!(worker.ends_within(Duration::from_secs(30)), Some(0));
    assert_eq!(hub.issues().await.len(), 0);
    assert_eq!(hub.hub(&["status", "--project", "shop"]).json(0)[0]["archived"], true);

    hub.hub(&["project", "unarchive", "--project", "shop"]).json(0);
    let mut worker = Worker::start(&hub, "three", &["--until-idle"]);
    assert_eq!(worker.ends_within(Duration::from_secs(30)), Some(0));
    hub.until_published(Duration::from_secs(1)).await;
    assert_eq!((hub.issues().await.len(), hub.duplicates().await), (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_newer_version_is_left_for_it_and_shown() {
    let hub = Hub::with_projects(Options::default(), &["SHOP", "OTHER"]).await;
    for key in ["SHOP", "OTHER"] {
        hub.add_project_named(key, &hub.site.url, &hub.credential()).json(0);
    }
    hub.take_cases("shop", 3);
    let mut first = Worker::start(&hub, "first", &["--until-idle"]);
    assert_eq!(first.ends_within(Duration::from_secs(30)), Some(0));
    hub.take_cases("shop", 4);
    hub.take_cases("other", 2);
    let client = hub.database.client().await;
    let newer = "update hub_queue._private_jobs set payload = json_build_object('v', 2, 'lanes', json_build_array('x'))
                  where key = (select id || ':issues' from hub.projects where key = 'shop')";
    client.batch_execute(newer).await.unwrap();
    // Its pages have nothing to do: they would ring the lane that they share a project with.
    let pages = "update hub.publication set desired_hash = published_hash, state = 'published'
                  where object = 'page' and project_id = (select id from hub.projects where key = 'shop')";
    client.batch_execute(pages).await.unwrap();
    let worker = Worker::start(&hub, "old", &[]);
    Hub::until_logged(&worker, "HUB-3008", Duration::from_secs(20)).await;
    let gone =
        "select 1 - count(*) from hub_queue._private_jobs where key like '%:issues' and (payload ->> 'v')::int = 2
                  and last_error like '%HUB-3008%'";
    hub.until_zero(gone, Duration::from_secs(10)).await;
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    let lanes = status[0]["lanes"].as_array().unwrap();
    let lane = lanes.iter().find(|lane| lane["kind"] == "issues").expect("the lane is shown");
    assert_eq!(lane["code"], "HUB-3008", "{lane}");
    // Other work goes on beside it.
    let other = format!("{NOT_PUBLISHED} and project_id = (select id from hub.projects where key = 'other')");
    hub.until_zero(&other, Duration::from_secs(30)).await;
    assert_eq!(hub.issues().await.len(), 3 + 2, "an old hub does not guess what a newer one means");
    // However often it was looked at, the reconciliation keeps it alive.
    let old = "update hub_queue._private_jobs set attempts = 20, run_at = now() + interval '6 hours' where last_error is not null";
    client.batch_execute(old).await.unwrap();
    client.batch_execute("select hub_private.tidy_queue()").await.unwrap();
    let soon = "select count(*) from hub_queue._private_jobs where last_error like '%HUB-3008%' and attempts <= 1 and run_at < now() + interval '2 minutes'";
    assert_eq!(hub.number(soon).await, 1);
    // New work of this version takes the lane back.
    hub.take_cases("shop", 5);
    hub.until_published(Duration::from_secs(30)).await;
    assert_eq!((hub.issues().await.len(), hub.duplicates().await), (5 + 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_whose_login_fails_waits_and_spends_nothing() {
    let hub = Hub::start().await;
    hub.write("token", "wrong");
    hub.ready();
    hub.take_cases("shop", 3);
    let worker = Worker::start(&hub, "one", &[]);
    Hub::until_logged(&worker, "HUB-2002", Duration::from_secs(20)).await;
    let stopped = "select 1 - count(*) from hub.lanes where kind = 'issues' and stops >= 1 and not_before > now()";
    hub.until_zero(stopped, Duration::from_secs(20)).await;
    let spent = "select count(*) from hub.publication where attempts > 0 or state = 'dead'";
    assert_eq!((hub.issues().await.len(), hub.number(spent).await), (0, 0));
    let status = hub.hub(&["status", "--project", "shop"]).json(0);
    let lanes = status[0]["lanes"].as_array().unwrap();
    assert!(lanes.iter().any(|lane| lane["kind"] == "issues" && lane["code"] == "HUB-2002"), "{status}");
    let failed = "select count(*) from hub.sync_jobs where kind = 'drain_issues' and state = 'failed' and error_code = 'HUB-2002'";
    assert!(hub.number(failed).await >= 1);
    // New work does not end the pause, a changed credential does.
    hub.take_cases("shop", 4);
    let early =
        "select count(*) from hub_queue._private_jobs j join hub.lanes l on j.key = l.project_id || ':' || l.kind
                  where j.run_at < l.not_before";
    assert_eq!(hub.number(early).await, 0);
    hub.write("new-token", "sim-token");
    let credential = format!("file://{}", hub.folder.path().join("new-token").display());
    let site = hub.site.url.clone();
    hub.hub(&[
        "project",
        "add",
        "--update",
        "--key",
        "shop",
        "--site",
        &site,
        "--jira-project",
        "SHOP",
        "--confluence-space",
        "SHOP",
        "--account-email",
        "qa@example.com",
        "--credential",
        &credential,
    ])
    .json(0);
    hub.until_published(Duration::from_secs(30)).await;
    assert_eq!((hub.issues().await.len(), hub.duplicates().await), (4, 0));
    assert_eq!(hub.number("select count(*) from hub.lanes").await, 0, "nothing holds the lanes up any more");
}
