//! Whose word counts when sources tell of the same case, in whatever order they are loaded.

use hub_domain::{EntityKind, entity::EntityFacts};

use crate::{case, team::Team};

fn title(team: &Team, id: &str) -> String {
    team.facts(EntityKind::TestCase, id).title().to_owned()
}

/// Every order of four files.
fn orders() -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for a in 0..4 {
        for b in (0..4).filter(|b| *b != a) {
            for c in (0..4).filter(|c| ![a, b].contains(c)) {
                let d = 6 - a - b - c;
                all.push([a, b, c, d]);
            }
        }
    }
    all
}

#[test]
fn the_order_of_loading_does_not_matter_to_a_case() {
    assert_eq!(orders().len(), 24);
    for order in orders() {
        let mut case = case::load("a_table_outranks_a_title_and_a_title_outranks_an_id");
        let mut files: Vec<_> = case.files.drain(..).map(Some).collect();
        case.files = order.iter().map(|index| files[*index].take().unwrap()).collect();
        let team = Team::of(&case);
        assert_eq!(title(&team, "TC_PLP_005"), "Filtro por precio", "{order:?}: the team's table");
        assert_eq!(title(&team, "TC_PLP_006"), "Orden por precio", "{order:?}: a title");
        assert_eq!(title(&team, "caso-7"), "opens seven", "{order:?}: a title beside an id of another kind");
        let EntityFacts::TestCase(facts) = team.facts(EntityKind::TestCase, "TC_PLP_005") else { panic!("no case") };
        assert_eq!(facts.component.as_deref(), Some("PLP"), "{order:?}: the whole of the table's facts");
    }
}

#[test]
fn results_join_the_cases_of_the_table() {
    let case = case::load("playwright_titles_join_cases_by_id");
    let team = Team::of(&case);
    let cases: Vec<&str> = team
        .entities
        .keys()
        .filter(|identity| identity.kind == EntityKind::TestCase)
        .map(|identity| identity.external_id.as_str())
        .collect();
    assert_eq!(cases, ["TC_HOME_010", "TC_HOME_012", "TC_HOME_033", "TC_HOME_099"]);
    let EntityFacts::Run(run) = team.facts(EntityKind::Run, "nightly-1") else { panic!("no run") };
    assert_eq!((run.coverage.executed, run.coverage.known), (2, 4), "two of the four were executed");
}

#[test]
fn an_unnamed_test_is_one_case_on_every_browser_and_another_in_every_place() {
    let team = Team::of(&case::load("unnamed_tests_keep_their_ids"));
    let mut ids: Vec<&str> = team.results.values().filter_map(|r| r.test_case.as_ref()).map(|id| id.as_str()).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| id.starts_with("auto-") && id.len() == "auto-".len() + 16), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "the menu on two browsers is one case: {ids:?}");
}

#[test]
fn the_platforms_of_a_report_do_not_rewrite_a_case() {
    let mut case = case::load("repeated_tests_have_keys_of_their_own");
    let of = |case: &case::Case| Team::of(case).facts(EntityKind::TestCase, "TC_CART_001").clone();
    let before = of(&case);
    case.files[0].records.reverse();
    assert_eq!(of(&case), before, "another browser first");
}

#[test]
fn two_long_ids_that_begin_alike_stay_two_cases() {
    let team = Team::of(&case::load("long_and_hostile_texts_fit"));
    let long: Vec<usize> = team
        .entities
        .keys()
        .filter(|identity| identity.kind == EntityKind::TestCase && identity.external_id.as_str().starts_with("III"))
        .map(|identity| identity.external_id.as_str().chars().count())
        .collect();
    assert_eq!(long, [200, 200]);
}
