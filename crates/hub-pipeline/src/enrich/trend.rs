//! The trend: a run beside the runs of its series before it. Later runs never change what is said here.

use hub_domain::{
    entity::Counts,
    insight::{MAX_INSIGHT_LINES, MAX_TREND_RUNS, Trend, TrendCase, TrendCases, TrendRun, pass_rate},
    vocabulary::ResultStatus,
};

use crate::{fingerprint, words};

/// The longest series, in characters.
const MAX_SERIES: usize = 300;

/// The series that a run stands in: the same title apart from its numbers and dates, environment and platform.
#[must_use]
pub fn series(title: &str, environment: Option<&str>, platform: Option<&str>) -> String {
    let title = fingerprint::normalised(title);
    let key = words::key(&title.replace('#', " "));
    let text = format!("{key}|{}|{}", environment.unwrap_or_default(), platform.unwrap_or_default());
    text.chars().take(MAX_SERIES).collect()
}

/// Compares a run with the runs before it, the latest first; `cases` are those that are of interest in it or in the latest
/// of these, in the order of their ids. Nothing where there is no run before it.
#[must_use]
pub fn compare(counts: &Counts, mut earlier: Vec<TrendRun>, cases: &[TrendCase]) -> Option<Trend> {
    let before = pass_rate(&earlier.first()?.counts);
    let change = pass_rate(counts)
        .zip(before)
        .and_then(|(now, before)| Some(i64::try_from(now).ok()? - i64::try_from(before).ok()?));
    let failing = |status: Option<ResultStatus>| status.is_some_and(ResultStatus::unsuccessful);
    let which = |keep: &dyn Fn(&TrendCase) -> bool| {
        let kept: Vec<&TrendCase> = cases.iter().filter(|case| keep(case)).collect();
        TrendCases { count: kept.len() as u64, first: kept.into_iter().take(MAX_INSIGHT_LINES).cloned().collect() }
    };
    let passed_now = |case: &TrendCase| matches!(case.now, Some(ResultStatus::Passed | ResultStatus::Flaky));
    earlier.truncate(MAX_TREND_RUNS);
    Some(Trend {
        earlier,
        pass_rate_change: change,
        newly_failing: which(&|case| failing(case.now) && !failing(case.before)),
        still_failing: which(&|case| failing(case.now) && failing(case.before)),
        fixed: which(&|case| failing(case.before) && passed_now(case)),
        flaky: which(&|case| case.now == Some(ResultStatus::Flaky)),
    })
}

#[cfg(test)]
mod tests {
    use hub_domain::ExternalId;
    use time::macros::datetime;

    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId::new(text).unwrap()
    }

    #[test]
    fn runs_of_a_night_are_one_series_and_another_environment_is_another() {
        let nightly = series("Nightly 2026-01-12", Some("staging"), Some("ios"));
        assert_eq!(nightly, series("Nightly 2026-02-01", Some("staging"), Some("ios")));
        assert_eq!(series("nightly-1", None, None), series("nightly-27", None, None));
        assert_eq!(series("20260112-103000", None, None), series("20260113-104512", None, None));
        assert_ne!(nightly, series("Nightly 2026-01-12", Some("production"), Some("ios")));
        assert_ne!(nightly, series("Nightly 2026-01-12", Some("staging"), None));
        assert_ne!(nightly, series("Smoke 2026-01-12", Some("staging"), Some("ios")));
    }

    #[test]
    fn cases_are_sorted_by_what_became_of_them() {
        use ResultStatus::{Broken, Failed, Flaky, Passed, Skipped};
        let case = |name: &str, before, now| TrendCase { case: id(name), before, now };
        let cases = [
            case("A", Some(Passed), Some(Failed)),
            case("B", Some(Failed), Some(Broken)),
            case("C", Some(Failed), Some(Passed)),
            case("D", Some(Failed), Some(Skipped)),
            case("E", Some(Failed), None),
            case("F", None, Some(Failed)),
            case("G", Some(Broken), Some(Flaky)),
        ];
        let counts = |passed, failed| Counts { passed, failed, ..Counts::default() };
        let earlier =
            vec![TrendRun { run: id("r1"), began_at: Some(datetime!(2026-01-01 0:00 UTC)), counts: counts(2, 1) }; 12];
        let trend = compare(&counts(199, 1), earlier, &cases).unwrap();
        let names = |cases: &TrendCases| cases.first.iter().map(|c| c.case.as_str().to_owned()).collect::<String>();
        assert_eq!(names(&trend.newly_failing), "AF");
        assert_eq!(names(&trend.still_failing), "B");
        assert_eq!(names(&trend.fixed), "CG");
        assert_eq!(names(&trend.flaky), "G");
        assert_eq!(trend.pass_rate_change, Some(99 - 66), "both rounded down");
        assert_eq!(trend.earlier.len(), MAX_TREND_RUNS);
        assert_eq!(compare(&counts(1, 0), Vec::new(), &cases), None);
        let idle =
            vec![TrendRun { run: id("r1"), began_at: Some(datetime!(2026-01-01 0:00 UTC)), counts: Counts::default() }];
        assert_eq!(compare(&counts(1, 0), idle, &[]).unwrap().pass_rate_change, None);
    }
}
