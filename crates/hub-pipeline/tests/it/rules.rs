//! What holds for every case, whatever it is about.

use std::collections::BTreeSet;

use hub_domain::{
    EntityKind, Label, Severity,
    entity::Identity,
    facts::{Desired, ObjectKind, PublicationKey},
};
use hub_pipeline::{normalise::Fact, titles::MAX_TITLE};

use crate::{
    case::{self, Case, Read},
    team::{self, Team},
};

/// Every file of every case, read.
fn every_file(mut check: impl FnMut(&str, &Case, &Read)) {
    for name in case::names() {
        let case = case::load(&name);
        for file in &case.files {
            check(&format!("{name}/{}", file.name), &case, &case.read(file));
        }
    }
}

#[test]
fn reading_a_file_again_tells_the_same_and_no_two_results_of_a_run_share_a_key() {
    for name in case::names() {
        let case = case::load(&name);
        let mut keys = BTreeSet::new();
        for file in &case.files {
            let (once, again) = (case.read(file), case.read(file));
            assert_eq!(once, again, "{name}/{}", file.name);
            for fact in once.facts {
                if let Fact::Result(result) = fact {
                    let key = result.result_key.clone();
                    assert!(keys.insert(key), "{name}/{}: a key of two results: {result:?}", file.name);
                }
            }
        }
    }
}

#[test]
fn nothing_is_lost_without_a_word() {
    every_file(|place, _, read| {
        let taken = read.facts.iter().filter(|fact| matches!(fact, Fact::Result(_))).count() as u64;
        assert_eq!(taken, read.summary.counts.total(), "{place}");
    });
    for name in case::names() {
        let case = case::load(&name);
        for file in &case.files {
            let read = case.read(file);
            let rejected = read
                .facts
                .iter()
                .filter(|fact| matches!(fact, Fact::Problem(problem) if problem.severity == Severity::Rejected))
                .count();
            let records = file.records.iter().filter(|r| !matches!(r, hub_domain::record::Record::Suite(_))).count();
            let summary = &read.summary;
            let taken = usize::try_from(summary.counts.total() + summary.cases + summary.defects).unwrap();
            assert_eq!(taken + rejected, records, "{name}/{}: each record is taken or rejected", file.name);
        }
    }
}

#[test]
fn every_problem_names_its_file_and_line() {
    let mut problems = 0;
    every_file(|place, _, read| {
        for fact in &read.facts {
            if let Fact::Problem(problem) = fact {
                problems += 1;
                assert!(
                    place.ends_with(&problem.position.file) && problem.position.line.is_some(),
                    "{place}: {problem}"
                );
                assert!(!problem.message.ends_with('.') && problem.message.chars().count() <= 300, "{problem}");
            }
        }
    });
    assert!(problems >= 10, "{problems} problems in all cases");
}

#[test]
fn every_result_has_a_case_and_every_case_a_suite_that_exists() {
    for name in case::names() {
        let team = Team::of(&case::load(&name));
        let exists =
            |kind, id: &hub_domain::ExternalId| team.entities.contains_key(&Identity { kind, external_id: id.clone() });
        for result in team.results.values() {
            let case = result.test_case.as_ref().unwrap();
            assert!(exists(EntityKind::TestCase, case), "{name}: {case}");
        }
        for entity in team.entities.values() {
            if let hub_domain::entity::EntityFacts::TestCase(case) = &entity.facts {
                assert!(case.suite.iter().all(|suite| exists(EntityKind::Suite, suite)), "{name}: {case:?}");
            }
        }
    }
}

#[test]
fn titles_fit_on_one_line_and_no_two_pages_share_one() {
    for name in case::names() {
        let case = case::load(&name);
        let mut titles = BTreeSet::new();
        for publication in Team::of(&case).plan(&team::project(case.locale)) {
            let line = match &publication.desired {
                Desired::Issue(issue) => issue.summary.clone(),
                Desired::Page(page) => {
                    assert!(titles.insert(page.title.to_lowercase()), "{name}: {:?} twice", page.title);
                    page.title.clone()
                }
                Desired::RemoteLink(link) => link.title.clone(),
                Desired::IssueLink(_) => continue,
            };
            assert!(line.encode_utf16().count() <= MAX_TITLE && !line.trim().is_empty(), "{name}: {line:?}");
            assert!(!line.chars().any(char::is_control) && line.trim() == line, "{name}: {line:?}");
        }
    }
}

#[test]
fn labels_are_of_the_taxonomy_sorted_and_each_once() {
    for name in case::names() {
        let case = case::load(&name);
        for publication in Team::of(&case).plan(&team::project(case.locale)) {
            let labels = match &publication.desired {
                Desired::Issue(issue) => &issue.labels,
                Desired::Page(page) => &page.labels,
                Desired::IssueLink(_) | Desired::RemoteLink(_) => continue,
            };
            assert!(labels.is_sorted() && labels.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {labels:?}");
            assert!(labels.iter().all(|label| Label::is_controlled(label.as_str())), "{name}: {labels:?}");
            assert!(labels.iter().any(|label| label.as_str() == "project:shop"), "{name}: {labels:?}");
        }
    }
}

#[test]
fn parents_are_planned_before_their_children_and_links_after_their_ends() {
    for name in case::names() {
        let case = case::load(&name);
        let plan = Team::of(&case).plan(&team::project(case.locale));
        let rank = |key: &PublicationKey| plan.iter().find(|p| p.key == *key).map(|p| p.rank);
        let keys: BTreeSet<&PublicationKey> = plan.iter().map(|p| &p.key).collect();
        assert_eq!(keys.len(), plan.len(), "{name}: a key is planned twice");
        for publication in &plan {
            match &publication.desired {
                Desired::Page(page) => match &page.parent {
                    Some(parent) => {
                        let above = rank(&PublicationKey::page(parent.kind, parent.external_id.clone()));
                        assert!(above.is_some_and(|rank| rank < publication.rank), "{name}: {:?}", page.title);
                    }
                    None => assert_eq!(publication.key.entity.kind, EntityKind::Project, "{name}"),
                },
                Desired::IssueLink(link) => {
                    assert!(rank(&PublicationKey::issue(link.from.kind, link.from.external_id.clone())).is_some());
                }
                Desired::RemoteLink(link) => {
                    assert!(rank(&PublicationKey::issue(link.issue.kind, link.issue.external_id.clone())).is_some());
                    assert!(rank(&PublicationKey::page(link.page.kind, link.page.external_id.clone())).is_some());
                }
                Desired::Issue(_) => {}
            }
        }
        let order: Vec<ObjectKind> = plan.iter().map(|p| p.key.object).collect();
        assert!(order.is_sorted(), "{name}: what others point to comes first");
    }
}

#[test]
fn planning_the_same_twice_wants_the_same() {
    for name in case::names() {
        let case = case::load(&name);
        let hashes = |team: Team| -> Vec<_> {
            team.plan(&team::project(case.locale)).iter().map(|p| p.desired.hash(1).unwrap()).collect()
        };
        assert_eq!(hashes(Team::of(&case)), hashes(Team::of(&case)), "{name}");
    }
}
