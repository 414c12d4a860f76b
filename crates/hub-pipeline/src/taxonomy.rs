//! The controlled labels of an entity, derived from its facts and from nothing else.

use hub_domain::{
    Label,
    entity::{Defect, Run, TestCase},
    label::Dimension,
};

/// The labels of values by dimension: sorted, each once.
fn derive<'a>(values: impl IntoIterator<Item = (Dimension, Option<&'a str>)>) -> Vec<Label> {
    let mut labels: Vec<Label> =
        values.into_iter().filter_map(|(dimension, value)| Label::derive(dimension, value?)).collect();
    labels.sort();
    labels.dedup();
    labels
}

/// The labels that everything of a project carries.
#[must_use]
pub fn of_project(project: &str) -> Vec<Label> {
    derive([(Dimension::Project, Some(project))])
}

/// The labels of a test case.
#[must_use]
pub fn of_case(project: &str, case: &TestCase) -> Vec<Label> {
    let module = case.module.as_deref().or(case.component.as_deref());
    let fixed = [
        (Dimension::Project, Some(project)),
        (Dimension::Module, module),
        (Dimension::Type, case.test_type.as_deref()),
    ];
    derive(fixed.into_iter().chain(case.platforms.iter().map(|p| (Dimension::Platform, Some(p.as_str())))))
}

/// The labels of a run.
#[must_use]
pub fn of_run(project: &str, run: &Run) -> Vec<Label> {
    derive([
        (Dimension::Project, Some(project)),
        (Dimension::Env, run.environment.as_deref()),
        (Dimension::Platform, run.platform.as_deref()),
    ])
}

/// The labels of a defect.
#[must_use]
pub fn of_defect(project: &str, defect: &Defect) -> Vec<Label> {
    derive([
        (Dimension::Project, Some(project)),
        (Dimension::Env, defect.environment.as_deref()),
        (Dimension::Platform, defect.platform.as_deref()),
    ])
}
