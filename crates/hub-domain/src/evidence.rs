//! Evidence: a file that a test left behind. What kind it is, where it stands, and how long it is kept; decisions only,
//! from what the caller says.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::{settings::EvidenceSettings, vocabulary::ResultStatus};

/// What a piece of evidence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A picture of what was on the screen.
    Screenshot,
    /// A film of it.
    Video,
    /// A recording of what the browser or the tool did.
    Trace,
    /// What a program wrote line by line.
    Log,
    /// A document about the test.
    Report,
    /// Anything else.
    Other,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Screenshot, Self::Video, Self::Trace, Self::Log, Self::Report, Self::Other];

    /// The kind as tables and settings hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Screenshot => "screenshot",
            Self::Video => "video",
            Self::Trace => "trace",
            Self::Log => "log",
            Self::Report => "report",
            Self::Other => "other",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The kind of a content, by its media type and, where that leaves it open, by what it is called.
    #[must_use]
    pub fn of(content_type: &str, name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".har") || (name.contains("trace") && content_type != "text/html") {
            return Self::Trace;
        }
        match content_type.split_once('/') {
            Some(("image", _)) => Self::Screenshot,
            Some(("video", _)) => Self::Video,
            Some(("text", "html")) | Some((_, "pdf")) => Self::Report,
            Some(("text", _)) => Self::Log,
            Some((_, "json" | "xml")) if name.contains("report") => Self::Report,
            Some(_) | None if name.ends_with(".log") => Self::Log,
            Some(_) | None => Self::Other,
        }
    }
}

/// Where a piece of evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceState {
    /// Known, and not yet in the store: the store was away.
    Pending,
    /// In the store.
    Stored,
    /// An address in the report: it is linked and never fetched.
    Linked,
    /// The report names a file that was not handed over with it.
    MissingSource,
    /// It may not be taken: outside of the report's folder, a link, a device, or too large.
    Refused,
    /// Its time is over; its bytes are about to go.
    Expired,
    /// Its bytes are gone.
    Deleted,
}

impl EvidenceState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Stored, Self::Linked, Self::MissingSource, Self::Refused, Self::Expired, Self::Deleted];

    /// The state as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Stored => "stored",
            Self::Linked => "linked",
            Self::MissingSource => "missing_source",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }

    /// Finds a state by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether the hub's own link leads to it, now or once: what is not there any more is still told by its link.
    #[must_use]
    pub fn has_link(self) -> bool {
        match self {
            Self::Pending | Self::Stored | Self::Expired | Self::Deleted => true,
            Self::Linked | Self::MissingSource | Self::Refused => false,
        }
    }
}

/// What retention looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What it is.
    pub kind: EvidenceKind,
    /// The outcome of the test that left it.
    pub result: ResultStatus,
    /// Since when it is known.
    pub since: OffsetDateTime,
    /// Whether its run, or its project, is held.
    pub legal_hold: bool,
    /// Whether the latest version of its report no longer names it.
    pub superseded: bool,
}

/// Whether evidence stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// Its time is over.
    Expire,
}

/// Decides whether evidence stays, as the project's rules are now: a hold wins over everything, a report that no longer
/// names it over its age.
#[must_use]
pub fn verdict(settings: &EvidenceSettings, held: Held, now: OffsetDateTime) -> Verdict {
    if held.legal_hold || settings.legal_hold {
        Verdict::Keep
    } else if held.superseded || expires_at(settings, held.kind, held.result, held.since) <= now {
        Verdict::Expire
    } else {
        Verdict::Keep
    }
}

/// The moment at which the rules let evidence go.
#[must_use]
pub fn expires_at(
    settings: &EvidenceSettings,
    kind: EvidenceKind,
    result: ResultStatus,
    since: OffsetDateTime,
) -> OffsetDateTime {
    let days = Duration::days(i64::from(settings.days(kind, result)));
    since.checked_add(days).unwrap_or(PrimitiveDateTime::MAX.assume_utc())
}

/// The stable link of evidence: the hub's public address and the token. Nothing where the hub has no public address.
#[must_use]
pub fn link(settings: &EvidenceSettings, token: &str) -> Option<String> {
    let base = settings.public_url.trim_end_matches('/');
    (!base.is_empty()).then(|| format!("{base}/e/{token}"))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::settings::RetentionRule;

    #[test]
    fn kinds_follow_the_content_and_then_the_name() {
        let cases = [
            ("image/png", "test-failed-1.png", EvidenceKind::Screenshot),
            ("image/png", "trace-1.png", EvidenceKind::Trace),
            ("video/webm", "video", EvidenceKind::Video),
            ("application/zip", "trace.zip", EvidenceKind::Trace),
            ("application/zip", "logs.zip", EvidenceKind::Other),
            ("application/json", "network.har", EvidenceKind::Trace),
            ("text/plain", "stdout", EvidenceKind::Log),
            ("application/octet-stream", "app.log", EvidenceKind::Log),
            ("text/html", "trace.html", EvidenceKind::Report),
            ("application/pdf", "summary.pdf", EvidenceKind::Report),
        ];
        for (content_type, name, kind) in cases {
            assert_eq!(EvidenceKind::of(content_type, name), kind, "{content_type} {name}");
        }
    }

    fn held(kind: EvidenceKind, result: ResultStatus) -> Held {
        Held { kind, result, since: datetime!(2026-01-01 0:00 UTC), legal_hold: false, superseded: false }
    }

    #[test]
    fn failed_evidence_outlives_passed_and_a_hold_wins_over_everything() {
        let settings = EvidenceSettings::default();
        let shot = EvidenceKind::Screenshot;
        let at = |days: i64| datetime!(2026-01-01 0:00 UTC) + Duration::days(days);
        for (result, days) in [(ResultStatus::Failed, 180), (ResultStatus::Broken, 180), (ResultStatus::Passed, 30)] {
            assert_eq!(verdict(&settings, held(shot, result), at(days) - Duration::SECOND), Verdict::Keep);
            assert_eq!(verdict(&settings, held(shot, result), at(days)), Verdict::Expire, "{result:?}");
        }
        let kept = Held { legal_hold: true, superseded: true, ..held(shot, ResultStatus::Passed) };
        assert_eq!(verdict(&settings, kept, at(9_999)), Verdict::Keep);
        let project = EvidenceSettings { legal_hold: true, ..EvidenceSettings::default() };
        assert_eq!(verdict(&project, held(shot, ResultStatus::Passed), at(9_999)), Verdict::Keep);
        let dropped = Held { superseded: true, ..held(shot, ResultStatus::Failed) };
        assert_eq!(verdict(&settings, dropped, at(0)), Verdict::Expire);
    }

    #[test]
    fn the_first_rule_that_fits_counts_and_no_age_overflows() {
        let rule = |kind, result: Option<&str>, days| RetentionRule { kind, result: result.map(str::to_owned), days };
        let settings = EvidenceSettings {
            retention: vec![
                rule(Some(EvidenceKind::Video), Some("passed"), 3),
                rule(Some(EvidenceKind::Video), None, 60),
                rule(None, Some("flaky"), 7),
                rule(None, None, u32::MAX),
            ],
            ..EvidenceSettings::default()
        };
        let days = |kind, result| settings.days(kind, result);
        assert_eq!(days(EvidenceKind::Video, ResultStatus::Passed), 3);
        assert_eq!(days(EvidenceKind::Video, ResultStatus::Failed), 60);
        assert_eq!(days(EvidenceKind::Log, ResultStatus::Flaky), 7);
        assert_eq!(days(EvidenceKind::Log, ResultStatus::Failed), u32::MAX);
        let since = datetime!(2026-01-01 0:00 UTC);
        // No year can hold it.
        assert!(expires_at(&settings, EvidenceKind::Log, ResultStatus::Failed, since).year() == 9999);
    }

    #[test]
    fn a_link_needs_a_public_address() {
        let at = |url: &str| EvidenceSettings { public_url: url.to_owned(), ..EvidenceSettings::default() };
        assert_eq!(link(&at(""), "abc"), None);
        assert_eq!(link(&at("https://hub.example.com/qa/"), "abc").unwrap(), "https://hub.example.com/qa/e/abc");
    }
}
