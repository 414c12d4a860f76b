//! What the hub finds out about a project before it writes.

use atlassian_sim::Options;
use hub_destination::Outcome;
use hub_domain::{facts::IssueKind, vocabulary::Locale};
use hub_jira::Jira;

use crate::{played::play, sample};

#[tokio::test]
async fn types_and_create_screens_are_found_in_six_calls() {
    play(Options::default(), async |site| {
        let found = site.capabilities().await;
        assert_eq!(site.calls().await, 6, "who am I, project, types, and a screen for each type");
        assert_eq!(found.account_id, site.running.sim.account().account_id);
        assert_eq!(found.project_id, site.truth().await["projects"][0]["id"]);
        for kind in IssueKind::ALL {
            let screen = found.of(kind).unwrap();
            assert_eq!((screen.name.as_str(), screen.stands_in), (kind.type_name(), false));
            let fields: Vec<&str> = screen.fields.keys().map(String::as_str).collect();
            assert_eq!(fields, ["device", "environment", "platform", "run_id", "suite_id", "test_case_id"]);
            assert!(screen.fields.values().all(|id| id.starts_with("customfield_")), "{screen:?}");
            assert!(screen.labels && screen.description);
            assert_eq!(screen.priorities, ["Highest", "High", "Medium", "Low", "Lowest"]);
        }
    })
    .await;
}

#[tokio::test]
async fn task_stands_in_for_a_missing_type_and_the_issue_is_still_ours() {
    let missing = vec!["CTB:Test Case".to_owned(), "Test Execution".to_owned()];
    play(Options { missing_issue_types: missing, ..Options::default() }, async |site| {
        let found = site.capabilities().await;
        assert_eq!(site.calls().await, 5, "two kinds share one screen");
        for (kind, name, stands_in) in [
            (IssueKind::TestCase, "Task", true),
            (IssueKind::TestExecution, "Task", true),
            (IssueKind::Bug, "Bug", false),
        ] {
            let screen = found.of(kind).unwrap();
            assert_eq!((screen.name.as_str(), screen.stands_in), (name, stands_in));
        }
        let write = sample::write(sample::case("TC_1", Locale::En));
        let created = site.jira().create(std::slice::from_ref(&write), &found).await.remove(0).unwrap();
        let issue = site.issue(&created.key).await;
        assert_eq!(issue["type"], "Task");
        assert_eq!(issue["properties"]["haida.hub"]["m"], write.stamp.marker.as_str());
        assert_eq!(issue["custom"]["test_case_id"]["value"], "TC_1");
    })
    .await;
}

#[tokio::test]
async fn a_project_without_our_types_and_without_task_is_refused() {
    let missing = ["Test Case", "Task"].map(str::to_owned).to_vec();
    play(Options { missing_issue_types: missing, ..Options::default() }, async |site| {
        let refused = site.jira().discover().await.unwrap_err();
        assert!(matches!(&refused, Outcome::Refused(cause) if cause.code.id == "HUB-2003"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_project_that_does_not_exist_is_told_from_a_wrong_token() {
    play(Options::default(), async |site| {
        let refused = Jira::new(&site.hub, "NOPE").discover().await.unwrap_err();
        assert!(matches!(&refused, Outcome::Refused(cause) if cause.code.id == "HUB-2004"), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_screen_longer_than_a_page_is_read_to_its_end() {
    let mut fields: Vec<String> = (0..230).map(|n| format!("field {n}")).collect();
    fields.push("device".to_owned());
    play(Options { custom_fields: fields, ..Options::default() }, async |site| {
        let found = site.capabilities().await;
        let screen = found.of(IssueKind::Bug).unwrap();
        assert_eq!(screen.fields.keys().collect::<Vec<_>>(), ["device"]);
        assert_eq!(site.calls().await, 9, "each of three screens has two pages");
    })
    .await;
}

#[tokio::test]
async fn facts_without_a_field_on_the_screen_are_kept_in_the_property_and_the_text() {
    play(Options { custom_fields: Vec::new(), ..Options::default() }, async |site| {
        let found = site.capabilities().await;
        let write = sample::write(sample::bug("BUG-1", Locale::En));
        let created = site.jira().create(&[write], &found).await.remove(0).unwrap();
        let issue = site.issue(&created.key).await;
        assert_eq!(issue["custom"].as_object().unwrap().len(), 0, "{issue}");
        assert_eq!(issue["properties"]["haida.hub"]["external_id"], "BUG-1");
        assert!(issue["fields"]["description"].to_string().contains("iPhone 14"));
    })
    .await;
}
