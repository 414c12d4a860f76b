//! The script: which calls meet which fault, read from TOML or JSON. Every key that is not known is refused by name,
//! because a fault that silently never happens makes a test pass for nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kinds::Fault;
use super::limits::Limits;
use crate::humans::Human;

/// Longer times are refused: nothing waits a year, and far larger numbers do not fit a duration.
const SECONDS_MAX: f64 = 31_536_000.0;

/// What is wrong with a script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not TOML, or a key or value that is not known.
    #[error("line {line}: {message}")]
    Toml {
        /// Counted from 1; the start of the table where the key itself cannot be told.
        line: usize,
        /// What the reader said, naming the key.
        message: String,
    },
    /// Not JSON, or a key or value that is not known.
    #[error("{0}")]
    Json(String),
    /// Not UTF-8.
    #[error("the script is not UTF-8 text")]
    Text,
    /// A rule that is readable and makes no sense.
    #[error("rule {number}: {what}")]
    Rule {
        /// Counted from 1 in the order written.
        number: usize,
        /// What and how to put it right.
        what: String,
    },
    /// A person whose doings are readable and make no sense.
    #[error("human {number}: {what}")]
    Human {
        /// Counted from 1 in the order written.
        number: usize,
        /// What and how to put it right.
        what: String,
    },
    /// A limit that is readable and makes no sense.
    #[error("limits: {0}")]
    Limits(String),
}

/// A script of faults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Every draw follows from it, the rule and the number of the call among those that the rule matches.
    #[serde(default)]
    pub seed: u64,
    /// Limits on the rate of calls.
    #[serde(default)]
    pub limits: Limits,
    /// The rules in order. Of those that decide the answer, the first one that fires takes the call.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
    /// People who change what clients made.
    #[serde(default, rename = "human", skip_serializing_if = "Vec::is_empty")]
    pub humans: Vec<Human>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For people: shown in the counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which calls.
    #[serde(default, rename = "match")]
    pub when: When,
    /// What they meet.
    pub fault: Fault,
}

/// The product that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Product {
    /// Paths below `/rest/`.
    Jira,
    /// Paths below `/wiki/`.
    Confluence,
}

/// The calls that a rule looks at; what is left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// `GET`, `POST`, ...
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The path with its parameters' names, as in `/_sim/stats`: `/rest/api/3/issue/{issue}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The start of the path as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// One of the products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// This share of the calls, 0 to 1, drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Every Nth call: the Nth, the 2Nth, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// The first N calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Seconds after the script's start from which the rule holds.
    #[serde(default)]
    pub from_seconds: f64,
    /// Seconds after the script's start until which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_seconds: Option<f64>,
    /// The clock of this rule starts again after so many seconds: a storm that comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_seconds: Option<f64>,
}

impl When {
    fn check(&self) -> Result<(), String> {
        check_seconds("from_seconds", self.from_seconds)?;
        check_seconds("until_seconds", self.until_seconds.unwrap_or_default())?;
        check_seconds("repeat_seconds", self.repeat_seconds.unwrap_or_default())?;
        if self.until_seconds.is_some_and(|until| until <= self.from_seconds) {
            return Err("until_seconds is not after from_seconds".to_owned());
        }
        if self.repeat_seconds.is_some_and(|repeat| repeat <= self.from_seconds) {
            return Err("repeat_seconds is not after from_seconds: the rule would never hold".to_owned());
        }
        let counts = [self.share.is_some(), self.every.is_some(), self.first.is_some()];
        if counts.iter().filter(|given| **given).count() > 1 {
            return Err("give one of share, every and first".to_owned());
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("share is not between 0 and 1".to_owned());
        }
        if self.every == Some(0) {
            return Err("every is 0; give 1 for each call".to_owned());
        }
        if self.endpoint.is_some() && self.path.is_some() {
            return Err("give one of endpoint and path".to_owned());
        }
        for place in self.endpoint.iter().chain(&self.path) {
            if !crate::log::is_api(place) && place != "/" {
                return Err(format!(
                    "'{place}' is no path of an API: those start with /rest/, /wiki/api/ or /wiki/rest/"
                ));
            }
        }
        for method in &self.methods {
            if !["GET", "POST", "PUT", "DELETE", "PATCH"].contains(&method.as_str()) {
                return Err(format!("method '{method}' is not one of GET, POST, PUT, DELETE, PATCH"));
            }
        }
        Ok(())
    }
}

pub(crate) fn check_seconds(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=SECONDS_MAX).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is not between 0 and {SECONDS_MAX}"))
}

/// A number of seconds that a check has let through.
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

impl Scenario {
    /// Reads a script in TOML.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key (which is named), or makes no sense.
    pub fn from_toml(text: &str) -> Result<Self, ScriptError> {
        let read: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            ScriptError::Toml { line: before.matches('\n').count() + 1, message: error.message().replace('\n', ", ") }
        })?;
        read.checked()
    }

    /// Reads a script in JSON, of the same form.
    ///
    /// # Errors
    /// As [`Scenario::from_toml`].
    pub fn from_json(text: &str) -> Result<Self, ScriptError> {
        // A list would be read as an object's members in order: an empty one as a script without rules.
        if text.trim_start().starts_with('[') {
            return Err(ScriptError::Json("expected an object, not a list".to_owned()));
        }
        let read: Self = serde_json::from_str(text).map_err(|error| ScriptError::Json(error.to_string()))?;
        read.checked()
    }

    fn checked(self) -> Result<Self, ScriptError> {
        for (index, rule) in self.rules.iter().enumerate() {
            rule.when
                .check()
                .and_then(|()| rule.fault.check())
                .map_err(|what| ScriptError::Rule { number: index + 1, what })?;
        }
        for (index, human) in self.humans.iter().enumerate() {
            human.check().map_err(|what| ScriptError::Human { number: index + 1, what })?;
        }
        self.limits.check().map_err(ScriptError::Limits)?;
        Ok(self)
    }
}
