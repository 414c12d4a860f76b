//! Results of runs, with the test cases that they prove to exist.

use hub_domain::{
    ContentHash, Entity, ExternalId, Severity, TestResult, codes,
    entity::{EntityFacts, FailureFacts, ResultExtra, TestCase},
    record::{AttachmentRecord, ResultRecord},
    vocabulary::{CaseStatus, ResultStatus},
};

use super::{Fact, LeftBehind, Normaliser, PRECEDENCE_DERIVED_ID, PRECEDENCE_DERIVED_TITLE, external_id, is_new, text};
use crate::{case_id, cause, fingerprint, words};

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
            let moment = self.moment(value);
            if let Err(reason) = moment {
                out.push(self.problem(
                    &codes::UNREADABLE_VALUE,
                    Severity::Repaired,
                    at.0,
                    at.1,
                    format!("start time {value:?} {reason} and was left empty"),
                ));
            }
            moment.ok()
        });
        let of_suite = self.suite_started.as_ref().filter(|(path, _)| record.suite.starts_with(path));
        let started_at = started_at.or(of_suite.map(|(_, at)| *at));
        if let Some(environment) = text(record.environment.clone()) {
            *self.environments.entry(environment).or_default() += 1;
        }
        let failure = failure(&record, &case, &title, status);
        // An error of the infrastructure is no failure of the thing under test, whatever the tool calls it.
        let status = match failure.as_ref().and_then(|f| f.cause) {
            Some(_) if status.unsuccessful() => ResultStatus::Broken,
            Some(_) | None => status,
        };
        let device = text(record.device.clone());
        let named = record
            .platform
            .as_deref()
            .map(|word| words::platform(word).map_or_else(|| words::key(word), str::to_owned));
        let of_device = || device.as_deref().and_then(words::platform).map(str::to_owned);
        let platform = named.filter(|word| !word.is_empty()).or_else(of_device).or(report.platform);
        let extra = extra(&record);
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
            extra,
            failure,
        })));
        out.extend(left.map(|left| Fact::Evidence(Box::new(left))));
    }

    /// The key of a result within its run: the same when the same file is read again, another for each repetition of a
    /// test within it, and another in each file: two machines may run the same test and say different things of it.
    fn result_key(&mut self, report: &ExternalId, record: &ResultRecord, case: &ExternalId) -> String {
        let hash = ContentHash::of_bytes(telling_parts(report, record, case).as_bytes());
        let mut key: String = hash.to_hex().chars().take(32).collect();
        let first: [u8; 8] = std::array::from_fn(|i| hash.0[i]);
        let seen = self.repeated.note(u64::from_be_bytes(first));
        if seen > 1 {
            key.push_str(&format!("-{seen}"));
        }
        key
    }

    /// A result proves that its test case exists: until a document describes the case, its title does. The platform that
    /// it ran on is the result's and not the case's: tonight's desktop and mobile reports would rewrite the case in turn.
    fn derive_case(&mut self, id: &ExternalId, title: &str, record: &ResultRecord, only_id: bool, out: &mut Vec<Fact>) {
        if !is_new(&mut self.derived, id) {
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
        let origin = self.origin(precedence, record.line);
        out.push(Fact::Entity(Box::new(Entity { external_id: id.clone(), origin, facts })));
    }
}

/// What is concluded from the error of a result that did not simply pass.
fn failure(record: &ResultRecord, case: &ExternalId, title: &str, status: ResultStatus) -> Option<FailureFacts> {
    let said = [&record.error_type, &record.message, &record.details];
    if !(status.unsuccessful() || status == ResultStatus::Flaky) {
        return None;
    }
    // A flaky result without an error has nothing by which its failure could be known again.
    if status == ResultStatus::Flaky && said.iter().all(|text| text.as_deref().is_none_or(|t| t.trim().is_empty())) {
        return None;
    }
    let error = fingerprint::Error {
        test: title,
        error_type: record.error_type.as_deref(),
        message: record.message.as_deref(),
        details: record.details.as_deref(),
    };
    Some(FailureFacts {
        cause: cause::of_error(error.error_type, error.message, error.details),
        fingerprint: fingerprint::fingerprint(case, &error),
        signature: fingerprint::signature(&error),
    })
}

/// Facts that not every tool tells.
fn extra(record: &ResultRecord) -> ResultExtra {
    let browser =
        record.browser.as_deref().map(|word| words::browser(word).map_or_else(|| words::key(word), str::to_owned));
    let of_device = || record.device.as_deref().and_then(words::browser).map(str::to_owned);
    let browser = browser.filter(|word| !word.is_empty()).or_else(of_device);
    let kept = |field: &str, word: &Option<String>| Some((field.to_owned(), text(word.clone())?));
    ResultExtra {
        browser,
        source_words: kept("browser", &record.browser).into_iter().chain(kept("platform", &record.platform)).collect(),
        history_id: text(record.history_id.clone()),
        parameters: record.parameters.clone(),
        tags: record.tags.clone(),
        steps: record.steps.clone(),
        output: text(record.output.clone()),
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

/// The id of a test that has a name and no id, so that it is the same in the next run: derived from what its tool calls it
/// across runs, else from its class or file and its title path.
fn unnamed(record: &ResultRecord) -> Option<ExternalId> {
    if record.name.trim().is_empty() {
        return None;
    }
    if let Some(history) = record.history_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        let hash = ContentHash::of_bytes(format!("history\u{1f}{history}").as_bytes());
        return ExternalId::new(format!("auto-{}", hash.short())).ok();
    }
    let place = record.class_name.as_deref().or(record.file.as_deref()).unwrap_or_default();
    let path = format!("{place}\u{1f}{}\u{1f}{}", record.suite.join("\u{1e}"), record.name);
    ExternalId::new(format!("auto-{}", ContentHash::of_bytes(path.as_bytes()).short())).ok()
}
