//! The steps of one test while it is read: outer before inner, each closed when its end is known, up to the limit.

use hub_domain::codes;
use hub_domain::record::StepRecord;

use crate::limits;
use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

/// Bytes of the texts of one test's steps; a step beyond keeps its outcome and a shorter name.
const TEXT: usize = 1 << 20;

/// Steps that are being collected.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    steps: Vec<StepRecord>,
    /// For each open step its place in `steps`, or nothing where it did not fit.
    open: Vec<Option<usize>>,
    left_out: u64,
    text: usize,
}

impl Steps {
    /// A step begins.
    pub(crate) fn open(&mut self, name: &str) {
        if self.steps.len() >= limits::STEPS {
            self.left_out += 1;
            self.open.push(None);
            return;
        }
        let depth = u8::try_from(self.open.len()).unwrap_or(u8::MAX);
        self.open.push(Some(self.steps.len()));
        self.steps.push(StepRecord { depth, ..StepRecord::default() });
        self.name("", name);
    }

    /// More of the innermost open step's name.
    pub(crate) fn name(&mut self, before: &str, more: &str) {
        if self.text + before.len() + more.len() > TEXT {
            return;
        }
        if let Some(step) = self.innermost() {
            let room = limits::MESSAGE_CHARS.saturating_sub(step.name.len());
            let before_len = step.name.len();
            if before.len() + more.len() <= room {
                step.name.push_str(before);
                step.name.push_str(more);
            } else if !step.name.ends_with('…') {
                let cut = more.floor_char_boundary(room.saturating_sub(before.len() + 3));
                step.name.push_str(before);
                step.name.push_str(more.get(..cut).unwrap_or_default());
                step.name.push('…');
            }
            let added = step.name.len() - before_len;
            self.text += added;
        }
    }

    /// The innermost open step gives its value to a variable, which stands before its name as in the source.
    pub(crate) fn assigned(&mut self, variable: &str) {
        const ASSIGNS: &str = " =    ";
        if self.text + variable.len() + ASSIGNS.len() > TEXT {
            return;
        }
        if let Some(step) = self.innermost()
            && step.name.len() + variable.len() + ASSIGNS.len() <= limits::MESSAGE_CHARS
        {
            let variable = variable.trim_end_matches('=').trim_end();
            let others = step.name.split_once(ASSIGNS).filter(|_| step.name.starts_with(['$', '@', '&']));
            step.name = match others {
                Some((others, name)) => format!("{others}    {variable}{ASSIGNS}{name}"),
                None => format!("{variable}{ASSIGNS}{}", step.name),
            };
            self.text += variable.len() + ASSIGNS.len();
        }
    }

    /// The innermost open step, where it fitted.
    pub(crate) fn innermost(&mut self) -> Option<&mut StepRecord> {
        let place = (*self.open.last()?)?;
        self.steps.get_mut(place)
    }

    /// What the innermost open step says of its failure.
    pub(crate) fn message(&mut self, text: &str) {
        let fits = self.text + text.len() <= TEXT;
        if let Some(step) = self.innermost()
            && step.message.is_none()
            && fits
            && !text.trim().is_empty()
        {
            let mut message = text.trim().to_owned();
            hygiene::cut(&mut message, Field::Message.limit());
            let added = message.len();
            step.message = Some(message);
            self.text += added;
        }
    }

    /// The innermost open step ends.
    pub(crate) fn close(&mut self) {
        self.open.pop();
    }

    /// How many steps are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The steps; what did not fit is reported.
    pub(crate) fn take(self, at: At, reporter: &mut Reporter<'_>) -> Vec<StepRecord> {
        if self.left_out > 0 {
            let message = format!("{} steps of one test beyond {} were left out", self.left_out, limits::STEPS);
            reporter.repaired(&codes::TOO_LONG, Some(at), &message);
        }
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Collected;

    #[test]
    fn steps_keep_their_depth_and_stay_in_bounds() {
        let mut steps = Steps::default();
        steps.open("a");
        steps.name("  ", "x");
        steps.assigned("${r}");
        steps.assigned("@{s} =");
        steps.open("b");
        steps.message(" no ");
        steps.close();
        steps.close();
        for _ in 0..limits::STEPS {
            steps.open(&"ñ".repeat(9_000));
            steps.close();
        }
        let mut sink = Collected::default();
        let at = At { line: 7, column: 1 };
        let steps = steps.take(at, &mut Reporter::new("f", &mut sink));
        assert_eq!((steps[0].depth, steps[0].name.as_str()), (0, "${r}    @{s} =    a  x"));
        assert_eq!((steps[1].depth, steps[1].message.as_deref()), (1, Some("no")));
        assert_eq!(steps.len(), limits::STEPS);
        assert!(steps.iter().map(|step| step.name.len()).sum::<usize>() <= TEXT);
        assert!(steps[2].name.ends_with('…') && steps[2].name.len() <= limits::MESSAGE_CHARS);
        assert_eq!(sink.problems[0].message, "2 steps of one test beyond 512 were left out");
    }
}
