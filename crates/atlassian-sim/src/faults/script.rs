//! The script: which calls meet which fault, read from TOML or JSON. Every key that is not known is refused by name,
//! because a fault that silently never happens makes a test pass for nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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

/// Whether the call takes effect before the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// The fault is instead of the effect.
    Before,
    /// The effect is there and the caller does not learn it.
    After,
}

/// What the caller of a late commit sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateAnswer {
    /// The connection is closed without an answer.
    #[default]
    Drop,
    /// 504.
    GatewayTimeout,
}

/// The value of `RateLimit-Reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// One endpoint and method is called too often.
    JiraBurstBased,
    /// The tenant's points of the hour are spent.
    JiraQuotaTenantBased,
    /// The points that all tenants of an app share are spent.
    JiraQuotaGlobalBased,
    /// One issue is written too often.
    JiraPerIssueOnWrite,
    /// As in Jira, in Confluence.
    ConfluenceQuotaTenantBased,
    /// As in Jira, in Confluence.
    ConfluenceQuotaGlobalBased,
}

impl Reason {
    /// As it stands in the header.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::JiraBurstBased => "jira-burst-based",
            Self::JiraQuotaTenantBased => "jira-quota-tenant-based",
            Self::JiraQuotaGlobalBased => "jira-quota-global-based",
            Self::JiraPerIssueOnWrite => "jira-per-issue-on-write",
            Self::ConfluenceQuotaTenantBased => "confluence-quota-tenant-based",
            Self::ConfluenceQuotaGlobalBased => "confluence-quota-global-based",
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// 5xx.
    ServerError {
        /// Before or after the effect.
        commit: Commit,
        /// 500 to 599.
        #[serde(default = "unavailable")]
        status: u16,
        /// `Retry-After`, where given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
    },
    /// No answer for a while, then the connection is closed.
    Timeout {
        /// Before or after the effect.
        commit: Commit,
        /// How long the connection stays open.
        #[serde(default = "half_a_minute")]
        hang_seconds: f64,
    },
    /// The caller is left first and the effect appears later.
    LateCommit {
        /// The effect appears at most so long after the caller was left; the moment is drawn.
        within_seconds: f64,
        /// And not earlier than this.
        #[serde(default)]
        at_least_seconds: f64,
        /// What the caller sees.
        #[serde(default)]
        answer: LateAnswer,
        /// How long the caller waits for it.
        #[serde(default)]
        answer_after_seconds: f64,
    },
    /// The answer starts and the connection is reset in the middle of its body.
    Reset {
        /// Bytes of the body that arrive; half of them where not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_bytes: Option<usize>,
    },
    /// 200 with a page for people, as login pages and proxies give.
    Html {
        /// Before or after the effect.
        commit: Commit,
    },
    /// A complete answer whose JSON ends early.
    TruncatedJson {
        /// Bytes that are kept; half of them where not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep_bytes: Option<usize>,
    },
    /// 429, without any effect. With neither member it comes without any hint, as a gateway gives it.
    TooManyRequests {
        /// `RateLimit-Reason` and the headers that belong to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// `Retry-After`: absent where not given, and 0 is sent as 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
    },
    /// Elements of a bulk create are refused, and the created issues come in another order than sent.
    BulkPartial {
        /// The refused elements, counted from 0.
        elements: Vec<usize>,
        /// The status told of each refused element.
        #[serde(default = "bad_request")]
        status: u16,
        /// The message told of each refused element.
        #[serde(default = "internal")]
        message: String,
        /// Whether the order of `issues` is shuffled.
        #[serde(default = "yes")]
        shuffle: bool,
    },
    /// Jira: a write shows up in search only after a while. Confluence: a CQL search sees the site as it was before.
    SearchLag {
        /// The lag, or with `sigma` its median.
        seconds: f64,
        /// The width of a log-normal lag; 0 for a fixed one.
        #[serde(default)]
        sigma: f64,
        /// The most that is drawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap_seconds: Option<f64>,
    },
    /// `GET` of a page answers 404 for a while after its creation.
    PageMissing {
        /// How long.
        seconds: f64,
    },
    /// The caller counts as anonymous and is told so in `X-Seraph-LoginReason` only.
    Anonymous {},
    /// 401.
    Unauthorized {},
}

fn unavailable() -> u16 {
    503
}

fn half_a_minute() -> f64 {
    30.0
}

fn bad_request() -> u16 {
    400
}

fn internal() -> String {
    "An internal error occurred.".to_owned()
}

fn yes() -> bool {
    true
}

impl Fault {
    /// The name by which it is written and counted.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ServerError { .. } => "server-error",
            Self::Timeout { .. } => "timeout",
            Self::LateCommit { .. } => "late-commit",
            Self::Reset { .. } => "reset",
            Self::Html { .. } => "html",
            Self::TruncatedJson { .. } => "truncated-json",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::BulkPartial { .. } => "bulk-partial",
            Self::SearchLag { .. } => "search-lag",
            Self::PageMissing { .. } => "page-missing",
            Self::Anonymous {} => "anonymous",
            Self::Unauthorized {} => "unauthorized",
        }
    }

    fn times(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Timeout { hang_seconds, .. } => vec![("hang_seconds", *hang_seconds)],
            Self::LateCommit { within_seconds, at_least_seconds, answer_after_seconds, .. } => vec![
                ("within_seconds", *within_seconds),
                ("at_least_seconds", *at_least_seconds),
                ("answer_after_seconds", *answer_after_seconds),
            ],
            Self::SearchLag { seconds, sigma, cap_seconds } => {
                vec![("seconds", *seconds), ("sigma", *sigma), ("cap_seconds", cap_seconds.unwrap_or_default())]
            }
            Self::PageMissing { seconds } => vec![("seconds", *seconds)],
            Self::ServerError { .. }
            | Self::Reset { .. }
            | Self::Html { .. }
            | Self::TruncatedJson { .. }
            | Self::TooManyRequests { .. }
            | Self::BulkPartial { .. }
            | Self::Anonymous {}
            | Self::Unauthorized {} => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), String> {
        for (name, value) in self.times() {
            check_seconds(name, value)?;
        }
        match self {
            Self::ServerError { status, .. } if !(500..=599).contains(status) => {
                Err(format!("status {status} is not a server error; give 500 to 599"))
            }
            Self::BulkPartial { status, .. } if !(400..=599).contains(status) => {
                Err(format!("status {status} is not a refusal; give 400 to 599"))
            }
            Self::LateCommit { within_seconds, at_least_seconds, .. } if at_least_seconds > within_seconds => {
                Err("at_least_seconds is larger than within_seconds".to_owned())
            }
            Self::ServerError { .. }
            | Self::Timeout { .. }
            | Self::LateCommit { .. }
            | Self::Reset { .. }
            | Self::Html { .. }
            | Self::TruncatedJson { .. }
            | Self::TooManyRequests { .. }
            | Self::BulkPartial { .. }
            | Self::SearchLag { .. }
            | Self::PageMissing { .. }
            | Self::Anonymous {}
            | Self::Unauthorized {} => Ok(()),
        }
    }
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

/// The limits on the rate of calls. None holds unless given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Calls a second per endpoint and method: what its token bucket gains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_per_second: Option<u32>,
    /// What a token bucket holds at most; one second's gain where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_size: Option<u32>,
    /// Endpoints with a bucket of another size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub burst: Vec<EndpointBurst>,
    /// Jira's limits on one issue: 20 writes in 2 seconds and 100 in 30.
    #[serde(default)]
    pub per_issue_writes: bool,
    /// Points an hour: a write costs one, a read one and one for each object returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_per_hour: Option<u64>,
    /// Whether the points are the tenant's or shared by all tenants of an app.
    #[serde(default)]
    pub points_pool: Pool,
    /// The hour's length: points come back at its end, counted from the start of the Unix epoch as hours are.
    #[serde(default = "hour")]
    pub points_hour_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            burst_per_second: None,
            burst_size: None,
            burst: Vec::new(),
            per_issue_writes: false,
            points_per_hour: None,
            points_pool: Pool::Tenant,
            points_hour_seconds: hour(),
        }
    }
}

fn hour() -> u64 {
    3_600
}

/// Whose points are spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The tenant's.
    #[default]
    Tenant,
    /// All tenants' of an app.
    Global,
}

/// The bucket of one endpoint and method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointBurst {
    /// `GET`, `POST`, ...
    pub method: String,
    /// As in [`When::endpoint`].
    pub endpoint: String,
    /// What the bucket gains a second.
    pub per_second: u32,
    /// What it holds at most; one second's gain where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
}

impl Limits {
    fn check(&self) -> Result<(), String> {
        let named = self.burst.iter().flat_map(|burst| [Some(burst.per_second), burst.size]);
        if named.chain([self.burst_per_second, self.burst_size]).flatten().any(|number| number == 0) {
            return Err("a burst limit of 0 would refuse every call; leave it out for no limit".to_owned());
        }
        if self.burst_size.is_some() && self.burst_per_second.is_none() {
            return Err("burst_size is given without burst_per_second".to_owned());
        }
        if self.points_hour_seconds == 0 {
            return Err("points_hour_seconds is 0".to_owned());
        }
        Ok(())
    }
}

fn check_seconds(name: &str, value: f64) -> Result<(), String> {
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
        self.limits.check().map_err(ScriptError::Limits)?;
        Ok(self)
    }
}
