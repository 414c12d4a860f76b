//! Results of one test that stand in several files: an Allure folder keeps each attempt in a file of its own.

use std::collections::HashMap;

use hub_domain::record::ResultRecord;

use crate::limits;
use crate::record::facts;
use crate::record::hygiene;

/// Joins the results that are attempts of one test: those with one `history_id` on one device.
///
/// The attempt that started last is the outcome; where starts are equal or missing, the later one of `results`. It stands
/// at the place of its test's first result, counts the others in `attempt`, has their errors below its details in the
/// order of their starts, and their attachments behind its own. It is flaky where it passed and an earlier attempt did
/// not: an attempt that was left out does not count. A failure stays a failure, whatever came before it. Results without a
/// `history_id` are left as they are.
#[must_use]
pub fn join(results: Vec<ResultRecord>) -> Vec<ResultRecord> {
    let mut places: HashMap<(String, Option<String>), usize> = HashMap::new();
    let mut groups: Vec<Vec<ResultRecord>> = Vec::with_capacity(results.len());
    for result in results {
        let place = result.history_id.clone().map(|id| (id, result.device.clone()));
        match place.map(|key| *places.entry(key).or_insert(groups.len())) {
            Some(place) if place < groups.len() => {
                if let Some(group) = groups.get_mut(place) {
                    group.push(result);
                }
            }
            Some(_) | None => groups.push(vec![result]),
        }
    }
    groups.into_iter().filter_map(one).collect()
}

fn one(mut attempts: Vec<ResultRecord>) -> Option<ResultRecord> {
    attempts.sort_by(|one, other| one.started_at.cmp(&other.started_at));
    let mut outcome = attempts.pop()?;
    if attempts.is_empty() {
        return Some(outcome);
    }
    let is = |record: &ResultRecord, words: &[&str]| words.iter().any(|word| record.status.eq_ignore_ascii_case(word));
    let earlier_failed =
        attempts.iter().any(|attempt| !is(attempt, &["passed", "skipped", "pending"]) || attempt.flaky);
    outcome.flaky = is(&outcome, &["passed"]) && (outcome.flaky || earlier_failed);
    outcome.attempt =
        attempts.iter().fold(outcome.attempt, |count, attempt| count.saturating_add(attempt.attempt).saturating_add(1));
    let mut details = outcome.details.take().unwrap_or_default();
    for (index, attempt) in attempts.iter().enumerate() {
        let body = attempt.details.as_ref().or(attempt.message.as_ref());
        if body.is_none() && is(attempt, &["passed"]) {
            continue;
        }
        let gap = if details.is_empty() { "" } else { "\n\n" };
        let body = body.map_or("", String::as_str);
        details.push_str(format!("{gap}[attempt {}, {}] {body}", index + 1, attempt.status).trim_end());
    }
    hygiene::cut(&mut details, limits::DETAILS_CHARS);
    outcome.details = Some(details).filter(|details| !details.is_empty());
    if outcome.flaky && outcome.message.is_none() {
        outcome.message = attempts.iter().find_map(|attempt| attempt.message.clone());
    }
    for attachment in attempts.into_iter().flat_map(|attempt| attempt.attachments) {
        facts::attach(&mut outcome, attachment);
    }
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_domain::record::AttachmentRecord;

    fn result(history: &str, status: &str, second: u32, message: &str) -> ResultRecord {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ResultRecord {
            name: format!("{history}{status}"),
            history_id: some(history),
            status: status.to_owned(),
            started_at: (second > 0).then(|| format!("2026-01-05T10:00:{second:02}.000Z")),
            message: some(message),
            attachments: vec![AttachmentRecord {
                path: format!("{status}-{second}.png"),
                ..AttachmentRecord::default()
            }],
            ..ResultRecord::default()
        }
    }

    #[test]
    fn the_latest_start_is_the_outcome_and_the_others_are_its_attempts() {
        let joined = join(vec![
            result("a", "passed", 9, ""),
            result("b", "passed", 1, ""),
            result("a", "failed", 2, "first"),
            result("a", "broken", 5, "second"),
            result("", "failed", 1, "alone"),
            result("", "failed", 1, "alone"),
        ]);
        assert_eq!(joined.len(), 4);
        let a = &joined[0];
        assert_eq!((a.status.as_str(), a.attempt, a.flaky), ("passed", 2, true));
        assert_eq!(a.message.as_deref(), Some("first"));
        assert_eq!(a.details.as_deref(), Some("[attempt 1, failed] first\n\n[attempt 2, broken] second"));
        let paths: Vec<&str> = a.attachments.iter().map(|attachment| attachment.path.as_str()).collect();
        assert_eq!(paths, ["passed-9.png", "failed-2.png", "broken-5.png"]);
        assert_eq!((joined[1].attempt, joined[1].flaky), (0, false));
    }

    #[test]
    fn a_failure_is_never_called_flaky_and_equal_starts_keep_their_order() {
        for (first, last, flaky) in [
            ("passed", "failed", false),
            ("failed", "failed", false),
            ("failed", "passed", true),
            ("unknown", "passed", true),
            ("skipped", "passed", false),
            ("passed", "passed", false),
        ] {
            let joined = join(vec![result("a", first, 0, ""), result("a", last, 0, "")]);
            assert_eq!((joined.len(), joined[0].status.as_str(), joined[0].flaky), (1, last, flaky), "{first} {last}");
        }
        let joined = join(vec![result("a", "failed", 3, "late"), result("a", "passed", 0, "")]);
        assert_eq!(joined[0].status, "failed", "a missing start is the earliest");
    }

    #[test]
    fn devices_are_told_apart() {
        let mut other = result("a", "failed", 2, "");
        other.device = Some("Pixel 7".to_owned());
        assert_eq!(join(vec![result("a", "passed", 1, ""), other]).len(), 2);
    }
}
