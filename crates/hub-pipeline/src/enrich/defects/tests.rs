//! Stories of failures over runs, by the rules alone.

use hub_domain::{insight::Incident, vocabulary::FailureCause};
use time::{Duration, macros::datetime};

use super::*;

fn id(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

fn began(run: usize) -> Moment {
    datetime!(2026-01-01 0:00 UTC) + Duration::days(i64::try_from(run).unwrap())
}

fn seen(case: &str, status: ResultStatus) -> Seen {
    Seen {
        fingerprint: fingerprint::fingerprint(
            &id(case),
            &fingerprint::Error { message: Some("expected 3"), ..Default::default() },
        ),
        test_case: Some(id(case)),
        name: format!("Test {case}"),
        status,
        repeated_and_passed: false,
        platform: None,
        device: None,
        message: Some("expected 3\nsaw 5".into()),
        details: None,
    }
}

/// What the tables would hold, run after run.
struct Story {
    settings: DefectSettings,
    known: Known,
    shown: HashMap<String, Vec<usize>>,
}

impl Story {
    fn new(settings: DefectSettings) -> Self {
        Self { settings, known: Known::default(), shown: HashMap::new() }
    }

    fn run(&mut self, number: usize, seen: Vec<Seen>) -> Decision {
        self.run_with(number, seen, None)
    }

    fn run_with(&mut self, number: usize, seen: Vec<Seen>, incident: Option<&Incident>) -> Decision {
        let run = id(&format!("r{number}"));
        let sightings = sightings(&self.settings, incident, seen, Locale::En);
        for sighting in &sightings {
            let runs = self.shown.entry(sighting.fingerprint.clone()).or_default();
            if !runs.contains(&number) {
                runs.push(number);
                runs.sort_unstable();
            }
            let consecutive = (0..=number).rev().take_while(|n| runs.contains(n)).count() as u64;
            let (first, last) = (*runs.first().unwrap(), *runs.last().unwrap());
            self.known.history.insert(
                sighting.fingerprint.clone(),
                History {
                    runs: runs.len() as u64,
                    consecutive,
                    first_run: id(&format!("r{first}")),
                    last_run: id(&format!("r{last}")),
                    last_began_at: began(last),
                },
            );
        }
        let run = RunSeen { id: &run, began_at: began(number), environment: Some("staging"), incident };
        let decision = decide(&self.settings, &run, sightings, &self.known, Locale::En);
        for failure in &decision.failures {
            self.known.failures.insert(failure.fingerprint.clone(), failure.clone());
        }
        for entity in &decision.defects {
            self.known.defects.insert(entity.external_id.clone(), entity.clone());
        }
        decision
    }

    fn close(&mut self, defect: &ExternalId, status: DefectStatus, by_list: bool) {
        let entity = self.known.defects.get_mut(defect).unwrap();
        let EntityFacts::Defect(facts) = &mut entity.facts else { panic!("no defect") };
        facts.status = status;
        if by_list {
            facts.sightings = None;
            entity.origin = Origin { source: "csv-defects".into(), precedence: 50, line: None };
        }
    }
}

fn settings(policy: DefectPolicy) -> DefectSettings {
    DefectSettings { policy, ..DefectSettings::default() }
}

fn facts(entity: &Entity) -> &Defect {
    let EntityFacts::Defect(facts) = &entity.facts else { panic!("no defect") };
    facts
}

#[test]
fn the_second_run_makes_the_defect_and_the_third_is_counted_for_it() {
    let mut story = Story::new(settings(DefectPolicy::Create));
    let first = story.run(1, vec![seen("TC_1", ResultStatus::Failed)]);
    assert!(first.defects.is_empty() && first.failures[0].state == FailureState::New);
    assert_eq!(
        story.run(1, vec![seen("TC_1", ResultStatus::Failed)]).failures[0].runs,
        1,
        "a run read again counts once"
    );
    let second = story.run(2, vec![seen("TC_1", ResultStatus::Failed)]);
    assert_eq!(second.defects.len(), 1);
    let defect = facts(&second.defects[0]);
    assert_eq!(defect.title, "Test TC_1: expected 3");
    assert_eq!(defect.test_cases, [id("TC_1")]);
    assert_eq!(defect.actual_result.as_deref(), Some("expected 3\nsaw 5"));
    let third = story.run(3, vec![seen("TC_1", ResultStatus::Failed)]);
    assert_eq!(third.defects[0].external_id, second.defects[0].external_id);
    let said = facts(&third.defects[0]).sightings.clone().unwrap();
    assert_eq!((said.first_run, said.last_run, said.runs, said.reopened_in), (id("r1"), id("r3"), 3, None));
    assert_eq!(story.run(3, vec![seen("TC_1", ResultStatus::Failed)]), third, "decided twice, decided the same");
}

#[test]
fn proposals_wait_and_what_is_ignored_stays_so() {
    let mut story = Story::new(settings(DefectPolicy::Propose));
    story.run(1, vec![seen("TC_1", ResultStatus::Failed)]);
    let second = story.run(2, vec![seen("TC_1", ResultStatus::Failed)]);
    assert_eq!((second.failures[0].state, second.defects.len()), (FailureState::Proposed, 0));
    story.settings.policy = DefectPolicy::Create;
    assert_eq!(
        story.run(3, vec![seen("TC_1", ResultStatus::Failed)]).defects.len(),
        0,
        "a proposal waits for a person"
    );
    for failure in story.known.failures.values_mut() {
        failure.state = FailureState::Ignored;
    }
    let fourth = story.run(4, vec![seen("TC_1", ResultStatus::Failed)]);
    assert_eq!((fourth.failures[0].state, fourth.failures[0].runs), (FailureState::Ignored, 4));
    assert!(!counts(&settings(DefectPolicy::Off), None));
    let only = DefectSettings { environments: vec!["production".into()], ..settings(DefectPolicy::Create) };
    assert!(counts(&only, Some("production")) && !counts(&only, Some("staging")) && !counts(&only, None));
}

#[test]
fn consecutive_runs_are_counted_only_where_that_is_asked() {
    for (counting, made) in [(Counting::Runs, 1), (Counting::Consecutive, 0)] {
        let mut story = Story::new(DefectSettings { counting, ..settings(DefectPolicy::Create) });
        story.run(1, vec![seen("TC_1", ResultStatus::Failed)]);
        story.run(2, vec![]);
        assert_eq!(story.run(3, vec![seen("TC_1", ResultStatus::Failed)]).defects.len(), made, "{counting:?}");
    }
}

#[test]
fn flaky_tests_count_only_where_that_is_asked() {
    let repeated = Seen { repeated_and_passed: true, ..seen("TC_2", ResultStatus::Failed) };
    for (flaky, made) in [(FlakyPolicy::Ignore, 0), (FlakyPolicy::Count, 2)] {
        let mut story = Story::new(DefectSettings { flaky, threshold: 1, ..settings(DefectPolicy::Create) });
        let decision = story.run(1, vec![seen("TC_1", ResultStatus::Flaky), repeated.clone()]);
        assert_eq!(decision.defects.len(), made, "{flaky:?}");
    }
}

#[test]
fn a_closed_defect_comes_back_in_a_later_run_and_not_in_the_same() {
    for by_list in [false, true] {
        let mut story = Story::new(DefectSettings { threshold: 1, ..settings(DefectPolicy::Create) });
        let defect = story.run(1, vec![seen("TC_1", ResultStatus::Failed)]).defects[0].external_id.clone();
        story.close(&defect, DefectStatus::Closed, by_list);
        let same = story.run(1, vec![seen("TC_1", ResultStatus::Failed)]);
        assert!(same.defects.iter().all(|d| facts(d).status == DefectStatus::Closed), "the run that it was closed for");
        let later = story.run(2, vec![seen("TC_1", ResultStatus::Failed)]);
        assert_eq!(later.defects[0].external_id, defect);
        assert_eq!(facts(&later.defects[0]).status, DefectStatus::Open);
        assert_eq!(facts(&later.defects[0]).sightings.as_ref().unwrap().reopened_in, Some(id("r2")));
        assert_eq!(later.defects[0].origin.precedence, if by_list { 50 } else { PRECEDENCE_HUB_DEFECT });
        story.close(&defect, DefectStatus::Rejected, by_list);
        let rejected = story.run(3, vec![seen("TC_1", ResultStatus::Failed)]);
        assert!(rejected.defects.iter().all(|d| facts(d).status == DefectStatus::Rejected), "what is none is none");
        story.settings.reopen = ReopenPolicy::Never;
        story.close(&defect, DefectStatus::Closed, by_list);
        let never = story.run(4, vec![seen("TC_1", ResultStatus::Failed)]);
        assert!(never.defects.iter().all(|d| facts(d).status == DefectStatus::Closed));
    }
}

#[test]
fn a_defect_of_the_teams_list_is_counted_for_and_not_doubled() {
    let mut story = Story::new(DefectSettings { threshold: 1, ..settings(DefectPolicy::Create) });
    story.known.of_team.insert(id("TC_1"), id("INC-7"));
    let decision = story.run(1, vec![seen("TC_1", ResultStatus::Failed), seen("TC_2", ResultStatus::Failed)]);
    assert_eq!(decision.defects.len(), 1, "only TC_2 has none");
    let listed = decision.failures.iter().find(|f| f.test_case == Some(id("TC_1"))).unwrap();
    assert_eq!((listed.state, listed.defect.clone()), (FailureState::Defect, Some(id("INC-7"))));
    // The team closes it, and the test fails again: now the failure has a defect of its own.
    let mut closed = defect(listed).unwrap();
    closed.external_id = id("INC-7");
    let EntityFacts::Defect(said) = &mut closed.facts else { panic!() };
    said.status = DefectStatus::Closed;
    story.known.defects.insert(id("INC-7"), closed);
    story.known.of_team.clear();
    let again = story.run(2, vec![seen("TC_1", ResultStatus::Failed)]);
    assert_eq!(again.defects.len(), 1);
    assert!(again.defects[0].external_id.as_str().starts_with("auto-"));
}

#[test]
fn an_incident_is_one_defect_and_none_where_the_infrastructure_failed() {
    let incident = |cause| Incident {
        cause,
        signature: "f1:aa".into(),
        failed: 100,
        executed: 100,
        example: Some("no login".into()),
    };
    let failures: Vec<Seen> = (0..100).map(|n| seen(&format!("TC_{n}"), ResultStatus::Failed)).collect();
    let mut story = Story::new(DefectSettings { threshold: 1, ..settings(DefectPolicy::Create) });
    let dns = incident(Some(FailureCause::Dns));
    assert_eq!(story.run_with(1, failures.clone(), Some(&dns)), Decision::default());
    let login = incident(None);
    let decision = story.run_with(2, failures.clone(), Some(&login));
    assert_eq!(decision.defects.len(), 1);
    assert_eq!(facts(&decision.defects[0]).title, "Incident: no login");
    assert_eq!(story.run_with(3, failures, Some(&login)).defects[0].external_id, decision.defects[0].external_id);
}

#[test]
fn too_many_new_failures_are_summed_up_once() {
    let mut story = Story::new(DefectSettings { threshold: 1, max_new_per_run: 20, ..settings(DefectPolicy::Create) });
    let failures = |n: usize| (0..n).map(|n| seen(&format!("TC_{n}"), ResultStatus::Failed)).collect::<Vec<_>>();
    assert_eq!(story.run(1, failures(20)).defects.len(), 20);
    let decision = story.run(2, failures(41));
    assert_eq!(decision.summed_up, 21);
    let made: Vec<&Entity> =
        decision.defects.iter().filter(|d| facts(d).sightings.as_ref().unwrap().kind == FailureKind::Summary).collect();
    assert_eq!(made.len(), 1);
    assert!(facts(made[0]).title.starts_with("21 new failures"), "{}", facts(made[0]).title);
    assert_eq!(decision.failures.iter().filter(|f| f.state == FailureState::Proposed).count(), 21);
    assert_eq!(story.run(3, failures(41)).summed_up, 0, "they are no longer new");
}
