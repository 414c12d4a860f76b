//! What becomes of failures: which of a run's failures count, and which of them are proposed, become a defect, are counted
//! for one, or bring a closed one back. The rules are those of `[defects]` (docs/enrichment.md).

use std::collections::HashMap;

use hub_domain::{
    Entity, ExternalId, Moment,
    entity::{Defect, EntityFacts, Origin},
    failure::{Failure, FailureState},
    insight::{FailureKind, Incident, Sightings},
    phrases::Phrase,
    settings::{Counting, DefectPolicy, DefectSettings, FlakyPolicy, ReopenPolicy},
    vocabulary::{DefectStatus, Locale, ResultStatus},
};

use crate::{fingerprint, normalise::PRECEDENCE_HUB_DEFECT, titles};

#[cfg(test)]
mod tests;

/// A failure as a run shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// By what it is the same in another run.
    pub fingerprint: String,
    /// The test case.
    pub test_case: Option<ExternalId>,
    /// The test's name.
    pub name: String,
    /// What became of it.
    pub status: ResultStatus,
    /// Whether a later attempt of the same test in the same run passed.
    pub repeated_and_passed: bool,
    /// The platform.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
    /// The error's message.
    pub message: Option<String>,
    /// The beginning of its details.
    pub details: Option<String>,
}

/// A run as the decision needs it.
#[derive(Debug, Clone)]
pub struct RunSeen<'a> {
    /// The run.
    pub id: &'a ExternalId,
    /// When it began.
    pub began_at: Moment,
    /// The canonical environment.
    pub environment: Option<&'a str>,
    /// The one cause for which it failed.
    pub incident: Option<&'a Incident>,
}

/// A failure that counts, as its row would begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// By what it is the same in another run.
    pub fingerprint: String,
    /// What it stands for.
    pub kind: FailureKind,
    /// The test case.
    pub test_case: Option<ExternalId>,
    /// One line for people.
    pub title: String,
    /// The error's message.
    pub message: Option<String>,
    /// The beginning of its details.
    pub details: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
}

/// Where a failure was seen, the present run included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// How many runs.
    pub runs: u64,
    /// How many runs of the present run's series one after the other, up to it.
    pub consecutive: u64,
    /// The first run.
    pub first_run: ExternalId,
    /// The last run.
    pub last_run: ExternalId,
    /// When that began.
    pub last_began_at: Moment,
}

/// What is known beside the run.
#[derive(Debug, Default)]
pub struct Known {
    /// Failures by fingerprint.
    pub failures: HashMap<String, Failure>,
    /// Where they were seen, by fingerprint.
    pub history: HashMap<String, History>,
    /// The defects that stand for them, by id.
    pub defects: HashMap<ExternalId, Entity>,
    /// An open defect of the team's own list for each case that has one.
    pub of_team: HashMap<ExternalId, ExternalId>,
}

/// What shall be.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// Failures as they are now.
    pub failures: Vec<Failure>,
    /// Defects that are new or say something else.
    pub defects: Vec<Entity>,
    /// How many new failures were too many for defects of their own; 0 where they were not.
    pub summed_up: u64,
}

/// Whether a run counts at all.
#[must_use]
pub fn counts(settings: &DefectSettings, environment: Option<&str>) -> bool {
    settings.policy != DefectPolicy::Off
        && (settings.environments.is_empty()
            || environment.is_some_and(|name| settings.environments.iter().any(|wanted| wanted == name)))
}

/// The failures of a run that count. An incident is one failure and not as many as tests; one of the infrastructure is
/// none.
#[must_use]
pub fn sightings(
    settings: &DefectSettings,
    incident: Option<&Incident>,
    seen: Vec<Seen>,
    locale: Locale,
) -> Vec<Sighting> {
    if let Some(incident) = incident {
        if incident.cause.is_some() {
            return Vec::new();
        }
        let example = incident.example.clone().unwrap_or_default();
        return vec![Sighting {
            fingerprint: fingerprint::of_incident(&incident.signature),
            kind: FailureKind::Incident,
            test_case: None,
            title: line(&[Phrase::Incident.text(locale), &example]),
            message: incident.example.clone(),
            details: None,
            platform: None,
            device: None,
        }];
    }
    seen.into_iter()
        .filter(|seen| {
            let flaky = seen.status == ResultStatus::Flaky || seen.repeated_and_passed;
            match settings.flaky {
                FlakyPolicy::Count => seen.status.unsuccessful() || flaky,
                FlakyPolicy::Ignore => seen.status.unsuccessful() && !flaky,
            }
        })
        .map(|seen| Sighting {
            title: line(&[&seen.name, first_line(seen.message.as_deref().or(seen.details.as_deref()))]),
            fingerprint: seen.fingerprint,
            kind: FailureKind::Failure,
            test_case: seen.test_case,
            message: seen.message,
            details: seen.details,
            platform: seen.platform,
            device: seen.device,
        })
        .collect()
}

/// Decides what becomes of the failures of a run. The same run decided twice decides the same.
#[must_use]
pub fn decide(
    settings: &DefectSettings,
    run: &RunSeen<'_>,
    sightings: Vec<Sighting>,
    known: &Known,
    locale: Locale,
) -> Decision {
    let mut decision = Decision::default();
    let mut new = Vec::new();
    for sighting in sightings {
        let Some(history) = known.history.get(&sighting.fingerprint) else { continue };
        let before = known.failures.get(&sighting.fingerprint);
        let mut failure = now(run, sighting, before, history);
        let newer = before.is_none_or(|before| run.began_at > before.last_began_at);
        if failure.state == FailureState::Defect {
            again(settings, run, &mut failure, newer, known, &mut decision);
        }
        if failure.state == FailureState::New && reached(settings, history) {
            let listed = failure.test_case.as_ref().and_then(|case| known.of_team.get(case));
            match (listed, settings.policy) {
                (Some(defect), DefectPolicy::Propose | DefectPolicy::Create) => {
                    failure.state = FailureState::Defect;
                    failure.defect = Some(defect.clone());
                }
                (None, DefectPolicy::Propose) => failure.state = FailureState::Proposed,
                (None, DefectPolicy::Create) => {
                    new.push(failure);
                    continue;
                }
                (_, DefectPolicy::Off) => {}
            }
        }
        decision.failures.push(failure);
    }
    create(settings, run, new, &mut decision, locale);
    decision
}

/// The failure with what this run adds to it.
fn now(run: &RunSeen<'_>, sighting: Sighting, before: Option<&Failure>, history: &History) -> Failure {
    let mut failure = before.cloned().unwrap_or_else(|| Failure {
        fingerprint: sighting.fingerprint,
        kind: sighting.kind,
        state: FailureState::New,
        test_case: sighting.test_case,
        title: sighting.title,
        message: sighting.message,
        details: sighting.details,
        environment: run.environment.map(str::to_owned),
        platform: sighting.platform,
        device: sighting.device,
        first_run: history.first_run.clone(),
        last_run: history.last_run.clone(),
        last_began_at: history.last_began_at,
        runs: history.runs,
        consecutive: history.consecutive,
        defect: None,
    });
    failure.first_run = history.first_run.clone();
    failure.last_run = history.last_run.clone();
    failure.last_began_at = history.last_began_at;
    failure.runs = history.runs;
    if &history.last_run == run.id {
        failure.consecutive = history.consecutive;
    }
    failure
}

fn reached(settings: &DefectSettings, history: &History) -> bool {
    let seen = match settings.counting {
        Counting::Runs => history.runs,
        Counting::Consecutive => history.consecutive,
    };
    seen >= u64::from(settings.threshold)
}

/// A failure that has a defect was seen again: it is counted there, and a closed one comes back.
fn again(
    settings: &DefectSettings,
    run: &RunSeen<'_>,
    failure: &mut Failure,
    newer: bool,
    known: &Known,
    decision: &mut Decision,
) {
    let Some(entity) = failure.defect.as_ref().and_then(|id| known.defects.get(id)) else { return };
    let EntityFacts::Defect(facts) = &entity.facts else { return };
    let own = failure.defect == fingerprint::defect_id(&failure.fingerprint);
    let done = matches!(facts.status, DefectStatus::Resolved | DefectStatus::Closed);
    let comes_back = done && newer && settings.reopen == ReopenPolicy::WhenFailingAgain;
    if !own {
        // The team's own list says where its defects stand. One that it closed no longer speaks for the failure.
        if comes_back {
            failure.state = FailureState::New;
            failure.defect = None;
        }
        return;
    }
    let mut facts = facts.clone();
    let reopened_in = facts.sightings.as_ref().and_then(|s| s.reopened_in.clone());
    let listed = facts.sightings.is_none() && entity.origin.source != SOURCE;
    if comes_back {
        facts.status = DefectStatus::Open;
        facts.sightings = Some(sightings_of(failure, Some(run.id.clone())));
    } else if listed {
        // The team took the defect into its list: what the list says of it is not ours to change.
        return;
    } else {
        facts.sightings = Some(sightings_of(failure, reopened_in));
    }
    // A defect that comes back says so with the weight of the source that closed it; the source's next word counts again.
    let precedence = entity.origin.precedence.max(PRECEDENCE_HUB_DEFECT);
    decision.defects.push(Entity {
        external_id: entity.external_id.clone(),
        origin: Origin { source: SOURCE.to_owned(), precedence, line: None },
        facts: EntityFacts::Defect(facts),
    });
}

/// What entities that the hub made name as their source.
const SOURCE: &str = "hub";

/// Makes defects of new failures, or a single one of too many.
fn create(settings: &DefectSettings, run: &RunSeen<'_>, new: Vec<Failure>, decision: &mut Decision, locale: Locale) {
    if new.len() > settings.max_new_per_run as usize {
        decision.summed_up = new.len() as u64;
        let shown: Vec<String> = new.iter().take(50).map(|f| format!("{} {}", f.fingerprint, f.title)).collect();
        let print = fingerprint::of_summary(run.id);
        let summary = Failure {
            kind: FailureKind::Summary,
            state: FailureState::Defect,
            test_case: None,
            title: line(&[&Phrase::NewFailures.with_number(locale, decision.summed_up), run.id.as_str()]),
            message: None,
            details: Some(shown.join("\n")),
            environment: run.environment.map(str::to_owned),
            platform: None,
            device: None,
            first_run: run.id.clone(),
            last_run: run.id.clone(),
            last_began_at: run.began_at,
            runs: 1,
            consecutive: 1,
            defect: fingerprint::defect_id(&print),
            fingerprint: print,
        };
        decision.defects.extend(defect(&summary));
        decision.failures.push(summary);
        decision.failures.extend(new.into_iter().map(|f| Failure { state: FailureState::Proposed, ..f }));
        return;
    }
    for failure in new {
        if let Some(entity) = defect(&failure) {
            decision.failures.push(Failure {
                state: FailureState::Defect,
                defect: Some(entity.external_id.clone()),
                ..failure
            });
            decision.defects.push(entity);
        }
    }
}

fn sightings_of(failure: &Failure, reopened_in: Option<ExternalId>) -> Sightings {
    Sightings {
        kind: failure.kind,
        fingerprint: failure.fingerprint.clone(),
        first_run: failure.first_run.clone(),
        last_run: failure.last_run.clone(),
        runs: failure.runs,
        reopened_in,
    }
}

/// The defect that a failure becomes.
#[must_use]
pub fn defect(failure: &Failure) -> Option<Entity> {
    let said = [failure.message.as_deref(), failure.details.as_deref()].into_iter().flatten();
    let said: Vec<&str> = said.map(str::trim).filter(|text| !text.is_empty()).collect();
    // Details often begin with the message.
    let actual = match said.as_slice() {
        [message, details] if !details.starts_with(message) => format!("{message}\n{details}"),
        [.., last] => (*last).to_owned(),
        [] => String::new(),
    };
    Some(Entity {
        external_id: fingerprint::defect_id(&failure.fingerprint)?,
        origin: Origin { source: SOURCE.to_owned(), precedence: PRECEDENCE_HUB_DEFECT, line: None },
        facts: EntityFacts::Defect(Defect {
            title: failure.title.clone(),
            test_cases: failure.test_case.iter().cloned().collect(),
            named_by: Vec::new(),
            run: Some(failure.first_run.clone()),
            severity: None,
            priority: None,
            status: DefectStatus::Open,
            description: None,
            steps: Vec::new(),
            expected_result: None,
            actual_result: (!actual.is_empty()).then_some(actual),
            environment: failure.environment.clone(),
            platform: failure.platform.clone(),
            device: failure.device.clone(),
            source_words: Vec::new(),
            other: Vec::new(),
            sightings: Some(sightings_of(failure, None)),
        }),
    })
}

fn first_line(text: Option<&str>) -> &str {
    text.unwrap_or_default().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// A title of at most 200 characters.
fn line(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    titles::one_line(&parts.join(": "), 200)
}
