//! Failures for people and for programs: code, one sentence, the causes below it, and a hint; and the exit code.

use std::{fmt, process::ExitCode};

use hub_app::AppError;
use hub_domain::codes::{self, Code};
use miette::Diagnostic;
use serde_json::{Value, json};

/// The exit codes, as docs/errors/README.md lists them.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// An unexpected failure.
    pub const UNEXPECTED: u8 = 1;
    /// The command line or a setting (HUB-4xxx).
    pub const SETTING: u8 = 2;
    /// Input that could not be taken whole (HUB-1xxx).
    pub const INPUT: u8 = 3;
    /// A remote site (HUB-2xxx).
    pub const REMOTE: u8 = 4;
    /// The database (HUB-3xxx).
    pub const DATABASE: u8 = 5;
    /// A team's own database (HUB-5xxx).
    pub const SOURCE: u8 = 6;
    /// The evidence store or the API (HUB-6xxx).
    pub const EVIDENCE: u8 = 7;
}

/// The exit code of an error code, by its thousand.
#[must_use]
pub fn exit_code(code: &Code) -> u8 {
    match code.id.as_bytes().get(4) {
        Some(b'1') => exit::INPUT,
        Some(b'2') => exit::REMOTE,
        Some(b'3') => exit::DATABASE,
        Some(b'4') => exit::SETTING,
        Some(b'5') => exit::SOURCE,
        Some(b'6') => exit::EVIDENCE,
        Some(_) | None => exit::UNEXPECTED,
    }
}

/// A failure with everything that a user can be told.
#[derive(Debug)]
pub struct Failure {
    code: Option<&'static Code>,
    message: String,
    causes: Vec<String>,
}

impl Failure {
    /// Takes an error apart. Our own errors carry a code; anything else is unexpected.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        let code = error
            .downcast_ref::<AppError>()
            .map(AppError::code)
            .or_else(|| error.downcast_ref::<Coded>().map(|coded| coded.code));
        let mut chain = error.chain().map(ToString::to_string);
        let message = format!("failed to {}", chain.next().unwrap_or_default());
        Self { code, message, causes: chain.collect() }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.code.map_or(exit::UNEXPECTED, exit_code))
    }

    /// The failure as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "error": {
                "code": self.code.map(|c| c.id),
                "message": self.message,
                "causes": self.causes,
                "hint": self.code.map(|c| c.hint),
            }
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code.id) as Box<dyn fmt::Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code.hint) as Box<dyn fmt::Display>)
    }
}

/// A failure of the program itself that has a code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Coded {
    /// The stable code.
    pub code: &'static Code,
    /// What failed, as a fragment that completes "failed to ...".
    pub message: String,
}

impl Coded {
    /// A program that the command needs is missing.
    pub fn helper_missing(message: impl Into<String>) -> Self {
        Self { code: &codes::HELPER_MISSING, message: message.into() }
    }

    /// A setting or argument cannot be used.
    pub fn setting(message: impl Into<String>) -> Self {
        Self { code: &codes::BAD_SETTING, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_exit_code_of_its_thousand() {
        for code in codes::CODES {
            let thousand = code.id.strip_prefix("HUB-").and_then(|n| n.parse::<u32>().ok()).map(|n| n / 1_000);
            let expected = match thousand {
                Some(1) => exit::INPUT,
                Some(2) => exit::REMOTE,
                Some(3) => exit::DATABASE,
                Some(4) => exit::SETTING,
                Some(5) => exit::SOURCE,
                Some(6) => exit::EVIDENCE,
                other => panic!("{other:?} has no exit code"),
            };
            assert_eq!(exit_code(code), expected, "{}", code.id);
        }
    }

    #[test]
    fn a_failure_tells_its_code_its_causes_and_a_hint() {
        let error = anyhow::Error::from(AppError::UnknownProject { key: "nope".into() });
        let failure = Failure::of(&error);
        assert_eq!(failure.json()["error"]["code"], "HUB-4003");
        assert!(failure.to_string().starts_with("failed to find the project \"nope\""));
        assert_eq!(Failure::of(&anyhow::anyhow!("x")).json()["error"]["code"], Value::Null);
    }
}
