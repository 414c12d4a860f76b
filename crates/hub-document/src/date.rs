//! A calendar day, without a time zone: what Jira and Confluence draw as a date lozenge.
//!
//! ADF wants milliseconds since 1970 as a string, the storage format wants `YYYY-MM-DD`; both mean midnight UTC. The two
//! conversions are small enough to keep this crate free of a calendar dependency (days and civil dates after Howard
//! Hinnant, "chrono-Compatible Low-Level Date Algorithms").

use std::fmt;

use serde::{Serialize, Serializer};

const MS_PER_DAY: i64 = 86_400_000;

/// A day between 0001-01-01 and 9999-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    days_since_1970: i64,
}

impl Date {
    /// The day of a calendar date, `None` when there is no such day.
    #[must_use]
    pub fn from_ymd(year: u16, month: u8, day: u8) -> Option<Self> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let date = Self { days_since_1970: days_from_civil(i64::from(year), i64::from(month), i64::from(day)) };
        // A day that the month does not have comes back as a day of the next month.
        (date.civil() == (i64::from(year), i64::from(month), i64::from(day))).then_some(date)
    }

    /// Reads exactly `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if parts.next().is_some() || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
            return None;
        }
        Self::from_ymd(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    }

    /// The UTC day of a moment in milliseconds since 1970, `None` outside the years 1 to 9999.
    #[must_use]
    pub fn from_epoch_ms(ms: i64) -> Option<Self> {
        let date = Self { days_since_1970: ms.div_euclid(MS_PER_DAY) };
        (1..=9999).contains(&date.civil().0).then_some(date)
    }

    /// Milliseconds from 1970 to midnight UTC of this day.
    #[must_use]
    pub fn epoch_ms(self) -> i64 {
        self.days_since_1970 * MS_PER_DAY
    }

    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.days_since_1970 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day_of_year - (153 * march_month + 2) / 5 + 1)
    }
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (text, ms) in [
            ("1970-01-01", 0),
            ("2026-09-24", 1_790_208_000_000),
            ("2000-02-29", 951_782_400_000),
            ("1969-12-31", -86_400_000),
            ("9999-12-31", 253_402_214_400_000),
            ("0001-01-01", -62_135_596_800_000),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.epoch_ms(), ms, "{text}");
            assert_eq!(date.to_string(), text);
            assert_eq!(Date::from_epoch_ms(ms + 86_399_999), Some(date), "the last millisecond is the same day");
        }
    }

    #[test]
    fn days_that_do_not_exist() {
        for bad in [
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-32",
            "0000-01-01",
            "2026-1-1",
            "2026-01-01T00:00",
            "+026-01-01",
            "",
            "--",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
        assert_eq!(Date::from_epoch_ms(i64::MAX), None);
        assert_eq!(Date::from_epoch_ms(i64::MIN), None);
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in -146_097_i64..146_097 {
            let date = Date::from_epoch_ms(day * MS_PER_DAY).unwrap();
            assert_eq!(Date::parse(&date.to_string()), Some(date));
        }
    }
}
