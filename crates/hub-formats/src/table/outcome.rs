//! The words by which a table shows that a cell is the outcome of a test. What they mean to the hub is the business of
//! `hub-pipeline`, whose vocabulary holds each of them; here they only tell a column of results from any other.

use super::columns::fold;

/// What a word of outcome says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The test ran and was as it should be.
    Passed,
    /// The test ran, or was to run, and was not.
    Unsuccessful,
    /// The test was left out.
    Skipped,
    /// Nobody has run it yet.
    NotRun,
}

/// The words; they are compared folded.
pub const OUTCOMES: &[(&str, Outcome)] = &[
    ("pass", Outcome::Passed),
    ("passed", Outcome::Passed),
    ("ok", Outcome::Passed),
    ("success", Outcome::Passed),
    ("successful", Outcome::Passed),
    ("pasado", Outcome::Passed),
    ("pasada", Outcome::Passed),
    ("aprobado", Outcome::Passed),
    ("correcto", Outcome::Passed),
    ("fail", Outcome::Unsuccessful),
    ("failed", Outcome::Unsuccessful),
    ("failure", Outcome::Unsuccessful),
    ("ko", Outcome::Unsuccessful),
    ("fallido", Outcome::Unsuccessful),
    ("fallida", Outcome::Unsuccessful),
    ("fallo", Outcome::Unsuccessful),
    ("error", Outcome::Unsuccessful),
    ("broken", Outcome::Unsuccessful),
    ("roto", Outcome::Unsuccessful),
    ("timeout", Outcome::Unsuccessful),
    ("timed out", Outcome::Unsuccessful),
    ("flaky", Outcome::Unsuccessful),
    ("blocked", Outcome::Unsuccessful),
    ("bloqueado", Outcome::Unsuccessful),
    ("bloqueada", Outcome::Unsuccessful),
    ("skip", Outcome::Skipped),
    ("skipped", Outcome::Skipped),
    ("ignored", Outcome::Skipped),
    ("omitido", Outcome::Skipped),
    ("omitida", Outcome::Skipped),
    ("not run", Outcome::NotRun),
    ("not executed", Outcome::NotRun),
    ("no ejecutado", Outcome::NotRun),
    ("no ejecutada", Outcome::NotRun),
    ("pendiente", Outcome::NotRun),
    ("pending", Outcome::NotRun),
];

/// What a cell says of a test's outcome, where it is a word for one.
pub(crate) fn of(cell: &str) -> Option<Outcome> {
    let folded = fold(cell);
    OUTCOMES.iter().find(|(word, _)| fold(word) == folded).map(|(_, outcome)| *outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_stand_once() {
        for (index, (word, outcome)) in OUTCOMES.iter().enumerate() {
            assert!(OUTCOMES.iter().skip(index + 1).all(|(other, _)| fold(other) != fold(word)), "{word}");
            assert_eq!(of(word), Some(*outcome));
        }
        assert_eq!(of(" No ejecutado "), Some(Outcome::NotRun));
        assert_eq!(of("open"), None);
    }
}
