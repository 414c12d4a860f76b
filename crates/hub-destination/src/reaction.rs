//! What an answer asks of the rate budget: pure, so that every budget reacts alike.
//!
//! By reason: a burst pauses its endpoint and method, a spent quota pauses the site, a limit of one object pauses nothing
//! here (the object is delayed by its own outcome). Source of the rules:
//! <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.

use std::time::Duration;

use crate::{
    Answer,
    limits::{Left, Limits, Policy, Reason},
};

/// The first wait after a refusal without a hint: Atlassian advises to start at 2 to 5 seconds.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(5);

/// The first wait after `Retry-After: 0`: the site means soon, and at once would spin.
pub const SHORT_BACKOFF: Duration = Duration::from_secs(1);

/// No wait without a hint is longer, whatever it was doubled to (before its jitter).
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A wait that is doubled while refusals go on is doubled when the next refusal comes within this time after the pause.
pub const STREAK: Duration = Duration::from_secs(30);

/// How long what a header says about a burst limit is believed.
pub const LEARNED_LASTS: Duration = Duration::from_secs(24 * 3600);

/// How much of a quota may be spent without pacing the rest: four fifths.
const NEAR: u64 = 5;

/// How long Data Center's bucket is spared after an answer that shows it nearly empty.
const SPARED: Duration = Duration::from_secs(10);

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wait {
    /// The site said so: at least this long.
    Told(Duration),
    /// The site gave no hint: this long at first, doubled while it goes on, with jitter.
    Backoff(Duration),
}

/// What a budget does about an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reaction {
    /// The endpoint and method of the call stand still.
    PauseEndpoint(Wait),
    /// All calls of this product at the site stand still.
    PauseSite(Wait),
    /// The endpoint and method lose a little of their rate for a moment.
    SlowEndpoint,
    /// The site refuses more than this of the endpoint and method.
    LimitEndpoint {
        /// Calls a second.
        per_second: f64,
    },
    /// What is left of a quota is spread over the time until it is full again.
    PaceSite {
        /// Calls a second.
        per_second: f64,
        /// For how long.
        lasts: Duration,
    },
}

/// What an answer asks for; nothing in the usual case.
#[must_use]
pub fn reactions(answer: &Answer) -> Vec<Reaction> {
    let limits = &answer.limits;
    let reason = answer.rate_limit_reason.as_deref().map(Reason::read);
    let mut reactions = Vec::new();
    match answer.status {
        429 => match reason {
            Some(Reason::Object) => {}
            Some(Reason::Quota | Reason::Cost) => reactions.push(Reaction::PauseSite(wait(answer, "quota"))),
            Some(Reason::Burst | Reason::Concurrent | Reason::Other) | None => {
                reactions.push(Reaction::PauseEndpoint(wait(answer, "burst")));
            }
        },
        503 => {
            if let Some(told) = answer.retry_after.filter(|told| !told.is_zero()) {
                reactions.push(Reaction::PauseEndpoint(Wait::Told(told)));
            }
        }
        _ => reactions.extend(near(limits)),
    }
    reactions
        .extend(burst_limit(answer.status, reason, limits).map(|per_second| Reaction::LimitEndpoint { per_second }));
    reactions
}

/// How long a 429 asks to wait: `Retry-After`, else the reset, else what the structured header says of an empty policy.
fn wait(answer: &Answer, kind: &str) -> Wait {
    let empty =
        answer.limits.left.iter().filter(|left| left.enforced && left.remaining == 0 && left.name.contains(kind));
    match answer.retry_after {
        Some(told) if !told.is_zero() => Wait::Told(told),
        Some(_) => Wait::Backoff(SHORT_BACKOFF),
        None => {
            let told = answer.limits.reset.into_iter().chain(empty.map(|left| left.reset)).max();
            told.filter(|told| !told.is_zero()).map_or(Wait::Backoff(FIRST_BACKOFF), Wait::Told)
        }
    }
}

/// What an accepted call's headers warn of.
fn near(limits: &Limits) -> Vec<Reaction> {
    let quotas: Vec<&Policy> = limits.policies.iter().filter(|p| p.enforced && p.name.contains("quota")).collect();
    let is_low = |left: &Left| {
        let whole = quotas.iter().find(|policy| policy.name == left.name).map(|policy| policy.quota);
        // Without the policy's size its being told at all says that most of it is used.
        whole.is_none_or(|whole| left.remaining.saturating_mul(NEAR) <= whole)
    };
    let enforced = || limits.left.iter().filter(|left| left.enforced);
    let told = enforced().filter(|left| left.name.contains("quota") && is_low(left));
    let mut paced: Vec<(u64, Duration)> = told.map(|left| (left.remaining, left.reset)).collect();
    if paced.is_empty()
        && limits.near_limit
        && quotas.iter().any(|policy| Some(policy.quota) == limits.limit)
        && let Some((remaining, reset)) = limits.remaining.zip(limits.reset)
    {
        paced.push((remaining, reset));
    }
    if let Some((limit, remaining)) = limits.limit.zip(limits.remaining)
        && let Some(fill) = limits.fill
        && remaining.saturating_mul(NEAR) < limit
    {
        let per_second = narrow(fill.tokens) / fill.interval.as_secs_f64();
        return vec![Reaction::PaceSite { per_second, lasts: SPARED }];
    }
    let is_burst_low = enforced().any(|left| left.name.contains("burst"));
    if paced.is_empty() && (is_burst_low || (limits.near_limit && limits.left.is_empty())) {
        return vec![Reaction::SlowEndpoint];
    }
    let pace = |(remaining, reset): (u64, Duration)| {
        if remaining == 0 {
            return Reaction::PauseSite(Wait::Told(reset));
        }
        Reaction::PaceSite { per_second: narrow(remaining) / reset.as_secs_f64(), lasts: reset }
    };
    paced.into_iter().filter(|(_, reset)| !reset.is_zero()).map(pace).collect()
}

/// The burst limit in calls a second, where the headers tell it.
fn burst_limit(status: u16, reason: Option<Reason>, limits: &Limits) -> Option<f64> {
    let is_burst = |policy: &&Policy| policy.enforced && policy.quota > 0 && policy.name.contains("burst");
    let told = limits.policies.iter().find(is_burst);
    let rate = told.map(|policy| narrow(policy.quota) / policy.window.as_secs_f64());
    // Only beside a refused burst is it sure what this header limits.
    let plain = limits.limit.filter(|limit| status == 429 && reason == Some(Reason::Burst) && *limit > 0).map(narrow);
    rate.or(plain)
}

/// A number of a header as a fraction; none of them is near the limit of exactness.
fn narrow(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: Option<&str>, retry_after: Option<u64>) -> Answer {
        Answer {
            status: 429,
            rate_limit_reason: reason.map(str::to_owned),
            retry_after: retry_after.map(Duration::from_secs),
            ..Answer::default()
        }
    }

    fn told(seconds: u64) -> Wait {
        Wait::Told(Duration::from_secs(seconds))
    }

    #[test]
    fn each_reason_stops_what_it_names_and_nothing_else() {
        let cases = [
            (refused(Some("jira-burst-based"), Some(1)), vec![Reaction::PauseEndpoint(told(1))]),
            (refused(Some("jira-quota-tenant-based"), Some(1847)), vec![Reaction::PauseSite(told(1847))]),
            (refused(Some("jira-cost-based"), Some(60)), vec![Reaction::PauseSite(told(60))]),
            (refused(Some("jira-per-issue-on-write"), Some(2)), vec![]),
            (refused(Some("jira-max-concurrent-threads"), Some(3)), vec![Reaction::PauseEndpoint(told(3))]),
            (refused(None, None), vec![Reaction::PauseEndpoint(Wait::Backoff(FIRST_BACKOFF))]),
            (refused(Some("jira-burst-based"), Some(0)), vec![Reaction::PauseEndpoint(Wait::Backoff(SHORT_BACKOFF))]),
            (Answer { status: 503, ..refused(None, Some(7)) }, vec![Reaction::PauseEndpoint(told(7))]),
            (Answer { status: 503, ..refused(None, None) }, vec![]),
            (Answer { status: 200, ..Answer::default() }, vec![]),
        ];
        for (answer, expected) in cases {
            assert_eq!(reactions(&answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_quota_that_names_no_wait_ends_at_its_reset() {
        let mut answer = refused(Some("jira-quota-global-based"), None);
        answer.limits.reset = Some(Duration::from_secs(900));
        assert_eq!(reactions(&answer), [Reaction::PauseSite(told(900))]);
    }

    #[test]
    fn the_rest_of_a_quota_is_spread_and_a_low_burst_slows() {
        let left = |name: &str, remaining, enforced| Left {
            name: name.into(),
            remaining,
            reset: Duration::from_secs(600),
            enforced,
        };
        let policy = |name: &str, quota, window| Policy {
            name: name.into(),
            quota,
            window: Duration::from_secs(window),
            enforced: true,
        };
        let answer = |left: Vec<Left>, policies: Vec<Policy>| Answer {
            status: 200,
            limits: Limits { left, policies, ..Limits::default() },
            ..Answer::default()
        };
        let quota = || policy("global-app-quota", 65_000, 3600);
        let pace = Reaction::PaceSite { per_second: 10.0, lasts: Duration::from_secs(600) };
        assert_eq!(reactions(&answer(vec![left("global-app-quota", 6000, true)], vec![quota()])), [pace]);
        assert_eq!(reactions(&answer(vec![left("global-app-quota", 6000, true)], vec![])), [pace]);
        assert_eq!(reactions(&answer(vec![left("global-app-quota", 60_000, true)], vec![quota()])), []);
        assert_eq!(reactions(&answer(vec![left("global-app-quota", 6000, false)], vec![quota()])), []);
        let slow = answer(vec![left("jira-burst-based", 3, true)], vec![policy("jira-burst-based", 100, 1)]);
        assert_eq!(reactions(&slow), [Reaction::SlowEndpoint, Reaction::LimitEndpoint { per_second: 100.0 }]);
        let plain = Limits { near_limit: true, ..Limits::default() };
        assert_eq!(reactions(&Answer { status: 200, limits: plain, ..Answer::default() }), [Reaction::SlowEndpoint]);
    }
}
