//! The three limits on the rate of calls that Atlassian documents for Jira, with their headers: a token bucket per
//! endpoint and method, writes per issue, and points per hour.
//!
//! The bucket's size is not published, so it is a choice: one second's gain unless the script says otherwise. Points are
//! counted for every caller here unless a script says that they are an app's only, as on real sites. Confluence documents no reason for a
//! burst, so its 429 carries none.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use serde_json::Value;
use time::OffsetDateTime;

use super::Call;
use super::answers::Throttle;
use super::kinds::Reason;
use super::limits::{Limits, Pool, UserBucket};
use super::script::Product;

/// Writes to one issue: so many within so long.
const PER_ISSUE: [(usize, Duration); 2] = [(20, Duration::from_secs(2)), (100, Duration::from_secs(30))];
/// Below this share of the points that are left, answers warn.
const NEAR_LIMIT: f64 = 0.2;

/// What has been used of each limit.
#[derive(Debug, Default)]
pub struct Limiters {
    buckets: HashMap<String, (f64, Instant)>,
    writes: HashMap<u64, VecDeque<Instant>>,
    points: u64,
    hour: u64,
    /// The user's bucket: what is in it, and when something came in last.
    user: Option<(u32, Instant)>,
}

/// Which limit refused a call, for the counts.
pub type Refused = (&'static str, Throttle);

impl Limiters {
    /// Counts a call, or says how it is refused. A refused call uses up nothing.
    pub fn admit(&mut self, limits: &Limits, call: &Call, issue: Option<u64>) -> Result<(), Refused> {
        if counts_points(limits, call) {
            self.within_points(limits, call.product())?;
        }
        let now = Instant::now();
        if let Some(bucket) = limits.user_bucket {
            self.take_user_token(bucket, now)?;
        }
        let issue = issue.filter(|_| limits.per_issue_writes && call.changes());
        if let Some(issue) = issue {
            self.within_issue(issue, now)?;
        }
        self.take_token(limits, call, now)?;
        if let Some(issue) = issue {
            self.writes.entry(issue).or_default().push_back(now);
        }
        Ok(())
    }

    /// Takes from the user's bucket, after what came in since the last time.
    fn take_user_token(&mut self, bucket: UserBucket, now: Instant) -> Result<(), Refused> {
        let interval = Duration::from_secs(u64::from(bucket.interval_seconds));
        let (tokens, filled) = self.user.get_or_insert((bucket.size, now));
        while *tokens < bucket.size && now.duration_since(*filled) >= interval {
            *tokens = tokens.saturating_add(bucket.fill).min(bucket.size);
            *filled += interval;
        }
        if *tokens == bucket.size {
            *filled = now;
        }
        if let Some(left) = tokens.checked_sub(1) {
            *tokens = left;
            return Ok(());
        }
        let wait = interval.saturating_sub(now.duration_since(*filled));
        let throttle = Throttle {
            retry_after_seconds: Some(up(wait)),
            limit: Some(u64::from(bucket.size)),
            user_bucket: Some(bucket),
            ..Throttle::default()
        };
        Err(("user-bucket", throttle))
    }

    fn take_token(&mut self, limits: &Limits, call: &Call, now: Instant) -> Result<(), Refused> {
        let Some((rate, size)) = bucket_of(limits, call) else { return Ok(()) };
        let (tokens, filled) = self.buckets.entry(call.endpoint()).or_insert((f64::from(size), now));
        let gained = now.duration_since(*filled).as_secs_f64() * f64::from(rate);
        *tokens = (*tokens + gained).min(f64::from(size));
        *filled = now;
        if *tokens >= 1.0 {
            *tokens -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - *tokens) / f64::from(rate));
        let (reason, policy) = match call.product() {
            Product::Jira => (Some(Reason::JiraBurstBased), Some(("jira-burst-based", 1))),
            Product::Confluence => (None, None),
        };
        let throttle = Throttle {
            reason,
            retry_after_seconds: Some(up(wait)),
            limit: Some(u64::from(rate)),
            policy,
            user_bucket: None,
        };
        Err(("burst", throttle))
    }

    fn within_issue(&mut self, issue: u64, now: Instant) -> Result<(), Refused> {
        let writes = self.writes.entry(issue).or_default();
        let longest = PER_ISSUE.iter().map(|(_, window)| *window).max().unwrap_or_default();
        while writes.front().is_some_and(|at| now.duration_since(*at) >= longest) {
            writes.pop_front();
        }
        for (most, window) in PER_ISSUE {
            // The write that leaves the window first and so makes room.
            let oldest = writes.len().checked_sub(most).and_then(|index| writes.get(index));
            if let Some(age) = oldest.map(|at| now.duration_since(*at)).filter(|age| *age < window) {
                let throttle = Throttle {
                    reason: Some(Reason::JiraPerIssueOnWrite),
                    retry_after_seconds: Some(up(window.saturating_sub(age))),
                    limit: u64::try_from(most).ok(),
                    policy: Some(("jira-per-issue-on-write", window.as_secs())),
                    user_bucket: None,
                };
                return Err(("per-issue-writes", throttle));
            }
        }
        Ok(())
    }

    fn within_points(&mut self, limits: &Limits, product: Product) -> Result<(), Refused> {
        let Some(most) = limits.points_per_hour else { return Ok(()) };
        let left = self.roll(limits);
        if self.points < most {
            return Ok(());
        }
        let throttle = Throttle {
            reason: Some(match (product, limits.points_pool) {
                (Product::Jira, Pool::Tenant) => Reason::JiraQuotaTenantBased,
                (Product::Jira, Pool::Global) => Reason::JiraQuotaGlobalBased,
                (Product::Confluence, Pool::Tenant) => Reason::ConfluenceQuotaTenantBased,
                (Product::Confluence, Pool::Global) => Reason::ConfluenceQuotaGlobalBased,
            }),
            retry_after_seconds: Some(left),
            limit: Some(most),
            policy: Some((policy_of(limits.points_pool), limits.points_hour_seconds)),
            user_bucket: None,
        };
        Err(("points", throttle))
    }

    /// Starts the count again when the hour is over; gives the seconds until it is, at least one.
    fn roll(&mut self, limits: &Limits) -> u64 {
        let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
        let length = limits.points_hour_seconds.max(1);
        if self.hour != now / length {
            self.hour = now / length;
            self.points = 0;
        }
        length - now % length
    }

    /// Spends the points of an answered call and writes what is left into its headers.
    pub fn settle(&mut self, limits: &Limits, call: &Call, sent: usize, received: &Value, headers: &mut HeaderMap) {
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        if let Some(bucket) = limits.user_bucket {
            let left = self.user.map_or(bucket.size, |(tokens, _)| tokens);
            for (name, value) in user_headers(bucket, left) {
                set(name, value);
            }
            // When nothing is left the next call is refused, and told how long to wait.
            set("retry-after", if left > 0 { "0".to_owned() } else { bucket.interval_seconds.to_string() });
        }
        if let Some(most) = limits.points_per_hour.filter(|_| counts_points(limits, call)) {
            let left_seconds = self.roll(limits);
            self.points = self.points.saturating_add(cost(call, sent, received));
            let left = most.saturating_sub(self.points);
            let policy = policy_of(limits.points_pool);
            set("x-ratelimit-limit", most.to_string());
            set("x-ratelimit-remaining", left.to_string());
            set("ratelimit-policy", format!("\"{policy}\";q={most};w={}", limits.points_hour_seconds));
            if ratio(left, most) < NEAR_LIMIT {
                set("x-ratelimit-nearlimit", "true".to_owned());
                set("ratelimit", format!("\"{policy}\";r={left};t={left_seconds}"));
            }
        } else if let Some((rate, size)) = bucket_of(limits, call) {
            let tokens = self.buckets.get(&call.endpoint()).map_or(f64::from(size), |(tokens, _)| *tokens);
            set("x-ratelimit-limit", rate.to_string());
            set("x-ratelimit-remaining", format!("{:.0}", tokens.floor()));
        }
    }
}

/// Whether answers have to be looked at.
pub fn settles(limits: &Limits) -> bool {
    limits.points_per_hour.is_some()
        || limits.burst_per_second.is_some()
        || !limits.burst.is_empty()
        || limits.user_bucket.is_some()
}

/// Whether a call spends points.
fn counts_points(limits: &Limits, call: &Call) -> bool {
    call.oauth || !limits.points_oauth_only
}

/// Data Center's headers.
pub fn user_headers(bucket: UserBucket, left: u32) -> [(&'static str, String); 4] {
    [
        ("x-ratelimit-limit", bucket.size.to_string()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-interval-seconds", bucket.interval_seconds.to_string()),
        ("x-ratelimit-fillrate", bucket.fill.to_string()),
    ]
}

fn policy_of(pool: Pool) -> &'static str {
    match pool {
        Pool::Tenant => "tenant-app-quota",
        Pool::Global => "global-app-quota",
    }
}

/// The gain and the size of a call's bucket.
fn bucket_of(limits: &Limits, call: &Call) -> Option<(u32, u32)> {
    let named = limits.burst.iter().find(|burst| burst.method == call.method && burst.endpoint == call.template);
    match named {
        Some(burst) => Some((burst.per_second, burst.size.unwrap_or(burst.per_second))),
        None => limits.burst_per_second.map(|rate| (rate, limits.burst_size.unwrap_or(rate))),
    }
}

/// Whole seconds, at least one: clients take 0 for "at once".
fn up(wait: Duration) -> u64 {
    let whole = wait.as_secs();
    if Duration::from_secs(whole) < wait { whole + 1 } else { whole.max(1) }
}

fn ratio(part: u64, whole: u64) -> f64 {
    let narrow = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    narrow(part) / narrow(whole).max(1.0)
}

/// A write costs one point, but a bulk create as many as it has elements (the documentation can be read both ways, and
/// this is the dearer one). A read costs one and one for each object returned, two for each person.
fn cost(call: &Call, sent: usize, received: &Value) -> u64 {
    if call.changes() {
        return u64::try_from(sent).unwrap_or(u64::MAX).max(1);
    }
    let list =
        ["issues", "results", "values", "comments", "worklogs"].iter().find_map(|name| received[name].as_array());
    let objects = match (list.or(received.as_array()), received) {
        (Some(list), _) => list.len(),
        (None, Value::Object(_)) => 1,
        (None, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => 0,
    };
    let person = ["/user", "/myself", "/group"].iter().any(|part| call.template.contains(part));
    1 + u64::try_from(objects).unwrap_or(u64::MAX) * if person { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Limiters;

    #[test]
    fn a_hundred_writes_in_half_a_minute_are_the_most_that_one_issue_takes() {
        let mut limiters = Limiters::default();
        let start = Instant::now();
        let mut admit = |at_ms: u64| {
            let now = start + Duration::from_millis(at_ms);
            let admitted = limiters.within_issue(1, now);
            if admitted.is_ok() {
                limiters.writes.entry(1).or_default().push_back(now);
            }
            admitted.map_err(|(limit, throttle)| (limit, throttle.limit, throttle.retry_after_seconds))
        };
        // Ten a second never meet the shorter limit.
        for n in 0..100 {
            assert_eq!(admit(n * 110), Ok(()), "write {n}");
        }
        assert_eq!(admit(11_000), Err(("per-issue-writes", Some(100), Some(19))));
        assert_eq!(admit(29_999), Err(("per-issue-writes", Some(100), Some(1))));
        assert_eq!(admit(30_000), Ok(()));
        assert_eq!(admit(30_001), Err(("per-issue-writes", Some(100), Some(1))));
        assert_eq!(limiters.within_issue(2, start).map_err(|(limit, _)| limit), Ok(()));
    }
}
