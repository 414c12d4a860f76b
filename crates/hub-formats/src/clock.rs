//! Moments that a format writes as a number, as text.

/// The moment so many milliseconds after the beginning of 1970, as RFC 3339 in UTC; nothing outside of the years 2000
/// to 2100, where a number is damage and no date.
pub(crate) fn from_epoch_ms(ms: i64) -> Option<String> {
    const DAY_MS: i64 = 86_400_000;
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    // Days since 1 March of the year 0, in eras of 400 years: a leap day is then the last of its year.
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    if !(2000..=2100).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    let milli = of_day % 1_000;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_and_damage_is_none() {
        for (ms, expect) in [
            (1_609_459_200_000, Some("2021-01-01T00:00:00.000Z")),
            (1_709_208_000_123, Some("2024-02-29T12:00:00.123Z")),
            (946_684_800_000, Some("2000-01-01T00:00:00.000Z")),
            (951_868_799_999, Some("2000-02-29T23:59:59.999Z")),
            (951_868_800_000, Some("2000-03-01T00:00:00.000Z")),
            (4_133_980_799_999, Some("2100-12-31T23:59:59.999Z")),
            (946_684_799_999, None),
            (4_133_980_800_000, None),
            (0, None),
            (-1, None),
            (i64::MIN, None),
            (i64::MAX, None),
        ] {
            assert_eq!(from_epoch_ms(ms).as_deref(), expect, "{ms}");
        }
    }
}
