//! The closed set of answers to a publication, made in each destination's `classify`, and the one verdict on them.
//! No error becomes text before this point: what decides stays typed.

use std::time::Duration;

use hub_domain::codes::Code;

/// Where the published object is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remote {
    /// The site's id, which survives moves and renames.
    pub id: String,
    /// The issue key, or the web address below the site for a page.
    pub key: Option<String>,
    /// The version that the site gave it, where it has versions.
    pub version: Option<i64>,
    /// The labels that the hub has set.
    pub labels: Vec<String>,
}

/// Why a publication did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The stable code.
    pub code: &'static Code,
    /// The site's own message or what was seen, clipped to 500 characters; never a body, token or address.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
}

impl Cause {
    /// A cause with its message clipped.
    #[must_use]
    pub fn new(code: &'static Code, status: Option<u16>, message: impl AsRef<str>) -> Self {
        Self { code, message: message.as_ref().chars().take(500).collect(), status }
    }
}

/// What a rate limit asks for, by its reason (`RateLimit-Reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// The burst limit of one endpoint and method.
    Endpoint,
    /// The limit of writes to one issue.
    Object,
    /// The quota of the whole site.
    Site,
    /// A 429 that gives no reason.
    Unnamed,
}

/// What became of one publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Applied(Remote),
    /// It was already there as wanted.
    Unchanged(Remote),
    /// It was not written, and may be sent again after the wait.
    Throttled {
        /// What is limited.
        throttle: Throttle,
        /// How long to wait at least.
        wait: Duration,
    },
    /// It was certainly not written, and may be sent again.
    Retryable(Cause),
    /// It may or may not have been written: it must be looked for before it is sent again.
    Unknown(Cause),
    /// The site will not have it as it is.
    Refused(Cause),
}

impl Outcome {
    /// The outcome as the audit trail holds it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Unchanged(_) => "unchanged",
            Self::Throttled { .. } => "throttled",
            Self::Retryable(_) => "retryable",
            Self::Unknown(_) => "unknown",
            Self::Refused(_) => "refused",
        }
    }
}

/// What follows from an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The ledger records the publication.
    Record,
    /// It is due again after the delay; a throttle spends no attempt.
    RetryAfter(Duration),
    /// It is uncertain: the resolver looks for it.
    Resolve,
    /// It is a dead letter, until its content changes or a person retries it.
    Bury,
}

/// The most attempts at one content before it is a dead letter: with the delays below they take eight minutes. At a site
/// that fails three calls of ten, one of two million publications has so much bad luck.
pub const MAX_ATTEMPTS: u32 = 12;

/// The first delay before another attempt; each further one doubles it. Atlassian: "start at 2 to 5 seconds, at most 30",
/// for a few attempts; what still fails then is not helped by hurry.
const FIRST_DELAY: Duration = Duration::from_secs(2);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// The verdict on an outcome after `attempts` attempts, this one included.
///
/// Source of the delays: <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.
#[must_use]
pub fn verdict(outcome: &Outcome, attempts: u32) -> Verdict {
    match outcome {
        Outcome::Applied(_) | Outcome::Unchanged(_) => Verdict::Record,
        Outcome::Throttled { wait, .. } => Verdict::RetryAfter(*wait),
        Outcome::Retryable(_) if attempts >= MAX_ATTEMPTS => Verdict::Bury,
        Outcome::Retryable(_) => {
            let doubled = FIRST_DELAY.saturating_mul(1 << attempts.saturating_sub(1).min(8));
            Verdict::RetryAfter(doubled.min(LONGEST_DELAY))
        }
        Outcome::Unknown(_) => Verdict::Resolve,
        Outcome::Refused(_) => Verdict::Bury,
    }
}

#[cfg(test)]
mod tests {
    use hub_domain::codes;

    use super::*;

    #[test]
    fn doubt_is_resolved_and_never_sent_again_blindly() {
        let cause = || Cause::new(&codes::REMOTE_FAILED, Some(502), "bad gateway");
        for attempts in 1..20 {
            assert_eq!(verdict(&Outcome::Unknown(cause()), attempts), Verdict::Resolve);
            assert_eq!(verdict(&Outcome::Refused(cause()), attempts), Verdict::Bury);
        }
        assert_eq!(verdict(&Outcome::Retryable(cause()), 1), Verdict::RetryAfter(Duration::from_secs(2)));
        assert_eq!(verdict(&Outcome::Retryable(cause()), 3), Verdict::RetryAfter(Duration::from_secs(8)));
        assert_eq!(verdict(&Outcome::Retryable(cause()), 5), Verdict::RetryAfter(Duration::from_secs(32)));
        assert_eq!(verdict(&Outcome::Retryable(cause()), 11), Verdict::RetryAfter(Duration::from_secs(60)));
        assert_eq!(verdict(&Outcome::Retryable(cause()), MAX_ATTEMPTS), Verdict::Bury);
        let throttled = Outcome::Throttled { throttle: Throttle::Site, wait: Duration::from_secs(1847) };
        assert_eq!(verdict(&throttled, 99), Verdict::RetryAfter(Duration::from_secs(1847)));
    }
}
