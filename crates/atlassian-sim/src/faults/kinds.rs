//! The faults that a rule can name, with their keys and the values that make sense.

use serde::{Deserialize, Serialize};

use super::script::check_seconds;

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

    pub(super) fn check(&self) -> Result<(), String> {
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
