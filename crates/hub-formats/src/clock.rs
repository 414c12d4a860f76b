//! Times that reports write as numbers, as the text that records hold.

/// The first and the last second that are believed: years 2000 to 2100. What lies outside is damage, not a date.
const BELIEVED: std::ops::Range<i64> = 946_684_800..4_133_980_800;

/// Milliseconds since 1970 as RFC 3339 in UTC: `2026-01-05T10:00:00.250Z`. Nothing outside of the years 2000 to 2100.
pub(crate) fn from_epoch_ms(ms: i64) -> Option<String> {
    let (seconds, ms) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    if !BELIEVED.contains(&seconds) {
        return None;
    }
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(day);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"))
}

/// The date of a day counted from 1970-01-01: years are counted from March, so that a leap day is the last of its year.
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::from_epoch_ms;

    #[test]
    fn milliseconds_become_moments_and_damage_does_not() {
        for (ms, expect) in [
            (946_684_800_000, Some("2000-01-01T00:00:00.000Z")),
            (1_480_450_650_430, Some("2016-11-29T20:17:30.430Z")),
            (1_709_208_000_007, Some("2024-02-29T12:00:00.007Z")),
            (1_767_225_599_999, Some("2025-12-31T23:59:59.999Z")),
            (4_133_980_799_999, Some("2100-12-31T23:59:59.999Z")),
            (4_133_980_800_000, None),
            (946_684_799_999, None),
            (0, None),
            (34_600_000_000, None),
            (i64::MIN, None),
            (i64::MAX, None),
        ] {
            assert_eq!(from_epoch_ms(ms).as_deref(), expect, "{ms}");
        }
    }
}
