//! A run in which nearly everything failed for one cause is one incident, and not as many failures.

use hub_domain::{entity::Counts, insight::Incident, vocabulary::FailureCause};

/// Executed results below which nothing is concluded.
pub const MIN_EXECUTED: u64 = 5;

/// The share of what was executed that must be unsuccessful, and the share of these that must have the cause, in per cent.
pub const MIN_SHARE_PERCENT: u64 = 90;

/// Unsuccessful results that have a cause or a signature in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// A cause of the infrastructure.
    pub cause: Option<FailureCause>,
    /// The signature of their error.
    pub signature: Option<String>,
    /// How many.
    pub failed: u64,
    /// The error of one of them.
    pub example: Option<String>,
}

/// The incident that a run is, if it is one. Of two groups that are large enough the one with a cause says more.
#[must_use]
pub fn of(counts: &Counts, groups: &[Group]) -> Option<Incident> {
    let (executed, unsuccessful) = (counts.executed(), counts.unsuccessful());
    let nearly_all = |part: u64, whole: u64| part.saturating_mul(100) >= whole.saturating_mul(MIN_SHARE_PERCENT);
    if executed < MIN_EXECUTED || !nearly_all(unsuccessful, executed) {
        return None;
    }
    let large = groups.iter().filter(|group| group.failed > 0 && nearly_all(group.failed, unsuccessful));
    let group = large.max_by_key(|group| (group.cause.is_some(), group.failed))?;
    Some(Incident {
        cause: group.cause,
        signature: match (group.cause, &group.signature) {
            (Some(cause), _) => cause.as_str().to_owned(),
            (None, Some(signature)) => signature.clone(),
            (None, None) => return None,
        },
        failed: group.failed,
        executed,
        example: group
            .example
            .as_deref()
            .map(|text| crate::titles::one_line(text, 300))
            .filter(|text| !text.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(cause: Option<FailureCause>, signature: Option<&str>, failed: u64) -> Group {
        Group { cause, signature: signature.map(str::to_owned), failed, example: Some("getaddrinfo\nmore".into()) }
    }

    #[test]
    fn the_shares_and_the_least_number_decide() {
        let counts = |passed, broken| Counts { passed, broken, skipped: 40, ..Counts::default() };
        let dns = |n| [group(Some(FailureCause::Dns), None, n)];
        let incident = of(&counts(0, 110), &dns(110)).unwrap();
        assert_eq!((incident.failed, incident.executed, incident.signature.as_str()), (110, 110, "dns"));
        assert_eq!(incident.example.as_deref(), Some("getaddrinfo more"));
        assert!(of(&counts(1, 9), &dns(9)).is_some(), "nine of ten");
        assert!(of(&counts(2, 9), &dns(9)).is_none(), "nine of eleven are fewer");
        assert!(of(&counts(0, 10), &dns(8)).is_none(), "two others failed for something else");
        assert!(of(&counts(0, 4), &dns(4)).is_none(), "four say nothing");
        assert!(of(&counts(0, 5), &[]).is_none() && of(&Counts::default(), &dns(0)).is_none());
        let both = [group(None, Some("f1:a"), 10), group(Some(FailureCause::Dns), None, 9)];
        assert_eq!(of(&counts(0, 10), &both).unwrap().cause, Some(FailureCause::Dns));
        let shared = of(&counts(0, 10), &[group(None, Some("f1:a"), 10)]).unwrap();
        assert_eq!((shared.cause, shared.signature.as_str()), (None, "f1:a"));
    }
}
