//! Test cases and defects that a team writes as documents.

use hub_domain::{
    Entity, ExternalId, Severity, codes,
    entity::{Defect, EntityFacts, Suite, TestCase},
    record::{CaseRecord, DefectRecord},
    vocabulary::{CaseStatus, DefectStatus},
};

use super::{Fact, Normaliser, PRECEDENCE_DERIVED_TITLE, PRECEDENCE_DOCUMENT, external_id, slug, text};
use crate::{steps, words};

impl Normaliser {
    pub(super) fn case(&mut self, case: CaseRecord, out: &mut Vec<Fact>) {
        let Some(id) = external_id(&case.id) else {
            out.push(self.problem(
                &codes::NO_NAME,
                Severity::Rejected,
                case.line,
                &case.title,
                "a test case has no id",
            ));
            return;
        };
        let at = (case.line, case.id.as_str());
        let priority = self.mapped(words::priority, "priority", case.priority.as_deref(), at, out);
        let risk = self.mapped(words::risk, "risk", case.risk.as_deref(), at, out);
        let status = self.mapped(words::case_status, "state", case.status.as_deref(), at, out);
        let suite = case.component.as_deref().or(case.module.as_deref()).and_then(external_id);
        if let Some(suite) = &suite {
            self.suite(suite.clone(), out);
        }
        let platforms = platforms(&case.tags);
        let facts = TestCase {
            title: text(Some(case.title)).unwrap_or_else(|| id.as_str().to_owned()),
            suite,
            component: text(case.component),
            module: text(case.module),
            test_type: slug(case.test_type.as_deref()),
            platforms,
            requirements: case.requirements.into_iter().filter_map(|r| text(Some(r))).collect(),
            preconditions: text(case.preconditions),
            steps: case.steps.as_deref().map(steps::split).unwrap_or_default(),
            expected_result: text(case.expected_result),
            priority,
            risk,
            status: status.unwrap_or(CaseStatus::Draft),
            source_words: kept([("priority", case.priority), ("risk", case.risk), ("status", case.status)]),
            other: case.other,
        };
        self.summary.cases += 1;
        let origin = self.origin(PRECEDENCE_DOCUMENT, case.line);
        out.push(Fact::Entity(Box::new(Entity { external_id: id, origin, facts: EntityFacts::TestCase(facts) })));
    }

    pub(super) fn defect(&mut self, defect: DefectRecord, out: &mut Vec<Fact>) {
        let Some(id) = external_id(&defect.id) else {
            out.push(self.problem(
                &codes::NO_NAME,
                Severity::Rejected,
                defect.line,
                &defect.title,
                "a defect has no id",
            ));
            return;
        };
        let at = (defect.line, defect.id.as_str());
        let severity = self.mapped(words::severity, "severity", defect.severity.as_deref(), at, out);
        let priority = self.mapped(words::priority, "priority", defect.priority.as_deref(), at, out);
        let status = self.mapped(words::defect_status, "state", defect.status.as_deref(), at, out);
        let mut test_cases: Vec<ExternalId> = Vec::new();
        for case in defect.case_ids.iter().filter_map(|c| external_id(c)) {
            if !test_cases.contains(&case) {
                test_cases.push(case);
            }
        }
        let (test_cases, named_by) = if defect.derived { (Vec::new(), test_cases) } else { (test_cases, Vec::new()) };
        let facts = Defect {
            title: text(Some(defect.title)).unwrap_or_else(|| id.as_str().to_owned()),
            test_cases,
            named_by,
            run: defect.run_id.as_deref().and_then(external_id),
            severity,
            priority,
            status: status.unwrap_or(DefectStatus::Open),
            description: text(defect.description),
            steps: defect.steps.as_deref().map(steps::split).unwrap_or_default(),
            expected_result: text(defect.expected_result),
            actual_result: text(defect.actual_result),
            environment: defect.environment.as_deref().and_then(words::environment),
            platform: defect.device.as_deref().and_then(words::platform).map(str::to_owned),
            device: text(defect.device),
            source_words: kept([
                ("severity", defect.severity),
                ("priority", defect.priority),
                ("status", defect.status),
                ("environment", defect.environment),
            ]),
            other: defect.other,
            sightings: None,
        };
        let precedence = if defect.derived { PRECEDENCE_DERIVED_TITLE } else { PRECEDENCE_DOCUMENT };
        self.summary.defects += u64::from(!defect.derived);
        let origin = self.origin(precedence, defect.line);
        out.push(Fact::Entity(Box::new(Entity { external_id: id, origin, facts: EntityFacts::Defect(facts) })));
    }

    pub(super) fn suite(&mut self, id: ExternalId, out: &mut Vec<Fact>) {
        if super::is_new(&mut self.suites, &id) {
            let facts = EntityFacts::Suite(Suite { name: id.as_str().to_owned() });
            let origin = self.origin(PRECEDENCE_DOCUMENT, None);
            out.push(Fact::Entity(Box::new(Entity { external_id: id, origin, facts })));
        }
    }
}

/// The platforms that tags such as `@ios` name, sorted.
fn platforms(tags: &[String]) -> Vec<String> {
    let mut found: Vec<String> =
        tags.iter().filter_map(|tag| words::platform(tag.trim_start_matches('@'))).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// The source's words that stand beside mapped values.
fn kept<const N: usize>(fields: [(&str, Option<String>); N]) -> Vec<(String, String)> {
    fields.into_iter().filter_map(|(field, word)| Some((field.to_owned(), text(word)?))).collect()
}
