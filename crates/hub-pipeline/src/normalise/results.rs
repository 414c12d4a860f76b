//! Results of runs, with the test cases that they prove to exist.

use hub_domain::{
    ContentHash, Entity, ExternalId, Severity, TestResult, codes,
    entity::{EntityFacts, TestCase},
    record::{AttachmentRecord, ResultRecord},
    vocabulary::{CaseStatus, ResultStatus},
};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::{Fact, LeftBehind, Normaliser, PRECEDENCE_DERIVED_ID, PRECEDENCE_DERIVED_TITLE, external_id, text};
use crate::{case_id, words};

impl Normaliser {
    pub(super) fn result(&mut self, record: ResultRecord, out: &mut Vec<Fact>) {
        let Some(report) = self.context.report.clone() else {
            out.push(self.problem(
                &codes::BAD_SETTING,
                Severity::Rejected,
                record.line,
                &record.name,
                "a result was found, but no run was named for it (--run)",
            ));
            return;
        };
        let titled = case_id::split(&record.name);
        let named = record.case_id.as_deref().and_then(external_id);
        let in_title = titled.id.and_then(external_id);
        let Some(case) = named.or(in_title).or_else(|| unnamed(&record)) else {
            out.push(self.problem(&codes::NO_NAME, Severity::Rejected, record.line, "", "a result has no name or id"));
            return;
        };
        let title = if titled.title.is_empty() { case.as_str().to_owned() } else { titled.title };
        let only_id = title == case.as_str();

        let at = (record.line, record.name.as_str());
        let status = match words::result_status(&record.status) {
            Some(_) if record.flaky => ResultStatus::Flaky,
            Some(status) => status,
            None => {
                out.push(self.problem(
                    &codes::UNKNOWN_WORD,
                    Severity::Repaired,
                    at.0,
                    at.1,
                    format!("result {:?} is not in the vocabulary and counts as not run", record.status),
                ));
                ResultStatus::NotRun
            }
        };
        let started_at = record.started_at.as_deref().and_then(|value| {
            let moment = moment(value);
            if moment.is_none() {
                out.push(self.problem(
                    &codes::UNREADABLE_VALUE,
                    Severity::Repaired,
                    at.0,
                    at.1,
                    format!("start time {value:?} cannot be read and was left empty"),
                ));
            }
            moment
        });
        let of_suite = self.suite_started.as_ref().filter(|(path, _)| record.suite.starts_with(path));
        let started_at = started_at.or(of_suite.map(|(_, at)| *at));
        if let Some(environment) = text(record.environment.clone()) {
            *self.environments.entry(environment).or_default() += 1;
        }
        let device = text(record.device.clone());
        let platform = device.as_deref().and_then(words::platform).map(str::to_owned).or(report.platform);
        let result_key = self.result_key(&report.report, &record, &case);
        self.derive_case(&case, &title, &record, only_id, out);
        self.summary.counts.add(status, 1);
        let named =
            |a: &AttachmentRecord| if a.path.is_empty() { a.name.clone().unwrap_or_default() } else { a.path.clone() };
        let mut evidence: Vec<String> = record.attachments.iter().map(named).filter(|name| !name.is_empty()).collect();
        evidence.dedup();
        let left = (!record.attachments.is_empty()).then(|| LeftBehind {
            result_key: result_key.clone(),
            test_case: Some(case.clone()),
            result: status,
            test: record.name.clone(),
            attachments: record.attachments,
            line: record.line,
        });
        out.push(Fact::Result(Box::new(TestResult {
            result_key,
            report: report.report,
            test_case: Some(case),
            name: title,
            suite: (!record.suite.is_empty()).then(|| record.suite.join(" › ")),
            status,
            source_status: record.status,
            device,
            platform,
            attempt: record.attempt,
            duration_ms: record.duration_ms,
            started_at,
            error_type: text(record.error_type),
            message: text(record.message),
            details: text(record.details),
            notes: text(record.notes),
            evidence,
        })));
        out.extend(left.map(|left| Fact::Evidence(Box::new(left))));
    }

    /// The key of a result within its run: the same when the same file is read again, another for each repetition of a
    /// test within it, and another in each file: two machines may run the same test and say different things of it.
    fn result_key(&mut self, report: &ExternalId, record: &ResultRecord, case: &ExternalId) -> String {
        let hash = ContentHash::of_bytes(telling_parts(report, record, case).as_bytes());
        let mut key: String = hash.to_hex().chars().take(32).collect();
        let first: [u8; 8] = std::array::from_fn(|i| hash.0[i]);
        let seen = self.repeated.entry(u64::from_be_bytes(first)).or_default();
        *seen += 1;
        if *seen > 1 {
            key.push_str(&format!("-{seen}"));
        }
        key
    }

    /// A result proves that its test case exists: until a document describes the case, its title does. The platform that
    /// it ran on is the result's and not the case's: tonight's desktop and mobile reports would rewrite the case in turn.
    fn derive_case(&mut self, id: &ExternalId, title: &str, record: &ResultRecord, only_id: bool, out: &mut Vec<Fact>) {
        if !self.derived.insert(id.clone()) {
            return;
        }
        let suite_name = record.suite.last().or(record.class_name.as_ref()).or(record.file.as_ref());
        let suite = suite_name.and_then(|s| external_id(s));
        if let Some(suite) = &suite {
            self.suite(suite.clone(), out);
        }
        let facts = EntityFacts::TestCase(TestCase {
            title: title.to_owned(),
            suite,
            component: None,
            module: None,
            test_type: None,
            platforms: Vec::new(),
            requirements: Vec::new(),
            preconditions: None,
            steps: Vec::new(),
            expected_result: None,
            priority: None,
            risk: None,
            status: CaseStatus::Active,
            source_words: Vec::new(),
            other: Vec::new(),
        });
        let precedence = if only_id { PRECEDENCE_DERIVED_ID } else { PRECEDENCE_DERIVED_TITLE };
        let origin = self.origin(precedence);
        out.push(Fact::Entity(Box::new(Entity { external_id: id.clone(), origin, facts })));
    }
}

/// What tells a test from the others of its run. A unit separator stands between the parts.
fn telling_parts(report: &ExternalId, record: &ResultRecord, case: &ExternalId) -> String {
    let mut parts = record.suite.join("\u{1e}");
    for part in [
        report.as_str(),
        record.class_name.as_deref().unwrap_or_default(),
        &record.name,
        record.device.as_deref().unwrap_or_default(),
        record.environment.as_deref().unwrap_or_default(),
        case.as_str(),
    ] {
        parts.push('\u{1f}');
        parts.push_str(part);
    }
    parts
}

/// The id of a test that has a name and no id: derived from its class or file and its title path, so that it is the same
/// in the next run.
fn unnamed(record: &ResultRecord) -> Option<ExternalId> {
    if record.name.trim().is_empty() {
        return None;
    }
    let place = record.class_name.as_deref().or(record.file.as_deref()).unwrap_or_default();
    let path = format!("{place}\u{1f}{}\u{1f}{}", record.suite.join("\u{1e}"), record.name);
    ExternalId::new(format!("auto-{}", ContentHash::of_bytes(path.as_bytes()).short())).ok()
}

/// A moment as reports write it: RFC 3339, or the same without a zone, which is then UTC. Years before 2000 and after
/// 2100 are damage, not dates.
pub(super) fn moment(value: &str) -> Option<OffsetDateTime> {
    let value = value.trim();
    let plain = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");
    let spaced = value.replacen(' ', "T", 1);
    let moment = OffsetDateTime::parse(value, &Rfc3339)
        .ok()
        .or_else(|| PrimitiveDateTime::parse(&spaced, plain).ok().map(PrimitiveDateTime::assume_utc))?;
    (2000..=2100).contains(&moment.year()).then(|| moment.to_offset(time::UtcOffset::UTC))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_of_every_dialect_are_read_and_damage_is_not() {
        for value in [
            "2025-12-15T19:59:34.276Z",
            "2025-12-15T19:59:34",
            "2025-12-15 19:59:34.276123",
            "2025-12-15T19:59:34+01:00",
        ] {
            assert!(moment(value).is_some(), "{value}");
        }
        for value in ["", "++34600000000", "1970-01-01T00:00:00Z", "yesterday", "2099999-01-01T00:00:00Z"] {
            assert!(moment(value).is_none(), "{value}");
        }
    }
}
