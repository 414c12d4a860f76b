//! Progress bars on a terminal, plain lines elsewhere, nothing where results are JSON and nobody watches.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hub_app::progress::{Progress, Step};
use hub_domain::facts::ObjectKind;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::Output;

/// Shows the steps of the work.
pub struct Show {
    output: Output,
    bars: MultiProgress,
    objects: Mutex<HashMap<ObjectKind, ProgressBar>>,
    file: Mutex<Option<ProgressBar>>,
}

impl Show {
    /// Shows to the output's terminal.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self { output, bars: MultiProgress::new(), objects: Mutex::default(), file: Mutex::default() }
    }

    /// Removes what is still shown.
    pub fn finish(&self) {
        for bar in self.objects.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            bar.1.finish();
        }
        if let Some(bar) = self.file.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    fn object_bar(&self, object: ObjectKind, more: u64) {
        let mut bars = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(object).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template("{msg:13} {bar:40} {pos}/{len} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(name(object));
            bar
        });
        bar.inc_length(more);
    }
}

fn name(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Issue => "issues",
        ObjectKind::Page => "pages",
        ObjectKind::IssueLink => "issue links",
        ObjectKind::RemoteLink => "page links",
    }
}

impl Progress for Show {
    fn step(&self, step: Step) {
        if !self.output.terminal {
            match step {
                Step::File { name } => self.output.note(format!("reading {name}")),
                Step::Due { object, count } => self.output.note(format!("publishing {count} {}", name(object))),
                Step::Waiting { seconds, reason } => self.output.note(format!("waiting {seconds} s: {reason}")),
                Step::Saved { .. } | Step::Handled { .. } => {}
            }
            return;
        }
        match step {
            Step::File { name } => {
                let bar = self.bars.add(ProgressBar::new_spinner());
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_message(format!("reading {name}"));
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(old) = file.replace(bar) {
                    old.finish_and_clear();
                }
            }
            Step::Saved { records } => {
                if let Some(bar) = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                    bar.inc(records);
                }
            }
            Step::Due { object, count } => self.object_bar(object, count),
            Step::Handled { object, count } => {
                if let Some(bar) = self.objects.lock().unwrap_or_else(PoisonError::into_inner).get(&object) {
                    bar.inc(count);
                }
            }
            Step::Waiting { seconds, reason } => {
                if let Err(error) = self.bars.println(format!("waiting {seconds} s: {reason}")) {
                    tracing::debug!(%error, "the terminal does not take lines");
                }
            }
        }
    }
}
