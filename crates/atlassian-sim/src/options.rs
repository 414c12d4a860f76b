//! What a simulated site looks like when it starts: read once, never changed while it runs.

use std::path::PathBuf;
use std::time::Duration;

use crate::faults::Scenario;

/// The text fields which every simulated Jira has on its test-management screens unless told otherwise.
pub const DEFAULT_CUSTOM_FIELDS: [&str; 6] =
    ["test_case_id", "suite_id", "run_id", "environment", "platform", "device"];

/// Which Atlassian the site plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Jira Cloud and Confluence Cloud.
    #[default]
    Cloud,
    /// Jira and Confluence on somebody's own machines: version 2 with wiki markup, names in place of account ids, personal
    /// access tokens as `Bearer`, the old search, and an index on each node.
    DataCenter,
}

/// Start state and behaviour of one simulated site.
#[derive(Debug, Clone)]
pub struct Options {
    /// Jira projects, each `KEY` or `KEY:Name`.
    pub projects: Vec<String>,
    /// Confluence spaces, each `KEY` or `KEY:Name`.
    pub spaces: Vec<String>,
    /// The only account's e-mail address: the user part of Basic authentication.
    pub email: String,
    /// The only account's API token: the password part of Basic authentication.
    pub token: String,
    /// File to which every API exchange is appended as one JSON object per line.
    pub log: Option<PathBuf>,
    /// Added to every API call before it is handled.
    pub latency: Duration,
    /// How long a Jira write stays invisible to search (reads by key always see it).
    pub search_lag: Duration,
    /// Issue types left out: `Name` for every project, `KEY:Name` for one.
    pub missing_issue_types: Vec<String>,
    /// Names of the text custom fields put on the screens of Task, Bug, Test Case and Test Execution.
    pub custom_fields: Vec<String>,
    /// The site address used in `self` links; default: the address listened on.
    pub base_url: Option<String>,
    /// Enforce Jira's caps per issue (5,000 comments, 2,000 links, 2,000 remote links, 2,000 attachments) with 413.
    pub per_issue_caps: bool,
    /// Requests a second allowed per endpoint and method before 429; `None` never limits.
    pub burst_per_second: Option<u32>,
    /// Enforce Jira's limits on writes to one issue (20 in 2 seconds, 100 in 30) with 429.
    pub per_issue_writes: bool,
    /// Points an hour before 429; `None` never limits.
    pub points_per_hour: Option<u64>,
    /// The script of faults that the site starts with.
    pub faults: Scenario,
    /// Which Atlassian the site plays.
    pub dialect: Dialect,
    /// Nodes of a Data Center site, each with an index of its own; calls go to them in turn.
    pub nodes: u32,
    /// A scoped API token: good through the gateway only.
    pub scoped_token: Option<String>,
    /// The id of the OAuth client.
    pub oauth_client: String,
    /// The secret of the OAuth client.
    pub oauth_secret: String,
    /// Issue properties that JQL can search, each `KEY:PATH`, as an installed app declares them.
    pub indexed_properties: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            projects: vec!["CTB".to_owned()],
            spaces: vec!["CTB".to_owned()],
            email: "qa@example.com".to_owned(),
            token: "sim-token".to_owned(),
            log: None,
            latency: Duration::ZERO,
            search_lag: Duration::ZERO,
            missing_issue_types: Vec::new(),
            custom_fields: DEFAULT_CUSTOM_FIELDS.map(str::to_owned).to_vec(),
            base_url: None,
            per_issue_caps: false,
            burst_per_second: None,
            per_issue_writes: false,
            points_per_hour: None,
            faults: Scenario::default(),
            dialect: Dialect::Cloud,
            nodes: 2,
            scoped_token: None,
            oauth_client: "sim-client".to_owned(),
            oauth_secret: "sim-secret".to_owned(),
            indexed_properties: Vec::new(),
        }
    }
}

/// A project or space as written on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSpec {
    /// The key, as Jira and Confluence show it.
    pub key: String,
    /// The readable name; the key where none was given.
    pub name: String,
}

impl ProjectSpec {
    /// Reads `KEY` or `KEY:Name`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((key, name)) if !name.trim().is_empty() => {
                Self { key: key.trim().to_owned(), name: name.trim().to_owned() }
            }
            Some((key, _)) => Self { key: key.trim().to_owned(), name: key.trim().to_owned() },
            None => Self { key: text.trim().to_owned(), name: text.trim().to_owned() },
        }
    }
}
