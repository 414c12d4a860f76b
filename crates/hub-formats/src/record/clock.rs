//! Moments and durations as tools write them, turned into the two forms that records hold: text that reads as RFC 3339,
//! and milliseconds.

/// The milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Why a moment was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    /// It is no whole number of milliseconds.
    NoNumber,
    /// Its year is not between 2000 and 2100: a counter that was never set, or seconds taken for milliseconds.
    Year,
}

impl Odd {
    /// What is wrong, as a fragment.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::NoNumber => "is not a number of milliseconds since 1970",
            Self::Year => "is not a moment between the years 2000 and 2100",
        }
    }
}

/// The milliseconds since 1970 that a text says, where they lie between the years 2000 and 2100.
///
/// # Errors
/// The text is no number, or the year is another.
pub(crate) fn epoch(text: &str) -> Result<i64, Odd> {
    let ms: i64 = text.trim().parse().map_err(|_| Odd::NoNumber)?;
    if (2000..=2100).contains(&date(ms.div_euclid(DAY)).0) { Ok(ms) } else { Err(Odd::Year) }
}

/// Milliseconds since 1970 as RFC 3339 text in UTC: `2014-10-10T13:58:59.363Z`.
pub(crate) fn rfc3339(ms: i64) -> String {
    let (year, month, day) = date(ms.div_euclid(DAY));
    let of_day = ms.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", of_day % 1_000)
}

/// The same as text, where the year lies between 2000 and 2100: what lies outside is damage, not a date.
pub(crate) fn from_epoch_ms(ms: i64) -> Option<String> {
    (2000..=2100).contains(&date(ms.div_euclid(DAY)).0).then(|| rfc3339(ms))
}

/// The date of a day since 1970, in the Gregorian calendar.
fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that a leap day is the last day of its year; an era has 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since 1970 of a date; the inverse of [`date`].
fn day(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The milliseconds since 1970 of digits in the order year, month, day, hour, minute, second, fraction, whatever stands
/// between them: `20240102 03:04:05.678`, `2024-01-02T03:04:05.678901`. A zone is not looked at, so that only the
/// difference of two means something.
pub(crate) fn local(text: &str) -> Option<i64> {
    let digits: Vec<i64> = text.chars().filter_map(|c| c.to_digit(10)).map(i64::from).take(17).collect();
    if digits.len() < 14 || text.chars().any(char::is_alphabetic) && !text.contains('T') {
        return None;
    }
    let number =
        |from: usize, count: usize| digits.iter().skip(from).take(count).fold(0, |sum, digit| sum * 10 + digit);
    let (year, month, of_month) = (number(0, 4), number(4, 2), number(6, 2));
    let (hour, minute, second) = (number(8, 2), number(10, 2), number(12, 2));
    let valid = (1..=12).contains(&month) && (1..=31).contains(&of_month) && hour < 24 && minute < 60 && second < 61;
    let fraction = (14..17).fold(0, |sum, at| sum * 10 + digits.get(at).copied().unwrap_or(0));
    let of_day = hour * 3_600_000 + minute * 60_000 + second * 1_000 + fraction;
    valid.then(|| day(year, month, of_month) * DAY + of_day)
}

/// A duration in milliseconds from seconds as tools write them: `0.123`, `1,234.5`, `0,5`, `1.2e-05`, nothing.
///
/// # Errors
/// A fragment that says why it is no duration.
pub(crate) fn seconds(text: &str) -> Result<Option<u64>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let seconds: f64 = match text.parse() {
        Ok(seconds) => seconds,
        Err(_) => plain(text).parse().map_err(|_| "is not a number of seconds")?,
    };
    if !seconds.is_finite() {
        return Err("is not a number of seconds");
    }
    whole(seconds * 1_000.0).map(Some)
}

/// Without thousands separators and with a decimal point: the last of `,` and `.` is the decimal sign, unless it is
/// there several times.
fn plain(text: &str) -> String {
    let decimal = match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(point)) if comma > point => ',',
        (Some(_), None) if text.matches(',').count() == 1 => ',',
        _ => '.',
    };
    let repeated = text.matches(decimal).count() > 1;
    text.chars()
        .filter_map(|c| match c {
            '\u{a0}' | '\u{202f}' | ' ' | '\'' => None,
            '.' | ',' => (c == decimal && !repeated).then_some('.'),
            c => Some(c),
        })
        .collect()
}

/// A duration as .NET writes it: `00:00:01.2345678`, with days before a point: `1.00:00:00`.
///
/// # Errors
/// A fragment that says why it is no duration.
pub(crate) fn span(text: &str) -> Result<Option<u64>, &'static str> {
    const NONE: &str = "is not a duration as hours:minutes:seconds";
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut parts = text.split(':');
    let (Some(hours), Some(minutes), Some(rest), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(NONE);
    };
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let number = |text: &str| text.parse::<u32>().map(f64::from).map_err(|_| NONE);
    let seconds = rest.parse::<f64>().map_err(|_| NONE)?;
    whole(((number(days)? * 24.0 + number(hours)?) * 60.0 + number(minutes)?) * 60_000.0 + seconds * 1_000.0).map(Some)
}

/// Whole milliseconds of a duration.
fn whole(ms: f64) -> Result<u64, &'static str> {
    let ms = ms.round();
    if ms < 0.0 {
        return Err("is negative");
    }
    if ms.is_nan() {
        return Err("is not a number");
    }
    // A century: beyond it the value is a time of day or an error, and below it the conversion is exact.
    if ms > 3.2e12 {
        return Err("is longer than a century");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3.2e12, checked above")]
    Ok(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_become_moments_within_bounds() {
        for (text, expect) in [
            ("1412949539363", Ok("2014-10-10T13:58:59.363Z")),
            (" 951782400000 ", Ok("2000-02-29T00:00:00.000Z")),
            ("4133980799999", Ok("2100-12-31T23:59:59.999Z")),
            ("4133980800000", Err(Odd::Year)),
            ("946684799999", Err(Odd::Year)),
            ("0", Err(Odd::Year)),
            ("-1", Err(Odd::Year)),
            ("1412949539", Err(Odd::Year)),
            ("9223372036854775807", Err(Odd::Year)),
            ("++34600000000", Err(Odd::NoNumber)),
            ("", Err(Odd::NoNumber)),
        ] {
            assert_eq!(epoch(text).map(rfc3339), expect.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn every_day_of_the_century_comes_back() {
        for days in 10_000..50_000 {
            let (year, month, of_month) = date(days);
            assert_eq!(day(year, month, of_month), days);
        }
    }

    #[test]
    fn local_moments_are_read_in_both_forms() {
        let old = local("20240102 03:04:05.678").unwrap();
        assert_eq!(rfc3339(old), "2024-01-02T03:04:05.678Z");
        assert_eq!(local("2024-01-02T03:04:05.678901"), Some(old));
        assert_eq!(local("2024-01-02T03:04:05").map(|ms| old - ms), Some(678));
        for text in ["N/A", "", "20241302 03:04:05.678", "2024"] {
            assert_eq!(local(text), None, "{text}");
        }
    }

    #[test]
    fn durations_of_every_locale() {
        for (text, expect) in [
            ("0.123", Ok(Some(123))),
            ("3", Ok(Some(3000))),
            ("", Ok(None)),
            (" 1.5 ", Ok(Some(1500))),
            ("1,234.5", Ok(Some(1_234_500))),
            ("1.234,5", Ok(Some(1_234_500))),
            ("12,345,678", Ok(Some(12_345_678_000))),
            ("0,5", Ok(Some(500))),
            ("1 234,5", Ok(Some(1_234_500))),
            ("1.2e-05", Ok(Some(0))),
            ("0.0006", Ok(Some(1))),
            ("-0.000", Ok(Some(0))),
            ("-1", Err("is negative")),
            ("NaN", Err("is not a number of seconds")),
            ("inf", Err("is not a number of seconds")),
            ("<<computed>>", Err("is not a number of seconds")),
            ("++34600000000", Err("is not a number of seconds")),
            ("1e300", Err("is longer than a century")),
        ] {
            assert_eq!(seconds(text), expect, "{text:?}");
        }
    }

    #[test]
    fn durations_of_every_shape() {
        for (text, expect) in [
            ("00:00:00.1618538", Ok(Some(162))),
            ("00:02:10.0157226", Ok(Some(130_016))),
            ("1.02:00:00", Ok(Some(93_600_000))),
            ("00:00:00", Ok(Some(0))),
            ("", Ok(None)),
            ("12", Err("is not a duration as hours:minutes:seconds")),
            ("00:00:NaN", Err("is not a number")),
            ("1:00:1e300", Err("is longer than a century")),
            ("-00:00:01", Err("is not a duration as hours:minutes:seconds")),
        ] {
            assert_eq!(span(text), expect, "{text}");
        }
    }
}
