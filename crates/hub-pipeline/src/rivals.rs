//! When two documents that tell of the same thing disagree, and about what. Saying less, or more that the hub has no name
//! for, is no disagreement; saying something else of the same field is.

use hub_domain::{
    EntityKind, ExternalId,
    entity::{Defect, EntityFacts, TestCase},
};

/// The fields of which `loser` says something that `winner` does not, by name, in the order in which people read them.
#[must_use]
pub fn differences(winner: &EntityFacts, loser: &EntityFacts) -> Vec<&'static str> {
    match (winner, loser) {
        (EntityFacts::TestCase(winner), EntityFacts::TestCase(loser)) => of_cases(winner, loser),
        (EntityFacts::Defect(winner), EntityFacts::Defect(loser)) => of_defects(winner, loser),
        // Suites are named after themselves, and everything else is told by the hub alone.
        (
            EntityFacts::Suite(_)
            | EntityFacts::Release(_)
            | EntityFacts::Run(_)
            | EntityFacts::Report(_)
            | EntityFacts::TestCase(_)
            | EntityFacts::Defect(_),
            _,
        ) => Vec::new(),
    }
}

/// Whether two documents of equal precedence mean different things by one id: their titles are not the same words.
#[must_use]
pub fn another_thing(one: &EntityFacts, other: &EntityFacts) -> bool {
    crate::words::key(one.title()) != crate::words::key(other.title())
}

/// What a person calls a thing of a conflict.
#[must_use]
pub fn name(kind: EntityKind, id: &ExternalId) -> String {
    format!("{} {id}", kind.as_str().replace('_', " "))
}

fn text(winner: &Option<String>, loser: &Option<String>) -> bool {
    loser.is_some() && winner != loser
}

fn list<T: PartialEq>(winner: &[T], loser: &[T]) -> bool {
    !loser.is_empty() && winner != loser
}

fn named<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

fn of_cases(winner: &TestCase, loser: &TestCase) -> Vec<&'static str> {
    named([
        ("title", winner.title != loser.title),
        ("component", text(&winner.component, &loser.component)),
        ("module", text(&winner.module, &loser.module)),
        ("test_type", text(&winner.test_type, &loser.test_type)),
        ("platforms", list(&winner.platforms, &loser.platforms)),
        ("requirements", list(&winner.requirements, &loser.requirements)),
        ("preconditions", text(&winner.preconditions, &loser.preconditions)),
        ("steps", list(&winner.steps, &loser.steps)),
        ("expected_result", text(&winner.expected_result, &loser.expected_result)),
        ("priority", loser.priority.is_some() && winner.priority != loser.priority),
        ("risk", loser.risk.is_some() && winner.risk != loser.risk),
        ("status", says_status(&loser.source_words) && winner.status != loser.status),
    ])
}

fn of_defects(winner: &Defect, loser: &Defect) -> Vec<&'static str> {
    named([
        ("title", winner.title != loser.title),
        ("test_cases", list(&winner.test_cases, &loser.test_cases)),
        ("run", loser.run.is_some() && winner.run != loser.run),
        ("severity", loser.severity.is_some() && winner.severity != loser.severity),
        ("priority", loser.priority.is_some() && winner.priority != loser.priority),
        ("status", says_status(&loser.source_words) && winner.status != loser.status),
        ("description", text(&winner.description, &loser.description)),
        ("steps", list(&winner.steps, &loser.steps)),
        ("expected_result", text(&winner.expected_result, &loser.expected_result)),
        ("actual_result", text(&winner.actual_result, &loser.actual_result)),
        ("environment", text(&winner.environment, &loser.environment)),
        ("device", text(&winner.device, &loser.device)),
    ])
}

/// Whether a source says where the thing stands: where it does not, its status is only assumed.
fn says_status(source_words: &[(String, String)]) -> bool {
    source_words.iter().any(|(field, _)| field == "status")
}

#[cfg(test)]
mod tests {
    use hub_domain::{entity::Suite, vocabulary::CaseStatus};

    use super::*;

    fn case(title: &str) -> TestCase {
        TestCase {
            title: title.into(),
            suite: None,
            component: None,
            module: Some("Nav".into()),
            test_type: None,
            platforms: Vec::new(),
            requirements: Vec::new(),
            preconditions: None,
            steps: vec!["open".into()],
            expected_result: None,
            priority: None,
            risk: None,
            status: CaseStatus::Draft,
            source_words: Vec::new(),
            other: Vec::new(),
        }
    }

    #[test]
    fn saying_less_is_no_disagreement() {
        let (winner, less) = (case("Menu"), TestCase { module: None, steps: Vec::new(), ..case("Menu") });
        let facts = |case: &TestCase| EntityFacts::TestCase(case.clone());
        assert_eq!(differences(&facts(&winner), &facts(&less)), Vec::<&str>::new());
        assert_eq!(differences(&facts(&less), &facts(&winner)), ["module", "steps"], "what would be lost is told");
        let assumed = TestCase { status: CaseStatus::Active, ..case("Menu") };
        assert_eq!(differences(&facts(&winner), &facts(&assumed)), Vec::<&str>::new());
        let said = TestCase { source_words: vec![("status".into(), "Pasado".into())], ..assumed };
        assert_eq!(differences(&facts(&winner), &facts(&said)), ["status"]);
    }

    #[test]
    fn another_title_is_another_thing() {
        let facts = |title: &str| EntityFacts::TestCase(case(title));
        assert!(another_thing(&facts("Buscar producto"), &facts("Menu principal visible")));
        assert!(!another_thing(&facts("Menú principal  visible."), &facts("menu principal visible")));
        assert_eq!(differences(&facts("a"), &EntityFacts::Suite(Suite { name: "a".into() })), Vec::<&str>::new());
    }
}
