//! The limits on the rate of calls, as a script sets them.

use serde::{Deserialize, Serialize};

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
    /// Counts points for OAuth callers only, as real sites do; otherwise for everyone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub points_oauth_only: bool,
    /// Data Center's limit: one bucket for all calls of the user, with its headers on every answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_bucket: Option<UserBucket>,
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
            points_oauth_only: false,
            user_bucket: None,
            points_hour_seconds: hour(),
        }
    }
}

fn hour() -> u64 {
    3_600
}

/// Data Center's token bucket: an administrator says how large it is and how much comes in how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserBucket {
    /// What it holds at most.
    pub size: u32,
    /// What comes in at each interval.
    pub fill: u32,
    /// The interval.
    pub interval_seconds: u32,
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
    /// As in [`super::When::endpoint`].
    pub endpoint: String,
    /// What the bucket gains a second.
    pub per_second: u32,
    /// What it holds at most; one second's gain where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), String> {
        let named = self.burst.iter().flat_map(|burst| [Some(burst.per_second), burst.size]);
        if named.chain([self.burst_per_second, self.burst_size]).flatten().any(|number| number == 0) {
            return Err("a burst limit of 0 would refuse every call; leave it out for no limit".to_owned());
        }
        if self.burst_size.is_some() && self.burst_per_second.is_none() {
            return Err("burst_size is given without burst_per_second".to_owned());
        }
        if self.user_bucket.is_some_and(|bucket| bucket.size == 0 || bucket.fill == 0 || bucket.interval_seconds == 0) {
            return Err("user_bucket has a 0 in it: it would refuse every call".to_owned());
        }
        if self.points_hour_seconds == 0 {
            return Err("points_hour_seconds is 0".to_owned());
        }
        Ok(())
    }
}
