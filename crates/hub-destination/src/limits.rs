//! What an answer's headers say about limits, as typed values. Text that cannot be read is left out and never fails a call.
//!
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>, for Data Center
//! <https://confluence.atlassian.com/enterprise/improving-instance-stability-with-rate-limiting-983794911.html>. Structured
//! headers have any number of policies in any order; names with `Beta-` in front only inform and refuse nothing.

use std::time::Duration;

use time::{
    OffsetDateTime,
    format_description::well_known::{Rfc2822, Rfc3339},
};

/// No header may hold anything up for longer: no documented limit lasts longer than an hour.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Why a call was refused with 429, from `RateLimit-Reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Too many calls a second of one endpoint and method (`jira-burst-based`).
    Burst,
    /// Too many writes to one object (`jira-per-issue-on-write`).
    Object,
    /// The quota of an hour is spent (`jira-quota-tenant-based` and its like).
    Quota,
    /// Cost units are spent (`jira-cost-based`, not documented; seen as a limit of an hour for all calls of a user).
    Cost,
    /// Too many calls at the same time (`jira-max-concurrent-...`, not documented).
    Concurrent,
    /// A reason that is not known here.
    Other,
}

impl Reason {
    /// The meaning of the header's text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let known = [
            ("per-issue", Self::Object),
            ("quota", Self::Quota),
            ("cost", Self::Cost),
            ("concurrent", Self::Concurrent),
            ("burst", Self::Burst),
        ];
        known.into_iter().find(|(mark, _)| text.contains(mark)).map_or(Self::Other, |(_, reason)| reason)
    }
}

/// One policy of `RateLimit-Policy`: so many units within so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, such as `jira-burst-based`.
    pub name: String,
    /// Units within the window.
    pub quota: u64,
    /// The window's length.
    pub window: Duration,
    /// Whether it refuses calls; otherwise it only informs.
    pub enforced: bool,
}

/// One policy of `RateLimit`: what is left of it. Sites say so only when most of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The policy's name.
    pub name: String,
    /// Units that are left.
    pub remaining: u64,
    /// The time until it is full again.
    pub reset: Duration,
    /// Whether it refuses calls; otherwise it only informs.
    pub enforced: bool,
}

/// Data Center's token bucket of one user: `fill` tokens each `interval`, at most [`Limits::limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Tokens (`X-RateLimit-FillRate`).
    pub tokens: u64,
    /// The time in which they come (`X-RateLimit-Interval-Seconds`).
    pub interval: Duration,
}

/// What an answer says about limits, beside `Retry-After` and the reason, which [`crate::Answer`] holds itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u64>,
    /// The time until `X-RateLimit-Reset`.
    pub reset: Option<Duration>,
    /// `X-RateLimit-NearLimit: true`: less than a fifth is left.
    pub near_limit: bool,
    /// `RateLimit-Policy`.
    pub policies: Vec<Policy>,
    /// `RateLimit`.
    pub left: Vec<Left>,
    /// Data Center's bucket.
    pub fill: Option<Fill>,
}

impl Limits {
    /// Reads the headers. `header` gives the text of a header by its name in lower case, several lines joined by commas;
    /// `now` is the time at the site.
    #[must_use]
    pub fn read(header: &dyn Fn(&str) -> Option<String>, now: OffsetDateTime) -> Self {
        let number = |name: &str| header(name).and_then(|text| text.trim().parse::<u64>().ok());
        let interval = number("x-ratelimit-interval-seconds").filter(|seconds| *seconds > 0);
        let tokens = number("x-ratelimit-fillrate").filter(|tokens| *tokens > 0);
        let mut policies = Vec::new();
        let mut left = Vec::new();
        for (name, enforced) in [("ratelimit-policy", true), ("beta-ratelimit-policy", false)] {
            for item in header(name).as_deref().map(items).unwrap_or_default() {
                if let (Some(quota), Some(window)) = (item.number('q'), item.number('w').filter(|w| *w > 0)) {
                    policies.push(Policy { name: item.name, quota, window: seconds(window), enforced });
                }
            }
        }
        for (name, enforced) in [("ratelimit", true), ("beta-ratelimit", false)] {
            for item in header(name).as_deref().map(items).unwrap_or_default() {
                if let (Some(remaining), Some(reset)) = (item.number('r'), item.number('t')) {
                    left.push(Left { name: item.name, remaining, reset: seconds(reset), enforced });
                }
            }
        }
        Self {
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: header("x-ratelimit-reset").and_then(|text| until(&text, now)),
            near_limit: header("x-ratelimit-nearlimit").is_some_and(|text| text.trim().eq_ignore_ascii_case("true")),
            policies,
            left,
            fill: tokens.zip(interval).map(|(tokens, interval)| Fill { tokens, interval: seconds(interval) }),
        }
    }
}

/// `Retry-After`: whole seconds, or the moment in the form of HTTP.
#[must_use]
pub fn retry_after(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST, seconds));
    }
    OffsetDateTime::parse(text, &Rfc2822).ok().map(|moment| clipped(moment - now))
}

/// The moment of an answer from its `Date` header, which spares the comparison of two clocks.
#[must_use]
pub fn date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &Rfc2822).ok()
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number).min(LONGEST)
}

/// Nothing where the moment has passed.
fn clipped(span: time::Duration) -> Duration {
    Duration::try_from(span).unwrap_or(Duration::ZERO).min(LONGEST)
}

/// The time until a moment as `X-RateLimit-Reset` writes it: ISO 8601 with seconds or, as in JRACLOUD-69262, without.
/// Other servers write Unix seconds.
fn until(text: &str, now: OffsetDateTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(unix) = text.parse::<i64>() {
        return OffsetDateTime::from_unix_timestamp(unix).ok().map(|moment| clipped(moment - now));
    }
    let with_seconds = text.get(..16).zip(text.get(16..)).map(|(minute, zone)| format!("{minute}:00{zone}"));
    let moment =
        OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| OffsetDateTime::parse(&with_seconds?, &Rfc3339).ok())?;
    Some(clipped(moment - now))
}

/// One member of a structured list: `"name";q=1;w=2`.
struct Item {
    name: String,
    parameters: Vec<(String, String)>,
}

impl Item {
    fn number(&self, key: char) -> Option<u64> {
        let (_, value) = self.parameters.iter().find(|(name, _)| name.chars().eq([key]))?;
        value.parse().ok()
    }
}

/// The members of a structured list (RFC 9651), read leniently.
fn items(text: &str) -> Vec<Item> {
    outside_quotes(text, ',')
        .into_iter()
        .filter_map(|member| {
            let mut parts = outside_quotes(&member, ';').into_iter();
            let name = parts.next()?.trim().trim_matches('"').to_owned();
            let parameters = parts
                .filter_map(|part| {
                    let (key, value) = part.split_once('=')?;
                    Some((key.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()))
                })
                .collect();
            (!name.is_empty()).then_some(Item { name, parameters })
        })
        .collect()
}

fn outside_quotes(text: &str, separator: char) -> Vec<String> {
    let mut quoted = false;
    let mut parts = vec![String::new()];
    for character in text.chars() {
        quoted ^= character == '"';
        if character == separator && !quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 10:00:00 UTC);

    fn read(headers: &[(&str, &str)]) -> Limits {
        let get = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Limits::read(&get, NOW)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_anything_else_is_nothing() {
        let cases = [
            ("0", Some(0)),
            ("1847", Some(1847)),
            (" 5 ", Some(5)),
            ("Tue, 24 Nov 2026 10:02:03 GMT", Some(123)),
            ("Tue, 24 Nov 2026 09:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(86_400)),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("1.5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(retry_after(text, NOW).map(|wait| wait.as_secs()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_reset_is_read_in_each_form() {
        let cases = [
            ("2026-11-24T10:05Z", Some(300)),
            ("2026-11-24T10:05:30Z", Some(330)),
            ("2026-11-24T10:05:30.250Z", Some(330)),
            ("2026-11-24T11:05:00+01:00", Some(300)),
            ("2026-11-24T11:05+01:00", Some(300)),
            ("1795514460", Some(60)),
            ("2020-01-01T00:00Z", Some(0)),
            ("tomorrow", None),
            ("2026-11-24", None),
            ("ñ026-11-24T10:05Z", None),
        ];
        for (text, expected) in cases {
            let got = read(&[("x-ratelimit-reset", text)]).reset.map(|wait| wait.as_secs());
            assert_eq!(got, expected, "{text:?}");
        }
    }

    #[test]
    fn structured_headers_have_any_number_of_policies_in_any_order() {
        let text = r#""global-app-quota";q=65000;w=3600 , "jira-burst-based"; w=1;q=100;comment="a, b;c""#;
        let limits = read(&[
            ("ratelimit-policy", text),
            ("ratelimit", r#"jira-burst-based;t=1;r=7, "global-app-quota";r=11000;t=600, "broken";r=x;t=1, ;;,"#),
            ("beta-ratelimit-policy", r#""tenant-app-quota";q=100000;w=3600"#),
            ("x-ratelimit-nearlimit", "True"),
            ("x-ratelimit-limit", "350"),
            ("x-ratelimit-remaining", "lots"),
        ]);
        let policy = |name: &str, quota, window, enforced| Policy {
            name: name.into(),
            quota,
            window: Duration::from_secs(window),
            enforced,
        };
        let expected = [
            policy("global-app-quota", 65_000, 3600, true),
            policy("jira-burst-based", 100, 1, true),
            policy("tenant-app-quota", 100_000, 3600, false),
        ];
        assert_eq!(limits.policies, expected);
        let left: Vec<_> = limits.left.iter().map(|l| (l.name.as_str(), l.remaining, l.reset.as_secs())).collect();
        assert_eq!(left, [("jira-burst-based", 7, 1), ("global-app-quota", 11_000, 600)]);
        assert_eq!((limits.limit, limits.remaining, limits.near_limit), (Some(350), None, true));
    }

    #[test]
    fn data_center_tells_how_its_bucket_fills() {
        let limits = read(&[("x-ratelimit-fillrate", "10"), ("x-ratelimit-interval-seconds", "60")]);
        assert_eq!(limits.fill, Some(Fill { tokens: 10, interval: Duration::from_secs(60) }));
        let broken = read(&[("x-ratelimit-fillrate", "10"), ("x-ratelimit-interval-seconds", "0")]);
        assert_eq!(broken.fill, None);
    }

    #[test]
    fn reasons_are_known_by_their_words() {
        let cases = [
            ("jira-quota-global-based", Reason::Quota),
            ("jira-quota-tenant-based", Reason::Quota),
            ("confluence-quota-tenant-based", Reason::Quota),
            ("jira-burst-based", Reason::Burst),
            ("jira-per-issue-on-write", Reason::Object),
            ("jira-cost-based", Reason::Cost),
            ("jira-max-concurrent-threads-per-user", Reason::Concurrent),
            ("something-new", Reason::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(Reason::read(text), expected, "{text}");
        }
    }
}
