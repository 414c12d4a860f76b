//! Steps inside steps while a JSON report is read: each keeps its place, whatever the order of its keys.

use hub_domain::record::StepRecord;

use crate::limits;

/// The steps of one test.
#[derive(Debug, Default)]
pub(crate) struct StepTree {
    steps: Vec<StepRecord>,
    /// The open steps; none for one behind the limit.
    open: Vec<Option<usize>>,
}

impl StepTree {
    /// A step begins inside the innermost open one.
    pub(crate) fn enter(&mut self) {
        let place = (self.steps.len() < limits::STEPS).then_some(self.steps.len());
        if place.is_some() {
            let depth = u8::try_from(self.open.len()).unwrap_or(u8::MAX);
            self.steps.push(StepRecord { depth, ..StepRecord::default() });
        }
        self.open.push(place);
    }

    /// The innermost open step, where it is kept.
    pub(crate) fn current(&mut self) -> Option<&mut StepRecord> {
        let place = self.open.last().copied().flatten()?;
        self.steps.get_mut(place)
    }

    /// The innermost open step ends.
    pub(crate) fn leave(&mut self) {
        self.open.pop();
    }

    /// A step that holds no others.
    pub(crate) fn push(&mut self, step: StepRecord) {
        if self.steps.len() < limits::STEPS {
            self.steps.push(step);
        }
    }

    /// All steps that have a name.
    pub(crate) fn take(&mut self) -> Vec<StepRecord> {
        self.open.clear();
        let mut steps = std::mem::take(&mut self.steps);
        steps.retain(|step| !step.name.is_empty());
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_behind_the_inner_steps_is_the_outers() {
        let mut steps = StepTree::default();
        steps.enter();
        steps.enter();
        steps.current().unwrap().name = "inner".to_owned();
        steps.leave();
        steps.current().unwrap().name = "outer".to_owned();
        steps.leave();
        for _ in 0..limits::STEPS {
            steps.enter();
            if let Some(step) = steps.current() {
                step.name = "more".to_owned();
            }
            steps.leave();
        }
        let steps = steps.take();
        assert_eq!(steps.len(), limits::STEPS);
        assert_eq!(
            (steps[0].name.as_str(), steps[0].depth, steps[1].name.as_str(), steps[1].depth),
            ("outer", 0, "inner", 1)
        );
    }
}
