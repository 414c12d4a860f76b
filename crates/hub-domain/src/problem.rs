//! What is wrong with an input, where, and how bad: a reader returns problems beside what it could read, so one bad
//! test case never loses the other 999.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codes::Code;

/// A place in an input. Lines and columns count from 1, in characters as an editor shows them; bytes from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The file as the user named it.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<u64>,
    /// The column, where it is known.
    pub column: Option<u64>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// How much a problem costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was repaired or is unusual; nothing is missing.
    Repaired,
    /// One record could not be taken; the others were.
    Rejected,
    /// Reading stopped here; what came before was taken.
    Fatal,
}

/// One finding about an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The stable code, with its page under docs/errors/.
    pub code: &'static Code,
    /// What was found, as a fragment without a full stop, clipped by the reader to 300 characters.
    pub message: String,
    /// Where.
    pub position: Position,
    /// The record concerned (a case id, a test name), where known.
    pub subject: Option<String>,
    /// What it costs.
    pub severity: Severity,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code.id, self.position, self.message)?;
        if let Some(subject) = &self.subject {
            write!(f, " ({subject})")?;
        }
        Ok(())
    }
}
