//! Requirement traceability: which requirements have cases, and what a run says of these cases.

use hub_domain::{
    ExternalId,
    insight::{MAX_INSIGHT_LINES, RequirementLine, RequirementStatus, Traceability},
};

/// A requirement with its cases in use and what a run says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The requirement's id.
    pub requirement: String,
    /// Its first cases.
    pub cases: Vec<ExternalId>,
    /// How many cases it has.
    pub known: u64,
    /// Of which were executed.
    pub executed: u64,
    /// Of which passed wherever they were executed.
    pub passed: u64,
    /// Of which were unsuccessful.
    pub failed: u64,
}

/// What a run says of the requirements; nothing where no case names one.
#[must_use]
pub fn of(traced: Vec<Traced>, untraced_cases: u64) -> Option<Traceability> {
    if traced.is_empty() {
        return None;
    }
    let mut lines: Vec<RequirementLine> = traced
        .into_iter()
        .map(|t| RequirementLine {
            status: if t.failed > 0 {
                RequirementStatus::Failed
            } else if t.executed == 0 {
                RequirementStatus::NotExecuted
            } else if t.executed < t.known {
                RequirementStatus::Partly
            } else {
                RequirementStatus::Passed
            },
            requirement: t.requirement,
            cases: t.cases,
            known: t.known,
            executed: t.executed,
            passed: t.passed,
            failed: t.failed,
        })
        .collect();
    lines.sort_by(|a, b| (a.status, &a.requirement).cmp(&(b.status, &b.requirement)));
    let count = |keep: fn(&RequirementLine) -> bool| lines.iter().filter(|line| keep(line)).count() as u64;
    let requirements = lines.len() as u64;
    let (executed, failed) = (count(|l| l.executed > 0), count(|l| l.status == RequirementStatus::Failed));
    let passed = count(|l| l.status == RequirementStatus::Passed);
    lines.truncate(MAX_INSIGHT_LINES);
    let more = requirements - lines.len() as u64;
    Some(Traceability { requirements, executed, passed, failed, untraced_cases, lines, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(requirement: &str, known: u64, executed: u64, failed: u64) -> Traced {
        let passed = executed - failed;
        Traced { requirement: requirement.to_owned(), cases: Vec::new(), known, executed, passed, failed }
    }

    #[test]
    fn what_needs_a_look_comes_first_and_nothing_is_passed_in_part() {
        assert_eq!(of(Vec::new(), 7), None);
        let said = of(
            vec![
                traced("REQ-1", 2, 2, 0),
                traced("REQ-2", 2, 1, 0),
                traced("REQ-3", 1, 0, 0),
                traced("REQ-4", 3, 3, 1),
            ],
            5,
        )
        .unwrap();
        let order: Vec<&str> = said.lines.iter().map(|l| l.requirement.as_str()).collect();
        assert_eq!(order, ["REQ-4", "REQ-3", "REQ-2", "REQ-1"]);
        assert_eq!((said.requirements, said.executed, said.passed, said.failed, said.untraced_cases), (4, 3, 1, 1, 5));
    }

    #[test]
    fn many_requirements_are_counted_beyond_the_lines() {
        let said = of((0..300).map(|n| traced(&format!("REQ-{n:03}"), 1, 1, 0)).collect(), 0).unwrap();
        assert_eq!((said.lines.len(), said.more, said.passed), (MAX_INSIGHT_LINES, 250, 300));
    }
}
