//! What a use case tells while it works, for a progress bar or a log line. It decides nothing.

use hub_domain::facts::ObjectKind;

/// One step of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Reading a file began.
    File {
        /// The file as the user named it.
        name: String,
    },
    /// Records of the file have been saved.
    Saved {
        /// How many since the last step.
        records: u64,
    },
    /// So many objects are to be published.
    Due {
        /// Of which kind.
        object: ObjectKind,
        /// How many.
        count: u64,
    },
    /// Objects were handled, whatever became of them.
    Handled {
        /// Of which kind.
        object: ObjectKind,
        /// How many since the last step.
        count: u64,
    },
    /// The work waits.
    Waiting {
        /// Whole seconds.
        seconds: u64,
        /// For what.
        reason: &'static str,
    },
}

/// Receives steps.
pub trait Progress: Send + Sync {
    /// Takes one step.
    fn step(&self, step: Step);
}

/// Tells nobody.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _step: Step) {}
}
